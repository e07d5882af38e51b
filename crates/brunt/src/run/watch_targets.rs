//! What the monitor watches: the process under test, how it was found, and others in addition.

use std::collections::BTreeSet;
use std::path::PathBuf;

use brunt_engine::Origins;
use brunt_monitor::{MetricsSource, Monitor, Pid, Subject};
use url::Url;

use crate::config::watch_config::{WatchConfig, WatchSource};
use crate::exit::{Failure, print_note};
use crate::system::demo_service::DemoService;
use crate::system::http_client;

/// Names that columns and series have already.
const RESERVED_NAMES: [&str; 4] = ["process", "target", "generator", "machine"];

/// Something that is monitored.
#[derive(Debug, Clone)]
pub(crate) struct WatchTarget {
    place: Place,
    /// Description for people, without secrets.
    pub(crate) words: String,
}

#[derive(Debug, Clone)]
enum Place {
    Process(u32),
    Cgroup(PathBuf),
    Metrics(Url),
}

/// All that is monitored.
#[derive(Debug, Clone, Default)]
pub(crate) struct WatchTargets {
    /// The process under test.
    pub(crate) target: Option<WatchTarget>,
    /// Others, with their names.
    pub(crate) additional: Vec<(String, WatchTarget)>,
}

impl WatchTargets {
    /// Finds what the user named.
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

    /// Finds what a run monitors: the embedded agent, the process that the user named, or the one that listens on the
    /// target's port of this machine; and the additional ones.
    pub(crate) fn find(
        config: &WatchConfig,
        agent: Option<&DemoService>,
        target: &Origins,
    ) -> Result<Self, Failure> {
        let mut targets = Self::from_config(config)?;
        if let Some(agent) = agent {
            targets.target = Some(WatchTarget {
                words: "the embedded Application Agent".to_owned(),
                ..WatchTarget::process(agent.pid())
            });
        } else if targets.target.is_none() && target.is_local() {
            let port = target.url.port_or_known_default().unwrap_or(0);
            targets.target = WatchTarget::listener(port).ok();
        }
        Ok(targets)
    }

    /// Description of the process under test.
    pub(crate) fn target_in_words(&self) -> Option<String> {
        self.target.as_ref().map(|target| target.words.clone())
    }

    /// The additional targets, for the run record.
    pub(crate) fn additional(&self) -> Vec<brunt_record::AdditionalTarget> {
        let additional = self.additional.iter();
        let named = |(name, target): &(String, WatchTarget)| brunt_record::AdditionalTarget {
            name: name.clone(),
            description: target.words.clone(),
        };
        additional.map(named).collect()
    }

    /// Starts to monitor.
    pub(crate) fn monitor(&self) -> Result<Monitor, Failure> {
        let target = self.target.as_ref().map(WatchTarget::subject).transpose()?;
        let additional = self.additional.iter().map(|(_, target)| target.subject());
        let additional = additional.collect::<Result<Vec<_>, _>>()?;
        Monitor::new(target, additional).map_err(|error| Failure::Input(error.to_string()))
    }
}

/// Refuses names that are given twice, and more than one process under test.
fn check_names(config: &WatchConfig) -> Result<(), Failure> {
    let mut seen = BTreeSet::new();
    for (name, _) in &config.sources {
        let message = match name.as_deref() {
            Some(name) if RESERVED_NAMES.contains(&name) || seen.contains(&Some(name)) => {
                format!("the name {name} is taken: give the monitored process another")
            }
            None if seen.contains(&None) => {
                "one process is under test: name the others, such as --pid db=4711".to_owned()
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
            place: Place::Process(pid),
            words: format!("process {pid}"),
        }
    }

    fn listener(port: u16) -> Result<Self, Failure> {
        let pid =
            brunt_monitor::listener_of(port).map_err(|error| Failure::Input(error.to_string()))?;
        let pid = pid.as_raw_nonzero().get().unsigned_abs();
        Ok(Self {
            place: Place::Process(pid),
            words: format!("process {pid}, which listens on port {port}"),
        })
    }

    fn cgroup(folder: PathBuf) -> Self {
        Self {
            words: format!("control group {}", folder.display()),
            place: Place::Cgroup(folder),
        }
    }

    fn metrics(url: Url) -> Self {
        Self {
            words: format!(
                "the process with metrics at {}",
                http_client::without_credentials(&url)
            ),
            place: Place::Metrics(url),
        }
    }

    /// Subject for the monitor.
    fn subject(&self) -> Result<Subject, Failure> {
        Ok(match &self.place {
            Place::Process(pid) => {
                let known = i32::try_from(*pid).ok().and_then(Pid::from_raw);
                let invalid = || Failure::Input(format!("invalid process id {pid}"));
                Subject::Process(known.ok_or_else(invalid)?)
            }
            Place::Cgroup(folder) => Subject::ControlGroup(folder.clone()),
            Place::Metrics(url) => {
                let (client, url) = (http_client::client(), url.clone());
                Subject::Page(MetricsSource::new(move || http_client::page(&client, &url)))
            }
        })
    }
}

/// Says what the monitor cannot see, once: what is not known has no value anywhere.
pub(crate) fn tell_unseen<'a>(
    unseen: &'a brunt_record::Unavailable,
    names: impl IntoIterator<Item = &'a str>,
) {
    for (whose, what) in unseen.each(names) {
        print_note(&format!(
            "note: of {} cannot be seen: {}",
            whose.description(),
            what.join("; ")
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn description_of_a_metrics_url_has_no_secret() {
        let url = Url::parse("https://user:secret@host/metrics?token=secret").expect("a URL");
        let words = WatchTarget::metrics(url).words;
        assert!(words.ends_with("at https://host/metrics"), "{words}");
    }
}
