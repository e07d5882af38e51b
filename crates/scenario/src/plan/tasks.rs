//! Planned tasks: those that tags select, each a flat list of steps with its share.

use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::model::class::Tags;
use crate::model::class::{Class, Task, TaskBody, TaskOrder};
use crate::model::step::{Choice, Step};
use crate::model::step::{NameCounts, Program};
use crate::model::wait::Wait;

/// Tasks to choose from.
#[derive(Debug, Clone)]
pub struct Tasks {
    programs: Vec<Program>,
    /// Ends of the tasks' shares of the range 0 to 1.
    ends: Vec<f64>,
    order: TaskOrder,
}

impl Tasks {
    /// Tasks of a class that tags select; `None` if none of them has a weight.
    pub(crate) fn of(class: &Class, tags: &Tags) -> Option<Self> {
        let parts = parts(&class.tasks, tags, &[]);
        let parts = match class.order {
            TaskOrder::Sequence => parts,
            TaskOrder::Weight => flat(parts),
        };
        let total: f64 = parts.iter().map(|part| part.weight).sum();
        if parts.is_empty() || total <= 0.0 {
            return None;
        }
        let share = |part: &SelectedTask| match class.order {
            TaskOrder::Weight => part.weight / total,
            TaskOrder::Sequence => 1.0 / parts.len() as f64,
        };
        let mut end = 0.0;
        let ends = parts.iter().map(|part| {
            end += share(part);
            end
        });
        Some(Self {
            ends: ends.collect(),
            programs: parts
                .into_iter()
                .map(|part| part.joined(class.wait))
                .collect(),
            order: class.order,
        })
    }

    /// Index of the next task; `turn` is the number of tasks before it.
    #[inline]
    pub fn next(&self, turn: u64, random: &mut Xoshiro256PlusPlus) -> usize {
        match self.order {
            TaskOrder::Weight => self.draw(random),
            #[expect(clippy::cast_possible_truncation, reason = "below the count of tasks")]
            TaskOrder::Sequence => (turn % self.programs.len() as u64) as usize,
        }
    }

    /// Index of a task, drawn by weight.
    #[inline]
    pub fn draw(&self, random: &mut Xoshiro256PlusPlus) -> usize {
        chosen(&self.ends, random)
    }

    /// The steps of a task.
    #[inline]
    pub fn steps(&self, task: usize) -> &[Step] {
        &self.programs[task].steps
    }

    /// Steps and share (0 to 1) of each task.
    pub fn shares(&self) -> impl Iterator<Item = (&[Step], f64)> {
        let programs = self.programs();
        programs.map(|(program, share)| (program.steps.as_slice(), share))
    }

    fn programs(&self) -> impl Iterator<Item = (&Program, f64)> {
        let begins = std::iter::once(0.0).chain(self.ends.iter().copied());
        let shares = self.ends.iter().zip(begins).map(|(end, begin)| end - begin);
        self.programs.iter().zip(shares)
    }

    /// Estimated mean number of requests of a task.
    pub(crate) fn requests(&self) -> f64 {
        let programs = self.programs();
        programs
            .map(|(program, share)| program.requests * share)
            .sum()
    }

    /// Adds the estimated counts of each name per task, multiplied, to a table with an entry per name.
    pub(crate) fn add_counts(&self, times: f64, table: &mut [f64]) {
        for (program, share) in self.programs() {
            program.counts.add_to(table, times * share);
        }
    }

    /// Mean duration of the waits inside a task, in seconds.
    pub(crate) fn wait_s(&self) -> f64 {
        let programs = self.programs();
        programs
            .map(|(program, share)| program.wait_s * share)
            .sum()
    }

    /// All steps of all tasks.
    pub(crate) fn all_steps(&self) -> impl Iterator<Item = &Step> {
        self.programs.iter().flat_map(|task| &task.steps)
    }
}

/// Draws the index of a share of the range 0 to 1.
#[inline]
pub fn chosen(ends: &[f64], random: &mut Xoshiro256PlusPlus) -> usize {
    let at: f64 = random.random();
    // Rounding may leave the last end a hair under 1.
    ends.iter()
        .position(|end| at < *end)
        .unwrap_or_else(|| last_with_weight(ends))
}

fn last_with_weight(ends: &[f64]) -> usize {
    let last = ends.last().copied().unwrap_or(0.0);
    ends.iter().position(|end| *end >= last).unwrap_or(0)
}

/// A task that tags select.
struct SelectedTask<'a> {
    weight: f64,
    body: SelectedBody<'a>,
}

enum SelectedBody<'a> {
    Steps(&'a Program),
    Tasks(TaskOrder, Vec<SelectedTask<'a>>),
}

fn parts<'a>(tasks: &'a [Task], tags: &Tags, above: &[&'a str]) -> Vec<SelectedTask<'a>> {
    let mut selected = Vec::new();
    for task in tasks {
        let own: Vec<&str> = above
            .iter()
            .copied()
            .chain(task.tags.iter().map(String::as_str))
            .collect();
        let body = match &task.body {
            TaskBody::Steps(program) => tags.select(&own).then_some(SelectedBody::Steps(program)),
            TaskBody::Tasks(order, tasks) => {
                let within = parts(tasks, tags, &own);
                (!within.is_empty()).then_some(SelectedBody::Tasks(*order, within))
            }
        };
        selected.extend(body.map(|body| SelectedTask {
            weight: task.weight,
            body,
        }));
    }
    selected
}

/// Replaces lists by weight with their tasks, whose weights are shares of the weight of the list.
fn flat(parts: Vec<SelectedTask<'_>>) -> Vec<SelectedTask<'_>> {
    let mut flattened = Vec::new();
    for part in parts {
        match part.body {
            SelectedBody::Tasks(TaskOrder::Weight, within) => {
                let total: f64 = within.iter().map(|part| part.weight).sum();
                if total <= 0.0 {
                    continue;
                }
                flattened.extend(flat(within).into_iter().map(|within| SelectedTask {
                    weight: part.weight * within.weight / total,
                    ..within
                }));
            }
            body => flattened.push(SelectedTask {
                weight: part.weight,
                body,
            }),
        }
    }
    flattened
}

impl SelectedTask<'_> {
    /// Joins the task to one list of steps.
    fn joined(self, wait: Wait) -> Program {
        match self.body {
            SelectedBody::Steps(program) => program.clone(),
            SelectedBody::Tasks(TaskOrder::Sequence, parts) => {
                let mut joined = Program::default();
                for (at, part) in parts.into_iter().enumerate() {
                    if at > 0 && !matches!(wait, Wait::Pace(_)) && !wait.mean().is_zero() {
                        joined.append(Program {
                            steps: vec![Step::Wait(wait)],
                            wait_s: wait.mean().as_secs_f64(),
                            ..Program::default()
                        });
                    }
                    joined.append(part.joined(wait));
                }
                joined
            }
            SelectedBody::Tasks(TaskOrder::Weight, parts) => choice(flat(parts), wait),
        }
    }
}

/// A choice by weight within a list of steps.
fn choice(parts: Vec<SelectedTask>, wait: Wait) -> Program {
    let total: f64 = parts.iter().map(|part| part.weight).sum();
    let (mut end, mut ends, mut programs) = (0.0, Vec::new(), Vec::new());
    let (mut requests, mut wait_s) = (0.0, 0.0);
    let mut counts = NameCounts::default();
    for part in parts {
        let share = if total > 0.0 {
            part.weight / total
        } else {
            0.0
        };
        end += share;
        ends.push(end);
        let program = part.joined(wait);
        requests += program.requests * share;
        counts.add(&program.counts, share);
        wait_s += program.wait_s * share;
        programs.push(program.steps);
    }
    // Each part ends with a jump over the parts after it.
    let mut skips = Vec::new();
    let mut all: Vec<Step> = Vec::new();
    let lengths: Vec<usize> = programs.iter().map(|steps| steps.len() + 1).collect();
    for (at, steps) in programs.into_iter().enumerate() {
        skips.push(all.len());
        all.extend(steps);
        all.push(Step::Skip(lengths[at + 1..].iter().sum()));
    }
    let choose = Step::Choose(Choice {
        ends: ends.into(),
        skips: skips.into(),
    });
    all.insert(0, choose);
    Program {
        steps: all,
        requests,
        counts,
        wait_s,
    }
}
