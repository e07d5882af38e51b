//! Options that say how load is made: those of every command that plays a profile.

use std::net::IpAddr;
use std::time::Duration;

use engine::Pin;
use scenario::{Host, HttpVersion, Overrides, Plan, Scenario, Tags};

use crate::descriptors;
use crate::exit::Failure;
use crate::layers::ScenarioOptions;

/// How load is made.
#[derive(Debug, clap::Args)]
pub(crate) struct LoadOptions {
    #[command(flatten)]
    pub(crate) from: ScenarioOptions,
    /// The service under test: a URL, or "embedded" [default: as the scenario says]
    #[arg(long, value_name = "URL")]
    pub(crate) host: Option<String>,
    /// The most users; other levels of the profile keep their proportion
    #[arg(short = 'u', long, value_parser = clap::value_parser!(u32).range(1..))]
    users: Option<u32>,
    /// Users started a second [default: as the profile says, stretched with -u and -t]
    #[arg(short = 'r', long, value_name = "RATE", value_parser = positive)]
    spawn_rate: Option<f64>,
    /// Tasks a second, such as 500/s or 3k/min, whether or not the answers keep up (open model)
    #[arg(long, value_parser = positive_rate, conflicts_with = "spawn_rate")]
    rate: Option<f64>,
    /// Search over users instead of arrivals; -u is then the highest level
    #[arg(long, conflicts_with = "rate")]
    closed: bool,
    /// Only users of these classes, separated by commas
    #[arg(long, value_name = "CLASS", value_delimiter = ',')]
    users_of: Vec<String>,
    /// Only tasks with one of these tags, separated by commas
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    tags: Vec<String>,
    /// No task with one of these tags, separated by commas
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    exclude_tags: Vec<String>,
    /// The seed of all randomness [default: a new one]
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Show no live line
    #[arg(long)]
    pub(crate) headless: bool,
    /// How long requests under way may take to end when the load is stopped
    #[arg(long, value_name = "DURATION", value_parser = scenario::duration, default_value = "30s")]
    pub(crate) stop_timeout: Duration,
    /// Connect from these local addresses, in turn; separated by commas
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    pub(crate) source: Vec<IpAddr>,
    /// Take this address for a host and port, instead of what DNS says; may be given again
    #[arg(long, value_name = "HOST:PORT:ADDRESS")]
    pub(crate) resolve: Vec<Pin>,
    /// Take any TLS certificate; the report says so
    #[arg(long)]
    insecure: bool,
    /// The version of HTTP: 1.1, 2, or auto (what the server picks) [default: as the scenario says]
    #[arg(long, value_name = "VERSION")]
    http: Option<HttpVersion>,
    /// Wait this long for the host to accept a connection before the load
    #[arg(long, value_name = "DURATION", value_parser = scenario::duration)]
    pub(crate) wait_ready: Option<Duration>,
}

/// How long a run is.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct LengthOptions {
    /// How long to make load; the profile's stages keep their proportion
    #[arg(short = 't', long, value_name = "DURATION", value_parser = positive_duration)]
    pub(crate) duration: Option<Duration>,
}

impl LoadOptions {
    /// The scenario, with what the command line changes of it.
    pub(crate) fn scenario(&self) -> Result<Scenario, Failure> {
        let mut scenario = self.from.read()?;
        scenario.network.tls.insecure |= self.insecure;
        scenario.network.http = self.http.unwrap_or(scenario.network.http);
        Ok(scenario)
    }

    /// A profile, compiled; `duration` is how long to make load where it is not as the profile says.
    pub(crate) fn plan(
        &self,
        scenario: &Scenario,
        profile: &str,
        duration: Option<Duration>,
    ) -> Result<Plan, Failure> {
        let overrides = Overrides {
            users: self.users,
            spawn_rate: self.spawn_rate,
            rate: self.rate,
            duration,
            closed: self.closed,
            tags: Tags {
                only: self.tags.clone(),
                without: self.exclude_tags.clone(),
            },
        };
        let plan = Plan::new(scenario, profile, &overrides, &self.users_of);
        let mut plan = plan.map_err(|error| Failure::Input(error.to_string()))?;
        descriptors::bound_search(&mut plan);
        Ok(plan)
    }

    /// Whether anything is asked of the load.
    pub(crate) fn is_given(&self) -> bool {
        let level = self.users.is_some() || self.spawn_rate.is_some() || self.rate.is_some();
        let who = self.host.is_some() || self.seed.is_some() || !self.users_of.is_empty();
        let what = !self.tags.is_empty() || !self.exclude_tags.is_empty();
        level || self.closed || who || what
    }

    /// The service under test.
    pub(crate) fn host(&self, scenario: &Scenario) -> Result<Host, Failure> {
        match (&self.host, &scenario.host) {
            (Some(text), _) => Host::parse(text).map_err(Failure::Input),
            (None, Some(host)) => Ok(host.clone()),
            (None, None) => {
                let message = "no host: give --host, or write `host = …` in the scenario";
                Err(Failure::Input(message.into()))
            }
        }
    }
}

fn positive(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|rate: &f64| rate.is_finite() && *rate > 0.0)
        .ok_or_else(|| "give a number above 0".to_owned())
}

fn positive_rate(text: &str) -> Result<f64, String> {
    match scenario::rate(text) {
        Ok(rate) if rate > 0.0 => Ok(rate),
        Ok(_) => Err("give a rate above 0".to_owned()),
        Err(error) => Err(error),
    }
}

/// A length of time above nothing.
pub(crate) fn positive_duration(text: &str) -> Result<Duration, String> {
    match scenario::duration(text) {
        Ok(duration) if duration.is_zero() => Err("give more than 0s".to_owned()),
        other => other,
    }
}
