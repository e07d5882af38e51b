//! Monitored processes.

use std::path::PathBuf;

use url::Url;

use crate::cli::watch::WatchArgs;

/// Monitored processes with their names; the one without a name is the process under test.
#[derive(Debug, Clone, Default)]
pub(crate) struct WatchConfig {
    pub(crate) sources: Vec<(Option<String>, WatchSource)>,
}

/// Source of readings of a process.
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
    /// Whether the options select the process under test.
    pub(crate) fn names_target(&self) -> bool {
        self.sources.iter().any(|(name, _)| name.is_none())
    }
}

impl From<&WatchArgs> for WatchConfig {
    fn from(args: &WatchArgs) -> Self {
        let pids = args.pid.iter();
        let pids = pids.map(|arg| (arg.name.clone(), WatchSource::Process(arg.value)));
        let ports = args.port.iter();
        let ports = ports.map(|arg| (arg.name.clone(), WatchSource::Listener(arg.value)));
        let cgroups = args.cgroup.iter();
        let cgroups = cgroups.map(|arg| (arg.name.clone(), WatchSource::Cgroup(arg.value.clone())));
        let urls = args.metrics_url.iter();
        let urls = urls.map(|arg| (arg.name.clone(), WatchSource::Metrics(arg.value.clone())));
        Self {
            sources: pids.chain(ports).chain(cgroups).chain(urls).collect(),
        }
    }
}
