//! Secrets: values that do not belong in a file that is shared, recognized by the name of the header or field, or by
//! the form of the value.
//!
//! The scenario reads them from environment variables.

/// Placeholder for a secret.
pub(crate) const PLACEHOLDER: &str = "REPLACE-ME";

/// Schemes of `Authorization` and of similar headers.
const SCHEMES: [&str; 5] = ["Bearer", "Basic", "Token", "Digest", "ApiKey"];

/// Splits a value into its scheme and the rest.
pub(crate) fn scheme_of(value: &str) -> Option<(&'static str, &str)> {
    let (first, rest) = value.split_once(' ').unwrap_or((value, ""));
    let scheme = SCHEMES
        .iter()
        .find(|scheme| scheme.eq_ignore_ascii_case(first))?;
    Some((scheme, rest.trim()))
}

/// A warning that a secret is read from an environment variable.
pub(crate) fn warning(variable: &str) -> String {
    format!("a secret is not written to the file; set the environment variable {variable} to it")
}

/// Name of the environment variable for a header or a field, such as `X_API_KEY`.
pub(crate) fn variable_of(header: &str) -> String {
    let is_word = |letter: char| letter.is_ascii_alphanumeric();
    if !header.contains(is_word) {
        return "SECRET".to_owned();
    }
    let starts_with_digit = header.starts_with(|letter: char| letter.is_ascii_digit());
    let letters = header.chars().map(|letter| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' => letter.to_ascii_uppercase(),
        _ => '_',
    });
    starts_with_digit
        .then_some('_')
        .into_iter()
        .chain(letters)
        .collect()
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
    fn secret_is_recognized_by_its_format() {
        assert!(looks_secret("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc"));
        assert!(looks_secret(
            "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc"
        ));
        assert!(looks_secret("ghp_0123456789abcdefghij"));
        assert!(!looks_secret("eyJ is how it begins. It ends. So."));
        assert!(!looks_secret("sk-short"));
    }

    #[test]
    fn value_is_split_into_scheme_and_secret() {
        assert_eq!(scheme_of("bearer abc.def"), Some(("Bearer", "abc.def")));
        assert_eq!(scheme_of("abc.def"), None);
        for (name, variable) in [
            ("Cookie", "COOKIE"),
            ("X-Api-Key", "X_API_KEY"),
            ("2fa-token", "_2FA_TOKEN"),
        ] {
            assert_eq!(variable_of(name), variable);
        }
    }
}
