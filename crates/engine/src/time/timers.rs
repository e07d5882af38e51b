//! The pacer: wakes a core's users when something is due. Due times stand in a heap, the earliest of
//! them arms a timerfd, since the runtime's own timers are no finer than a millisecond.
//!
//! Each user has one seat. It holds what the user sleeps for or, while a request is under way, when
//! that is to be given up; so neither costs memory a request.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
use tokio::io::unix::AsyncFd;

use crate::time::clock::Clock;

const NEVER: u64 = u64::MAX;

/// How far a core is from its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Tasks are begun.
    Running,
    /// No task is begun; those under way may end.
    Stopping,
    /// What is under way is cut off.
    Aborting,
}

/// Why something under way was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GivenUp {
    Deadline,
    Aborted,
}

/// A user's place with the pacer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seat(u32);

impl Seat {
    /// A seat of no pacer.
    #[cfg(any(test, feature = "dialogue"))]
    pub(crate) fn of(number: u32) -> Self {
        Self(number)
    }

    /// Its place among the seats of its pacer.
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

struct Seated {
    waker: RefCell<Option<Waker>>,
    /// What it sleeps for; `NEVER` where it does not.
    due_ns: Cell<u64>,
    /// When what is under way is given up; `NEVER` where nothing is.
    deadline_ns: Cell<u64>,
    /// The intended start of the request under way; `NEVER` where none is.
    intended_ns: Cell<u64>,
}

pub(crate) struct Pacer {
    clock: Clock,
    timer: AsyncFd<OwnedFd>,
    /// When it fires; `NEVER`: not at all, 0: there is no need to.
    armed_ns: Cell<u64>,
    /// So long before something is due the core looks at the clock instead of sleeping.
    spins_ns: u64,
    /// How long it did only that, since it was last asked.
    spun_ns: Cell<u64>,
    phase: Cell<Phase>,
    due: RefCell<BinaryHeap<Reverse<(u64, u32)>>>,
    /// No deadline is earlier.
    deadline_ns: Cell<u64>,
    seats: RefCell<Vec<Seated>>,
    /// When the core was last seen to run; `NEVER` before the timer is driven.
    alive_ns: Cell<u64>,
    /// The longest that the timer had to wait for the core's thread, since it was last asked.
    kept_waiting_ns: Cell<u64>,
    still: RefCell<Still>,
}

/// When the core stood still: stopped, or without a CPU.
#[derive(Default)]
struct Still {
    /// From … to, in nanoseconds of the run's clock; the latest.
    spans: VecDeque<(u64, u64)>,
    /// The end of the last one.
    until_ns: u64,
    /// What was not handed over yet.
    fresh_ns: u64,
}

/// A core that was not seen to run for longer than this has stood still.
const STILL_NS: u64 = 250_000_000;
/// A core wakes at least this often, so that it sees when it stood still.
const HEARTBEAT_NS: u64 = 100_000_000;
/// How long the last of a wait is that is not slept, where each is to end in time.
const SPINS_NS: u64 = 100_000;
/// A turn of the core in which nothing is done but to look at the clock and the network takes less.
const IDLE_TURN_NS: u64 = 3_000;
/// Spans are remembered for requests that were under way then.
const SPANS_REMEMBERED: usize = 64;

impl Pacer {
    /// A pacer on the current runtime; `is_precise`: the last of each wait is not slept.
    pub(crate) fn new(clock: Clock, is_precise: bool) -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = rustix::time::timerfd_create(TimerfdClockId::Monotonic, flags)?;
        Ok(Self {
            clock,
            timer: registered(timer)?,
            armed_ns: Cell::new(NEVER),
            spins_ns: if is_precise { SPINS_NS } else { 0 },
            spun_ns: Cell::new(0),
            phase: Cell::new(Phase::Running),
            due: RefCell::default(),
            deadline_ns: Cell::new(NEVER),
            seats: RefCell::default(),
            alive_ns: Cell::new(NEVER),
            kept_waiting_ns: Cell::new(0),
            still: RefCell::default(),
        })
    }

    pub(crate) fn seat(&self) -> Seat {
        let mut seats = self.seats.borrow_mut();
        seats.push(Seated {
            waker: RefCell::default(),
            due_ns: Cell::new(NEVER),
            deadline_ns: Cell::new(NEVER),
            intended_ns: Cell::new(NEVER),
        });
        // As many as there are users, which are counted in u32.
        Seat(u32::try_from(seats.len() - 1).unwrap_or(u32::MAX))
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase.get()
    }

    /// Moves on to a later phase and wakes all.
    pub(crate) fn enter(&self, phase: Phase) {
        self.phase.set(phase);
        for seated in self.seats.borrow().iter() {
            if let Some(waker) = &*seated.waker.borrow() {
                waker.wake_by_ref();
            }
        }
    }

    /// Wakes all that sleep: what they sleep for may have changed.
    pub(crate) fn break_off_sleeps(&self) {
        for seated in self.seats.borrow().iter() {
            if seated.due_ns.replace(NEVER) != NEVER {
                wake(seated);
            }
        }
    }

    /// Sleeps until a moment of the run's clock, until sleeps are broken off, or until the core leaves
    /// its phase.
    pub(crate) async fn sleep_until(&self, seat: Seat, due_ns: u64) {
        let phase = self.phase.get();
        if self.clock.now_ns() >= due_ns {
            return;
        }
        self.with(seat, |seated| seated.due_ns.set(due_ns));
        self.due.borrow_mut().push(Reverse((due_ns, seat.0)));
        self.arm(due_ns);
        poll_fn(|cx| {
            self.with(seat, |seated| {
                if seated.due_ns.get() == NEVER || self.phase.get() != phase {
                    seated.due_ns.set(NEVER);
                    return Poll::Ready(());
                }
                remember(&seated.waker, cx);
                Poll::Pending
            })
        })
        .await;
    }

    /// Rests until something is there for the seat's user, who is woken by [`Pacer::wake`] or by a change
    /// of phase.
    pub(crate) async fn rest<T>(&self, seat: Seat, mut look: impl FnMut() -> Poll<T>) -> T {
        poll_fn(|cx| {
            let found = look();
            if found.is_pending() {
                self.with(seat, |seated| remember(&seated.waker, cx));
            }
            found
        })
        .await
    }

    /// Wakes a user that rests.
    pub(crate) fn wake(&self, seat: Seat) {
        self.with(seat, wake);
    }

    /// A request comes under way.
    pub(crate) fn begin(&self, seat: Seat, intended_ns: u64) {
        self.with(seat, |seated| seated.intended_ns.set(intended_ns));
    }

    /// The request under way has ended.
    pub(crate) fn end(&self, seat: Seat) {
        self.with(seat, |seated| {
            seated.intended_ns.set(NEVER);
            seated.deadline_ns.set(NEVER);
        });
    }

    /// Sets when what is under way is given up.
    pub(crate) fn set_deadline(&self, seat: Seat, deadline_ns: u64) {
        self.with(seat, |seated| seated.deadline_ns.set(deadline_ns));
        if deadline_ns < self.deadline_ns.get() {
            self.deadline_ns.set(deadline_ns);
            self.arm(deadline_ns);
        }
    }

    /// Waits for something under way, until its deadline or the end of the core.
    #[inline]
    pub(crate) async fn under_way<T>(
        &self,
        seat: Seat,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Result<T, GivenUp> {
        poll_fn(|cx| {
            if let Poll::Ready(done) = poll(cx) {
                return Poll::Ready(Ok(done));
            }
            if self.phase.get() == Phase::Aborting {
                return Poll::Ready(Err(GivenUp::Aborted));
            }
            self.with(seat, |seated| {
                // The driver takes the deadline away once it has passed.
                if seated.deadline_ns.get() == NEVER {
                    return Poll::Ready(Err(GivenUp::Deadline));
                }
                remember(&seated.waker, cx);
                Poll::Pending
            })
        })
        .await
    }

    /// The same for a future.
    pub(crate) async fn future_under_way<F: Future>(
        &self,
        seat: Seat,
        mut future: Pin<&mut F>,
    ) -> Result<F::Output, GivenUp> {
        self.under_way(seat, |cx| future.as_mut().poll(cx)).await
    }

    /// Waits for a future that has no deadline, until the core is cut off.
    pub(crate) async fn unless_aborted<F: Future>(
        &self,
        seat: Seat,
        mut future: Pin<&mut F>,
    ) -> Result<F::Output, GivenUp> {
        poll_fn(|cx| {
            if let Poll::Ready(done) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(done));
            }
            if self.phase.get() == Phase::Aborting {
                return Poll::Ready(Err(GivenUp::Aborted));
            }
            self.with(seat, |seated| remember(&seated.waker, cx));
            Poll::Pending
        })
        .await
    }

    /// Requests under way, and the earliest intended start among them.
    pub(crate) fn in_flight(&self) -> (u32, Option<u64>) {
        let seats = self.seats.borrow();
        let intended = seats.iter().map(|seated| seated.intended_ns.get());
        let under_way = intended.filter(|intended_ns| *intended_ns != NEVER);
        let (mut count, mut oldest) = (0, None);
        for intended_ns in under_way {
            count += 1;
            oldest = Some(oldest.map_or(intended_ns, |oldest: u64| oldest.min(intended_ns)));
        }
        (count, oldest)
    }

    /// Wakes what is due, for ever.
    pub(crate) async fn drive(&self) -> io::Result<()> {
        // Without a first heartbeat a core whose requests all wait for the service would look as if it stood still.
        let now_ns = self.clock.now_ns();
        self.alive_ns.set(now_ns);
        self.arm(now_ns.saturating_add(HEARTBEAT_NS));
        loop {
            let mut ready = self.timer.readable().await?;
            match rustix::io::read(self.timer.get_ref(), &mut [0; 8]) {
                Ok(_) | Err(rustix::io::Errno::AGAIN) => ready.clear_ready(),
                Err(error) => return Err(error.into()),
            }
            drop(ready);
            let armed_ns = self.armed_ns.replace(NEVER);
            let mut now_ns = self.clock.now_ns();
            // What comes from the network waits for the thread as the timer does.
            self.has_waited(now_ns.saturating_sub(armed_ns));
            self.look_at(now_ns);
            if self.spins_ns > 0 {
                self.armed_ns.set(0);
                now_ns = self.spin(now_ns).await;
                self.armed_ns.set(NEVER);
            }
            self.arm(self.next_ns().min(now_ns + HEARTBEAT_NS));
        }
    }

    /// Looks at the clock while something is due so soon that sleeping would be late; the core's other work goes on
    /// meanwhile. Gives back the moment of the last look.
    async fn spin(&self, mut now_ns: u64) -> u64 {
        loop {
            let next_ns = self.next_ns();
            if next_ns > now_ns.saturating_add(self.spins_ns) {
                return now_ns;
            }
            if next_ns <= now_ns {
                self.has_waited(now_ns - next_ns);
                self.look_at(now_ns);
            }
            tokio::task::yield_now().await;
            let before_ns = std::mem::replace(&mut now_ns, self.clock.now_ns());
            let turn_ns = now_ns - before_ns;
            // A longer turn was one of work.
            if turn_ns < IDLE_TURN_NS {
                self.spun_ns.set(self.spun_ns.get() + turn_ns);
            }
            self.is_alive(now_ns);
        }
    }

    /// What is due next, and when.
    fn next_ns(&self) -> u64 {
        let due = self.due.borrow();
        let due_ns = due.peek().map_or(NEVER, |Reverse((due_ns, _))| *due_ns);
        due_ns.min(self.deadline_ns.get())
    }

    /// Wakes what is due at this moment, and gives up what is overdue.
    fn look_at(&self, now_ns: u64) {
        self.is_alive(now_ns);
        self.wake_due(now_ns);
        if self.deadline_ns.get() <= now_ns {
            self.give_up_overdue(now_ns);
        }
    }

    fn has_waited(&self, waited_ns: u64) {
        let most_ns = self.kept_waiting_ns.get().max(waited_ns);
        self.kept_waiting_ns.set(most_ns);
    }

    /// Takes how long the core did nothing but look at the clock since this was last asked.
    pub(crate) fn take_spun_ns(&self) -> u64 {
        self.spun_ns.take()
    }

    /// The core runs at this moment; a long time since the last one tells that it stood still.
    #[inline]
    pub(crate) fn is_alive(&self, now_ns: u64) {
        let last_ns = self.alive_ns.replace(now_ns);
        if now_ns.saturating_sub(last_ns) > STILL_NS {
            self.has_stood_still(last_ns, now_ns);
        }
    }

    /// Remembers that the core stood still, and gives what was under way the time back.
    fn has_stood_still(&self, from_ns: u64, to_ns: u64) {
        let lost_ns = to_ns - from_ns;
        let mut still = self.still.borrow_mut();
        if still.spans.len() == SPANS_REMEMBERED {
            still.spans.pop_front();
        }
        still.spans.push_back((from_ns, to_ns));
        still.until_ns = to_ns;
        still.fresh_ns += lost_ns;
        for seated in self.seats.borrow().iter() {
            let deadline_ns = seated.deadline_ns.get();
            if deadline_ns != NEVER {
                seated.deadline_ns.set(deadline_ns.saturating_add(lost_ns));
            }
        }
    }

    /// How long the core stood still between two moments, in nanoseconds.
    #[inline]
    pub(crate) fn stood_still_ns(&self, from_ns: u64, to_ns: u64) -> u64 {
        let still = self.still.borrow();
        if still.until_ns <= from_ns {
            return 0;
        }
        let overlap =
            |(begin, end): &(u64, u64)| (*end).min(to_ns).saturating_sub((*begin).max(from_ns));
        still.spans.iter().map(overlap).sum()
    }

    /// Takes how long it has stood still since the last time that this was asked.
    pub(crate) fn take_stood_still_ns(&self) -> u64 {
        std::mem::take(&mut self.still.borrow_mut().fresh_ns)
    }

    /// Takes the longest that the timer had to wait since the last time that this was asked.
    pub(crate) fn take_kept_waiting_ns(&self) -> u64 {
        self.kept_waiting_ns.take()
    }

    fn wake_due(&self, now_ns: u64) {
        let mut due = self.due.borrow_mut();
        while let Some(&Reverse((due_ns, seat))) = due.peek()
            && due_ns <= now_ns
        {
            due.pop();
            self.with(Seat(seat), |seated| {
                // A sleep that was broken off leaves its due time behind.
                if seated.due_ns.get() == due_ns {
                    seated.due_ns.set(NEVER);
                    wake(seated);
                }
            });
        }
    }

    fn give_up_overdue(&self, now_ns: u64) {
        let mut next = NEVER;
        for seated in self.seats.borrow().iter() {
            let deadline_ns = seated.deadline_ns.get();
            if deadline_ns <= now_ns {
                seated.deadline_ns.set(NEVER);
                wake(seated);
            } else {
                next = next.min(deadline_ns);
            }
        }
        self.deadline_ns.set(next);
    }

    /// Sees to it that the timer fires at a moment, or earlier: so much that there is time to spin.
    fn arm(&self, at_ns: u64) {
        let at_ns = at_ns.saturating_sub(self.spins_ns);
        if at_ns >= self.armed_ns.get() {
            return;
        }
        self.armed_ns.set(at_ns);
        // A timer set to zero is switched off: the least is a nanosecond.
        let left_ns = at_ns.saturating_sub(self.clock.now_ns()).max(1);
        let value = Timespec {
            tv_sec: i64::try_from(left_ns / 1_000_000_000).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(left_ns % 1_000_000_000).unwrap_or(0),
        };
        let once = Itimerspec {
            it_interval: Timespec {
                tv_sec: 0,
                tv_nsec: 0,
            },
            it_value: value,
        };
        rustix::time::timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::empty(), &once)
            .expect("a relative time of at least a nanosecond is a valid setting of our own timer");
    }

    #[inline]
    fn with<T>(&self, seat: Seat, look: impl FnOnce(&Seated) -> T) -> T {
        look(&self.seats.borrow()[seat.index()])
    }
}

#[expect(
    unsafe_code,
    reason = "tokio has no safe way to watch a descriptor of our own"
)]
fn registered(timer: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` gives the same open descriptor for as long as it lives, and it lives in the
    // `AsyncFd`, which takes it off the reactor before it is closed.
    unsafe { AsyncFd::register(timer) }.map_err(io::Error::from)
}

fn remember(slot: &RefCell<Option<Waker>>, cx: &Context<'_>) {
    let mut slot = slot.borrow_mut();
    if !slot
        .as_ref()
        .is_some_and(|known| known.will_wake(cx.waker()))
    {
        *slot = Some(cx.waker().clone());
    }
}

fn wake(seated: &Seated) {
    if let Some(waker) = &*seated.waker.borrow() {
        waker.wake_by_ref();
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::time::Duration;

    use tokio::runtime::Builder;
    use tokio::sync::oneshot;
    use tokio::task::LocalSet;

    use super::*;

    /// For how long a fresh core is seen to have stood still once something comes from the network after `silence`,
    /// in milliseconds, if its thread is blocked for a while before.
    fn stood_still_ms(silence: Duration, blocked: Duration) -> u64 {
        let runtime = Builder::new_current_thread().enable_io().build().unwrap();
        let (comes, came) = oneshot::channel();
        std::thread::spawn(move || {
            std::thread::sleep(silence);
            comes.send(()).unwrap();
        });
        runtime.block_on(LocalSet::new().run_until(async {
            let clock = Clock::start();
            let pacer = Rc::new(Pacer::new(clock, false).unwrap());
            let driver = pacer.clone();
            tokio::task::spawn_local(async move { driver.drive().await });
            tokio::task::yield_now().await;
            std::thread::sleep(blocked);
            came.await.unwrap();
            pacer.is_alive(clock.now_ns());
            pacer.take_stood_still_ns() / 1_000_000
        }))
    }

    #[test]
    fn fresh_core_without_work_is_not_seen_to_stand_still() {
        let silence = Duration::from_millis(700);
        // A machine under load may keep the thread from its CPU for that long, but not each time.
        let mut attempts = (0..5).map(|_| stood_still_ms(silence, Duration::ZERO));
        assert!(attempts.any(|ms| ms == 0));
    }

    #[test]
    fn fresh_core_that_is_blocked_is_seen_to_stand_still() {
        let blocked = Duration::from_millis(400);
        let ms = stood_still_ms(Duration::from_millis(700), blocked);
        assert!(ms >= 390, "{ms}");
    }
}
