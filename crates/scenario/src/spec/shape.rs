//! Shapes: schemas of the values that keys accept, if they are fewer than the values of their Rust types.
//!
//! A shape never rejects a value that the compiler accepts. Values that are wrong only in combination with others are
//! left to the compiler, whose messages are better.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::TargetSpec;
use super::step::SET_BY_BRUNT;

/// Units of durations.
const UNIT: &str = "(nanos|nsec|ns|usec|us|µs|millis|msec|ms|seconds|second|secs|sec|s|minutes|minute|min|mins|m|hours|hour\
    |hr|hrs|h|days|day|d|weeks|week|wk|wks|w|months|month|M|years|year|yr|yrs|y)";
/// A rate such as `3k/min`.
const RATE: &str = r"^\s*\+?[0-9.][0-9.eE+-]*k?\s*(/(s|min|h))?\s*$";
const BYTES: &str = r"^\s*\+?[0-9.][0-9.eE+-]*\s*([KMG]iB|[kMG]B)\s*$";
const PERCENT: &str = r"^\s*\+?[0-9.][0-9.eE+-]*\s*%\s*$";
const STATUS: &str = r"^([1-5]xx|\s*[1-5][0-9]{2}\s*(\.\.\s*[1-5][0-9]{2}\s*)?)$";
/// An HTTP URL without credentials, query and fragment.
const HTTP_URL: &str = r"^\s*[Hh][Tt][Tt][Pp][Ss]?:[/\\]*[^/\\?#@]+([/\\][^?#]*)?$";
/// A method or the name of a header field (RFC 9110, section 5.6.2).
const TOKEN: &str = r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$";
const HEADER_VALUE: &str = r"^[^\x00-\x08\x0A-\x1F\x7F]*$";
const VARIABLE: &str = "^[A-Za-z_][A-Za-z0-9_]*$";
const JSON_PATH: &str = r"^\s*\$";
/// A text without `{{`.
const WITHOUT_EXPRESSION: &str = r"^([^{]|\{[^{])*\{?$";
/// A percentile between 0 and 100.
const PERCENTILE: &str = r"^p([0-9]{1,2}(\.[0-9]*)?|\.[0-9]+)$";

/// A duration such as `1h30m` or `500ms`, without anchors.
fn duration() -> String {
    format!(r"\s*(0|([0-9][0-9\s]*(\.[0-9\s]+)?{UNIT}\s*)+)\s*")
}

fn duration_pattern() -> String {
    format!("^{}$", duration())
}

/// A wait with one of these functions, a duration, or a range of durations.
fn wait_pattern(functions: &str) -> String {
    format!(
        r"^(\s*none\s*|\s*({functions})\s*\(.*\)\s*|{0}(\.\.{0})?)$",
        duration()
    )
}

/// Any of some names, regardless of case.
fn any_case(names: &[&str]) -> String {
    let letter = |letter: char| match letter {
        'a'..='z' => format!("[{}{letter}]", letter.to_ascii_uppercase()),
        other => other.to_string(),
    };
    let names = names.iter().map(|name| name.chars().map(letter).collect());
    format!("^({})$", names.collect::<Vec<String>>().join("|"))
}

/// A test of values: a value, or a table.
fn value_test() -> Value {
    let range = json!({ "anyOf": [{ "type": "integer", "minimum": 0 }, { "type": "string", "pattern": r"\.\." }] });
    let test = |mut schema: Value, description: &str| {
        schema["description"] = description.into();
        schema
    };
    let (text, number) = (json!({ "type": "string" }), json!({ "type": "number" }));
    json!({ "anyOf": [
        { "type": ["string", "number", "boolean", "array"] },
        {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": false,
            "properties": {
                "exists": test(json!({ "type": "boolean" }), "Whether a value is found."),
                "equals": test(json!({}), "One of the values found is equal to this one."),
                "contains": test(text.clone(), "One of the values found contains this text."),
                "matches": test(text, "One of the values found matches this regular expression."),
                "count": test(range, "Number of values found, such as `3` or `\"1..10\"`."),
                "above": test(number.clone(), "One of the values found is greater."),
                "below": test(number.clone(), "One of the values found is less."),
                "at_least": test(number.clone(), "One of the values found is equal or greater."),
                "at_most": test(number, "One of the values found is equal or less."),
            },
        },
    ] })
}

/// A value of a field, or a list of them.
fn field_value(value: &Value) -> Value {
    json!({ "anyOf": [value, { "type": "array", "items": value }] })
}

/// Names and values of header fields.
fn header_table() -> Value {
    let value = json!({ "type": ["string", "number", "boolean"], "pattern": HEADER_VALUE });
    json!({
        "type": "object",
        "propertyNames": { "pattern": TOKEN, "not": { "pattern": any_case(&SET_BY_BRUNT) } },
        "additionalProperties": field_value(&value),
    })
}

macro_rules! shapes {
    ($($name:ident = $schema:tt;)*) => {$(
        pub(crate) enum $name {}

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

shapes! {
    // A positive duration has a digit above 0.
    Duration = { "type": "string", "pattern": duration_pattern(), "allOf": [{ "pattern": "[1-9]" }] };
    Bytes = { "type": "string", "pattern": BYTES };
    Percent = { "type": "string", "pattern": PERCENT };
    Rate = { "anyOf": [{ "type": "string", "pattern": RATE }, { "type": "number", "minimum": 0 }] };
    Wait = { "type": "string", "pattern": wait_pattern("normal|exponential|pace|throughput") };
    StepWait = { "type": "string", "pattern": wait_pattern("normal|exponential") };
    Host = { "type": "string", "pattern": format!("{HTTP_URL}|^embedded$") };
    HttpUrl = { "type": "string", "pattern": HTTP_URL };
    HttpVersion = { "enum": ["1.1", "2", "auto", 1.1, 2] };
    ConnectionMode = { "type": "string", "enum": ["per-user", "per-iteration", "per-request", "shared"] };
    TlsVersions = { "type": "array", "items": { "enum": ["1.2", "1.3"] }, "minItems": 1, "maxItems": 2 };
    TaskOrder = { "type": "string", "enum": ["weight", "sequence"] };
    RowOrder = { "type": "string", "enum": ["sequence", "shuffled", "random", "per_user"] };
    FileFormat = { "type": "string", "pattern": any_case(&["csv", "tsv", "json", "jsonl", "ndjson"]) };
    Delimiter = { "type": "string", "pattern": "^[ !#-~\t]$" };
    OnExhausted = { "type": "string", "enum": ["start_over", "stop_user", "stop_test"] };
    Take = { "type": "string", "enum": ["first", "last", "all", "random", "count"] };
    Arrivals = { "type": "string", "enum": ["poisson", "constant"] };
    SearchBy = { "type": "string", "enum": ["arrivals", "users"] };
    Threshold = { "type": "string", "enum": ["critical", "acceptable", "target"] };
    ThresholdValue = { "type": ["string", "number"] };
    Flag = { "type": "boolean", "enum": [true] };
    Method = { "type": "string", "pattern": TOKEN };
    Path = { "type": "string", "pattern": "^[/{]" };
    RequestName = { "type": "string", "pattern": WITHOUT_EXPRESSION };
    Variable = { "type": "string", "pattern": VARIABLE };
    JsonPath = { "type": "string", "pattern": JSON_PATH };
    HeaderTable = { "allOf": [header_table()] };
    Headers = { "anyOf": [{ "type": "string", "pattern": r"\{\{" }, header_table()] };
    Repeat = { "anyOf": [{ "type": "integer", "minimum": 1 }, { "type": "string" }] };
    Texts = {
        "anyOf": [
            { "type": "string", "minLength": 1 },
            { "type": "array", "items": { "type": "string", "minLength": 1 } },
        ],
    };
    Regexes = { "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] };
    RegexGroup = { "anyOf": [{ "type": "integer", "minimum": 0 }, { "type": "string" }] };
    Statuses = {
        "anyOf": [
            { "type": "integer", "minimum": 100, "maximum": 599 },
            { "type": "string", "pattern": STATUS },
            { "type": "array", "minItems": 1, "items": {
                "anyOf": [
                    { "type": "integer", "minimum": 100, "maximum": 599 },
                    { "type": "string", "pattern": STATUS },
                ],
            } },
        ],
    };
    Size = { "anyOf": [{ "type": "integer", "minimum": 0 }, { "type": "string", "pattern": r"\.\." }] };
    FormFields = {
        "anyOf": [
            { "type": "string", "pattern": r"\{\{" },
            { "type": "object", "additionalProperties": field_value(&json!({ "type": ["string", "number", "boolean"] })) },
        ],
    };
    HeaderTests = {
        "type": "object", "propertyNames": { "pattern": TOKEN }, "additionalProperties": value_test(),
    };
    JsonTests = {
        "type": "object", "propertyNames": { "pattern": JSON_PATH }, "additionalProperties": value_test(),
    };
}

/// Metrics with their descriptions, in the order of the page.
type Metrics = [(&'static str, &'static str)];

/// Metrics of requests.
const METRICS: [(&str, &str); 9] = [
    (
        "p50",
        "Median response time, such as `\"200ms\"`. Any percentile is accepted, such as `p90` or `p99.9`.",
    ),
    (
        "p95",
        "95th percentile of the response time, such as `\"200ms\"`. Requests without a response are \
         ranked as slower than any response.",
    ),
    (
        "p99",
        "99th percentile of the response time, such as `\"200ms\"`. Requests without a response are \
         ranked as slower than any response.",
    ),
    ("mean", "Mean response time, such as `\"200ms\"`."),
    ("max", "Longest response time, such as `\"200ms\"`."),
    (
        "throughput",
        "Successful requests per unit of time: `\"100/s\"`, `\"6000/min\"`, or `100` (per second).",
    ),
    (
        "error_rate",
        "Share of requests that failed or got no response, such as `\"0.1%\"`.",
    ),
    (
        "cpu",
        "Mean CPU use of the process under test, as a percentage of the cores that it may use, such as `\"70%\"`.",
    ),
    (
        "memory",
        "Peak resident memory of the process under test and its children: `\"512MB\"` or `\"1GiB\"`.",
    ),
];
/// Metrics that one request has: all except those of the process.
const REQUEST_METRICS: usize = 7;

/// Metrics of custom metrics.
const CUSTOM_METRICS: [(&str, &str); 7] = [
    (
        "p50",
        "Median of the values. Any percentile is accepted, such as `p90` or `p99.9`.",
    ),
    ("p95", "95th percentile of the values."),
    ("p99", "99th percentile of the values."),
    ("mean", "Mean of the values."),
    ("max", "Largest value."),
    (
        "throughput",
        "Values per unit of time: `\"100/s\"`, `\"6000/min\"`, or `100` (per second).",
    ),
    ("error_rate", "Share of failed values, such as `\"0.1%\"`."),
];

/// The schema of targets, with thresholds in the units of their metrics. `times` is the schema of a threshold of
/// percentiles, mean and maximum.
fn targets(generator: &mut SchemaGenerator, metrics: &Metrics, times: &Value) -> Schema {
    let target = generator.subschema_for::<TargetSpec>().to_value();
    let target = |threshold: &Value| {
        let keys = json!({ "target": threshold, "acceptable": threshold, "critical": threshold });
        json!({ "allOf": [target, { "properties": keys }] })
    };
    let text = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    let mut properties = serde_json::Map::new();
    for (metric, description) in metrics {
        let mut schema = target(&match *metric {
            "throughput" => {
                json!({ "anyOf": [text(r"/(s|min)\s*$"), { "type": "number", "minimum": 0 }] })
            }
            "error_rate" | "cpu" => text(PERCENT),
            "memory" => text(BYTES),
            _ => times.clone(),
        });
        schema["description"] = (*description).into();
        properties.insert((*metric).to_owned(), schema);
    }
    json_schema!({
        "type": "object",
        "properties": properties,
        "patternProperties": { PERCENTILE: target(times) },
        "additionalProperties": false,
    })
}

macro_rules! metric_shapes {
    ($($name:ident: $metrics:expr, $times:tt;)*) => {$(
        pub(crate) enum $name {}

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                targets(generator, &$metrics, &json!($times))
            }
        }
    )*};
}

metric_shapes! {
    Targets: METRICS, { "type": "string", "pattern": duration_pattern() };
    RequestTargets: METRICS[..REQUEST_METRICS], { "type": "string", "pattern": duration_pattern() };
    MetricTargets: CUSTOM_METRICS, { "type": "number", "minimum": 0 };
}
