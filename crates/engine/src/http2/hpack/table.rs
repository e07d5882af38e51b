//! The tables of HPACK: the static table (RFC 7541, appendix A), and the dynamic table of received fields
//! (section 2.3.2).

use std::collections::VecDeque;

/// Size of an entry in addition to its name and value, in bytes (RFC 7541, section 4.1).
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

/// Index of a field in the static table.
pub(in crate::http2) fn static_field(name: &[u8], value: &[u8]) -> Option<usize> {
    let is = |entry: &(&str, &str)| entry.0.as_bytes() == name && entry.1.as_bytes() == value;
    STATIC.iter().position(is).map(|at| at + 1)
}

/// First index of a name in the static table.
pub(in crate::http2) fn static_name(name: &[u8]) -> Option<usize> {
    let is = |entry: &(&str, &str)| entry.0.as_bytes() == name;
    STATIC.iter().position(is).map(|at| at + 1)
}

/// The dynamic table: fields that the peer has sent.
#[derive(Debug)]
pub(super) struct Table {
    /// Entries, the latest first.
    entries: VecDeque<Entry>,
    bytes: usize,
    bytes_max: usize,
    /// Buffers of evicted entries.
    spare: Vec<Vec<u8>>,
}

#[derive(Debug)]
struct Entry {
    name_bytes: usize,
    /// The name, followed by the value.
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

    /// The name and the value at an index, which counts from 1 through the static and the dynamic table.
    #[inline]
    pub(super) fn field(&self, index: usize) -> Option<(&[u8], &[u8])> {
        let at = index.checked_sub(1)?;
        if let Some((name, value)) = STATIC.get(at) {
            return Some((name.as_bytes(), value.as_bytes()));
        }
        let entry = self.entries.get(at - STATIC.len())?;
        Some(entry.bytes.split_at(entry.name_bytes))
    }

    /// Inserts a field, given as its name followed by its value, and evicts the oldest entries if needed.
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
