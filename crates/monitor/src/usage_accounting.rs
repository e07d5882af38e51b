//! One quantity (CPU time, bytes) over a tree of processes that come and go: how much of it was
//! used since the look before, everything once.
//!
//! The kernel hands what a child used on to the parent that waited for it. So a child counts by
//! itself while it lives; once it is gone, what its parent was handed counts instead, less what
//! was counted while it lived.

use std::collections::HashMap;

/// A process for good: ids are used again, an id with a start time is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Identity {
    pub(crate) pid: i32,
    /// In clock ticks since the machine started.
    pub(crate) started_ticks: u64,
}

/// What a process has used since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Used {
    /// By itself alone.
    pub(crate) own: u64,
    /// What it was handed by children that ended and that it waited for. Where the kernel tells
    /// only the sum of both, the sum stands here.
    pub(crate) reaped: u64,
}

/// One process as the look sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ProcessUsage {
    pub(crate) identity: Identity,
    /// The process id of its parent.
    pub(crate) parent: i32,
    pub(crate) used: Used,
}

/// The account of one quantity.
#[derive(Debug)]
pub(crate) struct UsageAccumulator {
    /// How far `reaped` may lag behind by rounding, in the quantity's unit.
    rounding: u64,
    members: Option<HashMap<i32, Member>>,
}

#[derive(Debug, Clone, Copy)]
struct Member {
    entry: ProcessUsage,
    /// What was counted of its children while they lived and has not shown in `reaped` yet.
    owed: u64,
}

impl UsageAccumulator {
    /// An empty account; `rounding` is how coarse the kernel tells `Used::reaped`.
    pub(crate) fn new(rounding: u64) -> Self {
        Self {
            rounding,
            members: None,
        }
    }

    /// Takes a look at all processes there are and tells what was used since the look before;
    /// `None` at the first look. Parents have to be looked at before their children: a child that
    /// ends in between is then missing now and made good at the next look.
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
                let (was, owed) = known.map_or((Used::default(), 0), |k| (k.entry.used, k.owed));
                let is = member.entry.used;
                let handed = is.reaped.saturating_sub(was.reaped);
                let counted = counted.get(pid).copied().unwrap_or(0);
                let claimed = counted + owed;
                used += is.own.saturating_sub(was.own) + handed.saturating_sub(claimed);
                // What has not been handed over by the next look never will be: the parent does
                // not wait for its children. Only a rounding rest stays.
                member.owed = claimed
                    .saturating_sub(handed)
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

/// What vanished processes had used when last seen, and still owed then, by the id of the nearest living ancestor:
/// the one that is handed it if everybody on the way waited for his children.
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
        // Ids used again could close a circle: no way is longer than there are processes.
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

    /// `(pid, parent, own, reaped)` of each process, and what the look should tell.
    type Look = (&'static [(i32, i32, u64, u64)], Option<u64>);

    fn check(what: &str, rounding: u64, looks: &[Look]) {
        let mut ledger = UsageAccumulator::new(rounding);
        for (index, (processes, expected)) in looks.iter().enumerate() {
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
                            used: Used { own, reaped },
                        }),
                );
            assert_eq!(used, *expected, "{what}, look {index}");
        }
    }

    #[test]
    fn everything_is_counted_once() {
        check(
            "one process",
            0,
            &[(&[(1, 0, 50, 0)], None), (&[(1, 0, 70, 0)], Some(20))],
        );
        check(
            "a child that lives on",
            0,
            &[
                (&[(1, 0, 50, 9), (2, 1, 500, 0)], None),
                (&[(1, 0, 51, 9), (2, 1, 600, 0)], Some(101)),
            ],
        );
        check(
            "a child that came and went between two looks",
            0,
            &[(&[(1, 0, 50, 9)], None), (&[(1, 0, 50, 39)], Some(30))],
        );
        check(
            "a child that came and is still there",
            0,
            &[
                (&[(1, 0, 50, 9)], None),
                (&[(1, 0, 50, 9), (2, 1, 4, 3)], Some(7)),
            ],
        );
        check(
            "a child counted while it lived, then waited for",
            0,
            &[
                (&[(1, 0, 0, 0), (2, 1, 100, 0)], None),
                (&[(1, 0, 0, 0), (2, 1, 300, 0)], Some(200)),
                (&[(1, 0, 0, 310)], Some(10)),
                (&[(1, 0, 0, 310)], Some(0)),
            ],
        );
        check(
            "a grandchild and its parent gone at once",
            0,
            &[
                (&[(1, 0, 0, 0), (2, 1, 100, 5), (3, 2, 40, 0)], None),
                (&[(1, 0, 0, 150)], Some(5)),
            ],
        );
    }

    #[test]
    fn a_child_that_ends_during_the_look_is_made_good_at_the_next() {
        // The parent was looked at before it waited for the child, the child after it had gone.
        check(
            "ended in between",
            0,
            &[
                (&[(1, 0, 0, 0), (2, 1, 1000, 0)], None),
                (&[(1, 0, 0, 0)], Some(0)),
                (&[(1, 0, 0, 1020)], Some(20)),
            ],
        );
        // The parent has gone as well when the next look comes.
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
    fn a_parent_that_does_not_wait_owes_nothing_for_long() {
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
    fn rounding_of_what_is_handed_over_does_not_add_up() {
        // Each child uses 15, told in steps of 10: 30 used in all, 30 counted in all.
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
    fn an_id_that_is_used_again_is_another_process() {
        let mut ledger = UsageAccumulator::new(0);
        let entry = |pid, started_ticks, own, reaped| ProcessUsage {
            identity: Identity { pid, started_ticks },
            parent: 1,
            used: Used { own, reaped },
        };
        ledger.update([entry(1, 1, 0, 0), entry(2, 7, 1000, 0)]);
        let used = ledger.update([entry(1, 1, 0, 1001), entry(2, 8, 5, 0)]);
        assert_eq!(used, Some(6));
    }
}
