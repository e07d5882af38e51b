//! Entries of a recording, which are read one by one, so that a truncated file has the entries before its end, and an invalid
//! entry does not affect the others.

use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The entries of a recording.
#[derive(Debug, Default)]
pub(super) struct Entries {
    pub(super) all: Vec<Value>,
    /// Whether the file has a list of entries.
    pub(super) found: bool,
}

/// Reads the entries of a text. The error describes the place at which it is truncated or invalid.
pub(super) fn read(text: &str) -> (Entries, Option<serde_json::Error>) {
    let mut entries = Entries::default();
    let mut reader = serde_json::Deserializer::from_str(text);
    let result = Log(&mut entries).deserialize(&mut reader);
    (entries, result.err())
}

/// Visitor of the object with `log`, or of `log` itself, since some tools write only that.
struct Log<'a>(&'a mut Entries);

impl<'de> DeserializeSeed<'de> for Log<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Log<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `log` and its `entries`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "log" => map.next_value_seed(Log(self.0))?,
                "entries" => {
                    self.0.found = true;
                    map.next_value_seed(List(self.0))?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

struct List<'a>(&'a mut Entries);

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of entries")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(SlimEntry(entry)) = items.next_element()? {
            self.0.all.push(entry);
        }
        Ok(())
    }
}

/// Largest content of a response in which values of later requests are searched for, in bytes.
const CONTENT_BYTES_MAX: usize = 4 << 20;

/// An entry without the content of its response if that is large or not text, which is most of the file.
struct SlimEntry(Value);

impl<'de> Deserialize<'de> for SlimEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut entry = Value::deserialize(deserializer)?;
        if let Some(content) = entry
            .pointer_mut("/response/content")
            .and_then(Value::as_object_mut)
        {
            let media = content.get("mimeType").and_then(Value::as_str);
            let is_text = media.is_none_or(may_name_values);
            let length = content
                .get("text")
                .and_then(Value::as_str)
                .map_or(0, str::len);
            if !is_text || length > CONTENT_BYTES_MAX {
                content.remove("text");
            }
        }
        Ok(Self(entry))
    }
}

/// Whether a content of this type may contain values that later requests send.
fn may_name_values(media: &str) -> bool {
    let media = media.to_ascii_lowercase();
    let is_code = ["css", "javascript", "ecmascript"]
        .iter()
        .any(|kind| media.contains(kind));
    let is_text = ["json", "html", "xml", "text/"]
        .iter()
        .any(|kind| media.contains(kind));
    media.trim().is_empty() || is_text && !is_code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncated_file_has_the_entries_before_its_end() {
        let complete = r#"{"log":{"version":"1.2","entries":[{"a":1},{"b":{"c":[2]}},null]}}"#;
        let (entries, error) = read(complete);
        assert_eq!((entries.all.len(), error.is_none()), (3, true));
        for end in 0..complete.len() {
            let (entries, error) = read(&complete[..end]);
            assert!(error.is_some() && entries.all.len() <= 3, "{end}");
            // The second entry ends at its last brace.
            assert_eq!(
                entries.all.len() >= 2,
                end > complete.rfind("},null").unwrap(),
                "{end}"
            );
        }
    }

    #[test]
    fn content_that_is_large_or_not_text_is_left_out() {
        let large = "x".repeat(CONTENT_BYTES_MAX + 1);
        let cases = [
            ("", "x", true),
            ("application/json; charset=utf-8", "x", true),
            ("text/html", "x", true),
            ("text/css", "x", false),
            ("image/png", "x", false),
            ("text/html", large.as_str(), false),
        ];
        for (media, text, is_kept) in cases {
            let content = serde_json::json!({ "mimeType": media, "text": text, "size": 1 });
            let log = serde_json::json!({ "entries": [{ "response": { "content": content } }] });
            let (entries, error) = read(&log.to_string());
            assert!(error.is_none());
            let content = &entries.all[0]["response"]["content"];
            assert_eq!(
                (content.get("text").is_some(), &content["size"]),
                (is_kept, &1.into()),
                "{media}"
            );
        }
    }
}
