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

/// Whether a header holds a secret by its name.
pub(crate) fn is_secret_header(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(name.as_str(), "cookie" | "set-cookie") || is_secret_name(&name)
}

/// Whether a field, a parameter or a header holds a secret by its name.
pub(crate) fn is_secret_name(name: &str) -> bool {
    const PARTS: [&str; 13] = [
        "password",
        "passwd",
        "passphrase",
        "secret",
        "token",
        "apikey",
        "authorization",
        "credential",
        "privatekey",
        "accesskey",
        "signature",
        "sessionid",
        "cardnumber",
    ];
    // These are parts of many other words.
    const WHOLE: [&str; 13] = [
        "pwd", "pass", "auth", "sig", "otp", "pin", "ssn", "iban", "xauth", "sid", "jwt", "cvv",
        "cvc",
    ];
    // Counts and kinds of tokens are none.
    const HARMLESS: [&str; 7] = [
        "maxtokens",
        "tokentype",
        "tokens",
        "tokencount",
        "granttype",
        "passwordhint",
        "tokenizer",
    ];
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    if HARMLESS.contains(&plain.as_str()) || plain.ends_with("tokens") {
        return false;
    }
    WHOLE.contains(&plain.as_str()) || PARTS.iter().any(|part| plain.contains(part))
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
    fn secrets_are_known_by_their_names() {
        for name in [
            "Authorization",
            "Cookie",
            "X-Api-Key",
            "x-auth-token",
            "X-CSRF-Token",
            "Proxy-Authorization",
        ] {
            assert!(is_secret_header(name), "{name}");
        }
        for name in [
            "password",
            "newPassword",
            "client_secret",
            "access_token",
            "api_key",
            "pwd",
            "sid",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "Accept",
            "X-Requested-With",
            "max_tokens",
            "token_type",
            "considered",
            "passenger",
            "author",
            "pinned",
            "side",
            "compass",
            "Content-Type",
        ] {
            assert!(!is_secret_header(name), "{name}");
        }
    }

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
