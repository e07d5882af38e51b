//! Headers of a recorded request that a journey sends.

/// Headers that are left out: those that brunt sets itself, or that belong to one connection, cache or trace.
const LEFT_OUT: [&str; 22] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "proxy-connection",
    "keep-alive",
    "expect",
    "te",
    "trailer",
    "upgrade",
    "upgrade-insecure-requests",
    "dnt",
    "pragma",
    "cache-control",
    "if-none-match",
    "if-modified-since",
    "priority",
    "traceparent",
    "tracestate",
    "x-request-id",
    "x-correlation-id",
    "proxy-authorization",
];

/// Removes the headers that are left out.
pub(super) fn retain(headers: &mut Vec<(String, String)>) {
    headers.retain(|(name, _)| {
        let lower = name.trim().to_ascii_lowercase();
        // In HTTP/2, the request line is part of the headers.
        !lower.starts_with(':') && !lower.starts_with("sec-") && !LEFT_OUT.contains(&lower.as_str())
    });
}
