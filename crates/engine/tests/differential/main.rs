//! Requests compared with those of curl: the same request, sent by both, has the same bytes on the wire.

#![expect(clippy::unwrap_used, reason = "a missing value fails the test")]

mod curl;
#[path = "../recording/mod.rs"]
mod recording;
#[path = "../test_run/mod.rs"]
#[expect(dead_code, reason = "each test binary uses a part of it")]
mod test_run;
