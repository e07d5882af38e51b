//! Coordinator side of worker processes, which generate equal shares of a run's load.

use std::collections::VecDeque;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use brunt_engine::{Clock, EngineEvent, StartStats};
use brunt_record::MetricsSnapshot;

use crate::system::child_processes::{Registration, has_ended, spawn};
use crate::worker::load_generator::{LoadGenerator, WorkerLost};
use crate::worker::protocol::{WorkerCommand, WorkerEvent, WorkerJob, read_frame, write_frame};

/// Subcommand of worker processes.
pub(crate) const VERB: &str = "worker";
/// Maximum time until all workers are ready.
const READY_TIMEOUT: Duration = Duration::from_mins(1);
/// Delay between ready workers and the start of the load.
const START_DELAY: Duration = Duration::from_millis(50);
/// Maximum time between the end of a worker's output and its exit.
const EXIT_STATUS_TIMEOUT: Duration = Duration::from_millis(200);
/// If the coordinator did not poll for longer, it was stopped (SIGSTOP), and no worker counts as silent.
const POLL_GAP_MAX: Duration = Duration::from_secs(1);
/// Time between the end of a worker's input and SIGKILL.
const EXIT_TIMEOUT: Duration = Duration::from_secs(3);

/// Running worker processes.
pub(crate) struct WorkerProcesses {
    clock: Clock,
    workers: Vec<Worker>,
    events: Receiver<(usize, Option<WorkerEvent>)>,
    running: usize,
    start_stats: StartStats,
    snapshots: SnapshotBuffer,
    /// Maximum time without a message from a worker.
    worker_timeout: Duration,
    /// Time of the last poll for events.
    polled_at: Instant,
}

/// Buffer of snapshots, each held back until all workers have completed its second. If a worker is lost, no second without
/// its share is recorded.
struct SnapshotBuffer {
    /// Incomplete snapshots with their seconds.
    held: Vec<(u32, Box<MetricsSnapshot>)>,
    complete: VecDeque<Box<MetricsSnapshot>>,
    is_lost: bool,
    /// Number of seconds whose snapshots were all returned; `None` once all workers have ended and everything was returned.
    returned_s: Option<u32>,
}

impl Default for SnapshotBuffer {
    fn default() -> Self {
        Self {
            held: Vec::new(),
            complete: VecDeque::new(),
            is_lost: false,
            returned_s: Some(0),
        }
    }
}

impl SnapshotBuffer {
    fn hold(&mut self, increment: Box<MetricsSnapshot>) {
        let seconds = increment.seconds.iter().map(|(second, _)| *second);
        let second = seconds.max().unwrap_or(0);
        if !self.is_lost {
            self.held.push((second, increment));
        }
    }

    /// Releases the snapshots of the first `reported_s` seconds, which all workers have completed; `None`: all have ended.
    fn release(&mut self, reported_s: Option<u32>) {
        let is_complete = |(second, _): &mut (u32, Box<MetricsSnapshot>)| {
            reported_s.is_none_or(|reported_s| *second < reported_s)
        };
        let complete = self.held.extract_if(.., is_complete);
        self.complete
            .extend(complete.map(|(_, increment)| increment));
    }

    /// Drops incomplete and later snapshots after a worker was lost: the rest is not the planned load.
    fn lose(&mut self) {
        self.held.clear();
        self.is_lost = true;
    }

    fn next(&mut self, reported_s: Option<u32>) -> Option<Box<MetricsSnapshot>> {
        let next = self.complete.pop_front();
        if self.complete.is_empty() {
            self.returned_s = reported_s;
        }
        next
    }
}

struct Worker {
    child: Child,
    /// Kills the process if brunt has to exit at once; `None` once it was waited for.
    registration: Option<Registration>,
    /// Closing it makes the worker exit.
    commands: Option<ChildStdin>,
    /// Number of seconds that it has completed; `None` once it has ended.
    completed_s: Option<u32>,
    /// Time of its last event.
    last_event_at: Instant,
}

impl WorkerProcesses {
    /// Starts the workers of a job, and starts the load when all are ready. A worker without an event for `worker_timeout` is
    /// lost.
    pub(crate) fn start(job: &WorkerJob, worker_timeout: Duration) -> anyhow::Result<Self> {
        let (to, events) = channel();
        let mut processes = Self {
            clock: Clock::start(),
            workers: Vec::new(),
            events,
            running: 0,
            start_stats: StartStats::default(),
            snapshots: SnapshotBuffer::default(),
            worker_timeout,
            polled_at: Instant::now(),
        };
        for share in 0..job.of {
            let worker = Worker::start(job, share, to.clone());
            let context = || format!("cannot start worker {} of {}", share + 1, job.of);
            processes.workers.push(worker.with_context(context)?);
            processes.running += 1;
        }
        processes.wait_until_ready()?;
        let at = Clock::monotonic_now() + START_DELAY;
        processes.send(&WorkerCommand::Begin(at));
        processes.clock = Clock::starting_at(at);
        processes.reset_silence();
        Ok(processes)
    }

    fn wait_until_ready(&self) -> anyhow::Result<()> {
        let until = Instant::now() + READY_TIMEOUT;
        let mut missing: Vec<usize> = (0..self.workers.len()).collect();
        while let Some(first) = missing.first() {
            let remaining = until.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(remaining) {
                Ok((number, Some(WorkerEvent::Ready))) => missing.retain(|other| *other != number),
                Ok((number, Some(WorkerEvent::Refused(why)))) => {
                    bail!("{} cannot start: {why}", self.name_of(number));
                }
                Ok((number, _)) => bail!("{} exited before it was ready", self.name_of(number)),
                Err(_) => bail!(
                    "{} was not ready within {} s",
                    self.name_of(*first),
                    READY_TIMEOUT.as_secs()
                ),
            }
        }
        Ok(())
    }

    /// Name of a worker, such as "worker 2 of 3 (process 4711)".
    fn name_of(&self, number: usize) -> String {
        let id = self.workers[number].child.id();
        format!(
            "worker {} of {} (process {id})",
            number + 1,
            self.workers.len()
        )
    }

    /// Process ids of the workers.
    pub(crate) fn pids(&self) -> Vec<u32> {
        self.workers
            .iter()
            .map(|worker| worker.child.id())
            .collect()
    }

    fn send(&mut self, command: &WorkerCommand) {
        for worker in &mut self.workers {
            if let Some(commands) = &mut worker.commands
                && write_frame(commands, command).is_err()
            {
                // The worker is gone; its closed output is handled as an event.
                worker.commands = None;
            }
        }
    }

    /// Number of seconds that all running workers have completed; `None` once all have ended.
    fn reported_s(&self) -> Option<u32> {
        let workers = self.workers.iter();
        workers.filter_map(|worker| worker.completed_s).min()
    }

    fn engine_event(&mut self, number: usize, event: Option<WorkerEvent>) -> EngineEvent {
        match event {
            Some(WorkerEvent::Increment {
                increment,
                completed_s,
            }) => {
                self.workers[number].completed_s = completed_s;
                self.snapshots.hold(increment);
                EngineEvent::Timeout
            }
            Some(WorkerEvent::StopTest) => EngineEvent::StopTest,
            Some(WorkerEvent::WorkerFailed(why)) => EngineEvent::WorkerFailed(why),
            Some(WorkerEvent::Refused(why)) => {
                EngineEvent::WorkerFailed(format!("worker {} cannot start: {why}", number + 1))
            }
            Some(WorkerEvent::Ready | WorkerEvent::Alive) | None => EngineEvent::Timeout,
            Some(WorkerEvent::Ended {
                well,
                failed,
                reason,
            }) => {
                self.has_ended(number);
                self.start_stats.merge(StartStats {
                    started: well,
                    failed,
                    reason,
                });
                EngineEvent::Timeout
            }
        }
    }

    /// Handles a worker that ended before its load did.
    fn lose(&mut self, number: usize, how: &str) -> WorkerLost {
        // The lost worker has not ended, so that there is a number.
        let at_s = self.reported_s().unwrap_or(0);
        self.has_ended(number);
        self.snapshots.lose();
        let of = self.workers.len();
        let missing = 100.0 / of as f64;
        WorkerLost {
            reason: format!(
                "worker process {} of {of} was lost ({how}); {missing:.0} % of the load is missing from second {at_s} on",
                number + 1
            ),
            at_s,
        }
    }

    fn has_ended(&mut self, number: usize) {
        self.running -= 1;
        self.workers[number].completed_s = None;
    }

    /// Resets the silence of all workers if the coordinator itself was stopped, so that it did not poll.
    fn reset_silence_if_stopped(&mut self, wait: Duration) {
        let now = Instant::now();
        let polled_at = std::mem::replace(&mut self.polled_at, now);
        if now - polled_at > POLL_GAP_MAX + wait {
            self.reset_silence();
        }
    }

    fn reset_silence(&mut self) {
        let now = Instant::now();
        self.polled_at = now;
        self.workers
            .iter_mut()
            .for_each(|worker| worker.last_event_at = now);
    }

    /// Kills a worker that was silent for too long.
    fn check_silence(&mut self) -> Result<EngineEvent, WorkerLost> {
        let is_silent = |worker: &Worker| {
            worker.completed_s.is_some() && worker.last_event_at.elapsed() > self.worker_timeout
        };
        let Some(number) = self.workers.iter().position(is_silent) else {
            return Ok(EngineEvent::Timeout);
        };
        let (id, silent_s) = (
            self.workers[number].child.id(),
            self.worker_timeout.as_secs_f64(),
        );
        self.workers[number].kill();
        let how = format!("process id {id} sent nothing for {silent_s} s and was killed");
        Err(self.lose(number, &how))
    }
}

impl LoadGenerator for WorkerProcesses {
    fn clock(&self) -> Clock {
        self.clock
    }

    fn command(&mut self, command: brunt_record::Command) {
        self.send(&WorkerCommand::Command(command));
    }

    fn start_stats(&self) -> &StartStats {
        &self.start_stats
    }

    fn completed_seconds(&self) -> Option<u32> {
        self.snapshots.returned_s
    }

    fn abandon(&mut self) {
        self.workers.iter_mut().for_each(Worker::kill);
    }

    fn next_event(&mut self, wait: Duration) -> Result<EngineEvent, WorkerLost> {
        let reported_s = self.reported_s();
        self.snapshots.release(reported_s);
        if let Some(increment) = self.snapshots.next(reported_s) {
            return Ok(EngineEvent::Increment(increment));
        }
        if self.running == 0 {
            return Ok(EngineEvent::Ended);
        }
        self.reset_silence_if_stopped(wait);
        let (number, event) = match self.events.recv_timeout(wait) {
            Ok(received) => received,
            Err(RecvTimeoutError::Timeout) => {
                // The coordinator may have been stopped during the wait.
                self.reset_silence_if_stopped(wait);
                return self.check_silence();
            }
            Err(RecvTimeoutError::Disconnected) => {
                self.running = 0;
                return Ok(EngineEvent::Timeout);
            }
        };
        self.workers[number].last_event_at = Instant::now();
        let is_lost = event.is_none() && self.workers[number].completed_s.is_some();
        if is_lost {
            let how = self.workers[number].exit_status();
            return Err(self.lose(number, &how));
        }
        Ok(self.engine_event(number, event))
    }
}

impl Worker {
    fn start(
        job: &WorkerJob,
        share: u32,
        to: Sender<(usize, Option<WorkerEvent>)>,
    ) -> anyhow::Result<Self> {
        let own = std::env::current_exe().context("cannot find brunt's own program file")?;
        let mut command = Command::new(own);
        command
            .arg(VERB)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let (mut child, registration) = spawn(&mut command)?;
        let registration = Some(registration);
        let mut commands = child.stdin.take();
        let output = child.stdout.take();
        let output = output.ok_or_else(|| anyhow!("its standard output is missing"))?;
        let mut cores = job.cores.clone();
        let first = share as usize * job.threads;
        let first = first.checked_rem(cores.len()).unwrap_or(0);
        cores.rotate_left(first);
        let job = WorkerJob {
            share,
            cores,
            ..job.clone()
        };
        if let Some(commands) = &mut commands {
            write_frame(commands, &WorkerCommand::Prepare(Box::new(job)))?;
        }
        std::thread::Builder::new()
            .name(format!("process-{share}"))
            .spawn(move || listen(share as usize, output, &to))?;
        Ok(Self {
            child,
            registration,
            commands,
            completed_s: Some(0),
            last_event_at: Instant::now(),
        })
    }

    /// Kills the worker and waits for it.
    fn kill(&mut self) {
        self.commands = None;
        // After the wait the process id may be reused.
        self.registration = None;
        // Neither call can fail for a child that was not waited for.
        self.child.kill().ok();
        self.child.wait().ok();
    }

    /// Description of the exit of a worker whose output has ended.
    fn exit_status(&mut self) -> String {
        let until = Instant::now() + EXIT_STATUS_TIMEOUT;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => {
                    // After the wait the process id may be reused.
                    self.registration = None;
                    return status.to_string();
                }
                Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(1)),
                Ok(None) => return "closed its output".to_owned(),
                Err(error) => return error.to_string(),
            }
        }
    }
}

/// Forwards the events of a worker; `None` at the end of its output.
fn listen(number: usize, mut output: ChildStdout, to: &Sender<(usize, Option<WorkerEvent>)>) {
    loop {
        let event = read_frame(&mut output).unwrap_or_default();
        let is_last = event.is_none();
        // Without a receiver the run is over.
        if to.send((number, event)).is_err() || is_last {
            return;
        }
    }
}

impl Drop for WorkerProcesses {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            worker.commands = None;
        }
        let until = Instant::now() + EXIT_TIMEOUT;
        for worker in &mut self.workers {
            while !has_ended(&worker.child) && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(5));
            }
            worker.kill();
        }
    }
}
