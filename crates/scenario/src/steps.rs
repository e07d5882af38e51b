//! Steps as they are typed, made into a flat list.

use std::collections::BTreeMap;

use brunt_record::NameId;
use toml::Spanned;

use crate::builder::Builder;
use crate::expression::{Compiled, Expression};
use crate::names::When;
use crate::problem::Problem;
use crate::reachable::find_unreachable;
use crate::scope::Slot;
use crate::spec::{Json, StepSpec};
use crate::step::{Each, Step};
use crate::value::Value;
use crate::wait::Wait;

/// How often a `while` goes round unless the scenario says otherwise.
const ROUNDS_MAX: i64 = 1_000;

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

/// How often something of each name is made.
#[derive(Debug, Clone, Default)]
pub(crate) struct NameCounts(BTreeMap<NameId, f64>);

impl NameCounts {
    fn once(name: NameId) -> Self {
        Self(BTreeMap::from([(name, 1.0)]))
    }

    /// Adds those of something that is done so often.
    pub(crate) fn add(&mut self, other: &Self, times: f64) {
        for (name, count) in &other.0 {
            *self.0.entry(*name).or_default() += count * times;
        }
    }

    fn larger(mut self, other: &Self) -> Self {
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

type Typed = [Spanned<StepSpec>];

impl Program {
    pub(crate) fn append(&mut self, other: Self) {
        self.steps.extend(other.steps);
        self.requests += other.requests;
        self.counts.add(&other.counts, 1.0);
        self.rests_s += other.rests_s;
    }

    fn push(&mut self, step: Step) {
        self.steps.push(step);
    }
}

impl Builder<'_> {
    /// Builds steps; `when` says how their requests count.
    pub(crate) fn program(&mut self, typed: &Typed, when: When) -> Program {
        find_unreachable(typed, self.problems);
        let mut program = Program::default();
        for step in typed {
            if let Some(place) = key_of_tasks(step.get_ref()) {
                self.problems.push(
                    Problem::new("a step has a weight, tags or tasks")
                        .at(place, "in this step")
                        .help("only a task has them"),
                );
                continue;
            }
            program.append(self.step(step, when));
        }
        program
    }

    /// Builds a step, or the part of a task that is one.
    pub(crate) fn step(&mut self, step: &Spanned<StepSpec>, when: When) -> Program {
        let typed = step.get_ref();
        let mut program = Program::default();
        let kinds = typed.kinds();
        if let [kind] = kinds[..]
            && !self.fits(step, kind)
        {
            return program;
        }
        match kinds[..] {
            ["request"] | [] => {
                if let Some(request) = self.request(step, when) {
                    program.requests = 1.0;
                    program.counts = NameCounts::once(request.name);
                    program.push(Step::Request(Box::new(request)));
                }
            }
            ["steps"] => program = self.inner(typed, step, when),
            ["wait"] => self.wait(typed, &mut program),
            ["set"] => self.set(typed, &mut program),
            ["if"] => program = self.condition_step(typed, step, when),
            ["repeat"] => program = self.repeat(typed, step, when),
            ["while"] => program = self.while_step(typed, step, when),
            ["for_each"] => program = self.for_each(typed, step, when),
            ["group"] => {
                if let Some(name) = &typed.group {
                    program.push(Step::Begin);
                    program.append(self.inner(typed, step, when));
                    let name = self.naming.secrets.values.mask(name.get_ref());
                    let name = self.names.intern_group(&name, when);
                    program.counts.add(&NameCounts::once(name), 1.0);
                    program.push(Step::End(name));
                }
            }
            ["measure"] => {
                for (name, value) in typed.measure.iter().flatten() {
                    let value = self.expression(value);
                    let name = self.naming.secrets.values.mask(name.get_ref());
                    let name = self.names.intern_metric(&name);
                    program.counts.add(&NameCounts::once(name), 1.0);
                    program.push(Step::Measure(name, value));
                }
            }
            ["stop_user"] => program.push(Step::StopUser),
            ["stop_test"] => program.push(Step::StopTest),
            ["clear_cookies"] => program.push(Step::ClearCookies),
            _ => self.problems.push(
                Problem::new(format!("a step is several at once: {}", kinds.join(", ")))
                    .at(step.span(), "this step")
                    .help("make a step of each"),
            ),
        }
        program
    }

    /// Whether a step has no key that is another's.
    fn fits(&mut self, step: &Spanned<StepSpec>, kind: &str) -> bool {
        let typed = step.get_ref();
        let takes_steps = ["if", "repeat", "while", "for_each", "group", "steps"].contains(&kind);
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
            self.problems.push(
                Problem::new(format!("{kind} = false does nothing"))
                    .at(off.span(), "here")
                    .help("leave the step out"),
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
        self.problems.push(
            Problem::new(format!("{what} has no {}", strange.join(", ")))
                .at(step.span(), "in this step")
                .help("make a step of its own of what else is to be done"),
        );
        false
    }

    /// The steps within a step.
    fn inner(&mut self, typed: &StepSpec, step: &Spanned<StepSpec>, when: When) -> Program {
        match &typed.steps {
            Some(steps) if !steps.get_ref().is_empty() => self.program(steps.get_ref(), when),
            other => {
                let place = other.as_ref().map_or_else(|| step.span(), Spanned::span);
                self.problems.push(
                    Problem::new("there are no steps")
                        .at(place, "here")
                        .help("write steps = [{ get = \"/path\" }, …]"),
                );
                Program::default()
            }
        }
    }

    fn wait(&mut self, typed: &StepSpec, program: &mut Program) {
        let Some(text) = &typed.wait else { return };
        match Wait::parse(text.get_ref()) {
            Ok(Wait::Pace(_)) => self.problems.push(
                Problem::new("a pace is of tasks, not of steps")
                    .at(text.span(), "here")
                    .help("write how long to rest, or give the class this wait"),
            ),
            Ok(wait) => {
                program.rests_s = wait.mean().as_secs_f64();
                program.push(Step::Wait(wait));
            }
            Err(message) => self
                .problems
                .push(Problem::new(message).at(text.span(), "here")),
        }
    }

    fn set(&mut self, typed: &StepSpec, program: &mut Program) {
        for (name, value) in typed.set.iter().flatten() {
            self.naming.secrets.take_mentioned();
            let value = Expression(self.expression(value).0.unnoted());
            if self.naming.secrets.take_mentioned() {
                self.naming.secrets.add_variable(name.get_ref());
            }
            let columns = self.naming.columns_of(&value.0);
            let slot = self.variable(name);
            self.naming.variables.holds(slot, columns);
            program.push(Step::Set(slot, value));
        }
    }

    fn condition_step(
        &mut self,
        typed: &StepSpec,
        step: &Spanned<StepSpec>,
        when: When,
    ) -> Program {
        let condition = typed
            .condition
            .as_ref()
            .and_then(|text| self.condition(text));
        let then = self.inner(typed, step, when);
        let otherwise = typed
            .otherwise
            .as_ref()
            .map(|steps| self.program(steps.get_ref(), when))
            .unwrap_or_default();
        let Some(condition) = condition else {
            return then;
        };
        let mut program = Program {
            requests: then.requests.max(otherwise.requests),
            counts: then.counts.clone().larger(&otherwise.counts),
            rests_s: then.rests_s.min(otherwise.rests_s),
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

    fn repeat(&mut self, typed: &StepSpec, step: &Spanned<StepSpec>, when: When) -> Program {
        let inner = self.inner(typed, step, when);
        let Some(times) = &typed.repeat else {
            return inner;
        };
        let count = match times.get_ref() {
            Json::Integer(count @ 1..) => self.constant(*count),
            Json::Text(_) => self.expression(times),
            _ => {
                self.problems.push(
                    Problem::new("this is no number of times")
                        .at(times.span(), "here")
                        .help("write a whole number above 0, or an expression that gives one"),
                );
                return inner;
            }
        };
        let known = match times.get_ref() {
            Json::Integer(count) => *count as f64,
            _ => 1.0,
        };
        let (requests, rests_s) = (inner.requests * known, inner.rests_s * known);
        let mut counts = NameCounts::default();
        counts.add(&inner.counts, known);
        let counter = self.naming.variables.hidden();
        let steps = counted(counter, count, None, inner.steps);
        Program {
            steps,
            requests,
            counts,
            rests_s,
        }
    }

    fn while_step(&mut self, typed: &StepSpec, step: &Spanned<StepSpec>, when: When) -> Program {
        let condition = typed.holds.as_ref().and_then(|text| self.condition(text));
        let inner = self.inner(typed, step, when);
        let most = typed.at_most.as_ref();
        let most = most.map_or(ROUNDS_MAX, |most| i64::from(*most.get_ref()));
        let counter = self.naming.variables.hidden();
        let count = self.constant(most);
        Program {
            steps: counted(counter, count, condition, inner.steps),
            ..inner
        }
    }

    #[expect(clippy::single_match_else, reason = "both ways are of one weight")]
    fn for_each(&mut self, typed: &StepSpec, step: &Spanned<StepSpec>, when: When) -> Program {
        let Some(item) = &typed.for_each else {
            return Program::default();
        };
        self.naming.secrets.take_mentioned();
        let list = match &typed.list {
            Some(list) => match list.get_ref() {
                Json::Text(text) => {
                    let text = Spanned::new(list.span(), text.clone());
                    self.condition(&text)
                }
                _ => Some(self.expression(list)),
            },
            None => {
                self.problems.push(
                    Problem::new("a for_each has no list")
                        .at(item.span(), "for each of what?")
                        .help("write for_each = \"item\", in = \"items\""),
                );
                None
            }
        };
        if self.naming.secrets.take_mentioned() {
            self.naming.secrets.add_variable(item.get_ref());
        }
        let slot = self.variable(item);
        self.naming.variables.holds(slot, None);
        let inner = self.inner(typed, step, when);
        let Some(list) = list else { return inner };
        let (kept, taken) = (
            self.naming.variables.hidden(),
            self.naming.variables.hidden(),
        );
        let nothing = self.constant(0);
        let mut steps = vec![
            Step::Set(kept, list),
            Step::Set(taken, nothing),
            Step::Each(Each {
                list: kept,
                taken,
                item: slot,
                skip: inner.steps.len() + 1,
            }),
        ];
        let back = inner.steps.len() + 2;
        steps.extend(inner.steps);
        steps.push(Step::Back(back));
        Program { steps, ..inner }
    }

    #[expect(clippy::unused_self, reason = "reads as what the builder makes")]
    fn constant(&self, number: i64) -> Expression {
        Expression(Compiled::Constant(Value::Integer(number)))
    }

    /// A variable that is set here.
    pub(crate) fn variable(&mut self, name: &Spanned<String>) -> Slot {
        let text = name.get_ref();
        let mut letters = text.chars();
        let begins = letters
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
        let goes_on = letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if !(begins && goes_on) {
            self.problems.push(
                Problem::new(format!("`{text}` is no name of a variable"))
                    .at(name.span(), "here")
                    .help("a name has letters, digits and underscores, and begins with a letter"),
            );
        }
        if self.naming.data.get(text).is_some() || text == "env" {
            self.problems.push(
                Problem::new(format!("`{text}` is already the name of data"))
                    .at(name.span(), "set here")
                    .help("choose another name for the variable"),
            );
        }
        self.naming.variables.set(text)
    }
}

/// Steps that are repeated while a counter lasts, and a condition holds where there is one.
fn counted(
    counter: Slot,
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

/// Where a key is that only a task has.
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
