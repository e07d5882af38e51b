//! The parsers that are fuzzed, with their dictionaries, seeds, and input sizes.

use std::fs;
use std::path::Path;

use anyhow::Context;

use super::corpus;

/// A parser with a target in `fuzz/fuzz_targets`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Parser {
    /// Parser of HTTP/1.1 responses
    Response,
    /// Parser of HTTP/2 frames from a server
    Http2,
    /// Parser of scenario files
    Scenario,
    /// Compiler and evaluation of expressions
    Expression,
    /// `brunt import curl`
    Curl,
    /// `brunt import har`
    Har,
    /// `brunt import openapi`
    Openapi,
    /// Reader of record files, and the report of a record in every form
    Record,
    /// Reader of baselines, and the comparison of a run with one
    Baseline,
    /// Parser and evaluation of JSON paths, RFC 9535
    JsonPath,
}

/// Corpus of HTTP/1.1 responses that the engine's tests read.
const RESPONSES: &str = "crates/engine/tests/oracle/corpus.txt";

impl Parser {
    /// Name of the fuzz target.
    pub(super) const fn target(self) -> &'static str {
        match self {
            Self::Response => "response",
            Self::Http2 => "http2",
            Self::Scenario => "scenario",
            Self::Expression => "expression",
            Self::Curl => "curl",
            Self::Har => "har",
            Self::Openapi => "openapi",
            Self::Record => "record",
            Self::Baseline => "baseline",
            Self::JsonPath => "json_path",
        }
    }

    /// Path of the corpus that the tests read, if the parser has one.
    pub(super) const fn corpus(self) -> Option<&'static str> {
        match self {
            Self::Response => Some(RESPONSES),
            _ => None,
        }
    }

    /// Largest input, in bytes. Inputs that break a parser are usually short.
    pub(super) const fn bytes_max(self) -> u32 {
        match self {
            Self::Expression | Self::JsonPath => 200,
            Self::Response | Self::Http2 => 600,
            Self::Scenario | Self::Curl => 1500,
            Self::Har | Self::Openapi => 4000,
            Self::Record | Self::Baseline => 6000,
        }
    }

    /// Inputs that the fuzzer starts from.
    ///
    /// # Errors
    ///
    /// If a file with seeds cannot be read.
    pub(super) fn seeds(self, root: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
        let read = |path: &str| fs::read(root.join(path)).with_context(|| path.to_owned());
        match self {
            Self::Response => {
                let corpus = fs::read_to_string(root.join(RESPONSES))?;
                corpus.lines().map(corpus::unescaped).collect()
            }
            Self::Http2 => Ok(vec![
                // A response in several frames, and one whose header is in the HPACK table.
                b"\x03\0\0\x06\x01\0\0\0\0\x01\x88\x40\x01x\x01y\0\0\0\x09\x04\0\0\0\x01\0\0\x02\0\x01\0\0\0\x01ok\
                  \0\0\x02\x01\x05\0\0\0\x03\x88\xbe\0\0\x04\x03\0\0\0\0\x05\0\0\0\x07".to_vec(),
                b"\xff\0\0\x08\x06\0\0\0\0\0abcdefgh\0\0\x08\x07\0\0\0\0\0\0\0\0\x03\0\0\0\0\
                  \0\0\x04\x08\0\0\0\0\0\0\0\x01\0\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\x10\0".to_vec(),
            ]),
            Self::Scenario => {
                // The examples of the page use every feature of the language in a few lines each.
                let page = fs::read_to_string(root.join("docs/scenario.md"))?;
                let blocks = page.split("```toml\n").skip(1).filter_map(|block| block.split("```").next());
                let mut seeds: Vec<Vec<u8>> = blocks.map(|block| block.as_bytes().to_vec()).collect();
                seeds.push(read("crates/brunt/src/commands/starter.toml")?);
                Ok(seeds)
            }
            Self::Expression => {
                let texts = [
                    "{{ pick(list) }} {{ next(rows).name }} {{ y.n }} {{ z[0] }}",
                    "{{ pick_weighted(list, [1, 2, 3]) }}{{ uniform(0, 1) }}{{ normal(1, 2) }}{{ randint(1, 6) }}",
                    "{{ now('%Y-%m-%d', '-1d') }} {{ now('unix_ms') }} {{ uuid() }} {{ random_string(8) }} {{ seq() }}",
                    "{{ hmac_sha256('k', x) | upper }} {{ base64(x) }} {{ sha256('a') }} {{ urlencode(y.name) }} {{ json(y) }}",
                    "{{ x + 1 if x > 2 else none }} {% for n in range(3) %}{{ n }}{% endfor %} {# no #}",
                ];
                Ok(texts.map(|text| text.as_bytes().to_vec()).into())
            }
            Self::Curl => {
                let commands = [
                    "curl -X POST 'http://x/a/1?b=2' -H \"A: b\" -d '{\"a\":[1,null]}' --next -u a:b y -F a=b",
                    "curl ^\"http://x/a^\" ^\n  --data-raw ^\"^{^\\^\"a^\\^\":1^}^\"\r\n",
                    "curl $'\\x41\\u00e9' --json @f ; curl -G -d a=b x && curl -I -k -T f x",
                ];
                Ok(commands.map(|command| command.as_bytes().to_vec()).into())
            }
            Self::Har => Ok(vec![
                br#"{"log":{"entries":[{"startedDateTime":"2026-01-01T00:00:00Z","time":1,"request":{"method":"POST","url":"http://x/a/1?b=2","headers":[{"name":"A","value":"b"}],"postData":{"mimeType":"application/json","text":"{\"a\":[1]}"}},"response":{"status":302,"redirectURL":"/b"}}]}}"#.to_vec(),
            ]),
            Self::Openapi => Ok(vec![
                read("crates/import/tests/files/pets.yaml")?,
                read("crates/import/tests/files/swagger2.json")?,
            ]),
            Self::Record => Ok(vec![read("crates/record/tests/data/v1.brunt")?]),
            Self::Baseline => Ok(vec![read("fuzz/seeds/baseline.json")?]),
            Self::JsonPath => Ok(vec![
                b"$.items[0]['id']\n{\"items\":[{\"id\":\"a\"},{\"id\":1.5}]}".to_vec(),
                b"$..a[?@.b > 1 && match(@.c, 'x.*')][0:3:2, -1]\n{\"a\":[{\"b\":2,\"c\":\"xy\"}]}".to_vec(),
                b"$[?length(@.a) == count(@.*)]\n[{\"a\":\"\\u00e9\"},null,true,1e308]".to_vec(),
            ]),
        }
    }

    /// Tokens of the parser's inputs, in the syntax of libFuzzer's dictionaries.
    #[expect(clippy::too_many_lines, reason = "a table")]
    pub(super) const fn dictionary(self) -> &'static [&'static str] {
        match self {
            Self::Response => &[
                "HTTP/1.1 ",
                "HTTP/1.0 ",
                "\\x0d\\x0a",
                "\\x0d\\x0a\\x0d\\x0a",
                "Content-Length: ",
                "Transfer-Encoding: ",
                "chunked",
                "Connection: ",
                "close",
                "keep-alive",
                "Location: ",
                "Content-Encoding: ",
                "gzip",
                "deflate",
                "100 ",
                "101 ",
                "204 ",
                "304 ",
                "200 ",
                "0\\x0d\\x0a\\x0d\\x0a",
            ],
            Self::Http2 => &[
                "\\x00\\x00\\x01\\x01\\x05\\x00\\x00\\x00\\x01\\x88",
                "\\x00\\x00\\x00\\x01\\x04\\x00\\x00\\x00\\x03",
                "\\x00\\x00\\x00\\x09\\x04\\x00\\x00\\x00\\x03",
                "\\x00\\x00\\x01\\x00\\x01\\x00\\x00\\x00\\x01x",
                "\\x00\\x00\\x04\\x03\\x00\\x00\\x00\\x00\\x05\\x00\\x00\\x00\\x08",
                "\\x00\\x00\\x04\\x08\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x01\\x00",
                "\\x00\\x00\\x08\\x07\\x00\\x00\\x00\\x00\\x00",
                "\\x00\\x00\\x08\\x06\\x00\\x00\\x00\\x00\\x00",
                "\\x00\\x00\\x06\\x04\\x00\\x00\\x00\\x00\\x00\\x00\\x01",
                "\\x0f\\x0d\\x015",
                "\\x48\\x03103",
                "\\x40\\x01a\\x01b",
                "\\xbe",
                "\\x3f\\xe1\\x1f",
            ],
            Self::Expression => &[
                "{{ ",
                " }}",
                "{% ",
                " %}",
                "{%- ",
                " -%}",
                "{# ",
                " #}",
                "pick(",
                "next(",
                "list",
                "rows",
                "uniform(",
                "randint(",
                "normal(",
                "now('",
                "uuid()",
                "random_string(",
                "seq()",
                "base64",
                "sha256",
                "hmac_sha256(",
                "urlencode",
                "json(",
                " | ",
                " if ",
                " else ",
                "for x in ",
                "range(",
                "endfor",
                "endif",
                "set ",
                "none",
                "true",
                "is defined",
                "y.name",
                "z[",
                "['",
                "\\x0d\\x0a",
                "~",
                "9223372036854775807",
                "1e308",
            ],
            Self::Scenario => &[
                "[[users.a.tasks]]\\x0a",
                "[users.a]\\x0a",
                "[profiles.p]\\x0a",
                "[targets]\\x0a",
                "[data]\\x0a",
                "[[setup]]\\x0a",
                "{{ pick(",
                ") }}",
                "randint(",
                "uniform(",
                "steps = [{",
                "json = {",
                "check = {",
                "extends = ",
                "wait = ",
                "stages = [{",
                "search = {",
                "rate = ",
                "users = ",
                "duration = \\\"1s\\\"",
                "weight = ",
                "headers = {",
                "get = \\\"/",
                "p95 = {",
            ],
            Self::Curl => &[
                "curl ",
                " -H '",
                " -d '",
                " --data-raw $'",
                " --json '",
                " --next ",
                " -X",
                "http://x/",
                "\\x5cu",
                "\\x5cx",
                "^\\x0a",
                "^\\\"",
                "{\\\"a\\\":",
                "{{",
                "Content-Type: ",
            ],
            Self::Har => &[
                "\\\"request\\\":{",
                "\\\"response\\\":{",
                "\\\"method\\\":\\\"GET\\\"",
                "\\\"url\\\":\\\"http://x/",
                "\\\"postData\\\":{",
                "\\\"text\\\":",
                "\\\"params\\\":[",
                "\\\"mimeType\\\":",
                "\\\"status\\\":",
                "\\\"startedDateTime\\\":",
                "\\\"redirectURL\\\":",
                "\\\"_resourceType\\\":",
                "{{",
            ],
            Self::Openapi => &[
                "$ref: ",
                "'#/components/schemas/",
                "schema: ",
                "type: ",
                "object",
                "array",
                "integer",
                "string",
                "properties: ",
                "required: ",
                "allOf: ",
                "oneOf: ",
                "enum: ",
                "example: ",
                "parameters: ",
                "in: path",
                "in: query",
                "requestBody: ",
                "application/json: ",
                "minimum: ",
                "&a ",
                "*a",
                "<<: ",
                "{{",
            ],
            Self::Record => &[
                "\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff",
                "\\xcb\\x7f\\xf0\\x00\\x00\\x00\\x00\\x00\\x00",
                "\\xcf\\x00\\x1f\\xff\\xff\\xff\\xff\\xff\\xff",
                "\\xa6Header",
                "\\xa6ending",
                "\\xa7reading",
                "\\xa9increment",
            ],
            Self::Baseline => &[
                "\\\"blocks\\\": [",
                "\\\"runs\\\": [",
                "\\\"measured\\\": ",
                "null",
                "1e308",
                "-0.0",
                "9223372036854775807",
            ],
            Self::JsonPath => &[
                "$..",
                "[?",
                "@.",
                "[*]",
                "[0:3]",
                "[::-1]",
                "&&",
                "||",
                "!(",
                "==",
                "length(",
                "count(",
                "match(",
                "search(",
                "value(",
                "\\x0a",
                "{\\\"a\\\":",
            ],
        }
    }
}
