//! The tables of HPACK: fields that both sides know (RFC 7541, appendix A), and those that were sent before
//! (section 2.3.2).

use std::collections::VecDeque;

/// What an entry counts beside its bytes.
pub(super) const ENTRY_BYTES: usize = 32;

#[rustfmt::skip]
const STATIC: [(&str, &str); 61] = [
    (":authority", ""), (":method", "GET"), (":method", "POST"), (":path", "/"), (":path", "/index.html"),
    (":scheme", "http"), (":scheme", "https"), (":status", "200"), (":status", "204"), (":status", "206"),
    (":status", "304"), (":status", "400"), (":status", "404"), (":status", "500"), ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"), ("accept-language", ""), ("accept-ranges", ""), ("accept", ""),
    ("access-control-allow-origin", ""), ("age", ""), ("allow", ""), ("authorization", ""),
    ("cache-control", ""), ("content-disposition", ""), ("content-encoding", ""), ("content-language", ""),
    ("content-length", ""), ("content-location", ""), ("content-range", ""), ("content-type", ""),
    ("cookie", ""), ("date", ""), ("etag", ""), ("expect", ""), ("expires", ""), ("from", ""), ("host", ""),
    ("if-match", ""), ("if-modified-since", ""), ("if-none-match", ""), ("if-range", ""),
    ("if-unmodified-since", ""), ("last-modified", ""), ("link", ""), ("location", ""), ("max-forwards", ""),
    ("proxy-authenticate", ""), ("proxy-authorization", ""), ("range", ""), ("referer", ""), ("refresh", ""),
    ("retry-after", ""), ("server", ""), ("set-cookie", ""), ("strict-transport-security", ""),
    ("transfer-encoding", ""), ("user-agent", ""), ("vary", ""), ("via", ""), ("www-authenticate", ""),
];

/// The index of a field that both sides know.
pub(in crate::http2) fn static_field(name: &[u8], value: &[u8]) -> Option<usize> {
    let is = |entry: &(&str, &str)| entry.0.as_bytes() == name && entry.1.as_bytes() == value;
    STATIC.iter().position(is).map(|at| at + 1)
}

/// The first index with a name that both sides know.
pub(in crate::http2) fn static_name(name: &[u8]) -> Option<usize> {
    let is = |entry: &(&str, &str)| entry.0.as_bytes() == name;
    STATIC.iter().position(is).map(|at| at + 1)
}

/// Fields that the other side has sent.
#[derive(Debug)]
pub(super) struct Table {
    /// The latest comes first.
    entries: VecDeque<Entry>,
    bytes: usize,
    bytes_max: usize,
    /// Space of entries that had to go.
    spare: Vec<Vec<u8>>,
}

#[derive(Debug)]
struct Entry {
    name_bytes: usize,
    /// The name, then the value.
    bytes: Vec<u8>,
}

impl Table {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            bytes: 0,
            bytes_max,
            spare: Vec::new(),
        }
    }

    /// The name and the value at an index that counts from 1 through both tables.
    #[inline]
    pub(super) fn field(&self, index: usize) -> Option<(&[u8], &[u8])> {
        let at = index.checked_sub(1)?;
        if let Some((name, value)) = STATIC.get(at) {
            return Some((name.as_bytes(), value.as_bytes()));
        }
        let entry = self.entries.get(at - STATIC.len())?;
        Some(entry.bytes.split_at(entry.name_bytes))
    }

    /// Takes a field in, its name and then its value; the oldest go where it has no room.
    pub(super) fn insert(&mut self, field: &[u8], name_bytes: usize) {
        let more = field.len() + ENTRY_BYTES;
        self.shrink(self.bytes_max.saturating_sub(more));
        if more > self.bytes_max {
            return;
        }
        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.clear();
        bytes.extend_from_slice(field);
        self.entries.push_front(Entry { name_bytes, bytes });
        self.bytes += more;
    }

    pub(super) fn set_bytes_max(&mut self, bytes_max: usize) {
        self.bytes_max = bytes_max;
        self.shrink(bytes_max);
    }

    fn shrink(&mut self, to_bytes: usize) {
        while self.bytes > to_bytes
            && let Some(oldest) = self.entries.pop_back()
        {
            self.bytes -= oldest.bytes.len() + ENTRY_BYTES;
            self.spare.push(oldest.bytes);
        }
    }
}
