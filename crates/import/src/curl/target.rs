//! The target of a request: what curl sends of a URL.

use std::borrow::Cow;
use std::fmt::Write as _;

use url::Url;

use crate::curl::command_line::MARKS;

/// The parts of a URL that are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// Scheme, host and port, with a path for messages.
    pub(super) url: Url,
    /// Path and query as they are sent.
    pub(super) path_and_query: String,
    /// Name and password of a user, decoded.
    pub(super) user: Option<(String, String)>,
    /// Whether a part was encoded that curl refuses or sends as it is.
    pub(super) is_encoded: bool,
}

/// The reason that a URL is not imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TargetError {
    /// The host is in a variable.
    UnknownHost,
    NotHttp,
}

/// Beginnings of hosts from which curl guesses another protocol.
const OTHER_PROTOCOLS: [&str; 6] = ["ftp.", "dict.", "ldap.", "imap.", "smtp.", "pop3."];

/// Reads a URL. Without a scheme it has the given one, as in curl.
pub(super) fn parse(
    text: &[u8],
    default_scheme: &str,
    keeps_dots: bool,
) -> Result<Target, TargetError> {
    let trimmed = text.trim_ascii();
    let is_trimmed = trimmed.len() < text.len();
    let (scheme, rest) = scheme_of(trimmed).ok_or(TargetError::NotHttp)?;
    let end = rest
        .iter()
        .position(|byte| b"/?#".contains(byte))
        .unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    if authority.windows(MARKS.0.len()).any(|part| part == MARKS.0) {
        return Err(TargetError::UnknownHost);
    }
    let authority = std::str::from_utf8(authority).map_err(|_| TargetError::NotHttp)?;
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    let guesses_other =
        scheme.is_none() && OTHER_PROTOCOLS.iter().any(|begin| host.starts_with(begin));
    if host.is_empty() || guesses_other || host.contains(|letter: char| letter.is_whitespace()) {
        return Err(TargetError::NotHttp);
    }
    let scheme = scheme.unwrap_or_else(|| default_scheme.to_owned());
    if scheme != "http" && scheme != "https" {
        return Err(TargetError::NotHttp);
    }
    let mut url = Url::parse(&format!("{scheme}://{host}/")).map_err(|_| TargetError::NotHttp)?;
    // A backslash would begin the path.
    if url.path() != "/" {
        return Err(TargetError::NotHttp);
    }
    let rest = rest.split(|byte| *byte == b'#').next().unwrap_or_default();
    let (path, query) = match rest.iter().position(|byte| *byte == b'?') {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let (path, path_is_encoded) = encoded(path);
    let path = if keeps_dots {
        path.into()
    } else {
        without_dots(&path)
    };
    let mut target = if path.is_empty() {
        "/".to_owned()
    } else {
        path.into_owned()
    };
    let query = query.map(encoded);
    if let Some((query, _)) = &query {
        target += "?";
        target += query;
    }
    // Only for messages.
    let shown = target.split('?').next().unwrap_or_default();
    url.set_path(&shown.replace(['\u{fdd0}', '\u{fdd1}'], ""));
    Ok(Target {
        url,
        path_and_query: target,
        user: user.map(decoded_user),
        is_encoded: is_trimmed
            || path_is_encoded
            || query.is_some_and(|(_, is_encoded)| is_encoded),
    })
}

/// The scheme in lower case, and what follows its slashes; `None` if it is not followed by slashes.
fn scheme_of(text: &[u8]) -> Option<(Option<String>, &[u8])> {
    let end = text
        .iter()
        .position(|byte| !byte.is_ascii_alphanumeric() && !b"+-.".contains(byte))
        .unwrap_or(text.len());
    let after = &text[end..];
    match after.strip_prefix(b":/") {
        Some(mut after) if end > 0 => {
            // curl accepts one to three slashes.
            for _ in 0..2 {
                after = after.strip_prefix(b"/").unwrap_or(after);
            }
            let scheme = String::from_utf8_lossy(&text[..end]).to_ascii_lowercase();
            Some((Some(scheme), after))
        }
        _ if text.starts_with(b"/") => None,
        _ => Some((None, text)),
    }
}

/// Percent-encodes what is not allowed in a request line, except variables. The second value is whether curl does not.
pub(super) fn encoded(text: &[u8]) -> (String, bool) {
    let (mut encoded, mut is_changed) = (String::new(), false);
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        let mark = [MARKS.0, MARKS.1]
            .into_iter()
            .find(|mark| rest.starts_with(mark));
        if let Some(mark) = mark {
            encoded += &String::from_utf8_lossy(mark);
            rest = &rest[mark.len()..];
            continue;
        }
        if byte.is_ascii_graphic() {
            encoded.push(char::from(byte));
            // brunt encodes them as browsers do (RFC 3986, section 2), curl does not.
            is_changed |= b"\"<>\\^`{|}".contains(&byte);
        } else {
            // Writing to a string cannot fail.
            write!(encoded, "%{byte:02x}").unwrap_or_default();
            is_changed = true;
        }
        rest = after;
    }
    (encoded, is_changed)
}

/// Removes the dots of a path (RFC 3986, section 5.2.4). Encoded ones stay.
fn without_dots(path: &str) -> Cow<'_, str> {
    if !path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return path.into();
    }
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if is_last {
                    kept.push("");
                }
            }
            segment => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/")).into()
}

/// Name and password of a URL.
fn decoded_user(text: &str) -> (String, String) {
    let decoded = |text: &str| {
        // A plus sign is not a space here.
        let pair = format!("={}", text.replace('+', "%2B").replace('&', "%26"));
        let mut pairs = url::form_urlencoded::parse(pair.as_bytes());
        pairs
            .next()
            .map_or_else(String::new, |(_, text)| text.into_owned())
    };
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    (decoded(user), decoded(password))
}

/// Appends a part to the query of a path.
pub(super) fn with_query(target: &str, query: &str) -> String {
    let join = match target.split_once('?') {
        None => "?",
        Some((_, "")) => "",
        Some((_, own)) if own.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{target}{join}{query}")
}

/// Adds the name of an uploaded file to a path that ends with a slash.
pub(super) fn with_file_name(target: &str, file: &str) -> String {
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (target, String::new()),
    };
    let name = file.rsplit(['/', '\\']).next().unwrap_or_default();
    if !path.ends_with('/') {
        return target.to_owned();
    }
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let mut encoded = String::new();
    for byte in name.as_bytes() {
        if is_plain(byte) {
            encoded.push(char::from(*byte));
        } else {
            // Writing to a string cannot fail.
            write!(encoded, "%{byte:02X}").unwrap_or_default();
        }
    }
    format!("{path}{encoded}{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Result<String, TargetError> {
        let target = parse(text.as_bytes(), "http", false)?;
        let origin = target.url.origin().ascii_serialization();
        Ok(format!("{origin}{}", target.path_and_query))
    }

    // Checked with curl 7.88.1, except for spaces, which it refuses.
    #[test]
    fn target_is_what_curl_sends() {
        let cases = [
            ("localhost:8000", "http://localhost:8000/"),
            ("http://h?x=1#a", "http://h/?x=1"),
            ("HTTP:/H/A", "http://h/A"),
            ("http://h/a/../b/./c/%2e%2e/d", "http://h/b/c/%2e%2e/d"),
            ("http://h/a/..", "http://h/"),
            ("http://h/?", "http://h/?"),
            ("http://h/x%zz\"<>\\^`{|}", "http://h/x%zz\"<>\\^`{|}"),
            ("http://h/é b?é", "http://h/%c3%a9%20b?%c3%a9"),
            ("http://u:p%40@h:80/", "http://h/"),
            ("[::1]:8000/a", "http://[::1]:8000/a"),
        ];
        for (text, expected) in cases {
            assert_eq!(target(text).as_deref(), Ok(expected), "{text}");
        }
        let user = parse(b"http://u:p%40+&@h/", "http", false).unwrap().user;
        assert_eq!(user, Some(("u".to_owned(), "p@+&".to_owned())));
        let kept = parse(b"http://h/a/../b", "http", true).unwrap();
        assert_eq!(kept.path_and_query, "/a/../b");
    }

    #[test]
    fn url_of_another_protocol_is_an_error() {
        for text in [
            "ftp://h/a",
            "ftp.h/a",
            "file:///a",
            "//h/a",
            "",
            "http://",
            "ws://h/",
            "a b/c",
        ] {
            assert_eq!(target(text), Err(TargetError::NotHttp), "{text}");
        }
        let variable = "http://\u{fdd0}HOST\u{fdd1}/a";
        assert_eq!(target(variable), Err(TargetError::UnknownHost));
    }

    #[test]
    fn query_and_file_name_are_added_like_in_curl() {
        assert_eq!(with_query("/a", "b=1"), "/a?b=1");
        assert_eq!(with_query("/a?x=1", "b=1"), "/a?x=1&b=1");
        assert_eq!(with_query("/a?x=1&", "b=1"), "/a?x=1&b=1");
        assert_eq!(with_query("/a?", "b=1"), "/a?b=1");
        assert_eq!(with_file_name("/", "dir/a b.txt"), "/a%20b.txt");
        assert_eq!(with_file_name("/up/?x=1", "a"), "/up/a?x=1");
        assert_eq!(with_file_name("/up", "a"), "/up");
    }
}
