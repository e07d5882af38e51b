//! curl commands: those that browsers copy, and those that people write.

mod options;
mod shell_lexer;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use url::{Url, form_urlencoded};

use crate::draft::{Body, Draft};
use crate::headers::Client;
use crate::recorded::Recorded;
use crate::warnings::{Warnings, one_line};
use crate::{ImportError, Imported, grouping, scenario_text};

use shell_lexer::Part;

/// A scenario of a text with one curl command or more, as a shell takes them.
pub fn curl(text: &str) -> Result<Imported, ImportError> {
    let parts = shell_lexer::split(text.trim_start_matches('\u{feff}'))?;
    let commands = parts.split(|part| *part == Part::End).map(|command| {
        let word = |part: &Part| match part {
            Part::Word(word) => word.clone(),
            Part::End => String::new(),
        };
        command.iter().map(word).collect::<Vec<String>>()
    });
    of_commands(commands.collect())
}

/// A scenario of one curl command whose words a shell has already told apart.
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
                    "no curl command, and left out",
                    line.chars().take(60).collect::<String>(),
                );
            }
            continue;
        };
        is_curl = true;
        // `--next` begins anew within a command.
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
        warnings
            .say("TLS certificates are not verified, as the command says: [tls] insecure = true");
    }
    scenario_text::imported(draft, warnings)
}

/// The words behind `curl`; a prompt, `sudo` or settings of the environment may stand before it. Where
/// there is no such word, a URL or an option is taken for the begin.
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

/// Requests to the host that most go to.
fn of_one_host(all: Vec<Recorded>, warnings: &mut Warnings) -> Vec<Recorded> {
    let count = |host: &str| {
        all.iter()
            .filter(|request| request.authority() == host)
            .count()
    };
    let hosts = all.iter().map(Recorded::authority);
    // Of those with the most, the first.
    let Some(host) = hosts.rev().max_by_key(|host| count(host)) else {
        return all;
    };
    let (kept, others): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|request| request.authority() == host);
    for request in others {
        warnings.at(
            "a scenario has one host; requests to others were left out",
            request.authority(),
        );
    }
    kept
}

/// What a command says.
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
                    // No curl takes this; people write it all the same.
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

    /// Letters behind one hyphen: the first that takes a value has the rest, or the next word.
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
            "config" => warnings.at("options in a file are not read", value),
            "cert" | "key" | "cacert" | "capath" => {
                warnings.at(
                    "certificates were left out; write them under [tls] of the scenario",
                    format!("--{name}"),
                );
            }
            "proxy" | "preproxy" | "socks5" | "socks5-hostname" | "socks4" | "socks4a"
            | "unix-socket" => {
                warnings.at(
                    "brunt goes to the host itself; left out",
                    format!("--{name}"),
                );
            }
            "resolve" | "connect-to" => {
                warnings.at(
                    "left out; give --resolve HOST:PORT:ADDRESS to brunt run",
                    format!("--{name}"),
                );
            }
            "aws-sigv4" | "digest" | "ntlm" | "negotiate" | "anyauth" => {
                warnings.at(
                    "this kind of authorization cannot be written, and was left out",
                    format!("--{name}"),
                );
            }
            _ => {}
        }
    }

    fn header(&mut self, line: &str, warnings: &mut Warnings) {
        if let Some(file) = line.strip_prefix('@') {
            warnings.at("headers in a file are not read", file);
            return;
        }
        // `Name;` sends the header without a value, `Name:` takes curl's own away.
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

    fn requests(self, warnings: &mut Warnings) -> Vec<Recorded> {
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
                let mut request = Recorded::new(&method, without_user(&url));
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
                "a body is read from your file; its path begins where the scenario lies",
                file,
            );
            return Some(Body::File(file.clone()));
        }
        if !self.parts.is_empty() {
            warnings.say(
                "a form of several parts (-F) cannot be written, and was left out; send one from a file: \
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
        // Who forgets to say that it is JSON sends JSON all the same.
        let looks_json = matches!(bytes.first(), Some(b'{' | b'['));
        if self.is_json || is_type("json") || (looks_json && !has_type) {
            if let Ok(value) = serde_json::from_slice::<Value>(&bytes) {
                return Some(Body::Json(value));
            }
            warnings.say("a body that should be JSON is none; it is sent as it is");
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

/// A URL of http or https; without a scheme it is http, as for curl.
fn url(text: &str, warnings: &mut Warnings) -> Option<Url> {
    let whole = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let url = Url::parse(&whole).ok();
    let url =
        url.filter(|url| matches!(url.scheme(), "http" | "https") && url.host_str().is_some());
    if url.is_none() {
        let shown: String = text.chars().take(60).collect();
        warnings.at(
            "no URL of http or https, and left out",
            format!("`{shown}`"),
        );
    }
    url
}

fn without_user(url: &Url) -> Url {
    let mut url = url.clone();
    // A URL of http has a place for both.
    if url.set_username("").is_err() || url.set_password(None).is_err() {
        return url;
    }
    url
}

/// What `--data-urlencode` makes of its value: `text`, `=text`, `name=text`.
fn encoded(value: &str, warnings: &mut Warnings) -> String {
    let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    match value.split_once('=') {
        Some(("", text)) => encode(text),
        Some((name, text)) => format!("{name}={}", encode(text)),
        None => {
            if let Some((_, file)) = value.split_once('@') {
                warnings.at("a value in a file is not read", file);
            }
            encode(value)
        }
    }
}

/// Seconds as curl has them, as a scenario has them.
fn seconds(text: &str) -> Option<String> {
    let seconds: f64 = text.parse().ok()?;
    let is_sane = seconds.is_finite() && (0.001..=86_400.0).contains(&seconds);
    is_sane.then(|| format!("{}ms", (seconds * 1e3).round()))
}
