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

/// What stands in the place of a secret.
const MASK: &str = "***";

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
    long_enough.fold(text, |text, secret| text.replace(secret.as_str(), MASK))
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
    let mut secrets = Vec::new();
    with_secrets(message, |secret| {
        secrets.push(secret.to_owned());
        secret.to_owned()
    });
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
}

/// A message without what its head holds in fields that are secret.
pub(crate) fn masked_head(message: &str) -> String {
    with_secrets(message, |_| MASK.to_owned())
}

/// A message with something else in the place of each secret of its head.
fn with_secrets(message: &str, mut replaced: impl FnMut(&str) -> String) -> String {
    let (head, body) = match message.split_once("\r\n\r\n") {
        Some((head, body)) => (head, Some(body)),
        None => (message, None),
    };
    let of_cookie =
        |pair: &str, replaced: &mut dyn FnMut(&str) -> String| match pair.split_once('=') {
            Some((name, value)) => format!("{name}={}", replaced(value)),
            None => pair.to_owned(),
        };
    let lines = head.split("\r\n").map(|line| {
        let Some((name, value)) = line.split_once(": ") else {
            return line.to_owned();
        };
        let value = match name.to_ascii_lowercase().as_str() {
            "cookie" => {
                let pairs = value.split(';').map(|pair| of_cookie(pair, &mut replaced));
                pairs.collect::<Vec<_>>().join(";")
            }
            // What comes behind the first `;` says how it is kept.
            "set-cookie" => match value.split_once(';') {
                Some((pair, rest)) => format!("{};{rest}", of_cookie(pair, &mut replaced)),
                None => of_cookie(value, &mut replaced),
            },
            // What comes before the blank is the scheme.
            field if is_secret(field) => match value.split_once(' ') {
                Some((scheme, secret)) => format!("{scheme} {}", replaced(secret)),
                None => replaced(value),
            },
            _ => return line.to_owned(),
        };
        format!("{name}: {value}")
    });
    let head = lines.collect::<Vec<_>>().join("\r\n");
    match body {
        Some(body) => format!("{head}\r\n\r\n{body}"),
        None => head,
    }
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
