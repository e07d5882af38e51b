//! The builder: makes requests of what was typed.

use std::ops::Range;
use std::path::Path;

use indexmap::IndexMap;
use toml::Spanned;

use crate::compile::names::Names;
use crate::expr::context::Slot;
use crate::expr::expression::Template;
use crate::expr::expression::{Compiled, Expression};
use crate::expr::parser::{Naming, Part};
use crate::source::diagnostic::Problem;
use crate::spec::Json;
use crate::value::{Encoding, Value, write_text};

/// What requests and steps are built from.
pub(crate) struct Compiler<'a> {
    /// Where the scenario's files lie.
    pub(crate) folder: &'a Path,
    pub(crate) naming: Naming<'a>,
    pub(crate) headers: &'a IndexMap<Spanned<String>, Spanned<String>>,
    pub(crate) names: &'a mut Names,
    pub(crate) problems: &'a mut Vec<Problem>,
    /// The host of the class that is being built.
    pub(crate) host: usize,
}

impl Compiler<'_> {
    pub(crate) fn text(&mut self, text: &Spanned<String>, encoding: Encoding) -> Template {
        self.text_at(text.get_ref(), &text.span(), encoding)
    }

    pub(crate) fn text_at(
        &mut self,
        text: &str,
        place: &Range<usize>,
        encoding: Encoding,
    ) -> Template {
        let mut template = Template::default();
        match self.naming.parts(text, place) {
            Err(problem) => self.problems.push(problem),
            Ok(parts) => parts.into_iter().for_each(|part| match part {
                Part::Text(text) => {
                    let mut bytes = Vec::new();
                    write_text(text, encoding, &mut bytes);
                    template.literal(&bytes);
                }
                Part::Expression(Compiled::Constant(Value::Json(_))) => self.problems.push(
                    Problem::new("a whole list or table stands in a text")
                        .at(place.clone(), "here")
                        .help("draw a value of it, like pick(LIST), or write json(LIST)"),
                ),
                Part::Expression(expression) => template.expression(expression, encoding),
            }),
        }
        template
    }

    /// A value: of a text that is one expression alone, what that gives; of any other, the text.
    pub(crate) fn value(&mut self, value: &Json, place: &Range<usize>) -> Compiled {
        match value {
            Json::Text(text) => match self.naming.parts(text, place) {
                Err(problem) => {
                    self.problems.push(problem);
                    Compiled::Constant(Value::None)
                }
                Ok(parts) => match &parts[..] {
                    [] => Compiled::Constant(Value::text("")),
                    [Part::Text(text)] => Compiled::Constant(Value::text(*text)),
                    [Part::Expression(expression)] => expression.clone(),
                    _ => Compiled::Text(Box::new(self.text_at(text, place, Encoding::Plain))),
                },
            },
            Json::List(_) | Json::Table(_) => {
                let mut template = Template::default();
                self.json(value, place, &mut template);
                match template.literal_bytes().map(serde_json::from_slice) {
                    Some(Ok(json)) => Compiled::Constant(Value::of_json(&json)),
                    _ => Compiled::Json(Box::new(template)),
                }
            }
            scalar => Compiled::Constant(scalar.to_value()),
        }
    }

    pub(crate) fn expression(&mut self, value: &Spanned<Json>) -> Expression {
        Expression(self.value(value.get_ref(), &value.span()))
    }

    /// A condition, or any expression without its braces.
    pub(crate) fn condition(&mut self, text: &Spanned<String>) -> Option<Expression> {
        match self.naming.condition(text.get_ref(), &text.span()) {
            Ok(expression) => Some(Expression(expression)),
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }

    pub(crate) fn json(&mut self, value: &Json, place: &Range<usize>, into: &mut Template) {
        match value {
            Json::Text(text) => self.json_text(text, place, into),
            Json::Float(number) if !number.is_finite() => self.problems.push(
                Problem::new(format!("JSON has no {number}"))
                    .at(place.clone(), "here")
                    .help("write a finite number"),
            ),
            Json::List(items) => {
                into.literal(b"[");
                for (at, item) in items.iter().enumerate() {
                    into.literal(if at > 0 { b"," } else { b"" });
                    self.json(item.get_ref(), &item.span(), into);
                }
                into.literal(b"]");
            }
            Json::Table(entries) => {
                into.literal(b"{");
                for (at, (key, value)) in entries.iter().enumerate() {
                    into.literal(if at > 0 { b"," } else { b"" });
                    let mut name = Vec::new();
                    write_text(key, Encoding::Json, &mut name);
                    into.literal(&name);
                    into.literal(b":");
                    let outer = self.naming.secrets.place();
                    self.naming.secrets.enter(outer.of_member(key));
                    self.json(value.get_ref(), &value.span(), into);
                    self.naming.secrets.enter(outer);
                }
                into.literal(b"}");
            }
            scalar => into.expression(Compiled::Constant(scalar.to_value()), Encoding::Json),
        }
    }

    /// A text that is one expression alone keeps the expression's type; any other is a JSON string.
    fn json_text(&mut self, text: &str, place: &Range<usize>, into: &mut Template) {
        let parts = match self.naming.parts(text, place) {
            Ok(parts) => parts,
            Err(problem) => return self.problems.push(problem),
        };
        if let [Part::Expression(expression)] = &parts[..] {
            return into.expression(expression.clone(), Encoding::Json);
        }
        into.literal(b"\"");
        for part in parts {
            match part {
                Part::Text(text) => {
                    let mut bytes = Vec::new();
                    write_text(text, Encoding::JsonText, &mut bytes);
                    into.literal(&bytes);
                }
                Part::Expression(expression) => into.expression(expression, Encoding::JsonText),
            }
        }
        into.literal(b"\"");
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

pub(crate) fn report_once(problems: &mut Vec<Problem>, problem: Problem) {
    if !problems.contains(&problem) {
        problems.push(problem);
    }
}
