//! User classes: kinds of virtual users, with their waits and tasks.

use indexmap::IndexMap;
use toml::Spanned;
use url::Url;

use crate::builder::Builder;
use crate::names::When;
use crate::problem::{Problem, suggestion};
use crate::reachable::find_unreachable;
use crate::scenario::Host;
use crate::spec::{ClassSpec, StepSpec};
use crate::step::Step;
use crate::steps::Program;
use crate::wait::Wait;

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
    pub(crate) does: Does,
}

impl Task {
    /// What is done; nothing of a task that is a list of tasks.
    pub fn steps(&self) -> &[Step] {
        match &self.does {
            Does::Steps(program) => &program.steps,
            Does::Tasks(..) => &[],
        }
    }
}

/// What a task is.
#[derive(Debug, Clone)]
pub(crate) enum Does {
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
                } else if let Does::Tasks(order, tasks) = &task.does {
                    lists.push((*order, tasks));
                }
            }
        }
        found
    }
}

type Classes = IndexMap<Spanned<String>, Spanned<ClassSpec>>;

/// What the classes mean; what is wrong goes to the builder's problems. Hosts of their own go to `hosts`.
pub(crate) fn resolve(typed: &Classes, hosts: &mut Vec<Url>, builder: &mut Builder) -> Vec<Class> {
    if typed.is_empty() {
        builder.problems.push(
            Problem::new("there are no users")
                .help("add a class: [users.visitor], and its tasks: [[users.visitor.tasks]]"),
        );
    }
    let mut classes = Vec::new();
    for (name, class) in typed {
        classes.extend(resolve_class(name, class, typed, hosts, builder));
    }
    let has_users = |class: &Class| class.weight > 0.0 || class.fixed_count.is_some_and(|n| n > 0);
    if let Some((name, _)) = typed
        .first()
        .filter(|_| !classes.is_empty() && !classes.iter().any(has_users))
    {
        builder.problems.push(
            Problem::new("every user class has weight 0")
                .at(name.span(), "this one too")
                .help("give a class a weight above 0"),
        );
    }
    classes
}

fn resolve_class(
    name: &Spanned<String>,
    class: &Spanned<ClassSpec>,
    all: &Classes,
    hosts: &mut Vec<Url>,
    builder: &mut Builder,
) -> Option<Class> {
    let ancestors = ancestors(class.get_ref(), all, builder.problems)?;
    let wait = wait(&ancestors, builder.problems)?;
    let Some(tasks) = ancestors.iter().find_map(|class| class.tasks.as_ref()) else {
        builder.problems.push(
            Problem::new(format!("user class `{}` has no tasks", name.get_ref()))
                .at(name.span(), "here")
                .help(format!("add one: [[users.{}.tasks]]", name.get_ref())),
        );
        return None;
    };
    let (weight, fixed_count) = share(class.get_ref(), builder.problems);
    let order = order_of(
        ancestors.iter().find_map(|class| class.order.as_ref()),
        builder.problems,
    );
    builder.host = host_of(&ancestors, hosts, builder.problems);
    let host = builder.host.checked_sub(1).map(|at| hosts[at].clone());
    let on_start = ancestors.iter().find_map(|class| class.on_start.as_ref());
    let on_start = builder.program(on_start.map_or(&[], Vec::as_slice), When::OnStart);
    let known = builder.problems.len();
    if order == TaskOrder::Sequence {
        find_unreachable(tasks, builder.problems);
    }
    let mut tasks: Vec<Task> = tasks
        .iter()
        .filter_map(|task| resolve_task(task, builder))
        .collect();
    let own_tags = ancestors.iter().find_map(|class| class.tags.as_ref());
    for task in &mut tasks {
        task.tags.extend(names(own_tags));
    }
    if builder.problems.len() == known && !tasks.iter().any(|task| task.weight > 0.0) {
        report_once(
            builder.problems,
            Problem::new("every task has weight 0")
                .at(
                    place_of_tasks(&ancestors).unwrap_or_else(|| name.span()),
                    "in this class",
                )
                .help("give a task a weight above 0"),
        );
    }
    let on_stop = ancestors.iter().find_map(|class| class.on_stop.as_ref());
    let on_stop = builder.program(on_stop.map_or(&[], Vec::as_slice), When::SetUp);
    builder.host = 0;
    builder.end_class();
    Some(Class {
        name: name.get_ref().clone(),
        host,
        weight,
        fixed_count,
        wait,
        on_start: on_start.steps,
        on_stop: on_stop.steps,
        order,
        tasks,
    })
}

impl Builder<'_> {
    /// Ends what is read of a class. A class that `extends` another has the same tasks: what is wrong with them is
    /// said once.
    pub(crate) fn end_class(&mut self) {
        let others: Vec<&str> = self.naming.data.names().collect();
        self.naming.variables.end_class(&others, self.problems);
        let mut said: Vec<Problem> = Vec::with_capacity(self.problems.len());
        for problem in self.problems.drain(..) {
            report_once(&mut said, problem);
        }
        *self.problems = said;
    }
}

fn place_of_tasks(ancestors: &[&ClassSpec]) -> Option<std::ops::Range<usize>> {
    let tasks = ancestors.iter().find_map(|class| class.tasks.as_ref())?;
    tasks.first().map(Spanned::span)
}

fn wait(ancestors: &[&ClassSpec], problems: &mut Vec<Problem>) -> Option<Wait> {
    let wait = ancestors.iter().find_map(|class| class.wait.as_ref());
    match wait.map(|text| (text, Wait::parse(text.get_ref()))) {
        None => Some(Wait::Constant(std::time::Duration::ZERO)),
        Some((_, Ok(wait))) => Some(wait),
        Some((text, Err(message))) => {
            report_once(problems, Problem::new(message).at(text.span(), "here"));
            None
        }
    }
}

fn share(class: &ClassSpec, problems: &mut Vec<Problem>) -> (f64, Option<u32>) {
    let fixed_count = class.fixed_count.as_ref().map(|count| *count.get_ref());
    if let (Some(weight), Some(_)) = (&class.weight, fixed_count) {
        problems.push(
            Problem::new("a class has a weight and a fixed count")
                .at(weight.span(), "this weight has no effect")
                .help("leave one of them out"),
        );
    }
    let weight = match fixed_count {
        Some(_) => 0.0,
        None => weight(class.weight.as_ref(), problems),
    };
    (weight, fixed_count)
}

/// The number of the host of a class: 0, unless it has one of its own.
fn host_of(ancestors: &[&ClassSpec], hosts: &mut Vec<Url>, problems: &mut Vec<Problem>) -> usize {
    let Some(typed) = ancestors.iter().find_map(|class| class.host.as_ref()) else {
        return 0;
    };
    let url = match Host::parse(typed.get_ref()) {
        Ok(Host::Url(url)) => url,
        Ok(Host::Embedded) => {
            report_once(
                problems,
                Problem::new("a class cannot have the embedded agent for itself")
                    .at(typed.span(), "here")
                    .help("write `host = \"embedded\"` at the top, or a URL here"),
            );
            return 0;
        }
        Err(message) => {
            report_once(problems, Problem::new(message).at(typed.span(), "here"));
            return 0;
        }
    };
    let known = hosts.iter().position(|known| *known == url);
    1 + known.unwrap_or_else(|| {
        hosts.push(url);
        hosts.len() - 1
    })
}

fn order_of(typed: Option<&Spanned<String>>, problems: &mut Vec<Problem>) -> TaskOrder {
    let Some(typed) = typed else {
        return TaskOrder::Weight;
    };
    match typed.get_ref().as_str() {
        "weight" => TaskOrder::Weight,
        "sequence" => TaskOrder::Sequence,
        other => {
            let problem = Problem::new(format!("`{other}` is no order of tasks"))
                .at(typed.span(), "here")
                .help("write \"weight\" or \"sequence\"");
            report_once(problems, problem);
            TaskOrder::Weight
        }
    }
}

/// The class and those that it extends, nearest first.
fn ancestors<'a>(
    class: &'a ClassSpec,
    all: &'a Classes,
    problems: &mut Vec<Problem>,
) -> Option<Vec<&'a ClassSpec>> {
    let mut found = vec![class];
    while let Some(parent) = &found[found.len() - 1].extends {
        let Some((_, next)) = all
            .iter()
            .find(|(name, _)| name.get_ref() == parent.get_ref())
        else {
            let names = all.keys().map(|name| name.get_ref().as_str());
            let problem = Problem::new(format!("no user class is named `{}`", parent.get_ref()))
                .at(parent.span(), "here")
                .help(suggestion(parent.get_ref(), names));
            report_once(problems, problem);
            return None;
        };
        if found.len() > all.len() {
            let problem = Problem::new("user classes extend each other in a circle")
                .at(parent.span(), "closes the circle")
                .help("let one of them have tasks of its own");
            problems.push(problem);
            return None;
        }
        found.push(next.get_ref());
    }
    Some(found)
}

#[expect(clippy::single_match_else, reason = "both ways are of one weight")]
fn resolve_task(task: &Spanned<StepSpec>, builder: &mut Builder) -> Option<Task> {
    let typed = task.get_ref();
    let weight = weight(typed.weight.as_ref(), builder.problems);
    let tags = names(typed.tags.as_ref()).collect();
    let known = builder.problems.len();
    let does = match &typed.tasks {
        Some(tasks) => {
            if typed.kinds() != ["tasks"] || typed.steps.is_some() || tasks.get_ref().is_empty() {
                builder.problems.push(
                    Problem::new("a task with tasks has none, or has something else beside them")
                        .at(tasks.span(), "here")
                        .help("give the task either one step, a list of steps, or a list of tasks"),
                );
                return None;
            }
            let order = order_of(typed.order.as_ref(), builder.problems);
            if order == TaskOrder::Sequence {
                find_unreachable(tasks.get_ref(), builder.problems);
            }
            let tasks: Vec<Task> = tasks
                .get_ref()
                .iter()
                .filter_map(|task| resolve_task(task, builder))
                .collect();
            Does::Tasks(order, tasks)
        }
        None => {
            if let Some(order) = &typed.order {
                builder.problems.push(
                    Problem::new("an order is of a list of tasks")
                        .at(order.span(), "here")
                        .help("steps are played one after the other as they stand"),
                );
            }
            let is_request_with_steps = typed.steps.is_some() && !typed.methods().is_empty();
            if let Some(steps) = typed.steps.as_ref().filter(|_| is_request_with_steps) {
                builder.problems.push(
                    Problem::new("a task with steps has a request of its own beside them")
                        .at(steps.span(), "here")
                        .help("give the task either one request or a list of steps"),
                );
                return None;
            }
            Does::Steps(builder.step(task, When::InTasks))
        }
    };
    if let Does::Tasks(TaskOrder::Weight, tasks) = &does
        && builder.problems.len() == known
        && !tasks.iter().any(|task| task.weight > 0.0)
    {
        builder.problems.push(
            Problem::new("every task has weight 0")
                .at(task.span(), "in this list of tasks")
                .help("give a task a weight above 0"),
        );
    }
    Some(Task { weight, tags, does })
}

fn names(typed: Option<&Vec<Spanned<String>>>) -> impl Iterator<Item = String> {
    typed
        .into_iter()
        .flatten()
        .map(|name| name.get_ref().clone())
}

fn weight(typed: Option<&Spanned<f64>>, problems: &mut Vec<Problem>) -> f64 {
    let Some(weight) = typed else { return 1.0 };
    if !(weight.get_ref().is_finite() && *weight.get_ref() >= 0.0) {
        let problem = Problem::new(format!("{} is no weight", weight.get_ref()))
            .at(weight.span(), "here")
            .help("write a number of 0 or more");
        report_once(problems, problem);
    }
    *weight.get_ref()
}

fn report_once(problems: &mut Vec<Problem>, problem: Problem) {
    if !problems.contains(&problem) {
        problems.push(problem);
    }
}
