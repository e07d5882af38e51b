//! Examples of failures: what one of them looked like, with the request's secrets masked.

use crate::http1::Answer;

/// Header fields whose values are secrets.
const SECRET_FIELDS: [&str; 5] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
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
    without(text.to_owned(), &secrets_in(&request))
}

/// What a head holds in fields that are secret.
pub(crate) fn secrets_in(message: &str) -> Vec<String> {
    let head = message.split("\r\n\r\n").next().unwrap_or_default();
    let fields = head.split("\r\n").filter_map(|line| line.split_once(": "));
    let mut secrets = Vec::new();
    for (name, value) in fields {
        let name = name.to_ascii_lowercase();
        let value_of = |pair: &str| {
            pair.split_once('=')
                .map(|(_, value)| value.trim().to_owned())
        };
        match name.as_str() {
            "cookie" => secrets.extend(value.split(';').filter_map(value_of)),
            "set-cookie" => secrets.extend(value.split(';').take(1).filter_map(value_of)),
            // What comes before the blank is the scheme.
            name if is_secret(name) => {
                secrets.extend(value.split_once(' ').map(|(_, value)| value.to_owned()));
                secrets.push(value.to_owned());
            }
            _ => {}
        }
    }
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
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
