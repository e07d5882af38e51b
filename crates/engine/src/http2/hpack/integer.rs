//! Integers with a prefix within a byte (RFC 7541, section 5.1).

/// Maximum value; nothing in HTTP/2 needs a larger one.
const MAX: usize = 1 << 28;

/// Decodes an integer with a prefix of this number of bits; `None` if it is incomplete or too large.
#[inline]
pub(super) fn take(bytes: &mut &[u8], prefix_bits: u32) -> Option<usize> {
    let (first, rest) = bytes.split_first()?;
    *bytes = rest;
    let most = (1 << prefix_bits) - 1;
    let mut number = usize::from(*first) & most;
    if number < most {
        return Some(number);
    }
    let mut shift = 0;
    loop {
        let (next, rest) = bytes.split_first()?;
        *bytes = rest;
        number += usize::from(next & 0x7f) << shift;
        if number > MAX || shift > 28 {
            return None;
        }
        if next & 0x80 == 0 {
            return Some(number);
        }
        shift += 7;
    }
}

/// Encodes an integer; `before` are the bits before its prefix.
#[inline]
pub(super) fn write(to: &mut Vec<u8>, before: u8, prefix_bits: u32, number: usize) {
    let most = (1 << prefix_bits) - 1;
    if number < most {
        to.push(before | low_byte(number));
        return;
    }
    to.push(before | low_byte(most));
    let mut left = number - most;
    while left >= 0x80 {
        to.push(0x80 | low_byte(left & 0x7f));
        left >>= 7;
    }
    to.push(low_byte(left));
}

fn low_byte(number: usize) -> u8 {
    number.to_le_bytes()[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_of_the_rfc() {
        for (prefix_bits, number, bytes) in [
            (5, 10, &[0b0000_1010][..]),
            (5, 1337, &[0b0001_1111, 0b1001_1010, 0b0000_1010]),
            (8, 42, &[0b0010_1010]),
        ] {
            let mut written = Vec::new();
            write(&mut written, 0, prefix_bits, number);
            assert_eq!(written, bytes);
            assert_eq!(take(&mut &written[..], prefix_bits), Some(number));
        }
    }

    #[test]
    fn integers_round_trip() {
        for prefix_bits in 1..=8 {
            for number in (0..1_000).chain([16_383, 16_384, 1 << 20, 1 << 28]) {
                let mut written = Vec::new();
                write(&mut written, 0, prefix_bits, number);
                let mut left = &written[..];
                assert_eq!(take(&mut left, prefix_bits), Some(number));
                assert!(left.is_empty());
                assert_eq!(take(&mut &written[..written.len() - 1], prefix_bits), None);
            }
        }
    }

    #[test]
    fn integer_over_the_limit_is_rejected() {
        assert_eq!(take(&mut &[0xff; 20][..], 7), None);
        assert_eq!(
            take(&mut &[0xff, 0xff, 0xff, 0xff, 0xff, 0x01][..], 7),
            None
        );
        let zeros = [&[0xff][..], &[0x80; 12], &[0]].concat();
        assert_eq!(take(&mut &zeros[..], 7), None);
    }
}
