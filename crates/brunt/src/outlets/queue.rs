//! A queue of intervals to somebody who may be slow. When it is full, intervals are lost here, and whoever
//! listens gets to know how many.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Context;
use record::{Ending, Header};
use report::stream::Interval;

/// So many seconds somebody may be behind.
const BEHIND_MAX: usize = 16;
/// How long the end of the run waits for those who are behind.
const PATIENCE: Duration = Duration::from_secs(5);
/// Below the load, and below all else that brunt does.
const NICE: i32 = 10;

/// Somebody who listens, however slowly. An error says why something was not taken.
pub(super) trait Listener: Send {
    /// A run begins.
    fn run(&mut self, header: &Header) -> Result<(), String>;
    /// A second is over.
    fn interval(&mut self, header: &Header, interval: &Interval, lost: Lost) -> Result<(), String>;
    /// A run has ended.
    fn ending(&mut self, header: &Header, ending: &Ending, lost: Lost) -> Result<(), String>;
}

/// Intervals that a listener did not get.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Lost {
    /// Since the last that it got.
    pub(super) before: u64,
    /// Of the run.
    pub(super) in_all: u64,
}

/// What is said to a listener.
enum Told {
    Run(Arc<Header>),
    /// With how many were lost on the way to the queue since the one before.
    Interval(Arc<Header>, Arc<Interval>, u64),
    Ending(Arc<Header>, Ending, u64),
}

/// What became of what was said.
#[derive(Debug, Default)]
struct Taken {
    intervals: AtomicU64,
    /// The first thing that went wrong.
    trouble: OnceLock<String>,
}

/// The way to one listener.
pub(super) struct Queue {
    /// As the user named it.
    name: String,
    to: SyncSender<Told>,
    thread: JoinHandle<()>,
    taken: Arc<Taken>,
    told: u64,
    /// Did not fit since the last that did.
    lost: u64,
    has_complained: bool,
}

impl Queue {
    /// Starts a listener's thread.
    pub(super) fn start(name: String, listener: Box<dyn Listener>) -> anyhow::Result<Self> {
        let (to, from) = sync_channel(BEHIND_MAX);
        let taken = Arc::new(Taken::default());
        let account = taken.clone();
        let thread = thread::Builder::new()
            .name("outlet".into())
            .spawn(move || {
                step_back();
                serve(&from, listener, &account);
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
        self.to.try_send(Told::Run(header.clone())).ok();
    }

    /// A second is over. What the user is to know comes back, once.
    pub(super) fn interval(
        &mut self,
        header: &Arc<Header>,
        interval: &Arc<Interval>,
    ) -> Option<String> {
        self.told += 1;
        let told = Told::Interval(header.clone(), interval.clone(), self.lost);
        match self.to.try_send(told) {
            Ok(()) => self.lost = 0,
            Err(_) => self.lost += 1,
        }
        let reason = match self.taken.trouble.get() {
            Some(trouble) => trouble.as_str(),
            None if self.lost > 0 => "it takes less than one a second",
            None => return None,
        };
        if self.has_complained {
            return None;
        }
        self.has_complained = true;
        Some(format!(
            "note: {} loses intervals: {reason}; the run goes on, and its record is whole",
            self.name
        ))
    }

    /// A run has ended.
    pub(super) fn ending(&mut self, header: &Arc<Header>, ending: &Ending) {
        let told = Told::Ending(header.clone(), ending.clone(), self.lost);
        if self.to.try_send(told).is_ok() {
            self.lost = 0;
        }
    }

    /// Waits a little for what is still on its way, and says what was lost.
    pub(super) fn close(self) -> Option<String> {
        drop(self.to);
        let begun = Instant::now();
        while !self.thread.is_finished() && begun.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(10));
        }
        let lost = self.told - self.taken.intervals.load(Ordering::SeqCst).min(self.told);
        let because = match self.taken.trouble.get() {
            Some(trouble) => format!(": {trouble}"),
            None => String::new(),
        };
        (lost > 0).then(|| {
            format!(
                "note: {} lost {lost} of {} intervals{because}",
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

/// Hands everything to a listener, one after the other, until there is no more.
fn serve(from: &Receiver<Told>, mut listener: Box<dyn Listener>, account: &Taken) {
    let mut lost = Lost::default();
    while let Ok(told) = from.recv() {
        let taken = match told {
            Told::Run(header) => {
                lost = Lost::default();
                listener.run(&header)
            }
            Told::Interval(header, interval, before) => {
                lost.add(before);
                let taken = listener.interval(&header, &interval, lost);
                match taken {
                    Ok(()) => {
                        lost.before = 0;
                        account.intervals.fetch_add(1, Ordering::SeqCst);
                    }
                    Err(_) => lost.add(1),
                }
                taken
            }
            Told::Ending(header, ending, before) => {
                lost.add(before);
                listener.ending(&header, &ending, lost)
            }
        };
        if let Err(trouble) = taken {
            // The first is kept.
            account.trouble.set(trouble).ok();
        }
    }
}

impl Lost {
    fn add(&mut self, more: u64) {
        self.before += more;
        self.in_all += more;
    }
}
