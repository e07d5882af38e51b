//! Request headers: encodes the header fields of a rendered request for HTTP/2 (RFC 9113, sections 8.2 and 8.3).
//! Requests of the same name are compared with the previous one: unchanged headers are not parsed again, and fields
//! that have never changed are sent as constant fields.

use std::collections::HashMap;
use std::ops::Range;

use brunt_record::{FailureKind, NameId};
use brunt_scenario::{FieldRange, HeaderTemplate, RenderedRequest, is_sensitive_name};

use super::hpack::{Encoder, Field, FieldId, static_field, static_name};
use crate::net::error::RequestError;

const METHOD: &[u8] = b":method";
const PATH: &[u8] = b":path";
const AUTHORITY: &[u8] = b":authority";
const SCHEME: &[u8] = b":scheme";

/// The previous headers of each request name.
#[derive(Default)]
pub(crate) struct HeaderEncoder {
    known: Vec<Option<PreviousHeaders>>,
    interner: HeaderInterner,
    /// Scratch space.
    fields: Vec<FieldRange>,
}

struct PreviousHeaders {
    is_tls: bool,
    bytes: Vec<u8>,
    method_range: Range<usize>,
    path_range: Range<usize>,
    method: EncodedField,
    path: EncodedField,
    lines: Vec<HeaderLine>,
}

/// A header line.
struct HeaderLine {
    range: FieldRange,
    is_host: bool,
    /// `None` if the field is specific to an HTTP/1.1 connection, and therefore not sent.
    item: Option<EncodedField>,
}

/// Encoding of a field.
enum EncodedField {
    Static(usize),
    Fixed(FieldId),
    Varying {
        name: Box<[u8]>,
        /// Static index of its name; 0 if there is none.
        index: usize,
        value: Range<usize>,
        /// Whether it is never indexed, so that its value cannot be guessed (RFC 7541, section 7.1.3).
        is_sensitive: bool,
    },
}

impl HeaderEncoder {
    /// Encodes the headers of a request.
    #[inline]
    pub(super) fn write(
        &mut self,
        (name, request, template): (NameId, &RenderedRequest, &HeaderTemplate),
        is_tls: bool,
        encoder: &mut Encoder,
        to: &mut Vec<u8>,
    ) -> Result<(), RequestError> {
        if self.known.len() <= name.index() {
            self.known.resize_with(name.index() + 1, || None);
        }
        let slot = &mut self.known[name.index()];
        let is_same = slot
            .as_ref()
            .is_some_and(|known| known.is_tls == is_tls && known.bytes == request.head());
        if !is_same {
            request.read_fields(template, &mut self.fields);
            let before = slot.take().filter(|known| known.is_tls == is_tls);
            *slot = Some(match before {
                Some(known) => known.update(request, &self.fields, &mut self.interner)?,
                None => PreviousHeaders::read(request, &self.fields, is_tls, &mut self.interner)?,
            });
        }
        if let Some(known) = slot {
            known.write(&self.interner, encoder, to);
        }
        Ok(())
    }
}

impl PreviousHeaders {
    fn read(
        request: &RenderedRequest,
        fields: &[FieldRange],
        is_tls: bool,
        interner: &mut HeaderInterner,
    ) -> Result<Self, RequestError> {
        let head = request.head();
        let (method, path) = (request.method(), request.path());
        check_line(&head[method.clone()], &head[path.clone()])?;
        let mut lines = Vec::with_capacity(fields.len());
        for field in fields {
            lines.push(HeaderLine::read(head, field, interner)?);
        }
        Ok(Self {
            is_tls,
            bytes: head.to_vec(),
            method: EncodedField::new(METHOD, head, method.clone(), interner),
            path: EncodedField::new(PATH, head, path.clone(), interner),
            method_range: method,
            path_range: path,
            lines,
        })
    }

    /// Updates the headers to those of another request.
    fn update(
        mut self,
        request: &RenderedRequest,
        fields: &[FieldRange],
        interner: &mut HeaderInterner,
    ) -> Result<Self, RequestError> {
        let head = request.head();
        let is_alike = self.lines.len() == fields.len()
            && self.lines.iter().zip(fields).all(|(line, field)| {
                self.bytes[line.range.name.clone()] == head[field.name.clone()]
            });
        if !is_alike {
            return Self::read(request, fields, self.is_tls, interner);
        }
        let (method, path) = (request.method(), request.path());
        let is_same_line = self.bytes[self.method_range.clone()] == head[method.clone()]
            && self.bytes[self.path_range.clone()] == head[path.clone()];
        if !is_same_line {
            check_line(&head[method.clone()], &head[path.clone()])?;
            self.method = EncodedField::new(METHOD, head, method.clone(), interner);
            self.path = EncodedField::varying(PATH, path.clone());
        }
        (self.method_range, self.path_range) = (method, path);
        for (line, field) in self.lines.iter_mut().zip(fields) {
            if self.bytes[line.range.value.clone()] == head[field.value.clone()] {
                line.move_to(field);
            } else {
                line.set_value(head, field)?;
            }
        }
        self.bytes.clear();
        self.bytes.extend_from_slice(head);
        Ok(self)
    }

    #[inline]
    fn write(&self, interner: &HeaderInterner, encoder: &mut Encoder, to: &mut Vec<u8>) {
        encoder.begin(to);
        let mut write = |item: &EncodedField| encoder.write(to, item.field(&self.bytes, interner));
        let scheme = if self.is_tls { "https" } else { "http" };
        write(&self.method);
        if let Some(index) = static_field(SCHEME, scheme.as_bytes()) {
            write(&EncodedField::Static(index));
        }
        let hosts = self.lines.iter().filter(|line| line.is_host);
        hosts
            .filter_map(|line| line.item.as_ref())
            .for_each(&mut write);
        write(&self.path);
        let fields = self.lines.iter().filter(|line| !line.is_host);
        fields
            .filter_map(|line| line.item.as_ref())
            .for_each(&mut write);
    }
}

impl HeaderLine {
    fn read(
        head: &[u8],
        field: &FieldRange,
        interner: &mut HeaderInterner,
    ) -> Result<Self, RequestError> {
        let (name, value) = read_field(head, field)?;
        let is_host = name == b"host";
        let is_sent = !is_of_connection(&name, &head[value.clone()]);
        let name = if is_host { AUTHORITY } else { &name };
        Ok(Self {
            range: field.clone(),
            is_host,
            item: is_sent.then(|| EncodedField::new(name, head, value, interner)),
        })
    }

    /// Adopts the new position of an unchanged field.
    fn move_to(&mut self, to: &FieldRange) {
        if let Some(EncodedField::Varying { value, .. }) = &mut self.item {
            let start = to.value.start + value.start - self.range.value.start;
            *value = start..start + value.len();
        }
        self.range = to.clone();
    }

    /// Adopts another value.
    fn set_value(&mut self, head: &[u8], field: &FieldRange) -> Result<(), RequestError> {
        let (name, value) = read_field(head, field)?;
        self.range = field.clone();
        if is_of_connection(&name, &head[value.clone()]) {
            self.item = None;
        } else if let Some(EncodedField::Varying { value: known, .. }) = &mut self.item {
            *known = value;
        } else {
            let name = if self.is_host { AUTHORITY } else { &name };
            self.item = Some(EncodedField::varying(name, value));
        }
        Ok(())
    }
}

impl EncodedField {
    /// A field that has not changed so far.
    fn new(name: &[u8], head: &[u8], value: Range<usize>, interner: &mut HeaderInterner) -> Self {
        let text = &head[value.clone()];
        if let Some(index) = static_field(name, text) {
            return Self::Static(index);
        }
        let id = if is_sensitive_name(name) {
            None
        } else {
            interner.id_of(name, text)
        };
        id.map_or_else(|| Self::varying(name, value), Self::Fixed)
    }

    fn varying(name: &[u8], value: Range<usize>) -> Self {
        Self::Varying {
            name: name.into(),
            index: static_name(name).unwrap_or(0),
            value,
            is_sensitive: is_sensitive_name(name),
        }
    }

    #[inline]
    fn field<'a>(&'a self, head: &'a [u8], interner: &'a HeaderInterner) -> Field<'a> {
        match self {
            Self::Static(index) => Field::Static(*index),
            Self::Fixed(id) => {
                let (name, value) = interner.field(*id);
                Field::Fixed(*id, name, value)
            }
            Self::Varying {
                name,
                index,
                value,
                is_sensitive,
            } => {
                let value = &head[value.clone()];
                if *is_sensitive {
                    Field::Secret(*index, name, value)
                } else {
                    Field::Varying(*index, name, value)
                }
            }
        }
    }
}

/// Checks the method and the path.
fn check_line(method: &[u8], path: &[u8]) -> Result<(), RequestError> {
    if !is_token(method) {
        return Err(unsendable("the method", "it is not a token"));
    }
    let is_shown = |byte: &u8| *byte > b' ' && *byte != 0x7f;
    if path.is_empty() || !path.iter().all(is_shown) {
        let why = "it is empty, or contains a space or a control character";
        return Err(unsendable("the path", why));
    }
    Ok(())
}

/// The name in lower case, and the range of the value without surrounding whitespace.
fn read_field(head: &[u8], field: &FieldRange) -> Result<(Vec<u8>, Range<usize>), RequestError> {
    let name = &head[field.name.clone()];
    let shown = || format!("the header `{}`", String::from_utf8_lossy(name));
    if !is_token(name) {
        return Err(unsendable(&shown(), "its name is not a token"));
    }
    let value = &head[field.value.clone()];
    let is_sendable = |byte: &u8| *byte >= b' ' && *byte != 0x7f || *byte == b'\t';
    if !value.iter().all(is_sendable) {
        return Err(unsendable(
            &shown(),
            "its value contains a control character",
        ));
    }
    let end = field.value.start + value.trim_ascii_end().len();
    let start = end - value.trim_ascii().len();
    // RFC 9113, section 8.3.1.
    if start == end && name.eq_ignore_ascii_case(b"host") {
        return Err(unsendable(&shown(), "its value is empty"));
    }
    Ok((name.to_ascii_lowercase(), start..end))
}

/// Whether bytes are a token, as names and methods must be (RFC 9110, section 5.6.2).
fn is_token(bytes: &[u8]) -> bool {
    let is_of_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !bytes.is_empty() && bytes.iter().all(is_of_token)
}

/// Whether HTTP/2 carries a header field.
pub(crate) fn is_sent(name: &str, value: &str) -> bool {
    !is_of_connection(name.to_ascii_lowercase().as_bytes(), value.as_bytes())
}

/// Whether a field is specific to an HTTP/1.1 connection, or is `Expect`.
fn is_of_connection(name: &[u8], value: &[u8]) -> bool {
    const NAMES: [&[u8]; 6] = [
        b"connection",
        b"expect",
        b"keep-alive",
        b"proxy-connection",
        b"transfer-encoding",
        b"upgrade",
    ];
    NAMES.contains(&name) || name == b"te" && value != b"trailers"
}

/// The error of a request that HTTP/2 cannot carry.
fn unsendable(what: &str, why: &str) -> RequestError {
    RequestError::new(
        FailureKind::Check,
        format!("cannot send {what} over HTTP/2: {why}"),
    )
}

/// Maximum number of fields. If there are more, the fields are not constant.
const HEADERS_MAX: usize = 1_024;

/// Constant header fields, which are the same in every request. Each has an identifier within a worker, by which
/// connections remember whether they have sent it.
#[derive(Default)]
struct HeaderInterner {
    fields: Vec<Pair>,
    ids: HashMap<Pair, FieldId>,
}

/// A name and a value.
type Pair = (Box<[u8]>, Box<[u8]>);

impl HeaderInterner {
    /// The identifier of a field; `None` if there are too many.
    fn id_of(&mut self, name: &[u8], value: &[u8]) -> Option<FieldId> {
        let pair: Pair = (name.into(), value.into());
        if let Some(known) = self.ids.get(&pair) {
            return Some(*known);
        }
        let id = FieldId(self.fields.len());
        (id.0 < HEADERS_MAX).then(|| {
            self.fields.push(pair.clone());
            self.ids.insert(pair, id);
            id
        })
    }

    #[inline]
    fn field(&self, id: FieldId) -> (&[u8], &[u8]) {
        let (name, value) = &self.fields[id.0];
        (name, value)
    }
}

#[cfg(test)]
mod tests {
    use super::super::hpack::Decoder;
    use super::*;

    /// The parts of a request.
    #[derive(Clone)]
    struct Parts {
        method: &'static str,
        path: String,
        fields: Vec<(&'static str, String)>,
    }

    impl Parts {
        fn new(method: &'static str, path: &str, fields: &[(&'static str, &str)]) -> Self {
            let fields = fields
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()));
            Self {
                method,
                path: path.to_owned(),
                fields: fields.collect(),
            }
        }

        fn with(mut self, index: usize, name: &'static str, value: &str) -> Self {
            self.fields[index] = (name, value.to_owned());
            self
        }

        fn request(&self) -> RenderedRequest {
            let fields = self.fields.iter();
            let fields: Vec<_> = fields.map(|(name, value)| (*name, &**value)).collect();
            RenderedRequest::from_parts(self.method, &self.path, &fields, b"")
        }
    }

    fn get() -> Parts {
        let fields = [
            ("Host", "h:8080"),
            ("User-Agent", "brunt"),
            ("X-Two", "1"),
            ("x-two", " 2 "),
            ("Connection", "close"),
            ("TE", "gzip"),
            ("Expect", "100-continue"),
        ];
        Parts::new("GET", "/a?b=c", &fields)
    }

    /// The two ends of a connection.
    struct Sides {
        headers: HeaderEncoder,
        encoder: Encoder,
        decoder: Decoder,
    }

    impl Sides {
        fn new() -> Self {
            Self {
                headers: HeaderEncoder::default(),
                encoder: Encoder::new(),
                decoder: Decoder::new(),
            }
        }

        fn write(
            &mut self,
            request: &RenderedRequest,
            is_tls: bool,
        ) -> Result<Vec<u8>, RequestError> {
            let (mut block, template) = (Vec::new(), HeaderTemplate::default());
            let request = (NameId(1), request, &template);
            self.headers
                .write(request, is_tls, &mut self.encoder, &mut block)?;
            Ok(block)
        }

        /// The fields, and the size of their block in bytes.
        fn pass(&mut self, parts: &Parts, is_tls: bool) -> (String, usize) {
            let block = self.write(&parts.request(), is_tls).unwrap();
            let mut text = String::new();
            let read = self.decoder.read(&block, |name, value, _| {
                text.push_str(std::str::from_utf8(name).unwrap());
                text.push('=');
                text.push_str(std::str::from_utf8(value).unwrap());
                text.push('\n');
            });
            read.unwrap();
            (text, block.len())
        }
    }

    #[test]
    fn connection_specific_fields_are_not_sent() {
        let (fields, _) = Sides::new().pass(&get(), false);
        let expected = ":method=GET\n:scheme=http\n:authority=h:8080\n:path=/a?b=c\nuser-agent=brunt\n\
                        x-two=1\nx-two=2\n";
        assert_eq!(fields, expected);
    }

    #[test]
    fn headers_that_change_are_not_confused_with_previous_ones() {
        let mut sides = Sides::new();
        let posts = Parts {
            method: "POST",
            path: "/longer/path?b=c".to_owned(),
            ..get()
        };
        let others = get().with(1, "User-Agent", "other");
        let mut longer = get();
        longer.fields.insert(3, ("Content-Length", "12".to_owned()));
        longer.fields.insert(3, ("Cookie", "a=b".to_owned()));
        let renamed = get().with(2, "X-Ten", "1");
        let trailers = get().with(5, "TE", "trailers");
        let all = [
            get(),
            get(),
            posts.clone(),
            get(),
            others.clone(),
            posts,
            longer.clone(),
            renamed,
            longer,
            trailers.clone(),
            get(),
            trailers,
            others,
        ];
        for parts in all.iter().chain(&all) {
            for is_tls in [false, true] {
                let (fields, _) = sides.pass(parts, is_tls);
                assert_eq!(fields, Sides::new().pass(parts, is_tls).0);
            }
        }
    }

    #[test]
    fn unchanged_field_takes_one_byte() {
        let mut sides = Sides::new();
        let numbered = |number: u32| Parts {
            path: format!("/a?b={number}"),
            ..get()
        };
        let first = sides.pass(&numbered(1), false);
        assert!(first.1 > 40, "{}", first.1);
        // Seven fields.
        assert_eq!(sides.pass(&numbered(1), false), (first.0, 7));
        // From now on the path varies.
        let path = 2 + "/a?b=1".len();
        for number in 2..9 {
            assert_eq!(sides.pass(&numbered(number), false).1, 6 + path);
        }
        assert_eq!(sides.pass(&numbered(8), false).1, 6 + path);
    }

    #[test]
    fn unsendable_part_is_named_in_the_error() {
        let host = ("Host", "h");
        for (parts, expected) in [
            (Parts::new("GET", "/a b", &[host]), "the path"),
            (Parts::new("GET", "", &[host]), "the path"),
            (Parts::new("G(T", "/", &[host]), "the method"),
            (Parts::new("GET", "/", &[host, ("A", "\x01")]), "`A`"),
            (Parts::new("GET", "/", &[host, ("A b", "1")]), "`A b`"),
        ] {
            let mut sides = Sides::new();
            for before in [None, Some(Parts::new("GET", "/", &[host, ("A", "1")]))] {
                if let Some(before) = before {
                    sides.pass(&before, false);
                }
                let error = sides.write(&parts.request(), false).unwrap_err();
                assert!(error.text.contains(expected), "{}", error.text);
            }
        }
    }

    #[test]
    fn field_keeps_its_identifier_and_their_number_is_limited() {
        let mut fixed = HeaderInterner::default();
        for _ in 0..2 {
            for number in 0..HEADERS_MAX {
                let value = number.to_string();
                let id = fixed.id_of(b"x", value.as_bytes());
                assert_eq!(id, Some(FieldId(number)));
                assert_eq!(fixed.field(FieldId(number)), (&b"x"[..], value.as_bytes()));
            }
        }
        assert_eq!(fixed.id_of(b"y", b""), None);
    }
}
