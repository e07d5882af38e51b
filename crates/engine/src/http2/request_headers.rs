//! Request headers: from the header fields of a rendered request to those of HTTP/2 (RFC 9113, sections 8.2 and 8.3).
//! What is the same as the last time is not looked at again; what has not changed since the first time is sent as a
//! field that never does.

use std::ops::Range;

use brunt_record::{FailureKind, NameId};
use brunt_scenario::{FieldRange, HeaderTemplate, RenderedRequest};

use super::hpack::{Encoder, Field, FieldId, is_sensitive, static_field, static_name};
use super::static_headers::HeaderInterner;
use crate::net::error::RequestError;

const METHOD: &[u8] = b":method";
const PATH: &[u8] = b":path";
const AUTHORITY: &[u8] = b":authority";
const SCHEME: &[u8] = b":scheme";

/// The last headers of each name.
#[derive(Default)]
pub(crate) struct HeaderEncoder {
    known: Vec<Option<Known>>,
    interner: HeaderInterner,
    /// Scratch space.
    fields: Vec<FieldRange>,
}

struct Known {
    is_tls: bool,
    bytes: Vec<u8>,
    method_range: Range<usize>,
    path_range: Range<usize>,
    method: Item,
    path: Item,
    lines: Vec<Line>,
}

/// A header field.
struct Line {
    range: FieldRange,
    is_host: bool,
    /// `None` if it concerns a connection of HTTP/1.1.
    item: Option<Item>,
}

/// What is sent of a field.
enum Item {
    Static(usize),
    Fixed(FieldId),
    Varying {
        name: Box<[u8]>,
        /// The index of its name; 0 if it has none.
        index: usize,
        value: Range<usize>,
        /// Whether it is never indexed.
        is_sensitive: bool,
    },
}

impl HeaderEncoder {
    /// Writes the fields of a request.
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
                Some(known) => known.change(request, &self.fields, &mut self.interner)?,
                None => Known::read(request, &self.fields, is_tls, &mut self.interner)?,
            });
        }
        if let Some(known) = slot {
            known.write(&self.interner, encoder, to);
        }
        Ok(())
    }
}

impl Known {
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
            lines.push(Line::read(head, field, interner)?);
        }
        Ok(Self {
            is_tls,
            bytes: head.to_vec(),
            method: Item::of(METHOD, head, method.clone(), interner),
            path: Item::of(PATH, head, path.clone(), interner),
            method_range: method,
            path_range: path,
            lines,
        })
    }

    /// Takes headers that differ from the last ones.
    fn change(
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
            self.method = Item::of(METHOD, head, method.clone(), interner);
            self.path = Item::varying(PATH, path.clone());
        }
        (self.method_range, self.path_range) = (method, path);
        for (line, field) in self.lines.iter_mut().zip(fields) {
            if self.bytes[line.range.value.clone()] == head[field.value.clone()] {
                line.shift(field);
            } else {
                line.vary(head, field)?;
            }
        }
        self.bytes.clear();
        self.bytes.extend_from_slice(head);
        Ok(self)
    }

    #[inline]
    fn write(&self, interner: &HeaderInterner, encoder: &mut Encoder, to: &mut Vec<u8>) {
        encoder.begin(to);
        let mut write = |item: &Item| encoder.write(to, item.field(&self.bytes, interner));
        let scheme = if self.is_tls { "https" } else { "http" };
        write(&self.method);
        if let Some(index) = static_field(SCHEME, scheme.as_bytes()) {
            write(&Item::Static(index));
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

impl Line {
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
            item: is_sent.then(|| Item::of(name, head, value, interner)),
        })
    }

    /// Takes another place of the same field.
    fn shift(&mut self, to: &FieldRange) {
        if let Some(Item::Varying { value, .. }) = &mut self.item {
            let start = to.value.start + value.start - self.range.value.start;
            *value = start..start + value.len();
        }
        self.range = to.clone();
    }

    /// Takes another value.
    fn vary(&mut self, head: &[u8], field: &FieldRange) -> Result<(), RequestError> {
        let (name, value) = read_field(head, field)?;
        self.range = field.clone();
        if is_of_connection(&name, &head[value.clone()]) {
            self.item = None;
        } else if let Some(Item::Varying { value: known, .. }) = &mut self.item {
            *known = value;
        } else {
            let name = if self.is_host { AUTHORITY } else { &name };
            self.item = Some(Item::varying(name, value));
        }
        Ok(())
    }
}

impl Item {
    /// A field that was not seen to change.
    fn of(name: &[u8], head: &[u8], value: Range<usize>, interner: &mut HeaderInterner) -> Self {
        let text = &head[value.clone()];
        if let Some(index) = static_field(name, text) {
            return Self::Static(index);
        }
        let id = if is_sensitive(name) {
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
            is_sensitive: is_sensitive(name),
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

/// Checks a method and a path.
fn check_line(method: &[u8], path: &[u8]) -> Result<(), RequestError> {
    if !is_token(method) {
        return Err(unsendable("the method", "it is no word"));
    }
    let is_shown = |byte: &u8| *byte > b' ' && *byte != 0x7f;
    if path.is_empty() || !path.iter().all(is_shown) {
        let why = "it is empty, or holds a blank or a control character";
        return Err(unsendable("the path", why));
    }
    Ok(())
}

/// The name of a field in lower case, and where its value is without blanks around it.
fn read_field(head: &[u8], field: &FieldRange) -> Result<(Vec<u8>, Range<usize>), RequestError> {
    let name = &head[field.name.clone()];
    let shown = || format!("the header `{}`", String::from_utf8_lossy(name));
    if !is_token(name) {
        return Err(unsendable(&shown(), "its name is no word"));
    }
    let value = &head[field.value.clone()];
    let is_sendable = |byte: &u8| *byte >= b' ' && *byte != 0x7f || *byte == b'\t';
    if !value.iter().all(is_sendable) {
        return Err(unsendable(&shown(), "its value holds a control character"));
    }
    let end = field.value.start + value.trim_ascii_end().len();
    let start = end - value.trim_ascii().len();
    Ok((name.to_ascii_lowercase(), start..end))
}

/// Whether bytes are a word, as names and methods are (RFC 9110, section 5.6.2).
fn is_token(bytes: &[u8]) -> bool {
    let is_of_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !bytes.is_empty() && bytes.iter().all(is_of_token)
}

/// Whether a field speaks of a connection of HTTP/1.1, or asks before a body is sent.
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

/// What a scenario wrote is not fit to be sent.
fn unsendable(what: &str, why: &str) -> RequestError {
    RequestError::new(
        FailureKind::Check,
        format!("{what} cannot be sent by HTTP/2: {why}"),
    )
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

    /// One side that writes headers, and the other that reads them.
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

        /// The fields, and the number of bytes that they took.
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
    fn headers_lose_the_fields_of_a_connection() {
        let (fields, _) = Sides::new().pass(&get(), false);
        let expected = ":method=GET\n:scheme=http\n:authority=h:8080\n:path=/a?b=c\nuser-agent=brunt\n\
                        x-two=1\nx-two=2\n";
        assert_eq!(fields, expected);
    }

    #[test]
    fn known_headers_are_not_confused_with_new_ones() {
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
        // From now on the path is one that varies.
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
}
