//! Writes a draft as the text of a scenario.

use indexmap::IndexMap;
use url::form_urlencoded;

use crate::draft::{Body, Draft, Status, Task};
use crate::toml_text::{key, string, value};
use crate::warnings::Warnings;

/// Result of an import.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Text of the scenario, which `brunt check` accepts.
    pub scenario: String,
    /// Bodies that the scenario reads from files.
    pub files: Vec<BodyFile>,
    /// Descriptions of content that was left out or generated.
    pub warnings: Vec<String>,
}

/// A body in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BodyFile {
    /// Path relative to the scenario.
    pub path: String,
    /// Content of the file.
    pub content: Vec<u8>,
}

/// Example of a load and of targets, which users replace.
const LOAD_AND_TARGETS: &str = "\
# Load over time: brunt run load
[profiles.load]
users      = 10
spawn_rate = 2                        # users started per second
duration   = \"5m\"

# Targets: replace these examples with your own.
[targets]
p95        = { target = \"200ms\", acceptable = \"500ms\", critical = \"1s\" }
error_rate = { target = \"0.1%\", acceptable = \"1%\", critical = \"5%\" }
";

/// Folder of body files, relative to the scenario.
const BODIES: &str = "bodies";

/// Number of names above which a report becomes unreadable.
const NAMES_MAX: usize = 200;

/// Writes a draft.
pub(crate) fn imported(draft: &Draft, mut warnings: Warnings) -> Imported {
    let mut files = Vec::new();
    let mut text = format!("# Imported from {}.\n", draft.source);
    if !draft.data.is_empty() {
        text += "# Values are drawn uniformly and independently.\n";
    }
    text += "# Set the load and the targets at the end; then: brunt check, brunt run load\n\n";
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
    text += LOAD_AND_TARGETS;
    if !files.is_empty() {
        warnings.add(format!(
            "bodies other than JSON are sent unchanged, from files in {BODIES}/ next to the scenario"
        ));
    }
    if draft.tasks.len() > NAMES_MAX {
        warnings.add(format!(
            "there are {} tasks with different names; remove some, or give similar tasks the same name",
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
        None => "# The service under test; or use --host\n# host = \"http://localhost:8000\"\n\n"
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
    let mut text = String::from("# Headers of all requests\n[headers]\n");
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
    let mut text = String::from("# Lists that values are drawn from\n[data]\n");
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

/// A name without the start of an expression, which names do not support.
fn plain_name(name: &str) -> String {
    let mut plain = name.to_owned();
    while plain.contains("{{") {
        plain = plain.replace("{{", "{ {");
    }
    plain
}

/// Key and value of a body. Adds its header and its file.
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

/// Name of a body's file: the request, and a number that makes it unique, such as `post-orders-1`.
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
