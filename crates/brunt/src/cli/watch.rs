//! Monitoring options: one process without a name, and additional named ones.

use std::path::PathBuf;
use std::str::FromStr;

use url::Url;

use super::values::web_url;

/// Monitored processes.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct WatchArgs {
    /// Monitor this process and its children; with NAME=, in addition to the service under test
    #[arg(long, value_name = "[NAME=]PID", value_parser = named::<u32>)]
    pub(crate) pid: Vec<Named<u32>>,
    /// Monitor the process that listens on this TCP port
    #[arg(long, value_name = "[NAME=]PORT", value_parser = named::<u16>)]
    pub(crate) port: Vec<Named<u16>>,
    /// Monitor this cgroup (version 2), such as /sys/fs/cgroup/system.slice/my.service
    #[arg(long, value_name = "[NAME=]PATH", value_parser = named::<PathBuf>)]
    pub(crate) cgroup: Vec<Named<PathBuf>>,
    /// Monitor the process that exposes these Prometheus metrics, on any machine
    #[arg(long, value_name = "[NAME=]URL", value_parser = named_url)]
    pub(crate) metrics_url: Vec<Named<Url>>,
}

/// Value with an optional name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Named<T> {
    pub(crate) name: Option<String>,
    pub(crate) value: T,
}

/// Splits `NAME=VALUE`; the name is optional. Paths and URLs may contain an equals sign, but names contain no slash.
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
    named_by(text, web_url)
}

fn named_by<T>(
    text: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Named<T>, String> {
    let (name, value) = split(text);
    if value.is_empty() {
        return Err("the value is empty".to_owned());
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
    fn name_is_split_from_value_unless_it_is_part_of_a_path() {
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
}
