//! User classes: kinds of virtual users, with their waits and tasks.

use indexmap::IndexMap;
use toml::Spanned;

use crate::problem::{Problem, suggestion};
use crate::request::{Builder, Request};
use crate::spec::{ClassSpec, RequestSpec};
use crate::wait::Wait;

/// A kind of virtual user.
#[derive(Debug, Clone)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// Its share of the users, relative to the other classes.
    pub weight: f64,
    /// How long its users rest between two tasks.
    pub wait: Wait,
    /// What its users do.
    pub tasks: Vec<Task>,
}

/// What a user does next.
#[derive(Debug, Clone)]
pub struct Task {
    /// How often it is chosen, relative to the other tasks.
    pub weight: f64,
    /// Its requests, one after the other.
    pub requests: Vec<Request>,
}

type Classes = IndexMap<Spanned<String>, Spanned<ClassSpec>>;

/// What the classes mean; what is wrong goes to the builder's problems.
pub(crate) fn resolve(typed: &Classes, builder: &mut Builder) -> Vec<Class> {
    if typed.is_empty() {
        builder.problems.push(
            Problem::new("there are no users")
                .help("add a class: [users.visitor], and its tasks: [[users.visitor.tasks]]"),
        );
    }
    let classes: Vec<Class> = typed
        .iter()
        .filter_map(|(name, class)| resolve_class(name, class, typed, builder))
        .collect();
    let some_weight = classes.iter().any(|class| class.weight > 0.0);
    if let Some((name, _)) = typed
        .first()
        .filter(|_| !classes.is_empty() && !some_weight)
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
    builder: &mut Builder,
) -> Option<Class> {
    let ancestors = ancestors(class.get_ref(), all, builder.problems)?;
    let wait = ancestors.iter().find_map(|class| class.wait.as_ref());
    let wait = match wait.map(|text| (text, Wait::parse(text.get_ref()))) {
        None => Wait::Constant(std::time::Duration::ZERO),
        Some((_, Ok(wait))) => wait,
        Some((text, Err(message))) => {
            report_once(
                builder.problems,
                Problem::new(message).at(text.span(), "here"),
            );
            return None;
        }
    };
    let Some(tasks) = ancestors.iter().find_map(|class| class.tasks.as_ref()) else {
        builder.problems.push(
            Problem::new(format!("user class `{}` has no tasks", name.get_ref()))
                .at(name.span(), "here")
                .help(format!("add one: [[users.{}.tasks]]", name.get_ref())),
        );
        return None;
    };
    let weight = weight(class.get_ref().weight.as_ref(), builder.problems);
    // A class `like` another has the same tasks: what is wrong with them is said once.
    let own = class.get_ref().tasks.is_some();
    let known = builder.problems.len();
    let tasks: Vec<Task> = tasks
        .iter()
        .filter_map(|task| resolve_task(task, builder))
        .collect();
    if own && builder.problems.len() == known && !tasks.iter().any(|task| task.weight > 0.0) {
        builder.problems.push(
            Problem::new("every task has weight 0")
                .at(name.span(), "in this class")
                .help("give a task a weight above 0"),
        );
    }
    if !own {
        builder.problems.truncate(known);
    }
    Some(Class {
        name: name.get_ref().clone(),
        weight,
        wait,
        tasks,
    })
}

/// The class and those that it is like, nearest first.
fn ancestors<'a>(
    class: &'a ClassSpec,
    all: &'a Classes,
    problems: &mut Vec<Problem>,
) -> Option<Vec<&'a ClassSpec>> {
    let mut found = vec![class];
    while let Some(like) = &found[found.len() - 1].like {
        let Some((_, next)) = all
            .iter()
            .find(|(name, _)| name.get_ref() == like.get_ref())
        else {
            let names = all.keys().map(|name| name.get_ref().as_str());
            let problem = Problem::new(format!("no user class is named `{}`", like.get_ref()))
                .at(like.span(), "here")
                .help(suggestion(like.get_ref(), names));
            report_once(problems, problem);
            return None;
        };
        if found.len() > all.len() {
            let problem = Problem::new("user classes are like each other in a circle")
                .at(like.span(), "closes the circle")
                .help("let one of them have tasks of its own");
            problems.push(problem);
            return None;
        }
        found.push(next.get_ref());
    }
    Some(found)
}

fn resolve_task(task: &Spanned<RequestSpec>, builder: &mut Builder) -> Option<Task> {
    let typed = task.get_ref();
    let weight = weight(typed.weight.as_ref(), builder.problems);
    let requests = match &typed.steps {
        None => vec![builder.request(task, false)?],
        Some(steps) if typed.methods().is_empty() && !steps.get_ref().is_empty() => steps
            .get_ref()
            .iter()
            .filter_map(|step| resolve_step(step, builder))
            .collect(),
        Some(steps) => {
            builder.problems.push(
                Problem::new("a task with steps has none, or has a request of its own beside them")
                    .at(steps.span(), "here")
                    .help("give the task either one request or a list of steps"),
            );
            return None;
        }
    };
    Some(Task { weight, requests })
}

fn resolve_step(step: &Spanned<RequestSpec>, builder: &mut Builder) -> Option<Request> {
    let typed = step.get_ref();
    if typed.weight.is_some() || typed.steps.is_some() {
        builder.problems.push(
            Problem::new("a step has a weight or steps")
                .at(step.span(), "in this step")
                .help("only a task has them"),
        );
        return None;
    }
    builder.request(step, false)
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
