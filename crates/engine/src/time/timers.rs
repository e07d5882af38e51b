//! Timers of a worker: wake its users when something is due, and hold the phase of its shutdown. Due times are in a heap, and the earliest arms a
//! timerfd, because the runtime's own timers have a resolution of a millisecond.
//!
//! Each user has one slot. It contains the due time of the user's sleep and, while a request is in flight, its
//! deadline. Therefore, no memory is allocated per request.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec};
use tokio::io::unix::AsyncFd;

use super::clock::Clock;
use super::stall::StallDetector;

const NEVER: u64 = u64::MAX;

/// Interval at which a worker wakes at least, so that it detects its own stalls.
const HEARTBEAT_NS: u64 = 100_000_000;
/// The last part of a wait that is busy-waited instead of slept, if the worker is precise.
const BUSY_WAIT_NS: u64 = 100_000;
/// Maximum duration of an iteration of the worker that only reads the clock and polls the network.
const IDLE_TURN_NS: u64 = 3_000;

/// The reason why a wait was cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WaitError {
    /// The deadline has passed.
    DeadlineExceeded,
    /// The run was aborted.
    Aborted,
}

/// Phase of a worker's shutdown. Phases follow one another in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShutdownPhase {
    /// Tasks are started.
    Running,
    /// No more tasks are started; running ones may finish.
    Draining,
    /// Running tasks are aborted.
    Aborted,
}

/// A user's slot among the timers of its worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimerSlot(u32);

impl TimerSlot {
    /// A slot without timers.
    #[cfg(any(test, feature = "test-harness"))]
    pub(crate) fn new(number: u32) -> Self {
        Self(number)
    }

    /// Index among the slots of its worker.
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

struct SlotState {
    waker: RefCell<Option<Waker>>,
    /// Due time of the sleep; [`NEVER`] without one.
    due_ns: Cell<u64>,
    /// Deadline of the current operation; [`NEVER`] without one.
    deadline_ns: Cell<u64>,
    /// Intended start of the request in flight; [`NEVER`] without one.
    intended_ns: Cell<u64>,
}

/// The timers of a worker, its shutdown phase, and its requests in flight.
pub(crate) struct Timers {
    clock: Clock,
    timer: AsyncFd<OwnedFd>,
    /// When the timerfd fires; [`NEVER`]: not armed; 0: it does not need to fire.
    armed_ns: Cell<u64>,
    /// Duration for which the worker busy-waits before something is due.
    busy_wait_ns: u64,
    /// Duration of pure busy-waiting since the last [`Timers::take_busy_waited_ns`].
    busy_waited_ns: Cell<u64>,
    phase: Cell<ShutdownPhase>,
    due: RefCell<BinaryHeap<Reverse<(u64, u32)>>>,
    /// Lower bound of all deadlines.
    first_deadline_ns: Cell<u64>,
    slots: RefCell<Vec<SlotState>>,
    stall: StallDetector,
}

impl Timers {
    /// Timers on the current runtime; `is_precise`: the last part of each wait is busy-waited.
    pub(crate) fn new(clock: Clock, is_precise: bool) -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = rustix::time::timerfd_create(TimerfdClockId::Monotonic, flags)?;
        Ok(Self {
            clock,
            timer: registered(timer)?,
            armed_ns: Cell::new(NEVER),
            busy_wait_ns: if is_precise { BUSY_WAIT_NS } else { 0 },
            busy_waited_ns: Cell::new(0),
            phase: Cell::new(ShutdownPhase::Running),
            due: RefCell::default(),
            first_deadline_ns: Cell::new(NEVER),
            slots: RefCell::default(),
            stall: StallDetector::new(),
        })
    }

    /// Adds a slot.
    pub(crate) fn add_slot(&self) -> TimerSlot {
        let mut slots = self.slots.borrow_mut();
        slots.push(SlotState {
            waker: RefCell::default(),
            due_ns: Cell::new(NEVER),
            deadline_ns: Cell::new(NEVER),
            intended_ns: Cell::new(NEVER),
        });
        // Equal to the number of users, which is a u32.
        TimerSlot(u32::try_from(slots.len() - 1).unwrap_or(u32::MAX))
    }

    pub(crate) fn phase(&self) -> ShutdownPhase {
        self.phase.get()
    }

    /// Moves to a later phase and wakes all users.
    pub(crate) fn set_phase(&self, phase: ShutdownPhase) {
        self.phase.set(phase);
        for slot in self.slots.borrow().iter() {
            if let Some(waker) = &*slot.waker.borrow() {
                waker.wake_by_ref();
            }
        }
    }

    /// Wakes all sleeping users, since their due times may have changed.
    pub(crate) fn interrupt_sleeps(&self) {
        for slot in self.slots.borrow().iter() {
            if slot.due_ns.replace(NEVER) != NEVER {
                wake(slot);
            }
        }
    }

    /// Sleeps until a time of the run's clock, until sleeps are interrupted, or until the phase changes.
    pub(crate) async fn sleep_until(&self, slot: TimerSlot, due_ns: u64) {
        let phase = self.phase.get();
        if self.clock.now_ns() >= due_ns {
            return;
        }
        self.with(slot, |state| state.due_ns.set(due_ns));
        self.due.borrow_mut().push(Reverse((due_ns, slot.0)));
        self.arm(due_ns);
        poll_fn(|cx| {
            self.with(slot, |state| {
                if state.due_ns.get() == NEVER || self.phase.get() != phase {
                    state.due_ns.set(NEVER);
                    return Poll::Ready(());
                }
                remember(&state.waker, cx);
                Poll::Pending
            })
        })
        .await;
    }

    /// Waits until `poll` returns something. It is polled again after [`Timers::wake`] and after a change of phase.
    pub(crate) async fn wait_for_wake<T>(
        &self,
        slot: TimerSlot,
        mut poll: impl FnMut() -> Poll<T>,
    ) -> T {
        poll_fn(|cx| {
            let found = poll();
            if found.is_pending() {
                self.with(slot, |state| remember(&state.waker, cx));
            }
            found
        })
        .await
    }

    /// Wakes the user of a slot.
    pub(crate) fn wake(&self, slot: TimerSlot) {
        self.with(slot, wake);
    }

    /// Notes that a request is in flight.
    pub(crate) fn start_request(&self, slot: TimerSlot, intended_ns: u64) {
        self.with(slot, |state| state.intended_ns.set(intended_ns));
    }

    /// Notes that the request in flight has ended.
    pub(crate) fn end_request(&self, slot: TimerSlot) {
        self.with(slot, |state| {
            state.intended_ns.set(NEVER);
            state.deadline_ns.set(NEVER);
        });
    }

    /// Sets the deadline of the current operation.
    pub(crate) fn set_deadline(&self, slot: TimerSlot, deadline_ns: u64) {
        self.with(slot, |state| state.deadline_ns.set(deadline_ns));
        if deadline_ns < self.first_deadline_ns.get() {
            self.first_deadline_ns.set(deadline_ns);
            self.arm(deadline_ns);
        }
    }

    /// Polls until ready, until the slot's deadline, or until the run is aborted.
    #[inline]
    pub(crate) async fn poll_until_deadline<T>(
        &self,
        slot: TimerSlot,
        mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Result<T, WaitError> {
        poll_fn(|cx| {
            if let Poll::Ready(done) = poll(cx) {
                return Poll::Ready(Ok(done));
            }
            if self.phase.get() == ShutdownPhase::Aborted {
                return Poll::Ready(Err(WaitError::Aborted));
            }
            self.with(slot, |state| {
                // `run` removes a deadline that has passed.
                if state.deadline_ns.get() == NEVER {
                    return Poll::Ready(Err(WaitError::DeadlineExceeded));
                }
                remember(&state.waker, cx);
                Poll::Pending
            })
        })
        .await
    }

    /// Same as [`Timers::poll_until_deadline`] for a future.
    pub(crate) async fn until_deadline<F: Future>(
        &self,
        slot: TimerSlot,
        mut future: Pin<&mut F>,
    ) -> Result<F::Output, WaitError> {
        self.poll_until_deadline(slot, |cx| future.as_mut().poll(cx))
            .await
    }

    /// Waits for a future without a deadline, until the run is aborted.
    pub(crate) async fn until_aborted<F: Future>(
        &self,
        slot: TimerSlot,
        mut future: Pin<&mut F>,
    ) -> Result<F::Output, WaitError> {
        poll_fn(|cx| {
            if let Poll::Ready(done) = future.as_mut().poll(cx) {
                return Poll::Ready(Ok(done));
            }
            if self.phase.get() == ShutdownPhase::Aborted {
                return Poll::Ready(Err(WaitError::Aborted));
            }
            self.with(slot, |state| remember(&state.waker, cx));
            Poll::Pending
        })
        .await
    }

    /// Number of requests in flight, and their earliest intended start.
    pub(crate) fn in_flight(&self) -> (u32, Option<u64>) {
        let slots = self.slots.borrow();
        let intended = slots.iter().map(|slot| slot.intended_ns.get());
        let in_flight = intended.filter(|intended_ns| *intended_ns != NEVER);
        let (mut count, mut oldest) = (0, None);
        for intended_ns in in_flight {
            count += 1;
            oldest = Some(oldest.map_or(intended_ns, |oldest: u64| oldest.min(intended_ns)));
        }
        (count, oldest)
    }

    /// Wakes users when something is due, forever.
    pub(crate) async fn run(&self) -> io::Result<()> {
        // Without a first heartbeat, a worker whose requests all wait for the service would look stalled.
        let now_ns = self.clock.now_ns();
        self.stall.observe(now_ns);
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
            // Network events wait for the thread as well as the timer does.
            self.stall
                .record_wakeup_delay(now_ns.saturating_sub(armed_ns));
            self.fire(now_ns);
            if self.busy_wait_ns > 0 {
                self.armed_ns.set(0);
                now_ns = self.busy_wait(now_ns).await;
                self.armed_ns.set(NEVER);
            }
            self.arm(self.next_ns().min(now_ns + HEARTBEAT_NS));
        }
    }

    /// Reads the clock in a loop while the next due time is too close to sleep. The worker's other tasks run in
    /// between. Returns the last time read.
    async fn busy_wait(&self, mut now_ns: u64) -> u64 {
        loop {
            let next_ns = self.next_ns();
            if next_ns > now_ns.saturating_add(self.busy_wait_ns) {
                return now_ns;
            }
            if next_ns <= now_ns {
                self.stall.record_wakeup_delay(now_ns - next_ns);
                self.fire(now_ns);
            }
            tokio::task::yield_now().await;
            let before_ns = std::mem::replace(&mut now_ns, self.clock.now_ns());
            let turn_ns = now_ns - before_ns;
            // A longer iteration did some work.
            if turn_ns < IDLE_TURN_NS {
                self.busy_waited_ns.set(self.busy_waited_ns.get() + turn_ns);
            }
            self.observe(now_ns);
        }
    }

    /// The next due time of a sleep or a deadline.
    fn next_ns(&self) -> u64 {
        let due = self.due.borrow();
        let due_ns = due.peek().map_or(NEVER, |Reverse((due_ns, _))| *due_ns);
        due_ns.min(self.first_deadline_ns.get())
    }

    /// Ends the sleeps that are due, and removes the deadlines that have passed.
    fn fire(&self, now_ns: u64) {
        self.observe(now_ns);
        self.wake_due(now_ns);
        if self.first_deadline_ns.get() <= now_ns {
            self.expire_deadlines(now_ns);
        }
    }

    /// Takes the duration of pure busy-waiting since the last call.
    pub(crate) fn take_busy_waited_ns(&self) -> u64 {
        self.busy_waited_ns.take()
    }

    /// The detector of stalls and late wake-ups.
    #[inline]
    pub(crate) fn stall(&self) -> &StallDetector {
        &self.stall
    }

    /// Notes that the worker runs at this moment. If it was stalled until now, deadlines are postponed by the stall.
    #[inline]
    pub(crate) fn observe(&self, now_ns: u64) {
        if let Some(stalled_ns) = self.stall.observe(now_ns) {
            self.postpone_deadlines(stalled_ns);
        }
    }

    #[cold]
    fn postpone_deadlines(&self, by_ns: u64) {
        for slot in self.slots.borrow().iter() {
            let deadline_ns = slot.deadline_ns.get();
            if deadline_ns != NEVER {
                slot.deadline_ns.set(deadline_ns.saturating_add(by_ns));
            }
        }
    }

    fn wake_due(&self, now_ns: u64) {
        let mut due = self.due.borrow_mut();
        while let Some(&Reverse((due_ns, slot))) = due.peek()
            && due_ns <= now_ns
        {
            due.pop();
            self.with(TimerSlot(slot), |state| {
                // An interrupted sleep leaves its due time in the heap.
                if state.due_ns.get() == due_ns {
                    state.due_ns.set(NEVER);
                    wake(state);
                }
            });
        }
    }

    fn expire_deadlines(&self, now_ns: u64) {
        let mut next = NEVER;
        for slot in self.slots.borrow().iter() {
            let deadline_ns = slot.deadline_ns.get();
            if deadline_ns <= now_ns {
                slot.deadline_ns.set(NEVER);
                wake(slot);
            } else {
                next = next.min(deadline_ns);
            }
        }
        self.first_deadline_ns.set(next);
    }

    /// Arms the timerfd for a time, minus the duration of busy-waiting.
    fn arm(&self, at_ns: u64) {
        let at_ns = at_ns.saturating_sub(self.busy_wait_ns);
        if at_ns >= self.armed_ns.get() {
            return;
        }
        self.armed_ns.set(at_ns);
        // Zero disarms a timer; the minimum is a nanosecond.
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
            .expect("a relative time of at least a nanosecond is valid");
    }

    #[inline]
    fn with<T>(&self, slot: TimerSlot, look: impl FnOnce(&SlotState) -> T) -> T {
        look(&self.slots.borrow()[slot.index()])
    }
}

#[expect(
    unsafe_code,
    reason = "tokio has no safe way to watch a foreign descriptor"
)]
fn registered(timer: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` returns the same open descriptor for as long as it lives, and it lives in the
    // `AsyncFd`, which deregisters it before it is closed.
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

fn wake(slot: &SlotState) {
    if let Some(waker) = &*slot.waker.borrow() {
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

    /// Duration of the stall, in milliseconds, that a new worker detects once something arrives from the network after
    /// `silence`, if its thread is first blocked for `blocked`.
    fn stalled_ms(silence: Duration, blocked: Duration) -> u64 {
        let runtime = Builder::new_current_thread().enable_io().build().unwrap();
        let (comes, came) = oneshot::channel();
        std::thread::spawn(move || {
            std::thread::sleep(silence);
            comes.send(()).unwrap();
        });
        runtime.block_on(LocalSet::new().run_until(async {
            let clock = Clock::start();
            let timers = Rc::new(Timers::new(clock, false).unwrap());
            let runner = timers.clone();
            tokio::task::spawn_local(async move { runner.run().await });
            tokio::task::yield_now().await;
            std::thread::sleep(blocked);
            came.await.unwrap();
            timers.observe(clock.now_ns());
            timers.stall().take_stalled_ns() / 1_000_000
        }))
    }

    #[test]
    fn new_worker_without_work_is_not_stalled() {
        let silence = Duration::from_millis(700);
        // A loaded machine may keep the thread from its CPU for that long, but not every time.
        let mut attempts = (0..5).map(|_| stalled_ms(silence, Duration::ZERO));
        assert!(attempts.any(|ms| ms == 0));
    }

    #[test]
    fn new_worker_that_is_blocked_is_stalled() {
        let blocked = Duration::from_millis(400);
        let ms = stalled_ms(Duration::from_millis(700), blocked);
        assert!(ms >= 390, "{ms}");
    }
}
