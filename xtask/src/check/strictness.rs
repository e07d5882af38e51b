//! Whether every test must run.

/// Whether a test that cannot run on this machine is a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strictness {
    /// `CI=true`: every test runs.
    NothingSkipped,
    /// A user's machine: skips are counted and named.
    SkipsAllowed,
}

impl Strictness {
    pub(super) fn of_this_run() -> Self {
        if std::env::var_os("CI").is_some_and(|ci| ci == "true") {
            Self::NothingSkipped
        } else {
            Self::SkipsAllowed
        }
    }
}
