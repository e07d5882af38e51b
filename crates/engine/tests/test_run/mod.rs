//! Complete runs of the engine against a server, and their run records.

mod header;

use std::sync::Arc;
use std::time::Duration;

use brunt_engine::{Engine, EngineEvent, NetworkOptions, Origins, OriginsError, Settings};
use brunt_record::{Command, FailureKind, RunRecord, Second};
use brunt_scenario::{Host, Overrides, Plan, Scenario};

use header::header;

/// A run against a server.
pub(crate) struct TestRun {
    pub(crate) scenario: String,
    url: String,
    pub(crate) settings: Settings,
    pub(crate) reach: NetworkOptions,
}

impl TestRun {
    /// A run in which users of one class run these tasks (TOML), all from the start, for a duration.
    pub(crate) fn new(url: &str, users: u32, duration: &str, wait: &str, tasks: &str) -> Self {
        let scenario = format!(
            "[users.u]\nwait = \"{wait}\"\n{tasks}\n\
             [profiles.p]\nusers = {users}\nduration = \"{duration}\"\n"
        );
        let settings = Settings {
            stop_timeout: Duration::from_secs(10),
            ..Settings::default()
        };
        Self {
            scenario,
            url: url.to_owned(),
            settings,
            reach: NetworkOptions {
                lookup_timeout: Duration::from_secs(10),
                ..NetworkOptions::default()
            },
        }
    }

    /// Adds these lines (TOML) at the top of the scenario.
    pub(crate) fn with(mut self, lines: &str) -> Self {
        self.scenario = format!("{lines}\n{}", self.scenario);
        self
    }

    pub(crate) fn plan(&self) -> Plan {
        let scenario = Scenario::read("test.toml", &self.scenario)
            .unwrap_or_else(|error| panic!("{:?}", miette::Report::new(error)));
        Plan::new(&scenario, "p", &Overrides::default(), &[]).expect("the profile exists")
    }

    /// The hosts of the run.
    pub(crate) fn origins(&self) -> Result<Origins, OriginsError> {
        let Ok(Host::Url(url)) = Host::parse(&self.url) else {
            panic!("{} is a URL", self.url)
        };
        Origins::resolve(&url, &self.plan().network, &self.reach)
    }

    pub(crate) fn run(&self) -> RunRecord {
        self.run_with(|_, _| ())
    }

    /// Runs to the end. Calls `each` after every event.
    pub(crate) fn run_with(&self, mut each: impl FnMut(&Engine, &RunRecord)) -> RunRecord {
        let plan = Arc::new(self.plan());
        let target = Arc::new(self.origins().expect("resolved origins"));
        let mut record = RunRecord::new(header(&plan));
        let mut engine =
            Engine::start(&plan, &target, &self.settings, brunt_engine::Clock::start())
                .expect("threads");
        loop {
            match engine.next_event(Duration::from_millis(20)) {
                EngineEvent::Increment(increment) => {
                    record.timeline.merge(&increment).expect("known names");
                }
                EngineEvent::StopTest => engine.command(Command::Stop),
                EngineEvent::Timeout => {}
                EngineEvent::WorkerFailed(reason) => panic!("{reason}"),
                EngineEvent::Ended => return record,
            }
            each(&engine, &record);
        }
    }
}

/// The sum of a counter over all seconds.
pub(crate) fn total(record: &RunRecord, count: impl Fn(&Second) -> u64) -> u64 {
    let seconds = record.timeline.seconds().iter();
    seconds.map(|second| count(&second)).sum()
}

/// Number of failures of a kind, over all request names.
pub(crate) fn failures(record: &RunRecord, kind: FailureKind) -> u64 {
    let all = record.timeline.failures().iter();
    all.filter(|failure| failure.kind == kind)
        .map(|failure| failure.count)
        .sum()
}

pub(crate) fn stop(engine: &Engine) {
    engine.command(Command::Stop);
}
