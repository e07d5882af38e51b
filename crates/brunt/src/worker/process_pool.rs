//! Processes that make a run's load, each its share of it: brunt tells them what to play and gathers what they record.

use std::collections::VecDeque;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use brunt_engine::{Clock, EngineEvent, StartStats};
use brunt_record::MetricsSnapshot;

use crate::system::child_processes::{Registration, has_ended, register};
use crate::worker::protocol::{Job, Order, Word, hear, say};

/// The verb of the processes; what they play comes with their job.
pub(crate) const VERB: &str = "worker";
/// How long they may take to get ready.
const READY_WITHIN: Duration = Duration::from_mins(1);
/// So long after all are ready they begin.
const BEGIN_AFTER: Duration = Duration::from_millis(50);
/// How long one may take to exit once its output is at its end.
const EXITS_WITHIN: Duration = Duration::from_millis(200);
/// If brunt itself did not look for news for longer, it was stopped: nobody else is called silent for that.
const LOOKED_WITHIN: Duration = Duration::from_secs(1);
/// How long one may take to end once nobody listens.
const END_WITHIN: Duration = Duration::from_secs(3);

/// The processes, while they run.
pub(crate) struct Processes {
    clock: Clock,
    workers: Vec<Worker>,
    words: Receiver<(usize, Option<Word>)>,
    running: usize,
    started: StartStats,
    shares: Shares,
    /// How long one may be silent.
    silent_max: Duration,
    /// When brunt last looked for news.
    looked_at: Instant,
}

/// A process that ended before its load did.
#[derive(Debug)]
pub(crate) struct WorkerLost {
    /// Which, how, and what is missing since when.
    pub(crate) reason: String,
    /// Number of seconds that all processes reported.
    pub(crate) at_s: u32,
}

/// What the processes recorded, which is passed on second by second once all of them have reported the second: if one is
/// lost, nothing is shown in which its share is missing.
#[derive(Default)]
struct Shares {
    /// Each with its second.
    held: Vec<(u32, Box<MetricsSnapshot>)>,
    complete: VecDeque<Box<MetricsSnapshot>>,
    is_lost: bool,
    /// Number of seconds that were passed on in full.
    passed_on_s: u32,
}

impl Shares {
    fn hold(&mut self, increment: Box<MetricsSnapshot>) {
        let seconds = increment.seconds.iter().map(|(second, _)| *second);
        let second = seconds.max().unwrap_or(0);
        if !self.is_lost {
            self.held.push((second, increment));
        }
    }

    /// All processes have reported this number of seconds.
    fn complete(&mut self, reported_s: u32) {
        let is_complete = |(second, _): &mut (u32, Box<MetricsSnapshot>)| *second < reported_s;
        let complete = self.held.extract_if(.., is_complete);
        self.complete
            .extend(complete.map(|(_, increment)| increment));
    }

    /// One of them is lost: what the others record from here on is not the planned load.
    fn lose(&mut self) {
        self.held.clear();
        self.is_lost = true;
    }

    fn next(&mut self, reported_s: u32) -> Option<Box<MetricsSnapshot>> {
        let next = self.complete.pop_front();
        if self.complete.is_empty() {
            self.passed_on_s = reported_s;
        }
        next
    }
}

struct Worker {
    child: Child,
    /// It is killed with brunt; `None`: it was waited for.
    registration: Option<Registration>,
    /// With their end, it ends.
    orders: Option<ChildStdin>,
    /// So many seconds of it were told as news; more than there are once it has ended.
    told_s: u32,
    /// When it last reported.
    heard_at: Instant,
}

impl Processes {
    /// Starts as many as the job is shared by, and lets them begin when all are ready. One that is silent for longer
    /// than `silent_max` is lost.
    pub(crate) fn start(job: &Job, silent_max: Duration) -> anyhow::Result<Self> {
        let (to, words) = channel();
        let mut processes = Self {
            clock: Clock::start(),
            workers: Vec::new(),
            words,
            running: 0,
            started: StartStats::default(),
            shares: Shares::default(),
            silent_max,
            looked_at: Instant::now(),
        };
        for share in 0..job.of {
            let worker = Worker::start(job, share, to.clone());
            let what = || format!("cannot start process {} of {}", share + 1, job.of);
            processes.workers.push(worker.with_context(what)?);
            processes.running += 1;
        }
        processes.wait_until_ready()?;
        let at = Clock::of_the_machine() + BEGIN_AFTER;
        processes.tell(&Order::Begin(at));
        processes.clock = Clock::starting_at(at);
        processes.all_are_heard();
        Ok(processes)
    }

    fn wait_until_ready(&self) -> anyhow::Result<()> {
        let until = Instant::now() + READY_WITHIN;
        let mut missing: Vec<usize> = (0..self.workers.len()).collect();
        while let Some(first) = missing.first() {
            let left = until.saturating_duration_since(Instant::now());
            match self.words.recv_timeout(left) {
                Ok((number, Some(Word::Ready))) => missing.retain(|other| *other != number),
                Ok((number, Some(Word::Refused(why)))) => {
                    bail!("{} cannot begin: {why}", self.name_of(number));
                }
                Ok((number, _)) => bail!("{} ended before it began", self.name_of(number)),
                Err(_) => bail!(
                    "{} was not ready within {} s",
                    self.name_of(*first),
                    READY_WITHIN.as_secs()
                ),
            }
        }
        Ok(())
    }

    /// "worker 2 of 3 (process 4711)".
    fn name_of(&self, number: usize) -> String {
        let id = self.workers[number].child.id();
        format!(
            "worker {} of {} (process {id})",
            number + 1,
            self.workers.len()
        )
    }

    /// Their process ids.
    pub(crate) fn pids(&self) -> Vec<u32> {
        self.workers
            .iter()
            .map(|worker| worker.child.id())
            .collect()
    }

    /// The run's clock.
    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    /// Gives a command to all.
    pub(crate) fn command(&mut self, command: brunt_record::Command) {
        self.tell(&Order::Command(command));
    }

    fn tell(&mut self, order: &Order) {
        for worker in &mut self.workers {
            if let Some(orders) = &mut worker.orders
                && say(orders, order).is_err()
            {
                // It has gone, which is heard on the other way.
                worker.orders = None;
            }
        }
    }

    /// How the users started of those that have ended.
    pub(crate) fn start_stats(&self) -> &StartStats {
        &self.started
    }

    /// So many seconds of all were told as news; more than there are once all have ended.
    pub(crate) fn completed_seconds(&self) -> u32 {
        self.shares.passed_on_s
    }

    /// Number of seconds that all of them have reported; more than there are once all have ended.
    fn reported_s(&self) -> u32 {
        let told = self.workers.iter().map(|worker| worker.told_s);
        told.min().unwrap_or(u32::MAX)
    }

    /// What comes next, waiting at most so long; an error when a process is lost.
    pub(crate) fn next_event(&mut self, wait: Duration) -> Result<EngineEvent, WorkerLost> {
        let reported_s = self.reported_s();
        self.shares.complete(reported_s);
        if let Some(increment) = self.shares.next(reported_s) {
            return Ok(EngineEvent::Increment(increment));
        }
        if self.running == 0 {
            return Ok(EngineEvent::Ended);
        }
        self.pardon_all_if_stopped(wait);
        let (number, word) = match self.words.recv_timeout(wait) {
            Ok(said) => said,
            Err(RecvTimeoutError::Timeout) => {
                // Brunt may have been stopped while it waited.
                self.pardon_all_if_stopped(wait);
                return self.look_for_silent();
            }
            Err(RecvTimeoutError::Disconnected) => {
                self.running = 0;
                return Ok(EngineEvent::Timeout);
            }
        };
        self.workers[number].heard_at = Instant::now();
        let is_lost = word.is_none() && self.workers[number].told_s != u32::MAX;
        if is_lost {
            let how = self.workers[number].how_it_ended();
            return Err(self.lose(number, &how));
        }
        Ok(self.news_of(number, word))
    }

    fn news_of(&mut self, number: usize, word: Option<Word>) -> EngineEvent {
        match word {
            Some(Word::Increment { increment, told_s }) => {
                self.workers[number].told_s = told_s;
                self.shares.hold(increment);
                EngineEvent::Timeout
            }
            Some(Word::StopTest) => EngineEvent::StopTest,
            Some(Word::WorkerFailed(why)) => EngineEvent::WorkerFailed(why),
            Some(Word::Refused(why)) => {
                EngineEvent::WorkerFailed(format!("process {} could not begin: {why}", number + 1))
            }
            Some(Word::Ready | Word::Alive) | None => EngineEvent::Timeout,
            Some(Word::Ended {
                well,
                failed,
                reason,
            }) => {
                self.has_ended(number);
                self.started.merge(StartStats {
                    started: well,
                    failed,
                    reason,
                });
                EngineEvent::Timeout
            }
        }
    }

    /// A process has ended, in this way, before it said that its load had.
    fn lose(&mut self, number: usize, how: &str) -> WorkerLost {
        let at_s = self.reported_s();
        self.has_ended(number);
        self.shares.lose();
        let of = self.workers.len();
        let missing = 100.0 / of as f64;
        WorkerLost {
            reason: format!(
                "process {} of {of} of the load was lost ({how}), and {missing:.0} % of the load is missing from \
                 second {at_s} on",
                number + 1
            ),
            at_s,
        }
    }

    fn has_ended(&mut self, number: usize) {
        self.running -= 1;
        self.workers[number].told_s = u32::MAX;
    }

    /// Ends all that still run, whatever they do.
    pub(crate) fn abandon(&mut self) {
        self.workers.iter_mut().for_each(Worker::kill);
    }

    /// Counts all as heard if brunt itself did not look for them for longer than it waits, since it was stopped.
    fn pardon_all_if_stopped(&mut self, wait: Duration) {
        let now = Instant::now();
        let looked_at = std::mem::replace(&mut self.looked_at, now);
        if now - looked_at > LOOKED_WITHIN + wait {
            self.all_are_heard();
        }
    }

    fn all_are_heard(&mut self) {
        let now = Instant::now();
        self.looked_at = now;
        self.workers
            .iter_mut()
            .for_each(|worker| worker.heard_at = now);
    }

    /// Gives up a worker that was silent for too long.
    fn look_for_silent(&mut self) -> Result<EngineEvent, WorkerLost> {
        let is_silent = |worker: &Worker| {
            worker.told_s != u32::MAX && worker.heard_at.elapsed() > self.silent_max
        };
        let Some(number) = self.workers.iter().position(is_silent) else {
            return Ok(EngineEvent::Timeout);
        };
        let (id, silent_s) = (
            self.workers[number].child.id(),
            self.silent_max.as_secs_f64(),
        );
        self.workers[number].kill();
        let how = format!("process id {id} sent nothing for {silent_s} s and was killed");
        Err(self.lose(number, &how))
    }
}

impl Worker {
    fn start(job: &Job, share: u32, to: Sender<(usize, Option<Word>)>) -> anyhow::Result<Self> {
        let own = std::env::current_exe().context("cannot find brunt's own program file")?;
        let mut child = Command::new(own)
            .arg(VERB)
            // In a process group of its own: Ctrl-C reaches brunt alone.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let registration = Some(register(&child));
        let mut orders = child.stdin.take();
        let output = child.stdout.take();
        let output = output.ok_or_else(|| anyhow!("it has no output"))?;
        let mut cores = job.cores.clone();
        let first = share as usize * job.threads;
        let first = first.checked_rem(cores.len()).unwrap_or(0);
        cores.rotate_left(first);
        let job = Job {
            share,
            cores,
            ..job.clone()
        };
        if let Some(orders) = &mut orders {
            say(orders, &Order::Prepare(Box::new(job)))?;
        }
        std::thread::Builder::new()
            .name(format!("process-{share}"))
            .spawn(move || listen(share as usize, output, &to))?;
        Ok(Self {
            child,
            registration,
            orders,
            told_s: 0,
            heard_at: Instant::now(),
        })
    }

    /// Ends it, whatever it does, and waits for it.
    fn kill(&mut self) {
        self.orders = None;
        // From here on its id may be another's.
        self.registration = None;
        // Neither can fail for a child that was not waited for.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Worker {
    /// How a process ended whose output is at its end, in words.
    fn how_it_ended(&mut self) -> String {
        let until = Instant::now() + EXITS_WITHIN;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => {
                    // From here on its id may be another's.
                    self.registration = None;
                    return status.to_string();
                }
                Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(1)),
                Ok(None) => return "it closed its output".to_owned(),
                Err(error) => return error.to_string(),
            }
        }
    }
}

/// Hands on what a process says, and that it says no more.
fn listen(number: usize, mut output: ChildStdout, to: &Sender<(usize, Option<Word>)>) {
    loop {
        let word = hear(&mut output).unwrap_or_default();
        let is_last = word.is_none();
        // Where nobody listens any more, all is over.
        if to.send((number, word)).is_err() || is_last {
            return;
        }
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for worker in &mut self.workers {
            worker.orders = None;
        }
        let until = Instant::now() + END_WITHIN;
        for worker in &mut self.workers {
            while !has_ended(&worker.child) && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(5));
            }
            worker.kill();
        }
    }
}
