//! The Huffman code of HPACK (RFC 7541, appendix B). It is canonical: if codes are sorted by length and then by
//! symbol, each is the previous one plus one. The code lengths therefore define it.

const SYMBOLS: usize = 257;
/// The end-of-string symbol. Only a prefix of it is valid, as padding.
const END: u16 = 256;
const LENGTH_MAX: u32 = 30;

#[rustfmt::skip]
const LENGTHS: [u8; SYMBOLS] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// Maximum length of codes decoded by one table lookup; covers most characters of header fields.
const SHORT_BITS: u32 = 9;

/// Decoding tables.
struct Code {
    /// By the next bits: the symbol and the length of its code; length 0 for longer codes.
    short: [(u16, u8); 1 << SHORT_BITS],
    /// By length: the first left-aligned code that is too large for that length.
    limits: [u64; LENGTH_MAX as usize + 1],
    /// By length: the first code, and the position of its symbol in code order.
    firsts: [(u64, usize); LENGTH_MAX as usize + 1],
    /// Symbols in code order.
    symbols: [u16; SYMBOLS],
}

static CODE: Code = Code::new();

#[expect(
    clippy::cast_possible_truncation,
    reason = "codes have 30 bits, and lengths five"
)]
impl Code {
    const fn new() -> Self {
        let mut code = Self {
            short: [(0, 0); 1 << SHORT_BITS],
            limits: [0; LENGTH_MAX as usize + 1],
            firsts: [(0, 0); LENGTH_MAX as usize + 1],
            symbols: [0; SYMBOLS],
        };
        let (mut next, mut at, mut length) = (0_u64, 0, 1_u32);
        while length <= LENGTH_MAX {
            code.firsts[length as usize] = (next, at);
            let mut symbol: u16 = 0;
            while symbol <= END {
                if LENGTHS[symbol as usize] as u32 == length {
                    code.symbols[at] = symbol;
                    code.find_at_once(next, length, symbol);
                    at += 1;
                    next += 1;
                }
                symbol += 1;
            }
            code.limits[length as usize] = next << (64 - length);
            next <<= 1;
            length += 1;
        }
        code
    }

    const fn find_at_once(&mut self, code: u64, length: u32, symbol: u16) {
        if length > SHORT_BITS {
            return;
        }
        let free_bits = SHORT_BITS - length;
        let mut rest = 0;
        while rest < 1 << free_bits {
            let at = (code << free_bits) as usize | rest;
            self.short[at] = (symbol, length as u8);
            rest += 1;
        }
    }

    /// The symbol whose code is the prefix of the left-aligned bits, and the length of that code.
    #[inline]
    fn symbol(&self, bits: u64) -> (u16, u32) {
        let (symbol, length) = self.short[(bits >> (64 - SHORT_BITS)) as usize];
        if length > 0 {
            return (symbol, u32::from(length));
        }
        let mut length = SHORT_BITS + 1;
        // The end-of-string symbol is all ones and within the last limit of 2^64, so the search stops there.
        while length < LENGTH_MAX && bits >= self.limits[length as usize] {
            length += 1;
        }
        let (first, at) = self.firsts[length as usize];
        let above = (bits >> (64 - length)) - first;
        (self.symbols[at + above as usize], length)
    }
}

/// Appends the decoded string; `None` if the input is invalid.
#[inline]
pub(super) fn decode(encoded: &[u8], to: &mut Vec<u8>) -> Option<()> {
    // Left-aligned bits that were not consumed yet, and their number.
    let (mut bits, mut known) = (0_u64, 0_u32);
    let mut left = encoded;
    loop {
        while known <= 56
            && let Some((next, rest)) = left.split_first()
        {
            bits |= u64::from(*next) << (56 - known);
            known += 8;
            left = rest;
        }
        // The shortest code has 5 bits.
        if known < 8 && is_padding(bits, known) {
            return Some(());
        }
        let (symbol, length) = CODE.symbol(bits);
        if length > known || symbol == END {
            return None;
        }
        // Below 256, since it is not the end.
        to.push(symbol.to_le_bytes()[0]);
        bits <<= length;
        known -= length;
    }
}

/// Whether the last bits, fewer than 8, are a prefix of the end-of-string symbol.
fn is_padding(bits: u64, known: u32) -> bool {
    known == 0 || bits >> (64 - known) == (1 << known) - 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The codes of all symbols, computed one by one.
    fn codes() -> Vec<(u32, u32)> {
        let mut order: Vec<usize> = (0..SYMBOLS).collect();
        order.sort_by_key(|symbol| (LENGTHS[*symbol], *symbol));
        let mut codes = vec![(0, 0); SYMBOLS];
        let (mut code, mut length) = (0_u32, 0_u32);
        for (number, symbol) in order.into_iter().enumerate() {
            let next = u32::from(LENGTHS[symbol]);
            code = (code + u32::from(number > 0)) << (next - length);
            length = next;
            codes[symbol] = (code, length);
        }
        codes
    }

    fn encode(text: &[u8]) -> Vec<u8> {
        let codes = codes();
        let mut bits = String::new();
        for byte in text {
            let (code, length) = codes[usize::from(*byte)];
            bits.push_str(&format!("{code:0width$b}", width = length as usize));
        }
        while !bits.len().is_multiple_of(8) {
            bits.push('1');
        }
        let bytes = bits.as_bytes().chunks(8);
        let bytes = bytes.map(|byte| std::str::from_utf8(byte).unwrap());
        bytes
            .map(|byte| u8::from_str_radix(byte, 2).unwrap())
            .collect()
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        let codes = codes();
        // A selection from appendix B, of almost all lengths.
        for (symbol, code, length) in [
            (usize::from(b'0'), 0x0, 5),
            (usize::from(b't'), 0x9, 5),
            (usize::from(b' '), 0x14, 6),
            (usize::from(b':'), 0x5c, 7),
            (usize::from(b'&'), 0xf8, 8),
            (usize::from(b'!'), 0x3f8, 10),
            (usize::from(b'+'), 0x7fb, 11),
            (usize::from(b'#'), 0xffa, 12),
            (0, 0x1ff8, 13),
            (usize::from(b'^'), 0x3ffc, 14),
            (usize::from(b'<'), 0x7ffc, 15),
            (usize::from(b'\\'), 0x7fff0, 19),
            (128, 0xfffe6, 20),
            (1, 0x7f_ffd8, 23),
            (9, 0xff_ffea, 24),
            (249, 0xfff_fffe, 28),
            (22, 0x3fff_fffe, 30),
            (256, 0x3fff_ffff, 30),
        ] {
            assert_eq!(codes[symbol], (code, length), "{symbol}");
        }
    }

    #[test]
    fn examples_of_the_rfc() {
        for (encoded, text) in [
            ("f1e3c2e5f23a6ba0ab90f4ff", "www.example.com"),
            ("a8eb10649cbf", "no-cache"),
            ("25a849e95ba97d7f", "custom-key"),
            (
                "d07abe941054d444a8200595040b8166e082a62d1bff",
                "Mon, 21 Oct 2013 20:13:21 GMT",
            ),
        ] {
            let bytes = (0..encoded.len()).step_by(2);
            let bytes = bytes.map(|at| u8::from_str_radix(&encoded[at..at + 2], 16).unwrap());
            let bytes: Vec<u8> = bytes.collect();
            let mut decoded = Vec::new();
            assert_eq!(decode(&bytes, &mut decoded), Some(()));
            assert_eq!(decoded, text.as_bytes());
            assert_eq!(encode(text.as_bytes()), bytes);
        }
    }

    #[test]
    fn invalid_padding_and_end_of_string_are_rejected() {
        // A byte of padding, padding that is not ones, and the end-of-string symbol.
        for bytes in [
            &[0xff][..],
            &[0x1f, 0xff],
            &[0x00],
            &[0xff, 0xff, 0xff, 0xff],
        ] {
            assert_eq!(decode(bytes, &mut Vec::new()), None, "{bytes:x?}");
        }
        assert_eq!(decode(&[], &mut Vec::new()), Some(()));
    }

    proptest! {
        #[test]
        fn encoded_text_round_trips(text: Vec<u8>) {
            let mut decoded = Vec::new();
            prop_assert_eq!(decode(&encode(&text), &mut decoded), Some(()));
            prop_assert_eq!(decoded, text);
        }
    }
}
