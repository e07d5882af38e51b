//! The options of a curl command.

use crate::curl::body::{Pieces, push_encoded};
use crate::curl::command_line::{Input, MARKS, ShellCommand};
use crate::curl::form_part::{self, FormPart};
use crate::curl::options::{self, CurlOption, Kind};
use crate::draft::ConnectionSettings;
use crate::warnings::{Warnings, one_line};

/// The options of a command, or of a part of it between `--next`.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option that is given or not"
)]
pub(super) struct Command {
    pub(super) method: Option<String>,
    pub(super) is_head: bool,
    pub(super) urls: Vec<Vec<u8>>,
    /// Lines of `-H`.
    pub(super) header_lines: Vec<Vec<u8>>,
    pub(super) user_agent: Option<Vec<u8>>,
    pub(super) referer: Option<Vec<u8>>,
    pub(super) cookies: Vec<Vec<u8>>,
    pub(super) range: Option<Vec<u8>>,
    pub(super) is_compressed: bool,
    pub(super) user: Option<String>,
    pub(super) bearer: Option<String>,
    /// Whether the credentials are for another kind of authorization.
    pub(super) has_other_auth: bool,
    pub(super) data: Pieces,
    pub(super) is_json: bool,
    pub(super) has_data_in_query: bool,
    pub(super) query: Pieces,
    pub(super) uploads: Vec<Vec<u8>>,
    pub(super) parts: Vec<FormPart>,
    pub(super) settings: ConnectionSettings,
    pub(super) timeout: Option<String>,
    pub(super) follows_redirects: Option<bool>,
    pub(super) redirects_max: Option<u8>,
    pub(super) keeps_dots: bool,
    pub(super) is_literal_url: bool,
    pub(super) default_scheme: Option<String>,
    pub(super) request_target: Option<String>,
    pub(super) input: Option<Input>,
}

impl Command {
    /// Reads the words after `curl`: a command for each part between `--next`.
    pub(super) fn read_all(
        words: &[Vec<u8>],
        shell: &ShellCommand,
        warnings: &mut Warnings,
    ) -> Vec<Self> {
        let mut reader = CommandReader {
            words: words.iter(),
            commands: Vec::new(),
            command: Self::with_input(shell),
            shell,
            warnings,
        };
        reader.read();
        reader.commands.push(reader.command);
        reader.commands
    }

    fn with_input(shell: &ShellCommand) -> Self {
        Self {
            input: shell.input.clone(),
            ..Self::default()
        }
    }
}

struct CommandReader<'a> {
    words: std::slice::Iter<'a, Vec<u8>>,
    commands: Vec<Command>,
    command: Command,
    shell: &'a ShellCommand,
    warnings: &'a mut Warnings,
}

impl CommandReader<'_> {
    fn read(&mut self) {
        let mut has_only_urls = false;
        while let Some(word) = self.words.next() {
            if has_only_urls || !word.starts_with(b"-") || word == b"-" {
                self.command.urls.push(word.clone());
            } else if word == b"--" {
                has_only_urls = true;
            } else if let Some(long) = word.strip_prefix(b"--") {
                self.long(&String::from_utf8_lossy(long));
            } else {
                self.short(&word[1..]);
            }
        }
    }

    fn long(&mut self, name: &str) {
        if let Some(option) = options::long(name) {
            let value = option.takes_value.then(|| self.words.next().cloned());
            return self.option(option, value.flatten(), true);
        }
        if let Some(option) = name.strip_prefix("no-").and_then(options::long) {
            return self.option(option, None, false);
        }
        // curl does not support this form, but people use it.
        if let Some((name, value)) = name.split_once('=')
            && let Some(option) = options::long(name)
        {
            return self.option(option, Some(value.as_bytes().to_vec()), true);
        }
        self.warnings
            .at("unknown option of curl, left out", format!("--{name}"));
    }

    /// Reads letters after one hyphen: the first letter that takes a value gets the rest, or the next word.
    fn short(&mut self, letters: &[u8]) {
        for (at, letter) in letters.iter().enumerate() {
            let letter = char::from(*letter);
            let Some(option) = options::short(letter) else {
                self.warnings
                    .at("unknown option of curl, left out", format!("-{letter}"));
                continue;
            };
            if !option.takes_value {
                self.option(option, None, true);
                continue;
            }
            let rest = &letters[at + 1..];
            let value = if rest.is_empty() {
                self.words.next().cloned()
            } else {
                Some(rest.to_vec())
            };
            return self.option(option, value, true);
        }
    }

    fn option(&mut self, option: CurlOption, value: Option<Vec<u8>>, is_on: bool) {
        let value = value.unwrap_or_default();
        match option.kind {
            Kind::Other if is_on => self.other(option.name, &value),
            Kind::Irrelevant | Kind::Other => {}
            // Without a URL, the options of both parts are those of the next one.
            Kind::Read if option.name == "next" && self.command.urls.is_empty() => {}
            Kind::Read if option.name == "next" => {
                let next = Command::with_input(self.shell);
                self.commands
                    .push(std::mem::replace(&mut self.command, next));
            }
            Kind::Read if option.takes_value => self.value(option.name, value),
            Kind::Read => self.flag(option.name, is_on),
        }
    }

    fn flag(&mut self, name: &str, is_on: bool) {
        let command = &mut self.command;
        match name {
            "compressed" => command.is_compressed = is_on,
            "get" => command.has_data_in_query = is_on,
            "globoff" => command.is_literal_url = is_on,
            "head" => command.is_head = is_on,
            "insecure" => command.settings.insecure = is_on,
            "location" => command.follows_redirects = Some(is_on),
            "location-trusted" => {
                command.follows_redirects = Some(is_on);
                if is_on {
                    let what = "secrets are not sent to other hosts after a redirect";
                    self.warnings.at(what, "--location-trusted");
                }
            }
            "path-as-is" => command.keeps_dots = is_on,
            "basic" => command.has_other_auth &= !is_on,
            "digest" | "ntlm" | "negotiate" | "anyauth" if is_on => {
                command.has_other_auth = true;
                let what = "this kind of authorization is not supported, left out with its user and password";
                self.warnings.at(what, format!("--{name}"));
            }
            "http1.0" => {
                let what = "this HTTP version is not supported; HTTP/1.1 is used";
                self.warnings.at(what, "--http1.0");
            }
            "http1.1" => command.settings.http = Some("1.1"),
            "http2" => command.settings.http = Some("auto"),
            "http2-prior-knowledge" => command.settings.http = Some("2"),
            "tlsv1.3" => command.settings.tls_versions = Some("1.3"),
            _ => {}
        }
    }

    fn value(&mut self, name: &str, value: Vec<u8>) {
        let command = &mut self.command;
        let input = command.input.as_ref();
        let text = || String::from_utf8_lossy(&value).into_owned();
        match name {
            "request" => command.method = Some(text()),
            "url" => command.urls.push(value),
            "header" if value.starts_with(b"@") => {
                self.warnings.at("headers from a file are not read", text());
            }
            "header" => command.header_lines.push(value),
            "user-agent" => command.user_agent = Some(value),
            "referer" => command.referer = Some(value),
            "cookie" => self.cookie(value),
            "range" => command.range = Some(value),
            "continue-at" if value == b"-" => {
                self.warnings.at(
                    "the size of a file is not known, left out",
                    "--continue-at -",
                );
            }
            "continue-at" => command.range = Some([&value[..], b"-"].concat()),
            "user" => command.user = Some(text()),
            "oauth2-bearer" => command.bearer = Some(text()),
            "data" | "data-ascii" | "data-binary" | "data-raw" | "json" => {
                command.is_json |= name == "json";
                command.data.separate(name == "json");
                match value.strip_prefix(b"@").filter(|_| name != "data-raw") {
                    Some(file) => {
                        let loses_lines = matches!(name, "data" | "data-ascii");
                        command.data.push_file(file, input, loses_lines);
                    }
                    None => command.data.push(value),
                }
            }
            "data-urlencode" => {
                command.data.separate(false);
                push_encoded(&value, input, &mut command.data);
            }
            "url-query" => {
                command.query.separate(false);
                match value.strip_prefix(b"+") {
                    Some(raw) => command.query.push(raw.to_vec()),
                    None => push_encoded(&value, input, &mut command.query),
                }
            }
            "form" | "form-string" => match form_part::parse_bytes(&value, name == "form-string") {
                Some(part) => command.parts.push(part),
                None => self
                    .warnings
                    .at("a part of a form without a name was left out", text()),
            },
            "upload-file" => command.uploads.push(value),
            "max-time" => command.timeout = seconds(&text()),
            "connect-timeout" => command.settings.connect_timeout = seconds(&text()),
            "max-redirs" => {
                // A negative number is unlimited.
                let limit = text().trim().parse::<i64>().ok();
                command.redirects_max = limit.map(|limit| u8::try_from(limit).unwrap_or(u8::MAX));
            }
            "proto-default" => command.default_scheme = Some(text()),
            "request-target" => command.request_target = Some(text()),
            _ => self.tls(name, &value),
        }
    }

    fn cookie(&mut self, value: Vec<u8>) {
        if value.contains(&b'=') || value.starts_with(MARKS.0) {
            self.command.cookies.push(value);
        } else if !value.is_empty() {
            let file = String::from_utf8_lossy(&value);
            self.warnings.at("cookies from a file are not read", file);
        }
    }

    fn tls(&mut self, name: &str, value: &[u8]) {
        let value = String::from_utf8_lossy(value).into_owned();
        let settings = &mut self.command.settings;
        match name {
            "cacert" => settings.authorities = Some(value),
            "cert" => {
                // A colon separates the password, except after the letter of a drive.
                let at = value
                    .match_indices(':')
                    .map(|(at, _)| at)
                    .find(|at| *at > 1);
                if at.is_some() {
                    let what = "the password of a key was left out; set key_password under [tls]";
                    self.warnings.at(what, "--cert");
                }
                settings.certificate = Some(value[..at.unwrap_or(value.len())].to_owned());
            }
            "key" => settings.key = Some(value),
            "tls-max" if value == "1.2" => settings.tls_versions = Some("1.2"),
            "tls-max" if value != "1.3" && value != "default" => {
                self.warnings
                    .at("TLS before 1.2 is not supported, left out", "--tls-max");
            }
            _ => {}
        }
    }

    /// Warns about an option that cannot be carried over. Values may be secrets.
    fn other(&mut self, name: &str, value: &[u8]) {
        let value = String::from_utf8_lossy(value);
        let place = format!("--{name}");
        match name {
            "config" => self.warnings.at("options from a file are not read", value),
            "resolve" => {
                let what = "the address of a host is an option of a run: brunt run --resolve";
                self.warnings.at(what, value.trim_start_matches('+'));
            }
            "connect-to" => {
                let what = "left out; use brunt run --resolve HOST:PORT:ADDRESS instead";
                self.warnings.at(what, one_line(&value));
            }
            "interface" => {
                let what = "left out; use brunt run --local-address ADDRESS instead";
                self.warnings.at(what, place);
            }
            "proxy"
            | "preproxy"
            | "socks5"
            | "socks5-hostname"
            | "socks4"
            | "socks4a"
            | "proxy1.0"
            | "unix-socket"
            | "abstract-unix-socket" => {
                let what = "proxies and Unix sockets are not supported, left out";
                self.warnings.at(what, place);
            }
            "aws-sigv4" | "ntlm-wb" | "httpsig-key" => {
                self.command.has_other_auth = true;
                let what = "this kind of authorization is not supported, left out with its user and password";
                self.warnings.at(what, place);
            }
            "http3" | "http3-only" => {
                self.command.settings.http = Some("auto");
                let what = "HTTP/3 is not supported; the server chooses HTTP/2 or HTTP/1.1";
                self.warnings.at(what, place);
            }
            "pass" => {
                let what = "the password of a key was left out; set key_password under [tls]";
                self.warnings.at(what, place);
            }
            "follow" => self.command.follows_redirects = Some(true),
            _ => self
                .warnings
                .at("options that cannot be carried over were left out", place),
        }
    }
}

/// Converts seconds of curl to a duration of a scenario.
fn seconds(text: &str) -> Option<String> {
    let seconds: f64 = text.trim().parse().ok()?;
    let is_sane = seconds.is_finite() && (0.001..=86_400.0).contains(&seconds);
    is_sane.then(|| format!("{}ms", (seconds * 1e3).round()))
}
