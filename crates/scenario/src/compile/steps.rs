//! Compiles steps into a flat list.

use crate::compile::compiler::Compiler;
use crate::compile::keys;
use crate::compile::names::When;
use crate::compile::request::compile_request;
use crate::expr::context::VariableId;
use crate::expr::expression::{Compiled, Expression};
use crate::expr::parser::calls_encoder;
use crate::model::step::NameCounts;
use crate::model::step::Program;
use crate::model::step::{Choice, ForEach, Step};
use crate::model::wait::Wait;
use crate::source::diagnostic::{Diagnostic, suggestion};
use crate::spec::{Json, Spanned, StepSpec};
use crate::value::Value;

/// Rounds of a `while` unless the scenario sets `at_most`.
const ROUNDS_MAX: i64 = 1_000;

type Typed = [Spanned<StepSpec>];

/// Compiles steps; `when` determines how their requests count.
pub(crate) fn compile_steps(compiler: &mut Compiler, typed: &Typed, when: When) -> Program {
    find_unreachable(typed, compiler.diagnostics);
    let mut program = Program::default();
    for step in typed {
        if let Some(place) = key_of_tasks(step.get_ref()) {
            compiler.diagnostics.push(
                Diagnostic::new("a step cannot have weight, tags, tasks or order")
                    .at(place, "in this step")
                    .help("only tasks have them"),
            );
            continue;
        }
        program.append(compile_step(compiler, step, when));
    }
    program
}

/// Compiles a step, or the part of a task that is one.
pub(crate) fn compile_step(
    compiler: &mut Compiler,
    step: &Spanned<StepSpec>,
    when: When,
) -> Program {
    let typed = step.get_ref();
    let mut program = Program::default();
    let kinds = typed.kinds();
    if let [kind] = kinds[..]
        && !has_fitting_keys(compiler, step, kind)
    {
        return program;
    }
    match kinds[..] {
        ["request"] | [] => {
            if let Some(request) = compile_request(compiler, step, when) {
                program.requests = 1.0;
                program.counts = NameCounts::once(request.name);
                program.push(Step::Request(Box::new(request)));
            }
        }
        ["steps"] => program = compile_inner_steps(compiler, typed, step, when),
        ["wait"] => compile_wait(compiler, typed, &mut program),
        ["set"] => compile_set(compiler, typed, &mut program),
        ["if"] => program = compile_if(compiler, typed, step, when),
        ["repeat"] => program = compile_repeat(compiler, typed, step, when),
        ["while"] => program = compile_while(compiler, typed, step, when),
        ["for_each"] => program = compile_for_each(compiler, typed, step, when),
        ["group"] => {
            if let Some(name) = &typed.group {
                program.push(Step::Begin);
                program.append(compile_inner_steps(compiler, typed, step, when));
                let name = compiler.resolver.secrets.values.mask(name.get_ref());
                let name = compiler.names.intern_group(&name, when);
                program.counts.add(&NameCounts::once(name), 1.0);
                program.push(Step::End(name));
            }
        }
        ["measure"] => {
            for (name, value) in typed.measure.iter().flatten() {
                let value = compiler.expression(value);
                let name = compiler.resolver.secrets.values.mask(name.get_ref());
                let name = compiler.names.intern_metric(&name);
                program.counts.add(&NameCounts::once(name), 1.0);
                program.push(Step::Measure(name, value));
            }
        }
        ["choose"] => program = compile_choose(compiler, typed, when),
        ["check_out"] => program = compile_check_out(compiler, typed, step, when),
        ["stop_user"] => program.push(Step::StopUser),
        ["stop_test"] => program.push(Step::StopTest),
        ["clear_cookies"] => program.push(Step::ClearCookies),
        _ => compiler.diagnostics.push(
            Diagnostic::new(format!("a step has several kinds: {}", kinds.join(", ")))
                .at(step.span(), "this step")
                .help("write a step for each"),
        ),
    }
    program
}

/// Whether a step has only keys of its kind.
fn has_fitting_keys(compiler: &mut Compiler, step: &Spanned<StepSpec>, kind: &str) -> bool {
    let typed = step.get_ref();
    let takes_steps = [
        "if",
        "repeat",
        "while",
        "for_each",
        "group",
        "check_out",
        "steps",
    ]
    .contains(&kind);
    let mut strange = Vec::new();
    if kind != "request" {
        strange.extend(typed.keys_of_requests());
    }
    if !takes_steps && typed.steps.is_some() {
        strange.push("steps");
    }
    let others = [
        ("else", typed.otherwise.is_some(), "if"),
        ("at_most", typed.at_most.is_some(), "while"),
        ("in", typed.list.is_some(), "for_each"),
    ];
    let others = others
        .iter()
        .filter(|(_, given, owner)| *given && *owner != kind);
    strange.extend(others.map(|(key, ..)| *key));
    let off = [&typed.stop_user, &typed.stop_test, &typed.clear_cookies];
    if let Some(off) = off.into_iter().flatten().find(|flag| !*flag.get_ref()) {
        compiler.diagnostics.push(
            Diagnostic::new(format!("`{kind} = false` has no effect"))
                .at(off.span(), "here")
                .help("remove the step"),
        );
        return false;
    }
    if strange.is_empty() {
        return true;
    }
    let what = match kind {
        "request" => "a request".to_owned(),
        "steps" => "a list of steps".to_owned(),
        kind => format!("the step `{kind}`"),
    };
    compiler.diagnostics.push(
        Diagnostic::new(format!("{what} cannot have {}", strange.join(", ")))
            .at(step.span(), "in this step")
            .help("write them in a step of their own"),
    );
    false
}

/// The steps within a step.
fn compile_inner_steps(
    compiler: &mut Compiler,
    typed: &StepSpec,
    step: &Spanned<StepSpec>,
    when: When,
) -> Program {
    match &typed.steps {
        Some(steps) if !steps.get_ref().is_empty() => {
            compile_steps(compiler, steps.get_ref(), when)
        }
        other => {
            let place = other.as_ref().map_or_else(|| step.span(), Spanned::span);
            compiler.diagnostics.push(
                Diagnostic::new("`steps` is missing or empty")
                    .at(place, "here")
                    .help("write steps = [{ get = \"/path\" }, …]"),
            );
            Program::default()
        }
    }
}

fn compile_wait(compiler: &mut Compiler, typed: &StepSpec, program: &mut Program) {
    let Some(text) = &typed.wait else { return };
    match Wait::parse(text.get_ref()) {
        Ok(Wait::Pace(_)) => compiler.diagnostics.push(
            Diagnostic::new("a step cannot have a pace or a throughput")
                .at(text.span(), "here")
                .help("write a pause like \"2s\", or give the class this wait"),
        ),
        Ok(wait) => {
            program.wait_s = wait.mean().as_secs_f64();
            program.push(Step::Wait(wait));
        }
        Err(message) => compiler
            .diagnostics
            .push(Diagnostic::new(message).at(text.span(), "here")),
    }
}

fn compile_set(compiler: &mut Compiler, typed: &StepSpec, program: &mut Program) {
    for (name, value) in typed.set.iter().flatten() {
        compiler.resolver.secrets.take_mentioned();
        let is_encoded = match value.get_ref() {
            Json::Text(text) => calls_encoder(text),
            _ => false,
        };
        let value = Expression(compiler.expression(value).0.unnoted());
        if compiler.resolver.secrets.take_mentioned() {
            compiler.resolver.secrets.add_variable(name.get_ref());
        }
        let columns = compiler.resolver.columns_of(&value.0);
        let id = compiler.variable(name);
        compiler.resolver.variables.holds(id, columns);
        compiler.resolver.variables.note_encoding(id, is_encoded);
        program.push(Step::Set(id, value));
    }
}

fn compile_if(
    compiler: &mut Compiler,
    typed: &StepSpec,
    step: &Spanned<StepSpec>,
    when: When,
) -> Program {
    let condition = typed
        .condition
        .as_ref()
        .and_then(|text| compiler.condition(text));
    let then = compile_inner_steps(compiler, typed, step, when);
    let otherwise = typed
        .otherwise
        .as_ref()
        .map(|steps| compile_steps(compiler, steps.get_ref(), when))
        .unwrap_or_default();
    let Some(condition) = condition else {
        return then;
    };
    let mut program = Program {
        requests: then.requests.max(otherwise.requests),
        counts: then.counts.clone().larger(&otherwise.counts),
        wait_s: then.wait_s.min(otherwise.wait_s),
        ..Program::default()
    };
    if otherwise.steps.is_empty() {
        program.push(Step::Unless(condition, then.steps.len()));
        program.steps.extend(then.steps);
    } else {
        program.push(Step::Unless(condition, then.steps.len() + 1));
        program.steps.extend(then.steps);
        program.push(Step::Skip(otherwise.steps.len()));
        program.steps.extend(otherwise.steps);
    }
    program
}

fn compile_repeat(
    compiler: &mut Compiler,
    typed: &StepSpec,
    step: &Spanned<StepSpec>,
    when: When,
) -> Program {
    let inner = compile_inner_steps(compiler, typed, step, when);
    let Some(times) = &typed.repeat else {
        return inner;
    };
    let count = match times.get_ref() {
        Json::Integer(count @ 1..) => constant(*count),
        Json::Text(_) => compiler.expression(times),
        _ => {
            compiler.diagnostics.push(
                Diagnostic::new(
                    "invalid `repeat`: must be a whole number above 0, or an expression",
                )
                .at(times.span(), "here"),
            );
            return inner;
        }
    };
    let known = match times.get_ref() {
        Json::Integer(count) => *count as f64,
        _ => 1.0,
    };
    let (requests, wait_s) = (inner.requests * known, inner.wait_s * known);
    let mut counts = NameCounts::default();
    counts.add(&inner.counts, known);
    let counter = compiler.resolver.variables.hidden();
    let steps = counted(counter, count, None, inner.steps);
    Program {
        steps,
        requests,
        counts,
        wait_s,
    }
}

fn compile_while(
    compiler: &mut Compiler,
    typed: &StepSpec,
    step: &Spanned<StepSpec>,
    when: When,
) -> Program {
    let condition = typed
        .holds
        .as_ref()
        .and_then(|text| compiler.condition(text));
    let inner = compile_inner_steps(compiler, typed, step, when);
    let most = typed.at_most.as_ref();
    let most = most.map_or(ROUNDS_MAX, |most| i64::from(*most.get_ref()));
    let counter = compiler.resolver.variables.hidden();
    let count = constant(most);
    Program {
        steps: counted(counter, count, condition, inner.steps),
        ..inner
    }
}

#[expect(clippy::single_match_else, reason = "both arms have the same weight")]
fn compile_for_each(
    compiler: &mut Compiler,
    typed: &StepSpec,
    step: &Spanned<StepSpec>,
    when: When,
) -> Program {
    let Some(item) = &typed.for_each else {
        return Program::default();
    };
    compiler.resolver.secrets.take_mentioned();
    let list = match &typed.list {
        Some(list) => match list.get_ref() {
            Json::Text(text) => {
                let text = Spanned::new(list.span(), text.clone());
                compiler.condition(&text)
            }
            _ => Some(compiler.expression(list)),
        },
        None => {
            compiler.diagnostics.push(
                Diagnostic::new("`for_each` without `in`")
                    .at(item.span(), "here")
                    .help("write for_each = \"item\", in = \"items\""),
            );
            None
        }
    };
    if compiler.resolver.secrets.take_mentioned() {
        compiler.resolver.secrets.add_variable(item.get_ref());
    }
    let id = compiler.variable(item);
    compiler.resolver.variables.holds(id, None);
    compiler.resolver.variables.note_encoding(id, false);
    let inner = compile_inner_steps(compiler, typed, step, when);
    let Some(list) = list else { return inner };
    let (kept, taken) = (
        compiler.resolver.variables.hidden(),
        compiler.resolver.variables.hidden(),
    );
    let nothing = constant(0);
    let mut steps = vec![
        Step::Set(kept, list),
        Step::Set(taken, nothing),
        Step::ForEach(ForEach {
            list: kept,
            taken,
            item: id,
            skip: inner.steps.len() + 1,
        }),
    ];
    let back = inner.steps.len() + 2;
    steps.extend(inner.steps);
    steps.push(Step::Back(back));
    Program { steps, ..inner }
}

/// Compiles a choice by weight: a jump to one of the parts, each of which ends with a jump to the end.
fn compile_choose(compiler: &mut Compiler, typed: &StepSpec, when: When) -> Program {
    let Some(options) = &typed.choose else {
        return Program::default();
    };
    let known = compiler.diagnostics.len();
    let mut parts = Vec::new();
    for option in options.get_ref() {
        let own = option.get_ref();
        let weight = keys::weight(own.weight.as_ref(), compiler.diagnostics);
        if own.tags.is_some() || own.tasks.is_some() || own.order.is_some() {
            compiler.diagnostics.push(
                Diagnostic::new("a step of `choose` cannot have tags, tasks or order")
                    .at(option.span(), "in this step")
                    .help("only tasks have them"),
            );
            continue;
        }
        parts.push((weight, compile_step(compiler, option, when)));
    }
    let total: f64 = parts.iter().map(|(weight, _)| weight).sum();
    if compiler.diagnostics.len() > known {
        return Program::default();
    }
    if total <= 0.0 {
        compiler.diagnostics.push(
            Diagnostic::new("`choose` has no step with a weight above 0")
                .at(options.span(), "here")
                .help("write choose = [{ weight = 3, get = \"/a\" }, { get = \"/b\" }]"),
        );
        return Program::default();
    }
    let mut length: usize = parts.iter().map(|(_, part)| part.steps.len() + 1).sum();
    let (mut ends, mut skips) = (Vec::new(), Vec::new());
    let (mut end, mut begin) = (0.0, 0);
    for (weight, part) in &parts {
        end += weight / total;
        ends.push(end);
        skips.push(begin);
        begin += part.steps.len() + 1;
    }
    let mut program = Program::default();
    program.push(Step::Choose(Choice {
        ends: ends.into(),
        skips: skips.into(),
    }));
    for (weight, part) in parts {
        let share = weight / total;
        length -= part.steps.len() + 1;
        program.requests += part.requests * share;
        program.counts.add(&part.counts, share);
        program.wait_s += part.wait_s * share;
        program.steps.extend(part.steps);
        program.push(Step::Skip(length));
    }
    program
}

fn compile_check_out(
    compiler: &mut Compiler,
    typed: &StepSpec,
    step: &Spanned<StepSpec>,
    when: When,
) -> Program {
    let (mut taken, mut given_back) = (Vec::new(), Vec::new());
    for (name, data) in typed.check_out.iter().flatten() {
        let id = compiler.variable(name);
        let found = compiler.resolver.data.get(data.get_ref());
        let problem = match found {
            None => Some((
                format!("unknown data `{}`", data.get_ref()),
                suggestion(data.get_ref(), compiler.resolver.data.names()),
            )),
            Some((_, source)) if source.rows.count() == 0 => Some((
                format!("data `{}` is empty", source.name),
                "add a row to it".to_owned(),
            )),
            Some((_, source)) if !source.order.is_once() => Some((
                format!("rows of data `{}` cannot be taken", source.name),
                "write order = \"sequence\" or order = \"shuffled\"".to_owned(),
            )),
            Some(_) => None,
        };
        if let Some((message, help)) = problem {
            let diagnostic = Diagnostic::new(message).at(data.span(), "here");
            compiler.diagnostics.push(diagnostic.help(help));
        }
        let columns = found.and_then(|(_, source)| source.columns());
        compiler.resolver.variables.holds(id, columns);
        compiler.resolver.variables.note_encoding(id, false);
        compiler.resolver.secrets.take_mentioned();
        compiler.resolver.secrets.name(data.get_ref());
        if compiler.resolver.secrets.take_mentioned() {
            compiler.resolver.secrets.add_variable(name.get_ref());
        }
        taken.extend(found.map(|(source, _)| Step::CheckOut(source, id)));
        given_back.push(Step::GiveBack);
    }
    let inner = compile_inner_steps(compiler, typed, step, when);
    let mut steps = taken;
    steps.extend(inner.steps);
    steps.extend(given_back);
    Program { steps, ..inner }
}

fn constant(number: i64) -> Expression {
    Expression(Compiled::Constant(Value::Integer(number)))
}

/// Steps that are repeated while a counter lasts and, if there is a condition, it holds.
fn counted(
    counter: VariableId,
    count: Expression,
    condition: Option<Expression>,
    inner: Vec<Step>,
) -> Vec<Step> {
    let checks = usize::from(condition.is_some());
    let (skip, back) = (inner.len() + checks + 1, inner.len() + checks + 2);
    let mut steps = vec![Step::Count(counter, count), Step::Next(counter, skip)];
    steps.extend(condition.map(|condition| Step::Unless(condition, inner.len() + 1)));
    steps.extend(inner);
    steps.push(Step::Back(back));
    steps
}

/// Location of a key that only a task has.
fn key_of_tasks(typed: &StepSpec) -> Option<std::ops::Range<usize>> {
    let weight = typed.weight.as_ref().map(Spanned::span);
    let tags = typed
        .tags
        .as_ref()
        .map(|tags| tags.first().map_or(0..0, Spanned::span));
    let tasks = typed.tasks.as_ref().map(Spanned::span);
    let order = typed.order.as_ref().map(Spanned::span);
    weight.or(tags).or(tasks).or(order)
}

/// Finds a step, or a task of a sequence, that comes after one that always stops the user.
pub(crate) fn find_unreachable(list: &[Spanned<StepSpec>], diagnostics: &mut Vec<Diagnostic>) {
    let unreachable = list.windows(2).find(|pair| stops(pair[0].get_ref()));
    if let Some([_, behind]) = unreachable {
        diagnostics.push(
            Diagnostic::new("this step is never reached")
                .at(behind.span(), "the user stops before it")
                .help("move it before the stop, or write the stop into an `if`"),
        );
    }
}

/// Whether a step always stops the user. A loop does not, since it may have no rounds.
fn stops(step: &StepSpec) -> bool {
    let ends = |steps: &Option<Spanned<Vec<Spanned<StepSpec>>>>| {
        let last = steps.as_ref().and_then(|steps| steps.get_ref().last());
        last.is_some_and(|last| stops(last.get_ref()))
    };
    let is_loop = step.repeat.is_some() || step.holds.is_some() || step.for_each.is_some();
    let is_stop = step.stop_user.is_some() || step.stop_test.is_some();
    let is_either_way = step.condition.is_none() || ends(&step.otherwise);
    is_stop || !is_loop && is_either_way && ends(&step.steps)
}
