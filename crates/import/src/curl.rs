//! curl commands that browsers copy or people write.

mod options;
mod shell_lexer;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use url::{Url, form_urlencoded};

use crate::draft::{Body, Draft};
use crate::error::ImportError;
use crate::grouping;
use crate::headers::Client;
use crate::recorded_request::RecordedRequest;
use crate::scenario_text::{self, Imported};
use crate::warnings::{Warnings, one_line};

use shell_lexer::Token;

/// Imports a text with one or more curl commands in the syntax of a shell.
pub fn curl(text: &str) -> Result<Imported, ImportError> {
    let tokens = shell_lexer::split(text.trim_start_matches('\u{feff}'))?;
    let commands = tokens.split(|token| *token == Token::End).map(|command| {
        let word = |token: &Token| match token {
            Token::Word(word) => word.clone(),
            Token::End => String::new(),
        };
        command.iter().map(word).collect::<Vec<String>>()
    });
    of_commands(commands.collect())
}

/// Imports one curl command that a shell has already split into words.
pub fn curl_words(words: &[String]) -> Result<Imported, ImportError> {
    of_commands(vec![words.to_vec()])
}

fn of_commands(commands: Vec<Vec<String>>) -> Result<Imported, ImportError> {
    let mut warnings = Warnings::default();
    let mut all = Vec::new();
    let (mut insecure, mut is_curl) = (false, false);
    for words in commands {
        let Some(words) = without_curl(&words) else {
            let line = words.join(" ");
            if !line.is_empty() {
                warnings.at(
                    "not a curl command, left out",
                    line.chars().take(60).collect::<String>(),
                );
            }
            continue;
        };
        is_curl = true;
        // `--next` starts another request of the same command.
        for words in words.split(|word| word == "--next" || word == "-:") {
            let command = Command::read(words, &mut warnings);
            insecure |= command.insecure;
            all.extend(command.requests(&mut warnings));
        }
    }
    if all.is_empty() {
        return Err(if is_curl {
            ImportError::NoUrl
        } else {
            ImportError::NoCommand
        });
    }
    let all = of_one_host(all, &mut warnings);
    let requests = all.len();
    let mut draft = grouping::draft(all, Client::Curl, &mut warnings)?;
    draft.source = match requests {
        1 => "a curl command".to_owned(),
        several => format!("{several} curl commands"),
    };
    draft.insecure = insecure;
    Ok(finished(&draft, warnings))
}

fn finished(draft: &Draft, mut warnings: Warnings) -> Imported {
    if draft.insecure {
        warnings.add("TLS certificates are not verified, as in the command: [tls] insecure = true");
    }
    scenario_text::imported(draft, warnings)
}

/// The words after `curl`, which may follow a prompt, `sudo` or environment variables. Without that word, a URL or an option
/// may start the command.
fn without_curl(words: &[String]) -> Option<&[String]> {
    let is_curl = |word: &String| {
        let name = word.rsplit(['/', '\\']).next().unwrap_or_default();
        name == "curl" || name == "curl.exe"
    };
    if let Some(at) = words.iter().take(6).position(is_curl) {
        return Some(&words[at + 1..]);
    }
    let first = words.first()?;
    (first.starts_with('-') || first.contains("://")).then_some(words)
}

/// Selects the requests to the host with the most requests.
fn of_one_host(all: Vec<RecordedRequest>, warnings: &mut Warnings) -> Vec<RecordedRequest> {
    let count = |host: &str| {
        all.iter()
            .filter(|request| request.authority() == host)
            .count()
    };
    let hosts = all.iter().map(RecordedRequest::authority);
    // The first of the hosts with the most requests.
    let Some(host) = hosts.rev().max_by_key(|host| count(host)) else {
        return all;
    };
    let (kept, others): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|request| request.authority() == host);
    for request in others {
        warnings.at(
            "requests to other hosts were left out, since a scenario has one host",
            request.authority(),
        );
    }
    kept
}

/// The options of a command.
#[derive(Debug, Default)]
struct Command {
    method: Option<String>,
    urls: Vec<String>,
    headers: Vec<(String, String)>,
    /// Parts of the body, joined by `&`.
    data: Vec<Vec<u8>>,
    data_file: Option<String>,
    upload: Option<String>,
    parts: Vec<String>,
    is_json: bool,
    data_in_query: bool,
    insecure: bool,
    timeout: Option<String>,
}

impl Command {
    fn read(words: &[String], warnings: &mut Warnings) -> Self {
        let mut command = Self::default();
        let mut words = words.iter();
        let mut only_urls = false;
        while let Some(word) = words.next() {
            if only_urls || word == "-" || !word.starts_with('-') {
                command.urls.push(word.clone());
            } else if word == "--" {
                only_urls = true;
            } else if let Some(long) = word.strip_prefix("--") {
                let (name, value) = match long.split_once('=') {
                    // curl does not support this form, but people use it.
                    Some((name, value)) if options::takes_value(name) => {
                        (name, Some(value.to_owned()))
                    }
                    _ if options::takes_value(long) => (long, words.next().cloned()),
                    _ => (long, None),
                };
                command.option(name, value.unwrap_or_default(), warnings);
            } else {
                command.short(&word[1..], &mut words, warnings);
            }
        }
        command
    }

    /// Reads letters after one hyphen: the first letter that takes a value gets the rest, or the next word.
    fn short(
        &mut self,
        letters: &str,
        words: &mut std::slice::Iter<String>,
        warnings: &mut Warnings,
    ) {
        for (at, letter) in letters.char_indices() {
            let name = options::long(letter);
            if !options::takes_value(name) {
                self.option(name, String::new(), warnings);
                continue;
            }
            let rest = &letters[at + letter.len_utf8()..];
            let value = if rest.is_empty() {
                words.next().cloned()
            } else {
                Some(rest.to_owned())
            };
            return self.option(name, value.unwrap_or_default(), warnings);
        }
    }

    fn option(&mut self, name: &str, value: String, warnings: &mut Warnings) {
        match name {
            "request" => self.method = Some(value),
            "url" => self.urls.push(value),
            "header" => self.header(&value, warnings),
            "user-agent" => self.headers.push(("User-Agent".to_owned(), value)),
            "referer" => self.headers.push(("Referer".to_owned(), value)),
            "cookie" => self.headers.push(("Cookie".to_owned(), value)),
            "user" => {
                let value = format!("Basic {}", STANDARD.encode(value));
                self.headers.push(("Authorization".to_owned(), value));
            }
            "oauth2-bearer" => {
                self.headers
                    .push(("Authorization".to_owned(), format!("Bearer {value}")));
            }
            "compressed" => self
                .headers
                .push(("Accept-Encoding".to_owned(), "gzip".to_owned())),
            "data" | "data-ascii" | "data-binary" | "json" => {
                self.is_json |= name == "json";
                match value.strip_prefix('@') {
                    Some(file) => self.data_file = Some(file.to_owned()),
                    None => self.data.push(value.into_bytes()),
                }
            }
            "data-raw" => self.data.push(value.into_bytes()),
            "data-urlencode" => self.data.push(encoded(&value, warnings).into_bytes()),
            "url-query" => {
                self.data.push(encoded(&value, warnings).into_bytes());
                self.data_in_query = true;
            }
            "form" | "form-string" => self.parts.push(value),
            "upload-file" => self.upload = Some(value),
            "get" => self.data_in_query = true,
            "head" => {
                self.method.get_or_insert_with(|| "HEAD".to_owned());
            }
            "insecure" => self.insecure = true,
            "max-time" => self.timeout = seconds(&value),
            "config" => warnings.at("options from a file are not read", value),
            "cert" | "key" | "cacert" | "capath" => {
                warnings.at(
                    "certificates were left out; add them under [tls] in the scenario",
                    format!("--{name}"),
                );
            }
            "proxy" | "preproxy" | "socks5" | "socks5-hostname" | "socks4" | "socks4a"
            | "unix-socket" => {
                warnings.at(
                    "proxies and Unix sockets are not supported, left out",
                    format!("--{name}"),
                );
            }
            "resolve" | "connect-to" => {
                warnings.at(
                    "left out; use brunt run --resolve HOST:PORT:ADDRESS instead",
                    format!("--{name}"),
                );
            }
            "aws-sigv4" | "digest" | "ntlm" | "negotiate" | "anyauth" => {
                warnings.at(
                    "this kind of authorization is not supported, left out",
                    format!("--{name}"),
                );
            }
            _ => {}
        }
    }

    fn header(&mut self, line: &str, warnings: &mut Warnings) {
        if let Some(file) = line.strip_prefix('@') {
            warnings.at("headers from a file are not read", file);
            return;
        }
        // `Name;` sends the header without a value, `Name:` removes curl's own header.
        match line.split_once(':') {
            Some((_, value)) if value.trim().is_empty() => {}
            Some((name, value)) => self
                .headers
                .push((name.trim().to_owned(), value.trim().to_owned())),
            None => {
                let line = line.trim_end_matches(';');
                warnings.at("a header without a value was left out", one_line(line));
            }
        }
    }

    fn requests(self, warnings: &mut Warnings) -> Vec<RecordedRequest> {
        let urls: Vec<Url> = self
            .urls
            .iter()
            .filter_map(|text| url(text, warnings))
            .collect();
        let body = self.body(warnings);
        let method = self.method(body.is_some());
        let query = self.data.join(&b'&');
        let query = String::from_utf8_lossy(&query);
        urls.into_iter()
            .map(|mut url| {
                if self.data_in_query && !query.is_empty() {
                    let both = url
                        .query()
                        .map_or_else(|| query.to_string(), |own| format!("{own}&{query}"));
                    url.set_query(Some(&both));
                }
                let mut request = RecordedRequest::new(&method, without_user(&url));
                request.headers = self.all_headers(&url);
                request.body.clone_from(&body);
                request.timeout.clone_from(&self.timeout);
                request
            })
            .collect()
    }

    fn method(&self, has_body: bool) -> String {
        match &self.method {
            Some(method) => method.clone(),
            None if self.upload.is_some() => "PUT".to_owned(),
            None if has_body => "POST".to_owned(),
            None => "GET".to_owned(),
        }
    }

    fn all_headers(&self, url: &Url) -> Vec<(String, String)> {
        let mut headers = self.headers.clone();
        if !url.username().is_empty() {
            headers.push(("Authorization".to_owned(), "Basic …".to_owned()));
        }
        headers
    }

    fn body(&self, warnings: &mut Warnings) -> Option<Body> {
        if let Some(file) = self
            .upload
            .as_ref()
            .or(self.data_file.as_ref())
            .filter(|file| *file != "-")
        {
            warnings.at(
                "the body is read from this file, whose path is relative to the scenario",
                file,
            );
            return Some(Body::File(file.clone()));
        }
        if !self.parts.is_empty() {
            warnings.add(
                "a multipart form (-F) was left out, since it is not supported; send a prepared body instead: \
                 file = \"…\" with its Content-Type",
            );
            return None;
        }
        if self.data_in_query || self.data.is_empty() {
            return None;
        }
        let bytes = self.data.join(&b'&');
        let is_type = |wanted: &str| {
            self.headers.iter().any(|(name, value)| {
                name.eq_ignore_ascii_case("content-type")
                    && value.to_ascii_lowercase().contains(wanted)
            })
        };
        let has_type = self
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        // JSON without its Content-Type is still JSON.
        let looks_json = matches!(bytes.first(), Some(b'{' | b'['));
        if self.is_json || is_type("json") || (looks_json && !has_type) {
            if let Ok(value) = serde_json::from_slice::<Value>(&bytes) {
                return Some(Body::Json(value));
            }
            warnings.add("a body that should be JSON is invalid, and is sent unchanged");
            return Some(Body::Bytes(bytes));
        }
        if has_type && !is_type("x-www-form-urlencoded") {
            return Some(Body::Bytes(bytes));
        }
        Some(Body::Form(
            form_urlencoded::parse(&bytes).into_owned().collect(),
        ))
    }
}

/// An http or https URL. Without a scheme it is http, like in curl.
fn url(text: &str, warnings: &mut Warnings) -> Option<Url> {
    let with_scheme = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let url = Url::parse(&with_scheme).ok();
    let url =
        url.filter(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some());
    if url.is_none() {
        let shown: String = text.chars().take(60).collect();
        warnings.at("not an http or https URL, left out", format!("`{shown}`"));
    }
    url
}

fn without_user(url: &Url) -> Url {
    let mut url = url.clone();
    // An http URL supports both, so this does not fail.
    if url.set_username("").is_err() || url.set_password(None).is_err() {
        return url;
    }
    url
}

/// Encodes a value of `--data-urlencode`: `text`, `=text`, `name=text`.
fn encoded(value: &str, warnings: &mut Warnings) -> String {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    match value.split_once('=') {
        Some(("", text)) => encode(text),
        Some((name, text)) => format!("{name}={}", encode(text)),
        None => {
            if let Some((_, file)) = value.split_once('@') {
                warnings.at("a value from a file is not read", file);
            }
            encode(value)
        }
    }
}

/// Converts seconds of curl to a duration of a scenario.
fn seconds(text: &str) -> Option<String> {
    let seconds: f64 = text.parse().ok()?;
    let is_sane = seconds.is_finite() && (0.001..=86_400.0).contains(&seconds);
    is_sane.then(|| format!("{}ms", (seconds * 1e3).round()))
}
