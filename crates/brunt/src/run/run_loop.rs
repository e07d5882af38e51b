//! A run: the engine makes the load, the monitor watches, and everything is kept as it comes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use brunt_engine::{Clock, Engine, EngineEvent, Origins, Settings};
use brunt_monitor::Monitor;
use brunt_record::file::RecordWriter;
use brunt_record::{
    Command, Ending, Event, Failure, Header, MetricsSnapshot, MissedTarget, RunRecord, Second,
    StoppedBy,
};
use brunt_scenario::Plan;
use brunt_verdict::search::{Order, Search};
use jiff::Timestamp;

use crate::exit::note;
use crate::live_export::{Outlets, Telling};
use crate::results::{RunFolder, WriteError};
use crate::run::stopping::{End, Watch};
use crate::run::watch_targets;
use crate::system::demo_service::EmbeddedAgent;
use crate::system::interrupts::Interrupts;
use crate::terminal::LiveLine;
use crate::worker::load_generator::Makers;
use crate::worker::process_pool::{Processes, WorkerLost};
use crate::worker::protocol::Job;

/// The run record's name in the results folder.
pub(crate) const RECORD_FILE: &str = "record.brunt";
/// After so many seconds of nothing but failures a run is stopped.
const FAILING_S: usize = 10;
/// Fewer failures than this are no reason to stop.
const FAILING_REQUESTS: u64 = 10;
/// So many codes of a kind of failure are not listed.
const CODES_MAX: usize = 3;
/// How long to wait for news at most, so that an interrupt is soon seen.
const NEWS_WITHIN: Duration = Duration::from_millis(50);
/// What makes the load has ended so long after `--stop-timeout`, or it never will.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// All that a run needs.
pub(crate) struct Run<'a> {
    pub(crate) plan: Arc<Plan>,
    pub(crate) target: Arc<Origins>,
    pub(crate) settings: Settings,
    /// Processes that make the load; where it is one, brunt is that.
    pub(crate) processes: u32,
    /// How long one of them may be silent.
    pub(crate) worker_timeout: Duration,
    pub(crate) header: Header,
    /// Where the record is kept as it grows; `None`: nowhere.
    pub(crate) folder: Option<&'a RunFolder>,
    pub(crate) monitor: Monitor,
    /// So many were taken.
    pub(crate) readings: u32,
    /// What the second reading lacked.
    pub(crate) unseen: brunt_record::Unavailable,
    pub(crate) agent: Option<&'a mut EmbeddedAgent>,
    pub(crate) interrupts: &'a Interrupts,
    pub(crate) live: LiveLine,
    /// Who is told while the run goes on.
    pub(crate) outlets: Option<&'a mut Outlets>,
}

/// What a run left.
pub(crate) struct Played {
    pub(crate) record: RunRecord,
    /// The record file is not whole.
    pub(crate) write_error: Option<WriteError>,
    /// Ctrl-C came twice.
    pub(crate) aborted: bool,
}

impl Run<'_> {
    /// Plays the set-up and the load.
    pub(crate) fn play(mut self) -> anyhow::Result<Played> {
        self.header.started_at = Timestamp::now();
        let set_up = brunt_engine::set_up(&self.plan, &self.target, self.settings.seed)?;
        self.settings.values = set_up.values.clone();
        let failed = set_up.failed.clone();
        let engine = match failed {
            Some(_) => None,
            None => Some(self.makers()?),
        };
        self.interrupts.something_to_lose();
        if let Some(engine) = &engine {
            let elapsed = jiff::SignedDuration::try_from(engine.clock().elapsed())?;
            self.header.started_at = Timestamp::now() - elapsed;
        }
        let mut keeper = Keeper::begin(self.header.clone(), self.folder);
        set_up
            .increments
            .into_iter()
            .for_each(|increment| keeper.increment(increment));
        let aborted = match (engine, failed) {
            (Some(engine), _) => self.play_load(engine, &mut keeper),
            (None, reason) => {
                let stopped_by = StoppedBy::SetupFailed;
                keeper.end(Ending {
                    stopped_by,
                    load_ended_ms: 0,
                    ended_ms: 0,
                    stop_reason: reason,
                    missed_targets: Vec::new(),
                    unavailable: brunt_record::Unavailable::default(),
                });
                false
            }
        };
        let Keeper {
            record,
            write_error,
            ..
        } = keeper;
        Ok(Played {
            record,
            write_error,
            aborted,
        })
    }

    /// Starts those who make the load.
    fn makers(&mut self) -> anyhow::Result<Makers> {
        if self.processes == 1 {
            let (plan, target, settings) = (&self.plan, &self.target, &self.settings);
            let engine = Engine::start(plan, target, settings, Clock::start())?;
            return Ok(Makers::Threads(engine));
        }
        let job = Job {
            arguments: Job::own_arguments(),
            profile: self.header.profile.clone(),
            agent: self.agent.as_ref().map(|agent| agent.url().to_string()),
            scenario_hash: self.header.scenario_hash.clone(),
            seed: self.settings.seed,
            share: 0,
            of: self.processes,
            threads: self.settings.threads / self.processes as usize,
            cores: self.settings.cores.clone(),
            stop_timeout: self.settings.stop_timeout,
            values: Job::told(&self.settings.values),
        };
        let processes = Processes::start(&job, self.worker_timeout)?;
        self.monitor.count_in(&processes.pids())?;
        Ok(Makers::Processes(processes))
    }

    /// True where Ctrl-C came twice.
    fn play_load(&mut self, mut engine: Makers, keeper: &mut Keeper) -> bool {
        let clock = engine.clock();
        let mut stop = Stop::default();
        let mut next_second = 0;
        let mut steering = Steering::begin(&keeper.record);
        let mut watch = Watch::new(&self.header);
        let outlets = self.outlets.take();
        let mut telling = outlets.and_then(|outlets| outlets.begin(&self.header));
        loop {
            match engine.next_event(NEWS_WITHIN) {
                Ok(EngineEvent::Increment(increment)) => {
                    if let Some(telling) = &mut telling {
                        telling.increment(&increment);
                    }
                    keeper.increment(*increment);
                }
                Ok(EngineEvent::Timeout) => {}
                Ok(EngineEvent::StopTest) => {
                    stop.ask(&mut engine, keeper, StoppedBy::Scenario, None)
                }
                Ok(EngineEvent::WorkerFailed(reason)) => stop.fail(&mut engine, keeper, reason),
                Ok(EngineEvent::Ended) => break,
                Err(lost) => stop.lose(&mut engine, keeper, lost),
            }
            if self.gives_up(&mut engine, keeper, &mut stop) {
                break;
            }
            let elapsed_s = clock.elapsed().as_secs();
            if elapsed_s >= next_second {
                let reading = self.watch(clock);
                if let Some(telling) = &mut telling {
                    telling.reading(&reading);
                }
                keeper.reading(reading);
                next_second = elapsed_s + 1;
                self.look_for_reasons_to_stop(&mut engine, keeper, &mut stop);
                let elapsed = clock.elapsed().as_secs_f64();
                let search = steering.as_ref().map(|steering| &steering.search);
                self.live.show(elapsed_s, |width| {
                    let progress = progress(&keeper.record, elapsed, search);
                    brunt_report::progress_line(
                        &progress.with_undecided(watch.undecided()),
                        width,
                        true,
                    )
                });
            }
            // Past seconds that were not reported yet would look as if nothing had failed.
            if stop.asked.is_none()
                && u64::from(engine.completed_seconds()) >= clock.elapsed().as_secs()
                && let Some(end) = watch.look(&keeper.record, engine.completed_seconds())
            {
                self.live.clear();
                end.announce(clock.elapsed(), &keeper.record.header.load);
                stop.end(&mut engine, keeper, end);
            }
            if let Some(steering) = &mut steering {
                steering.steer(&mut engine, keeper, &mut stop);
            }
            self.tell(telling.as_mut(), engine.completed_seconds());
            self.obey_interrupts(&mut engine, keeper, &mut stop);
        }
        self.live.clear();
        if let Some(reason) = engine.start_stats().all_failed() {
            stop.nobody_started(clock, reason);
        }
        self.tear_down(keeper, telling.as_mut());
        stop.nobody_left(clock, &keeper.record);
        let ending = stop.ending(clock, &self.plan, self.unseen.clone());
        self.tell(telling.as_mut(), u32::MAX);
        if let Some(telling) = &mut telling {
            telling.end(&ending);
        }
        keeper.end(ending);
        stop.aborted
    }

    /// Gives up what makes the load, if it should have ended long ago. True if so.
    fn gives_up(&self, engine: &mut Makers, keeper: &mut Keeper, stop: &mut Stop) -> bool {
        let load = self.header.load.extended_to_limit();
        let is_overdue = stop.is_overdue(engine.clock(), &load, self.settings.stop_timeout);
        if is_overdue {
            stop.fail(engine, keeper, "the load did not end".to_owned());
            engine.abandon();
        }
        is_overdue
    }

    /// What the scenario does after the load, which nothing is judged by.
    fn tear_down(&self, keeper: &mut Keeper, mut telling: Option<&mut Telling>) {
        if self.plan.teardown.is_empty() {
            return;
        }
        let failed = match brunt_engine::tear_down(&self.plan, &self.target, &self.settings) {
            Ok(outcome) => {
                for increment in outcome.increments {
                    if let Some(telling) = &mut telling {
                        telling.increment(&increment);
                    }
                    keeper.increment(increment);
                }
                outcome.failed
            }
            Err(error) => Some(error.to_string()),
        };
        if let Some(reason) = failed {
            note(&format!("warning: the tear-down failed: {reason}"));
        }
    }

    fn tell(&mut self, telling: Option<&mut Telling>, told_s: u32) {
        for trouble in telling.map_or_else(Vec::new, |telling| telling.tell(told_s)) {
            self.live.clear();
            note(&trouble);
        }
    }

    fn watch(&mut self, clock: Clock) -> brunt_record::Reading {
        let reading = self.monitor.read(clock.elapsed());
        self.readings += 1;
        // The first reading has nothing to compare with. Of blocks, which are kept nowhere, it is not said.
        if self.readings == 2 && self.folder.is_some() {
            self.unseen = self.monitor.unseen(&reading);
            self.live.clear();
            let beside = self.header.generator.additional_targets.iter();
            watch_targets::tell_unseen(&self.unseen, beside.map(|beside| beside.name.as_str()));
        }
        reading
    }

    fn obey_interrupts(&self, engine: &mut Makers, keeper: &mut Keeper, stop: &mut Stop) {
        match self.interrupts.count() {
            0 => {}
            1 => stop.ask(engine, keeper, self.interrupts.stopped_by(), None),
            _ if stop.aborted => {}
            _ => {
                stop.ask(engine, keeper, self.interrupts.stopped_by(), None);
                stop.aborted = true;
                engine.command(Command::Abort);
                keeper.event(engine.clock(), Command::Abort);
            }
        }
    }

    fn look_for_reasons_to_stop(
        &mut self,
        engine: &mut Makers,
        keeper: &mut Keeper,
        stop: &mut Stop,
    ) {
        if self.agent.as_mut().is_some_and(|agent| agent.has_ended()) {
            let reason = "the embedded agent ended".to_owned();
            stop.ask(engine, keeper, StoppedBy::TargetEnded, Some(reason));
        } else if let Some(reason) = everything_fails(&keeper.record) {
            stop.ask(engine, keeper, StoppedBy::EverythingFailed, Some(reason));
        }
    }
}

fn progress(record: &RunRecord, elapsed_s: f64, search: Option<&Search>) -> brunt_report::Progress {
    let progress = brunt_report::Progress::of(record, elapsed_s);
    match search {
        Some(search) => progress.with_bracket(record, &search.bracket()),
        None => progress,
    }
}

/// A search while it goes on: it is asked after each second what to offer next.
struct Steering {
    search: Search,
    /// It was asked after so many seconds.
    asked_s: u32,
}

impl Steering {
    fn begin(record: &RunRecord) -> Option<Self> {
        Some(Self {
            search: Search::begin(record)?,
            asked_s: 0,
        })
    }

    fn steer(&mut self, engine: &mut Makers, keeper: &mut Keeper, stop: &mut Stop) {
        // Where seconds that are over were not told yet, it waits: they would look as if all were well.
        let told_s = engine.completed_seconds();
        let is_behind = u64::from(told_s) < engine.clock().elapsed().as_secs();
        if told_s <= self.asked_s || is_behind || told_s == u32::MAX || stop.asked.is_some() {
            return;
        }
        self.asked_s = told_s;
        let order = self.search.step(&keeper.record, told_s.into());
        match order {
            Some(Order::Level(level)) => {
                let command = Command::Level(level);
                engine.command(command);
                keeper.event(engine.clock(), command);
            }
            Some(Order::End) => stop.ask(engine, keeper, StoppedBy::Finished, None),
            None => {}
        }
    }
}

/// Whether nothing but failures has come for a while, in words. A search is to break the service.
fn everything_fails(record: &RunRecord) -> Option<String> {
    let seconds = record.timeline.seconds();
    let is_search = record.header.load.search.is_some();
    if is_search && seconds.ok() > 0 {
        return None;
    }
    let recent = seconds.recent();
    let last = &recent[recent.len().checked_sub(FAILING_S)?..];
    let (ok, all) = last.iter().fold((0, 0), |(ok, all), second| {
        (ok + second.ok, all + second.requests())
    });
    if ok > 0 || all < FAILING_REQUESTS {
        return None;
    }
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for (kind, count) in last.iter().flat_map(|second| &second.failures) {
        *kinds.entry(kind.name()).or_default() += count;
    }
    let (kind, _) = kinds.into_iter().max_by_key(|(_, count)| *count)?;
    let from_ms = (seconds.len() - FAILING_S) as u64 * 1_000;
    let all_codes = record.timeline.failures().iter();
    let recent = all_codes.filter(|it| it.kind.name() == kind && it.last_ms >= from_ms);
    let codes: BTreeSet<String> = recent.map(Failure::in_words).collect();
    let most = match codes.len() {
        0 | CODES_MAX.. => kind.to_owned(),
        _ => codes.into_iter().collect::<Vec<_>>().join(" or "),
    };
    Some(format!(
        "all {all} requests of the last {FAILING_S} s failed, most with {most}"
    ))
}

/// Whether and why the load was stopped before its end.
#[derive(Default)]
struct Stop {
    asked: Option<(StoppedBy, u64, Option<String>)>,
    /// The targets for which it was stopped.
    missed: Vec<MissedTarget>,
    aborted: bool,
}

impl Stop {
    /// Stops the load, once.
    fn ask(
        &mut self,
        engine: &mut Makers,
        keeper: &mut Keeper,
        stopped_by: StoppedBy,
        reason: Option<String>,
    ) {
        let now_ms = milliseconds(engine.clock().elapsed());
        if self.asked.is_none()
            && now_ms < milliseconds_of(&keeper.record.header.load.extended_to_limit())
        {
            self.asked = Some((stopped_by, now_ms, reason));
            engine.command(Command::Stop);
            keeper.event(engine.clock(), Command::Stop);
        }
    }

    /// Stops the load since what makes it has failed, or cannot be waited for. That is the run's ending, whatever else
    /// had been asked.
    fn fail(&mut self, engine: &mut Makers, keeper: &mut Keeper, reason: String) {
        let by = StoppedBy::InternalError;
        self.ask(engine, keeper, by, Some(reason.clone()));
        let load_ms = milliseconds_of(&keeper.record.header.load.extended_to_limit());
        let asked = self.asked.take();
        self.asked = match asked {
            Some((StoppedBy::InternalError | StoppedBy::WorkerLost, ..)) => asked,
            Some((_, at_ms, _)) => Some((by, at_ms, Some(reason))),
            None => Some((by, load_ms, Some(reason))),
        };
    }

    /// Whether what makes the load should have ended long ago.
    fn is_overdue(&self, clock: Clock, load: &brunt_record::Load, stop_timeout: Duration) -> bool {
        let ends_ms = self
            .asked
            .as_ref()
            .map_or_else(|| milliseconds_of(load), |(_, at_ms, _)| *at_ms);
        let patience = stop_timeout.saturating_add(ENDS_WITHIN);
        clock.elapsed() > Duration::from_millis(ends_ms).saturating_add(patience)
    }

    /// Ends the load for what was seen of its targets.
    fn end(&mut self, engine: &mut Makers, keeper: &mut Keeper, end: End) {
        let was_asked = self.asked.is_some();
        self.ask(engine, keeper, end.stopped_by, end.reason);
        if !was_asked && self.asked.is_some() {
            self.missed = end.missed;
        }
    }

    /// A process of the load is lost. What is judged ends with the last second of which all is known, whatever else
    /// stopped the load.
    fn lose(&mut self, engine: &mut Makers, keeper: &mut Keeper, lost: WorkerLost) {
        let (reason, at_ms) = (lost.reason, u64::from(lost.at_s) * 1_000);
        self.ask(engine, keeper, StoppedBy::WorkerLost, None);
        if !matches!(
            self.asked,
            Some((StoppedBy::WorkerLost, _, Some(_)) | (StoppedBy::InternalError, ..))
        ) {
            let load = &keeper.record.header.load;
            let ends_ms = milliseconds_of(&load.extended_to_limit());
            let ends_ms = self.asked.take().map_or(ends_ms, |(_, at_ms, _)| at_ms);
            self.asked = Some((StoppedBy::WorkerLost, at_ms.min(ends_ms), Some(reason)));
            self.missed.clear();
        }
    }

    /// All that users do before their tasks has failed.
    fn nobody_started(&mut self, clock: Clock, reason: &str) {
        let now_ms = milliseconds(clock.elapsed());
        self.asked = Some((StoppedBy::SetupFailed, now_ms, Some(reason.to_owned())));
    }

    /// The load has ended before its time, since all users had stopped for good. With iterations that is its end.
    fn nobody_left(&mut self, clock: Clock, record: &RunRecord) {
        let now_ms = milliseconds(clock.elapsed());
        let load = &record.header.load;
        let is_planned = load.iterations.is_some() || now_ms >= milliseconds_of(load);
        let mut seconds = record.timeline.seconds().iter();
        let is_gone = |second: Second| second.users_out_of_data + second.users_stopped > 0;
        if self.asked.is_none() && !is_planned && seconds.any(is_gone) {
            let reason = "all users had stopped: their data was used up, or the scenario says so";
            self.asked = Some((StoppedBy::Scenario, now_ms, Some(reason.to_owned())));
        }
    }

    fn ending(&self, clock: Clock, plan: &Plan, unseen: brunt_record::Unavailable) -> Ending {
        let ended_ms = milliseconds(clock.elapsed());
        let planned_ms = milliseconds_of(&plan.load.extended_to_limit());
        // So many tasks may be done before the time is up.
        let load_ended_ms = match plan.load.iterations {
            Some(_) => planned_ms.min(ended_ms),
            None => planned_ms,
        };
        let (stopped_by, load_ended_ms, reason) =
            self.asked
                .clone()
                .unwrap_or((StoppedBy::Finished, load_ended_ms, None));
        Ending {
            stopped_by,
            load_ended_ms,
            ended_ms,
            stop_reason: reason,
            missed_targets: self.missed.clone(),
            unavailable: unseen,
        }
    }
}

fn milliseconds_of(load: &brunt_record::Load) -> u64 {
    milliseconds(Duration::from_secs_f64(load.duration_s()))
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Keeps what comes: in memory, and on disk for as long as the disk takes it.
struct Keeper<'a> {
    record: RunRecord,
    folder: Option<&'a RunFolder>,
    writer: Option<RecordWriter<File>>,
    write_error: Option<WriteError>,
}

impl<'a> Keeper<'a> {
    fn begin(header: Header, folder: Option<&'a RunFolder>) -> Self {
        let mut keeper = Self {
            record: RunRecord::new(header),
            folder,
            writer: None,
            write_error: None,
        };
        keeper.write_all();
        keeper
    }

    /// Writes the record anew, in its present form.
    fn write_all(&mut self) {
        let Some(folder) = self.folder else {
            return;
        };
        let written = folder.replace(RECORD_FILE, |file| {
            brunt_record::file::write_unended(&self.record, file)
        });
        match written {
            Ok(writer) => self.writer = Some(writer),
            Err(error) => self.give_up_writing(error),
        }
    }

    fn increment(&mut self, increment: MetricsSnapshot) {
        if let Err(error) = self.record.timeline.merge(&increment) {
            // The engine and the timeline were made from the same names.
            self.give_up(std::io::Error::other(error));
            return;
        }
        self.write(|writer| writer.snapshot(increment));
    }

    fn reading(&mut self, reading: brunt_record::Reading) {
        self.record.readings.push(&reading);
        self.write(|writer| writer.reading(reading));
        if self.writer.as_ref().is_some_and(RecordWriter::is_overgrown) {
            self.write_all();
        }
    }

    fn event(&mut self, clock: Clock, command: Command) {
        let event = Event {
            at_ms: milliseconds(clock.elapsed()),
            command,
        };
        self.record.events.push(event);
        self.write(|writer| writer.event(event));
    }

    fn end(&mut self, ending: Ending) {
        self.record.ending = Some(ending.clone());
        if let Some(writer) = self.writer.take()
            && let Err(error) = writer.end(ending)
        {
            self.give_up(error);
        }
    }

    fn write(&mut self, write: impl FnOnce(&mut RecordWriter<File>) -> std::io::Result<()>) {
        if let Some(writer) = &mut self.writer
            && let Err(error) = write(writer)
        {
            self.give_up(error);
        }
    }

    fn give_up(&mut self, error: std::io::Error) {
        if let Some(folder) = self.folder {
            self.give_up_writing(folder.error(RECORD_FILE, error));
        }
    }

    /// The run goes on in memory; the user hears of it now and at the end.
    fn give_up_writing(&mut self, error: WriteError) {
        self.writer = None;
        if self.write_error.is_none() {
            crate::exit::complain(&format!(
                "{error}; the run goes on, and its result will be shown"
            ));
            self.write_error = Some(error);
        }
    }
}
