//! What is monitored, as the user named it.

use std::path::PathBuf;

use url::Url;

use crate::cli::watch::WatchArgs;

/// What is monitored: each with its name; without a name, the process under test.
#[derive(Debug, Clone, Default)]
pub(crate) struct WatchConfig {
    pub(crate) sources: Vec<(Option<String>, WatchSource)>,
}

/// Where a monitored process is found.
#[derive(Debug, Clone)]
pub(crate) enum WatchSource {
    Process(u32),
    /// The process that listens on this TCP port.
    Listener(u16),
    Cgroup(PathBuf),
    /// The process that exposes these Prometheus metrics.
    Metrics(Url),
}

impl WatchConfig {
    /// Whether a process under test is named.
    pub(crate) fn names_target(&self) -> bool {
        self.sources.iter().any(|(name, _)| name.is_none())
    }
}

impl From<&WatchArgs> for WatchConfig {
    fn from(args: &WatchArgs) -> Self {
        let pids = args.pid.iter();
        let pids = pids.map(|one| (one.name.clone(), WatchSource::Process(one.value)));
        let ports = args.port.iter();
        let ports = ports.map(|one| (one.name.clone(), WatchSource::Listener(one.value)));
        let cgroups = args.cgroup.iter();
        let cgroups = cgroups.map(|one| (one.name.clone(), WatchSource::Cgroup(one.value.clone())));
        let urls = args.metrics_url.iter();
        let urls = urls.map(|one| (one.name.clone(), WatchSource::Metrics(one.value.clone())));
        Self {
            sources: pids.chain(ports).chain(cgroups).chain(urls).collect(),
        }
    }
}
