//! References: paths that begin with an expression. Their results are paths, or links as a page contains them, which are
//! resolved against the URL of the host as a browser would (URL Standard, section 4.4).

use url::{Position, Url};

use crate::expr::context::EvalContext;
use crate::expr::error::EvalError;
use crate::expr::expression::{FormFields, Template};

/// A path that begins with an expression.
#[derive(Debug, Clone)]
pub struct Reference {
    /// Text of the reference: values of the first expression as they are, and the rest in percent-encoding.
    pub(crate) text: Template,
    /// Query parameters that are appended.
    pub(crate) query: FormFields,
}

/// Largest number of characters of a reference in a message.
const SHOWN_MAX: usize = 100;

impl Reference {
    /// Appends the path and the query; `into` ends with the path of the host. Returns the URL if its origin is not that
    /// of the host.
    pub(crate) fn render(
        &self,
        context: &mut EvalContext,
        (host, base_path): (&Url, &str),
        into: &mut Vec<u8>,
    ) -> Result<Option<Box<Url>>, EvalError> {
        let start = into.len();
        self.text.render(context, into)?;
        if is_path(&into[start..]) {
            self.query.render(context, into)?;
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&into[start..]).into_owned();
        let mut url = resolve(&text, host, base_path).map_err(EvalError::Failed)?;
        let start = start - base_path.len();
        into.truncate(start);
        into.extend_from_slice(url[Position::BeforePath..Position::AfterQuery].as_bytes());
        self.query.render(context, into)?;
        if url.origin() == host.origin() {
            return Ok(None);
        }
        let target = String::from_utf8_lossy(&into[start..]);
        url.set_query(target.split_once('?').map(|(_, query)| query));
        Ok(Some(Box::new(url)))
    }
}

/// Whether a text is a path that can be sent as it is: common, and cheaper than resolving it.
pub(crate) fn is_path(text: &[u8]) -> bool {
    let is_absolute = text.first() == Some(&b'/') && text.get(1) != Some(&b'/');
    let is_sendable = |byte: &u8| byte.is_ascii_graphic() && !b"\"#<>\\^`{|}".contains(byte);
    is_absolute && text.iter().all(is_sendable) && memchr::memmem::find(text, b"/.").is_none()
}

/// Resolves a reference. A path is appended to the path of the host, like any other path. A relative path is resolved in
/// the folder that the path of the host is, and a query alone against the path itself.
fn resolve(text: &str, host: &Url, base_path: &str) -> Result<Url, String> {
    // Browsers ignore these, too.
    let text = text.trim_matches(|letter: char| letter <= ' ');
    let is_slash = |at: usize| matches!(text.as_bytes().get(at), Some(b'/' | b'\\'));
    let joined = if is_slash(0) && !is_slash(1) {
        host.join(&format!("{base_path}{text}"))
    } else if text.is_empty() || text.starts_with(['?', '#']) {
        host.join(text)
    } else {
        let mut folder = host.clone();
        folder.set_path(&format!("{base_path}/"));
        folder.join(text)
    };
    let url = joined.map_err(|error| {
        let shown = shown(text);
        format!("invalid path or URL `{shown}`: {error}")
    })?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!(
            "invalid path or URL `{}`: must be a path like /items, or a URL with http or https",
            shown(text)
        ));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "the URL of a request contains credentials; remove them, and write `auth` instead"
                .to_owned(),
        );
    }
    Ok(url)
}

fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn resolved(text: &str, host: &str) -> Result<String, String> {
        let host = Url::parse(host).unwrap();
        let base_path = host.path().trim_end_matches('/');
        resolve(text, &host, base_path).map(|url| url.to_string())
    }

    /// Right values: `new URL(text, host)` in a browser, if the host has no path.
    #[test]
    fn reference_is_resolved_as_a_browser_resolves_a_link() {
        for (text, expected) in [
            ("", "http://h:1/"),
            ("health", "http://h:1/health"),
            ("./health", "http://h:1/health"),
            ("../../health", "http://h:1/health"),
            ("/a/../b", "http://h:1/b"),
            ("/a/%2e%2E/b", "http://h:1/b"),
            ("?a=b c", "http://h:1/?a=b%20c"),
            ("#part", "http://h:1/#part"),
            ("  /a b\t", "http://h:1/a%20b"),
            ("/a\r\nX: y", "http://h:1/aX:%20y"),
            ("/a\u{0}\u{1f}\u{7f}", "http://h:1/a%00%1F%7F"),
            ("/é?é", "http://h:1/%C3%A9?%C3%A9"),
            ("\\a\\b", "http://h:1/a/b"),
            ("http:a", "http://h:1/a"),
            ("HTTP://H:1/a", "http://h:1/a"),
            ("http://h:01/a#b", "http://h:1/a#b"),
            ("//other/a", "http://other/a"),
            ("/\\other/a", "http://other/a"),
            ("/\t/other/a", "http://other/a"),
            ("https://h:1/a", "https://h:1/a"),
        ] {
            assert_eq!(
                resolved(text, "http://h:1").as_deref(),
                Ok(expected),
                "{text:?}"
            );
        }
    }

    #[test]
    fn path_of_the_host_precedes_paths_and_is_the_folder_of_relative_ones() {
        for (text, expected) in [
            ("", "http://h/api/v1"),
            ("?a", "http://h/api/v1?a"),
            ("/items", "http://h/api/v1/items"),
            ("/../items", "http://h/api/items"),
            ("items", "http://h/api/v1/items"),
            ("../items", "http://h/api/items"),
            ("//h/items", "http://h/items"),
            ("http://h/items", "http://h/items"),
        ] {
            assert_eq!(
                resolved(text, "http://h/api/v1").as_deref(),
                Ok(expected),
                "{text:?}"
            );
        }
        assert_eq!(resolved("", "http://h/a/").as_deref(), Ok("http://h/a/"));
        assert_eq!(resolved("b", "http://h/a/").as_deref(), Ok("http://h/a/b"));
    }

    #[test]
    fn reference_that_is_not_an_http_url_is_refused() {
        for (text, part) in [
            ("localhost:8000/a", "`localhost:8000/a`: must be a path"),
            ("mailto:a@b", "must be a path"),
            ("javascript:alert(1)", "must be a path"),
            ("ftp://h/a", "must be a path"),
            ("http://", "`http://`: empty host"),
            ("///other", "`///other`: empty host"),
            ("http://h:99999/", "invalid port number"),
            ("http://[::1", "invalid path or URL `http://[::1`"),
            ("//u@h/a", "write `auth` instead"),
            ("http://:s3cr3t@h:1/a", "credentials"),
        ] {
            let error = resolved(text, "http://h:1").unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
            assert!(!error.contains("s3cr3t"), "{error}");
        }
        let long = resolved(&format!("a:{}", "é".repeat(200)), "http://h").unwrap_err();
        assert!(long.contains("é…`"), "{long}");
    }

    #[test]
    fn only_a_path_that_needs_no_resolving_is_sent_as_it_is() {
        for text in ["/", "/a", "/a?b=c/d&e=%20", "/a//b", "/%", "/a.b"] {
            assert!(is_path(text.as_bytes()), "{text}");
        }
        for text in [
            "", "a", "//a", "/\\a", "/a b", "/a\r\nb", "/a#b", "/a/./b", "/../a", "/é", "/a\u{7f}",
            "?a",
        ] {
            assert!(!is_path(text.as_bytes()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn resolved_target_is_one_word_of_ascii_that_begins_with_a_slash(
            text in "[\\PC\r\n\t\u{0} /?#:@%\\\\.]{0,20}",
            path in "(/|/a|/a/)",
        ) {
            let host = Url::parse(&format!("http://h{path}")).unwrap();
            let base_path = host.path().trim_end_matches('/');
            let target = if is_path(text.as_bytes()) {
                format!("{base_path}{text}")
            } else if let Ok(url) = resolve(&text, &host, base_path) {
                url[Position::BeforePath..Position::AfterQuery].to_owned()
            } else {
                return Ok(());
            };
            prop_assert!(target.starts_with('/'), "{}", target);
            prop_assert!(target.bytes().all(|byte| byte.is_ascii_graphic()), "{}", target);
        }
    }
}
