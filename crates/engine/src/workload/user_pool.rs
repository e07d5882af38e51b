//! The user pool of an open workload: users are started as arrivals need them, ahead of need where that can
//! be known, so that a load of few arrivals logs in few users.
//!
//! By Little's law, arrivals in the system = arrival rate × response time. Users are ready ahead of need for responses
//! eight times as slow as those seen, and never for more than one second's arrivals. If the service is slower than
//! that, each arrival that finds no user idle starts one, up to the size of the pool.

use std::cell::Cell;

/// Users are ready ahead of need for responses this many times as slow as those seen.
const SLOWER: f64 = 8.0;
/// … and for responses of this length at most, in seconds: one user for each arrival a second.
const RESPONSE_MAX_S: f64 = 1.0;
/// Before any response was seen, users are ready for responses of this length, in seconds.
const RESPONSE_FIRST_S: f64 = 0.1;
/// Idle users that are kept beyond the arrivals in the system.
const IDLE_MIN: u32 = 2;
/// … and one for each group of this many arrivals in the system.
const IDLE_EVERY: u32 = 4;
/// Users that start ahead of need at once.
const STARTING_MAX: u32 = 16;
/// Users that start at once for the same need while none could start yet, and some failed to.
const RETRIED: u32 = 2;

/// The user pool of an open workload.
pub(crate) struct UserPool {
    /// The worker's shard of the pool.
    size: u32,
    /// Users are started as they are needed, since that takes requests; otherwise all at once.
    is_gradual: bool,
    /// Number of users that are to have started.
    wanted: Cell<u32>,
    begun: Cell<u32>,
    ended: Cell<u32>,
    /// Users that play what comes before their tasks.
    starting: Cell<u32>,
    has_started: Cell<bool>,
    /// Arrivals that came and are not done.
    in_system: Cell<u32>,
    /// Users to be ready ahead of need.
    ahead: Cell<u32>,
    /// The sum of the response times of arrivals done since the last look ahead, and their number.
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
            response_s: Cell::new(RESPONSE_FIRST_S / SLOWER),
        }
    }

    /// Number of users that are to start now.
    pub(crate) fn take_wanted(&self) -> u32 {
        let count = self.wanted.get() - self.begun.get();
        self.begun.set(self.wanted.get());
        self.starting.set(self.starting.get() + count);
        count
    }

    /// Whether a user of the worker was ever ready. Until then, brunt has no user for an arrival.
    pub(crate) fn has_started(&self) -> bool {
        self.has_started.get()
    }

    /// An arrival has come. True if users are to start.
    #[inline]
    pub(crate) fn arrival_comes(&self) -> bool {
        self.in_system.set(self.in_system.get().saturating_add(1));
        self.is_gradual && self.grow()
    }

    /// An arrival is done; its response time is counted from its intended start.
    #[inline]
    pub(crate) fn arrival_ends(&self, response_ns: u64) {
        self.in_system.set(self.in_system.get().saturating_sub(1));
        let sum_ns = self.responses_ns.get().saturating_add(response_ns);
        self.responses_ns.set(sum_ns);
        self.responses.set(self.responses.get().saturating_add(1));
    }

    /// A user is ready for arrivals. True if users are to start.
    pub(crate) fn user_is_ready(&self) -> bool {
        self.starting.set(self.starting.get().saturating_sub(1));
        self.has_started.set(true);
        self.is_gradual && self.grow()
    }

    /// A user could not start.
    pub(crate) fn user_fails(&self) {
        self.starting.set(self.starting.get().saturating_sub(1));
    }

    /// A user has ended. True if it was the last that there can be.
    pub(crate) fn user_ends(&self) -> bool {
        self.ended.set(self.ended.get() + 1);
        self.ended.get() == self.begun.get() && self.begun.get() == self.size
    }

    /// Looks ahead: `rate` arrivals a second are to come soon. True if users are to start.
    pub(crate) fn look_ahead(&self, rate: f64) -> bool {
        let count = self.responses.take();
        let sum_ns = self.responses_ns.take();
        if count > 0 {
            self.response_s.set(sum_ns as f64 / f64::from(count) / 1e9);
        }
        let response_s = (SLOWER * self.response_s.get()).min(RESPONSE_MAX_S);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a float cast saturates, and rates are not negative"
        )]
        let ahead = (rate * response_s).ceil() as u32;
        self.ahead.set(ahead.saturating_add(IDLE_MIN));
        self.is_gradual && self.grow()
    }

    /// Wants more users if there are too few. True if so.
    fn grow(&self) -> bool {
        // Users that are wanted, and that have not ended.
        let present = self.wanted.get() - self.ended.get();
        let in_system = self.in_system.get();
        let idle = IDLE_MIN + in_system / IDLE_EVERY;
        let needed = in_system.saturating_add(idle).saturating_sub(present);
        let to_begin = self.wanted.get() - self.begun.get();
        let may_start = STARTING_MAX.saturating_sub(self.starting.get() + to_begin);
        let ahead = self.ahead.get().saturating_sub(present).min(may_start);
        let mut more = needed.max(ahead);
        if !self.has_started.get() && self.ended.get() > 0 {
            more = more.min(RETRIED);
        }
        let wanted = self.wanted.get().saturating_add(more).min(self.size);
        self.wanted.replace(wanted) < wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Begins the users that are wanted; they are ready at once. Returns the number of all.
    fn begin(pool: &UserPool) -> u32 {
        loop {
            let count = pool.take_wanted();
            if count == 0 {
                return pool.begun.get();
            }
            (0..count).for_each(|_| {
                pool.user_is_ready();
            });
        }
    }

    #[test]
    fn pool_without_logins_begins_at_once() {
        let pool = UserPool::new(50, false);
        assert_eq!(pool.take_wanted(), 50);
        assert!(pool.has_started());
        assert!(!pool.look_ahead(1e6) && !pool.arrival_comes());
        assert_eq!(pool.take_wanted(), 0);
    }

    #[test]
    fn pool_is_ready_for_responses_eight_times_as_slow_as_those_seen() {
        let pool = UserPool::new(4_000, true);
        pool.look_ahead(10.0);
        assert_eq!(begin(&pool), 3, "10/s × 0.1 s, and 2 idle");
        for _ in 0..10 {
            pool.arrival_comes();
            pool.arrival_ends(5_000_000);
        }
        pool.look_ahead(20.0);
        assert_eq!(begin(&pool), 3);
        pool.look_ahead(1_000.0);
        assert_eq!(begin(&pool), 42, "1,000/s × 8 × 5 ms, and 2 idle");
        // No user is lost when less is to come.
        pool.look_ahead(1.0);
        assert_eq!(begin(&pool), 42);
        pool.arrival_comes();
        pool.arrival_ends(30_000_000_000);
        pool.look_ahead(100.0);
        assert_eq!(
            begin(&pool),
            102,
            "one for each arrival a second, and 2 idle"
        );
    }

    #[test]
    fn pool_starts_few_at_once_ahead_of_need() {
        let pool = UserPool::new(4_000, true);
        pool.look_ahead(10_000.0);
        assert_eq!(pool.take_wanted(), STARTING_MAX);
        assert!(!pool.look_ahead(10_000.0));
        assert!(pool.user_is_ready());
        assert_eq!(pool.take_wanted(), 1);
    }

    #[test]
    fn pool_grows_with_arrivals_that_find_nobody_up_to_its_size() {
        let pool = UserPool::new(30, true);
        pool.look_ahead(10.0);
        for arrivals in 1..=100u32 {
            pool.arrival_comes();
            let idle = IDLE_MIN + arrivals / IDLE_EVERY;
            assert_eq!(begin(&pool), (arrivals + idle).min(30));
        }
        let ends = (0..30).map(|_| pool.user_ends());
        assert_eq!(ends.filter(|is_last| *is_last).count(), 1);
    }

    #[test]
    fn logins_that_all_fail_are_not_hammered() {
        let pool = UserPool::new(4_000, true);
        pool.look_ahead(10.0);
        let mut tried = 0;
        for _ in 0..100 {
            let count = pool.take_wanted();
            for _ in 0..count {
                pool.user_fails();
                assert!(!pool.user_ends(), "more of the pool may come");
            }
            tried += count;
            assert_eq!(pool.take_wanted(), 0, "a failure starts nobody by itself");
            pool.arrival_comes();
        }
        assert!((100..=210).contains(&tried), "{tried}");
        assert!(!pool.has_started());
    }
}
