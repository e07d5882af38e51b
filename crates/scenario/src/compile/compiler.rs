//! The builder: makes requests of what was typed.

use std::ops::Range;
use std::path::Path;

use crate::spec::Spanned;
use indexmap::IndexMap;

use crate::compile::names::Names;
use crate::expr::context::VariableId;
use crate::expr::expression::Template;
use crate::expr::expression::{Compiled, Expression};
use crate::expr::parser::{Resolver, TemplatePart};
use crate::source::diagnostic::Diagnostic;
use crate::spec::Json;
use crate::value::{Encoding, Value, write_text};

/// What requests and steps are built from.
pub(crate) struct Compiler<'a> {
    /// Where the scenario's files lie.
    pub(crate) folder: &'a Path,
    pub(crate) resolver: Resolver<'a>,
    pub(crate) headers: &'a IndexMap<Spanned<String>, Spanned<String>>,
    pub(crate) names: &'a mut Names,
    pub(crate) diagnostics: &'a mut Vec<Diagnostic>,
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
        match self.resolver.parts(text, place) {
            Err(diagnostic) => self.diagnostics.push(diagnostic),
            Ok(parts) => parts.into_iter().for_each(|part| match part {
                TemplatePart::Text(text) => {
                    let mut bytes = Vec::new();
                    write_text(text, encoding, &mut bytes);
                    template.literal(&bytes);
                }
                TemplatePart::Expression(Compiled::Constant(Value::Json(_))) => {
                    self.diagnostics.push(
                        Diagnostic::new("a whole list or table stands in a text")
                            .at(place.clone(), "here")
                            .help("draw a value of it, like pick(LIST), or write json(LIST)"),
                    );
                }
                TemplatePart::Expression(expression) => template.expression(expression, encoding),
            }),
        }
        template
    }

    /// A value: of a text that is one expression alone, what that gives; of any other, the text.
    pub(crate) fn value(&mut self, value: &Json, place: &Range<usize>) -> Compiled {
        match value {
            Json::Text(text) => match self.resolver.parts(text, place) {
                Err(diagnostic) => {
                    self.diagnostics.push(diagnostic);
                    Compiled::Constant(Value::None)
                }
                Ok(parts) => match &parts[..] {
                    [] => Compiled::Constant(Value::text("")),
                    [TemplatePart::Text(text)] => Compiled::Constant(Value::text(*text)),
                    [TemplatePart::Expression(expression)] => expression.clone(),
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
        match self.resolver.condition(text.get_ref(), &text.span()) {
            Ok(expression) => Some(Expression(expression)),
            Err(diagnostic) => {
                self.diagnostics.push(diagnostic);
                None
            }
        }
    }

    pub(crate) fn json(&mut self, value: &Json, place: &Range<usize>, into: &mut Template) {
        match value {
            Json::Text(text) => self.json_text(text, place, into),
            Json::Float(number) if !number.is_finite() => self.diagnostics.push(
                Diagnostic::new(format!("JSON has no {number}"))
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
                    let outer = self.resolver.secrets.place();
                    self.resolver.secrets.enter(outer.of_member(key));
                    self.json(value.get_ref(), &value.span(), into);
                    self.resolver.secrets.enter(outer);
                }
                into.literal(b"}");
            }
            scalar => into.expression(Compiled::Constant(scalar.to_value()), Encoding::Json),
        }
    }

    /// A text that is one expression alone keeps the expression's type; any other is a JSON string.
    fn json_text(&mut self, text: &str, place: &Range<usize>, into: &mut Template) {
        let parts = match self.resolver.parts(text, place) {
            Ok(parts) => parts,
            Err(diagnostic) => return self.diagnostics.push(diagnostic),
        };
        if let [TemplatePart::Expression(expression)] = &parts[..] {
            return into.expression(expression.clone(), Encoding::Json);
        }
        into.literal(b"\"");
        for part in parts {
            match part {
                TemplatePart::Text(text) => {
                    let mut bytes = Vec::new();
                    write_text(text, Encoding::JsonText, &mut bytes);
                    into.literal(&bytes);
                }
                TemplatePart::Expression(expression) => {
                    into.expression(expression, Encoding::JsonText);
                }
            }
        }
        into.literal(b"\"");
    }

    /// A variable that is set here.
    pub(crate) fn variable(&mut self, name: &Spanned<String>) -> VariableId {
        let text = name.get_ref();
        let mut letters = text.chars();
        let begins = letters
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
        let goes_on = letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if !(begins && goes_on) {
            self.diagnostics.push(
                Diagnostic::new(format!("`{text}` is no name of a variable"))
                    .at(name.span(), "here")
                    .help("a name has letters, digits and underscores, and begins with a letter"),
            );
        }
        if self.resolver.data.get(text).is_some() || text == "env" {
            self.diagnostics.push(
                Diagnostic::new(format!("`{text}` is already the name of data"))
                    .at(name.span(), "set here")
                    .help("choose another name for the variable"),
            );
        }
        self.resolver.variables.set(text)
    }

    /// Ends what is read of a class. A class that `extends` another has the same tasks: what is wrong with them is
    /// said once.
    pub(crate) fn end_class(&mut self) {
        let others: Vec<&str> = self.resolver.data.names().collect();
        self.resolver.variables.end_class(&others, self.diagnostics);
        let mut said: Vec<Diagnostic> = Vec::with_capacity(self.diagnostics.len());
        for diagnostic in self.diagnostics.drain(..) {
            report_once(&mut said, diagnostic);
        }
        *self.diagnostics = said;
    }
}

pub(crate) fn report_once(diagnostics: &mut Vec<Diagnostic>, diagnostic: Diagnostic) {
    if !diagnostics.contains(&diagnostic) {
        diagnostics.push(diagnostic);
    }
}
