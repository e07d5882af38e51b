//! Monitored processes: the process under test, how it was found, and additional ones.

use std::collections::BTreeSet;
use std::path::PathBuf;

use brunt_engine::Origins;
use brunt_monitor::{MetricsSource, Monitor, MonitorTarget, Pid};
use url::Url;

use crate::config::watch_config::{WatchConfig, WatchSource};
use crate::exit::{Failure, print_note};
use crate::system::demo_service::DemoService;
use crate::system::http_client;

/// Names that columns and series already use.
const RESERVED_NAMES: [&str; 4] = ["process", "target", "generator", "machine"];

/// A monitored process or group of processes.
#[derive(Debug, Clone)]
pub(crate) struct WatchTarget {
    source: Source,
    /// Description without secrets.
    pub(crate) description: String,
}

#[derive(Debug, Clone)]
enum Source {
    Process(u32),
    Cgroup(PathBuf),
    Metrics(Url),
}

/// All monitored processes.
#[derive(Debug, Clone, Default)]
pub(crate) struct WatchTargets {
    /// The process under test.
    pub(crate) target: Option<WatchTarget>,
    /// Others, with their names.
    pub(crate) additional: Vec<(String, WatchTarget)>,
}

impl WatchTargets {
    /// Finds the processes of the options.
    pub(crate) fn from_config(config: &WatchConfig) -> Result<Self, Failure> {
        check_names(config)?;
        let mut targets = Self::default();
        for (name, source) in &config.sources {
            let target = match source {
                WatchSource::Process(pid) => WatchTarget::process(*pid),
                WatchSource::Listener(port) => WatchTarget::listener(*port)?,
                WatchSource::Cgroup(folder) => WatchTarget::cgroup(folder.clone()),
                WatchSource::Metrics(url) => WatchTarget::metrics(url.clone()),
            };
            match name {
                Some(name) => targets.additional.push((name.clone(), target)),
                None => targets.target = Some(target),
            }
        }
        Ok(targets)
    }

    /// Finds the processes to monitor in a run: the embedded agent, the process from the options, or the process that
    /// listens on the port of a local service; and the additional ones.
    pub(crate) fn find(
        config: &WatchConfig,
        agent: Option<&DemoService>,
        target: &Origins,
    ) -> Result<Self, Failure> {
        let mut targets = Self::from_config(config)?;
        if let Some(agent) = agent {
            targets.target = Some(WatchTarget {
                description: "the embedded Application Agent".to_owned(),
                ..WatchTarget::process(agent.pid())
            });
        } else if targets.target.is_none() && target.is_local() {
            let port = target.url.port_or_known_default().unwrap_or(0);
            targets.target = WatchTarget::listener(port).ok();
        }
        Ok(targets)
    }

    /// Description of the process under test.
    pub(crate) fn target_description(&self) -> Option<String> {
        self.target
            .as_ref()
            .map(|target| target.description.clone())
    }

    /// The additional targets, for the run record.
    pub(crate) fn additional(&self) -> Vec<brunt_record::AdditionalTarget> {
        let additional = self.additional.iter();
        let named = |(name, target): &(String, WatchTarget)| brunt_record::AdditionalTarget {
            name: name.clone(),
            description: target.description.clone(),
        };
        additional.map(named).collect()
    }

    /// Starts the monitor.
    pub(crate) fn monitor(&self) -> Result<Monitor, Failure> {
        let target = self
            .target
            .as_ref()
            .map(WatchTarget::monitor_target)
            .transpose()?;
        let additional = self
            .additional
            .iter()
            .map(|(_, target)| target.monitor_target());
        let additional = additional.collect::<Result<Vec<_>, _>>()?;
        Monitor::new(target, additional).map_err(|error| Failure::Input(error.to_string()))
    }
}

/// Checks that names are unique, and that there is at most one process under test.
fn check_names(config: &WatchConfig) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    for (name, _) in &config.sources {
        let message = match name.as_deref() {
            Some(name) if RESERVED_NAMES.contains(&name) || seen.contains(&Some(name)) => {
                format!("the name `{name}` of a monitored process is reserved or used twice; choose another")
            }
            None if seen.contains(&None) => {
                "only one process can be the process under test; name the others, such as --pid db=1234".to_owned()
            }
            name => {
                seen.insert(name);
                continue;
            }
        };
        return Err(Failure::Input(message));
    }
    Ok(())
}

impl WatchTarget {
    fn process(pid: u32) -> Self {
        Self {
            source: Source::Process(pid),
            description: format!("process {pid}"),
        }
    }

    fn listener(port: u16) -> Result<Self, Failure> {
        let pid =
            brunt_monitor::listener_of(port).map_err(|error| Failure::Input(error.to_string()))?;
        let pid = pid.as_raw_nonzero().get().unsigned_abs();
        Ok(Self {
            source: Source::Process(pid),
            description: format!("process {pid}, which listens on port {port}"),
        })
    }

    fn cgroup(folder: PathBuf) -> Self {
        Self {
            description: format!("cgroup {}", folder.display()),
            source: Source::Cgroup(folder),
        }
    }

    fn metrics(url: Url) -> Self {
        Self {
            description: format!(
                "the process with metrics at {}",
                http_client::without_credentials(&url)
            ),
            source: Source::Metrics(url),
        }
    }

    /// Target for the monitor.
    fn monitor_target(&self) -> Result<MonitorTarget, Failure> {
        Ok(match &self.source {
            Source::Process(pid) => {
                let known = i32::try_from(*pid).ok().and_then(Pid::from_raw);
                let invalid = || Failure::Input(format!("invalid process id {pid}"));
                MonitorTarget::Process(known.ok_or_else(invalid)?)
            }
            Source::Cgroup(folder) => MonitorTarget::ControlGroup(folder.clone()),
            Source::Metrics(url) => {
                let (client, url) = (http_client::client(), url.clone());
                MonitorTarget::MetricsEndpoint(MetricsSource::new(move || {
                    http_client::get_text(&client, &url)
                }))
            }
        })
    }
}

/// Prints which metrics the monitor cannot read. They have no values in the record.
pub(crate) fn print_unavailable<'a>(
    unavailable: &'a brunt_record::Unavailable,
    names: impl IntoIterator<Item = &'a str>,
) {
    for (subject, reasons) in unavailable.each(names) {
        print_note(&format!(
            "note: some metrics of {} are unavailable: {}",
            subject.description(),
            reasons.join("; ")
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn description_of_a_metrics_url_has_no_secret() {
        let url = Url::parse("https://user:secret@host/metrics?token=secret").expect("a URL");
        let description = WatchTarget::metrics(url).description;
        assert!(
            description.ends_with("at https://host/metrics"),
            "{description}"
        );
    }
}
