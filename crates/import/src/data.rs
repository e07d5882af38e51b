//! Lists of `[data]`, and the expressions that draw from them.

use indexmap::IndexMap;
use serde_json::Value;

/// Largest number of values of a list, since people read the scenario.
const VALUES_MAX: usize = 100;

/// Lists by name, in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct Data {
    lists: IndexMap<String, List>,
}

/// A list of values.
#[derive(Debug, Default)]
pub(crate) struct List {
    /// Strings, numbers and booleans.
    pub(crate) values: Vec<Value>,
    /// Comment for the reader of the scenario.
    pub(crate) comment: Option<&'static str>,
}

impl Data {
    /// Adds a list, unless one with the same values exists, and returns the expression that draws from it.
    pub(crate) fn pick(&mut self, wanted: &str, values: Vec<Value>) -> String {
        let wanted = identifier(wanted);
        let values = distinct(values);
        let mut name = wanted.clone();
        for number in 2.. {
            match self.lists.get(&name) {
                Some(list) if list.values != values => name = format!("{wanted}_{number}"),
                _ => break,
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

    /// Sets the comment of the list that an expression draws from.
    pub(crate) fn comment(&mut self, drawn: &str, comment: &'static str) {
        let list = self
            .lists
            .iter_mut()
            .find(|(name, _)| expression(name) == drawn);
        if let Some((_, list)) = list {
            list.comment = Some(comment);
        }
    }

    /// Converts a text for a place where expressions are evaluated, so that it evaluates to itself.
    ///
    /// The language has no escape for the delimiters of expressions, but drawn values are not evaluated again.
    pub(crate) fn literal(&mut self, text: &str) -> String {
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
fn identifier(text: &str) -> String {
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
    fn literal_braces_are_drawn_from_a_list() {
        let mut data = Data::default();
        assert_eq!(data.literal("a } b"), "a } b");
        assert!(data.is_empty());
        assert_eq!(
            data.literal("a {{b}}{{"),
            "a {{ pick(braces) }}b}}{{ pick(braces) }}"
        );
    }
}
