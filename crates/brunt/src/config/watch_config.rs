//! Options that say what is watched: processes by their id or port, control groups, pages; one without a
//! name, and others with one.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::str::FromStr;

use brunt_monitor::{PageSource, Pid, Subject};
use url::Url;

use crate::exit::Failure;
use crate::system::http_client;

/// Names that columns and series have already.
const TAKEN: [&str; 4] = ["process", "target", "generator", "machine"];

/// What is watched.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct WatchOptions {
    /// Monitor this process and its children; with NAME=, in addition to the service under test
    #[arg(long, value_name = "[NAME=]PID", value_parser = named::<u32>)]
    pid: Vec<Named<u32>>,
    /// Monitor the process that listens on this TCP port
    #[arg(long, value_name = "[NAME=]PORT", value_parser = named::<u16>)]
    port: Vec<Named<u16>>,
    /// Monitor this cgroup (version 2), such as /sys/fs/cgroup/system.slice/my.service
    #[arg(long, value_name = "[NAME=]PATH", value_parser = named::<PathBuf>)]
    cgroup: Vec<Named<PathBuf>>,
    /// Monitor the process that exposes these Prometheus metrics, on any machine
    #[arg(long, value_name = "[NAME=]URL", value_parser = named_url)]
    metrics_url: Vec<Named<Url>>,
}

/// Something to watch, with the name that the user gave it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Named<T> {
    pub(crate) name: Option<String>,
    pub(crate) value: T,
}

/// What is watched, found.
#[derive(Debug, Clone)]
pub(crate) struct Aim {
    place: Place,
    /// What it is, in words; no secret is among them.
    pub(crate) words: String,
}

#[derive(Debug, Clone)]
enum Place {
    Process(u32),
    ControlGroup(PathBuf),
    Page(Url),
}

/// All that is watched.
#[derive(Debug, Clone, Default)]
pub(crate) struct Aims {
    /// The process under test.
    pub(crate) target: Option<Aim>,
    /// Others, with their names.
    pub(crate) beside: Vec<(String, Aim)>,
}

impl WatchOptions {
    /// Whether a process under test is named.
    pub(crate) fn names_target(&self) -> bool {
        self.names().any(|name| name.is_none())
    }

    /// What the user calls each; `None`: the process under test.
    fn names(&self) -> impl Iterator<Item = Option<&str>> {
        let pids = self.pid.iter().map(|one| &one.name);
        let ports = self.port.iter().map(|one| &one.name);
        let groups = self.cgroup.iter().map(|one| &one.name);
        let pages = self.metrics_url.iter().map(|one| &one.name);
        let all = pids.chain(ports).chain(groups).chain(pages);
        all.map(Option::as_deref)
    }

    /// Names are told apart, and one process at most is under test.
    fn check_names(&self) -> Result<(), Failure> {
        let mut seen = BTreeSet::new();
        for name in self.names() {
            let message = match name {
                Some(name) if TAKEN.contains(&name) || seen.contains(&Some(name)) => {
                    format!("the name {name} is taken: give what is watched another")
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

    /// Finds what is watched.
    pub(crate) fn aims(&self) -> Result<Aims, Failure> {
        self.check_names()?;
        let mut aims = Aims::default();
        for one in &self.pid {
            aims.add(one.name.as_deref(), Aim::process(one.value));
        }
        for one in &self.port {
            aims.add(one.name.as_deref(), Aim::listener(one.value)?);
        }
        for one in &self.cgroup {
            let aim = Aim::control_group(one.value.clone());
            aims.add(one.name.as_deref(), aim);
        }
        for one in &self.metrics_url {
            aims.add(one.name.as_deref(), Aim::page(one.value.clone()));
        }
        Ok(aims)
    }
}

impl Aims {
    fn add(&mut self, name: Option<&str>, aim: Aim) {
        match name {
            Some(name) => self.beside.push((name.to_owned(), aim)),
            None => self.target = Some(aim),
        }
    }
}

impl Aim {
    pub(crate) fn process(pid: u32) -> Self {
        Self {
            place: Place::Process(pid),
            words: format!("process {pid}"),
        }
    }

    pub(crate) fn listener(port: u16) -> Result<Self, Failure> {
        let pid =
            brunt_monitor::listener_of(port).map_err(|error| Failure::Input(error.to_string()))?;
        let pid = pid.as_raw_nonzero().get().unsigned_abs();
        Ok(Self {
            place: Place::Process(pid),
            words: format!("process {pid}, which listens on port {port}"),
        })
    }

    fn control_group(folder: PathBuf) -> Self {
        Self {
            words: format!("control group {}", folder.display()),
            place: Place::ControlGroup(folder),
        }
    }

    fn page(url: Url) -> Self {
        Self {
            words: format!(
                "the process that tells of itself at {}",
                http_client::without_credentials(&url)
            ),
            place: Place::Page(url),
        }
    }

    /// For the monitor.
    pub(crate) fn subject(&self) -> Result<Subject, Failure> {
        Ok(match &self.place {
            Place::Process(pid) => {
                let known = i32::try_from(*pid).ok().and_then(Pid::from_raw);
                let none = || Failure::Input(format!("{pid} is no process id"));
                Subject::Process(known.ok_or_else(none)?)
            }
            Place::ControlGroup(folder) => Subject::ControlGroup(folder.clone()),
            Place::Page(url) => {
                let (client, url) = (http_client::client(), url.clone());
                Subject::Page(PageSource::new(move || http_client::page(&client, &url)))
            }
        })
    }
}

/// `NAME=VALUE`, or a value alone. A path or a URL may have an equals sign, and no name has a slash.
fn split(text: &str) -> (Option<&str>, &str) {
    let is_name = |name: &str| {
        let is_fine = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.chars().all(is_fine)
    };
    match text.split_once('=') {
        Some((name, value)) if is_name(name) => (Some(name), value),
        _ => (None, text),
    }
}

fn named<T: FromStr>(text: &str) -> Result<Named<T>, String>
where
    T::Err: std::fmt::Display,
{
    named_by(text, |value| {
        value.parse().map_err(|error: T::Err| error.to_string())
    })
}

fn named_url(text: &str) -> Result<Named<Url>, String> {
    named_by(text, http_client::web_url)
}

fn named_by<T>(
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Named<T>, String> {
    let (name, value) = split(text);
    if value.is_empty() {
        return Err("nothing to watch is given".to_owned());
    }
    Ok(Named {
        name: name.map(str::to_owned),
        value: parse(value)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_values() {
        for (text, expected) in [
            ("4711", (None, "4711")),
            ("db=4711", (Some("db"), "4711")),
            (
                "web-1=/sys/fs/cgroup/a=b",
                (Some("web-1"), "/sys/fs/cgroup/a=b"),
            ),
            ("/sys/fs/cgroup/a=b", (None, "/sys/fs/cgroup/a=b")),
            ("http://h/m?a=b", (None, "http://h/m?a=b")),
            ("1db=7", (None, "1db=7")),
        ] {
            assert_eq!(split(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_shown_of_a_page_holds_no_secret() {
        let url =
            http_client::web_url("https://user:secret@host/metrics?token=secret").expect("a URL");
        let words = Aim::page(url).words;
        assert!(words.ends_with("at https://host/metrics"), "{words}");
    }
}
