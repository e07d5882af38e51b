//! Secrets: what must not stand in a file that is passed around. Known by the name of the header or
//! field, or by the look of the value.
//!
//! The scenario language reads no environment yet, so a header is left out, and a field gets a text in
//! its place: [`STAND_IN`] and [`Secret`] are all that knows of it.

/// Stands where a secret stood.
pub(crate) const STAND_IN: &str = "REPLACE-ME";

/// A header that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Secret {
    /// The header.
    pub(crate) header: String,
    /// What may be shown of its value: the scheme, and dots.
    pub(crate) shown: String,
}

impl Secret {
    pub(crate) fn of_header(name: &str, value: &str) -> Self {
        const SCHEMES: [&str; 5] = ["Bearer", "Basic", "Token", "Digest", "ApiKey"];
        let first = value.split_whitespace().next().unwrap_or_default();
        let scheme = SCHEMES
            .iter()
            .find(|scheme| scheme.eq_ignore_ascii_case(first));
        let shown = scheme.map_or_else(|| "…".to_owned(), |scheme| format!("{scheme} …"));
        Self {
            header: name.to_owned(),
            shown,
        }
    }

    /// How to add it.
    pub(crate) fn warning(&self) -> String {
        let Self { header, shown } = self;
        format!(
            "the header `{header}` is a secret and was left out; before a run, write it under \
             [headers] of the scenario: {header} = \"{shown}\""
        )
    }
}

/// Whether a value looks like a secret whatever its name: a JSON web token, or a key of a known make.
pub(crate) fn looks_secret(value: &str) -> bool {
    const MAKES: [&str; 9] = [
        "ghp_",
        "gho_",
        "github_pat_",
        "xoxb-",
        "xoxp-",
        "sk_live_",
        "sk-",
        "AKIA",
        "glpat-",
    ];
    let value = value.trim();
    let value = value
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map_or(value, |(_, token)| token);
    let is_web_token = value.starts_with("eyJ") && value.matches('.').count() >= 2;
    let is_word = !value.contains(char::is_whitespace);
    let is_key = value.len() >= 20 && MAKES.iter().any(|make| value.starts_with(make));
    is_word && (is_web_token || is_key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_looks() {
        assert!(looks_secret("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc"));
        assert!(looks_secret(
            "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc"
        ));
        assert!(looks_secret("ghp_0123456789abcdefghij"));
        assert!(!looks_secret("eyJ is how it begins. It ends. So."));
        assert!(!looks_secret("sk-short"));
    }

    #[test]
    fn only_the_scheme_is_shown() {
        let secret = Secret::of_header("Authorization", "bearer abc.def");
        assert_eq!(secret.shown, "Bearer …");
        assert!(!secret.warning().contains("abc"));
        assert_eq!(Secret::of_header("Cookie", "sid=1").shown, "…");
    }
}
