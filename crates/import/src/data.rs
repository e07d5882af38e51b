//! Lists of `[data]`, and the expressions that draw from them.

use indexmap::IndexMap;
use serde_json::Value;

use crate::secrets::variable_of;

/// Largest number of values of a list, since people read the scenario.
const VALUES_MAX: usize = 100;

/// Noncharacters around the name of an environment variable in a text that is otherwise literal. They are data only if
/// the variable is known, so the content of a file cannot name others.
const MARK: (char, char) = ('\u{fdd0}', '\u{fdd1}');

/// Sign before the name of a variable whose value is percent-encoded.
const ENCODED: char = '*';

/// Lists by name, in the order in which they were added, and environment variables.
#[derive(Debug, Default)]
pub(crate) struct Data {
    lists: IndexMap<String, List>,
    /// Names of variables of users, which no list may have.
    names: Vec<String>,
    /// Expressions that marks stand for.
    expressions: Vec<String>,
    /// Environment variables with the secrets that they stand for; `None`: any value.
    variables: IndexMap<String, Option<String>>,
}

/// An environment variable that stands for a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SecretVariable {
    pub(crate) variable: String,
    /// The mark for literal texts.
    pub(crate) mark: String,
}

/// A piece of a literal text.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece<'a> {
    Literal(&'a str),
    Expression(String),
    /// An expression whose value is percent-encoded.
    EncodedExpression(String),
}

/// A list of values.
#[derive(Debug, Default)]
pub(crate) struct List {
    /// Strings, numbers and booleans.
    pub(crate) values: Vec<Value>,
    /// Comment for the reader of the scenario.
    pub(crate) comment: Option<&'static str>,
    /// Place that the values belong to, such as a path with its parameter. Lists of different places are never the same
    /// list, since users replace their values.
    place: Option<String>,
}

/// Names that have a meaning in expressions.
const NAMES_OF_EXPRESSIONS: [&str; 26] = [
    "env",
    "pick",
    "pick_weighted",
    "next",
    "uniform",
    "normal",
    "randint",
    "uuid",
    "random_string",
    "seq",
    "now",
    "base64",
    "sha256",
    "hmac_sha256",
    "urlencode",
    "json",
    "sample",
    "none",
    "true",
    "false",
    "loop",
    "in",
    "is",
    "not",
    "if",
    "else",
];

/// Comment of lists with generated values.
const GENERATED: &str = "generated: replace with real values";

impl Data {
    /// Adds a list, unless one with the same values exists, and returns the expression that draws from it.
    pub(crate) fn pick(&mut self, wanted: &str, values: Vec<Value>) -> String {
        let wanted = identifier(wanted);
        let values = distinct(values);
        let mut name = wanted.clone();
        for number in 2.. {
            match self.lists.get(&name) {
                Some(list) if list.values == values && list.place.is_none() => break,
                None if !self.names.contains(&name) => break,
                _ => name = format!("{wanted}_{number}"),
            }
        }
        let list = self.lists.entry(name.clone()).or_default();
        list.values = values;
        expression(&name)
    }

    /// Adds values to the list of this name, and returns the expression that draws from it.
    pub(crate) fn pick_among(&mut self, name: &str, values: Vec<Value>) -> String {
        let name = identifier(name);
        let list = self.lists.entry(name.clone()).or_default();
        list.values = distinct(list.values.drain(..).chain(values).collect());
        expression(&name)
    }

    /// Adds the values of a place, and returns the expression that draws from them. They replace values that were generated
    /// for it before.
    pub(crate) fn pick_at(&mut self, place: &str, wanted: &str, values: Vec<Value>) -> String {
        let values = distinct(values);
        let is_known = |list: &List| {
            list.place.as_deref() == Some(place)
                && (list.values == values || list.comment == Some(GENERATED))
        };
        let known = self.lists.iter_mut().find(|(_, list)| is_known(list));
        if let Some((name, list)) = known {
            (list.values, list.comment) = (values, None);
            return expression(name);
        }
        self.add_at(place, wanted, values, None)
    }

    /// Draws from the values of a place. If there are none yet, generated ones are added, with a comment.
    pub(crate) fn pick_generated(
        &mut self,
        place: &str,
        wanted: &str,
        values: Vec<Value>,
    ) -> String {
        let known = self
            .lists
            .iter()
            .find(|(_, list)| list.place.as_deref() == Some(place));
        match known {
            Some((name, _)) => expression(name),
            None => self.add_at(place, wanted, distinct(values), Some(GENERATED)),
        }
    }

    fn add_at(
        &mut self,
        place: &str,
        wanted: &str,
        values: Vec<Value>,
        comment: Option<&'static str>,
    ) -> String {
        let wanted = identifier(wanted);
        let mut name = wanted.clone();
        for number in 2.. {
            if !self.is_taken(&name) {
                break;
            }
            name = format!("{wanted}_{number}");
        }
        let drawn = expression(&name);
        let list = List {
            values,
            comment,
            place: Some(place.to_owned()),
        };
        self.lists.insert(name, list);
        drawn
    }

    /// Reserves a name for a variable of users, and returns it, with a number if it is taken.
    pub(crate) fn reserve(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        for number in 2.. {
            if !self.is_taken(&name) && !NAMES_OF_EXPRESSIONS.contains(&name.as_str()) {
                break;
            }
            name = format!("{wanted}_{number}");
        }
        self.names.push(name.clone());
        name
    }

    fn is_taken(&self, name: &str) -> bool {
        self.lists.contains_key(name) || self.names.iter().any(|known| known == name)
    }

    /// Returns the mark that stands for an expression in literal texts.
    pub(crate) fn mark(&mut self, expression: &str) -> String {
        let known = self
            .expressions
            .iter()
            .position(|known| known == expression);
        let at = known.unwrap_or_else(|| {
            self.expressions.push(expression.to_owned());
            self.expressions.len() - 1
        });
        format!("{}{at}{}", MARK.0, MARK.1)
    }

    /// The expression that the content of a mark stands for.
    fn marked(&self, content: &str) -> Option<String> {
        if self.variables.contains_key(content) {
            return Some(format!("env.{content}"));
        }
        let at: usize = content.parse().ok()?;
        self.expressions.get(at).cloned()
    }

    /// Adds an environment variable for a secret, and returns the mark that stands for it in literal texts. Each value
    /// of a name has a variable; without a value, a name has one variable.
    pub(crate) fn secret(&mut self, name: &str, value: Option<&str>) -> SecretVariable {
        let wanted = variable_of(name);
        let mut variable = wanted.clone();
        for number in 2.. {
            match (self.variables.get(&variable), value) {
                (Some(Some(known)), Some(value)) if known != value => {
                    variable = format!("{wanted}_{number}");
                }
                _ => break,
            }
        }
        self.variables
            .entry(variable.clone())
            .or_insert_with(|| value.map(ToOwned::to_owned));
        let mark = self.variable(&variable);
        SecretVariable { variable, mark }
    }

    /// Adds an environment variable, and returns its mark.
    pub(crate) fn variable(&mut self, name: &str) -> String {
        self.variables.entry(name.to_owned()).or_default();
        format!("{}{name}{}", MARK.0, MARK.1)
    }

    /// Splits a text into literal texts and expressions.
    fn pieces<'a>(&self, text: &'a str) -> Vec<Piece<'a>> {
        let mut pieces = Vec::new();
        let mut rest = text;
        let mut from = 0;
        while let Some(at) = rest[from..].find(MARK.0).map(|at| at + from) {
            let inner = &rest[at + MARK.0.len_utf8()..];
            let marked = inner.split(MARK.1).next().unwrap_or_default();
            let name = marked.trim_start_matches(ENCODED);
            let expression = self.marked(name).filter(|_| marked.len() < inner.len());
            if let Some(expression) = expression {
                pieces.push(Piece::Literal(&rest[..at]));
                pieces.push(if marked.starts_with(ENCODED) {
                    Piece::EncodedExpression(expression)
                } else {
                    Piece::Expression(expression)
                });
                rest = &inner[marked.len() + MARK.1.len_utf8()..];
                from = 0;
            } else {
                from = at + MARK.0.len_utf8();
            }
        }
        pieces.push(Piece::Literal(rest));
        pieces
    }

    /// Whether a text contains an environment variable or another expression.
    pub(crate) fn has_variable(&self, text: &str) -> bool {
        self.pieces(text).len() > 1
    }

    /// Converts a literal text for a place where expressions are evaluated.
    pub(crate) fn literal(&mut self, text: &str) -> String {
        self.converted(
            text,
            |expression| format!("{{{{ urlencode({expression}) }}}}"),
            Self::without_expressions,
        )
    }

    /// Converts a path with its query.
    pub(crate) fn literal_path(&mut self, text: &str) -> String {
        // A drawn brace would be encoded anyway.
        let encoded = |_: &mut Self, text: &str| text.replace("{{", "%7B%7B").replace("{%", "%7B%");
        let encoded_expression = |expression: &str| format!("{{{{ {expression} }}}}");
        self.converted(text, encoded_expression, encoded)
    }

    /// Converts a path for the name of a request, which contains no expressions.
    pub(crate) fn literal_name(&self, text: &str) -> String {
        let of_piece = |piece| match piece {
            Piece::Literal(text) => text.replace("{{", "{ {"),
            Piece::Expression(expression) | Piece::EncodedExpression(expression) => {
                let name = expression.strip_prefix("env.").unwrap_or(&expression);
                let name = name.split(' ').next().unwrap_or_default();
                format!("{{{}}}", name.to_ascii_lowercase())
            }
        };
        self.pieces(text).into_iter().map(of_piece).collect()
    }

    fn converted(
        &mut self,
        text: &str,
        encoded: impl Fn(&str) -> String,
        literal: impl Fn(&mut Self, &str) -> String,
    ) -> String {
        let mut converted = String::new();
        for piece in self.pieces(text) {
            let expression = match piece {
                Piece::Literal(text) => {
                    converted += &literal(self, text);
                    continue;
                }
                Piece::Expression(expression) => format!("{{{{ {expression} }}}}"),
                Piece::EncodedExpression(expression) => encoded(&expression),
            };
            // With the delimiter after it, a brace would be another delimiter.
            if converted.ends_with('{') {
                converted.pop();
                converted += &self.pick("brace", vec![Value::from("{")]);
            }
            converted += &expression;
        }
        converted
    }

    /// Converts a text so that it evaluates to itself.
    ///
    /// The language has no escape for the delimiters of expressions, but drawn values are not evaluated again.
    fn without_expressions(&mut self, text: &str) -> String {
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = ["{{", "{%", "{#"]
            .iter()
            .filter_map(|begin| rest.find(begin))
            .min()
        {
            let (before, after) = rest.split_at(at);
            let (begin, after) = after.split_at(2);
            literal += before;
            literal += &self.pick("braces", vec![Value::from(begin)]);
            rest = after;
        }
        literal + rest
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &List)> {
        self.lists.iter()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }
}

/// The mark of a variable in a text that is already encoded.
pub(crate) fn encoded_mark(mark: &str) -> String {
    with_plain_marks(mark).replacen(MARK.0, &format!("{}{ENCODED}", MARK.0), 1)
}

/// A text whose variables are not encoded yet.
pub(crate) fn with_plain_marks(text: &str) -> String {
    text.replace(&format!("{}{ENCODED}", MARK.0), &MARK.0.to_string())
}

/// The expression that draws from a list.
fn expression(list: &str) -> String {
    format!("{{{{ pick({list}) }}}}")
}

fn distinct(values: Vec<Value>) -> Vec<Value> {
    let mut distinct: Vec<Value> = Vec::new();
    for value in values {
        if distinct.len() == VALUES_MAX {
            break;
        }
        if !distinct.contains(&value) {
            distinct.push(value);
        }
    }
    distinct
}

/// A valid name in expressions: lowercase letters, digits and underscores.
pub(crate) fn identifier(text: &str) -> String {
    const LENGTH_MAX: usize = 40;
    let mut name = String::new();
    let mut before_is_small = false;
    for letter in text.chars() {
        if letter.is_ascii_alphanumeric() {
            if letter.is_ascii_uppercase() && before_is_small {
                name.push('_');
            }
            name.push(letter.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
        before_is_small = letter.is_ascii_lowercase();
    }
    name.truncate(LENGTH_MAX);
    let name = name.trim_end_matches('_');
    if name.is_empty() {
        return "values".to_owned();
    }
    if name.starts_with(|first: char| first.is_ascii_digit()) {
        return format!("n_{name}");
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn list_name_is_a_valid_identifier() {
        let cases = [
            ("petId", "pet_id"),
            ("user-ids", "user_ids"),
            ("X-Api-Version", "x_api_version"),
            ("Größe", "gr_e"),
            ("2fa", "n_2fa"),
            ("日本", "values"),
            ("", "values"),
        ];
        for (text, expected) in cases {
            assert_eq!(identifier(text), expected, "{text}");
        }
    }

    #[test]
    fn equal_values_share_a_list_and_others_get_another_name() {
        let mut data = Data::default();
        assert_eq!(
            data.pick("size", vec![json!(1), json!(2)]),
            "{{ pick(size) }}"
        );
        assert_eq!(
            data.pick("size", vec![json!(1), json!(2), json!(1)]),
            "{{ pick(size) }}"
        );
        assert_eq!(data.pick("size", vec![json!("1")]), "{{ pick(size_2) }}");
        assert_eq!(data.pick_among("size", vec![json!(3)]), "{{ pick(size) }}");
        let lists: Vec<usize> = data.iter().map(|(_, list)| list.values.len()).collect();
        assert_eq!(lists, [3, 1]);
    }

    #[test]
    fn lists_of_different_places_are_not_shared() {
        let mut data = Data::default();
        let ids = || vec![json!(1), json!(2)];
        let (a, b) = ("/a/{id}", "/b/{id}");
        assert_eq!(data.pick_generated(a, "id", ids()), "{{ pick(id) }}");
        assert_eq!(data.pick_generated(b, "id", ids()), "{{ pick(id_2) }}");
        // Given values replace generated ones, and other given values get a list of their own.
        assert_eq!(data.pick_at(a, "id", vec![json!(7)]), "{{ pick(id) }}");
        assert_eq!(data.pick_at(a, "id", vec![json!(8)]), "{{ pick(id_3) }}");
        assert_eq!(data.pick_at(a, "id", vec![json!(7)]), "{{ pick(id) }}");
        assert_eq!(data.pick_generated(a, "id", ids()), "{{ pick(id) }}");
        let has_comment = |(_, list): (&String, &List)| list.comment.is_some();
        let comments: Vec<bool> = data.iter().map(has_comment).collect();
        assert_eq!(comments, [false, true, false]);
    }

    #[test]
    fn mark_becomes_its_expression() {
        let mut data = Data::default();
        let name = data.reserve("next");
        assert_eq!(name, "next_2");
        assert_eq!(data.pick(&name, vec![json!(1)]), "{{ pick(next_2_2) }}");
        let mark = data.mark("next_2 | int");
        let text = format!("/a/{mark}");
        assert_eq!(data.literal_path(&text), "/a/{{ next_2 | int }}");
        assert_eq!(data.literal_name(&text), "/a/{next_2}");
        let encoded = encoded_mark(&mark);
        assert_eq!(data.literal(&encoded), "{{ urlencode(next_2 | int) }}");
        // A number that does not stand for an expression stays.
        assert_eq!(data.literal("\u{fdd0}7\u{fdd1}"), "\u{fdd0}7\u{fdd1}");
    }

    #[test]
    fn literal_braces_are_drawn_from_a_list() {
        let mut data = Data::default();
        assert_eq!(data.literal("a } b"), "a } b");
        assert!(data.is_empty());
        assert_eq!(
            data.literal("a {{b}}{{"),
            "a {{ pick(braces) }}b}}{{ pick(braces) }}"
        );
    }

    #[test]
    fn variable_of_a_secret_becomes_an_expression() {
        let mut data = Data::default();
        let [one, same, other] =
            ["a", "a", "b"].map(|value| data.secret("access-token", Some(value)));
        assert_eq!(one, same);
        assert_eq!(other.variable, "ACCESS_TOKEN_2");
        let text = format!("x={}&{{{{={}", one.mark, other.mark);
        assert_eq!(
            data.literal(&text),
            "x={{ env.ACCESS_TOKEN }}&{{ pick(braces) }}={{ env.ACCESS_TOKEN_2 }}"
        );
        assert_eq!(
            data.literal_path(&text),
            "x={{ env.ACCESS_TOKEN }}&%7B%7B={{ env.ACCESS_TOKEN_2 }}"
        );
        assert_eq!(
            data.literal(&encoded_mark(&one.mark)),
            "{{ urlencode(env.ACCESS_TOKEN) }}"
        );
    }

    #[test]
    fn mark_of_an_unknown_variable_is_literal() {
        let mut data = Data::default();
        let hostile = "\u{fdd0}HOME\u{fdd1}";
        assert_eq!(data.literal(hostile), hostile);
        assert!(!data.has_variable(hostile));
        let known = data.variable("HOME");
        assert_eq!(data.literal(&known), "{{ env.HOME }}");
        assert!(data.has_variable(&known));
    }
}
