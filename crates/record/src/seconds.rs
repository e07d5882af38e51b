//! The counts of each second of a run, bounded in bytes: the last ones as they are, those before packed. Where
//! a run is so long that they are full, what is kept tells of 2, 4, 8 … seconds, and each of those has its part
//! of it: sums are what they were.

use crate::columns::{Column, ROWS_MAX};
use crate::rows::{Numbers, Packed, Row, Rows};
use crate::{FailureKind, Second};

/// How many bytes the packed ones may take: those of some days.
const BYTES_MAX: usize = 8 << 20;
/// What is this old is packed, so many seconds at once; what comes later of it still counts.
const OPEN: usize = ROWS_MAX;
/// How many numbers a second has beside its failures: before them, and behind them (older records have none there).
const COUNTS: usize = 18 + 7;

/// The counts of each second of a run, from second 0 on.
#[derive(Debug, Clone)]
pub struct Seconds {
    packed: Rows<Second>,
    /// How many seconds are packed.
    before: usize,
    /// Those that come after them.
    open: Vec<Second>,
    ok: u64,
    not_well: u64,
}

impl Default for Seconds {
    fn default() -> Self {
        Self::bounded(BYTES_MAX)
    }
}

impl Seconds {
    pub(crate) fn bounded(bytes_max: usize) -> Self {
        Self {
            packed: Rows::bounded(bytes_max),
            before: 0,
            open: Vec::new(),
            ok: 0,
            not_well: 0,
        }
    }

    /// How many seconds there are.
    pub fn len(&self) -> usize {
        self.before + self.open.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Over so many seconds what is kept of the first ones is even: 1, or a power of two where a very long run
    /// was made to fit.
    pub fn width_s(&self) -> u32 {
        self.packed.each()
    }

    /// The counts of one; `None` after the last.
    pub fn get(&self, second: usize) -> Option<Second> {
        if let Some(open) = second.checked_sub(self.before) {
            return self.open.get(open).cloned();
        }
        let (at, part) = self.place(second);
        let whole = self.packed.get(at)?;
        Some(whole.part(part, self.packed.held(at)))
    }

    /// The counts of some of them, in order.
    pub fn range(&self, seconds: std::ops::Range<usize>) -> impl Iterator<Item = Second> {
        let end = seconds.end.min(self.len());
        (seconds.start..end).filter_map(|second| self.get(second))
    }

    /// The counts of all of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = Second> {
        self.range(0..self.len())
    }

    /// The last of them: some minutes, or all of a run that is shorter.
    pub fn recent(&self) -> &[Second] {
        &self.open
    }

    /// Requests answered well in all of them.
    pub fn ok(&self) -> u64 {
        self.ok
    }

    /// Requests failed or never answered in all of them.
    pub fn not_well(&self) -> u64 {
        self.not_well
    }

    fn place(&self, second: usize) -> (usize, u32) {
        let each = self.packed.each();
        // Below `each`, which is a u32.
        let part = u32::try_from(second % each as usize).unwrap_or(0);
        (second / each as usize, part)
    }

    /// Adds what a core counted of a second.
    pub(crate) fn merge(&mut self, second: usize, counts: &Second) {
        self.ok = self.ok.saturating_add(counts.ok);
        let not_well = counts.failed.saturating_add(counts.unanswered);
        self.not_well = self.not_well.saturating_add(not_well);
        let Some(open) = second.checked_sub(self.before) else {
            let (at, _) = self.place(second);
            self.packed.change(at, |known| known.merge(counts));
            return;
        };
        self.reach(open);
        let open = second - self.before;
        self.open[open].merge(counts);
    }

    /// Makes room for a second that comes so much after the packed ones.
    fn reach(&mut self, mut open: usize) {
        while open >= 2 * OPEN {
            let more = self.open.len().max(OPEN);
            self.open.resize_with(more, Second::default);
            for second in self.open.drain(..OPEN) {
                self.packed.push(second, 1);
            }
            self.before += OPEN;
            open -= OPEN;
        }
        if self.open.len() <= open {
            self.open.resize_with(open + 1, Second::default);
        }
    }

    /// Makes what is kept of the packed ones tell of at least so many seconds.
    pub(crate) fn widen_to(&mut self, width_s: u32) {
        self.packed.widen_to(width_s);
    }

    /// All seconds in the form in which they are stored.
    pub(crate) fn packed(&self) -> impl Iterator<Item = Packed> {
        let open = self
            .open
            .chunks(ROWS_MAX)
            .scan(self.before, |from, seconds| {
                let packed = Packed::of(seconds, *from as u64, (1, 1));
                *from += seconds.len();
                Some(packed)
            });
        self.packed.parts().chain(open)
    }
}

impl FromIterator<Second> for Seconds {
    fn from_iter<I: IntoIterator<Item = Second>>(all: I) -> Self {
        let mut seconds = Self::default();
        for (second, counts) in all.into_iter().enumerate() {
            seconds.merge(second, &counts);
        }
        seconds
    }
}

impl Row for Second {
    fn at(&self) -> u64 {
        0
    }

    fn width(&self) -> usize {
        COUNTS + FailureKind::ALL.len()
    }

    fn write(&self, numbers: &mut Column) {
        let gauge = |value: Option<u32>| value.map(i64::from);
        let count = |value: u64| Some(value.cast_signed());
        numbers.extend([
            gauge(self.users),
            gauge(self.in_flight),
            self.oldest_ms.map(u64::cast_signed),
            count(self.ok),
            count(self.failed),
            count(self.unanswered),
            count(self.wire_requests),
            count(self.bytes_sent),
            count(self.bytes_received),
            count(self.connections),
            count(self.reopened),
            count(self.stood_still_ms),
            count(self.cpu_wait_ms),
            count(self.cpu_wait_each_us),
            count(self.wake_ups),
            count(self.cpu_ms),
            count(self.cpu_busiest_ms),
            count(self.kept_waiting_us),
        ]);
        numbers.extend(FailureKind::ALL.map(|kind| {
            let known = self.failures.iter().find(|(known, _)| *known == kind);
            known.map(|(_, count)| count.cast_signed())
        }));
        numbers.extend([
            count(self.users_begun),
            count(self.users_not_started),
            count(self.users_out_of_data),
            count(self.users_stopped),
            count(self.tasks),
            count(self.retries),
            count(self.cookies_dropped),
        ]);
    }

    fn read(numbers: &mut Numbers) -> Self {
        let gauge = |value: Option<i64>| value.and_then(|value| u32::try_from(value).ok());
        let count = |value: Option<i64>| value.map_or(0, i64::cast_unsigned);
        Self {
            users: gauge(numbers.next()),
            in_flight: gauge(numbers.next()),
            oldest_ms: numbers.next().map(i64::cast_unsigned),
            ok: count(numbers.next()),
            failed: count(numbers.next()),
            unanswered: count(numbers.next()),
            wire_requests: count(numbers.next()),
            bytes_sent: count(numbers.next()),
            bytes_received: count(numbers.next()),
            connections: count(numbers.next()),
            reopened: count(numbers.next()),
            stood_still_ms: count(numbers.next()),
            cpu_wait_ms: count(numbers.next()),
            cpu_wait_each_us: count(numbers.next()),
            wake_ups: count(numbers.next()),
            cpu_ms: count(numbers.next()),
            cpu_busiest_ms: count(numbers.next()),
            kept_waiting_us: count(numbers.next()),
            failures: FailureKind::ALL
                .into_iter()
                .filter_map(|kind| Some((kind, numbers.next()?.cast_unsigned())))
                .collect(),
            users_begun: count(numbers.next()),
            users_not_started: count(numbers.next()),
            users_out_of_data: count(numbers.next()),
            users_stopped: count(numbers.next()),
            tasks: count(numbers.next()),
            retries: count(numbers.next()),
            cookies_dropped: count(numbers.next()),
        }
    }

    fn follow(&mut self, later: &Self, _own: u32, _others: u32) {
        let (users, stood_still_ms) = (self.users.max(later.users), self.stood_still_ms);
        let cpu_busiest_ms = self.cpu_busiest_ms;
        self.merge(later);
        self.users = users;
        self.in_flight = later.in_flight.or(self.in_flight);
        self.oldest_ms = later.oldest_ms.or(self.oldest_ms);
        self.stood_still_ms = stood_still_ms.saturating_add(later.stood_still_ms);
        self.cpu_busiest_ms = cpu_busiest_ms.saturating_add(later.cpu_busiest_ms);
    }
}

#[cfg(test)]
mod tests;
