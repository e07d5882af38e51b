//! Writes a draft as the text of a scenario.

use indexmap::IndexMap;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::draft::{Body, ConnectionSettings, Draft, Method, Part, PartContent, Status, Task};
use crate::toml_text::{key, string, value};
use crate::warnings::{Warnings, one_line};

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
    for note in &draft.notes {
        text += &format!("# {note}\n");
    }
    text += "# Set the load and the targets at the end; then: brunt check, brunt run load\n\n";
    text += &host(draft);
    text += &connection(&draft.connection);
    text += &headers(draft);
    text += &data(draft);
    text += &users(draft, &mut files);
    text += LOAD_AND_TARGETS;
    if !files.is_empty() {
        warnings.add(format!(
            "bodies that are long or not text are sent unchanged, from files in {BODIES}/ next to the scenario"
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
    match &draft.host {
        Some(host) => format!("host = {}\n", string(host)),
        None => "# The service under test; or use --host\n# host = \"http://localhost:8000\"\n"
            .to_owned(),
    }
}

/// Settings of connections, which follow the host.
fn connection(settings: &ConnectionSettings) -> String {
    let mut text = String::new();
    if let Some(version) = settings.http {
        text += &format!("http = {}\n", string(version));
    }
    if let Some(timeout) = &settings.connect_timeout {
        text += &format!("\n[timeouts]\nconnect = {}\n", string(timeout));
    }
    let files = [
        ("ca", &settings.authorities),
        ("certificate", &settings.certificate),
        ("key", &settings.key),
    ];
    let files = files
        .into_iter()
        .filter_map(|(key, path)| Some(format!("{key} = {}\n", string(path.as_ref()?))));
    let versions = settings
        .tls_versions
        .map(|version| format!("versions = [{}]\n", string(version)));
    let insecure = settings.insecure.then(|| "insecure = true\n".to_owned());
    let tls: String = files.chain(versions).chain(insecure).collect();
    if !tls.is_empty() {
        text += &format!("\n[tls]\n{tls}");
    }
    text + "\n"
}

fn headers(draft: &Draft) -> String {
    if draft.headers.is_empty() {
        return String::new();
    }
    let mut text = String::from("# Headers of all requests\n[headers]\n");
    for (name, values) in &draft.headers {
        text += &format!("{} = {}\n", key(name), value(&field(values), 0));
    }
    text + "\n"
}

/// The values of a header field: a string, or a list if it is repeated.
fn field(values: &[String]) -> Value {
    match values {
        [one] => one.as_str().into(),
        several => several.iter().map(String::as_str).collect(),
    }
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

/// The user classes: one for each host.
fn users(draft: &Draft, files: &mut Vec<BodyFile>) -> String {
    let mut hosts: Vec<Option<&str>> = Vec::new();
    for task in &draft.tasks {
        let host = task.flow.host.as_deref();
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts.sort_by_key(Option::is_some);
    let mut text = String::new();
    for (number, host) in (1..).zip(hosts) {
        let class = match number {
            1 => "visitor".to_owned(),
            number => format!("visitor_{number}"),
        };
        let tasks = draft
            .tasks
            .iter()
            .filter(|task| task.flow.host.as_deref() == host);
        let tasks: Vec<&Task> = tasks.collect();
        text += &format!("[users.{class}]\n");
        if let Some(host) = host {
            text += &format!("host = {}\n", string(host));
        }
        if draft.is_sequence {
            text += "order = \"sequence\"  # the tasks run one after another, again and again\n";
        }
        let wait = &draft.wait;
        text += &format!("wait = {}  # {}\n\n", string(&wait.text), wait.comment);
        for chunk in tasks.chunk_by(|_, next| next.flow.continues) {
            text += &self::task(&format!("users.{class}.tasks"), chunk, files);
        }
    }
    text
}

/// A task with one request, or with several steps.
fn task(table: &str, steps: &[&Task], files: &mut Vec<BodyFile>) -> String {
    if let [task] = steps
        && task.flow.pause.is_none()
    {
        return request(table, task, files);
    }
    let mut text = String::new();
    if let Some(comment) = steps.first().and_then(|task| task.comment) {
        text += &format!("# {comment}\n");
    }
    text += &format!("[[{table}]]\n\n");
    let table = format!("{table}.steps");
    for (number, task) in steps.iter().enumerate() {
        let mut step = (*task).clone();
        step.comment = task.comment.filter(|_| number > 0);
        text += &request(&table, &step, files);
        if let Some(pause) = &task.flow.pause {
            let wait = string(&pause.text);
            text += &format!("[[{table}]]\nwait = {wait}  # {}\n\n", pause.comment);
        }
    }
    text
}

/// A task or a step with a request.
fn request(table: &str, task: &Task, files: &mut Vec<BodyFile>) -> String {
    let mut lines: Vec<(&str, String)> = Vec::new();
    let name = plain_name(&task.name);
    if name != task.path {
        lines.push(("name", string(&name)));
    }
    if task.weight != 1 {
        lines.push(("weight", task.weight.to_string()));
    }
    match &task.method {
        Method::Other(method) => {
            lines.push(("method", string(method)));
            lines.push(("path", string(&task.path)));
        }
        method => lines.push((method.key(), string(&task.path))),
    }
    lines.extend(body(task, files));
    if let Some(auth) = &task.auth {
        let mut fields = serde_json::Map::new();
        fields.insert("user".to_owned(), auth.user.as_str().into());
        if !auth.password.is_empty() {
            fields.insert("password".to_owned(), auth.password.as_str().into());
        }
        lines.push(("auth", value(&Value::Object(fields), 0)));
    }
    if !task.headers.is_empty() {
        let headers = task
            .headers
            .iter()
            .map(|(name, values)| (name.clone(), field(values)))
            .collect();
        lines.push(("headers", value(&Value::Object(headers), 0)));
    }
    if let Some(status) = check(&task.check) {
        lines.push(("check", status));
    }
    if !task.flow.extracts.is_empty() {
        let extracts = task.flow.extracts.iter();
        let extracts = extracts
            .map(|extract| (extract.variable.clone(), extract.source.clone()))
            .collect();
        lines.push(("extract", value(&Value::Object(extracts), 0)));
    }
    if let Some(redirects) = task.redirects {
        lines.push(("redirects", redirects.to_string()));
    }
    if let Some(timeout) = &task.timeout {
        lines.push(("timeout", string(timeout)));
    }
    let width = lines.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
    let lines: Vec<String> = lines
        .iter()
        .map(|(key, value)| format!("{key:width$} = {value}\n"))
        .collect();
    let notes = task.flow.notes.iter().map(String::as_str);
    let mut comments = String::new();
    for comment in task.comment.into_iter().chain(notes) {
        comments += &format!("# {}\n", one_line(comment));
    }
    format!("{comments}[[{table}]]\n{}\n", lines.concat())
}

/// A name without the start of an expression, which names do not support.
fn plain_name(name: &str) -> String {
    let mut plain = name.to_owned();
    while plain.contains("{{") {
        plain = plain.replace("{{", "{ {");
    }
    plain
}

/// Key and value of a body. Adds its files.
fn body(task: &Task, files: &mut Vec<BodyFile>) -> Option<(&'static str, String)> {
    Some(match task.body.as_ref()? {
        Body::Json(json) => ("json", value(json, 0)),
        Body::File(path) => ("file", string(path)),
        Body::Text(text) => ("text", string(text)),
        Body::Form(fields) => {
            let mut table: IndexMap<&str, Vec<String>> = IndexMap::new();
            for (name, value) in fields {
                table.entry(name.as_str()).or_default().push(value.clone());
            }
            let table = table
                .into_iter()
                .map(|(name, values)| (name.to_owned(), field(&values)));
            ("form", value(&Value::Object(table.collect()), 0))
        }
        Body::Bytes(bytes) => ("file", string(&body_file(task, bytes, files))),
        Body::Multipart(parts) => {
            let mut table: IndexMap<&str, Vec<Value>> = IndexMap::new();
            for part in parts {
                let content = self::part(part, task, files);
                table.entry(part.name.as_str()).or_default().push(content);
            }
            let table = table.into_iter().map(|(name, mut parts)| {
                let parts = match parts.len() {
                    1 => parts.remove(0),
                    _ => Value::Array(parts),
                };
                (name.to_owned(), parts)
            });
            ("multipart", value(&Value::Object(table.collect()), 0))
        }
    })
}

/// A part of a multipart body. Adds its file.
fn part(part: &Part, task: &Task, files: &mut Vec<BodyFile>) -> Value {
    let (key, content) = match &part.content {
        PartContent::Text(text) if part.file_name.is_none() && part.media.is_none() => {
            return text.as_str().into();
        }
        PartContent::Text(text) => ("text", text.clone()),
        PartContent::File(path) => ("file", path.clone()),
        PartContent::Bytes(bytes) => ("file", body_file(task, bytes, files)),
    };
    let fields = [
        (key, Some(&content)),
        ("name", part.file_name.as_ref()),
        ("type", part.media.as_ref()),
    ];
    let fields = fields.into_iter();
    fields
        .filter_map(|(key, text)| Some((key.to_owned(), text?.as_str().into())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Adds a file of a body, and returns its path.
fn body_file(task: &Task, content: &[u8], files: &mut Vec<BodyFile>) -> String {
    let path = format!("{BODIES}/{}", file_name(task, content));
    if !files.iter().any(|file| file.path == path) {
        files.push(BodyFile {
            path: path.clone(),
            content: content.to_vec(),
        });
    }
    path
}

/// Name of a body's file: the request, and the beginning of the content's SHA-256, so that the bodies of several imports
/// fit into one folder. Example: `post-orders-1f3870be`.
fn file_name(task: &Task, content: &[u8]) -> String {
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
    let digest = Sha256::digest(content);
    let digest = format!(
        "{:02x}{:02x}{:02x}{:02x}",
        digest[0], digest[1], digest[2], digest[3]
    );
    let method = task.method.key().to_ascii_lowercase();
    let words = plain.split('-').filter(|word| !word.is_empty());
    let words: Vec<&str> = std::iter::once(method.as_str())
        .chain(words)
        .chain([digest.as_str()])
        .collect();
    words.join("-")
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
