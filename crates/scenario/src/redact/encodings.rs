//! Encodings: finds a value in a text in the escapes of JSON, URLs, forms, HTML, TOML or a debugger. The text is decoded
//! during the comparison, character by character, since each writer escapes other characters.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// Largest number of backslashes of nested escapes: `\\\\\"`.
const BACKSLASHES_MAX: usize = 8;
/// Longest name of an entity, or digits of a numeric one, in bytes.
const ENTITY_BYTES_MAX: usize = 10;

/// Shortest base64 text that may contain a secret.
const BASE64_BYTES_MIN: usize = 16;

/// A character of a text and the position of the next one.
type Symbol = (char, usize);

/// A text to search for values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a>(pub(super) &'a str);

/// Part of a value at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// The complete value, up to this position.
    Complete(usize),
    /// A number of its characters, up to the end of a truncated text.
    Cut(usize, usize),
}

impl Text<'_> {
    /// Finds a value at a position. `is_cut`: the text is truncated.
    pub(super) fn find(self, value: &str, at: usize, folds: bool, is_cut: bool) -> Option<Found> {
        let mut ends = vec![at];
        for (count, wanted) in value.chars().enumerate() {
            let mut next = Vec::new();
            for &end in &ends {
                self.ends_of(wanted, end, folds, &mut next);
            }
            next.sort_unstable();
            next.dedup();
            if next.is_empty() {
                let cut = ends.iter().find_map(|&end| self.cut_at(end, is_cut));
                return cut.map(|end| Found::Cut(end, count));
            }
            ends = next;
        }
        ends.last().copied().map(Found::Complete)
    }

    /// Position at which the text is truncated, possibly within an escape.
    fn cut_at(self, at: usize, is_cut: bool) -> Option<usize> {
        let rest = &self.0[at..];
        if is_cut && is_part_of_escape(rest) {
            return Some(self.0.len());
        }
        let near = rest.char_indices().take(ENTITY_BYTES_MAX);
        let (length, _) = near.into_iter().find(|(_, letter)| *letter == '…')?;
        is_part_of_escape(&rest[..length]).then_some(at + length)
    }

    /// Possible decodings of the characters at a position.
    pub(super) fn symbols(self, at: usize) -> impl Iterator<Item = Symbol> {
        let rest = &self.0[at..];
        let raw = rest
            .chars()
            .next()
            .map(|letter| (letter, letter.len_utf8()));
        let blank = rest.starts_with('+').then_some((' ', 1));
        let decoded = [
            percent_decoded(rest, "%"),
            percent_decoded(rest, "%25"),
            entity(rest, "&"),
            entity(rest, "&amp;"),
        ];
        let all = [raw, blank].into_iter().chain(decoded).flatten();
        all.map(move |(letter, length)| (letter, at + length))
    }

    /// Adds the ends of the encodings of a character at a position.
    fn ends_of(self, wanted: char, at: usize, folds: bool, ends: &mut Vec<usize>) {
        self.plain_ends_of(wanted, at, folds, ends);
        if wanted == '\n' {
            // A line may end with CR LF.
            let mut returns = Vec::new();
            self.plain_ends_of('\r', at, folds, &mut returns);
            for end in returns {
                self.plain_ends_of('\n', end, folds, ends);
            }
        }
    }

    fn plain_ends_of(self, wanted: char, at: usize, folds: bool, ends: &mut Vec<usize>) {
        for (letter, end) in self.symbols(at) {
            if is_same(letter, wanted, folds) {
                ends.push(end);
            }
            // In a header line, a space replaces it.
            if wanted.is_ascii_control() && letter == ' ' {
                ends.push(end);
            }
            if letter == '\\' {
                self.escaped_ends_of(wanted, end, ends);
            }
        }
    }

    /// The same after a first backslash.
    fn escaped_ends_of(self, wanted: char, at: usize, ends: &mut Vec<usize>) {
        let mut place = at;
        for count in 1..=BACKSLASHES_MAX {
            if wanted == '\\' && count.is_power_of_two() {
                ends.push(place);
            }
            for (letter, end) in self.symbols(place) {
                let is_letter = short_escape(wanted) == Some(letter);
                if is_letter || letter == wanted && !wanted.is_alphanumeric() {
                    ends.push(end);
                }
                match letter {
                    'u' | 'U' => ends.extend(self.unicode_escape(wanted, end)),
                    'x' => ends.extend(self.byte_escapes(wanted, end)),
                    _ => {}
                }
            }
            match self.symbols(place).find(|(letter, _)| *letter == '\\') {
                Some((_, end)) => place = end,
                None => return,
            }
        }
    }

    /// The end of `00e9`, `d83d\ude00`, `{e9}` or `000000e9`, if it is the character.
    fn unicode_escape(self, wanted: char, at: usize) -> Option<usize> {
        let rest = &self.0[at..];
        let wanted_number = u32::from(wanted);
        if let Some(braced) = rest.strip_prefix('{') {
            let (digits, _) = braced.split_once('}')?;
            let number = u32::from_str_radix(digits, 16).ok()?;
            return (number == wanted_number).then_some(at + digits.len() + 2);
        }
        let digits = |from: usize, count: usize| {
            let digits = rest.get(from..from + count)?;
            u32::from_str_radix(digits, 16).ok()
        };
        if digits(0, 8) == Some(wanted_number) {
            return Some(at + 8);
        }
        let mut units = [0; 2];
        match wanted.encode_utf16(&mut units) {
            [unit] => (digits(0, 4)? == u32::from(*unit)).then_some(at + 4),
            [high, low] => {
                let is_high = digits(0, 4)? == u32::from(*high);
                let slashes = rest
                    .get(4..)?
                    .bytes()
                    .take_while(|byte| *byte == b'\\')
                    .count();
                let is_low = rest.get(4 + slashes..)?.starts_with('u')
                    && digits(5 + slashes, 4)? == u32::from(*low);
                (is_high && is_low).then_some(at + 9 + slashes)
            }
            _ => None,
        }
    }

    /// The end of `c3\xa9`, if these are the bytes of the character.
    fn byte_escapes(self, wanted: char, at: usize) -> Option<usize> {
        let mut bytes = [0; 4];
        let mut place = at;
        for (number, byte) in wanted.encode_utf8(&mut bytes).bytes().enumerate() {
            if number > 0 {
                place += self.0.get(place..)?.starts_with("\\x").then_some(2)?;
            }
            let digits = self.0.get(place..place + 2)?;
            if u8::from_str_radix(digits, 16) != Ok(byte) {
                return None;
            }
            place += 2;
        }
        Some(place)
    }

    /// Whether a word continues at this position.
    pub(super) fn is_within_word(self, at: usize) -> bool {
        let is_of_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        let before = &self.0[..at];
        let goes_on = self.0[at..].chars().next().is_some_and(is_of_word);
        goes_on && before.chars().next_back().is_some_and(is_of_word) && !ends_with_escape(before)
    }
}

/// Whether the rest may be the beginning of a truncated escape or character.
fn is_part_of_escape(rest: &str) -> bool {
    let rest = rest.trim_end_matches('\u{fffd}');
    rest.is_empty() || rest.len() <= ENTITY_BYTES_MAX && rest.starts_with(['\\', '%', '&'])
}

/// Whether a text ends with an escape, whose letters do not belong to a word: `%20`, `\n`, `\u003d`.
fn ends_with_escape(text: &str) -> bool {
    match text.as_bytes() {
        [.., b'%', high, low] => high.is_ascii_hexdigit() && low.is_ascii_hexdigit(),
        [.., b'\\', b'b' | b'f' | b'n' | b'r' | b't'] => true,
        [.., b'\\', b'u', one, two, three, four] => [one, two, three, four]
            .iter()
            .all(|digit| digit.is_ascii_hexdigit()),
        _ => false,
    }
}

fn is_same(letter: char, wanted: char, folds: bool) -> bool {
    letter == wanted || folds && letter.eq_ignore_ascii_case(&wanted)
}

fn short_escape(wanted: char) -> Option<char> {
    Some(match wanted {
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        '\u{8}' => 'b',
        '\u{c}' => 'f',
        '\u{1b}' => 'e',
        '\0' => '0',
        _ => return None,
    })
}

/// The character of `%C3%A9` or `%c3%a9` (`%25C3%25A9`), and its length in bytes.
fn percent_decoded(rest: &str, sign: &str) -> Option<(char, usize)> {
    let (first, mut length) = percent_byte(rest, sign)?;
    let count = match first {
        0..0x80 => return Some((char::from(first), length)),
        0xc0..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..=0xf7 => 4,
        _ => return None,
    };
    let mut bytes = vec![first];
    while bytes.len() < count {
        let (byte, more) = percent_byte(rest.get(length..)?, sign)?;
        bytes.push(byte);
        length += more;
    }
    let letter = std::str::from_utf8(&bytes).ok()?.chars().next()?;
    Some((letter, length))
}

fn percent_byte(rest: &str, sign: &str) -> Option<(u8, usize)> {
    let digits = rest.strip_prefix(sign)?.get(..2)?;
    let byte = u8::from_str_radix(digits, 16).ok()?;
    Some((byte, sign.len() + 2))
}

/// The character of `&quot;`, `&#34;` or `&#x22;` (`&amp;quot;`), and its length in bytes.
fn entity(rest: &str, sign: &str) -> Option<(char, usize)> {
    let name = rest.strip_prefix(sign)?;
    let end = name
        .bytes()
        .take(ENTITY_BYTES_MAX)
        .position(|byte| byte == b';')?;
    let letter = match &name[..end] {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        number => {
            let number = number.strip_prefix('#')?;
            let number = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(number)?
        }
    };
    Some((letter, sign.len() + end + 1))
}

/// Parts of a text that may be base64.
pub(super) fn base64_runs(text: &str) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut begin = 0;
    for (at, byte) in text.bytes().chain([b' ']).enumerate() {
        if base64_digit(byte).is_none() {
            if at - begin >= BASE64_BYTES_MIN {
                runs.push(begin..at);
            }
            begin = at + 1;
        }
    }
    runs
}

/// Decodes base64 whose beginning may be missing.
pub(super) fn base64_decodings(run: &str) -> [String; 4] {
    [0, 1, 2, 3].map(|missing| {
        let digits = run.bytes().skip(missing).filter_map(base64_digit);
        let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
        for digit in digits {
            (bits, count) = (bits << 6 | u32::from(digit), count + 6);
            if count >= 8 {
                count -= 8;
                bytes.extend((bits >> count).to_le_bytes().first());
                bits &= (1 << count) - 1;
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// The value of a digit of either alphabet.
fn base64_digit(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

/// Decodes base64 of either alphabet; `None` for other text.
pub(super) fn of_base64(text: &str) -> Vec<u8> {
    let text = text
        .trim_end_matches('=')
        .replace('-', "+")
        .replace('_', "/");
    STANDARD_NO_PAD.decode(text).unwrap_or_default()
}
