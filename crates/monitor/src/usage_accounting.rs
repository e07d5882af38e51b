//! Accounting of one resource (CPU time, bytes) in a tree of processes that start and end, such that all usage since the
//! previous reading is counted once.
//!
//! The kernel adds the usage of a child to that of the parent that waits for it. Therefore, a child is counted by itself
//! while it runs. Once it has ended, the usage that its parent received is counted instead, less the usage that was already
//! counted.

use std::collections::HashMap;

/// Unique identity of a process. IDs are reused, but not together with the start time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Identity {
    pub(crate) pid: i32,
    /// Start in clock ticks since the machine started.
    pub(crate) started_ticks: u64,
}

/// Usage of a process since it started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Usage of the process alone.
    pub(crate) own: u64,
    /// Usage of children that ended and that it waited for. If the kernel reports only the sum, it is the sum of both.
    pub(crate) reaped: u64,
}

/// Usage of one process at a reading.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProcessUsage {
    pub(crate) identity: Identity,
    /// Process ID of its parent.
    pub(crate) parent: i32,
    pub(crate) used: Usage,
}

/// Accounting of one resource.
#[derive(Debug)]
pub(crate) struct UsageAccumulator {
    /// Largest rounding error of `reaped`, in the unit of the resource.
    rounding: u64,
    members: Option<HashMap<i32, Member>>,
}

#[derive(Debug, Clone, Copy)]
struct Member {
    entry: ProcessUsage,
    /// Usage of its children that was counted while they ran and is not part of `reaped` yet.
    owed: u64,
}

impl UsageAccumulator {
    /// Starts with no processes. `rounding` is the resolution of `Usage::reaped`.
    pub(crate) fn new(rounding: u64) -> Self {
        Self {
            rounding,
            members: None,
        }
    }

    /// Adds a reading of all processes, and returns the usage since the previous reading; `None` at the first one. Parents have
    /// to be read before their children: a child that ends in between is then missing in this reading and counted in the next.
    pub(crate) fn update(
        &mut self,
        entries: impl IntoIterator<Item = ProcessUsage>,
    ) -> Option<u64> {
        let mut now: HashMap<i32, Member> = entries
            .into_iter()
            .map(|entry| (entry.identity.pid, Member { entry, owed: 0 }))
            .collect();
        let used = self.members.as_ref().map(|before| {
            let counted = counted_of_vanished(before, &now);
            let mut used = 0;
            for (pid, member) in &mut now {
                let known = before.get(pid).filter(|known| same(known, member));
                let (was, owed) = known.map_or((Usage::default(), 0), |k| (k.entry.used, k.owed));
                let is = member.entry.used;
                let received = is.reaped.saturating_sub(was.reaped);
                let counted = counted.get(pid).copied().unwrap_or(0);
                let claimed = counted + owed;
                used += is.own.saturating_sub(was.own) + received.saturating_sub(claimed);
                // Usage that the parent has not received by the next reading will never be added, since the parent does not
                // wait for its children. Only a rounding error remains.
                member.owed = claimed
                    .saturating_sub(received)
                    .min(counted.max(self.rounding));
            }
            used
        });
        self.members = Some(now);
        used
    }
}

fn same(one: &Member, other: &Member) -> bool {
    one.entry.identity == other.entry.identity
}

/// Usage of ended processes at their last reading, by the ID of the nearest running ancestor, which receives it if all
/// processes in between waited for their children.
fn counted_of_vanished(
    before: &HashMap<i32, Member>,
    now: &HashMap<i32, Member>,
) -> HashMap<i32, u64> {
    let lives = |pid: &i32| match (before.get(pid), now.get(pid)) {
        (Some(was), Some(is)) => same(was, is),
        (None, is) => is.is_some(),
        (Some(_), None) => false,
    };
    let mut counted: HashMap<i32, u64> = HashMap::new();
    for (_, member) in before.iter().filter(|(pid, _)| !lives(pid)) {
        let mut ancestor = member.entry.parent;
        // Reused IDs could form a cycle, so the number of steps is limited.
        for _ in 0..before.len() {
            if lives(&ancestor) {
                let used = member.entry.used;
                *counted.entry(ancestor).or_default() += used.own + used.reaped + member.owed;
                break;
            }
            let Some(gone) = before.get(&ancestor) else {
                break;
            };
            ancestor = gone.entry.parent;
        }
    }
    counted
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `(pid, parent, own, reaped)` of each process at a reading, and the expected usage.
    type TestReading = (&'static [(i32, i32, u64, u64)], Option<u64>);

    fn check(what: &str, rounding: u64, readings: &[TestReading]) {
        let mut ledger = UsageAccumulator::new(rounding);
        for (index, (processes, expected)) in readings.iter().enumerate() {
            let used =
                ledger.update(
                    processes
                        .iter()
                        .map(|&(pid, parent, own, reaped)| ProcessUsage {
                            identity: Identity {
                                pid,
                                started_ticks: 7,
                            },
                            parent,
                            used: Usage { own, reaped },
                        }),
                );
            assert_eq!(used, *expected, "{what}, reading {index}");
        }
    }

    #[test]
    fn usage_is_counted_once() {
        check(
            "one process",
            0,
            &[(&[(1, 0, 50, 0)], None), (&[(1, 0, 70, 0)], Some(20))],
        );
        check(
            "a child that keeps running",
            0,
            &[
                (&[(1, 0, 50, 9), (2, 1, 500, 0)], None),
                (&[(1, 0, 51, 9), (2, 1, 600, 0)], Some(101)),
            ],
        );
        check(
            "a child that started and ended between two readings",
            0,
            &[(&[(1, 0, 50, 9)], None), (&[(1, 0, 50, 39)], Some(30))],
        );
        check(
            "a child that started and is still running",
            0,
            &[
                (&[(1, 0, 50, 9)], None),
                (&[(1, 0, 50, 9), (2, 1, 4, 3)], Some(7)),
            ],
        );
        check(
            "a child counted while it ran, then waited for",
            0,
            &[
                (&[(1, 0, 0, 0), (2, 1, 100, 0)], None),
                (&[(1, 0, 0, 0), (2, 1, 300, 0)], Some(200)),
                (&[(1, 0, 0, 310)], Some(10)),
                (&[(1, 0, 0, 310)], Some(0)),
            ],
        );
        check(
            "a grandchild and its parent that ended together",
            0,
            &[
                (&[(1, 0, 0, 0), (2, 1, 100, 5), (3, 2, 40, 0)], None),
                (&[(1, 0, 0, 150)], Some(5)),
            ],
        );
    }

    #[test]
    fn child_that_ends_during_a_reading_is_counted_at_the_next() {
        // The parent was read before it waited for the child, the child after it had ended.
        check(
            "ended in between",
            0,
            &[
                (&[(1, 0, 0, 0), (2, 1, 1000, 0)], None),
                (&[(1, 0, 0, 0)], Some(0)),
                (&[(1, 0, 0, 1020)], Some(20)),
            ],
        );
        // The parent has also ended at the next reading.
        check(
            "ended in between, and then its parent",
            0,
            &[
                (&[(1, 0, 0, 0), (2, 1, 100, 0), (3, 2, 1000, 0)], None),
                (&[(1, 0, 0, 0), (2, 1, 100, 0)], Some(0)),
                (&[(1, 0, 0, 1120)], Some(20)),
            ],
        );
    }

    #[test]
    fn usage_that_a_parent_never_receives_is_dropped() {
        check(
            "children ignored",
            2,
            &[
                (&[(1, 0, 0, 0), (2, 1, 1000, 0)], None),
                (&[(1, 0, 10, 0)], Some(10)),
                (&[(1, 0, 20, 0)], Some(10)),
                (&[(1, 0, 20, 500)], Some(498)),
            ],
        );
    }

    #[test]
    fn rounding_errors_do_not_accumulate() {
        // Each child uses 15, rounded to steps of 10: 30 used in total, 30 counted in total.
        check(
            "steps of ten",
            10,
            &[
                (&[(1, 0, 0, 0)], None),
                (&[(1, 0, 0, 0), (2, 1, 15, 0)], Some(15)),
                (&[(1, 0, 0, 10)], Some(0)),
                (&[(1, 0, 0, 10), (3, 1, 15, 0)], Some(15)),
                (&[(1, 0, 0, 30)], Some(0)),
                (&[(1, 0, 0, 30)], Some(0)),
            ],
        );
    }

    #[test]
    fn reused_id_is_another_process() {
        let mut ledger = UsageAccumulator::new(0);
        let entry = |pid, started_ticks, own, reaped| ProcessUsage {
            identity: Identity { pid, started_ticks },
            parent: 1,
            used: Usage { own, reaped },
        };
        ledger.update([entry(1, 1, 0, 0), entry(2, 7, 1000, 0)]);
        let used = ledger.update([entry(1, 1, 0, 1001), entry(2, 8, 5, 0)]);
        assert_eq!(used, Some(6));
    }
}
