//! The user pool of an open workload. Users are started as arrivals need them, ahead of need if that can be predicted,
//! so that a load of few arrivals logs in few users.
//!
//! By Little's law, arrivals in the system = arrival rate × response time. The pool has users ready for responses
//! eight times as slow as the observed ones, but never for more than one second's arrivals. If the service is slower
//! than that, each arrival that finds no idle user starts one, up to the size of the pool.

use std::cell::Cell;

/// Factor by which responses may become slower before no user is ready.
const SLOWDOWN_MAX: f64 = 8.0;
/// Maximum response time that users are ready for, in seconds: one user for each arrival per second.
const RESPONSE_MAX_S: f64 = 1.0;
/// Response time that users are ready for before any response was observed, in seconds.
const RESPONSE_INITIAL_S: f64 = 0.1;
/// Minimum number of idle users in addition to the arrivals in the system.
const IDLE_MIN: u32 = 2;
/// Number of arrivals in the system per additional idle user.
const ARRIVALS_PER_IDLE_USER: u32 = 4;
/// Maximum number of users that start ahead of need at the same time.
const STARTING_MAX: u32 = 16;
/// Maximum number of users that start at the same time while none has started yet and some have failed.
const RETRIES_AT_ONCE_MAX: u32 = 2;

/// The user pool of an open workload.
pub(crate) struct UserPool {
    /// Size of the worker's shard of the pool.
    size: u32,
    /// Whether users are started as needed, because a start takes requests; otherwise all start at once.
    is_gradual: bool,
    /// Number of users that should have started.
    wanted: Cell<u32>,
    begun: Cell<u32>,
    ended: Cell<u32>,
    /// Number of users that are starting.
    starting: Cell<u32>,
    has_started: Cell<bool>,
    /// Number of arrivals in the system.
    in_system: Cell<u32>,
    /// Number of users that should be ready ahead of need.
    ahead: Cell<u32>,
    /// Total response time and number of the arrivals done since the last look ahead.
    responses_ns: Cell<u64>,
    responses: Cell<u32>,
    /// Mean response time, in seconds.
    response_s: Cell<f64>,
}

impl UserPool {
    pub(crate) fn new(size: u32, is_gradual: bool) -> Self {
        Self {
            size,
            is_gradual,
            wanted: Cell::new(if is_gradual { 0 } else { size }),
            begun: Cell::new(0),
            ended: Cell::new(0),
            starting: Cell::new(0),
            has_started: Cell::new(!is_gradual),
            in_system: Cell::new(0),
            ahead: Cell::new(0),
            responses_ns: Cell::new(0),
            responses: Cell::new(0),
            response_s: Cell::new(RESPONSE_INITIAL_S / SLOWDOWN_MAX),
        }
    }

    /// Takes the number of users to start now.
    pub(crate) fn take_wanted(&self) -> u32 {
        let count = self.wanted.get() - self.begun.get();
        self.begun.set(self.wanted.get());
        self.starting.set(self.starting.get() + count);
        count
    }

    /// Whether a user of the worker was ever ready. Before that, brunt has no user for an arrival.
    pub(crate) fn has_started(&self) -> bool {
        self.has_started.get()
    }

    /// Counts an arrival. Returns true if users have to start.
    #[inline]
    pub(crate) fn arrival_started(&self) -> bool {
        self.in_system.set(self.in_system.get().saturating_add(1));
        self.is_gradual && self.grow()
    }

    /// Counts an arrival as done; its response time is measured from its intended start.
    #[inline]
    pub(crate) fn arrival_done(&self, response_ns: u64) {
        self.in_system.set(self.in_system.get().saturating_sub(1));
        let sum_ns = self.responses_ns.get().saturating_add(response_ns);
        self.responses_ns.set(sum_ns);
        self.responses.set(self.responses.get().saturating_add(1));
    }

    /// Counts a user as ready for arrivals. Returns true if users have to start.
    pub(crate) fn user_ready(&self) -> bool {
        self.starting.set(self.starting.get().saturating_sub(1));
        self.has_started.set(true);
        self.is_gradual && self.grow()
    }

    /// Counts a user that failed to start.
    pub(crate) fn user_failed(&self) {
        self.starting.set(self.starting.get().saturating_sub(1));
    }

    /// Counts a user that has ended. Returns true if it was the last possible one.
    pub(crate) fn user_ended(&self) -> bool {
        self.ended.set(self.ended.get() + 1);
        self.ended.get() == self.begun.get() && self.begun.get() == self.size
    }

    /// Prepares for `rate` arrivals per second. Returns true if users have to start.
    pub(crate) fn look_ahead(&self, rate: f64) -> bool {
        let count = self.responses.take();
        let sum_ns = self.responses_ns.take();
        if count > 0 {
            self.response_s.set(sum_ns as f64 / f64::from(count) / 1e9);
        }
        let response_s = (SLOWDOWN_MAX * self.response_s.get()).min(RESPONSE_MAX_S);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float cast saturates, and rates are not negative"
        )]
        let ahead = (rate * response_s).ceil() as u32;
        self.ahead.set(ahead.saturating_add(IDLE_MIN));
        self.is_gradual && self.grow()
    }

    /// Raises the number of users if there are too few. Returns true if so.
    fn grow(&self) -> bool {
        // The users that should have started and have not ended.
        let present = self.wanted.get() - self.ended.get();
        let in_system = self.in_system.get();
        let idle = IDLE_MIN + in_system / ARRIVALS_PER_IDLE_USER;
        let needed = in_system.saturating_add(idle).saturating_sub(present);
        let to_begin = self.wanted.get() - self.begun.get();
        let may_start = STARTING_MAX.saturating_sub(self.starting.get() + to_begin);
        let ahead = self.ahead.get().saturating_sub(present).min(may_start);
        let mut more = needed.max(ahead);
        if !self.has_started.get() && self.ended.get() > 0 {
            more = more.min(RETRIES_AT_ONCE_MAX);
        }
        let wanted = self.wanted.get().saturating_add(more).min(self.size);
        self.wanted.replace(wanted) < wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Starts the users to start, which are ready immediately. Returns the number of all.
    fn begin(pool: &UserPool) -> u32 {
        loop {
            let count = pool.take_wanted();
            if count == 0 {
                return pool.begun.get();
            }
            (0..count).for_each(|_| {
                pool.user_ready();
            });
        }
    }

    #[test]
    fn pool_without_logins_starts_at_once() {
        let pool = UserPool::new(50, false);
        assert_eq!(pool.take_wanted(), 50);
        assert!(pool.has_started());
        assert!(!pool.look_ahead(1e6) && !pool.arrival_started());
        assert_eq!(pool.take_wanted(), 0);
    }

    #[test]
    fn pool_is_ready_for_responses_eight_times_as_slow_as_observed() {
        let pool = UserPool::new(4_000, true);
        pool.look_ahead(10.0);
        assert_eq!(begin(&pool), 3, "10/s × 0.1 s, and 2 idle");
        for _ in 0..10 {
            pool.arrival_started();
            pool.arrival_done(5_000_000);
        }
        pool.look_ahead(20.0);
        assert_eq!(begin(&pool), 3);
        pool.look_ahead(1_000.0);
        assert_eq!(begin(&pool), 42, "1,000/s × 8 × 5 ms, and 2 idle");
        // No user is dropped when the rate falls.
        pool.look_ahead(1.0);
        assert_eq!(begin(&pool), 42);
        pool.arrival_started();
        pool.arrival_done(30_000_000_000);
        pool.look_ahead(100.0);
        assert_eq!(begin(&pool), 102, "one per arrival per second, and 2 idle");
    }

    #[test]
    fn pool_limits_starts_ahead_of_need() {
        let pool = UserPool::new(4_000, true);
        pool.look_ahead(10_000.0);
        assert_eq!(pool.take_wanted(), STARTING_MAX);
        assert!(!pool.look_ahead(10_000.0));
        assert!(pool.user_ready());
        assert_eq!(pool.take_wanted(), 1);
    }

    #[test]
    fn pool_grows_with_arrivals_that_find_no_idle_user_up_to_its_size() {
        let pool = UserPool::new(30, true);
        pool.look_ahead(10.0);
        for arrivals in 1..=100u32 {
            pool.arrival_started();
            let idle = IDLE_MIN + arrivals / ARRIVALS_PER_IDLE_USER;
            assert_eq!(begin(&pool), (arrivals + idle).min(30));
        }
        let ends = (0..30).map(|_| pool.user_ended());
        assert_eq!(ends.filter(|is_last| *is_last).count(), 1);
    }

    #[test]
    fn failing_logins_are_retried_slowly() {
        let pool = UserPool::new(4_000, true);
        pool.look_ahead(10.0);
        let mut tried = 0;
        for _ in 0..100 {
            let count = pool.take_wanted();
            for _ in 0..count {
                pool.user_failed();
                assert!(!pool.user_ended(), "more users of the pool may start");
            }
            tried += count;
            assert_eq!(pool.take_wanted(), 0, "a failure alone starts no user");
            pool.arrival_started();
        }
        assert!((100..=210).contains(&tried), "{tried}");
        assert!(!pool.has_started());
    }
}
