//! Rendered requests: their bytes and the positions of the parts. HTTP/1.1 sends the bytes unchanged; other code reads
//! parts by their ranges instead of parsing the text again.

use std::borrow::Cow;
use std::ops::Range;

use url::Url;

use super::header_template::{FieldRange, HeaderTemplate};
use super::request::{Piece, Request, RequestPath};
use crate::expr::context::EvalContext;
use crate::expr::error::EvalError;

/// Parameters of rendering a request.
#[derive(Debug, Clone, Copy)]
pub struct RenderContext<'a> {
    /// URL of the host, against which references are resolved.
    pub url: &'a Url,
    /// Goes before the path.
    pub base_path: &'a str,
    /// The value of the `Host` header.
    pub host: &'a str,
    /// Whether the connection is to be closed after the response.
    pub closes: bool,
    /// The size of all files of its body.
    pub file_bytes: u64,
}

/// A request in the form of HTTP/1.1, without the content of files in its body, and the positions of its parts.
#[derive(Debug, Default)]
pub struct RenderedRequest {
    bytes: Vec<u8>,
    head_bytes: usize,
    method_bytes: usize,
    path_end: usize,
    /// Position of the first line of the template.
    lines_at: usize,
    /// Lengths of the values of the template that were rendered.
    value_bytes: Vec<usize>,
    /// The fields that expressions may leave out or repeat.
    dynamic_fields: Vec<FieldRange>,
    /// Positions at which its files are inserted, in the order of its body.
    cuts: Vec<usize>,
    closes: bool,
    expects_continue: bool,
    /// Whether it differs from what its template renders. Its fields are in `edited_fields` then.
    is_edited: bool,
    edited_fields: Vec<FieldRange>,
    /// Its URL, if the origin is not that of its host.
    other_url: Option<Box<Url>>,
}

/// Change of a header field when a request is rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldChange<'a> {
    /// Keeps the field.
    Keep,
    /// Removes the field.
    Remove,
    /// Replaces the value.
    Set(&'a str),
}

/// The size of a body from which on it is sent after 100 (Continue).
const EXPECT_BYTES: u64 = 1 << 20;
const EXPECT: &str = "Expect";
const EXPECT_LINE: &[u8] = b"Expect: 100-continue\r\n";
const CLOSE_LINE: &[u8] = b"Connection: close\r\n";
/// Text between the path and the value of `Host`.
const HOST_LINE: &[u8] = b" HTTP/1.1\r\nHost: ";

impl RenderedRequest {
    /// A request that is not rendered from a scenario.
    pub fn from_parts(method: &str, path: &str, fields: &[(&str, &str)], body: &[u8]) -> Self {
        let mut request = Self {
            is_edited: true,
            ..Self::default()
        };
        request.write_line(method, path);
        for (name, value) in fields {
            request.write_field(name.as_bytes(), value.as_bytes());
            request.expects_continue |= name.eq_ignore_ascii_case(EXPECT);
        }
        request.bytes.extend_from_slice(b"\r\n");
        request.head_bytes = request.bytes.len();
        request.bytes.extend_from_slice(body);
        request
    }

    /// All bytes, without the content of files.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Request line, header lines, and the empty line after them.
    #[inline]
    pub fn head(&self) -> &[u8] {
        &self.bytes[..self.head_bytes]
    }

    /// The length of [`RenderedRequest::head`].
    #[inline]
    pub fn head_bytes(&self) -> usize {
        self.head_bytes
    }

    /// The headers and the body; if rendering failed, what was rendered of the headers.
    pub fn parts(&self) -> (&[u8], &[u8]) {
        match self.head_bytes {
            0 => (&self.bytes, &[]),
            head_bytes => self.bytes.split_at(head_bytes),
        }
    }

    /// The body, without the content of files.
    pub fn body(&self) -> &[u8] {
        &self.bytes[self.head_bytes..]
    }

    /// Positions in the bytes at which files are inserted, in the order of the body.
    #[inline]
    pub fn cuts(&self) -> &[usize] {
        &self.cuts
    }

    /// The capacity of its buffer, in bytes.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// Whether its body is to be sent after 100 (Continue).
    #[inline]
    pub fn expects_continue(&self) -> bool {
        self.expects_continue
    }

    /// Range of the method.
    pub fn method(&self) -> Range<usize> {
        0..self.method_bytes
    }

    /// Range of the path with the query.
    pub fn path(&self) -> Range<usize> {
        (self.method_bytes + 1).min(self.path_end)..self.path_end
    }

    /// Takes its URL, if a reference names another origin than that of its host.
    pub fn take_other_url(&mut self) -> Option<Box<Url>> {
        self.other_url.take()
    }

    /// The value of `Host`.
    pub fn host(&self) -> &[u8] {
        let range = match self.edited_fields.first() {
            Some(field) if self.is_edited => field.value.clone(),
            _ => self.path_end + HOST_LINE.len()..self.lines_at - 2,
        };
        self.bytes.get(range).unwrap_or_default()
    }

    /// The method and the path; as much of them as was rendered, if rendering the path failed.
    pub fn method_and_path(&self) -> Cow<'_, str> {
        match self.path_end {
            0 => self.text(0..self.bytes.len()),
            end => self.text(0..end),
        }
    }

    /// The bytes of a range, as text.
    pub fn text(&self, range: Range<usize>) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes[range])
    }

    /// Replaces the ranges in `into` by those of all header fields. `template` is what its lines were rendered from.
    pub fn read_fields(&self, template: &HeaderTemplate, into: &mut Vec<FieldRange>) {
        into.clear();
        if self.is_edited {
            into.extend_from_slice(&self.edited_fields);
            return;
        }
        let host = self.path_end + b" HTTP/1.1\r\n".len();
        into.push(FieldRange::new(host, "Host".len(), self.lines_at - 2));
        let lines = template.ranges(self.lines_at, &self.value_bytes);
        into.extend(lines);
        into.extend_from_slice(&self.dynamic_fields);
        // What is between the template's lines and the empty line frames the message.
        let mut end = into.last().map_or(self.lines_at, |last| last.value.end + 2);
        if self.closes {
            into.push(FieldRange::new(
                end,
                "Connection".len(),
                end + CLOSE_LINE.len() - 2,
            ));
            end += CLOSE_LINE.len();
        }
        let lines_end = self.head_bytes - 2;
        let expect_at = lines_end
            - if self.expects_continue {
                EXPECT_LINE.len()
            } else {
                0
            };
        if end < expect_at {
            into.push(FieldRange::new(end, "Content-Length".len(), expect_at - 2));
        }
        if self.expects_continue {
            into.push(FieldRange::new(expect_at, EXPECT.len(), lines_end - 2));
        }
    }

    /// Makes the ranges its own, so that it can be edited.
    fn edit(&mut self, template: &HeaderTemplate) {
        if !self.is_edited {
            let mut fields = std::mem::take(&mut self.edited_fields);
            self.read_fields(template, &mut fields);
            self.edited_fields = fields;
            self.is_edited = true;
        }
    }

    /// Appends a header field.
    pub fn add_field(&mut self, template: &HeaderTemplate, name: &str, value: &[u8]) {
        self.edit(template);
        let end = self.head_bytes - 2;
        let line = [name.as_bytes(), b": ", value, b"\r\n"];
        self.bytes
            .splice(end..end, line.into_iter().flatten().copied());
        let range = FieldRange::new(end, name.len(), end + name.len() + 2 + value.len());
        let bytes = range.value.end + 2 - end;
        self.edited_fields.push(range);
        self.head_bytes += bytes;
        self.cuts.iter_mut().for_each(|cut| *cut += bytes);
    }

    /// Removes `Expect`: its body is sent at once.
    pub fn remove_expect(&mut self, template: &HeaderTemplate) {
        let path = self.text(self.path()).into_owned();
        let is_expect = |name: &str| name.eq_ignore_ascii_case(EXPECT);
        self.rewrite(template, None, &path, true, |name| {
            if is_expect(name) {
                FieldChange::Remove
            } else {
                FieldChange::Keep
            }
        });
        self.expects_continue = false;
    }

    /// Rewrites its headers: another path, another method if one is given, and what `change` returns for each field.
    pub fn rewrite<'a>(
        &mut self,
        template: &HeaderTemplate,
        method: Option<&str>,
        path: &str,
        keeps_body: bool,
        mut change: impl FnMut(&str) -> FieldChange<'a>,
    ) {
        self.edit(template);
        let old = std::mem::take(&mut self.bytes);
        let fields = std::mem::take(&mut self.edited_fields);
        let old_head_bytes = self.head_bytes;
        let old_method = String::from_utf8_lossy(&old[self.method()]);
        self.write_line(method.unwrap_or(&old_method), path);
        for field in fields {
            let name = &old[field.name];
            match change(&String::from_utf8_lossy(name)) {
                FieldChange::Keep => self.write_field(name, &old[field.value]),
                FieldChange::Remove => {}
                FieldChange::Set(value) => self.write_field(name, value.as_bytes()),
            }
        }
        self.bytes.extend_from_slice(b"\r\n");
        self.head_bytes = self.bytes.len();
        if keeps_body {
            for cut in &mut self.cuts {
                *cut = *cut - old_head_bytes + self.head_bytes;
            }
            self.bytes.extend_from_slice(&old[old_head_bytes..]);
        } else {
            self.cuts.clear();
            self.expects_continue = false;
        }
    }

    fn write_line(&mut self, method: &str, path: &str) {
        self.bytes.extend_from_slice(method.as_bytes());
        self.method_bytes = self.bytes.len();
        self.bytes.push(b' ');
        self.bytes.extend_from_slice(path.as_bytes());
        self.path_end = self.bytes.len();
        self.bytes.extend_from_slice(b" HTTP/1.1\r\n");
    }

    fn write_field(&mut self, name: &[u8], value: &[u8]) {
        let start = self.bytes.len();
        for part in [name, b": ", value] {
            self.bytes.extend_from_slice(part);
        }
        let range = FieldRange::new(start, name.len(), self.bytes.len());
        self.edited_fields.push(range);
        self.bytes.extend_from_slice(b"\r\n");
    }
}

impl Request {
    /// Renders a request into the buffer, which is reused; `body` is scratch space.
    #[inline]
    pub fn render(
        &self,
        context: &mut EvalContext,
        with: RenderContext,
        into: &mut RenderedRequest,
        body: &mut Vec<u8>,
    ) -> Result<(), EvalError> {
        let RenderedRequest {
            bytes,
            head_bytes,
            method_bytes,
            path_end,
            lines_at,
            value_bytes,
            dynamic_fields,
            cuts,
            closes,
            expects_continue,
            is_edited,
            edited_fields: _,
            other_url,
        } = into;
        bytes.clear();
        value_bytes.clear();
        dynamic_fields.clear();
        cuts.clear();
        (*closes, *expects_continue, *is_edited) = (with.closes, false, false);
        *other_url = None;
        // Until they are rendered.
        (*path_end, *head_bytes) = (0, 0);
        bytes.extend_from_slice(self.method.as_bytes());
        *method_bytes = self.method.len();
        bytes.push(b' ');
        bytes.extend_from_slice(with.base_path.as_bytes());
        match &self.path {
            RequestPath::Path(path) => path.render(context, bytes)?,
            RequestPath::Reference(reference) => {
                *other_url = reference.render(context, (with.url, with.base_path), bytes)?;
            }
        }
        *path_end = bytes.len();
        bytes.extend_from_slice(HOST_LINE);
        match &self.host_header {
            None => bytes.extend_from_slice(with.host.as_bytes()),
            Some(host) => host.render(context, bytes)?,
        }
        bytes.extend_from_slice(b"\r\n");
        *lines_at = bytes.len();
        self.headers
            .render(context, bytes, value_bytes, dynamic_fields)?;
        if with.closes {
            bytes.extend_from_slice(CLOSE_LINE);
        }
        body.clear();
        if let Some(own) = &self.body {
            for piece in &own.pieces {
                match piece {
                    Piece::Text(template) => template.render(context, body)?,
                    Piece::File(_) => cuts.push(body.len()),
                }
            }
            *expects_continue = render_length(body.len() as u64 + with.file_bytes, bytes);
        }
        bytes.extend_from_slice(b"\r\n");
        *head_bytes = bytes.len();
        for cut in cuts {
            *cut += *head_bytes;
        }
        bytes.extend_from_slice(body);
        Ok(())
    }
}

/// Appends the lines that frame a body; returns whether it is to be sent after 100 (Continue).
fn render_length(bytes: u64, into: &mut Vec<u8>) -> bool {
    into.extend_from_slice(b"Content-Length: ");
    into.extend_from_slice(itoa::Buffer::new().format(bytes).as_bytes());
    into.extend_from_slice(b"\r\n");
    let is_large = bytes >= EXPECT_BYTES;
    if is_large {
        into.extend_from_slice(EXPECT_LINE);
    }
    is_large
}
