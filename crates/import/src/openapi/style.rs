//! Serialization of parameters by `style` and `explode` (OpenAPI 3.0.4, "Style Values", with RFC 6570), and by the
//! `collectionFormat` of Swagger 2.0.
//!
//! Texts are those of the scenario file: literals are percent-encoded here, and brunt encodes the values of expressions.

use serde_json::Value;

use super::template::encoded_literals;

/// Place of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
    Header,
    Cookie,
}

/// A style.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Matrix,
    Label,
    Simple,
    Form,
    /// Items with a character between them.
    Delimited(char),
    DeepObject,
}

/// Form in which a parameter is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Format {
    style: Style,
    explode: bool,
    allow_reserved: bool,
    place: Place,
}

impl Format {
    /// Reads the form of a parameter, or of a field of a form with an `encoding`.
    pub(super) fn of(described: &Value, place: Place) -> Self {
        let text = |key: &str| described.get(key).and_then(Value::as_str);
        let flag = |key: &str| described.get(key).and_then(Value::as_bool);
        let default = match place {
            Place::Path | Place::Header => Style::Simple,
            Place::Query | Place::Cookie => Style::Form,
        };
        let style = match text("style").or_else(|| text("collectionFormat")) {
            Some("matrix") => Style::Matrix,
            Some("label") => Style::Label,
            Some("simple") => Style::Simple,
            Some("form" | "multi") => Style::Form,
            Some("spaceDelimited" | "ssv") => Style::Delimited(' '),
            Some("pipeDelimited" | "pipes") => Style::Delimited('|'),
            Some("tsv") => Style::Delimited('\t'),
            Some("deepObject") => Style::DeepObject,
            _ => default,
        };
        // An array of Swagger 2.0 has the format `csv` unless another one is given.
        let is_old = described.get("schema").is_none() && described.get("type").is_some();
        let explode = match text("collectionFormat") {
            Some(format) => format == "multi",
            None => flag("explode").unwrap_or(style == Style::Form && !is_old),
        };
        Self {
            style,
            explode,
            allow_reserved: flag("allowReserved") == Some(true),
            place,
        }
    }

    /// Serializes a value. Empty if nothing is sent.
    pub(super) fn serialized(self, name: &str, value: &Value) -> String {
        let items: Vec<String> = match value {
            Value::Array(items) => items.iter().filter_map(|item| self.text(item)).collect(),
            Value::Object(fields) => return self.object(name, fields),
            single => return self.single(name, self.text(single).as_deref()),
        };
        if items.is_empty() {
            return String::new();
        }
        let name = self.encoded(name);
        let joined = |separator: &str| items.join(separator);
        let repeated = |before: &str, separator: &str| {
            let items: Vec<String> = items
                .iter()
                .map(|item| format!("{before}{name}={item}"))
                .collect();
            items.join(separator)
        };
        match (self.style, self.explode) {
            (Style::Matrix, false) => format!(";{name}={}", joined(",")),
            (Style::Matrix, true) => repeated(";", ""),
            (Style::Label, explode) => format!(".{}", joined(if explode { "." } else { "," })),
            (Style::Delimited(between), false) => {
                self.named(&name, &joined(&self.between(between)))
            }
            (Style::Form, false) => self.named(&name, &joined(",")),
            // A list has no form in the style deepObject.
            (Style::Form | Style::Delimited(_) | Style::DeepObject, _) if self.is_named() => {
                repeated("", self.separator())
            }
            _ => joined(","),
        }
    }

    fn single(self, name: &str, text: Option<&str>) -> String {
        let name = self.encoded(name);
        match (self.style, text) {
            (Style::Matrix, None | Some("")) => format!(";{name}"),
            (Style::Matrix, Some(text)) => format!(";{name}={text}"),
            (Style::Label, text) => format!(".{}", text.unwrap_or_default()),
            (_, text) => self.named(&name, text.unwrap_or_default()),
        }
    }

    fn object(self, name: &str, fields: &serde_json::Map<String, Value>) -> String {
        if self.style == Style::DeepObject {
            let mut pairs = Vec::new();
            self.deep(&self.encoded(name), fields, &mut pairs);
            return pairs.join(self.separator());
        }
        let pairs: Vec<(String, String)> = fields
            .iter()
            .filter_map(|(key, value)| Some((self.encoded(key), self.text(value)?)))
            .collect();
        if pairs.is_empty() {
            return String::new();
        }
        let name = self.encoded(name);
        let joined = |within: &str, between: &str| {
            let pairs: Vec<String> = pairs
                .iter()
                .map(|(key, value)| format!("{key}{within}{value}"))
                .collect();
            pairs.join(between)
        };
        match (self.style, self.explode) {
            (Style::Matrix, false) => format!(";{name}={}", joined(",", ",")),
            (Style::Matrix, true) => format!(";{}", joined("=", ";")),
            (Style::Label, false) => format!(".{}", joined(",", ",")),
            (Style::Label, true) => format!(".{}", joined("=", ".")),
            (Style::Simple, false) => joined(",", ","),
            (Style::Simple, true) => joined("=", ","),
            (Style::Delimited(between), _) => {
                let between = self.between(between);
                self.named(&name, &joined(&between, &between))
            }
            (Style::Form | Style::DeepObject, true) => joined("=", self.separator()),
            (Style::Form | Style::DeepObject, false) => self.named(&name, &joined(",", ",")),
        }
    }

    /// Pairs of the style deepObject. It is defined for scalars only; nested values are written as most servers expect.
    fn deep(self, name: &str, fields: &serde_json::Map<String, Value>, pairs: &mut Vec<String>) {
        for (key, value) in fields {
            let name = format!("{name}%5B{}%5D", self.encoded(key));
            match value {
                Value::Object(fields) => self.deep(&name, fields, pairs),
                Value::Array(items) => pairs.extend(
                    items
                        .iter()
                        .filter_map(|item| Some(format!("{name}={}", self.text(item)?))),
                ),
                single => pairs.extend(self.text(single).map(|text| format!("{name}={text}"))),
            }
        }
    }

    /// Name and value in places that have names.
    fn named(self, name: &str, value: &str) -> String {
        if self.is_named() {
            format!("{name}={value}")
        } else {
            value.to_owned()
        }
    }

    fn is_named(self) -> bool {
        matches!(self.place, Place::Query | Place::Cookie)
    }

    const fn separator(self) -> &'static str {
        match self.place {
            Place::Cookie => "; ",
            _ => "&",
        }
    }

    fn between(self, delimiter: char) -> String {
        self.encoded(&delimiter.to_string())
    }

    /// Text of a scalar; JSON for a nested value, for which no style is defined.
    fn text(self, value: &Value) -> Option<String> {
        Some(match value {
            Value::Null => return None,
            Value::String(text) => self.encoded(text),
            other => self.encoded(&other.to_string()),
        })
    }

    fn encoded(self, text: &str) -> String {
        encoded_literals(text, |literal| match self.place {
            Place::Header => one_line(literal),
            _ if self.allow_reserved => component_with_reserved(literal),
            _ => component(literal),
        })
    }
}

/// Encodes a text for a segment of a path or for a query.
pub(super) fn component(text: &str) -> String {
    percent_encoded(text, b"-._~")
}

/// Encodes a text, except the reserved characters that have no meaning of their own in a query (RFC 6570, 3.2.3).
fn component_with_reserved(text: &str) -> String {
    percent_encoded(text, b"-._~:/?@!$'()*,;=")
}

fn percent_encoded(text: &str, kept: &[u8]) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || kept.contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

fn one_line(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Cells of the table "Style Examples" of OpenAPI 3.0.4 (also in 3.1.1): style, explode, and the forms of an undefined
    /// value, a string, an array and an object. The query has no `?` here.
    const STYLE_EXAMPLES: [(&str, bool, [Option<&str>; 4]); 10] = [
        (
            "matrix",
            false,
            [
                Some(";color"),
                Some(";color=blue"),
                Some(";color=blue,black,brown"),
                Some(";color=R,100,G,200,B,150"),
            ],
        ),
        (
            "matrix",
            true,
            [
                Some(";color"),
                Some(";color=blue"),
                Some(";color=blue;color=black;color=brown"),
                Some(";R=100;G=200;B=150"),
            ],
        ),
        (
            "label",
            false,
            [
                Some("."),
                Some(".blue"),
                Some(".blue,black,brown"),
                Some(".R,100,G,200,B,150"),
            ],
        ),
        (
            "label",
            true,
            [
                Some("."),
                Some(".blue"),
                Some(".blue.black.brown"),
                Some(".R=100.G=200.B=150"),
            ],
        ),
        (
            "simple",
            false,
            [
                Some(""),
                Some("blue"),
                Some("blue,black,brown"),
                Some("R,100,G,200,B,150"),
            ],
        ),
        (
            "simple",
            true,
            [
                Some(""),
                Some("blue"),
                Some("blue,black,brown"),
                Some("R=100,G=200,B=150"),
            ],
        ),
        (
            "form",
            false,
            [
                Some("color="),
                Some("color=blue"),
                Some("color=blue,black,brown"),
                Some("color=R,100,G,200,B,150"),
            ],
        ),
        (
            "form",
            true,
            [
                Some("color="),
                Some("color=blue"),
                Some("color=blue&color=black&color=brown"),
                Some("R=100&G=200&B=150"),
            ],
        ),
        (
            "spaceDelimited",
            false,
            [
                None,
                None,
                Some("color=blue%20black%20brown"),
                Some("color=R%20100%20G%20200%20B%20150"),
            ],
        ),
        (
            "pipeDelimited",
            false,
            [
                None,
                None,
                Some("color=blue%7Cblack%7Cbrown"),
                Some("color=R%7C100%7CG%7C200%7CB%7C150"),
            ],
        ),
    ];

    fn serialized(style: &str, explode: bool, place: Place, value: &Value) -> String {
        let described = json!({ "style": style, "explode": explode, "schema": {} });
        Format::of(&described, place).serialized("color", value)
    }

    #[test]
    fn style_examples_of_the_specification_are_serialized() {
        let values = [
            Value::Null,
            json!("blue"),
            json!(["blue", "black", "brown"]),
            json!({ "R": 100, "G": 200, "B": 150 }),
        ];
        let columns = ["undefined", "string", "array", "object"];
        for (style, explode, cells) in STYLE_EXAMPLES {
            let place = match style {
                "matrix" | "label" | "simple" => Place::Path,
                _ => Place::Query,
            };
            for ((value, column), cell) in values.iter().zip(columns).zip(cells) {
                let Some(expected) = cell else { continue };
                assert_eq!(
                    serialized(style, explode, place, value),
                    expected,
                    "style {style}, explode {explode}, {column}"
                );
            }
        }
        // The only cell of deepObject.
        assert_eq!(
            serialized("deepObject", true, Place::Query, &values[3]),
            "color%5BR%5D=100&color%5BG%5D=200&color%5BB%5D=150"
        );
    }

    #[test]
    fn collection_formats_of_swagger_2_are_serialized() {
        // Swagger 2.0, "Parameter Object", `collectionFormat`.
        let cases = [
            (json!({}), Place::Query, "c=a,b"),
            (json!({ "collectionFormat": "csv" }), Place::Query, "c=a,b"),
            (
                json!({ "collectionFormat": "ssv" }),
                Place::Query,
                "c=a%20b",
            ),
            (
                json!({ "collectionFormat": "tsv" }),
                Place::Query,
                "c=a%09b",
            ),
            (
                json!({ "collectionFormat": "pipes" }),
                Place::Query,
                "c=a%7Cb",
            ),
            (
                json!({ "collectionFormat": "multi" }),
                Place::Query,
                "c=a&c=b",
            ),
            (json!({}), Place::Path, "a,b"),
            (json!({ "collectionFormat": "pipes" }), Place::Path, "a%7Cb"),
            (json!({ "collectionFormat": "pipes" }), Place::Header, "a|b"),
        ];
        for (mut described, place, expected) in cases {
            described["type"] = json!("array");
            let format = Format::of(&described, place);
            assert_eq!(
                format.serialized("c", &json!(["a", "b"])),
                expected,
                "{described}"
            );
        }
    }

    #[test]
    fn defaults_depend_on_the_place() {
        let (list, object) = (json!([1, 2]), json!({ "a": 1, "b": null }));
        let described = json!({ "schema": {} });
        let cases = [
            (Place::Path, "1,2", "a,1"),
            (Place::Query, "c=1&c=2", "a=1"),
            (Place::Header, "1,2", "a,1"),
            (Place::Cookie, "c=1; c=2", "a=1"),
        ];
        for (place, of_list, of_object) in cases {
            let format = Format::of(&described, place);
            assert_eq!(format.serialized("c", &list), of_list, "{place:?}");
            assert_eq!(format.serialized("c", &object), of_object, "{place:?}");
        }
    }

    #[test]
    fn literals_are_encoded_and_expressions_are_not() {
        let format = |described: &Value| Format::of(described, Place::Query);
        let plain = format(&json!({ "schema": {} }));
        let value = json!(["a b&/é", "{{ pick(x) }}-?"]);
        assert_eq!(
            plain.serialized("q[]", &value),
            "q%5B%5D=a%20b%26%2F%C3%A9&q%5B%5D={{ pick(x) }}-%3F"
        );
        let reserved = format(&json!({ "schema": {}, "allowReserved": true, "explode": false }));
        assert_eq!(
            reserved.serialized("q", &json!(["a/b?", "#&[+"])),
            "q=a/b?,%23%26%5B%2B"
        );
        assert_eq!(plain.serialized("q", &json!([])), "");
        assert_eq!(
            plain.serialized("q", &json!([{ "a": 1 }])),
            "q=%7B%22a%22%3A1%7D"
        );
        // RFC 6570, 3.2.7: an empty value of `;` has no `=`.
        assert_eq!(
            serialized("matrix", false, Place::Path, &json!("")),
            ";color"
        );
        let nested = json!({ "a": { "b": 1 }, "c": [1, 2] });
        assert_eq!(
            serialized("deepObject", true, Place::Query, &nested),
            "color%5Ba%5D%5Bb%5D=1&color%5Bc%5D=1&color%5Bc%5D=2"
        );
    }
}
