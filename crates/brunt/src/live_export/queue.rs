//! Queue of intervals to an exporter, which may be slow. A full queue drops intervals, and the exporter is told how many.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Context;
use brunt_record::{Ending, Header};
use brunt_report::stream::Interval;

/// Number of intervals that an exporter may be behind.
const QUEUE_LENGTH: usize = 8;
/// Below the load, and below all else that brunt does.
const NICE: i32 = 10;

/// Publishes the intervals of runs. An error tells why something was not accepted.
pub(super) trait Exporter: Send {
    /// Starts a run.
    fn run(&mut self, header: &Arc<Header>) -> Result<(), String>;
    /// Publishes an interval.
    fn interval(
        &mut self,
        header: &Arc<Header>,
        interval: &Arc<Interval>,
        lost: DroppedIntervals,
    ) -> Result<(), String>;
    /// Publishes how a run ended.
    fn ending(
        &mut self,
        header: &Header,
        ending: &Ending,
        lost: DroppedIntervals,
    ) -> Result<(), String>;
}

/// Number of intervals that an exporter did not get.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct DroppedIntervals {
    /// Since the last one that it got.
    pub(super) before: u64,
    /// Since the start of the run.
    pub(super) in_all: u64,
}

/// Message to an exporter.
enum Message {
    Run(Arc<Header>),
    /// With how many were lost on the way to the queue since the one before.
    Interval(Arc<Header>, Arc<Interval>, u64),
    Ending(Arc<Header>, Ending, u64),
}

/// What became of the messages.
#[derive(Debug, Default)]
struct Delivery {
    intervals: AtomicU64,
    /// The first thing that went wrong.
    trouble: OnceLock<String>,
}

/// Queue and thread of one exporter.
pub(super) struct ExporterQueue {
    /// The option that the user gave.
    name: String,
    to: SyncSender<Message>,
    thread: JoinHandle<()>,
    taken: Arc<Delivery>,
    told: u64,
    /// Did not fit since the last that did.
    lost: u64,
    has_complained: bool,
}

impl ExporterQueue {
    /// Starts the thread of an exporter.
    pub(super) fn start(name: String, exporter: Box<dyn Exporter>) -> anyhow::Result<Self> {
        let (to, from) = sync_channel(QUEUE_LENGTH);
        let taken = Arc::new(Delivery::default());
        let account = taken.clone();
        let thread = thread::Builder::new()
            .name("exporter".into())
            .spawn(move || {
                step_back();
                serve(&from, exporter, &account);
            })
            .context("cannot start a thread")?;
        Ok(Self {
            name,
            to,
            thread,
            taken,
            told: 0,
            lost: 0,
            has_complained: false,
        })
    }

    /// A run begins.
    pub(super) fn run(&mut self, header: &Arc<Header>) {
        // Where a run before is not taken yet, the line of this one is missing there.
        self.to.try_send(Message::Run(header.clone())).ok();
    }

    /// A second is over. What the user is to know comes back, once.
    pub(super) fn interval(
        &mut self,
        header: &Arc<Header>,
        interval: &Arc<Interval>,
    ) -> Option<String> {
        self.told += 1;
        let told = Message::Interval(header.clone(), interval.clone(), self.lost);
        match self.to.try_send(told) {
            Ok(()) => self.lost = 0,
            Err(_) => self.lost += 1,
        }
        let reason = match self.taken.trouble.get() {
            Some(trouble) => trouble.as_str(),
            None if self.lost > 0 => "it accepts less than one interval a second",
            None => return None,
        };
        if self.has_complained {
            return None;
        }
        self.has_complained = true;
        Some(format!(
            "note: {} drops intervals: {reason}; the run and its reports are complete",
            self.name
        ))
    }

    /// A run has ended.
    pub(super) fn ending(&mut self, header: &Arc<Header>, ending: &Ending) {
        let told = Message::Ending(header.clone(), ending.clone(), self.lost);
        if self.to.try_send(told).is_ok() {
            self.lost = 0;
        }
    }

    /// Waits until then for what is still on its way, and says what was lost.
    pub(super) fn close(self, until: Instant) -> Option<String> {
        drop(self.to);
        while !self.thread.is_finished() && Instant::now() < until {
            thread::sleep(Duration::from_millis(10));
        }
        let lost = self.told - self.taken.intervals.load(Ordering::SeqCst).min(self.told);
        let because = match self.taken.trouble.get() {
            Some(trouble) => format!(": {trouble}"),
            None => String::new(),
        };
        (lost > 0).then(|| {
            format!(
                "note: {} dropped {lost} of {} intervals{because}",
                self.name, self.told
            )
        })
    }
}

/// Lets the thread that calls wait for everything else that wants a CPU. Where the system does not allow it,
/// it goes on as it is.
pub(super) fn step_back() {
    rustix::process::setpriority_process(None, NICE).ok();
}

/// Passes all messages to an exporter, one after the other, until the queue is closed.
fn serve(from: &Receiver<Message>, mut exporter: Box<dyn Exporter>, account: &Delivery) {
    let mut lost = DroppedIntervals::default();
    while let Ok(told) = from.recv() {
        let taken = match told {
            Message::Run(header) => {
                lost = DroppedIntervals::default();
                exporter.run(&header)
            }
            Message::Interval(header, interval, before) => {
                lost.add(before);
                let taken = exporter.interval(&header, &interval, lost);
                match taken {
                    Ok(()) => {
                        lost.before = 0;
                        account.intervals.fetch_add(1, Ordering::SeqCst);
                    }
                    Err(_) => lost.add(1),
                }
                taken
            }
            Message::Ending(header, ending, before) => {
                lost.add(before);
                exporter.ending(&header, &ending, lost)
            }
        };
        if let Err(trouble) = taken {
            // The first is kept.
            account.trouble.set(trouble).ok();
        }
    }
}

impl DroppedIntervals {
    fn add(&mut self, more: u64) {
        self.before += more;
        self.in_all += more;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use brunt_record::{Generator, Load, Machine, StoppedBy};
    use brunt_report::stream::StreamAggregator;

    use super::*;

    /// Says what it has in its hands, and is done with it at a word.
    struct Slow {
        words: Receiver<Result<(), String>>,
        heard: Sender<(u32, DroppedIntervals)>,
    }

    impl Exporter for Slow {
        fn run(&mut self, _: &Arc<Header>) -> Result<(), String> {
            Ok(())
        }

        fn interval(
            &mut self,
            _: &Arc<Header>,
            interval: &Arc<Interval>,
            lost: DroppedIntervals,
        ) -> Result<(), String> {
            self.heard.send((interval.second(), lost)).ok();
            self.words.recv().unwrap_or_else(|_| Err("over".to_owned()))
        }

        fn ending(&mut self, _: &Header, _: &Ending, lost: DroppedIntervals) -> Result<(), String> {
            self.heard.send((u32::MAX, lost)).ok();
            Ok(())
        }
    }

    fn header() -> Arc<Header> {
        Arc::new(Header {
            run_id: String::new(),
            brunt_version: String::new(),
            scenario_file: String::new(),
            scenario_hash: String::new(),
            scenario: None,
            profile: String::new(),
            host: String::new(),
            embedded: false,
            started_at: jiff::Timestamp::UNIX_EPOCH,
            seed: 0,
            names: Vec::new(),
            classes: Vec::new(),
            load: Load {
                warm_up_s: 0.0,
                concurrent: Vec::new(),
                iterations: None,
                until_decided_s: None,
                stages: Vec::new(),
                open: None,
                search: None,
                tasks_per_user_second: None,
                requests_per_task: 1.0,
            },
            targets: Vec::new(),
            generator: Generator::default(),
            machine: Machine::default(),
            label: None,
            commit: None,
            min_duration_s: None,
            not_requested: Vec::new(),
            planned_shares: Vec::new(),
        })
    }

    const SEEN: Duration = Duration::from_secs(30);

    #[test]
    fn one_that_is_slow_loses_intervals_and_hears_how_many() {
        let (word, words) = channel();
        let (heard, hears) = channel();
        let mut queue =
            ExporterQueue::start("--slow".into(), Box::new(Slow { words, heard })).unwrap();
        let header = header();
        let most = u32::try_from(QUEUE_LENGTH).unwrap();
        // One is in its hands, a queue is full, and three are lost: nobody waits for it.
        let intervals = StreamAggregator::new(&[]).take_complete(Some(most + 4 + 1));
        let mut intervals = intervals.into_iter().map(Arc::new);
        assert_eq!(queue.interval(&header, &intervals.next().unwrap()), None);
        assert_eq!(
            hears.recv_timeout(SEEN),
            Ok((0, DroppedIntervals::default()))
        );
        while queue.to.try_send(Message::Run(header.clone())).is_ok() {}
        let told: Vec<Option<String>> = intervals
            .by_ref()
            .take(3)
            .map(|interval| queue.interval(&header, &interval))
            .collect();
        let note = "note: --slow drops intervals: it accepts less than one interval a second; the run and its reports are complete";
        assert_eq!(told, [Some(note.to_owned()), None, None], "it is said once");

        word.send(Ok(())).unwrap();
        let after = intervals.next().unwrap();
        let begun = Instant::now();
        while queue.lost > 0 {
            queue.interval(&header, &after);
            assert!(begun.elapsed() < SEEN);
            thread::sleep(Duration::from_millis(1));
        }
        let (second, lost) = hears.recv_timeout(SEEN).unwrap();
        assert_eq!(second, after.second());
        assert!(lost.before >= 3 && lost.before == lost.in_all, "{lost:?}");
        word.send(Err("refused".into())).unwrap();
        // What it refused is lost, too.
        let ending = Ending {
            stopped_by: StoppedBy::Finished,
            load_ended_ms: 0,
            ended_ms: 0,
            stop_reason: None,
            missed_targets: Vec::new(),
            unavailable: brunt_record::Unavailable::default(),
        };
        queue.ending(&header, &ending);
        let (_, at_the_end) = hears.recv_timeout(SEEN).unwrap();
        assert_eq!(at_the_end.in_all, lost.in_all + 1);
        let told = queue.told;
        let loss = queue.close(Instant::now() + SEEN).expect("a loss");
        let expected = format!(
            "note: --slow dropped {} of {told} intervals: refused",
            told - 1
        );
        assert_eq!(loss, expected);
    }
}
