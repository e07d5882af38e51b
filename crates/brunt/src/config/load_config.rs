//! Load of a run: scenario, network, and overrides of a profile.

use std::time::Duration;

use brunt_scenario::{Overrides, Plan, Profile, Scenario, SearchBy, Tags};

use super::network_config::NetworkConfig;
use super::scenario_source::ScenarioSource;
use crate::cli::load::{LoadArgs, SearchByArg, SelectionArgs};
use crate::exit::Failure;
use crate::system::preflight;

/// Load of a run.
#[derive(Debug, Clone)]
pub(crate) struct LoadConfig {
    pub(crate) source: ScenarioSource,
    pub(crate) network: NetworkConfig,
    pub(crate) selection: Selection,
    users: Option<u32>,
    spawn_rate: Option<f64>,
    rate: Option<f64>,
    duration: Option<Duration>,
    search_by: Option<SearchBy>,
    pub(crate) seed: Option<u64>,
    /// Whether threads busy-wait at the end of each wait.
    pub(crate) is_busy_waiting: bool,
    /// Maximum wait for requests in flight when the load stops.
    pub(crate) stop_timeout: Duration,
}

/// Selected classes and tasks.
#[derive(Debug, Clone)]
pub(crate) struct Selection {
    pub(crate) classes: Vec<String>,
    pub(crate) tags: Tags,
}

impl From<&SelectionArgs> for Selection {
    fn from(args: &SelectionArgs) -> Self {
        Self {
            classes: args.classes.clone(),
            tags: Tags {
                only: args.tags.clone(),
                without: args.exclude_tags.clone(),
            },
        }
    }
}

impl Selection {
    /// Whether anything is selected.
    pub(crate) fn is_given(&self) -> bool {
        let lists = [&self.classes, &self.tags.only, &self.tags.without];
        lists.iter().any(|list| !list.is_empty())
    }
}

impl LoadConfig {
    /// Resolves the options; `duration` overrides that of the profile.
    pub(crate) fn new(args: &LoadArgs, duration: Option<Duration>) -> Result<Self, Failure> {
        let search_by = |by: SearchByArg| match by {
            SearchByArg::Arrivals => SearchBy::Arrivals,
            SearchByArg::Users => SearchBy::Users,
        };
        Ok(Self {
            source: ScenarioSource::from(&args.scenario).with_http(args.network.http),
            network: NetworkConfig::new(&args.network)?,
            selection: (&args.selection).into(),
            users: args.users,
            spawn_rate: args.spawn_rate,
            rate: args.rate,
            duration,
            search_by: args.search_by.map(search_by),
            seed: args.seed,
            is_busy_waiting: args.busy_wait,
            stop_timeout: args.stop_timeout,
        })
    }

    /// Reads the scenario, applies the options, and prints warnings.
    pub(crate) fn scenario(&self) -> Result<Scenario, Failure> {
        self.network.apply(&self.source, self.source.read()?)
    }

    /// Reads the scenario again, without printing its warnings again.
    pub(crate) fn scenario_again(&self) -> Result<Scenario, Failure> {
        let scenario = self.source.read_again(&[])?;
        self.network.apply(&self.source, scenario)
    }

    /// Compiles a profile for a number of load processes.
    pub(crate) fn plan(
        &self,
        scenario: &Scenario,
        profile: &str,
        processes: u32,
    ) -> Result<Plan, Failure> {
        let overrides = Overrides {
            users: self.users,
            spawn_rate: self.spawn_rate,
            rate: self.rate,
            duration: self.duration,
            search_by: self.search_by,
            tags: self.selection.tags.clone(),
        };
        let classes = &self.selection.classes;
        let has_several = |profile: &Profile| !profile.concurrent.is_empty();
        if !classes.is_empty() && scenario.profiles.get(profile).is_some_and(has_several) {
            return Err(Failure::Input(format!(
                "profile `{profile}` assigns user classes to its concurrent loads; omit --classes"
            )));
        }
        let plan = Plan::new(scenario, profile, &overrides, classes);
        let mut plan = plan.map_err(|error| Failure::Input(error.to_string()))?;
        preflight::bound_search(&mut plan, processes);
        Ok(plan)
    }

    /// Whether an option changes the load.
    pub(crate) fn is_given(&self) -> bool {
        let level = self.users.is_some() || self.spawn_rate.is_some() || self.rate.is_some();
        let duration = self.duration.is_some() || self.search_by.is_some();
        let users = self.network.names_hosts() || self.selection.is_given();
        level || duration || users || self.seed.is_some()
    }
}

/// Names of the user classes that get users by weight or by a fixed count.
pub(crate) fn active_classes(scenario: &Scenario) -> Vec<String> {
    let classes = scenario.classes.iter();
    let active = classes
        .filter(|class| class.weight > 0.0 || class.fixed_count.is_some_and(|count| count > 0));
    active.map(|class| class.name.clone()).collect()
}
