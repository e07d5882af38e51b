//! Names of secrets: the only definition of which header, parameter, column, key or variable contains a secret.
//!
//! `sensitive_names.txt` lists names for the tests of all callers: the redacted scenario, failure examples,
//! `check --try`, redirects to another origin, HPACK and importers.

/// Parts of secret names.
const PARTS: [&str; 18] = [
    "accesskey",
    "apikey",
    "authorization",
    "bearer",
    "cardnumber",
    "credential",
    "csrf",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "sessid",
    "sessionid",
    "signature",
    "subscriptionkey",
    "token",
    "xsrf",
];

/// Complete secret names, which are also parts of many other words.
const COMPLETE: [&str; 20] = [
    "auth",
    "cookie",
    "cookies",
    "cvc",
    "cvv",
    "iban",
    "jwt",
    "otp",
    "pass",
    "pin",
    "proxyauth",
    "pwd",
    "session",
    "setcookie",
    "sid",
    "sig",
    "ssn",
    "totp",
    "xauth",
    "xsession",
];

/// Endings of names that describe a secret and do not contain it.
const HARMLESS_ENDINGS: [&str; 13] = [
    "count",
    "endpoint",
    "expiresat",
    "expiresin",
    "expiry",
    "hint",
    "length",
    "policy",
    "ttl",
    "type",
    "uri",
    "url",
    "tokenizer",
];

/// Secret names that end with `tokens`. Others are numbers.
const TOKENS: [&str; 8] = [
    "tokens",
    "accesstokens",
    "apitokens",
    "authtokens",
    "csrftokens",
    "idtokens",
    "refreshtokens",
    "sessiontokens",
];

/// Whether a header field, parameter, column, key or variable contains a secret, according to its name. Case, `-`, `_` and
/// other punctuation are ignored.
pub fn is_sensitive_name(name: impl AsRef<[u8]>) -> bool {
    let letters = name
        .as_ref()
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric());
    let plain: String = letters
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect();
    let plain = plain.as_str();
    if COMPLETE.contains(&plain) || TOKENS.contains(&plain) {
        return true;
    }
    let is_harmless = HARMLESS_ENDINGS
        .iter()
        .any(|ending| plain.ends_with(ending));
    let holds_part = PARTS.iter().any(|part| plain.contains(part));
    holds_part && !is_harmless && !plain.ends_with("tokens")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_names_are_recognized_in_any_spelling() {
        for name in [
            "Authorization",
            "Proxy-Authorization",
            "Cookie",
            "set-cookie",
            "X-Api-Key",
            "x-auth-token",
            "X-CSRF-Token",
            "Ocp-Apim-Subscription-Key",
            "password",
            "newPassword",
            "user[password]",
            "client_secret",
            "access_token",
            "tokens",
            "refresh_tokens",
            "api_key",
            "API-KEY",
            "pwd",
            "sid",
            "PHPSESSID",
        ] {
            assert!(is_sensitive_name(name), "{name}");
        }
    }

    #[test]
    fn listed_names_are_sensitive() {
        for name in include_str!("sensitive_names.txt").lines() {
            assert!(is_sensitive_name(name), "{name}");
        }
    }

    #[test]
    fn other_names_are_not_secret() {
        for name in [
            "",
            "Accept",
            "X-Requested-With",
            "max_tokens",
            "prompt_tokens",
            "token_type",
            "token_url",
            "considered",
            "passenger",
            "author",
            "pinned",
            "side",
            "compass",
            "Content-Type",
            "key",
            "user",
        ] {
            assert!(!is_sensitive_name(name), "{name}");
        }
    }
}
