//! Seconds: what is counted of every second of a run, set-up requests left out.

use serde::{Deserialize, Serialize};

use crate::{FailureKind, Outcome, Sample};

/// The counts of one second. Requests are counted in the second in which they were done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Second {
    /// The most users that were active at once; `None` where nobody said.
    pub users: Option<u32>,
    /// Requests under way at its end; `None` where nobody said.
    pub in_flight: Option<u32>,
    /// How long the oldest request under way at its end had waited since its intended start.
    pub oldest_ms: Option<u64>,
    /// Requests answered well.
    pub ok: u64,
    /// Requests answered, but not as they should be.
    pub failed: u64,
    /// Requests never answered.
    pub unanswered: u64,
    /// Requests on the wire.
    pub wire_requests: u64,
    /// Bytes sent.
    pub bytes_sent: u64,
    /// Bytes received.
    pub bytes_received: u64,
    /// Connections opened.
    pub connections: u64,
    /// Connections opened again because the server had closed them while idle.
    pub reopened: u64,
    /// How long the generator itself had stood still (stopped, or without a CPU) up to a moment of this
    /// second, in milliseconds.
    pub stood_still_ms: u64,
    /// How long the generator's threads were ready to run and had no CPU, in milliseconds.
    pub cpu_wait_ms: u64,
    /// The same, as the mean of each time that a thread came on a CPU: the largest of the threads', in
    /// microseconds.
    pub cpu_wait_each_us: u64,
    /// How often the generator's threads came on a CPU; 0 where the kernel does not tell.
    pub wake_ups: u64,
    /// CPU time of the generator's threads, in milliseconds.
    pub cpu_ms: u64,
    /// CPU time of the busiest of them.
    pub cpu_busiest_ms: u64,
    /// The longest that something due had to wait for its thread, in microseconds.
    pub kept_waiting_us: u64,
    /// Users that were active for the first time.
    pub users_begun: u64,
    /// Users that never came to their tasks, since what they do before them failed.
    pub users_not_started: u64,
    /// Users that stopped for good since their data was used up.
    pub users_out_of_data: u64,
    /// Users that stopped for good as the scenario says, or since they had played their part of its iterations.
    pub users_stopped: u64,
    /// Failures by kind, each kind once, in the order of [`FailureKind::ALL`].
    pub failures: Vec<(FailureKind, u64)>,
    /// Tasks that ended, however they ended; 0 if they were not counted.
    pub tasks: u64,
    /// Requests that were sent again on their own account; each is part of `wire_requests`.
    pub retries: u64,
    /// Cookies that users' jars refused or evicted because of their limits.
    pub cookies_dropped: u64,
}

impl Second {
    /// Counts a request.
    pub fn count(&mut self, sample: &Sample) {
        self.wire_requests += u64::from(sample.wire_requests);
        self.bytes_sent += sample.bytes_sent;
        self.bytes_received += sample.bytes_received;
        self.count_end(sample);
    }

    /// Counts how a request ended, and nothing of what it sent and received.
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

    /// Requests that ended in this second, however they ended.
    pub fn requests(&self) -> u64 {
        self.ok
            .saturating_add(self.failed)
            .saturating_add(self.unanswered)
    }

    /// Adds what another core counted of the same second.
    pub fn merge(&mut self, other: &Self) {
        self.users = sum(self.users, other.users);
        self.in_flight = sum(self.in_flight, other.in_flight);
        self.oldest_ms = self.oldest_ms.max(other.oldest_ms);
        self.ok = self.ok.saturating_add(other.ok);
        self.failed = self.failed.saturating_add(other.failed);
        self.unanswered = self.unanswered.saturating_add(other.unanswered);
        self.wire_requests = self.wire_requests.saturating_add(other.wire_requests);
        self.bytes_sent = self.bytes_sent.saturating_add(other.bytes_sent);
        self.bytes_received = self.bytes_received.saturating_add(other.bytes_received);
        self.connections = self.connections.saturating_add(other.connections);
        self.reopened = self.reopened.saturating_add(other.reopened);
        self.cpu_wait_ms = self.cpu_wait_ms.saturating_add(other.cpu_wait_ms);
        self.cpu_wait_each_us = self.cpu_wait_each_us.max(other.cpu_wait_each_us);
        self.wake_ups = self.wake_ups.saturating_add(other.wake_ups);
        self.cpu_ms = self.cpu_ms.saturating_add(other.cpu_ms);
        self.cpu_busiest_ms = self.cpu_busiest_ms.max(other.cpu_busiest_ms);
        self.kept_waiting_us = self.kept_waiting_us.max(other.kept_waiting_us);
        self.stood_still_ms = self.stood_still_ms.max(other.stood_still_ms);
        self.users_begun = self.users_begun.saturating_add(other.users_begun);
        self.users_not_started = self
            .users_not_started
            .saturating_add(other.users_not_started);
        self.users_out_of_data = self
            .users_out_of_data
            .saturating_add(other.users_out_of_data);
        self.users_stopped = self.users_stopped.saturating_add(other.users_stopped);
        self.tasks = self.tasks.saturating_add(other.tasks);
        self.retries = self.retries.saturating_add(other.retries);
        self.cookies_dropped = self.cookies_dropped.saturating_add(other.cookies_dropped);
        for (kind, count) in &other.failures {
            self.add_failures(*kind, *count);
        }
    }

    /// What a second has of the counts of several, as the one of this number (from 0). Over all of them sums are
    /// what they were; what is the most of several, or how they ended, is that of each. That brunt stood still
    /// is the first one's.
    pub(crate) fn part(&self, number: u32, of: u32) -> Self {
        if of <= 1 {
            return self.clone();
        }
        let share = |count: u64| {
            let until = |number: u64| u128::from(count) * u128::from(number) / u128::from(of);
            let part = until(u64::from(number) + 1) - until(number.into());
            // A part of a u64.
            u64::try_from(part).unwrap_or(u64::MAX)
        };
        let failures = self
            .failures
            .iter()
            .map(|(kind, count)| (*kind, share(*count)));
        Self {
            ok: share(self.ok),
            failed: share(self.failed),
            unanswered: share(self.unanswered),
            wire_requests: share(self.wire_requests),
            bytes_sent: share(self.bytes_sent),
            bytes_received: share(self.bytes_received),
            connections: share(self.connections),
            reopened: share(self.reopened),
            stood_still_ms: if number == 0 { self.stood_still_ms } else { 0 },
            cpu_wait_ms: share(self.cpu_wait_ms),
            wake_ups: share(self.wake_ups),
            cpu_ms: share(self.cpu_ms),
            cpu_busiest_ms: share(self.cpu_busiest_ms),
            users_begun: share(self.users_begun),
            users_not_started: share(self.users_not_started),
            users_out_of_data: share(self.users_out_of_data),
            users_stopped: share(self.users_stopped),
            failures: failures.filter(|(_, count)| *count > 0).collect(),
            tasks: share(self.tasks),
            retries: share(self.retries),
            cookies_dropped: share(self.cookies_dropped),
            users: self.users,
            in_flight: self.in_flight,
            oldest_ms: self.oldest_ms,
            cpu_wait_each_us: self.cpu_wait_each_us,
            kept_waiting_us: self.kept_waiting_us,
        }
    }

    /// Forgets everything but the memory.
    pub fn clear(&mut self) {
        let mut failures = std::mem::take(&mut self.failures);
        failures.clear();
        *self = Self {
            failures,
            ..Self::default()
        };
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
