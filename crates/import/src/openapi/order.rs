//! Order of operations: those that need an ID run after the operation that gives it, as steps of one task.

use crate::draft::{Method, Task};
use crate::openapi::chains::Chains;

/// Comment of a task that creates what it uses.
const CREATES: &str = "creates what its later steps use";

/// An operation with its task.
pub(super) struct Operation {
    /// Template of the path.
    pub(super) path: String,
    pub(super) task: Task,
}

/// Orders the tasks of operations. Operations that depend on each other become one task, in which those that delete are the
/// last; all others keep their places.
pub(super) fn ordered(operations: Vec<Operation>, chains: &Chains) -> Vec<Task> {
    let givers: Vec<Vec<usize>> = operations
        .iter()
        .map(|operation| {
            let is_giver = |other: &Operation, key: &(String, String)| {
                other.path == key.0 && other.task.method.key() == key.1
            };
            let keys = chains.givers_of(&operation.path);
            let found =
                keys.filter_map(|key| operations.iter().position(|other| is_giver(other, key)));
            found.collect()
        })
        .collect();
    let mut groups: Vec<usize> = (0..operations.len()).collect();
    for (at, givers) in givers.iter().enumerate() {
        // A task with weight 0 stays a task of its own, which users enable.
        let sent = |at: &usize| operations[*at].task.weight > 0;
        for giver in givers.iter().filter(|giver| sent(&at) && sent(giver)) {
            let (one, other) = (groups[at], groups[*giver]);
            let joined = one.min(other);
            groups
                .iter_mut()
                .filter(|group| **group == one || **group == other)
                .for_each(|group| *group = joined);
        }
    }
    let mut tasks: Vec<Option<Operation>> = operations.into_iter().map(Some).collect();
    let mut ordered = Vec::new();
    for group in 0..groups.len() {
        let members: Vec<usize> = (0..groups.len())
            .filter(|at| groups[*at] == group)
            .collect();
        let is_chain = members.len() > 1;
        for (nth, at) in steps(&members, &givers, &tasks).into_iter().enumerate() {
            let Some(Operation { mut task, .. }) = tasks[at].take() else {
                continue;
            };
            task.flow.continues = nth > 0;
            if is_chain && nth == 0 {
                task.comment = Some(CREATES);
            }
            ordered.push(task);
        }
    }
    ordered
}

/// Order of the members of a group.
fn steps(members: &[usize], givers: &[Vec<usize>], tasks: &[Option<Operation>]) -> Vec<usize> {
    let deletes = |at: &usize| {
        let task = tasks[*at].as_ref().map(|operation| &operation.task);
        task.is_some_and(|task| task.method == Method::Delete)
    };
    let (mut last, mut left): (Vec<usize>, Vec<usize>) = members.iter().partition(|at| deletes(at));
    // The deepest path first: an order is deleted before its user.
    let depth = |at: &usize| {
        let operation = tasks[*at].as_ref();
        operation.map_or(0, |operation| operation.path.matches('/').count())
    };
    last.sort_by_key(|at| std::cmp::Reverse(depth(at)));
    let mut steps = Vec::new();
    while !left.is_empty() {
        let is_ready = |at: &usize| {
            givers[*at]
                .iter()
                .all(|giver| !left.contains(giver) || giver == at)
        };
        let next = left.iter().position(is_ready).unwrap_or(0);
        steps.push(left.remove(next));
    }
    steps.extend(last);
    steps
}
