//! Steps of a user. Conditions and loops are jumps in one flat list, so that an index is the whole state of a user's
//! progress.

use std::collections::BTreeMap;

use brunt_record::NameId;

use crate::data::SourceId;
use crate::expr::context::VariableId;
use crate::expr::expression::Expression;
use crate::model::request::Request;
use crate::model::wait::Wait;
use crate::value::Value;

/// A step. Jumps count from the next step.
#[derive(Debug, Clone)]
pub enum Step {
    /// Sends a request.
    Request(Box<Request>),
    /// Pauses.
    Wait(Wait),
    /// Sets a variable.
    Set(VariableId, Expression),
    /// Continues if a condition holds, and skips a number of steps otherwise.
    Unless(Expression, usize),
    /// Skips a number of steps.
    Skip(usize),
    /// Goes back by a number of steps, this one included.
    Back(usize),
    /// Starts a countdown from a number.
    Count(VariableId, Expression),
    /// Counts down by one; skips a number of steps at zero.
    Next(VariableId, usize),
    /// Takes the next item of a list; skips a number of steps at its end.
    ForEach(ForEach),
    /// Continues with one of several parts, chosen by weight.
    Choose(Choice),
    /// Takes a row that no other user has, and sets a variable to it.
    CheckOut(SourceId, VariableId),
    /// Gives back the row that was taken last.
    GiveBack,
    /// Starts a group of steps that is timed as one.
    Begin,
    /// Ends the innermost group.
    End(NameId),
    /// Records a value of a custom metric.
    Measure(NameId, Expression),
    /// Deletes the user's cookies.
    ClearCookies,
    /// Stops the user for good.
    StopUser,
    /// Stops the load.
    StopTest,
}

impl Step {
    /// Name under which it is recorded.
    pub(crate) fn name(&self) -> Option<NameId> {
        match self {
            Self::Request(request) => Some(request.name),
            Self::End(name) | Self::Measure(name, _) => Some(*name),
            _ => None,
        }
    }
}

/// The next item of a list.
#[derive(Debug, Clone)]
pub struct ForEach {
    /// Variable of the list.
    pub list: VariableId,
    /// Variable of the number of items taken.
    pub taken: VariableId,
    /// Variable of the item.
    pub item: VariableId,
    /// Number of steps to skip at the end of the list.
    pub skip: usize,
}

impl ForEach {
    /// Takes the next item; `None` at the end of the list.
    pub fn next(&self, variables: &mut [Value]) -> Option<()> {
        let Value::Integer(taken) = variables[self.taken.index()] else {
            return None;
        };
        let item = match &variables[self.list.index()] {
            Value::Json(json) => json.get(usize::try_from(taken).ok()?)?,
            _ => return None,
        };
        variables[self.item.index()] = Value::of_json(item);
        variables[self.taken.index()] = Value::Integer(taken + 1);
        Some(())
    }
}

/// A choice of one of several parts, by weight.
#[derive(Debug, Clone)]
pub struct Choice {
    /// Ends of the parts' shares of the range 0 to 1.
    pub ends: Box<[f64]>,
    /// Number of steps from the next one to the start of each part.
    pub skips: Box<[usize]>,
}

/// Names of the requests of steps, each once, in order.
pub fn names_of(steps: &[Step]) -> Vec<NameId> {
    let mut names = Vec::new();
    for step in steps {
        if let Step::Request(request) = step
            && !names.contains(&request.name)
        {
            names.push(request.name);
        }
    }
    names
}

/// Steps with estimates of their load.
#[derive(Debug, Clone, Default)]
pub(crate) struct Program {
    pub(crate) steps: Vec<Step>,
    /// Estimated number of requests: a condition counts its larger branch, and a loop with an unknown number of rounds
    /// counts once.
    pub(crate) requests: f64,
    /// The same for each name, including groups and metrics.
    pub(crate) counts: NameCounts,
    /// Mean duration of their waits, in seconds.
    pub(crate) wait_s: f64,
}

impl Program {
    pub(crate) fn append(&mut self, other: Self) {
        self.steps.extend(other.steps);
        self.requests += other.requests;
        self.counts.add(&other.counts, 1.0);
        self.wait_s += other.wait_s;
    }

    pub(crate) fn push(&mut self, step: Step) {
        self.steps.push(step);
    }
}

/// Estimated number of requests, groups or values of each name.
#[derive(Debug, Clone, Default)]
pub(crate) struct NameCounts(BTreeMap<NameId, f64>);

impl NameCounts {
    pub(crate) fn once(name: NameId) -> Self {
        Self(BTreeMap::from([(name, 1.0)]))
    }

    /// Adds the counts of another, multiplied.
    pub(crate) fn add(&mut self, other: &Self, times: f64) {
        for (name, count) in &other.0 {
            *self.0.entry(*name).or_default() += count * times;
        }
    }

    pub(crate) fn larger(mut self, other: &Self) -> Self {
        for (name, count) in &other.0 {
            let own = self.0.entry(*name).or_default();
            *own = own.max(*count);
        }
        self
    }

    /// Adds them to a table with an entry per name.
    pub(crate) fn add_to(&self, table: &mut [f64], times: f64) {
        for (name, count) in &self.0 {
            if let Some(own) = table.get_mut(name.index()) {
                *own += count * times;
            }
        }
    }
}
