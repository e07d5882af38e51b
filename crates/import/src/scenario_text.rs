//! The text of a scenario, of a draft.
//!
//! Everything that is written is what the scenario language has. Where it gets more (forms, variables,
//! the environment), this is the place to write it.

use indexmap::IndexMap;
use url::form_urlencoded;

use crate::draft::{Body, Draft, Status, Task};
use crate::toml_text::{key, string, value};
use crate::warnings::Warnings;
use crate::{BodyFile, Imported};

/// How much load, and what is good enough, until someone says it.
const REST: &str = "\
# How much load over time: brunt run load
[profiles.load]
users      = 10
spawn_rate = 2                        # users started a second
duration   = \"5m\"

# What is good enough. These are only to begin with: write your own.
[targets]
p95        = { target = \"200ms\", acceptable = \"500ms\", critical = \"1s\" }
error_rate = { target = \"0.1%\", acceptable = \"1%\", critical = \"5%\" }
";

/// Where the bodies lie that have files of their own, relative to the scenario.
const BODIES: &str = "bodies";

/// More names than these make a report that nobody reads.
const NAMES_MAX: usize = 200;

/// Writes a draft.
pub(crate) fn imported(draft: &Draft, mut warnings: Warnings) -> Imported {
    let mut files = Vec::new();
    let mut text = format!("# A scenario to start from, made of {}.\n", draft.source);
    if !draft.data.is_empty() {
        text += "# What is drawn is drawn evenly, each value for itself.\n";
    }
    text += "# Say how much load and what is good enough at its end; then: brunt check, brunt run load\n\n";
    text += &host(draft);
    text += &headers(draft);
    text += &data(draft);
    text += &format!(
        "[users.visitor]\nwait = {}  # {}\n\n",
        string(&draft.wait.text),
        draft.wait.comment
    );
    for task in &draft.tasks {
        text += &self::task(task, &mut files);
    }
    text += REST;
    if !files.is_empty() {
        warnings.say(format!(
            "bodies that are no JSON are sent as they are, from files in {BODIES}/ beside the scenario"
        ));
    }
    if draft.tasks.len() > NAMES_MAX {
        warnings.say(format!(
            "there are {} tasks, each with a name; leave some out, or give those that are alike one name",
            draft.tasks.len()
        ));
    }
    Imported {
        scenario: text,
        files,
        warnings: warnings.into_lines(),
    }
}

fn host(draft: &Draft) -> String {
    let host = match &draft.host {
        Some(host) => format!("host = {}\n\n", string(host)),
        None => "# The service under test; or give --host\n# host = \"http://localhost:8000\"\n\n"
            .to_owned(),
    };
    if draft.insecure {
        host + "[tls]\ninsecure = true\n\n"
    } else {
        host
    }
}

fn headers(draft: &Draft) -> String {
    if draft.headers.is_empty() && draft.secrets.is_empty() {
        return String::new();
    }
    let mut text = String::from("# Headers of every request\n[headers]\n");
    for (name, value) in &draft.headers {
        text += &format!("{} = {}\n", key(name), string(value));
    }
    for secret in &draft.secrets {
        text += &format!(
            "# {} = {}   # a secret: set {}, then uncomment\n",
            key(&secret.header),
            string(&secret.value),
            secret.variable
        );
    }
    text + "\n"
}

fn data(draft: &Draft) -> String {
    if draft.data.is_empty() {
        return String::new();
    }
    let mut text = String::from("# Lists to draw from\n[data]\n");
    for (name, list) in draft.data.iter() {
        if let Some(comment) = list.comment {
            text += &format!("# {comment}\n");
        }
        let values = serde_json::Value::Array(list.values.clone());
        text += &format!("{name} = {}\n", value(&values, 0));
    }
    text + "\n"
}

fn task(task: &Task, files: &mut Vec<BodyFile>) -> String {
    let mut lines: Vec<(&str, String)> = Vec::new();
    let name = plain_name(&task.name);
    if name != task.path {
        lines.push(("name", string(&name)));
    }
    if task.weight != 1 {
        lines.push(("weight", task.weight.to_string()));
    }
    lines.push((task.method.key(), string(&task.path)));
    let mut headers = task.headers.clone();
    lines.extend(body(task, &mut headers, files));
    if !headers.is_empty() {
        let headers = headers
            .into_iter()
            .map(|(name, text)| (name, text.into()))
            .collect();
        lines.push(("headers", value(&serde_json::Value::Object(headers), 0)));
    }
    if let Some(status) = check(&task.check) {
        lines.push(("check", status));
    }
    if task.keeps_redirects {
        lines.push(("redirects", "0".to_owned()));
    }
    if let Some(timeout) = &task.timeout {
        lines.push(("timeout", string(timeout)));
    }
    let width = lines.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
    let lines: Vec<String> = lines
        .iter()
        .map(|(key, value)| format!("{key:width$} = {value}\n"))
        .collect();
    let comment = task
        .comment
        .map_or_else(String::new, |comment| format!("# {comment}\n"));
    format!("{comment}[[users.visitor.tasks]]\n{}\n", lines.concat())
}

/// A name without what would begin an expression, which names do not have.
fn plain_name(name: &str) -> String {
    let mut plain = name.to_owned();
    while plain.contains("{{") {
        plain = plain.replace("{{", "{ {");
    }
    plain
}

/// The key and value of a body, and the header that goes with it.
fn body(
    task: &Task,
    headers: &mut IndexMap<String, String>,
    files: &mut Vec<BodyFile>,
) -> Option<(&'static str, String)> {
    let content = match task.body.as_ref()? {
        Body::Json(json) => return Some(("json", value(json, 0))),
        Body::File(path) => return Some(("file", string(path))),
        Body::Form(fields) => {
            headers.insert(
                "Content-Type".to_owned(),
                "application/x-www-form-urlencoded".to_owned(),
            );
            form_urlencoded::Serializer::new(String::new())
                .extend_pairs(fields)
                .finish()
                .into_bytes()
        }
        Body::Bytes(bytes) => bytes.clone(),
    };
    let path = format!("{BODIES}/{}", file_name(task, files.len() + 1));
    files.push(BodyFile {
        path: path.clone(),
        content,
    });
    Some(("file", string(&path)))
}

/// `post-orders-1`: what it is the body of, and a number that keeps names apart.
fn file_name(task: &Task, number: usize) -> String {
    let plain: String = task
        .name
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '-'
            }
        })
        .take(60)
        .collect();
    let words: Vec<&str> = plain.split('-').filter(|word| !word.is_empty()).collect();
    format!("{}-{}-{number}", task.method.key(), words.join("-")).replace("--", "-")
}

fn check(statuses: &[Status]) -> Option<String> {
    let words: Vec<String> = statuses
        .iter()
        .map(|status| match status {
            Status::Class(hundred) => format!("\"{hundred}xx\""),
            Status::One(status) => status.to_string(),
        })
        .collect();
    match &words[..] {
        [] => None,
        [one] => Some(format!("{{ status = {one} }}")),
        several => Some(format!("{{ status = [{}] }}", several.join(", "))),
    }
}
