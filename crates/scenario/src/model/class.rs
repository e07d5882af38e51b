//! User classes: kinds of virtual users, with their waits and tasks.

use crate::model::host::HostUrl;
use crate::model::step::{Program, Step};
use crate::model::wait::Wait;

/// A kind of virtual user.
#[derive(Debug, Clone)]
pub struct Class {
    /// Name.
    pub name: String,
    /// Share of the users, relative to the other classes.
    pub weight: f64,
    /// Number of its users, regardless of the level; `None`: according to its weight.
    pub fixed_count: Option<u32>,
    /// Host of its requests, if it differs from the scenario's.
    pub host: Option<HostUrl>,
    /// Think time of its users between two tasks.
    pub wait: Wait,
    /// Steps that a user runs once, before its tasks.
    pub on_start: Vec<Step>,
    /// Steps that a user runs once, after its tasks.
    pub on_stop: Vec<Step>,
    /// Order of its tasks.
    pub order: TaskOrder,
    /// Tasks of its users.
    pub tasks: Vec<Task>,
}

/// Order of tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskOrder {
    /// Chosen by weight.
    Weight,
    /// One after another.
    Sequence,
}

/// A task of a user.
#[derive(Debug, Clone)]
pub struct Task {
    /// Probability of being chosen, relative to the other tasks.
    pub weight: f64,
    /// Tags.
    pub tags: Vec<String>,
    /// Steps, or a list of tasks.
    pub(crate) body: TaskBody,
}

impl Task {
    /// Steps of the task; empty for a list of tasks.
    pub fn steps(&self) -> &[Step] {
        match &self.body {
            TaskBody::Steps(program) => &program.steps,
            TaskBody::Tasks(..) => &[],
        }
    }
}

/// Content of a task.
#[derive(Debug, Clone)]
pub(crate) enum TaskBody {
    Steps(Program),
    Tasks(TaskOrder, Vec<Task>),
}

impl Class {
    /// Tasks that never run, since their lists are chosen by weight and their weight is 0.
    pub(crate) fn never_chosen(&self) -> Vec<&Task> {
        let mut found = Vec::new();
        let mut lists = vec![(self.order, &self.tasks)];
        while let Some((order, tasks)) = lists.pop() {
            for task in tasks {
                if order == TaskOrder::Weight && task.weight <= 0.0 {
                    found.push(task);
                } else if let TaskBody::Tasks(order, tasks) = &task.body {
                    lists.push((*order, tasks));
                }
            }
        }
        found
    }
}

/// Selection of tasks by their tags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags {
    /// Selects only tasks with one of these; empty: all.
    pub only: Vec<String>,
    /// Excludes tasks with one of these.
    pub without: Vec<String>,
}

impl Tags {
    pub(crate) fn select(&self, tags: &[&str]) -> bool {
        let has = |wanted: &String| tags.contains(&wanted.as_str());
        (self.only.is_empty() || self.only.iter().any(has)) && !self.without.iter().any(has)
    }
}
