//! Options that say how load is made: those of every command that plays a profile.

use std::time::Duration;

use brunt_scenario::{Overrides, Plan, Profile, Scenario, Tags};

use crate::descriptors;
use crate::exit::Failure;
use crate::layers::ScenarioOptions;
use crate::reach_options::ReachOptions;

/// How load is made.
#[derive(Debug, clap::Args)]
pub(crate) struct LoadOptions {
    #[command(flatten)]
    pub(crate) from: ScenarioOptions,
    #[command(flatten)]
    pub(crate) reach: ReachOptions,
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
    #[command(flatten)]
    chosen: ChosenOptions,
    /// The seed of all randomness [default: a new one]
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Do not sleep for the last 100 µs of a wait: less late, and cores that are never idle
    #[arg(long)]
    pub(crate) precise: bool,
    /// Show no live line
    #[arg(long)]
    pub(crate) headless: bool,
    /// How long requests under way may take to end when the load is stopped
    #[arg(long, value_name = "DURATION", value_parser = brunt_scenario::duration, default_value = "30s")]
    pub(crate) stop_timeout: Duration,
}

/// What of the scenario is played.
#[derive(Debug, clap::Args)]
pub(crate) struct ChosenOptions {
    /// Only users of these classes, separated by commas
    #[arg(long, value_name = "CLASS", value_delimiter = ',')]
    pub(crate) users_of: Vec<String>,
    /// Only tasks with one of these tags, separated by commas
    #[arg(long, value_name = "TAG", value_delimiter = ',')]
    tags: Vec<String>,
    /// No task with one of these tags, separated by commas
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
    /// How long to make load; the profile's stages keep their proportion
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
            closed: self.closed,
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
        descriptors::bound_search(&mut plan, processes);
        Ok(plan)
    }

    /// Whether anything is asked of the load.
    pub(crate) fn is_given(&self) -> bool {
        let level = self.users.is_some() || self.spawn_rate.is_some() || self.rate.is_some();
        let who = self.reach.names_hosts() || self.seed.is_some() || self.chosen.is_given();
        level || self.closed || who
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
