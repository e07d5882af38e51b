//! Parser of expressions: it splits a text into its parts, compiles what has a compiled form, and leaves the rest to
//! Jinja.

use std::ops::Range;
use std::sync::Arc;

use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::data::{Data, DataSource, Rows, SourceId};
use crate::expr::context::VariableId;
use crate::expr::error::EvalError;
use crate::expr::expression::{Compiled, Key};
use crate::expr::function::Function;
use crate::expr::grammar::{self, Ast};
use crate::expr::jinja::{self, Unresolved};
use crate::expr::secrets::{Place as SecretPlace, SecretNames};
use crate::expr::variables::{Variables, check_column};
use crate::redact::{is_before_secret, is_sensitive_name};
use crate::source::diagnostic::{Diagnostic, suggestion};
use crate::source::environment::Environment;
use crate::value::Value;

/// Resolver of the names in expressions.
pub(crate) struct Resolver<'a> {
    pub(crate) data: &'a Data,
    pub(crate) variables: &'a mut Variables,
    pub(crate) environment: &'a dyn Environment,
    /// Names and values of secrets.
    pub(crate) secrets: &'a mut SecretNames,
}

/// A part of a text value.
#[derive(Debug, Clone)]
pub(crate) enum TemplatePart<'a> {
    Text(&'a str),
    Expression(Compiled),
    /// An expression that percent-encodes its value itself.
    Encoded(Compiled),
}

type Place = Range<usize>;

/// Longest expression, in bytes. Both parsers are recursive, so a longer one could overflow the stack.
const EXPRESSION_BYTES_MAX: usize = 4_096;

/// Whether a text contains a call of `urlencode`.
pub(crate) fn calls_encoder(text: &str) -> bool {
    let is_of_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut words = text.split(|letter| !is_of_word(letter));
    words.any(|word| word == Function::UrlEncode.name())
}

fn check_length(bytes: usize, place: &Place) -> Result<(), Diagnostic> {
    if bytes <= EXPRESSION_BYTES_MAX {
        return Ok(());
    }
    Err(Diagnostic::new(format!(
        "expression too long: {bytes} bytes; the limit is {EXPRESSION_BYTES_MAX}"
    ))
    .at(place.clone(), "here")
    .help("set parts of it as variables first, like { set = { x = … } }"))
}

impl Resolver<'_> {
    /// Splits a text value into its parts. `place` is its location in the file.
    pub(crate) fn parts<'t>(
        &mut self,
        text: &'t str,
        place: &Place,
    ) -> Result<Vec<TemplatePart<'t>>, Diagnostic> {
        if text.contains("{%") {
            check_length(grammar::longest_tag(text), place)?;
            let program =
                Unresolved::text(text).map_err(|error| invalid_expression(text, &error, place))?;
            let compiled = self.watched(|resolver| resolver.resolve_jinja(program, place))?;
            return Ok(vec![TemplatePart::Expression(compiled)]);
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(begin) = rest.find("{{") {
            if begin > 0 {
                parts.push(TemplatePart::Text(&rest[..begin]));
            }
            let inside = &rest[begin + 2..];
            let Some(end) = grammar::end_of_expression(inside) else {
                return Err(Diagnostic::new("unterminated expression")
                    .at(place.clone(), "`{{` without `}}`")
                    .help("close it with `}}`"));
            };
            let before = &text[..text.len() - rest.len() + begin];
            let outer = self.secrets.place();
            if is_before_secret(before) {
                self.secrets.enter(SecretPlace::Parameter);
            }
            let expression = self.expression(&inside[..end], place);
            self.secrets.enter(outer);
            let expression = expression?;
            parts.push(if self.is_encoded(&inside[..end], &expression) {
                TemplatePart::Encoded(expression)
            } else {
                TemplatePart::Expression(expression)
            });
            rest = &inside[end + 2..];
        }
        if !rest.is_empty() {
            parts.push(TemplatePart::Text(rest));
        }
        Ok(parts)
    }

    /// Whether an expression percent-encodes its value: it calls `urlencode`, or it is a variable that is set so.
    fn is_encoded(&self, text: &str, expression: &Compiled) -> bool {
        let variable = match expression {
            Compiled::Variable(id, _) => Some(*id),
            Compiled::Secret(inner) => match &**inner {
                Compiled::Variable(id, _) => Some(*id),
                _ => None,
            },
            _ => None,
        };
        calls_encoder(text) || variable.is_some_and(|id| self.variables.is_encoded(id))
    }

    /// Compiles a condition or a value: an expression with or without its braces.
    pub(crate) fn condition(&mut self, text: &str, place: &Place) -> Result<Compiled, Diagnostic> {
        let bare = text.trim();
        let alone = bare.strip_prefix("{{").filter(|inside| {
            grammar::end_of_expression(inside) == Some(inside.len().saturating_sub(2))
        });
        match alone {
            Some(inside) => self.expression(&inside[..inside.len() - 2], place),
            None => self.expression(bare, place),
        }
    }

    fn expression(&mut self, text: &str, place: &Place) -> Result<Compiled, Diagnostic> {
        self.watched(|resolver| resolver.compile(text, place))
    }

    /// Compiles an expression, and marks it if it uses secrets.
    fn watched(
        &mut self,
        compile: impl FnOnce(&mut Self) -> Result<Compiled, Diagnostic>,
    ) -> Result<Compiled, Diagnostic> {
        let before = self.secrets.take_mentioned();
        let compiled = compile(self)?;
        let mentions = self.secrets.take_mentioned();
        if before || mentions {
            self.secrets.mention();
        }
        let is_secret = mentions || self.secrets.place() != SecretPlace::Elsewhere;
        Ok(if is_secret {
            self.secrets.secret(compiled)
        } else {
            compiled
        })
    }

    #[expect(clippy::single_match_else, reason = "both arms have the same weight")]
    fn compile(&mut self, text: &str, place: &Place) -> Result<Compiled, Diagnostic> {
        let text = text.trim();
        check_length(text.len(), place)?;
        // Jinja has functions of its own, like range.
        let is_of_jinja = |name: &str| Function::named(name).is_none() && jinja::has_function(name);
        match grammar::read(text).filter(|ast| !ast.calls(is_of_jinja)) {
            Some(ast) => self.resolve(&ast, place),
            None => {
                let program = Unresolved::expression(text)
                    .map_err(|error| invalid_expression(text, &error, place))?;
                self.resolve_jinja(program, place)
            }
        }
    }

    fn resolve(&mut self, ast: &Ast, place: &Place) -> Result<Compiled, Diagnostic> {
        match ast {
            Ast::Literal(value) => Ok(Compiled::Constant(value.clone())),
            Ast::Name(name) if name == "env" => Err(Diagnostic::new(
                "`env` needs the name of an environment variable",
            )
            .at(place.clone(), "here")
            .help("write env.NAME")),
            Ast::Name(name) => {
                self.secrets.name(name);
                Ok(match self.data.get(name) {
                    Some((id, source)) => Compiled::Constant(whole(id, source, place)?),
                    None => {
                        Compiled::Variable(self.variables.use_at(name, place), name.as_str().into())
                    }
                })
            }
            Ast::Member(of, key) => self.resolve_member(of, key, place),
            Ast::Call(name, arguments) => self.resolve_call(name, arguments, place),
        }
    }

    fn resolve_member(
        &mut self,
        of: &Ast,
        key: &Key,
        place: &Place,
    ) -> Result<Compiled, Diagnostic> {
        match (of, key) {
            (Ast::Name(name), Key::Name(variable)) if name == "env" => {
                return Ok(Compiled::Constant(self.of_environment(variable, place)?));
            }
            (Ast::Name(name), Key::Name(column)) if self.data.get(name).is_some() => {
                return Err(Diagnostic::new(format!("no row of data `{name}` was drawn"))
                    .at(place.clone(), "here")
                    .help(format!(
                        "draw a row first with set = {{ row = \"{{{{ next({name}) }}}}\" }}, then use {{{{ row.{column} }}}}"
                    )));
            }
            _ => {}
        }
        let resolved = self.resolve(of, place)?;
        if let Key::Name(column) = key {
            self.secrets.name(column);
            match &resolved {
                Compiled::Variable(id, _) => self.variables.use_column(*id, column, place),
                Compiled::Next(_) | Compiled::Pick(_) | Compiled::PickRow(_) => {
                    let columns = self.columns_of(&resolved);
                    check_column(column, columns.as_deref(), place)?;
                }
                _ => {}
            }
        }
        Ok(Compiled::Member(Box::new(resolved), key.clone()))
    }

    /// Columns of the rows that an expression draws; `None` if it draws none.
    pub(crate) fn columns_of(&self, expression: &Compiled) -> Option<Vec<String>> {
        match expression {
            Compiled::Next(SourceId(id)) | Compiled::PickRow(SourceId(id)) => {
                let name = self.data.names().nth(*id)?;
                self.data.get(name)?.1.columns()
            }
            Compiled::Pick(values) => Rows::Memory(values.clone()).columns(),
            _ => None,
        }
    }

    fn resolve_call(
        &mut self,
        name: &str,
        arguments: &[Ast],
        place: &Place,
    ) -> Result<Compiled, Diagnostic> {
        let diagnostic = |message: String, help: String| {
            Diagnostic::new(message)
                .at(place.clone(), "here")
                .help(help)
        };
        let Some(function) = Function::named(name) else {
            let known = Function::ALL.map(Function::name);
            return Err(diagnostic(
                format!("unknown function `{name}`"),
                suggestion(name, known),
            ));
        };
        let (least, most) = function.arity();
        if arguments.len() < least || arguments.len() > most {
            return Err(diagnostic(
                format!("wrong number of arguments for {name}: {}", arguments.len()),
                format!("write {}", function.usage()),
            ));
        }
        match (function, arguments) {
            (Function::UserNumber, _) => return Ok(Compiled::UserNumber),
            (Function::Seq, []) => return Ok(Compiled::Seq),
            (Function::Seq, _) => return resolve_sequence(arguments, place),
            (Function::Pick | Function::Next, [Ast::Name(list)]) => {
                if let Some((id, source)) = self.data.get(list) {
                    self.secrets.name(list);
                    return draw(function, id, source, place);
                }
                if function == Function::Next {
                    return Err(diagnostic(
                        format!("unknown data `{list}`"),
                        suggestion(list, self.data.names()),
                    ));
                }
            }
            (Function::Next, _) => {
                return Err(diagnostic(
                    "invalid argument of next: must be the name of data".into(),
                    "write next(NAME) with a name of [data]".into(),
                ));
            }
            _ => {}
        }
        let arguments = arguments
            .iter()
            .map(|argument| self.resolve(argument, place));
        let arguments = arguments.collect::<Result<Vec<_>, _>>()?;
        compiled_call(function, arguments, place)
    }

    fn of_environment(&mut self, name: &str, place: &Place) -> Result<Value, Diagnostic> {
        let Some(value) = self.environment.variable(name) else {
            return Err(
                Diagnostic::new(format!("environment variable `{name}` is not set"))
                    .at(place.clone(), "used here")
                    .help(format!(
                        "set it, like {name}=… brunt …, or write env.{name} | default(\"…\")"
                    )),
            );
        };
        self.secrets.values.add(&value);
        self.secrets.mention();
        Ok(Value::text(value))
    }

    fn resolve_jinja(
        &mut self,
        program: Unresolved,
        place: &Place,
    ) -> Result<Compiled, Diagnostic> {
        let mut variables: Vec<(String, VariableId)> = Vec::new();
        let mut constants = Vec::new();
        if program.words().any(is_sensitive_name) {
            self.secrets.mention();
        }
        for name in program.names(false) {
            self.secrets.name(&name);
            if name == "env" {
                let mut environment = serde_json::Map::new();
                for nested in program.names(true) {
                    let Some(variable) = nested.strip_prefix("env.") else {
                        continue;
                    };
                    let is_set = self.environment.variable(variable).is_some();
                    if is_set || !program.has_default(variable) {
                        let value = self.of_environment(variable, place)?;
                        environment.insert(variable.to_owned(), value.to_json());
                    }
                }
                constants.push((name, minijinja::value::Serde(&environment).into()));
            } else if let Some((id, source)) = self.data.get(&name) {
                let rows = source.in_memory().map_or(&[][..], |rows| rows);
                let value = jinja::source(id, rows);
                constants.push((name, value));
            } else if let Some(nearest) = unknown_function(&program, &name) {
                return Err(Diagnostic::new(format!("unknown function `{name}`"))
                    .at(place.clone(), "here")
                    .help(nearest));
            } else {
                let id = self.variables.use_at(&name, place);
                variables.push((name, id));
            }
        }
        Ok(Compiled::Jinja(Arc::new(program.resolve(
            variables,
            constants,
            self.secrets.is_mentioned(),
        ))))
    }
}

/// Compiles `seq` with the name of a sequence.
fn resolve_sequence(arguments: &[Ast], place: &Place) -> Result<Compiled, Diagnostic> {
    let constants = arguments.iter().map(|argument| match argument {
        Ast::Literal(value) => Some(value.clone()),
        _ => None,
    });
    let constants: Option<Vec<Value>> = constants.collect();
    let sequence = constants.as_deref().map(Function::sequence);
    match sequence {
        Some(Ok((name, first))) if !name.is_empty() => Ok(Compiled::NamedSeq(name.into(), first)),
        _ => Err(Diagnostic::new("invalid arguments of seq")
            .at(place.clone(), "here")
            .help(format!("write {}", Function::Seq.usage()))),
    }
}

/// A suggestion, if an unknown name is called as a function.
fn unknown_function(program: &Unresolved, name: &str) -> Option<String> {
    let known = Function::ALL.map(Function::name);
    program.is_called(name).then(|| suggestion(name, known))
}

/// All rows of a source as one list.
fn whole(_: SourceId, source: &DataSource, place: &Place) -> Result<Value, Diagnostic> {
    source
        .in_memory()
        .map(|rows| Value::list(rows))
        .ok_or_else(|| {
            Diagnostic::new(format!("data `{}` is too large for one value", source.name))
                .at(place.clone(), "here")
                .help(format!(
                    "draw a row with next({0}) or pick({0})",
                    source.name
                ))
        })
}

fn draw(
    function: Function,
    id: SourceId,
    source: &DataSource,
    place: &Place,
) -> Result<Compiled, Diagnostic> {
    if source.rows.count() == 0 {
        return Err(Diagnostic::new(format!("data `{}` is empty", source.name))
            .at(place.clone(), "here")
            .help("add a row to it"));
    }
    Ok(match (function, source.in_memory()) {
        (Function::Next, _) => Compiled::Next(id),
        (_, Some(rows)) => Compiled::Pick(rows.clone()),
        (_, None) => Compiled::PickRow(id),
    })
}

/// Compiles a call to its fastest form, and rejects calls that are known to fail.
fn compiled_call(
    function: Function,
    arguments: Vec<Compiled>,
    place: &Place,
) -> Result<Compiled, Diagnostic> {
    let misused = |text: String| {
        Diagnostic::new(text)
            .at(place.clone(), "here")
            .help(format!("write {}", function.usage()))
    };
    let constants: Option<Vec<Value>> = arguments
        .iter()
        .map(|argument| argument.constant().cloned())
        .collect();
    let Some(constants) = constants else {
        return Ok(Compiled::Call(function, arguments.into()));
    };
    // A call with constant arguments is tried, to find errors; the result of a pure one is kept.
    let mut random = Xoshiro256PlusPlus::seed_from_u64(0);
    let tried = function.call(&constants, &mut random, || jiff::Timestamp::UNIX_EPOCH);
    let value = match tried {
        Ok(value) => value,
        Err(EvalError::Failed(text)) => return Err(misused(text)),
        Err(_) => {
            return Err(misused(format!(
                "{} cannot be called here",
                function.name()
            )));
        }
    };
    Ok(match function {
        _ if function.is_pure() => Compiled::Constant(value),
        Function::RandInt => match function.whole_range(&constants) {
            Ok((low, high)) => Compiled::RandInt(low, high),
            Err(_) => Compiled::Call(function, arguments.into()),
        },
        Function::Uniform => match (constants[0].as_number(), constants[1].as_number()) {
            (Some(low), Some(high)) => Compiled::Uniform(low, high),
            _ => Compiled::Call(function, arguments.into()),
        },
        Function::Pick => match &constants[0] {
            Value::Json(json) => match json.as_array() {
                Some(items) => Compiled::Pick(items.iter().map(Value::of_json).collect()),
                None => Compiled::Call(function, arguments.into()),
            },
            _ => Compiled::Call(function, arguments.into()),
        },
        _ => Compiled::Call(function, arguments.into()),
    })
}

fn invalid_expression(text: &str, error: &str, place: &Place) -> Diagnostic {
    Diagnostic::new(format!("invalid expression `{}`: {error}", text.trim()))
        .at(place.clone(), "here")
        .help("expressions have the syntax of Jinja; docs/scenario.md lists the functions")
}
