//! curl commands that browsers copy or people write.

mod bash;
mod body;
mod cmd;
mod command;
mod command_line;
mod fetch;
mod form_part;
mod options;
mod power_shell;
mod requests;
mod shell;
mod target;
mod url_pattern;

use crate::data::Data;
use crate::draft::{ConnectionSettings, Draft};
use crate::error::ImportError;
use crate::grouping;
use crate::headers::Client;
use crate::recorded_request::RecordedRequest;
use crate::scenario_text::{self, Imported};
use crate::warnings::{Warnings, one_line};

use command::Command;
use command_line::{Input, MARKS, ShellCommand, ShellText};

/// Note about the only default in which brunt differs from curl.
const REDIRECTS: &str = "Redirects within the host are followed, which curl does only with -L.";

/// Imports a text with one or more curl commands in the syntax of a shell, or with calls of `fetch()`.
pub fn curl(text: impl AsRef<[u8]>) -> Result<Imported, ImportError> {
    let text = text.as_ref();
    let plain = String::from_utf8_lossy(text);
    let plain = plain.trim_start_matches('\u{feff}');
    let mut warnings = Warnings::default();
    if fetch::is_syntax_of(plain) {
        let requests = fetch::requests(plain, &mut warnings)?;
        let settings = ConnectionSettings::default();
        let mut draft = draft(requests, Data::default(), settings, &mut warnings)?;
        let calls = draft.tasks.iter().map(|task| task.weight).sum::<u64>();
        draft.source = match calls {
            1 => "a fetch() call".to_owned(),
            several => format!("{several} fetch() calls"),
        };
        return Ok(scenario_text::imported(&draft, warnings));
    }
    if is_power_shell_request(plain) {
        return Err(ImportError::PowerShell);
    }
    let text = shell::split(text)?;
    of_commands(text, false)
}

/// Imports one curl command that a shell has already split into words, with or without the word `curl`.
pub fn curl_words<W: AsRef<[u8]>>(words: &[W]) -> Result<Imported, ImportError> {
    let command = ShellCommand {
        words: words.iter().map(|word| word.as_ref().to_vec()).collect(),
        ..ShellCommand::default()
    };
    let text = ShellText {
        commands: vec![command],
        ..ShellText::default()
    };
    of_commands(text, true)
}

/// Whether a text calls PowerShell's own commands, of which `curl` was the name of one.
fn is_power_shell_request(text: &str) -> bool {
    [
        "Invoke-WebRequest",
        "Invoke-RestMethod",
        "Microsoft.PowerShell.",
    ]
    .into_iter()
    .any(|name| text.contains(name))
        || text.contains("@{") && text.contains("-Headers")
}

/// The requests of commands, and the settings of their connections.
#[derive(Debug, Default)]
struct CommandRequests {
    requests: Vec<RecordedRequest>,
    settings: Option<ConnectionSettings>,
    follows_redirects: bool,
    is_curl: bool,
}

fn of_commands(text: ShellText, is_curl: bool) -> Result<Imported, ImportError> {
    let (mut warnings, mut data) = <(Warnings, Data)>::default();
    for name in &text.variables {
        data.variable(name);
    }
    for (what, place) in &text.warnings {
        warnings.at(*what, place);
    }
    let mut all = CommandRequests {
        follows_redirects: true,
        ..CommandRequests::default()
    };
    for command in resolved(text) {
        all.add(&command, is_curl, &mut warnings);
    }
    if all.requests.is_empty() {
        if !all.is_curl {
            return Err(ImportError::NoCommand);
        }
        let reasons = warnings.into_lines();
        return Err(if reasons.is_empty() {
            ImportError::NoUrl
        } else {
            ImportError::Nothing {
                reason: reasons.join("; "),
            }
        });
    }
    let requests = of_one_origin(all.requests, &mut warnings);
    let count = requests.len();
    let mut draft = draft(
        requests,
        data,
        all.settings.unwrap_or_default(),
        &mut warnings,
    )?;
    draft.source = match count {
        1 => "a curl command".to_owned(),
        several => format!("{several} curl commands"),
    };
    if !all.follows_redirects {
        draft.notes.push(REDIRECTS);
    }
    Ok(scenario_text::imported(&draft, warnings))
}

impl CommandRequests {
    fn add(&mut self, command: &ShellCommand, is_curl: bool, warnings: &mut Warnings) {
        let words = match without_curl(&command.words) {
            Some(words) => words,
            None if is_curl => &command.words[..],
            None => {
                // What reads curl's output does not change the request.
                if !command.is_fed {
                    let line = String::from_utf8_lossy(&command.words.join(&b' ')).into_owned();
                    let line: String = line.chars().take(60).collect();
                    warnings.at("not a curl command, left out", line);
                }
                return;
            }
        };
        self.is_curl = true;
        for command in Command::read_all(words, command, warnings) {
            match command.requests(warnings) {
                Ok(requests) if requests.is_empty() => {}
                Ok(requests) => {
                    self.follows_redirects &= command.follows_redirects.is_some();
                    self.merge_settings(&command.settings, warnings);
                    self.requests.extend(requests);
                }
                Err(reason) => warnings.add(reason),
            }
        }
    }

    /// The settings of a scenario are those of all its connections.
    fn merge_settings(&mut self, settings: &ConnectionSettings, warnings: &mut Warnings) {
        match &mut self.settings {
            None => self.settings = Some(settings.clone()),
            Some(known) if known == settings => {}
            Some(known) => {
                known.insecure |= settings.insecure;
                warnings.add(
                    "commands differ in TLS, HTTP version or connect timeout, which a scenario has once; those of the \
                     first command are used",
                );
            }
        }
    }
}

fn draft(
    requests: Vec<RecordedRequest>,
    data: Data,
    mut settings: ConnectionSettings,
    warnings: &mut Warnings,
) -> Result<Draft, ImportError> {
    let is_tls = requests
        .first()
        .is_some_and(|request| request.url.scheme() == "https");
    if !is_tls {
        let files = [
            settings.authorities.take(),
            settings.certificate.take(),
            settings.key.take(),
        ];
        if files.iter().any(Option::is_some) || settings.tls_versions.take().is_some() {
            warnings.add("settings of TLS were left out, since the host is not https");
        }
        if settings.http == Some("auto") {
            settings.http = None;
            warnings.add(
                "an upgrade to HTTP/2 is not supported; HTTP/1.1 is used, or set http = \"2\"",
            );
        }
    }
    if settings.http == Some("1.1") {
        settings.http = None;
    }
    // One file may contain the certificate and the key.
    if settings.key.is_none() {
        settings.key.clone_from(&settings.certificate);
    }
    if settings.insecure {
        warnings.add("TLS certificates are not verified, as in the command: [tls] insecure = true");
    }
    let mut draft = grouping::draft_from(data, requests, Client::Curl, warnings)?;
    draft.connection = settings;
    Ok(draft)
}

/// Commands with the values of variables that the text sets, and with the input that other commands write.
fn resolved(text: ShellText) -> Vec<ShellCommand> {
    let mut values: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    let mut commands: Vec<ShellCommand> = Vec::new();
    for mut command in text.commands {
        let inputs = match &mut command.input {
            Some(Input::File(text) | Input::Bytes(text)) => Some(text),
            None => None,
        };
        for word in command.words.iter_mut().chain(inputs) {
            for (mark, value) in &values {
                replace(word, mark, value);
            }
        }
        if let Some(assigned) = assignments(&command.words) {
            values.extend(assigned);
            continue;
        }
        if command.is_fed && command.input.is_none() {
            let output = commands.last().and_then(|feeder| output_of(&feeder.words));
            if output.is_some() {
                commands.pop();
            }
            command.input = output;
        }
        commands.push(command);
    }
    commands
}

/// The variables that a command sets, if it does nothing else: their marks, and their values.
fn assignments(words: &[Vec<u8>]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let words = match words.first() {
        Some(first) if first == b"export" => &words[1..],
        _ => words,
    };
    let assigned = words.iter().map(|word| {
        let at = word.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (&word[..at], &word[at + 1..]);
        let is_name = !name.is_empty()
            && !name[0].is_ascii_digit()
            && name
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
        is_name.then(|| ([MARKS.0, name, MARKS.1].concat(), value.to_vec()))
    });
    let assigned: Option<Vec<_>> = assigned.collect();
    assigned.filter(|assigned| !assigned.is_empty())
}

fn replace(word: &mut Vec<u8>, mark: &[u8], value: &[u8]) {
    let mut from = 0;
    while let Some(at) = word[from..]
        .windows(mark.len())
        .position(|part| part == mark)
    {
        let at = from + at;
        word.splice(at..at + mark.len(), value.iter().copied());
        from = at + value.len();
    }
}

/// Output of a command whose words contain it.
fn output_of(words: &[Vec<u8>]) -> Option<Input> {
    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    match &words[..] {
        [b"echo", b"-n", rest @ ..] => Some(Input::Bytes(rest.join(&b' '))),
        [b"echo", rest @ ..] if !rest.first().is_some_and(|word| word.starts_with(b"-")) => {
            Some(Input::Bytes([&rest.join(&b' ')[..], b"\n"].concat()))
        }
        [b"printf", b"%s", text] => Some(Input::Bytes(text.to_vec())),
        [b"cat", file] if !file.starts_with(b"-") => Some(Input::File(file.to_vec())),
        _ => None,
    }
}

/// The words after `curl`, which may follow a prompt, `sudo` or environment variables. Without that word, a URL or an option
/// may start the command.
fn without_curl(words: &[Vec<u8>]) -> Option<&[Vec<u8>]> {
    let is_url = |word: &[u8]| {
        let word = word.to_ascii_lowercase();
        word.starts_with(b"http://") || word.starts_with(b"https://")
    };
    let is_curl = |word: &Vec<u8>| {
        let name = word
            .rsplit(|byte| b"/\\".contains(byte))
            .next()
            .unwrap_or_default();
        !is_url(word) && (name == b"curl" || name == b"curl.exe")
    };
    // What follows an option or a URL is an argument.
    let is_argument = |word: &Vec<u8>| word.starts_with(b"-") || is_url(word);
    let before = words.iter().take(6).take_while(|word| !is_argument(word));
    if let Some(at) = before.clone().position(is_curl) {
        return Some(&words[at + 1..]);
    }
    let first = words.first()?;
    let is_alone = words.len() == 1 && is_host(first);
    (is_argument(first) || is_alone).then_some(words)
}

/// Whether a word looks like a URL without a scheme: a host with a dot or a port, or `localhost`.
fn is_host(word: &[u8]) -> bool {
    let host = word
        .split(|byte| b"/?#".contains(byte))
        .next()
        .unwrap_or_default();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b".-:[]@_".contains(byte);
    let looks_like_host = host == b"localhost" || host.iter().any(|byte| b".:".contains(byte));
    looks_like_host && host.iter().all(is_plain) && host.iter().any(u8::is_ascii_alphanumeric)
}

/// Selects the requests to the scheme, host and port with the most requests.
fn of_one_origin(all: Vec<RecordedRequest>, warnings: &mut Warnings) -> Vec<RecordedRequest> {
    let origin = |request: &RecordedRequest| request.url.origin().ascii_serialization();
    let count = |wanted: &str| {
        all.iter()
            .filter(|request| origin(request) == wanted)
            .count()
    };
    // The first of the origins with the most requests.
    let origins = all.iter().map(origin).rev();
    let Some(most) = origins.max_by_key(|origin| count(origin)) else {
        return all;
    };
    let (kept, others): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|request| origin(request) == most);
    for request in others {
        warnings.at(
            "requests to other hosts were left out, since a scenario has one host",
            one_line(&origin(&request)),
        );
    }
    kept
}
