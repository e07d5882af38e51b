//! Encodings in which the service echoes a text.

/// Encodes a text.
pub(super) fn encoded(encoding: &str, text: &str) -> String {
    match encoding {
        "json" => serde_json::json!({ "got": text }).to_string(),
        "html" => text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('"', "&quot;")
            .replace('\'', "&#39;"),
        "percent" => {
            let bytes = text.bytes().map(|byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            });
            bytes.collect()
        }
        "base64" => base64(text),
        _ => text.to_owned(),
    }
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(super) fn base64(text: &str) -> String {
    let mut encoded = String::new();
    for part in text.as_bytes().chunks(3) {
        let mut bytes = [0; 4];
        bytes[1..=part.len()].copy_from_slice(part);
        let bits = u32::from_be_bytes(bytes);
        for place in 0..4 {
            let digit = bits >> (18 - 6 * place) & 63;
            let letter = char::from(ALPHABET[digit as usize]);
            encoded.push(if place <= part.len() { letter } else { '=' });
        }
    }
    encoded
}

pub(super) fn from_base64(text: &str) -> String {
    let digits = text
        .bytes()
        .filter_map(|letter| ALPHABET.iter().position(|known| *known == letter));
    let (mut bits, mut count, mut bytes) = (0usize, 0, Vec::new());
    for digit in digits {
        (bits, count) = (bits << 6 | digit, count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).expect("a byte"));
            bits &= (1 << count) - 1;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
