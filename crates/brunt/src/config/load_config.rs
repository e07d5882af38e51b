//! Options that say how load is made: those of every command that plays a profile.

use std::time::Duration;

use brunt_scenario::{Overrides, Plan, Profile, Scenario, SearchBy, Tags};

use crate::config::network_config::ReachOptions;
use crate::config::scenario_source::ScenarioOptions;
use crate::exit::Failure;
use crate::system::preflight;

/// How load is made.
#[derive(Debug, clap::Args)]
pub(crate) struct LoadOptions {
    #[command(flatten)]
    pub(crate) from: ScenarioOptions,
    #[command(flatten)]
    pub(crate) reach: ReachOptions,
    /// Set the maximum number of users; other levels scale in proportion [default: from the profile]
    #[arg(short = 'u', long, value_parser = clap::value_parser!(u32).range(1..))]
    users: Option<u32>,
    /// Start this many users per second [default: from the profile, scaled by -u and -t]
    #[arg(short = 'r', long, value_name = "RATE", value_parser = positive)]
    spawn_rate: Option<f64>,
    /// Start this many tasks per second (open model), such as 500/s or 3k/min [default: from the profile]
    #[arg(long, value_parser = positive_rate, conflicts_with = "spawn_rate")]
    rate: Option<f64>,
    /// Search over arrivals per second (up to --rate) or users (up to -u) [default: from the profile]
    #[arg(long, value_name = "LOAD", value_enum)]
    search_by: Option<SearchByOption>,
    #[command(flatten)]
    chosen: ChosenOptions,
    /// Seed all random choices with this number [default: a new one for each run]
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Busy-wait for the last 100 µs of each wait: less lag, but the cores are never idle
    #[arg(long)]
    pub(crate) busy_wait: bool,
    /// Hide the progress line
    #[arg(long)]
    pub(crate) headless: bool,
    /// Wait this long for requests in flight when the load stops
    #[arg(long, value_name = "DURATION", value_parser = brunt_scenario::duration, default_value = "30s")]
    pub(crate) stop_timeout: Duration,
}

/// Values of `--search-by`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum SearchByOption {
    Arrivals,
    Users,
}

impl From<SearchByOption> for SearchBy {
    fn from(option: SearchByOption) -> Self {
        match option {
            SearchByOption::Arrivals => Self::Arrivals,
            SearchByOption::Users => Self::Users,
        }
    }
}

/// What of the scenario is played.
#[derive(Debug, clap::Args)]
pub(crate) struct ChosenOptions {
    /// Run only these user classes, separated by commas [default: from the profile]
    #[arg(long, value_name = "CLASS", value_delimiter = ',')]
    pub(crate) users_of: Vec<String>,
    /// Run only tasks with one of these tags, separated by commas
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    tags: Vec<String>,
    /// Skip tasks with one of these tags, separated by commas
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    exclude_tags: Vec<String>,
}

impl ChosenOptions {
    pub(crate) fn tags(&self) -> Tags {
        Tags {
            only: self.tags.clone(),
            without: self.exclude_tags.clone(),
        }
    }

    pub(crate) fn is_given(&self) -> bool {
        let lists = [&self.users_of, &self.tags, &self.exclude_tags];
        lists.iter().any(|list| !list.is_empty())
    }
}

/// How long a run is.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct LengthOptions {
    /// Generate load for this long; stages scale in proportion [default: from the profile]
    #[arg(short = 't', long, value_name = "DURATION", value_parser = positive_duration)]
    pub(crate) duration: Option<Duration>,
}

impl LoadOptions {
    /// The scenario, with what the command line changes of it.
    pub(crate) fn scenario(&self) -> Result<Scenario, Failure> {
        let scenario = self.reach.scenario(&self.from, self.from.read()?)?;
        Ok(self.changed(scenario))
    }

    /// The same without a warning, which the user has read.
    pub(crate) fn scenario_again(&self) -> Result<Scenario, Failure> {
        let scenario = self
            .reach
            .scenario(&self.from, self.from.read_again(&[])?)?;
        Ok(self.changed(scenario))
    }

    fn changed(&self, mut scenario: Scenario) -> Scenario {
        self.reach.change(&mut scenario.network);
        scenario
    }

    /// A profile, compiled; `duration` is how long to make load where it is not as the profile says. So many
    /// processes are to make it.
    pub(crate) fn plan(
        &self,
        scenario: &Scenario,
        profile: &str,
        duration: Option<Duration>,
        processes: u32,
    ) -> Result<Plan, Failure> {
        let overrides = Overrides {
            users: self.users,
            spawn_rate: self.spawn_rate,
            rate: self.rate,
            duration,
            search_by: self.search_by.map(SearchBy::from),
            tags: self.chosen.tags(),
        };
        let has_several = |profile: &Profile| !profile.concurrent.is_empty();
        if !self.chosen.users_of.is_empty()
            && scenario.profiles.get(profile).is_some_and(has_several)
        {
            return Err(Failure::Input(format!(
                "the profile `{profile}` says itself which classes have which load; leave --users-of out"
            )));
        }
        let plan = Plan::new(scenario, profile, &overrides, &self.chosen.users_of);
        let mut plan = plan.map_err(|error| Failure::Input(error.to_string()))?;
        preflight::bound_search(&mut plan, processes);
        Ok(plan)
    }

    /// Whether anything is asked of the load.
    pub(crate) fn is_given(&self) -> bool {
        let level = self.users.is_some() || self.spawn_rate.is_some() || self.rate.is_some();
        let who = self.reach.names_hosts() || self.seed.is_some() || self.chosen.is_given();
        level || self.search_by.is_some() || who
    }
}

fn positive(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|rate: &f64| rate.is_finite() && *rate > 0.0)
        .ok_or_else(|| "give a number above 0".to_owned())
}

fn positive_rate(text: &str) -> Result<f64, String> {
    match brunt_scenario::rate(text) {
        Ok(rate) if rate > 0.0 => Ok(rate),
        Ok(_) => Err("give a rate above 0".to_owned()),
        Err(error) => Err(error),
    }
}

/// A length of time above nothing.
pub(crate) fn positive_duration(text: &str) -> Result<Duration, String> {
    match brunt_scenario::duration(text) {
        Ok(duration) if duration.is_zero() => Err("give more than 0s".to_owned()),
        other => other,
    }
}
