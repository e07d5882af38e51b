//! A session: the runs of one command, each from its host to its files.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use engine::{Reach, Settings, Target, TargetError};
use jiff::Timestamp;
use monitor::{Monitor, Subject};
use record::{Generator, Header, Machine, RunRecord, StoppedBy};
use report::Judged;
use scenario::{Host, Plan, Scenario};
use verdict::{RunResult, Verdict};

use crate::ceiling;
use crate::commands::run::Options;
use crate::descriptors;
use crate::embedded::EmbeddedAgent;
use crate::exit::{Exit, Failure, complain, note};
use crate::interrupt::Interrupts;
use crate::placement::{Placement, place};
use crate::play::{Played, Run};
use crate::results::{self, RunFolder, WriteError};
use crate::screen::{self, LiveLine};
use crate::store;
use crate::watched::Watched;

/// How long the host may take to accept a connection, unless `--wait-ready` says otherwise.
const REACH_WITHIN: Duration = Duration::from_millis(1500);

/// A run that was judged.
pub(crate) struct JudgedRun {
    record: RunRecord,
    verdict: Verdict,
    pub(crate) exit: Exit,
}

/// What the runs of one command have in common.
pub(crate) struct Session<'a> {
    pub(crate) options: &'a Options,
    /// What the user calls them.
    pub(crate) label: Option<&'a str>,
    /// The git commit of the working directory.
    pub(crate) commit: Option<&'a str>,
    pub(crate) scenario: &'a Scenario,
    pub(crate) interrupts: &'a Interrupts,
}

impl Session<'_> {
    /// Plays a profile, judges the run, shows the result and writes what it leaves.
    pub(crate) fn play(
        &self,
        profile: &str,
        plan: Arc<Plan>,
        out: Option<&Path>,
    ) -> Result<JudgedRun, Failure> {
        self.interrupts.nothing_to_lose();
        let host = self.host()?;
        let allowed = monitor::allowed_cpus();
        let embedded = host == Host::Embedded;
        if embedded && (self.options.pid.is_some() || self.options.port.is_some()) {
            let message =
                "--pid and --port go with another host: the embedded agent is watched by itself";
            return Err(Failure::Input(message.into()));
        }
        let patience = self.options.wait_ready.unwrap_or(REACH_WITHIN);
        descriptors::enough_for(&plan)?;
        uploads_are_there(&plan)?;
        let resolve = |url| {
            let reach = Reach {
                pins: self.options.resolve.clone(),
                sources: self.options.source.clone(),
                at_most: patience,
            };
            Target::resolve(url, &plan.network, &reach).map_err(unmeasured)
        };
        let resolved = match &host {
            Host::Url(url) => Some(resolve(url)?),
            Host::Embedded => None,
        };
        let is_local = resolved.as_ref().is_none_or(Target::is_local);
        let placement = place(&allowed, &plan, is_local, embedded);
        let mut agent = None;
        let target = if let Some(target) = resolved {
            target
        } else {
            let agent = agent.insert(EmbeddedAgent::start(&placement.agent)?);
            resolve(agent.url())?
        };
        target.reach(patience).map_err(unmeasured)?;
        let machine = crate::machine::machine();
        if !placement.own.is_empty() {
            monitor::pin_current_thread(&placement.own).context("cannot pin brunt")?;
        }
        let ceiling_rps = ceiling::of(&plan, &placement, &machine);
        let watched = Watched::find(self.options.pid, self.options.port, agent.as_ref(), &target)?;
        let folder = RunFolder::create(out, profile, Timestamp::now())
            .map_err(|error| Failure::Input(error.to_string()))?;
        let mut header = self.header(
            profile,
            &plan,
            &target,
            &placement,
            watched.as_ref(),
            &folder,
        );
        header.machine = machine;
        header.generator.ceiling_rps = ceiling_rps;
        announce(&header, &plan);
        let subject = watched.map_or(Ok(Subject::Nothing), |watched| watched.subject())?;
        let run = Run {
            settings: self.settings(&header, &placement),
            plan,
            target: Arc::new(target),
            header,
            folder: &folder,
            monitor: Monitor::new(subject).map_err(|error| Failure::Input(error.to_string()))?,
            agent: agent.as_mut(),
            interrupts: self.interrupts,
            live: LiveLine::new(self.options.headless),
        };
        let played = run.play()?;
        if !placement.own.is_empty() {
            monitor::pin_current_thread(&allowed).context("cannot unpin brunt")?;
        }
        Ok(self.judge(played, &folder))
    }

    fn host(&self) -> Result<Host, Failure> {
        match (&self.options.host, &self.scenario.host) {
            (Some(text), _) => Host::parse(text).map_err(Failure::Input),
            (None, Some(host)) => Ok(host.clone()),
            (None, None) => {
                let message = "no host: give --host, or write `host = …` in the scenario";
                Err(Failure::Input(message.into()))
            }
        }
    }

    fn header(
        &self,
        profile: &str,
        plan: &Plan,
        target: &Target,
        placement: &Placement,
        watched: Option<&Watched>,
        folder: &RunFolder,
    ) -> Header {
        let timeouts = &plan.network.timeouts;
        let cores = |cores: &[usize]| {
            cores
                .iter()
                .filter_map(|core| u32::try_from(*core).ok())
                .collect()
        };
        Header {
            run_id: folder.run_id.clone(),
            brunt_version: env!("CARGO_PKG_VERSION").into(),
            scenario_file: self.options.file.display().to_string(),
            scenario_hash: self.scenario.hash.clone(),
            profile: profile.into(),
            host: target.url.to_string(),
            embedded: watched.is_some_and(|watched| watched.is_agent),
            started_at: Timestamp::now(),
            seed: self.options.seed.unwrap_or_else(new_seed),
            names: plan.names.clone(),
            classes: plan
                .classes
                .iter()
                .map(|class| (class.name.clone(), class.share))
                .collect(),
            load: plan.load.clone(),
            targets: self.scenario.targets.clone(),
            generator: Generator {
                threads: u32::try_from(placement.threads).unwrap_or(u32::MAX),
                cores: cores(&placement.own),
                target_cores: cores(&placement.agent),
                connections: plan.network.connections.in_words(),
                addresses: target
                    .addresses()
                    .iter()
                    .map(SocketAddr::to_string)
                    .collect(),
                sources: self.options.source.iter().map(IpAddr::to_string).collect(),
                insecure: target.url.scheme() == "https" && plan.network.tls.insecure,
                connect_timeout_s: timeouts.connect.as_secs_f64(),
                tls_timeout_s: timeouts.tls.as_secs_f64(),
                first_byte_timeout_s: timeouts.first_byte.map(|timeout| timeout.as_secs_f64()),
                timeout_s: timeouts.whole.as_secs_f64(),
                stop_timeout_s: self.options.stop_timeout.as_secs_f64(),
                watched: watched.map(|watched| watched.words.clone()),
                ceiling_rps: None,
            },
            machine: Machine::default(),
            label: self.label.map(str::to_owned),
            commit: self.commit.map(str::to_owned),
        }
    }

    fn settings(&self, header: &Header, placement: &Placement) -> Settings {
        Settings {
            seed: header.seed,
            threads: placement.threads,
            cores: placement.own.clone(),
            stop_timeout: self.options.stop_timeout,
            ..Settings::default()
        }
    }

    /// Judges a run, shows the result and writes what it leaves.
    fn judge(&self, played: Played, folder: &RunFolder) -> JudgedRun {
        let Played {
            record,
            write_error,
            aborted,
        } = played;
        let verdict = verdict::judge(&record);
        let exit = self.exit(&record, &verdict);
        let exit = if aborted { Exit::Interrupted } else { exit };
        let mut run = JudgedRun {
            record,
            verdict,
            exit,
        };
        let errors: Vec<WriteError> = write_error
            .into_iter()
            .chain(leave(&run.judged(), folder))
            .collect();
        screen::say(&report::terminal(&run.judged(), screen::width(), true));
        screen::say(&format!("Report:  {}\n", folder.report.display()));
        screen::say(&format!("Results: {}\n", folder.path().display()));
        for error in &errors {
            complain(&error.to_string());
        }
        // The files are whole without it, and the run's own result stands.
        if let Err(error) = store::keep(&run.judged(), folder) {
            note(&format!(
                "warning: the history does not know this run: {error}; once that is mended, \
                 `brunt history --rebuild` adds it from its record"
            ));
        }
        if !errors.is_empty() {
            run.exit = run.exit.worse(Exit::Internal);
        }
        run
    }

    fn exit(&self, record: &RunRecord, verdict: &Verdict) -> Exit {
        let stopped_by = record.ending.as_ref().map(|ending| ending.stopped_by);
        let answered = record
            .timeline
            .seconds()
            .iter()
            .any(|second| second.ok + second.failed > 0);
        match (stopped_by, verdict.result) {
            (Some(StoppedBy::InternalError), _) => Exit::Internal,
            (Some(StoppedBy::SetupFailed), _) => Exit::NothingMeasured,
            (Some(StoppedBy::EverythingFailed | StoppedBy::TargetEnded), _) if !answered => {
                Exit::NothingMeasured
            }
            (_, RunResult::Invalid) => Exit::NotValid,
            (_, RunResult::Graded(worst)) if self.options.passes(worst, verdict) => Exit::Passed,
            (_, RunResult::Graded(_)) => Exit::TargetsMissed,
        }
    }
}

impl JudgedRun {
    pub(crate) fn judged(&self) -> Judged<'_> {
        Judged {
            record: &self.record,
            verdict: &self.verdict,
        }
    }
}

/// Writes all files of a run; those that cannot be written do not keep back the others.
fn leave(run: &Judged, folder: &RunFolder) -> Vec<WriteError> {
    let written = [
        folder.write("summary.json", &report::summary_json(run)),
        folder.write("requests.csv", &report::csv::requests(run.record)),
        folder.write("timeline.csv", &report::csv::timeline(run.record)),
        folder.write("failures.csv", &report::csv::failures(run.record)),
        folder.write("resources.csv", &report::csv::resources(run.record)),
        results::write(&folder.report, &report::html(&[*run])),
    ];
    written.into_iter().filter_map(Result::err).collect()
}

/// Says what is about to be hit, before it is.
fn announce(header: &Header, plan: &Plan) {
    let length = scenario::duration_in_words(Duration::from_secs_f64(plan.load.seconds()));
    let level = scenario::level_in_words(&plan.load);
    let whose = if header.embedded {
        " (the embedded Application Agent)"
    } else {
        ""
    };
    note(&format!(
        "brunt {}: {level} for {length}, seed {}",
        header.profile, header.seed
    ));
    note(&format!("against {}{whose}", header.host));
    if header.generator.insecure {
        note("note: TLS certificates are not verified");
    }
    if header.generator.watched.is_none() {
        note("note: no process is watched; --pid or --port name the service's on this machine");
    }
    if scenario::falls_short(&plan.load) {
        note("note: the load ends before all its users are started; raise -r, or -t");
    }
}

/// What is wrong with the settings is the user's to mend; the rest is the host's.
#[expect(clippy::needless_pass_by_value, reason = "as `map_err` wants it")]
fn unmeasured(error: TargetError) -> Failure {
    match error {
        TargetError::Dns { .. } | TargetError::Unreachable { .. } => {
            Failure::NothingMeasured(error.to_string())
        }
        _ => Failure::Input(error.to_string()),
    }
}

/// Files that are bodies are found before the load, not by its first request.
fn uploads_are_there(plan: &Plan) -> Result<(), Failure> {
    for path in plan.files() {
        let is_file = std::fs::metadata(path).and_then(|found| {
            let no_file = || std::io::Error::other("it is no file");
            found.is_file().then_some(()).ok_or_else(no_file)
        });
        is_file
            .and_then(|()| std::fs::File::open(path))
            .map_err(|error| {
                let path = path.display();
                Failure::Input(format!("the body's file {path} cannot be read: {error}"))
            })?;
    }
    Ok(())
}

fn new_seed() -> u64 {
    // A seed only has to differ from run to run, and to be easy to type again.
    Timestamp::now().as_millisecond().unsigned_abs() % 1_000_000_000
}
