//! The compiler's state and the compilation of values.

use std::ops::Range;
use std::path::Path;

use crate::compile::names::Names;
use crate::expr::context::VariableId;
use crate::expr::expression::Template;
use crate::expr::expression::{Compiled, Expression};
use crate::expr::parser::{Resolver, TemplatePart};
use crate::json::numbers;
use crate::source::diagnostic::Diagnostic;
use crate::spec::{FieldTable, Json, Spanned};
use crate::value::{Encoding, Value, write_text};

/// State of the compilation of requests and steps.
pub(crate) struct Compiler<'a> {
    /// Folder of the scenario.
    pub(crate) folder: &'a Path,
    pub(crate) resolver: Resolver<'a>,
    pub(crate) headers: &'a FieldTable,
    pub(crate) names: &'a mut Names,
    pub(crate) diagnostics: &'a mut Vec<Diagnostic>,
    /// Number of the host of the current class.
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
                TemplatePart::Expression(expression) => {
                    self.insert(expression, encoding, place, &mut template);
                }
                TemplatePart::Encoded(expression) => {
                    self.insert(expression, encoding.of_encoded(), place, &mut template);
                }
            }),
        }
        template
    }

    /// Appends an expression to a text.
    pub(crate) fn insert(
        &mut self,
        expression: Compiled,
        encoding: Encoding,
        place: &Range<usize>,
        into: &mut Template,
    ) {
        if let Compiled::Constant(Value::Json(_)) = expression {
            self.diagnostics.push(
                Diagnostic::new("a string cannot contain a complete list or table")
                    .at(place.clone(), "here")
                    .help("draw a value with pick(LIST), or write json(LIST)"),
            );
        } else {
            into.expression(expression, encoding);
        }
    }

    /// Compiles a value. A text that consists of one expression becomes the value of the expression.
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
                    [TemplatePart::Expression(expression) | TemplatePart::Encoded(expression)] => {
                        expression.clone()
                    }
                    _ => Compiled::Text(Box::new(self.text_at(text, place, Encoding::Plain))),
                },
            },
            Json::List(_) | Json::Table(_) => {
                let mut template = Template::default();
                self.json(value, place, &mut template);
                let text = template.literal_bytes().map(String::from_utf8_lossy);
                match text.map(|text| numbers::parse(&text)) {
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

    /// Compiles a condition, or any expression without braces.
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
                Diagnostic::new(format!("invalid JSON number {number}: must be finite"))
                    .at(place.clone(), "here"),
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

    /// Compiles a JSON string. A text that consists of one expression keeps the expression's type.
    fn json_text(&mut self, text: &str, place: &Range<usize>, into: &mut Template) {
        let parts = match self.resolver.parts(text, place) {
            Ok(parts) => parts,
            Err(diagnostic) => return self.diagnostics.push(diagnostic),
        };
        if let [TemplatePart::Expression(expression) | TemplatePart::Encoded(expression)] =
            &parts[..]
        {
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
                TemplatePart::Expression(expression) | TemplatePart::Encoded(expression) => {
                    into.expression(expression, Encoding::JsonText);
                }
            }
        }
        into.literal(b"\"");
    }

    /// Defines a variable.
    pub(crate) fn variable(&mut self, name: &Spanned<String>) -> VariableId {
        let text = name.get_ref();
        let mut letters = text.chars();
        let has_valid_start = letters
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic() || first == '_');
        let has_valid_rest = letters.all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        if !(has_valid_start && has_valid_rest) {
            self.diagnostics.push(
                Diagnostic::new(format!("invalid variable name `{text}`"))
                    .at(name.span(), "here")
                    .help("names consist of letters, digits and underscores, and begin with a letter or underscore"),
            );
        }
        if self.resolver.data.get(text).is_some() || text == "env" {
            self.diagnostics.push(
                Diagnostic::new(format!("`{text}` is already a name of data"))
                    .at(name.span(), "set here")
                    .help("choose another name for the variable"),
            );
        }
        self.resolver.variables.set(text)
    }

    /// The parts of a text; an error goes to the diagnostics.
    pub(crate) fn parts<'t>(
        &mut self,
        text: &'t str,
        place: &Range<usize>,
    ) -> Vec<TemplatePart<'t>> {
        self.resolver
            .parts(text, place)
            .unwrap_or_else(|diagnostic| {
                self.diagnostics.push(diagnostic);
                Vec::new()
            })
    }

    /// Ends a class. Errors in tasks that several classes inherit are reported once.
    pub(crate) fn end_class(&mut self) {
        let others: Vec<&str> = self.resolver.data.names().collect();
        self.resolver.variables.end_class(&others, self.diagnostics);
        let mut reported: Vec<Diagnostic> = Vec::with_capacity(self.diagnostics.len());
        for diagnostic in self.diagnostics.drain(..) {
            report_once(&mut reported, diagnostic);
        }
        *self.diagnostics = reported;
    }
}

pub(crate) fn report_once(diagnostics: &mut Vec<Diagnostic>, diagnostic: Diagnostic) {
    if !diagnostics.contains(&diagnostic) {
        diagnostics.push(diagnostic);
    }
}
