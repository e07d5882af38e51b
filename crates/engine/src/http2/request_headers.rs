//! Heads of requests: from the bytes of HTTP/1.1, as plans have them, to the fields of HTTP/2 (RFC 9113,
//! sections 8.2 and 8.3). What is the same as the last time is not read again; what has not changed since the
//! first is sent as a field that never does.

use std::ops::Range;

use brunt_record::{FailureKind, NameId};

use super::hpack::{Encoder, Field, FieldId, is_secret, static_field, static_name};
use super::static_headers::HeaderInterner;
use crate::net::error::RequestError;

const METHOD: &[u8] = b":method";
const PATH: &[u8] = b":path";
const AUTHORITY: &[u8] = b":authority";
const SCHEME: &[u8] = b":scheme";

/// The last head of each name.
#[derive(Default)]
pub(crate) struct HeaderEncoder {
    known: Vec<Option<Known>>,
    interner: HeaderInterner,
}

struct Known {
    is_tls: bool,
    bytes: Vec<u8>,
    /// Where the first line is.
    first: Range<usize>,
    method: Item,
    path: Item,
    lines: Vec<Line>,
}

/// A line with a field.
struct Line {
    at: Range<usize>,
    is_host: bool,
    /// `None` where it is of a connection of HTTP/1.1.
    item: Option<Item>,
}

/// What is sent of it.
enum Item {
    Static(usize),
    Fixed(FieldId),
    Varying {
        name: Box<[u8]>,
        /// That of its name; 0 where it has none.
        index: usize,
        value: Range<usize>,
    },
}

impl HeaderEncoder {
    /// Writes the fields of the request whose head has these bytes.
    #[inline]
    pub(super) fn write(
        &mut self,
        name: NameId,
        head: &[u8],
        is_tls: bool,
        encoder: &mut Encoder,
        to: &mut Vec<u8>,
    ) -> Result<(), RequestError> {
        if self.known.len() <= name.index() {
            self.known.resize_with(name.index() + 1, || None);
        }
        let slot = &mut self.known[name.index()];
        let is_known = match slot {
            Some(known) if known.is_tls == is_tls => {
                if known.bytes == head {
                    Ok(true)
                } else {
                    known.change(head, &mut self.interner)
                }
            }
            _ => Ok(false),
        };
        if is_known != Ok(true) {
            // What was changed in part is not to be used.
            *slot = None;
            is_known?;
        }
        let known = match slot {
            Some(known) => known,
            None => slot.insert(Known::read(head, is_tls, &mut self.interner)?),
        };
        known.write(&self.interner, encoder, to);
        Ok(())
    }
}

impl Known {
    fn read(
        head: &[u8],
        is_tls: bool,
        interner: &mut HeaderInterner,
    ) -> Result<Self, RequestError> {
        let mut lines = lines_of(head);
        let first = lines.next().unwrap_or_default();
        let (method, path) = read_first(head, &first)?;
        let mut found = Vec::new();
        for at in lines {
            found.push(Line::read(head, at, interner)?);
        }
        Ok(Self {
            is_tls,
            bytes: head.to_vec(),
            method: Item::of(METHOD, head, method, interner),
            path: Item::of(PATH, head, path, interner),
            first,
            lines: found,
        })
    }

    /// Takes a head that differs in values; false where it does in more than these.
    fn change(&mut self, head: &[u8], interner: &mut HeaderInterner) -> Result<bool, RequestError> {
        let mut lines = lines_of(head);
        let first = lines.next().unwrap_or_default();
        if head[first.clone()] != self.bytes[self.first.clone()] {
            let (method, path) = read_first(head, &first)?;
            self.method = Item::of(METHOD, head, method, interner);
            self.path = Item::varying(PATH, path);
            self.first = first;
        }
        for line in &mut self.lines {
            let Some(at) = lines.next() else {
                return Ok(false);
            };
            let (old, new) = (&self.bytes[line.at.clone()], &head[at.clone()]);
            if old == new {
                line.shift(at);
            } else if name_of(old) == name_of(new) {
                line.vary(head, at)?;
            } else {
                return Ok(false);
            }
        }
        self.bytes.clear();
        self.bytes.extend_from_slice(head);
        Ok(lines.next().is_none())
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
        at: Range<usize>,
        interner: &mut HeaderInterner,
    ) -> Result<Self, RequestError> {
        let (name, value) = read_field(head, &at)?;
        let is_host = name == b"host";
        let is_sent = !is_of_connection(&name, &head[value.clone()]);
        let name = if is_host { AUTHORITY } else { &name };
        Ok(Self {
            at,
            is_host,
            item: is_sent.then(|| Item::of(name, head, value, interner)),
        })
    }

    /// It is the same in another place.
    fn shift(&mut self, to: Range<usize>) {
        if let Some(Item::Varying { value, .. }) = &mut self.item {
            let (start, bytes) = (to.start + value.start - self.at.start, value.len());
            *value = start..start + bytes;
        }
        self.at = to;
    }

    /// It has another value.
    fn vary(&mut self, head: &[u8], at: Range<usize>) -> Result<(), RequestError> {
        let (name, value) = read_field(head, &at)?;
        self.at = at;
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
        let id = if is_secret(name) {
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
            Self::Varying { name, index, value } if is_secret(name) => {
                Field::Secret(*index, name, &head[value.clone()])
            }
            Self::Varying { name, index, value } => {
                Field::Varying(*index, name, &head[value.clone()])
            }
        }
    }
}

/// Where the lines are that are not empty, without what ends them.
fn lines_of(head: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < head.len() {
            let begin = at;
            let rest = &head[begin..];
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            at = begin + end + 1;
            let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
            if !line.is_empty() {
                return Some(begin..begin + line.len());
            }
        }
        None
    })
}

/// Where the method and the path are.
fn read_first(
    head: &[u8],
    at: &Range<usize>,
) -> Result<(Range<usize>, Range<usize>), RequestError> {
    let line = &head[at.clone()];
    let blank = memchr::memchr(b' ', line).unwrap_or(line.len());
    let end = line.strip_suffix(b" HTTP/1.1").unwrap_or(line).len();
    let (method, path) = (0..blank, (blank + 1).min(end)..end);
    if !is_token(&line[method.clone()]) {
        return Err(unsendable("the method", "it is no word"));
    }
    let is_shown = |byte: &u8| *byte > b' ' && *byte != 0x7f;
    if path.is_empty() || !line[path.clone()].iter().all(is_shown) {
        let why = "it is empty, or holds a blank or a control character";
        return Err(unsendable("the path", why));
    }
    let shifted = |part: Range<usize>| at.start + part.start..at.start + part.end;
    Ok((shifted(method), shifted(path)))
}

/// The name of a field, in small letters, and where its value is.
fn read_field(head: &[u8], at: &Range<usize>) -> Result<(Vec<u8>, Range<usize>), RequestError> {
    let line = &head[at.clone()];
    let name = name_of(line);
    let shown = || format!("the header `{}`", String::from_utf8_lossy(name));
    if !is_token(name) {
        return Err(unsendable(&shown(), "its name is no word"));
    }
    let value = line.get(name.len() + 1..).unwrap_or_default();
    let is_sendable = |byte: &u8| *byte >= b' ' && *byte != 0x7f || *byte == b'\t';
    if !value.iter().all(is_sendable) {
        return Err(unsendable(&shown(), "its value holds a control character"));
    }
    let end = at.start + line.trim_ascii_end().len();
    let start = end - value.trim_ascii().len();
    Ok((name.to_ascii_lowercase(), start..end))
}

fn name_of(line: &[u8]) -> &[u8] {
    &line[..memchr::memchr(b':', line).unwrap_or(line.len())]
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

    const GET: &str = "GET /a?b=c HTTP/1.1\r\nHost: h:8080\r\nUser-Agent: brunt\r\nX-Two: 1\r\n\
                       x-two:  2 \r\nConnection: close\r\nTE: gzip\r\nExpect: 100-continue\r\n\r\n";

    /// One side that writes heads, and the other that reads them.
    struct Sides {
        heads: HeaderEncoder,
        encoder: Encoder,
        decoder: Decoder,
    }

    impl Sides {
        fn new() -> Self {
            Self {
                heads: HeaderEncoder::default(),
                encoder: Encoder::new(),
                decoder: Decoder::new(),
            }
        }

        /// The fields, and how many bytes they took.
        fn pass(&mut self, head: &str, is_tls: bool) -> (String, usize) {
            let mut block = Vec::new();
            let (name, head) = (NameId(1), head.as_bytes());
            let written = self
                .heads
                .write(name, head, is_tls, &mut self.encoder, &mut block);
            written.unwrap();
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
    fn a_head_loses_what_is_of_a_connection() {
        let (fields, _) = Sides::new().pass(GET, false);
        let expected = ":method=GET\n:scheme=http\n:authority=h:8080\n:path=/a?b=c\nuser-agent=brunt\n\
                        x-two=1\nx-two=2\n";
        assert_eq!(fields, expected);
    }

    #[test]
    fn what_is_known_is_not_taken_for_what_is_new() {
        let mut sides = Sides::new();
        let posts = GET.replace("GET /a", "POST /longer/path");
        let others = GET.replace("brunt", "other");
        let longer = GET.replace(
            "X-Two: 1\r\n",
            "X-Two: 1\r\nCookie: a=b\r\nContent-Length: 12\r\n",
        );
        let renamed = GET.replace("X-Two: 1", "X-Ten: 1");
        let trailers = GET.replace("TE: gzip", "TE: trailers");
        let heads = [
            GET, GET, &posts, GET, &others, &posts, &longer, &renamed, &longer, &trailers, GET,
            &trailers, &others,
        ];
        for head in heads.iter().chain(&heads) {
            for is_tls in [false, true] {
                let (fields, _) = sides.pass(head, is_tls);
                assert_eq!(fields, Sides::new().pass(head, is_tls).0);
            }
        }
    }

    #[test]
    fn what_has_not_changed_is_a_byte_each() {
        let mut sides = Sides::new();
        let head = |number: u32| GET.replace("b=c", &format!("b={number}"));
        let first = sides.pass(&head(1), false);
        assert!(first.1 > 40, "{}", first.1);
        // Seven fields.
        assert_eq!(sides.pass(&head(1), false), (first.0, 7));
        // From now on the path is one that varies.
        let path = 2 + "/a?b=1".len();
        for number in 2..9 {
            assert_eq!(sides.pass(&head(number), false).1, 6 + path);
        }
        assert_eq!(sides.pass(&head(8), false).1, 6 + path);
    }

    #[test]
    fn what_cannot_be_sent_says_what_it_is() {
        for (head, part) in [
            ("GET /a b HTTP/1.1\r\nHost: h\r\n\r\n", "the path"),
            ("GET  HTTP/1.1\r\nHost: h\r\n\r\n", "the path"),
            ("G(T / HTTP/1.1\r\nHost: h\r\n\r\n", "the method"),
            ("GET / HTTP/1.1\r\nHost: h\r\nA: \x01\r\n\r\n", "`A`"),
            ("GET / HTTP/1.1\r\nHost: h\r\nA b: 1\r\n\r\n", "`A b`"),
        ] {
            let mut sides = Sides::new();
            for before in ["", "GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\n\r\n"] {
                if !before.is_empty() {
                    sides.pass(before, false);
                }
                let (encoder, mut to) = (&mut sides.encoder, Vec::new());
                let written =
                    sides
                        .heads
                        .write(NameId(1), head.as_bytes(), false, encoder, &mut to);
                let error = written.unwrap_err();
                assert!(error.text.contains(part), "{}", error.text);
            }
        }
    }
}
