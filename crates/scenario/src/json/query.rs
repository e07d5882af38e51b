//! All JSON paths of a request, evaluated together on a large body, within bounded memory, by a thread that generates no
//! load.

use std::cell::OnceCell;

use crate::json::numbers;
use crate::json::path::{Path, Values};
use crate::json::tree::{self, Memory, MemoryLimit};

/// Largest memory of a parsed body and the values found in it, in bytes.
const MEMORY_MAX: usize = 256 << 20;
/// Largest ratio of the memory of a value to its text: `[[1],[1], …]`.
const GROWTH_MAX: usize = 160;

/// The JSON paths of a request's checks and extractions.
#[derive(Debug, Clone)]
pub struct JsonQuery {
    paths: Vec<Path>,
}

/// Values that the paths of a query found in a body.
#[derive(Debug)]
pub struct JsonMatches {
    /// Values of all paths; empty if the body is not JSON.
    by_path: Vec<(Path, Values)>,
}

/// A body that takes too much memory when it is parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the JSON of the response takes over {} MiB of memory when it is parsed; paths of names and indexes alone, such as \
     $.items[0].id, find their value without that",
    MEMORY_MAX >> 20
)]
pub struct JsonTooLarge;

impl JsonQuery {
    /// A query for all of these paths; `None` for an empty list.
    pub(crate) fn for_paths(paths: impl Iterator<Item = Path>) -> Option<Self> {
        let paths: Vec<Path> = paths.collect();
        (!paths.is_empty()).then_some(Self { paths })
    }

    /// Largest memory that it needs for a body of this size, in bytes.
    pub fn memory_max(body_bytes: usize) -> usize {
        body_bytes.saturating_mul(GROWTH_MAX).min(MEMORY_MAX)
    }

    /// Evaluates all paths on a body.
    pub fn run(&self, body: &[u8]) -> Result<JsonMatches, JsonTooLarge> {
        self.run_within(body, &MemoryLimit::new(MEMORY_MAX))
    }

    fn run_within(&self, body: &[u8], limit: &MemoryLimit) -> Result<JsonMatches, JsonTooLarge> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let needs_tree = self.paths.iter().any(|path| !path.is_followed());
        // Validated once for all paths: the parser does not validate the strings that a path skips.
        let text = std::str::from_utf8(body).ok();
        let tree = text.filter(|_| needs_tree).and_then(|text| {
            let parsed = tree::parse(text.as_bytes(), limit);
            if parsed.is_some() || limit.is_exceeded() {
                return parsed;
            }
            tree::parse(numbers::bounded(text)?.as_bytes(), limit)
        });
        let text = text.filter(|_| !needs_tree);
        let exact = OnceCell::new();
        let exact = || {
            let parse = || {
                let marked = numbers::mark(std::str::from_utf8(body).ok()?)?;
                limit.take(marked.len()).ok()?;
                tree::parse(marked.as_bytes(), limit)
            };
            exact.get_or_init(parse).as_ref()
        };
        let by_path = self.paths.iter().filter_map(|path| {
            let values = match &tree {
                Some(tree) => path.find_within(tree, exact, limit),
                None => path.follow_within(text?, limit),
            };
            Some((path.clone(), values?))
        });
        let by_path = by_path.collect();
        if limit.is_exceeded() {
            return Err(JsonTooLarge);
        }
        Ok(JsonMatches { by_path })
    }
}

impl JsonMatches {
    /// Values that a path of the query found; `None` if the body is not JSON.
    pub(crate) fn of(&self, path: &Path) -> Option<&Values> {
        let mut all = self.by_path.iter();
        let (_, values) = all.find(|(known, _)| known.is_same(path))?;
        Some(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(paths: &[&str]) -> JsonQuery {
        let paths = paths.iter().map(|path| Path::parse(path).unwrap());
        JsonQuery {
            paths: paths.collect(),
        }
    }

    fn found(paths: &[&str], body: &str) -> Vec<Option<Values>> {
        let matches = query(paths).run(body.as_bytes()).unwrap();
        let paths = paths.iter().map(|path| Path::parse(path).unwrap());
        let found = paths.map(|path| matches.of(&path).cloned());
        found.collect()
    }

    #[test]
    fn paths_of_a_query_find_the_same_as_alone() {
        let body = "{\"a\":[{\"b\":1},{\"b\":\"x\"}],\"c\":{\"d\":null}}";
        let all = ["$.a[1].b", "$..b", "$.c", "$.a[*]", "$.none", "$..none"];
        let tree = serde_json::from_str(body).unwrap();
        for with_tree in [&all[..], &["$.a[1].b", "$.c", "$.none"]] {
            for (path, values) in with_tree.iter().zip(found(with_tree, body)) {
                let expected = Path::parse(path).unwrap().find(&tree, || None);
                let values = values.unwrap();
                assert_eq!(values.as_slice(), expected.as_slice(), "{path}");
            }
        }
        for paths in [&["$.a"][..], &["$..a"], &["$.a", "$..a"]] {
            for body in [&b"{\"a\":1"[..], b"{\"a\":1,\"b\":\"\xff\"}"] {
                let matches = query(paths).run(body).unwrap();
                let mut paths = paths.iter().map(|path| Path::parse(path).unwrap());
                assert!(paths.all(|path| matches.of(&path).is_none()));
            }
        }
    }

    #[test]
    fn body_that_takes_too_much_memory_is_refused_unless_its_path_is_followed() {
        let body = format!("{{\"list\":[{}1],\"id\":7}}", "1,".repeat(100_000));
        for (paths, is_refused) in [
            (&["$.id"][..], false),
            (&["$.list[5]"], false),
            (&["$.list"], true),
            (&["$..id"], true),
            (&["$.id", "$.list[*]"], true),
        ] {
            let limit = MemoryLimit::new(1 << 20);
            let result = query(paths).run_within(body.as_bytes(), &limit);
            assert_eq!(result.is_err(), is_refused, "{paths:?}");
        }
        // The tree is within the limit, but the values found in it are not.
        let nested = format!(
            "{}[{}1]{}",
            "[".repeat(50),
            "1,".repeat(1_000),
            "]".repeat(50)
        );
        let limit = MemoryLimit::new(1 << 20);
        let result = query(&["$..*"]).run_within(nested.as_bytes(), &limit);
        assert_eq!(result.map(|_| ()), Err(JsonTooLarge));
    }

    /// A higher number would invalidate the budget of all threads.
    #[test]
    fn memory_that_is_reserved_is_enough_for_any_body() {
        let repeated = [
            "1,",
            "[1],",
            "[[1]],",
            "[],",
            "{},",
            "{\"\":1},",
            "{\"\":[1]},",
            "\"\",",
        ];
        for item in repeated {
            let body = format!("[{}1]", item.repeat(20_000));
            let limit = MemoryLimit::new(JsonQuery::memory_max(body.len()));
            assert!(
                query(&["$[-1]"])
                    .run_within(body.as_bytes(), &limit)
                    .is_ok(),
                "{item}"
            );
        }
        assert_eq!(JsonQuery::memory_max(usize::MAX), MEMORY_MAX);
    }
}
