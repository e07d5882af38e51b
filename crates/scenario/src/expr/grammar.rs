//! The grammar of compiled expressions: literals, names, their members, and calls of functions with those. Jinja
//! evaluates all other expressions.

use crate::expr::expression::Key;
use crate::value::Value;

/// A parsed expression with unresolved names.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ast {
    Literal(Value),
    Name(String),
    Member(Box<Ast>, Key),
    Call(String, Vec<Ast>),
}

impl Ast {
    /// Whether it calls a function whose name matches.
    pub(crate) fn calls(&self, matches: fn(&str) -> bool) -> bool {
        match self {
            Self::Literal(_) | Self::Name(_) => false,
            Self::Member(of, _) => of.calls(matches),
            Self::Call(name, arguments) => {
                matches(name) || arguments.iter().any(|argument| argument.calls(matches))
            }
        }
    }
}

/// Position of the `}}` that ends an expression. Those inside strings are skipped.
#[expect(
    clippy::match_same_arms,
    reason = "strings are skipped before other text is examined"
)]
pub(crate) fn end_of_expression(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut quote, mut is_escaped, mut depth) = (None, false, 0u32);
    for (at, byte) in bytes.iter().enumerate() {
        match (quote, byte) {
            (Some(_), _) if is_escaped => is_escaped = false,
            (Some(_), b'\\') => is_escaped = true,
            (Some(open), byte) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'{') => depth += 1,
            (None, b'}') if depth > 0 => depth -= 1,
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
    }
    None
}

/// Length in bytes of the longest expression or statement of a Jinja text. An unterminated one extends to the end of the
/// text.
pub(crate) fn longest_tag(text: &str) -> usize {
    let (mut longest, mut rest) = (0, text);
    while let Some((at, close)) = ["{{", "{%", "{#"]
        .into_iter()
        .zip(["}}", "%}", "#}"])
        .filter_map(|(open, close)| Some((rest.find(open)?, close)))
        .min()
    {
        let inside = &rest[at + 2..];
        let length = if close == "#}" {
            let end = inside.find(close).unwrap_or(inside.len());
            rest = inside.get(end + 2..).unwrap_or("");
            continue;
        } else {
            end_of_tag(inside, close)
        };
        longest = longest.max(length);
        rest = inside.get(length + 2..).unwrap_or("");
    }
    longest
}

/// End of a tag. Closing characters inside strings are skipped.
#[expect(
    clippy::match_same_arms,
    reason = "strings are skipped before other text is examined"
)]
fn end_of_tag(text: &str, close: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut quote, mut is_escaped) = (None, false);
    for (at, byte) in bytes.iter().enumerate() {
        match quote {
            Some(_) if is_escaped => is_escaped = false,
            Some(_) if *byte == b'\\' => is_escaped = true,
            Some(open) if open == byte => quote = None,
            Some(_) => {}
            None if matches!(byte, b'"' | b'\'') => quote = Some(byte),
            None if bytes[at..].starts_with(close.as_bytes()) => return at,
            None => {}
        }
    }
    bytes.len()
}

/// Parses an expression; `None` if Jinja has to evaluate it.
pub(crate) fn read(text: &str) -> Option<Ast> {
    let mut reader = Reader {
        rest: text,
        depth: 0,
    };
    let ast = reader.expression()?;
    reader.rest.trim_start().is_empty().then_some(ast)
}

struct Reader<'a> {
    rest: &'a str,
    depth: u32,
}

/// Deepest nesting of calls. Jinja, which has a limit of its own, evaluates deeper ones.
const DEPTH_MAX: u32 = 32;

impl Reader<'_> {
    fn expression(&mut self) -> Option<Ast> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        self.rest = self.rest.trim_start();
        let first = self.rest.bytes().next()?;
        let mut ast = match first {
            b'"' | b'\'' => Ast::Literal(Value::text(self.quoted()?)),
            b'-' | b'0'..=b'9' => Ast::Literal(self.number()?),
            _ => self.name_or_call()?,
        };
        while let Some(key) = self.member()? {
            ast = Ast::Member(Box::new(ast), key);
        }
        self.depth -= 1;
        Some(ast)
    }

    fn takes(&mut self, text: &str) -> bool {
        let rest = self.rest.trim_start();
        match rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn name(&mut self) -> Option<String> {
        let rest = self.rest.trim_start();
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let name = &rest[..end];
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        self.rest = &rest[end..];
        Some(name.to_owned())
    }

    fn name_or_call(&mut self) -> Option<Ast> {
        let name = self.name()?;
        match name.as_str() {
            "true" | "True" => return Some(Ast::Literal(Value::Bool(true))),
            "false" | "False" => return Some(Ast::Literal(Value::Bool(false))),
            "none" | "None" => return Some(Ast::Literal(Value::None)),
            // Keywords of Jinja.
            "not" | "and" | "or" | "in" | "is" | "if" | "else" => return None,
            _ => {}
        }
        if !self.takes("(") {
            return Some(Ast::Name(name));
        }
        let mut arguments = Vec::new();
        if self.takes(")") {
            return Some(Ast::Call(name, arguments));
        }
        loop {
            arguments.push(self.expression()?);
            if self.takes(")") {
                return Some(Ast::Call(name, arguments));
            }
            if !self.takes(",") {
                return None;
            }
        }
    }

    /// Parses a following member; the outer `None` if Jinja has to evaluate it.
    #[expect(clippy::option_option, reason = "as above")]
    fn member(&mut self) -> Option<Option<Key>> {
        if self.takes(".") {
            let name = self.name()?;
            // Jinja evaluates methods.
            if self.rest.trim_start().starts_with('(') {
                return None;
            }
            return Some(Some(Key::Name(name.as_str().into())));
        }
        if !self.takes("[") {
            return Some(None);
        }
        self.rest = self.rest.trim_start();
        let key = match self.rest.bytes().next()? {
            b'"' | b'\'' => Key::Name(self.quoted()?.as_str().into()),
            b'-' | b'0'..=b'9' => match self.number()? {
                Value::Integer(index) => Key::Index(index),
                _ => return None,
            },
            _ => return None,
        };
        self.takes("]").then_some(Some(key))
    }

    /// Parses a string without escapes.
    fn quoted(&mut self) -> Option<String> {
        let quote = self.rest.chars().next()?;
        let inside = &self.rest[1..];
        let end = inside.find(quote)?;
        let text = &inside[..end];
        if text.contains('\\') {
            return None;
        }
        self.rest = &inside[end + 1..];
        Some(text.to_owned())
    }

    fn number(&mut self) -> Option<Value> {
        let is_part = |c: char| c.is_ascii_digit() || c == '.';
        let digits = self.rest.strip_prefix('-').unwrap_or(self.rest);
        let end = digits.find(|c| !is_part(c)).unwrap_or(digits.len());
        let length = self.rest.len() - digits.len() + end;
        let length = length + exponent_bytes(&self.rest[length..]);
        let (number, rest) = self.rest.split_at(length);
        // Jinja evaluates numbers such as 1_000.
        if rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
            || number.ends_with('.')
        {
            return None;
        }
        self.rest = rest;
        number
            .parse::<f64>()
            .is_ok()
            .then(|| Value::of_number(number))
    }
}

/// Length of the exponent of a number, such as `e-5`.
fn exponent_bytes(text: &str) -> usize {
    let Some(exponent) = text.strip_prefix(['e', 'E']) else {
        return 0;
    };
    let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let count = digits.bytes().take_while(u8::is_ascii_digit).count();
    if count == 0 {
        return 0;
    }
    text.len() - digits.len() + count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn end_of_expression_skips_strings_and_tables() {
        for (text, end) in [
            (" x }} y }}", Some(3)),
            (" \"}}\" }}", Some(6)),
            ("'\\'}}' }}", Some(7)),
            ("{'a': {}} }}", Some(10)),
            ("{'a': 1}}}", Some(8)),
            ("x }", None),
        ] {
            assert_eq!(end_of_expression(text), end, "{text}");
        }
    }

    #[test]
    fn longest_tag_is_found_outside_comments_and_strings() {
        for (text, length) in [
            ("a", 0),
            ("{{ x }}", 3),
            ("{% if x %}{{ longer }}{% endif %}", 8),
            ("{# a long comment #}{{x}}", 1),
            ("{{ '}}' ~ \"%}\" }}", 13),
            ("{% set x = '\\'%}' %}", 16),
            ("{{ no end", 7),
        ] {
            assert_eq!(longest_tag(text), length, "{text}");
        }
    }

    #[test]
    fn common_expressions_are_parsed_and_others_left_to_jinja() {
        for text in [
            "x",
            "x.y[0]['z'].w",
            "pick(xs)",
            "f(1, -2.5, 'a', g(true, none))",
            "next(users).name",
            " now( ) ",
            "f(1e5, -1.5E+10)",
        ] {
            assert!(read(text).is_some(), "{text}");
        }
        for text in [
            "",
            "x + 1",
            "x | upper",
            "not x",
            "x.y()",
            "'a\\n'",
            "1e",
            "1.",
            "f(x=1)",
            "f(1",
            "x[y]",
            "[1, 2]",
            "{}",
            "a if b else c",
            "x.1",
            "1 2",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
