//! Memory that is held: a server that leaks, or whose cache fills.

use crate::series::Shape;

/// What a server holds beside what it needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Memory {
    /// So many bytes, by the time since its start.
    OverTime(Shape),
    /// So many bytes more with each request.
    PerRequest {
        /// Bytes.
        bytes: usize,
    },
}

/// The kernel's page.
const PAGE: usize = 4096;
/// With what the allocator keeps beside it, as large as a page.
const PIECE: usize = PAGE - 16;

/// Memory that is held and was written to, so that it is resident; in whole pages.
#[derive(Debug, Default)]
pub struct Hoard {
    bytes: usize,
    pieces: Vec<Box<[u8]>>,
}

impl Hoard {
    /// Holds so many bytes.
    pub fn hold(&mut self, bytes: usize) {
        self.bytes = bytes;
        let pieces = bytes.div_ceil(PAGE);
        self.pieces.truncate(pieces);
        while self.pieces.len() < pieces {
            self.pieces.push(vec![1; PIECE].into_boxed_slice());
        }
    }

    /// Holds so many bytes more.
    pub fn add(&mut self, bytes: usize) {
        self.hold(self.bytes + bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_whole_pages() {
        let mut hoard = Hoard::default();
        for (add, pages) in [(1, 1), (PAGE - 1, 1), (1, 2), (10 * PAGE, 12)] {
            hoard.add(add);
            assert_eq!(hoard.pieces.len(), pages);
        }
        hoard.hold(PAGE);
        assert_eq!(hoard.pieces.len(), 1);
    }
}
