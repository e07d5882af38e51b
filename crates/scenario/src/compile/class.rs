//! Compiles user classes.

use indexmap::IndexMap;

use crate::compile::compiler::Compiler;
use crate::compile::compiler::report_once;
use crate::compile::keys;
use crate::compile::names::When;
use crate::compile::steps::{compile_step, compile_steps, find_unreachable};
use crate::model::class::{Class, Task, TaskBody, TaskOrder};
use crate::model::host::{Host, HostUrl};
use crate::model::wait::Wait;
use crate::source::diagnostic::{Diagnostic, suggestion};
use crate::spec::{ClassSpec, Spanned, StepSpec};

type Classes = IndexMap<Spanned<String>, Spanned<ClassSpec>>;

/// Compiles the classes. Errors go to the compiler's diagnostics, and hosts of classes to `hosts`.
pub(crate) fn resolve(
    typed: &Classes,
    hosts: &mut Vec<HostUrl>,
    compiler: &mut Compiler,
) -> Vec<Class> {
    if typed.is_empty() {
        compiler
            .diagnostics
            .push(Diagnostic::new("the scenario has no user class").help(
                "add one, like [users.visitor], and its tasks, like [[users.visitor.tasks]]",
            ));
    }
    let mut classes = Vec::new();
    for (name, class) in typed {
        classes.extend(resolve_class(name, class, typed, hosts, compiler));
    }
    let has_users = |class: &Class| class.weight > 0.0 || class.fixed_count.is_some_and(|n| n > 0);
    if let Some((name, _)) = typed
        .first()
        .filter(|_| !classes.is_empty() && !classes.iter().any(has_users))
    {
        compiler.diagnostics.push(
            Diagnostic::new("every user class has weight 0")
                .at(name.span(), "this is the first")
                .help("give a class a weight above 0"),
        );
    }
    classes
}

fn resolve_class(
    name: &Spanned<String>,
    class: &Spanned<ClassSpec>,
    all: &Classes,
    hosts: &mut Vec<HostUrl>,
    compiler: &mut Compiler,
) -> Option<Class> {
    let ancestors = ancestors(class.get_ref(), all, compiler.diagnostics)?;
    let wait = wait(&ancestors, compiler.diagnostics)?;
    let Some(tasks) = ancestors.iter().find_map(|class| class.tasks.as_ref()) else {
        compiler.diagnostics.push(
            Diagnostic::new(format!("user class `{}` has no tasks", name.get_ref()))
                .at(name.span(), "here")
                .help(format!("add one: [[users.{}.tasks]]", name.get_ref())),
        );
        return None;
    };
    let (weight, fixed_count) = share(class.get_ref(), compiler.diagnostics);
    let order = order_of(
        ancestors.iter().find_map(|class| class.order.as_ref()),
        compiler.diagnostics,
    );
    compiler.host = host_of(&ancestors, hosts, compiler.diagnostics);
    let host = compiler.host.checked_sub(1).map(|at| hosts[at].clone());
    let on_start = ancestors.iter().find_map(|class| class.on_start.as_ref());
    let on_start = compile_steps(compiler, on_start.map_or(&[], Vec::as_slice), When::OnStart);
    let known = compiler.diagnostics.len();
    if order == TaskOrder::Sequence {
        find_unreachable(tasks, compiler.diagnostics);
    }
    let mut tasks: Vec<Task> = tasks
        .iter()
        .filter_map(|task| resolve_task(task, compiler))
        .collect();
    let own_tags = ancestors.iter().find_map(|class| class.tags.as_ref());
    for task in &mut tasks {
        task.tags.extend(names(own_tags));
    }
    if compiler.diagnostics.len() == known && !tasks.iter().any(|task| task.weight > 0.0) {
        report_once(
            compiler.diagnostics,
            Diagnostic::new("every task has weight 0")
                .at(
                    place_of_tasks(&ancestors).unwrap_or_else(|| name.span()),
                    "in this class",
                )
                .help("give a task a weight above 0"),
        );
    }
    let on_stop = ancestors.iter().find_map(|class| class.on_stop.as_ref());
    let on_stop = compile_steps(compiler, on_stop.map_or(&[], Vec::as_slice), When::SetUp);
    compiler.host = 0;
    compiler.end_class();
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

fn place_of_tasks(ancestors: &[&ClassSpec]) -> Option<std::ops::Range<usize>> {
    let tasks = ancestors.iter().find_map(|class| class.tasks.as_ref())?;
    tasks.first().map(Spanned::span)
}

fn wait(ancestors: &[&ClassSpec], diagnostics: &mut Vec<Diagnostic>) -> Option<Wait> {
    let wait = ancestors.iter().find_map(|class| class.wait.as_ref());
    match wait.map(|text| (text, Wait::parse(text.get_ref()))) {
        None => Some(Wait::Constant(std::time::Duration::ZERO)),
        Some((_, Ok(wait))) => Some(wait),
        Some((text, Err(message))) => {
            report_once(
                diagnostics,
                Diagnostic::new(message).at(text.span(), "here"),
            );
            None
        }
    }
}

fn share(class: &ClassSpec, diagnostics: &mut Vec<Diagnostic>) -> (f64, Option<u32>) {
    let fixed_count = class.fixed_count.as_ref().map(|count| *count.get_ref());
    if let (Some(weight), Some(_)) = (&class.weight, fixed_count) {
        diagnostics.push(
            Diagnostic::new("a class has both `weight` and `fixed_count`")
                .at(weight.span(), "this weight has no effect")
                .help("remove one of them"),
        );
    }
    let weight = match fixed_count {
        Some(_) => 0.0,
        None => keys::weight(class.weight.as_ref(), diagnostics),
    };
    (weight, fixed_count)
}

/// Number of the host of a class: 0 unless it has one of its own.
fn host_of(
    ancestors: &[&ClassSpec],
    hosts: &mut Vec<HostUrl>,
    diagnostics: &mut Vec<Diagnostic>,
) -> usize {
    let Some(typed) = ancestors.iter().find_map(|class| class.host.as_ref()) else {
        return 0;
    };
    let url = match Host::parse(typed.get_ref()) {
        Ok(Host::Url(url)) => url,
        Ok(Host::Embedded) => {
            report_once(
                diagnostics,
                Diagnostic::new("a class cannot have the embedded agent as its own host")
                    .at(typed.span(), "here")
                    .help("write `host = \"embedded\"` at the top, or a URL here"),
            );
            return 0;
        }
        Err(message) => {
            report_once(
                diagnostics,
                Diagnostic::new(message).at(typed.span(), "here"),
            );
            return 0;
        }
    };
    let known = hosts.iter().position(|known| *known == url);
    1 + known.unwrap_or_else(|| {
        hosts.push(url);
        hosts.len() - 1
    })
}

fn order_of(typed: Option<&Spanned<String>>, diagnostics: &mut Vec<Diagnostic>) -> TaskOrder {
    let Some(typed) = typed else {
        return TaskOrder::Weight;
    };
    match typed.get_ref().as_str() {
        "weight" => TaskOrder::Weight,
        "sequence" => TaskOrder::Sequence,
        other => {
            let diagnostic = Diagnostic::new(format!("unknown order `{other}`"))
                .at(typed.span(), "here")
                .help("write \"weight\" or \"sequence\"");
            report_once(diagnostics, diagnostic);
            TaskOrder::Weight
        }
    }
}

/// The class and those that it extends, the nearest first.
fn ancestors<'a>(
    class: &'a ClassSpec,
    all: &'a Classes,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Vec<&'a ClassSpec>> {
    let mut found = vec![class];
    while let Some(parent) = &found[found.len() - 1].extends {
        let Some((_, next)) = all
            .iter()
            .find(|(name, _)| name.get_ref() == parent.get_ref())
        else {
            let names = all.keys().map(|name| name.get_ref().as_str());
            let diagnostic = Diagnostic::new(format!("unknown user class `{}`", parent.get_ref()))
                .at(parent.span(), "here")
                .help(suggestion(parent.get_ref(), names));
            report_once(diagnostics, diagnostic);
            return None;
        };
        if found.len() > all.len() {
            let diagnostic = Diagnostic::new("user classes extend each other in a cycle")
                .at(parent.span(), "closes the cycle")
                .help("give one of them tasks of its own instead of `extends`");
            diagnostics.push(diagnostic);
            return None;
        }
        found.push(next.get_ref());
    }
    Some(found)
}

#[expect(clippy::single_match_else, reason = "both arms have the same weight")]
fn resolve_task(task: &Spanned<StepSpec>, compiler: &mut Compiler) -> Option<Task> {
    let typed = task.get_ref();
    let weight = keys::weight(typed.weight.as_ref(), compiler.diagnostics);
    let tags = names(typed.tags.as_ref()).collect();
    let known = compiler.diagnostics.len();
    let body = match &typed.tasks {
        Some(tasks) => {
            if typed.kinds() != ["tasks"] || typed.steps.is_some() || tasks.get_ref().is_empty() {
                compiler.diagnostics.push(
                    Diagnostic::new("`tasks` is empty, or its task has other steps, too")
                        .at(tasks.span(), "here")
                        .help("a task has one step, a list of steps, or a list of tasks"),
                );
                return None;
            }
            let order = order_of(typed.order.as_ref(), compiler.diagnostics);
            if order == TaskOrder::Sequence {
                find_unreachable(tasks.get_ref(), compiler.diagnostics);
            }
            let tasks: Vec<Task> = tasks
                .get_ref()
                .iter()
                .filter_map(|task| resolve_task(task, compiler))
                .collect();
            TaskBody::Tasks(order, tasks)
        }
        None => {
            if let Some(order) = &typed.order {
                compiler.diagnostics.push(
                    Diagnostic::new("`order` without `tasks`")
                        .at(order.span(), "here")
                        .help("remove it: steps always run one after another"),
                );
            }
            let is_request_with_steps = typed.steps.is_some() && !typed.methods().is_empty();
            if let Some(steps) = typed.steps.as_ref().filter(|_| is_request_with_steps) {
                compiler.diagnostics.push(
                    Diagnostic::new("a task has both a request and `steps`")
                        .at(steps.span(), "here")
                        .help("write the request as one of the steps"),
                );
                return None;
            }
            TaskBody::Steps(compile_step(compiler, task, When::InTasks))
        }
    };
    if let TaskBody::Tasks(TaskOrder::Weight, tasks) = &body
        && compiler.diagnostics.len() == known
        && !tasks.iter().any(|task| task.weight > 0.0)
    {
        compiler.diagnostics.push(
            Diagnostic::new("every task has weight 0")
                .at(task.span(), "in this list of tasks")
                .help("give a task a weight above 0"),
        );
    }
    Some(Task { weight, tags, body })
}

fn names(typed: Option<&Vec<Spanned<String>>>) -> impl Iterator<Item = String> {
    typed
        .into_iter()
        .flatten()
        .map(|name| name.get_ref().clone())
}
