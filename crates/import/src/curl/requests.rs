//! Converts the options of a curl command to requests.

use crate::curl::body::{self, Content};
use crate::curl::command::Command;
use crate::curl::target::{self, Target, TargetError};
use crate::curl::url_pattern;
use crate::draft::{Body, Credentials, Part};
use crate::recorded_request::RecordedRequest;
use crate::warnings::{Warnings, one_line};

const FORM_TYPE: &str = "application/x-www-form-urlencoded";
const JSON_TYPE: &str = "application/json";

/// Headers of a command.
#[derive(Debug, Default)]
struct CommandHeaders {
    fields: Vec<(String, String)>,
    /// Names of headers that curl sends by itself and the command removes.
    removed: Vec<String>,
}

impl CommandHeaders {
    fn is_given(&self, name: &str) -> bool {
        let is_name = |known: &str| known.eq_ignore_ascii_case(name);
        self.fields.iter().any(|(known, _)| is_name(known))
            || self.removed.iter().any(|known| is_name(known))
    }

    fn value(&self, name: &str) -> Option<&str> {
        let field = self
            .fields
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        field.map(|(_, value)| value.as_str())
    }

    /// Adds a header that curl sends by itself, unless the command has one of this name.
    fn add(&mut self, name: &str, value: &[u8], warnings: &mut Warnings) {
        if self.is_given(name) {
            return;
        }
        match std::str::from_utf8(value) {
            Ok(value) => self.fields.push((name.to_owned(), value.to_owned())),
            Err(_) => warnings.at("a header that is not UTF-8 was left out", name),
        }
    }

    /// Reads a line of `-H`: `Name: value`, `Name;` for an empty value, or `Name:` to remove curl's own header.
    fn read(&mut self, line: &[u8], warnings: &mut Warnings) {
        let Ok(line) = std::str::from_utf8(line) else {
            let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
            let name = String::from_utf8_lossy(name);
            return warnings.at("a header that is not UTF-8 was left out", name);
        };
        let (name, value) = match line.split_once(':') {
            Some((name, value)) => (name, Some(value.trim())),
            None => match line.split_once(';') {
                Some((name, rest)) if rest.trim().is_empty() => (name, None),
                _ => {
                    return warnings.at(
                        "a header without a colon is not sent by curl",
                        one_line(line),
                    );
                }
            },
        };
        if name != name.trim() {
            warnings.at(
                "spaces around the name of a header were removed",
                name.trim(),
            );
        }
        let name = name.trim().to_owned();
        match value {
            Some("") => self.removed.push(name),
            // Only the first Host is sent.
            Some(_) if name.eq_ignore_ascii_case("host") && self.value("host").is_some() => {
                warnings.at("curl sends one Host, the others were left out", name);
            }
            Some(value) => self.fields.push((name, value.to_owned())),
            None => self.fields.push((name, String::new())),
        }
    }
}

impl Command {
    /// The requests of a command. `Err`: the reason that curl refuses it.
    pub(super) fn requests(
        &self,
        warnings: &mut Warnings,
    ) -> Result<Vec<RecordedRequest>, &'static str> {
        self.check()?;
        let mut requests = Vec::new();
        let body = self.body(warnings);
        for (at, url) in self.urls.iter().enumerate() {
            let upload = self.uploads.get(at);
            for target in self.targets(url, warnings) {
                requests.push(self.request(target, upload, body.as_ref(), warnings));
            }
        }
        Ok(requests)
    }

    /// Checks for options of which curl accepts only one.
    fn check(&self) -> Result<(), &'static str> {
        let has_data = !self.data.is_empty() && !self.has_data_in_query;
        let methods = [
            has_data,
            !self.parts.is_empty(),
            !self.uploads.is_empty(),
            self.is_head,
        ];
        if methods.iter().filter(|is_given| **is_given).count() > 1 {
            return Err(
                "curl refuses a command with more than one of -d, -F, -T and -I; separate the requests with --next",
            );
        }
        Ok(())
    }

    fn targets(&self, url: &[u8], warnings: &mut Warnings) -> Vec<Target> {
        let shown = || {
            one_line(
                &String::from_utf8_lossy(url)
                    .chars()
                    .take(60)
                    .collect::<String>(),
            )
        };
        let scheme = self.default_scheme.as_deref().unwrap_or("http");
        let urls = if self.is_literal_url {
            vec![url.to_vec()]
        } else {
            let pattern = url_pattern::expand(url);
            if pattern.is_invalid {
                let what = "curl refuses the braces or brackets of a URL without --globoff; they were taken literally";
                warnings.at(what, format!("`{}`", shown()));
            }
            if pattern.is_cut {
                let what = "a pattern of URLs has too many; the first 100 were imported";
                warnings.at(what, format!("`{}`", shown()));
            }
            pattern.urls
        };
        let mut targets = Vec::new();
        for url in urls {
            match target::parse(&url, scheme, self.keeps_dots) {
                Ok(target) => {
                    if target.is_encoded {
                        let what = "characters that are not allowed in a URL are percent-encoded";
                        warnings.at(what, target.url.path());
                    }
                    targets.push(target);
                }
                Err(TargetError::NotHttp) => {
                    warnings.at(
                        "not an http or https URL, left out",
                        format!("`{}`", shown()),
                    );
                }
                Err(TargetError::UnknownHost) => {
                    let what = "the host is in a variable whose value is not known; write the URL, left out";
                    warnings.at(what, format!("`{}`", shown()));
                }
            }
        }
        targets
    }

    fn request(
        &self,
        target: Target,
        upload: Option<&Vec<u8>>,
        body: Option<&CommandBody>,
        warnings: &mut Warnings,
    ) -> RecordedRequest {
        let mut request = RecordedRequest::new(&self.method(upload.is_some()), target.url.clone());
        let place = request.place();
        let has_body = upload.is_some() || body.is_some();
        let mut headers = self.headers(has_body, warnings);
        let mut path = target.path_and_query.clone();
        if let Some(file) = upload {
            request.body = Some(self.upload(file, warnings));
            path = target::with_file_name(&path, &String::from_utf8_lossy(file));
            headers.removed.push("Content-Type".to_owned());
        } else if let Some(body) = body {
            request.body = Some(body.with_type(&mut headers, &place, warnings));
        }
        request.raw_target = Some(self.path(path, &place, warnings));
        let credentials = match (&self.bearer, &self.user) {
            // curl asks the server first which kind it accepts.
            _ if self.has_other_auth => None,
            (Some(token), _) => {
                headers.add(
                    "Authorization",
                    format!("Bearer {token}").as_bytes(),
                    warnings,
                );
                None
            }
            (None, Some(user)) => {
                let (user, password) = user.split_once(':').unwrap_or((user, ""));
                Some((user.to_owned(), password.to_owned()))
            }
            (None, None) => target.user,
        };
        request.auth = credentials
            .filter(|_| !headers.is_given("authorization"))
            .map(|(user, password)| Credentials { user, password });
        own_host(&mut headers, &request);
        request.headers = headers.fields;
        request.removed_headers = headers.removed;
        request.timeout.clone_from(&self.timeout);
        request.redirects = match self.follows_redirects {
            Some(false) => Some(0),
            _ => self.redirects_max,
        };
        request
    }

    fn method(&self, is_upload: bool) -> String {
        let has_body = !self.parts.is_empty() || !self.data.is_empty() && !self.has_data_in_query;
        match &self.method {
            Some(method) => method.clone(),
            None if self.is_head => "HEAD".to_owned(),
            None if is_upload => "PUT".to_owned(),
            None if has_body => "POST".to_owned(),
            None => "GET".to_owned(),
        }
    }

    /// The path with the parts of the query that are options.
    fn path(&self, mut path: String, place: &str, warnings: &mut Warnings) -> String {
        match self.request_target.as_deref() {
            Some(own) if own.starts_with('/') => return own.to_owned(),
            Some(own) => {
                let what = "this request target is not supported, left out; it must begin with /";
                warnings.at(what, format!("`{}` of {place}", one_line(own)));
            }
            None => {}
        }
        let in_query = Some(&self.data).filter(|data| self.has_data_in_query && !data.is_empty());
        if in_query.is_some() && !self.query.is_empty() {
            warnings.at("curl ignores --url-query in a command with -G", place);
        }
        let pieces = in_query.unwrap_or(&self.query);
        if !pieces.is_empty() {
            let bytes = match pieces.join(warnings) {
                Content::Bytes(bytes) => bytes,
                Content::File(file) => {
                    let what = "a query from a file is not read; write it to the path";
                    warnings.at(what, file);
                    return path;
                }
            };
            let (query, is_encoded) = target::encoded(&bytes);
            if is_encoded {
                let what = "characters that are not allowed in a URL are percent-encoded";
                warnings.at(what, place);
            }
            path = target::with_query(&path, &query);
        }
        path
    }

    fn headers(&self, has_body: bool, warnings: &mut Warnings) -> CommandHeaders {
        let mut headers = CommandHeaders::default();
        for line in &self.header_lines {
            headers.read(line, warnings);
        }
        match self.user_agent.as_deref() {
            Some(b"") => headers.removed.push("User-Agent".to_owned()),
            Some(agent) => headers.add("User-Agent", agent, warnings),
            None => {}
        }
        if let Some(range) = &self.range
            && has_body
        {
            let what = "a range is not sent with a body, left out";
            warnings.at(what, String::from_utf8_lossy(range));
        } else if let Some(range) = &self.range {
            // One number is the first byte.
            let end = if range.contains(&b'-') { "" } else { "-" };
            let range = [b"bytes=", &range[..], end.as_bytes()].concat();
            headers.add("Range", &range, warnings);
        }
        if self.is_compressed {
            headers.add("Accept-Encoding", b"deflate, gzip, br, zstd", warnings);
        }
        if let Some(referer) = &self.referer {
            let referer = referer.strip_suffix(b";auto").unwrap_or(referer);
            if !referer.is_empty() {
                headers.add("Referer", referer, warnings);
            }
        }
        if !self.cookies.is_empty() {
            headers.add("Cookie", &self.cookies.join(&b';'), warnings);
        }
        if self.is_json {
            headers.add("Content-Type", JSON_TYPE.as_bytes(), warnings);
            headers.add("Accept", JSON_TYPE.as_bytes(), warnings);
        }
        headers
    }

    fn body(&self, warnings: &mut Warnings) -> Option<CommandBody> {
        if !self.parts.is_empty() {
            for loss in self.parts.iter().flat_map(|part| &part.losses) {
                warnings.add(*loss);
            }
            let parts = self.parts.iter().map(|part| part.part.clone());
            return Some(CommandBody::Multipart(parts.collect()));
        }
        if self.has_data_in_query || self.data.is_empty() {
            return None;
        }
        Some(CommandBody::Content(self.data.join(warnings)))
    }

    fn upload(&self, file: &[u8], warnings: &mut Warnings) -> Body {
        let mut pieces = body::Pieces::default();
        let path = if file == b"." { b"-" } else { file };
        pieces.push_file(path, self.input.as_ref(), false);
        match pieces.join(warnings) {
            Content::File(path) => Body::File(path),
            Content::Bytes(bytes) => Body::Bytes(bytes),
        }
    }
}

/// The body of all requests of a command.
#[derive(Debug)]
enum CommandBody {
    Content(Content),
    Multipart(Vec<Part>),
}

impl CommandBody {
    /// The body. Adds its content type to the headers.
    fn with_type(
        &self,
        headers: &mut CommandHeaders,
        place: &str,
        warnings: &mut Warnings,
    ) -> Body {
        let content = match self {
            Self::Multipart(parts) => {
                own_multipart_type(headers, place, warnings);
                return Body::Multipart(parts.clone());
            }
            Self::Content(content) => content,
        };
        headers.add("Content-Type", FORM_TYPE.as_bytes(), warnings);
        match content {
            Content::File(path) => Body::File(path.clone()),
            Content::Bytes(bytes) => {
                let content_type = headers.value("content-type").unwrap_or_default();
                body::body(bytes.clone(), &content_type.to_ascii_lowercase())
            }
        }
    }
}

/// Removes the boundary from an own content type of a multipart form, since the body has another one.
fn own_multipart_type(headers: &mut CommandHeaders, place: &str, warnings: &mut Warnings) {
    for (name, value) in &mut headers.fields {
        if !name.eq_ignore_ascii_case("content-type") {
            continue;
        }
        let parameters = value.split(';').map(str::trim);
        let is_boundary = |part: &&str| part.to_ascii_lowercase().starts_with("boundary=");
        let kept: Vec<&str> = parameters.filter(|part| !is_boundary(part)).collect();
        let kept = kept.join("; ");
        if kept.len() < value.trim().len() {
            let what = "the boundary of a multipart form is brunt's own";
            warnings.at(what, place);
        }
        *value = kept;
    }
}

/// Removes a Host that is that of the URL.
fn own_host(headers: &mut CommandHeaders, request: &RecordedRequest) {
    let authority = request.authority();
    headers
        .fields
        .retain(|(name, value)| !(name.eq_ignore_ascii_case("host") && *value == authority));
}
