//! Queue of intervals for an exporter. A full queue drops intervals, and their number is passed to the exporter.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Context;
use brunt_record::{Ending, Header};
use brunt_report::stream::Interval;

/// Maximum number of intervals in the queue.
const QUEUE_LENGTH: usize = 8;
/// Niceness of exporter threads: below the load and all other threads of brunt.
const NICE: i32 = 10;

/// Destination of metrics. An error is the reason why something was not published.
pub(super) trait Exporter: Send {
    /// Starts a run.
    fn run(&mut self, header: &Arc<Header>) -> Result<(), String>;
    /// Publishes an interval.
    fn interval(
        &mut self,
        header: &Arc<Header>,
        interval: &Arc<Interval>,
        dropped: DroppedIntervals,
    ) -> Result<(), String>;
    /// Publishes how a run ended.
    fn ending(
        &mut self,
        header: &Header,
        ending: &Ending,
        dropped: DroppedIntervals,
    ) -> Result<(), String>;
}

/// Number of intervals that an exporter did not receive.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct DroppedIntervals {
    /// Since the last one that it received.
    pub(super) before: u64,
    /// Since the start of the run.
    pub(super) total: u64,
}

/// Message to an exporter.
enum Message {
    Run(Arc<Header>),
    /// The number counts intervals that did not fit into the queue since the previous message.
    Interval(Arc<Header>, Arc<Interval>, u64),
    Ending(Arc<Header>, Ending, u64),
}

/// Result of the delivery.
#[derive(Debug, Default)]
struct Delivery {
    /// Number of published intervals.
    intervals: AtomicU64,
    /// The first error.
    error: OnceLock<String>,
}

/// Queue and thread of one exporter.
pub(super) struct ExporterQueue {
    /// The option that the user gave.
    name: String,
    to: SyncSender<Message>,
    thread: JoinHandle<()>,
    delivery: Arc<Delivery>,
    /// Number of intervals of all runs.
    intervals: u64,
    /// Number of intervals that did not fit since the last one that did.
    dropped: u64,
    has_warned: bool,
}

impl ExporterQueue {
    /// Starts the thread of an exporter.
    pub(super) fn start(name: String, exporter: Box<dyn Exporter>) -> anyhow::Result<Self> {
        let (to, from) = sync_channel(QUEUE_LENGTH);
        let delivery = Arc::new(Delivery::default());
        let of_thread = delivery.clone();
        let thread = thread::Builder::new()
            .name("exporter".into())
            .spawn(move || {
                lower_priority();
                deliver(&from, exporter, &of_thread);
            })
            .context("cannot start a thread")?;
        Ok(Self {
            name,
            to,
            thread,
            delivery,
            intervals: 0,
            dropped: 0,
            has_warned: false,
        })
    }

    /// Starts a run.
    pub(super) fn run(&mut self, header: &Arc<Header>) {
        // If the queue is full, the exporter does not receive the header of this run.
        self.to.try_send(Message::Run(header.clone())).ok();
    }

    /// Queues an interval. Returns a note for the user the first time that something is lost.
    pub(super) fn interval(
        &mut self,
        header: &Arc<Header>,
        interval: &Arc<Interval>,
    ) -> Option<String> {
        self.intervals += 1;
        let message = Message::Interval(header.clone(), interval.clone(), self.dropped);
        match self.to.try_send(message) {
            Ok(()) => self.dropped = 0,
            Err(_) => self.dropped += 1,
        }
        let reason = match self.delivery.error.get() {
            Some(error) => error.as_str(),
            None if self.dropped > 0 => "it accepts less than one interval per second",
            None => return None,
        };
        if self.has_warned {
            return None;
        }
        self.has_warned = true;
        Some(format!(
            "note: {} drops intervals: {reason}; the run and its reports are not affected",
            self.name
        ))
    }

    /// Ends a run.
    pub(super) fn ending(&mut self, header: &Arc<Header>, ending: &Ending) {
        let message = Message::Ending(header.clone(), ending.clone(), self.dropped);
        if self.to.try_send(message).is_ok() {
            self.dropped = 0;
        }
    }

    /// Waits for queued messages until this time, and returns a note if intervals were dropped.
    pub(super) fn close(self, until: Instant) -> Option<String> {
        drop(self.to);
        while !self.thread.is_finished() && Instant::now() < until {
            thread::sleep(Duration::from_millis(10));
        }
        let published = self.delivery.intervals.load(Ordering::SeqCst);
        let dropped = self.intervals - published.min(self.intervals);
        let because = match self.delivery.error.get() {
            Some(error) => format!(": {error}"),
            None => String::new(),
        };
        (dropped > 0).then(|| {
            format!(
                "note: {} dropped {dropped} of {} intervals{because}",
                self.name, self.intervals
            )
        })
    }
}

/// Lowers the priority of the calling thread, if the system permits it.
pub(super) fn lower_priority() {
    rustix::process::setpriority_process(None, NICE).ok();
}

/// Passes messages to an exporter until the queue is closed.
fn deliver(from: &Receiver<Message>, mut exporter: Box<dyn Exporter>, delivery: &Delivery) {
    let mut dropped = DroppedIntervals::default();
    while let Ok(message) = from.recv() {
        let result = match message {
            Message::Run(header) => {
                dropped = DroppedIntervals::default();
                exporter.run(&header)
            }
            Message::Interval(header, interval, before) => {
                dropped.add(before);
                let result = exporter.interval(&header, &interval, dropped);
                match result {
                    Ok(()) => {
                        dropped.before = 0;
                        delivery.intervals.fetch_add(1, Ordering::SeqCst);
                    }
                    Err(_) => dropped.add(1),
                }
                result
            }
            Message::Ending(header, ending, before) => {
                dropped.add(before);
                exporter.ending(&header, &ending, dropped)
            }
        };
        if let Err(error) = result {
            // Only the first error is stored.
            delivery.error.set(error).ok();
        }
    }
}

impl DroppedIntervals {
    fn add(&mut self, more: u64) {
        self.before += more;
        self.total += more;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use brunt_record::{Generator, Load, Machine, StoppedBy};
    use brunt_report::stream::StreamAggregator;

    use super::*;

    /// Exporter that reports each interval, and blocks until the test sends the result.
    struct BlockingExporter {
        results: Receiver<Result<(), String>>,
        received: Sender<(u32, DroppedIntervals)>,
    }

    impl Exporter for BlockingExporter {
        fn run(&mut self, _: &Arc<Header>) -> Result<(), String> {
            Ok(())
        }

        fn interval(
            &mut self,
            _: &Arc<Header>,
            interval: &Arc<Interval>,
            dropped: DroppedIntervals,
        ) -> Result<(), String> {
            self.received.send((interval.second(), dropped)).ok();
            self.results
                .recv()
                .unwrap_or_else(|_| Err("closed".to_owned()))
        }

        fn ending(
            &mut self,
            _: &Header,
            _: &Ending,
            dropped: DroppedIntervals,
        ) -> Result<(), String> {
            self.received.send((u32::MAX, dropped)).ok();
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

    const BOUND: Duration = Duration::from_secs(30);

    #[test]
    fn slow_exporter_drops_intervals_and_receives_their_number() {
        let (result, results) = channel();
        let (received, receiver) = channel();
        let exporter = Box::new(BlockingExporter { results, received });
        let mut queue = ExporterQueue::start("--slow".into(), exporter).unwrap();
        let header = header();
        let most = u32::try_from(QUEUE_LENGTH).unwrap();
        // One interval is being published, the queue is full, and three are dropped without blocking.
        let intervals = StreamAggregator::new(&[]).take_complete(Some(most + 4 + 1));
        let mut intervals = intervals.into_iter().map(Arc::new);
        assert_eq!(queue.interval(&header, &intervals.next().unwrap()), None);
        assert_eq!(
            receiver.recv_timeout(BOUND),
            Ok((0, DroppedIntervals::default()))
        );
        while queue.to.try_send(Message::Run(header.clone())).is_ok() {}
        let notes: Vec<Option<String>> = intervals
            .by_ref()
            .take(3)
            .map(|interval| queue.interval(&header, &interval))
            .collect();
        let note = "note: --slow drops intervals: it accepts less than one interval per second; the run and its reports are not affected";
        assert_eq!(notes, [Some(note.to_owned()), None, None], "printed once");

        result.send(Ok(())).unwrap();
        let after = intervals.next().unwrap();
        let started = Instant::now();
        while queue.dropped > 0 {
            queue.interval(&header, &after);
            assert!(started.elapsed() < BOUND);
            thread::sleep(Duration::from_millis(1));
        }
        let (second, dropped) = receiver.recv_timeout(BOUND).unwrap();
        assert_eq!(second, after.second());
        assert!(
            dropped.before >= 3 && dropped.before == dropped.total,
            "{dropped:?}"
        );
        result.send(Err("refused".into())).unwrap();
        // An interval that it rejects counts as dropped.
        let ending = Ending {
            stopped_by: StoppedBy::Finished,
            load_ended_ms: 0,
            ended_ms: 0,
            stop_reason: None,
            missed_targets: Vec::new(),
            unavailable: brunt_record::Unavailable::default(),
        };
        queue.ending(&header, &ending);
        let (_, at_end) = receiver.recv_timeout(BOUND).unwrap();
        assert_eq!(at_end.total, dropped.total + 1);
        let intervals = queue.intervals;
        let note = queue.close(Instant::now() + BOUND).expect("a note");
        let expected = format!(
            "note: --slow dropped {} of {intervals} intervals: refused",
            intervals - 1
        );
        assert_eq!(note, expected);
    }
}
