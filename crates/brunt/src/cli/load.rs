//! Options of every command that sends requests: scenario, network, load.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use brunt_engine::ResolveOverride;
use brunt_scenario::{Assignment, Host, HostUrl, HttpVersion};

use super::values::{positive_duration, positive_number, positive_rate};

/// Scenario file and overrides.
#[derive(Debug, clap::Args)]
pub(crate) struct ScenarioArgs {
    /// Read the scenario from this file
    #[arg(short = 'f', long, value_name = "FILE", default_value = "brunt.toml")]
    pub(crate) file: PathBuf,
    /// Override a scenario value, such as users.normal.wait=1s; repeatable
    #[arg(long, value_name = "KEY=VALUE", value_parser = Assignment::parse)]
    pub(crate) set: Vec<Assignment>,
}

/// Network options.
#[derive(Debug, clap::Args)]
pub(crate) struct NetworkArgs {
    /// Base URL of the service under test, or "embedded" for the built-in demo service; CLASS=URL sets the host of a
    /// user class; repeatable
    /// [default: from the scenario]
    #[arg(long, value_name = "[CLASS=]URL", value_parser = HostArg::parse)]
    pub(crate) host: Vec<HostArg>,
    /// Connect from these local IP addresses (comma-separated) in rotation [default: the system's choice]
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    pub(crate) local_address: Vec<IpAddr>,
    /// Connect to this IP address for a host and port, without DNS; repeatable
    #[arg(long, value_name = "HOST:PORT:ADDRESS")]
    pub(crate) resolve: Vec<ResolveOverride>,
    /// Do not verify TLS certificates; the report notes this
    #[arg(long)]
    pub(crate) insecure: bool,
    /// Use this HTTP version: 1.1, 2, or auto (the server's choice) [default: from the scenario]
    #[arg(long, value_name = "VERSION")]
    pub(crate) http: Option<HttpVersion>,
    /// Wait up to this long for the host to accept a connection before the load starts [default: 1.5s]
    #[arg(long, value_name = "DURATION", value_parser = brunt_scenario::duration)]
    pub(crate) wait_ready: Option<Duration>,
}

/// Value of `--host`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HostArg {
    /// The service under test.
    Service(String),
    /// The host of a user class.
    Class { class: String, url: HostUrl },
}

impl HostArg {
    fn parse(text: &str) -> Result<Self, String> {
        let of_class = text.split_once('=');
        let of_class = of_class.filter(|(class, _)| !class.contains([':', '/']));
        let Some((class, url)) = of_class else {
            return Ok(Self::Service(text.to_owned()));
        };
        match Host::parse(url)? {
            Host::Url(url) => Ok(Self::Class {
                class: class.to_owned(),
                url,
            }),
            Host::Embedded => Err(format!(
                "the host of class `{class}` must be a URL; only the whole run can use the embedded agent"
            )),
        }
    }
}

/// Selection of classes and tasks.
#[derive(Debug, clap::Args)]
pub(crate) struct SelectionArgs {
    /// Run only these user classes (comma-separated) [default: from the profile]
    #[arg(long, value_name = "CLASS", value_delimiter = ',')]
    pub(crate) classes: Vec<String>,
    /// Run only tasks with one of these tags (comma-separated)
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    pub(crate) tags: Vec<String>,
    /// Skip tasks with one of these tags (comma-separated)
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    pub(crate) exclude_tags: Vec<String>,
}

/// Duration of a run.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct DurationArgs {
    /// Generate load for this long; stages scale in proportion [default: from the profile]
    #[arg(short = 't', long, value_name = "DURATION", value_parser = positive_duration)]
    pub(crate) duration: Option<Duration>,
}

/// Load options.
#[derive(Debug, clap::Args)]
pub(crate) struct LoadArgs {
    #[command(flatten)]
    pub(crate) scenario: ScenarioArgs,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
    /// Set the maximum number of users; other levels scale in proportion [default: from the profile]
    #[arg(short = 'u', long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) users: Option<u32>,
    /// Start this many users per second [default: from the profile, scaled by -u and -t]
    #[arg(short = 'r', long, value_name = "RATE", value_parser = positive_number)]
    pub(crate) spawn_rate: Option<f64>,
    /// Start this many tasks per second (open model), such as 500/s or 3k/min [default: from the profile]
    #[arg(long, value_parser = positive_rate, conflicts_with = "spawn_rate")]
    pub(crate) rate: Option<f64>,
    /// Search over arrivals per second (up to --rate) or users (up to -u) [default: from the profile]
    #[arg(long, value_name = "LOAD", value_enum)]
    pub(crate) search_by: Option<SearchByArg>,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    /// Seed all random choices with this number [default: a new one for each run]
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Busy-wait for the last 100 µs of each wait: less lag, but the cores are never idle
    #[arg(long)]
    pub(crate) busy_wait: bool,
    /// Hide the progress line
    #[arg(long)]
    pub(crate) headless: bool,
    /// Wait up to this long for requests in flight when the load stops
    #[arg(long, value_name = "DURATION", value_parser = brunt_scenario::duration, default_value = "30s")]
    pub(crate) stop_timeout: Duration,
}

/// Value of `--search-by`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum SearchByArg {
    Arrivals,
    Users,
}
