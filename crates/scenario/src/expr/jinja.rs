//! Jinja: evaluates expressions that have no compiled form, with the same functions and the same random numbers.

use std::cell::RefCell;
use std::collections::HashSet;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};

use minijinja::value::{Enumerator, Object, ObjectRepr, Rest, Serde};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value as JinjaValue};
use minijinja_contrib::pycompat::unknown_method_callback;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::Value as JsonValue;

use crate::data::SourceId;
use crate::expr::context::{EvalContext, SharedData, VariableId};
use crate::expr::error::EvalError;
use crate::expr::function::{Function, sequence_value};
use crate::json::numbers;
use crate::value::Value;

/// An expression, or a text with blocks, for Jinja.
pub(crate) struct JinjaProgram {
    form: Form,
    variables: Vec<(String, VariableId)>,
    constants: Vec<(String, JinjaValue)>,
    /// Whether it uses a secret.
    is_secret: bool,
}

enum Form {
    Expression(minijinja::Expression<'static, 'static>),
    /// An environment with the text as its only template.
    Text(Box<Environment<'static>>),
}

/// Name of the only template.
const TEXT: &str = "the text";
/// Largest number of instructions of an evaluation, so that an endless loop does not stop the load.
const FUEL: u64 = 1_000_000;

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(environment);

/// State of an evaluation by Jinja.
struct Playing {
    random: Xoshiro256PlusPlus,
    shared: Rc<SharedData>,
    user: u64,
    halt: Option<EvalError>,
    /// Results of functions on secrets; `None` for an expression without secrets.
    recent_secrets: Option<Vec<Value>>,
}

thread_local! {
    static PLAYING: RefCell<Option<Playing>> = const { RefCell::new(None) };
}

/// A data source for Jinja: its rows as a list, if they are in memory. `next` and `pick` recognize it.
#[derive(Debug)]
struct Dealt {
    id: usize,
    rows: Vec<JinjaValue>,
}

impl Object for Dealt {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &JinjaValue) -> Option<JinjaValue> {
        self.rows.get(key.as_usize()?).cloned()
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Seq(self.rows.len())
    }
}

/// The Jinja value of a data source.
pub(crate) fn source(SourceId(id): SourceId, rows: &[Value]) -> JinjaValue {
    JinjaValue::from_object(Dealt {
        id,
        rows: rows.iter().map(to_jinja).collect(),
    })
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    environment.set_unknown_method_callback(unknown_method_callback);
    for function in Function::ALL {
        environment.add_function(function.name(), move |arguments: Rest<JinjaValue>| {
            call(function, &arguments)
        });
        if function.is_pure() {
            environment.add_filter(
                function.name(),
                move |first: JinjaValue, rest: Rest<JinjaValue>| {
                    let arguments: Vec<JinjaValue> =
                        std::iter::once(first).chain(rest.iter().cloned()).collect();
                    call(function, &arguments)
                },
            );
        }
    }
    environment
}

fn call(function: Function, arguments: &[JinjaValue]) -> Result<JinjaValue, Error> {
    PLAYING.with_borrow_mut(|playing| {
        let Some(Playing {
            random,
            shared,
            user,
            halt,
            recent_secrets,
        }) = playing
        else {
            let text = "it is called where nothing can be drawn";
            return Err(Error::new(ErrorKind::InvalidOperation, text));
        };
        let source = arguments.first();
        let source = source.and_then(|value| value.downcast_object_ref::<Dealt>());
        let source = source.map(|dealt| SourceId(dealt.id));
        let called = match (function, source) {
            (Function::Next, Some(id)) => shared.next(id, *user, random),
            (Function::Pick, Some(id)) => shared.pick(id, random),
            (Function::UserNumber, _) => Ok(sequence_value(*user)),
            (Function::Seq, _) => {
                let arguments: Vec<Value> = arguments.iter().map(of_jinja).collect();
                let sequence = Function::sequence(&arguments);
                sequence.map(|(name, first)| {
                    sequence_value(if name.is_empty() {
                        shared.number()
                    } else {
                        shared.number_of(&name.into(), first)
                    })
                })
            }
            _ => {
                let arguments: Vec<Value> = arguments.iter().map(of_jinja).collect();
                function.call(&arguments, random, || shared.now())
            }
        };
        if let (Ok(value), Some(recent_secrets)) = (&called, recent_secrets) {
            let is_drawn = function.draws_values();
            if is_drawn || function.is_pure() {
                recent_secrets.push(value.clone());
            }
        }
        called.map(|value| to_jinja(&value)).map_err(|why| {
            let text = match &why {
                EvalError::Failed(text) | EvalError::Unreadable(text) => text.clone(),
                _ => "there is no row left".to_owned(),
            };
            *halt = Some(why);
            Error::new(ErrorKind::InvalidOperation, text)
        })
    })
}

impl std::fmt::Debug for JinjaProgram {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JinjaProgram")
            .field("variables", &self.variables)
            .finish_non_exhaustive()
    }
}

/// Whether Jinja has a built-in function of this name.
pub(crate) fn has_function(name: &str) -> bool {
    ENVIRONMENT.globals().any(|(global, _)| global == name)
}

/// A program with unresolved names.
pub(crate) struct Unresolved {
    form: Form,
    source: String,
}

impl Unresolved {
    /// Parses an expression.
    pub(crate) fn expression(text: &str) -> Result<Self, String> {
        let expression = ENVIRONMENT.compile_expression_owned(text.to_owned());
        Ok(Self {
            form: Form::Expression(expression.map_err(|error| in_words(&error))?),
            source: text.to_owned(),
        })
    }

    /// Parses a text with blocks.
    pub(crate) fn text(text: &str) -> Result<Self, String> {
        let mut environment = Box::new(environment());
        environment
            .add_template_owned(TEXT, text.to_owned())
            .map_err(|error| in_words(&error))?;
        Ok(Self {
            form: Form::Text(environment),
            source: text.to_owned(),
        })
    }

    /// Names of sliced values, which Jinja does not report.
    fn sliced_names(&self) -> Vec<String> {
        const SLICES: &str =
            r#"(?:^|[^.\w'"])([A-Za-z_]\w*)(?:\.\w+|\[[^\[\]:]*\])*\[[^\[\]]*:[^\[\]]*\]"#;
        let Ok(slices) = regex::Regex::new(SLICES) else {
            return Vec::new();
        };
        let names = slices
            .captures_iter(&self.source)
            .map(|found| found[1].to_owned());
        // Names that the text defines are its own.
        let is_own =
            |name: &String| self.holds(&format!(r"\b(for|set)\s[^%]*\b{name}\b[^%]*(\bin\b|=)"));
        names.filter(|name| !is_own(name)).collect()
    }

    /// Words of the program: names, members and words in strings.
    pub(crate) fn words(&self) -> impl Iterator<Item = &str> {
        let is_of_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        self.source.split(move |letter| !is_of_word(letter))
    }

    /// Whether a name is called as a function.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.holds(&format!(r"\b{}\s*\(", regex::escape(name)))
    }

    /// Whether an environment variable is only used where it may be unset.
    pub(crate) fn has_default(&self, variable: &str) -> bool {
        let name = regex::escape(variable);
        let use_of = format!(r#"\benv\s*(?:\.\s*{name}\b|\[\s*["']{name}["']\s*\])"#);
        let guarded =
            format!(r"{use_of}\s*(?:\|\s*(?:default|d)\b|is\s+(?:not\s+)?(?:un)?defined\b)");
        let count = |pattern: &str| {
            regex::Regex::new(pattern).map_or(0, |pattern| pattern.find_iter(&self.source).count())
        };
        let uses = count(&use_of);
        uses > 0
            && (uses == count(&guarded)
                || self.holds(&format!(r"\bif\s+{use_of}\s+is\s+defined\b")))
    }

    fn holds(&self, pattern: &str) -> bool {
        regex::Regex::new(pattern).is_ok_and(|pattern| pattern.is_match(&self.source))
    }

    /// Names that it reads, without functions; with `nested`, also the members that are read.
    pub(crate) fn names(&self, nested: bool) -> Vec<String> {
        let found: HashSet<String> = match &self.form {
            Form::Expression(expression) => expression.undeclared_variables(nested),
            Form::Text(environment) => environment
                .get_template(TEXT)
                .map(|template| template.undeclared_variables(nested))
                .unwrap_or_default(),
        };
        let mut names: Vec<String> = found
            .into_iter()
            .chain(self.sliced_names())
            .filter(|name| !has_function(name))
            .collect();
        names.sort();
        names.dedup();
        names
    }

    pub(crate) fn resolve(
        self,
        variables: Vec<(String, VariableId)>,
        constants: Vec<(String, JinjaValue)>,
        is_secret: bool,
    ) -> JinjaProgram {
        JinjaProgram {
            form: self.form,
            variables,
            constants,
            is_secret,
        }
    }
}

impl JinjaProgram {
    pub(crate) fn evaluate(&self, eval_context: &mut EvalContext) -> Result<Value, EvalError> {
        let random = std::mem::replace(eval_context.random, Xoshiro256PlusPlus::seed_from_u64(0));
        let playing = Playing {
            random,
            shared: eval_context.shared.clone(),
            user: eval_context.user,
            halt: None,
            recent_secrets: self.is_secret.then(Vec::new),
        };
        PLAYING.set(Some(playing));
        let value = self.play(eval_context.variables);
        let halt = PLAYING.take().and_then(|playing| {
            *eval_context.random = playing.random;
            for value in playing.recent_secrets.into_iter().flatten() {
                eval_context.recent_secrets.push_secrets_of(value);
            }
            playing.halt
        });
        match (value, halt) {
            (_, Some(halt)) => Err(halt),
            (Ok(value), None) => Ok(value),
            (Err(error), None) => Err(EvalError::Failed(in_words(&error))),
        }
    }

    fn play(&self, variables: &[Value]) -> Result<Value, Error> {
        let of_variables = self
            .variables
            .iter()
            .map(|(name, id)| (name.as_str(), to_jinja(&variables[id.index()])));
        let of_constants = self
            .constants
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()));
        let context = JinjaValue::from_pairs(of_variables.chain(of_constants));
        match &self.form {
            Form::Expression(expression) => {
                let value = expression.eval(context)?;
                if value.is_undefined() {
                    return Err(ErrorKind::UndefinedError.into());
                }
                Ok(of_jinja(&value))
            }
            Form::Text(environment) => {
                let text = environment.get_template(TEXT)?.render(context)?;
                Ok(Value::text(text))
            }
        }
    }
}

/// Message of an error of Jinja.
fn in_words(error: &Error) -> String {
    match error.detail() {
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    }
}

pub(crate) fn to_jinja(value: &Value) -> JinjaValue {
    match value {
        Value::Undefined => JinjaValue::UNDEFINED,
        Value::None => JinjaValue::from(()),
        Value::Bool(value) => JinjaValue::from(*value),
        Value::Integer(number) => JinjaValue::from(*number),
        Value::Float(number) => JinjaValue::from(*number),
        Value::Number(_) => match (value.as_whole(), value.as_number()) {
            (Some(number), _) => JinjaValue::from(number),
            (None, Some(number)) => JinjaValue::from(number),
            (None, None) => JinjaValue::UNDEFINED,
        },
        Value::Text(text) => JinjaValue::from(text.clone()),
        Value::Json(json) => json_to_jinja(json),
    }
}

/// Converts a tree of JSON. Numbers that it contains as strings become numbers.
fn json_to_jinja(json: &JsonValue) -> JinjaValue {
    match json {
        json if !numbers::has_mark(json) => JinjaValue::from(Serde(json)),
        JsonValue::Array(items) => items.iter().map(json_to_jinja).collect(),
        JsonValue::Object(entries) => {
            let entries = entries.iter();
            JinjaValue::from_pairs(entries.map(|(name, value)| (name, json_to_jinja(value))))
        }
        scalar => to_jinja(&Value::of_json(scalar)),
    }
}

fn of_jinja(value: &JinjaValue) -> Value {
    if let Some(text) = value.as_str() {
        return Value::text(text);
    }
    if value.is_integer() && i64::try_from(value.clone()).is_err() {
        return Value::of_number(&value.to_string());
    }
    match serde_json::to_value(value) {
        Ok(json) => Value::of_json(&json),
        Err(_) => Value::text(value.to_string()),
    }
}

#[cfg(test)]
mod tests;
