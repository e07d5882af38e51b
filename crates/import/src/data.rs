//! The lists of `[data]`, and the expressions that draw from them.

use indexmap::IndexMap;
use serde_json::Value;

/// A list is never longer: a scenario to start from is read by people.
const VALUES_MAX: usize = 100;

/// Lists by name, in the order in which they came up.
#[derive(Debug, Default)]
pub(crate) struct Data {
    lists: IndexMap<String, List>,
}

/// A list.
#[derive(Debug, Default)]
pub(crate) struct List {
    /// Texts, numbers and booleans.
    pub(crate) values: Vec<Value>,
    /// What its reader has to know.
    pub(crate) comment: Option<&'static str>,
}

impl Data {
    /// The expression that draws from these values, of a list of its own or of one that is the same.
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

    /// The expression that draws from the list of this name, to which these values are added.
    pub(crate) fn pick_among(&mut self, name: &str, values: Vec<Value>) -> String {
        let name = identifier(name);
        let list = self.lists.entry(name.clone()).or_default();
        list.values = distinct(list.values.drain(..).chain(values).collect());
        expression(&name)
    }

    /// Puts a comment to the list that an expression draws from.
    pub(crate) fn comment(&mut self, drawn: &str, comment: &'static str) {
        let list = self
            .lists
            .iter_mut()
            .find(|(name, _)| expression(name) == drawn);
        if let Some((_, list)) = list {
            list.comment = Some(comment);
        }
    }

    /// A text that stands for itself, where expressions may stand.
    ///
    /// The language has no escape for what begins an expression, but what is drawn is not read again.
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
    let mut kept: Vec<Value> = Vec::new();
    for value in values {
        if kept.len() == VALUES_MAX {
            break;
        }
        if !kept.contains(&value) {
            kept.push(value);
        }
    }
    kept
}

/// A name that can stand in an expression: small letters, digits and underscores.
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
    fn lists_have_names_that_expressions_take() {
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
    fn the_same_values_are_one_list_and_others_have_another_name() {
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
    fn braces_stand_for_themselves() {
        let mut data = Data::default();
        assert_eq!(data.literal("a } b"), "a } b");
        assert!(data.is_empty());
        assert_eq!(
            data.literal("a {{b}}{{"),
            "a {{ pick(braces) }}b}}{{ pick(braces) }}"
        );
    }
}
