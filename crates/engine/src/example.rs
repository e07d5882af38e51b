//! Examples of failures: what one of them looked like, with the request's secrets masked.

use crate::http1::Answer;

/// Header fields whose values are secrets.
const SECRET_FIELDS: [&str; 4] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "x-api-key",
];

/// Bytes of an answer that an example shows.
const EXCERPT_BYTES: usize = 200;

/// Shorter values are no secrets: masking them would make a text unreadable.
const SECRET_BYTES_MIN: usize = 4;

/// Whether a header field, named in small letters, holds a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    SECRET_FIELDS.contains(&name)
}

/// An answer whose status is not accepted.
pub(crate) fn of_status(accepted: &str, request: &[u8], answer: &Answer) -> String {
    let text = format!("status {}, accepted {accepted}", answer.status);
    with_excerpt(text, &answer.content.kept, request)
}

/// An answer that is not as a check wants it, or lacks what is to be extracted.
pub(crate) fn of_check(text: &str, content: &[u8], request: &[u8]) -> String {
    with_excerpt(masked(text, request), content, request)
}

/// The text without any of these values.
pub(crate) fn without(text: String, secrets: &[String]) -> String {
    let long_enough = secrets
        .iter()
        .filter(|secret| secret.len() >= SECRET_BYTES_MIN);
    long_enough.fold(text, |text, secret| text.replace(secret.as_str(), "***"))
}

fn with_excerpt(mut text: String, content: &[u8], request: &[u8]) -> String {
    let excerpt = &content[..content.len().min(EXCERPT_BYTES)];
    let excerpt = String::from_utf8_lossy(excerpt);
    if !excerpt.trim().is_empty() {
        text.push_str(": ");
        text.push_str(&masked(excerpt.trim(), request));
    }
    text
}

/// The text without any secret that the request's head holds.
fn masked(text: &str, request: &[u8]) -> String {
    let request = String::from_utf8_lossy(request);
    let head = request.split("\r\n\r\n").next().unwrap_or_default();
    let mut masked = text.to_owned();
    for line in head.split("\r\n").skip(1) {
        let Some((name, value)) = line.split_once(": ") else {
            continue;
        };
        if is_secret(&name.to_ascii_lowercase()) {
            // `Bearer TOKEN` and `NAME=VALUE; …` hold their secrets behind a blank or a `=`.
            let parts = value
                .split([' ', '=', ';'])
                .filter(|part| part.len() >= SECRET_BYTES_MIN);
            for secret in std::iter::once(value).chain(parts) {
                masked = masked.replace(secret, "***");
            }
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_repeats_a_secret_does_not_give_it_away() {
        let request =
            b"GET / HTTP/1.1\r\nAuthorization: Bearer s3cr3t\r\nCookie: id=abcd1234\r\n\r\n";
        let text = masked("token s3cr3t of session abcd1234 is no good", request);
        assert_eq!(text, "token *** of session *** is no good");
    }
}
