//! `brunt run`: plays one profile or all, judges what was seen, and leaves a report.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use engine::{Settings, Target};
use jiff::Timestamp;
use monitor::{Monitor, Pid, Subject};
use record::{Generator, Header, RunRecord, StoppedBy};
use report::Judged;
use scenario::{Host, Overrides, Plan, Scenario};
use url::Url;
use verdict::{Grade, RunResult, Verdict};

use crate::embedded::EmbeddedAgent;
use crate::exit::{Exit, Failure, complain};
use crate::interrupt::Interrupts;
use crate::placement::{Placement, place};
use crate::play::{Played, Run};
use crate::results::{self, RunFolder, WriteError};
use crate::screen::{self, LiveLine};

/// How long the host may take to accept a connection, unless `--wait-ready` says otherwise.
const REACH_WITHIN: Duration = Duration::from_millis(1500);

/// Options of `brunt run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The profile to play: load, stress, spike, endurance, one of your own, or all in turn
    #[arg(value_name = "PROFILE", default_value = "load")]
    profile: String,
    /// The scenario file
    #[arg(short = 'f', long, value_name = "FILE", default_value = "brunt.toml")]
    file: PathBuf,
    /// The service under test: a URL, or "embedded" [default: as the scenario says]
    #[arg(long, value_name = "URL")]
    host: Option<String>,
    /// The most users; other levels of the profile keep their proportion
    #[arg(short = 'u', long, value_parser = clap::value_parser!(u32).range(1..))]
    users: Option<u32>,
    /// Users started a second [default: as the profile says, stretched with -u and -t]
    #[arg(short = 'r', long, value_name = "RATE", value_parser = positive)]
    spawn_rate: Option<f64>,
    /// How long to make load; the profile's stages keep their proportion
    #[arg(short = 't', long, value_name = "DURATION", value_parser = positive_duration)]
    duration: Option<Duration>,
    /// Only users of these classes
    #[arg(long, value_name = "CLASS", num_args = 1.., value_delimiter = ',')]
    users_of: Vec<String>,
    /// The seed of all randomness [default: a new one]
    #[arg(long)]
    seed: Option<u64>,
    /// Put all files in this folder [default: under performance/]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Show no live line
    #[arg(long)]
    headless: bool,
    /// The worst grade that does not pass: exit code 1 from there on
    #[arg(long, value_enum, default_value_t = FailOn::Poor, value_name = "GRADE")]
    fail_on: FailOn,
    /// Fail on targets that are not decided, too
    #[arg(long)]
    strict: bool,
    /// Watch this process with its children
    #[arg(long)]
    pid: Option<u32>,
    /// Watch the process that listens on this TCP port
    #[arg(long, conflicts_with = "pid")]
    port: Option<u16>,
    /// How long requests under way may take to end when the load is stopped
    #[arg(long, value_name = "DURATION", value_parser = scenario::duration, default_value = "30s")]
    stop_timeout: Duration,
    /// Wait this long for the host to accept a connection before the load
    #[arg(long, value_name = "DURATION", value_parser = scenario::duration)]
    wait_ready: Option<Duration>,
}

/// From which grade on a run fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    Poor,
    Critical,
    Never,
}

/// A run that was judged.
struct JudgedRun {
    record: RunRecord,
    verdict: Verdict,
    exit: Exit,
}

pub(crate) fn run(options: Options) -> Result<Exit, Failure> {
    let scenario = read_scenario(&options.file)?;
    let plans = plans(&options, &scenario)?;
    let interrupts = Interrupts::watch().context("cannot watch for signals")?;
    let all = plans.len() > 1;
    let begun = Timestamp::now();
    let mut runs: Vec<JudgedRun> = Vec::new();
    for (profile, plan) in plans {
        let out = options.out.as_ref().map(|out| if all { out.join(&profile) } else { out.clone() });
        let session = Session { options: &options, scenario: &scenario, interrupts: &interrupts };
        runs.push(session.play(&profile, Arc::new(plan), out.as_deref())?);
        if interrupts.count() > 0 {
            break;
        }
    }
    let exit = runs.iter().fold(Exit::Passed, |exit, run| exit.worse(run.exit));
    if !all {
        return Ok(exit);
    }
    let page = results::page_of_all(options.out.as_deref(), begun);
    let judged: Vec<Judged> = runs.iter().map(JudgedRun::judged).collect();
    anstream::print!("{}", report::terminal_of_all(&judged, screen::width(), true));
    Ok(match results::write(&page, &report::html(&judged)) {
        Ok(()) => {
            anstream::println!("Report of all: {}", page.display());
            exit
        }
        Err(error) => {
            complain(&error.to_string());
            exit.worse(Exit::Internal)
        }
    })
}

/// The profiles to play, compiled, so that what is wrong with the last is said before the first.
fn plans(options: &Options, scenario: &Scenario) -> Result<Vec<(String, Plan)>, Failure> {
    let overrides = Overrides {
        users: options.users,
        spawn_rate: options.spawn_rate,
        duration: options.duration,
    };
    let names: Vec<String> = match options.profile.as_str() {
        "all" => scenario.profiles.keys().cloned().collect(),
        name => vec![name.to_owned()],
    };
    names
        .into_iter()
        .map(|name| {
            let plan = Plan::new(scenario, &name, &overrides, &options.users_of);
            plan.map(|plan| (name, plan)).map_err(|error| Failure::Input(error.to_string()))
        })
        .collect()
}

/// What the runs of one command have in common.
struct Session<'a> {
    options: &'a Options,
    scenario: &'a Scenario,
    interrupts: &'a Interrupts,
}

impl Session<'_> {
    fn play(&self, profile: &str, plan: Arc<Plan>, out: Option<&Path>) -> Result<JudgedRun, Failure> {
        let host = self.host()?;
        let allowed = monitor::allowed_cpus();
        let embedded = host == Host::Embedded;
        let resolved = match &host {
            Host::Url(url) => Some(Target::resolve(url).map_err(unmeasured)?),
            Host::Embedded => None,
        };
        let is_local = resolved.as_ref().is_none_or(is_local);
        let placement = place(&allowed, &plan.load, is_local, embedded);
        let mut agent = None;
        let mut target = match resolved {
            Some(target) => target,
            None => {
                let agent = agent.insert(EmbeddedAgent::start(&placement.agent)?);
                Target::resolve(agent.url()).map_err(unmeasured)?
            }
        };
        target.reach(self.options.wait_ready.unwrap_or(REACH_WITHIN)).map_err(unmeasured)?;
        if !placement.own.is_empty() {
            monitor::pin_current_thread(&placement.own).context("cannot pin brunt")?;
        }
        let watched = self.watched(agent.as_ref(), &target)?;
        let folder = RunFolder::create(out, profile, Timestamp::now())
            .map_err(|error| Failure::Input(error.to_string()))?;
        let header = self.header(profile, &plan, &target, &placement, &watched, &folder);
        announce(&header, &plan);
        let subject = watched.map_or(Ok(Subject::Nothing), |watched| subject_of(watched.pid))?;
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

    /// The process to watch: the embedded agent, the one that was named, or whoever listens on the
    /// target's port of this machine.
    fn watched(&self, agent: Option<&EmbeddedAgent>, target: &Target) -> Result<Option<Watched>, Failure> {
        if let Some(agent) = agent {
            let words = "the embedded Application Agent".to_owned();
            return Ok(Some(Watched { pid: agent.pid(), words }));
        }
        if let Some(pid) = pid_of(self.options.pid, self.options.port)? {
            let words = match self.options.port {
                Some(port) => format!("process {pid}, which listens on port {port}"),
                None => format!("process {pid}"),
            };
            return Ok(Some(Watched { pid, words }));
        }
        let port = target.addresses[0].port();
        let listener = is_local(target).then(|| monitor::listener_of(port).ok()).flatten();
        Ok(listener.map(|pid| {
            let pid = pid.as_raw_nonzero().get().unsigned_abs();
            Watched { pid, words: format!("process {pid}, which listens on port {port}") }
        }))
    }

    fn header(
        &self,
        profile: &str,
        plan: &Plan,
        target: &Target,
        placement: &Placement,
        watched: &Option<Watched>,
        folder: &RunFolder,
    ) -> Header {
        let cores = |cores: &[usize]| cores.iter().filter_map(|core| u32::try_from(*core).ok()).collect();
        Header {
            run_id: folder.run_id.clone(),
            brunt_version: env!("CARGO_PKG_VERSION").into(),
            scenario_file: self.options.file.display().to_string(),
            scenario_hash: self.scenario.hash.clone(),
            profile: profile.into(),
            host: target.url.to_string(),
            embedded: !placement.agent.is_empty() || watched.as_ref().is_some_and(Watched::is_embedded),
            started_at: Timestamp::now(),
            seed: self.options.seed.unwrap_or_else(new_seed),
            names: plan.names.clone(),
            classes: plan.classes.iter().map(|class| (class.name.clone(), class.share)).collect(),
            load: plan.load.clone(),
            targets: self.scenario.targets.clone(),
            generator: Generator {
                threads: u32::try_from(placement.threads).unwrap_or(u32::MAX),
                cores: cores(&placement.own),
                target_cores: cores(&placement.agent),
                connect_timeout_s: plan.connect_timeout.as_secs_f64(),
                timeout_s: plan.whole_timeout.as_secs_f64(),
                stop_timeout_s: self.options.stop_timeout.as_secs_f64(),
                watched: watched.as_ref().map(|watched| watched.words.clone()),
            },
            machine: crate::machine::machine(),
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
        let Played { record, write_error, aborted } = played;
        let verdict = verdict::judge(&record);
        let exit = self.exit(&record, &verdict);
        let exit = if aborted { Exit::Interrupted } else { exit };
        let mut run = JudgedRun { record, verdict, exit };
        anstream::print!("{}", report::terminal(&run.judged(), screen::width(), true));
        let errors: Vec<WriteError> = write_error.into_iter().chain(leave(&run.judged(), folder)).collect();
        anstream::println!("Report:  {}", folder.report.display());
        anstream::println!("Results: {}", folder.path().display());
        for error in &errors {
            complain(&error.to_string());
        }
        if !errors.is_empty() {
            run.exit = run.exit.worse(Exit::Internal);
        }
        run
    }

    fn exit(&self, record: &RunRecord, verdict: &Verdict) -> Exit {
        let stopped_by = record.ending.as_ref().map(|ending| ending.stopped_by);
        let answered = record.timeline.seconds().iter().any(|second| second.ok + second.failed > 0);
        match (stopped_by, verdict.result) {
            (Some(StoppedBy::InternalError), _) => Exit::Internal,
            (Some(StoppedBy::SetupFailed), _) => Exit::NothingMeasured,
            (Some(StoppedBy::EverythingFailed | StoppedBy::TargetEnded), _) if !answered => Exit::NothingMeasured,
            (_, RunResult::Invalid) => Exit::NotValid,
            (_, RunResult::Graded(worst)) => {
                let undecided = verdict.judgements.iter().any(|row| row.grade == Grade::Inconclusive);
                let missed = match self.options.fail_on {
                    FailOn::Poor => matches!(worst, Grade::Poor | Grade::Critical),
                    FailOn::Critical => worst == Grade::Critical,
                    FailOn::Never => false,
                };
                if missed || (self.options.strict && undecided) { Exit::TargetsMissed } else { Exit::Passed }
            }
        }
    }
}

impl JudgedRun {
    fn judged(&self) -> Judged<'_> {
        Judged { record: &self.record, verdict: &self.verdict }
    }
}

/// The process under test, and how it was found.
struct Watched {
    pid: u32,
    words: String,
}

impl Watched {
    fn is_embedded(&self) -> bool {
        self.words.starts_with("the embedded")
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
    let host = if header.embedded { "the embedded Application Agent at " } else { "" };
    let length = super::check::duration_in_words(Duration::from_secs_f64(plan.load.seconds()));
    anstream::eprintln!(
        "brunt {}: up to {} users for {length} against {host}{} (seed {})",
        header.profile,
        scenario::users_in(&plan.load),
        header.host,
        header.seed
    );
    let planned = plan.load.stages.last().map_or(0.0, |stage| stage.to);
    if header.generator.watched.is_none() {
        anstream::eprintln!("note: no process is watched; --pid or --port name the service's on this machine");
    }
    if planned.fract() > 0.0 {
        anstream::eprintln!("note: the load ends before all its users are started; raise -r, or -t");
    }
}

pub(crate) fn read_scenario(file: &Path) -> Result<Scenario, Failure> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|error| {
        let remedy = "name a scenario with -f FILE, or write one with: brunt init";
        Failure::Input(format!("cannot read {name}: {error}; {remedy}"))
    })?;
    Ok(Scenario::read(&name, &text)?)
}

/// The process that `--pid` or `--port` names.
pub(crate) fn pid_of(pid: Option<u32>, port: Option<u16>) -> Result<Option<u32>, Failure> {
    match (pid, port) {
        (Some(pid), _) => Ok(Some(pid)),
        (None, Some(port)) => {
            let pid = monitor::listener_of(port).map_err(|error| Failure::Input(error.to_string()))?;
            Ok(Some(pid.as_raw_nonzero().get().unsigned_abs()))
        }
        (None, None) => Ok(None),
    }
}

pub(crate) fn subject_of(pid: u32) -> Result<Subject, Failure> {
    let known = i32::try_from(pid).ok().and_then(Pid::from_raw);
    known.map(Subject::Process).ok_or_else(|| Failure::Input(format!("{pid} is no process id")))
}

pub(crate) fn without_credentials(url: &Url) -> Url {
    let mut url = url.clone();
    // Both fail only for URLs without a host, which have no credentials.
    url.set_username("").ok();
    url.set_password(None).ok();
    url
}

fn is_local(target: &Target) -> bool {
    target.addresses[0].ip().is_loopback()
}

fn unmeasured(error: engine::TargetError) -> Failure {
    Failure::NothingMeasured(error.to_string())
}

fn new_seed() -> u64 {
    // A seed only has to differ from run to run, and to be easy to type again.
    Timestamp::now().as_millisecond().unsigned_abs() % 1_000_000_000
}

fn positive(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|rate: &f64| rate.is_finite() && *rate > 0.0)
        .ok_or_else(|| "give a number above 0".to_owned())
}

fn positive_duration(text: &str) -> Result<Duration, String> {
    match scenario::duration(text) {
        Ok(duration) if duration.is_zero() => Err("give more than 0s".to_owned()),
        other => other,
    }
}
