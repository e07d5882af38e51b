//! Counts of each second of a run, without the requests of the set-up.

use serde::{Deserialize, Serialize};

use crate::columns::Column;
use crate::packed_rows::{Numbers, PackedRow};
use crate::{FailureKind, Outcome, Sample};

/// Rule by which the values of a count are merged, and split over seconds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// A sum over workers and over time.
    Sum,
    /// The largest of any worker and of any second.
    Max,
    /// The largest of any worker, a sum over time. It is assigned to the first of several seconds.
    Stall,
    /// The largest of any worker, a sum over time.
    BusiestThread,
}

impl Rule {
    fn across_workers(self, a: u64, b: u64) -> u64 {
        match self {
            Self::Sum => a.saturating_add(b),
            Self::Max | Self::Stall | Self::BusiestThread => a.max(b),
        }
    }

    fn over_time(self, a: u64, b: u64) -> u64 {
        match self {
            Self::Max => a.max(b),
            Self::Sum | Self::Stall | Self::BusiestThread => a.saturating_add(b),
        }
    }

    /// Share of the second with this number (from 0) in a count of several seconds.
    fn share(self, count: u64, number: u32, of: u32) -> u64 {
        match self {
            Self::Max => count,
            Self::Stall => count * u64::from(number == 0),
            Self::Sum | Self::BusiestThread => share(count, number, of),
        }
    }

    /// Whether it adds up over the run.
    fn is_sum(self) -> bool {
        matches!(self, Self::Sum | Self::BusiestThread)
    }
}

fn share(count: u64, number: u32, of: u32) -> u64 {
    let until = |number: u64| u128::from(count) * u128::from(number) / u128::from(of);
    let part = until(u64::from(number) + 1) - until(number.into());
    // A part of a u64.
    u64::try_from(part).unwrap_or(u64::MAX)
}

/// Generates the struct and the code that handles each of its counts, from one list.
macro_rules! second {
    ($($(#[$doc:meta])+ $field:ident: $rule:ident,)+) => {
        /// The counts of one second. Requests are counted in the second in which they were done.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Second {
            /// The largest number of users that were active at once; `None` if unknown.
            pub users: Option<u32>,
            /// Requests in flight at its end; `None` if unknown.
            pub in_flight: Option<u32>,
            /// Time since the intended start of the oldest request in flight at its end.
            pub oldest_in_flight_ms: Option<u64>,
            $($(#[$doc])+ pub $field: u64,)+
            /// Failures by kind, each kind once, in the order of [`FailureKind::ALL`].
            pub failures: Vec<(FailureKind, u64)>,
        }

        /// Number of counts.
        const COUNTS: usize = [$(Rule::$rule),+].len();

        impl Second {
            /// Combines the counts of two by a function of each count's rule.
            fn combine(&mut self, other: &Self, combined: fn(Rule, u64, u64) -> u64) {
                $(self.$field = combined(Rule::$rule, self.$field, other.$field);)+
            }

            /// The counts that add up over the run.
            pub(crate) fn sums(&self) -> impl Iterator<Item = u64> {
                let counts = [$((Rule::$rule, self.$field)),+];
                let sums = counts.into_iter().filter(|(rule, _)| rule.is_sum());
                sums.map(|(_, count)| count)
            }

            /// Shares of the second with this number (from 0) in the counts of several seconds.
            fn shares(&self, number: u32, of: u32) -> Self {
                Self {
                    $($field: Rule::$rule.share(self.$field, number, of),)+
                    ..Self::default()
                }
            }

            fn write_counts(&self, numbers: &mut Column) {
                numbers.extend([$(Some(self.$field.cast_signed())),+]);
            }

            fn read_counts(numbers: &mut Numbers) -> Self {
                Self {
                    $($field: numbers.next().map_or(0, i64::cast_unsigned),)+
                    ..Self::default()
                }
            }
        }
    };
}

second! {
    /// Requests that succeeded.
    ok: Sum,
    /// Requests that got a response with a wrong status or a failed check.
    failed: Sum,
    /// Requests that never got a response.
    unanswered: Sum,
    /// Requests on the wire.
    wire_requests: Sum,
    /// Bytes sent.
    bytes_sent: Sum,
    /// Bytes received.
    bytes_received: Sum,
    /// Connections opened.
    connections: Sum,
    /// Connections opened again because the server had closed them while idle.
    reconnects: Sum,
    /// Duration of the stall of the generator (stopped, or without a CPU) that ended in this second, in milliseconds.
    generator_stall_ms: Stall,
    /// Time that the generator's threads waited for a CPU, in milliseconds.
    cpu_wait_ms: Sum,
    /// Mean wait for a CPU per time slice, of the thread with the largest, in microseconds.
    cpu_wait_mean_us: Max,
    /// Number of time slices that the generator's threads ran on a CPU; 0 if the kernel does not report it.
    timeslices: Sum,
    /// CPU time of the generator's threads, in milliseconds.
    cpu_ms: Sum,
    /// CPU time of the busiest of them, in milliseconds.
    busiest_thread_cpu_ms: BusiestThread,
    /// The longest delay between the moment a timer was due and the moment its thread ran, in microseconds.
    max_wakeup_delay_us: Max,
    /// Users that were active for the first time.
    users_started: Sum,
    /// Users that never started their tasks because a request of `on_start` failed.
    users_not_started: Sum,
    /// Users that stopped for good because their data was exhausted.
    users_out_of_data: Sum,
    /// Users that stopped for good as the scenario says, or after their share of its iterations.
    users_stopped: Sum,
    /// Tasks that ended, with any outcome; 0 if they were not counted.
    tasks: Sum,
    /// Requests that were sent again; each is part of `wire_requests`.
    retries: Sum,
    /// Cookies that users' jars refused or evicted because of their limits.
    cookies_dropped: Sum,
}

impl Second {
    /// Counts a request.
    pub fn count(&mut self, sample: &Sample) {
        self.wire_requests += u64::from(sample.wire_requests);
        self.bytes_sent += sample.bytes_sent;
        self.bytes_received += sample.bytes_received;
        self.count_end(sample);
    }

    /// Counts the outcome of a request, but not the data that it sent and received.
    pub(crate) fn count_end(&mut self, sample: &Sample) {
        match sample.outcome() {
            Outcome::Ok => self.ok += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Unanswered => self.unanswered += 1,
        }
        if let Some(kind) = sample.failure {
            self.add_failures(kind, 1);
        }
    }

    /// Requests that ended in this second, with any outcome.
    pub fn requests(&self) -> u64 {
        self.ok
            .saturating_add(self.failed)
            .saturating_add(self.unanswered)
    }

    /// Adds the counts of another worker in the same second.
    pub fn merge(&mut self, other: &Self) {
        self.users = sum(self.users, other.users);
        self.in_flight = sum(self.in_flight, other.in_flight);
        self.oldest_in_flight_ms = self.oldest_in_flight_ms.max(other.oldest_in_flight_ms);
        self.combine(other, Rule::across_workers);
        self.merge_failures(other);
    }

    /// The part of the second with this number (from 0) of the counts of several seconds. The parts add up to the sums, and
    /// each has the maxima and the final state.
    pub(crate) fn part(&self, number: u32, of: u32) -> Self {
        if of <= 1 {
            return self.clone();
        }
        let failures = self.failures.iter();
        let failures = failures.map(|(kind, count)| (*kind, share(*count, number, of)));
        Self {
            users: self.users,
            in_flight: self.in_flight,
            oldest_in_flight_ms: self.oldest_in_flight_ms,
            failures: failures.filter(|(_, count)| *count > 0).collect(),
            ..self.shares(number, of)
        }
    }

    /// Removes all counts and keeps the memory.
    pub fn clear(&mut self) {
        let mut failures = std::mem::take(&mut self.failures);
        failures.clear();
        *self = Self {
            failures,
            ..Self::default()
        };
    }

    fn merge_failures(&mut self, other: &Self) {
        for (kind, count) in &other.failures {
            self.add_failures(*kind, *count);
        }
    }

    fn add_failures(&mut self, kind: FailureKind, count: u64) {
        match self
            .failures
            .binary_search_by_key(&kind, |(known, _)| *known)
        {
            Ok(at) => {
                let (_, known) = &mut self.failures[at];
                *known = known.saturating_add(count);
            }
            Err(at) => self.failures.insert(at, (kind, count)),
        }
    }
}

fn sum(a: Option<u32>, b: Option<u32>) -> Option<u32> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.saturating_add(b)),
        (known, None) | (None, known) => known,
    }
}

impl PackedRow for Second {
    fn at(&self) -> u64 {
        0
    }

    fn width(&self) -> usize {
        3 + COUNTS + FailureKind::ALL.len()
    }

    fn write(&self, numbers: &mut Column) {
        numbers.extend([
            self.users.map(i64::from),
            self.in_flight.map(i64::from),
            self.oldest_in_flight_ms.map(u64::cast_signed),
        ]);
        self.write_counts(numbers);
        numbers.extend(FailureKind::ALL.map(|kind| {
            let known = self.failures.iter().find(|(known, _)| *known == kind);
            known.map(|(_, count)| count.cast_signed())
        }));
    }

    fn read(numbers: &mut Numbers) -> Self {
        let gauge = |value: Option<i64>| value.and_then(|value| u32::try_from(value).ok());
        let (users, in_flight) = (gauge(numbers.next()), gauge(numbers.next()));
        let oldest_in_flight_ms = numbers.next().map(i64::cast_unsigned);
        let counts = Self::read_counts(numbers);
        let failures = FailureKind::ALL.into_iter();
        let failures = failures.filter_map(|kind| Some((kind, numbers.next()?.cast_unsigned())));
        Self {
            users,
            in_flight,
            oldest_in_flight_ms,
            failures: failures.collect(),
            ..counts
        }
    }

    fn merge_next(&mut self, later: &Self, _own: u32, _others: u32) {
        self.users = self.users.max(later.users);
        self.in_flight = later.in_flight.or(self.in_flight);
        self.oldest_in_flight_ms = later.oldest_in_flight_ms.or(self.oldest_in_flight_ms);
        self.combine(later, Rule::over_time);
        self.merge_failures(later);
    }
}
