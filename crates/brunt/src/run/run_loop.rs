//! Run loop: receives events of the load generator, reads the monitor each second, and records and exports both.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use brunt_engine::{Clock, Engine, EngineEvent, Origins, Settings};
use brunt_monitor::Monitor;
use brunt_record::{Command, Ending, Failure, Header, RunRecord, StoppedBy};
use brunt_scenario::Plan;
use brunt_verdict::search::{Search, SearchAction};
use jiff::Timestamp;

use crate::exit::print_note;
use crate::live_export::{LiveExportSession, LiveExporters};
use crate::results::{RunFolder, WriteError};
use crate::run::run_recorder::RunRecorder;
use crate::run::stop_state::{StopState, StopWatch};
use crate::run::watch_targets;
use crate::system::demo_service::DemoService;
use crate::system::interrupts::Interrupts;
use crate::terminal::ProgressLine;
use crate::worker::load_generator::LoadGenerator;
use crate::worker::process_pool::WorkerProcesses;
use crate::worker::protocol::WorkerJob;

/// A run is stopped after this number of seconds with only failures.
const ALL_FAILED_S: usize = 10;
/// Minimum number of failures for such a stop.
const ALL_FAILED_REQUESTS_MIN: u64 = 10;
/// If there are this many codes of a kind of failure, only the kind is reported.
const CODES_MIN_OMITTED: usize = 3;
/// Maximum wait for an event, which bounds the reaction time to an interrupt.
const EVENT_WAIT: Duration = Duration::from_millis(50);

/// Run loop with its inputs.
pub(crate) struct RunLoop<'a> {
    pub(crate) plan: Arc<Plan>,
    pub(crate) target: Arc<Origins>,
    pub(crate) settings: Settings,
    /// Number of processes that generate the load; 1: this process.
    pub(crate) processes: u32,
    /// Maximum time without a message from one of them.
    pub(crate) worker_timeout: Duration,
    pub(crate) header: Header,
    /// Directory of the record file; `None`: the run is only recorded in memory.
    pub(crate) folder: Option<&'a RunFolder>,
    pub(crate) monitor: Monitor,
    /// Number of readings.
    pub(crate) readings: u32,
    /// Metrics that the second reading lacked.
    pub(crate) unavailable: brunt_record::Unavailable,
    pub(crate) agent: Option<&'a mut DemoService>,
    pub(crate) interrupts: &'a Interrupts,
    pub(crate) live: ProgressLine,
    pub(crate) exporters: Option<&'a mut LiveExporters>,
}

/// Outcome of a run.
pub(crate) struct RunOutcome {
    pub(crate) record: RunRecord,
    /// Set if the record file is incomplete.
    pub(crate) write_error: Option<WriteError>,
    /// Whether a second Ctrl-C aborted it.
    pub(crate) aborted: bool,
}

impl RunLoop<'_> {
    /// Runs the setup, the load and the teardown.
    pub(crate) fn run(mut self) -> anyhow::Result<RunOutcome> {
        self.header.started_at = Timestamp::now();
        let set_up = brunt_engine::set_up(&self.plan, &self.target, self.settings.seed)?;
        self.settings.values = set_up.values.clone();
        let failed = set_up.failed.clone();
        let generator = match failed {
            Some(_) => None,
            None => Some(self.start_generator()?),
        };
        self.interrupts.arm();
        if let Some(generator) = &generator {
            let elapsed = jiff::SignedDuration::try_from(generator.clock().elapsed())?;
            self.header.started_at = Timestamp::now() - elapsed;
        }
        let mut recorder = RunRecorder::begin(self.header.clone(), self.folder);
        set_up
            .increments
            .into_iter()
            .for_each(|increment| recorder.increment(increment));
        let aborted = match (generator, failed) {
            (Some(generator), _) => self.run_load(generator, &mut recorder),
            (None, reason) => {
                let stopped_by = StoppedBy::SetupFailed;
                recorder.end(Ending {
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
        let RunRecorder {
            record,
            write_error,
            ..
        } = recorder;
        Ok(RunOutcome {
            record,
            write_error,
            aborted,
        })
    }

    /// Starts the load generator.
    fn start_generator(&mut self) -> anyhow::Result<Box<dyn LoadGenerator>> {
        if self.processes == 1 {
            let (plan, target, settings) = (&self.plan, &self.target, &self.settings);
            let engine = Engine::start(plan, target, settings, Clock::start())?;
            return Ok(Box::new(engine));
        }
        let job = WorkerJob {
            arguments: WorkerJob::own_arguments(),
            profile: self.header.profile.clone(),
            agent: self.agent.as_ref().map(|agent| agent.url().to_string()),
            scenario_hash: self.header.scenario_hash.clone(),
            seed: self.settings.seed,
            share: 0,
            of: self.processes,
            threads: self.settings.threads / self.processes as usize,
            cores: self.settings.cores.clone(),
            stop_timeout: self.settings.stop_timeout,
            values: WorkerJob::encode_values(&self.settings.values),
        };
        let processes = WorkerProcesses::start(&job, self.worker_timeout)?;
        self.monitor.add_workers(&processes.pids())?;
        Ok(Box::new(processes))
    }

    /// Runs the load and the teardown. Returns true if a second Ctrl-C aborted it.
    fn run_load(
        &mut self,
        mut generator: Box<dyn LoadGenerator>,
        recorder: &mut RunRecorder,
    ) -> bool {
        let clock = generator.clock();
        let mut stop = StopState::default();
        let mut next_second = 0;
        let mut search = SearchController::begin(&recorder.record);
        let mut watch = StopWatch::new(&self.header);
        let exporters = self.exporters.take();
        let mut live_export = exporters.and_then(|exporters| exporters.begin(&self.header));
        loop {
            let has_ended = receive(
                generator.as_mut(),
                recorder,
                &mut stop,
                live_export.as_mut(),
            );
            if has_ended {
                break;
            }
            if self.abandon_if_overdue(generator.as_mut(), recorder, &mut stop) {
                break;
            }
            let elapsed_s = clock.elapsed().as_secs();
            if elapsed_s >= next_second {
                let reading = self.read_monitor(clock);
                if let Some(live_export) = &mut live_export {
                    live_export.reading(&reading);
                }
                recorder.reading(reading);
                next_second = elapsed_s + 1;
                self.stop_if_hopeless(generator.as_mut(), recorder, &mut stop);
                let elapsed = clock.elapsed().as_secs_f64();
                let search = search.as_ref().map(|search| &search.search);
                self.live.show(elapsed_s, |width| {
                    let progress = progress(&recorder.record, elapsed, search);
                    brunt_report::progress_line(
                        &progress.with_undecided(watch.undecided()),
                        width,
                        true,
                    )
                });
            }
            // Seconds that are not reported yet would look as if nothing had failed.
            if stop.requested.is_none()
                && let Some(completed_s) = generator.completed_seconds()
                && u64::from(completed_s) >= clock.elapsed().as_secs()
                && let Some(end) = watch.check(&recorder.record, completed_s)
            {
                self.live.clear();
                end.announce(clock.elapsed(), &recorder.record.header.load);
                stop.end(generator.as_mut(), recorder, end);
            }
            if let Some(search) = &mut search {
                search.steer(generator.as_mut(), recorder, &mut stop);
            }
            self.publish(live_export.as_mut(), generator.completed_seconds());
            self.handle_interrupts(generator.as_mut(), recorder, &mut stop);
        }
        self.live.clear();
        if let Some(reason) = generator.start_stats().all_failed() {
            stop.set_no_user_started(clock, reason);
        }
        self.tear_down(recorder, live_export.as_mut());
        stop.check_users_left(clock, &recorder.record);
        let ending = stop.ending(clock, &self.plan, self.unavailable.clone());
        self.publish(live_export.as_mut(), None);
        if let Some(live_export) = &mut live_export {
            live_export.end(&ending);
        }
        recorder.end(ending);
        stop.aborted
    }

    /// Abandons a load generator that hangs. Returns true if so.
    fn abandon_if_overdue(
        &self,
        generator: &mut dyn LoadGenerator,
        recorder: &mut RunRecorder,
        stop: &mut StopState,
    ) -> bool {
        let load = self.header.load.extended_to_limit();
        let is_overdue = stop.is_overdue(generator.clock(), &load, self.settings.stop_timeout);
        if is_overdue {
            stop.fail(
                generator,
                recorder,
                "the load generator did not stop".to_owned(),
            );
            generator.abandon();
        }
        is_overdue
    }

    /// Runs the teardown, which does not affect the verdict.
    fn tear_down(
        &self,
        recorder: &mut RunRecorder,
        mut live_export: Option<&mut LiveExportSession>,
    ) {
        if self.plan.teardown.is_empty() {
            return;
        }
        let failed = match brunt_engine::tear_down(&self.plan, &self.target, &self.settings) {
            Ok(outcome) => {
                for increment in outcome.increments {
                    if let Some(live_export) = &mut live_export {
                        live_export.increment(&increment);
                    }
                    recorder.increment(increment);
                }
                outcome.failed
            }
            Err(error) => Some(error.to_string()),
        };
        if let Some(reason) = failed {
            print_note(&format!("warning: the teardown failed: {reason}"));
        }
    }

    fn publish(&mut self, live_export: Option<&mut LiveExportSession>, completed_s: Option<u32>) {
        let notes = live_export.map_or_else(Vec::new, |export| export.publish(completed_s));
        for note in notes {
            self.live.clear();
            print_note(&note);
        }
    }

    fn read_monitor(&mut self, clock: Clock) -> brunt_record::Reading {
        let reading = self.monitor.read(clock.elapsed());
        self.readings += 1;
        // The first reading has no rates. Nothing is printed for blocks of an A/B test, which have no record file.
        if self.readings == 2 && self.folder.is_some() {
            self.unavailable = self.monitor.unavailable(&reading);
            self.live.clear();
            let additional = self.header.generator.additional_targets.iter();
            let names = additional.map(|target| target.name.as_str());
            watch_targets::print_unavailable(&self.unavailable, names);
        }
        reading
    }

    fn handle_interrupts(
        &self,
        generator: &mut dyn LoadGenerator,
        recorder: &mut RunRecorder,
        stop: &mut StopState,
    ) {
        match self.interrupts.count() {
            0 => {}
            1 => stop.request(generator, recorder, self.interrupts.stopped_by(), None),
            _ if stop.aborted => {}
            _ => {
                stop.request(generator, recorder, self.interrupts.stopped_by(), None);
                stop.aborted = true;
                generator.command(Command::Abort);
                recorder.event(generator.clock(), Command::Abort);
            }
        }
    }

    /// Stops the run if the embedded agent exited, or if all requests fail.
    fn stop_if_hopeless(
        &mut self,
        generator: &mut dyn LoadGenerator,
        recorder: &mut RunRecorder,
        stop: &mut StopState,
    ) {
        if self.agent.as_mut().is_some_and(|agent| agent.has_ended()) {
            let reason = "the embedded agent exited".to_owned();
            stop.request(generator, recorder, StoppedBy::TargetEnded, Some(reason));
        } else if let Some(reason) = all_failed_reason(&recorder.record) {
            stop.request(
                generator,
                recorder,
                StoppedBy::EverythingFailed,
                Some(reason),
            );
        }
    }
}

/// Waits briefly for the next event of the load, and records it. Returns true if the load has ended.
fn receive(
    generator: &mut dyn LoadGenerator,
    recorder: &mut RunRecorder,
    stop: &mut StopState,
    live_export: Option<&mut LiveExportSession>,
) -> bool {
    match generator.next_event(EVENT_WAIT) {
        Ok(EngineEvent::Increment(increment)) => {
            if let Some(live_export) = live_export {
                live_export.increment(&increment);
            }
            recorder.increment(*increment);
        }
        Ok(EngineEvent::Timeout) => {}
        Ok(EngineEvent::StopTest) => stop.request(generator, recorder, StoppedBy::Scenario, None),
        Ok(EngineEvent::WorkerFailed(reason)) => stop.fail(generator, recorder, reason),
        Ok(EngineEvent::Ended) => return true,
        Err(lost) => stop.lose(generator, recorder, lost),
    }
    false
}

fn progress(record: &RunRecord, elapsed_s: f64, search: Option<&Search>) -> brunt_report::Progress {
    let progress = brunt_report::Progress::of(record, elapsed_s);
    match search {
        Some(search) => progress.with_bracket(record, &search.bracket()),
        None => progress,
    }
}

/// Controller of a search, which sets the next level of the load.
struct SearchController {
    search: Search,
    /// Number of seconds at the last step.
    stepped_s: u32,
}

impl SearchController {
    fn begin(record: &RunRecord) -> Option<Self> {
        Some(Self {
            search: Search::begin(record)?,
            stepped_s: 0,
        })
    }

    fn steer(
        &mut self,
        generator: &mut dyn LoadGenerator,
        recorder: &mut RunRecorder,
        stop: &mut StopState,
    ) {
        // Wait for all past seconds: those that are not reported yet would look as if nothing had failed.
        let Some(completed_s) = generator.completed_seconds() else {
            return;
        };
        let is_behind = u64::from(completed_s) < generator.clock().elapsed().as_secs();
        if completed_s <= self.stepped_s || is_behind || stop.requested.is_some() {
            return;
        }
        self.stepped_s = completed_s;
        let action = self.search.step(&recorder.record, completed_s.into());
        match action {
            Some(SearchAction::SetLevel(level)) => {
                let command = Command::Level(level);
                generator.command(command);
                recorder.event(generator.clock(), command);
            }
            Some(SearchAction::Stop) => {
                stop.request(generator, recorder, StoppedBy::Finished, None);
            }
            None => {}
        }
    }
}

/// Returns a reason if all recent requests failed. In a search failures are expected once a request has succeeded.
fn all_failed_reason(record: &RunRecord) -> Option<String> {
    let seconds = record.timeline.seconds();
    let is_search = record.header.load.search.is_some();
    if is_search && seconds.ok() > 0 {
        return None;
    }
    let recent = seconds.recent();
    let last = &recent[recent.len().checked_sub(ALL_FAILED_S)?..];
    let (ok, all) = last.iter().fold((0, 0), |(ok, all), second| {
        (ok + second.ok, all + second.requests())
    });
    if ok > 0 || all < ALL_FAILED_REQUESTS_MIN {
        return None;
    }
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for (kind, count) in last.iter().flat_map(|second| &second.failures) {
        *kinds.entry(kind.name()).or_default() += count;
    }
    let (kind, _) = kinds.into_iter().max_by_key(|(_, count)| *count)?;
    let from_ms = (seconds.len() - ALL_FAILED_S) as u64 * 1_000;
    let all_codes = record.timeline.failures().iter();
    let recent = all_codes.filter(|it| it.kind.name() == kind && it.last_ms >= from_ms);
    let codes: BTreeSet<String> = recent.map(Failure::in_words).collect();
    let failures = match codes.len() {
        0 | CODES_MIN_OMITTED.. => kind.to_owned(),
        _ => codes.into_iter().collect::<Vec<_>>().join(" or "),
    };
    Some(format!(
        "all {all} requests of the last {ALL_FAILED_S} s failed, most with {failures}"
    ))
}
