//! Steps: what a user does one after the other. Conditions and loops are jumps in one flat list, so that a
//! user is where it is in the list, and no more.

use std::collections::BTreeMap;

use brunt_record::NameId;

use crate::expr::context::VariableId;
use crate::expr::expression::Expression;
use crate::model::request::Request;
use crate::model::wait::Wait;
use crate::value::Value;

/// A step. Jumps count from the step behind.
#[derive(Debug, Clone)]
pub enum Step {
    /// Makes a request.
    Request(Box<Request>),
    /// Rests.
    Wait(Wait),
    /// Sets a variable.
    Set(VariableId, Expression),
    /// Goes on if a condition holds, and passes over so many steps otherwise.
    Unless(Expression, usize),
    /// Passes over so many steps.
    Skip(usize),
    /// Goes back by so many steps, this one included.
    Back(usize),
    /// Begins to count down from a number.
    Count(VariableId, Expression),
    /// Counts down by one; passes over so many steps where there is none left.
    Next(VariableId, usize),
    /// Takes the next item of a list; passes over so many steps where there is none.
    ForEach(ForEach),
    /// Goes on with one of some parts: it begins so many steps behind.
    Choose(Choice),
    /// Begins a group of steps that is timed as one.
    Begin,
    /// Ends the group that was begun last.
    End(NameId),
    /// Records a value of a metric.
    Measure(NameId, Expression),
    /// Forgets the user's cookies.
    ClearCookies,
    /// The user stops for good.
    StopUser,
    /// The test is stopped.
    StopTest,
}

impl Step {
    /// The name that it records under.
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
    /// Where the list is kept.
    pub list: VariableId,
    /// Where it is kept how many were taken.
    pub taken: VariableId,
    /// The variable that the item becomes.
    pub item: VariableId,
    /// How many steps to pass over where there is none.
    pub skip: usize,
}

impl ForEach {
    /// Takes the next item; `None` where there is none left.
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

/// One of some parts, by weight.
#[derive(Debug, Clone)]
pub struct Choice {
    /// Ends of the parts' shares of the range 0 to 1.
    pub ends: Box<[f64]>,
    /// Where each part begins, in steps behind.
    pub skips: Box<[usize]>,
}

/// The names of the requests that steps make, each once, in their order.
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

/// Steps with what is known of them beforehand.
#[derive(Debug, Clone, Default)]
pub(crate) struct Program {
    pub(crate) steps: Vec<Step>,
    /// Requests, as far as that is known: the larger branch of a condition, a loop that is not counted once.
    pub(crate) requests: f64,
    /// The same of each name, groups and metrics among them.
    pub(crate) counts: NameCounts,
    /// How long they rest in the mean, in seconds.
    pub(crate) rests_s: f64,
}

impl Program {
    pub(crate) fn append(&mut self, other: Self) {
        self.steps.extend(other.steps);
        self.requests += other.requests;
        self.counts.add(&other.counts, 1.0);
        self.rests_s += other.rests_s;
    }

    pub(crate) fn push(&mut self, step: Step) {
        self.steps.push(step);
    }
}

/// How often something of each name is made.
#[derive(Debug, Clone, Default)]
pub(crate) struct NameCounts(BTreeMap<NameId, f64>);

impl NameCounts {
    pub(crate) fn once(name: NameId) -> Self {
        Self(BTreeMap::from([(name, 1.0)]))
    }

    /// Adds those of something that is done so often.
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

    /// Adds them to a table by the names' places.
    pub(crate) fn add_to(&self, table: &mut [f64], times: f64) {
        for (name, count) in &self.0 {
            if let Some(own) = table.get_mut(name.index()) {
                *own += count * times;
            }
        }
    }
}
