//! Entries that are left out, by reason.

use url::Url;

use crate::warnings::Warnings;

/// Facts of an entry by which it may be left out.
pub(super) struct Facts<'a> {
    pub(super) method: &'a str,
    pub(super) url: &'a Url,
    pub(super) headers: &'a [(String, String)],
    /// Kind of the resource, according to a browser.
    pub(super) kind: &'a str,
    /// Media type of the response.
    pub(super) mime: &'a str,
    pub(super) status: Option<f64>,
}

impl Facts<'_> {
    /// Whether it is an image, a style sheet, a script or the like.
    fn is_static(&self) -> bool {
        self.method.eq_ignore_ascii_case("GET")
            && (is_static_kind(self.kind)
                || is_static_type(self.mime)
                || is_static_path(self.url.path()))
    }

    /// Whether it is a preflight, which browsers send by themselves. Without recorded headers, it is one.
    fn is_preflight(&self) -> bool {
        let asks = |name: &str| name.eq_ignore_ascii_case("access-control-request-method");
        self.method.eq_ignore_ascii_case("OPTIONS")
            && (self.headers.is_empty()
                || self.kind == "preflight"
                || self.headers.iter().any(|(name, _)| asks(name)))
    }
}

/// Numbers of requests that are left out, by reason.
#[derive(Debug, Default)]
pub(super) struct Exclusions {
    statics: usize,
    preflights: usize,
    unanswered: usize,
    pub(super) followed: usize,
    streams: usize,
    pub(super) malformed: usize,
}

impl Exclusions {
    /// Counts an entry that is left out. Returns whether it is.
    pub(super) fn count(&mut self, facts: &Facts) -> bool {
        let is_stream = !matches!(facts.url.scheme(), "http" | "https")
            || matches!(facts.kind, "websocket" | "eventsource");
        let count = if is_stream {
            &mut self.streams
        } else if facts.is_preflight() {
            &mut self.preflights
        } else if facts.is_static() {
            &mut self.statics
        // Browsers write status 0 if there was no response.
        } else if facts.status.is_some_and(|status| status < 100.0) {
            &mut self.unanswered
        } else {
            return false;
        };
        *count += 1;
        true
    }

    pub(super) fn warn(&self, warnings: &mut Warnings) {
        let counts = [
            (self.statics, "images, styles, scripts and fonts"),
            (
                self.preflights,
                "preflight requests of the browser (OPTIONS)",
            ),
            (
                self.unanswered,
                "requests without a response (blocked, canceled, or served from a cache)",
            ),
            (
                self.followed,
                "targets of redirects (brunt follows redirects by itself)",
            ),
            (
                self.streams,
                "WebSockets, event streams, and protocols other than HTTP",
            ),
            (self.malformed, "entries without a method or a URL"),
        ];
        for (count, what) in counts.into_iter().filter(|(count, _)| *count > 0) {
            warnings.add(format!("left out: {what} ({count})"));
        }
    }
}

fn is_static_kind(kind: &str) -> bool {
    matches!(
        kind,
        "image" | "stylesheet" | "script" | "font" | "media" | "manifest" | "texttrack"
    )
}

fn is_static_type(mime: &str) -> bool {
    let mime = mime.trim().to_ascii_lowercase();
    let begins = [
        "image/",
        "font/",
        "audio/",
        "video/",
        "text/css",
        "application/font",
    ];
    let holds = ["javascript", "ecmascript", "wasm", "woff", "manifest+json"];
    begins.iter().any(|begin| mime.starts_with(begin))
        || holds.iter().any(|part| mime.contains(part))
}

fn is_static_path(path: &str) -> bool {
    const ENDINGS: [&str; 24] = [
        "js",
        "mjs",
        "css",
        "map",
        "png",
        "jpg",
        "jpeg",
        "gif",
        "svg",
        "webp",
        "avif",
        "ico",
        "bmp",
        "woff",
        "woff2",
        "ttf",
        "otf",
        "eot",
        "mp3",
        "mp4",
        "webm",
        "wasm",
        "webmanifest",
        "m4s",
    ];
    let ending = path
        .rsplit('/')
        .next()
        .and_then(|name| name.rsplit_once('.'));
    ending.is_some_and(|(_, ending)| ENDINGS.contains(&ending.to_ascii_lowercase().as_str()))
}
