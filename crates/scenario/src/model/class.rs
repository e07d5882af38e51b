//! User classes: kinds of virtual users, with their waits and tasks.

use url::Url;

use crate::model::step::{Program, Step};
use crate::model::wait::Wait;

/// A kind of virtual user.
#[derive(Debug, Clone)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// Its share of the users, relative to the other classes.
    pub weight: f64,
    /// So many users are of it, whatever the level; `None`: as its weight says.
    pub fixed_count: Option<u32>,
    /// A host of its own, to which its requests go.
    pub host: Option<Url>,
    /// How long its users rest between two tasks.
    pub wait: Wait,
    /// What a user does once, before its tasks.
    pub on_start: Vec<Step>,
    /// What a user does once, after its tasks.
    pub on_stop: Vec<Step>,
    /// In which order tasks come.
    pub order: TaskOrder,
    /// What its users do.
    pub tasks: Vec<Task>,
}

/// In which order tasks come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskOrder {
    /// Chosen by weight.
    Weight,
    /// One after the other.
    Sequence,
}

/// What a user does next.
#[derive(Debug, Clone)]
pub struct Task {
    /// How often it is chosen, relative to the other tasks.
    pub weight: f64,
    /// What it is known by.
    pub tags: Vec<String>,
    /// What is done.
    pub(crate) body: TaskBody,
}

impl Task {
    /// What is done; nothing of a task that is a list of tasks.
    pub fn steps(&self) -> &[Step] {
        match &self.body {
            TaskBody::Steps(program) => &program.steps,
            TaskBody::Tasks(..) => &[],
        }
    }
}

/// What a task is.
#[derive(Debug, Clone)]
pub(crate) enum TaskBody {
    Steps(Program),
    Tasks(TaskOrder, Vec<Task>),
}

impl Class {
    /// Its tasks that are never played, since their lists are by weight and they have none.
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

/// Which tasks are played.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags {
    /// Only those with one of these; empty: all.
    pub only: Vec<String>,
    /// None with one of these.
    pub without: Vec<String>,
}

impl Tags {
    pub(crate) fn leave(&self, tags: &[&str]) -> bool {
        let has = |wanted: &String| tags.contains(&wanted.as_str());
        (self.only.is_empty() || self.only.iter().any(has)) && !self.without.iter().any(has)
    }
}
