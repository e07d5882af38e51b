//! Memory ballast: resident memory of a server that leaks, or whose cache fills.

use crate::synthetic_series::Shape;

/// Growth of a server's memory in addition to what it needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MemoryGrowth {
    /// Grows over the time since the start of the server.
    OverTime(Shape),
    /// Grows with each request.
    PerRequest {
        /// Number of bytes per request.
        bytes: usize,
    },
}

/// Page size of the kernel, in bytes.
const PAGE: usize = 4096;
/// Together with the allocator's own data, as large as a page.
const PIECE: usize = PAGE - 16;

/// Allocated memory that was written to, and is therefore resident; in whole pages.
#[derive(Debug, Default)]
pub struct MemoryBallast {
    bytes: usize,
    pieces: Vec<Box<[u8]>>,
}

impl MemoryBallast {
    /// Sets the number of allocated bytes.
    pub fn hold(&mut self, bytes: usize) {
        self.bytes = bytes;
        let pieces = bytes.div_ceil(PAGE);
        self.pieces.truncate(pieces);
        while self.pieces.len() < pieces {
            self.pieces.push(vec![1; PIECE].into_boxed_slice());
        }
    }

    /// Adds to the number of allocated bytes.
    pub fn add(&mut self, bytes: usize) {
        self.hold(self.bytes + bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ballast_consists_of_whole_pages() {
        let mut ballast = MemoryBallast::default();
        for (add, pages) in [(1, 1), (PAGE - 1, 1), (1, 2), (10 * PAGE, 12)] {
            ballast.add(add);
            assert_eq!(ballast.pieces.len(), pages);
        }
        ballast.hold(PAGE);
        assert_eq!(ballast.pieces.len(), 1);
    }
}
