//! Whether the check fails if tests are skipped.

/// The treatment of tests that cannot run on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strictness {
    /// With `CI=true`: every test must run.
    NothingSkipped,
    /// On a contributor's machine: skipped tests are counted and named.
    SkipsAllowed,
}

impl Strictness {
    /// Reads the environment variable `CI`.
    pub(super) fn from_environment() -> Self {
        if std::env::var_os("CI").is_some_and(|ci| ci == "true") {
            Self::NothingSkipped
        } else {
            Self::SkipsAllowed
        }
    }
}
