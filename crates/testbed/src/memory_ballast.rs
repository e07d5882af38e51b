//! Memory ballast: resident memory of a server that leaks, or whose cache fills.

use crate::synthetic_series::Shape;

/// Growth of the memory that a server holds in addition to what it needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MemoryGrowth {
    /// Bytes by the time since the start of the server.
    OverTime(Shape),
    /// More bytes with each request.
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
pub struct MemoryBallast {
    bytes: usize,
    pieces: Vec<Box<[u8]>>,
}

impl MemoryBallast {
    /// Sets the number of bytes that are held.
    pub fn hold(&mut self, bytes: usize) {
        self.bytes = bytes;
        let pieces = bytes.div_ceil(PAGE);
        self.pieces.truncate(pieces);
        while self.pieces.len() < pieces {
            self.pieces.push(vec![1; PIECE].into_boxed_slice());
        }
    }

    /// Adds to the number of bytes that are held.
    pub fn add(&mut self, bytes: usize) {
        self.hold(self.bytes + bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_whole_pages() {
        let mut ballast = MemoryBallast::default();
        for (add, pages) in [(1, 1), (PAGE - 1, 1), (1, 2), (10 * PAGE, 12)] {
            ballast.add(add);
            assert_eq!(ballast.pieces.len(), pages);
        }
        ballast.hold(PAGE);
        assert_eq!(ballast.pieces.len(), 1);
    }
}
