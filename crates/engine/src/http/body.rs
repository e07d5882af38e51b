//! Response bodies: counted, limited in size, and kept only as far as they are used.

use std::borrow::Cow;
use std::io::Read;

use brotli_decompressor::Decompressor;
use flate2::bufread::GzDecoder;
use flate2::read::{DeflateDecoder, ZlibDecoder};
use ruzstd::decoding::StreamingDecoder;

use super::protocol_error::ProtocolError;

/// Number of bytes of a body that are kept for a failure example: more than it shows, so that secrets are found.
const EXCERPT_BYTES_MAX: u64 = 1_024;

/// Buffer size of the Brotli decoder, in bytes.
const BROTLI_BUFFER_BYTES: usize = 4096;

/// The part of a body that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyCapture {
    /// Nothing.
    Nothing,
    /// Its start, for a failure example.
    Excerpt,
    /// All of it.
    All,
}

/// The body of a response.
#[derive(Debug, PartialEq, Eq)]
pub struct ResponseBody {
    /// Size in bytes as received, before decoding.
    pub bytes: u64,
    /// The part that was kept.
    pub kept: Vec<u8>,
    bytes_max: u64,
    kept_max: u64,
    all_max: u64,
}

/// The reason why a body cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The decoded body exceeds the limit.
    #[error("the decoded response body exceeds the limit of {limit} bytes")]
    TooLarge {
        /// Limit in bytes.
        limit: u64,
    },
    /// The body is not valid in its encoding.
    #[error("cannot decode the response body as {encoding}: {error}")]
    Broken {
        /// Content encoding.
        encoding: String,
        /// The decoder's error.
        error: String,
    },
    /// The encoding is not supported.
    #[error(
        "cannot decode the response body: unknown content encoding `{0}`; supported: gzip, deflate, br, zstd"
    )]
    Unknown(String),
}

impl Default for ResponseBody {
    fn default() -> Self {
        Self::new(u64::MAX, u64::MAX)
    }
}

impl ResponseBody {
    /// Creates an empty body, limited to `bytes_max` bytes, and to `all_max` bytes if all of it is kept.
    pub fn new(bytes_max: u64, all_max: u64) -> Self {
        Self {
            bytes: 0,
            kept: Vec::new(),
            bytes_max,
            kept_max: 0,
            all_max,
        }
    }

    pub(crate) fn keep(&mut self, keep: BodyCapture) {
        self.kept_max = match keep {
            BodyCapture::Nothing => 0,
            BodyCapture::Excerpt => EXCERPT_BYTES_MAX,
            // One byte more shows that the body is too large.
            BodyCapture::All => self.all_max.saturating_add(1),
        };
    }

    /// Rejects a declared length over the limit, before the body is received.
    pub(crate) fn expect(&self, bytes: u64) -> Result<(), ProtocolError> {
        let limit = self.bytes_max;
        if bytes > limit {
            return Err(ProtocolError::BodyTooLong { limit });
        }
        Ok(())
    }

    pub(crate) fn take(&mut self, part: &[u8]) -> Result<(), ProtocolError> {
        self.bytes += part.len() as u64;
        self.expect(self.bytes)?;
        if self.kept_max > 0 {
            let room = self.kept_max - self.kept.len() as u64;
            self.kept.extend_from_slice(prefix_of(part, room));
        }
        Ok(())
    }

    /// The kept part, decoded; `encodings` is the list in `Content-Encoding`.
    pub fn decoded(&self, encodings: &[u8]) -> Result<Cow<'_, [u8]>, DecodeError> {
        self.decoded_within(encodings, self.all_max)
    }

    /// Same as [`Self::decoded`], with a limit of its own if that is lower.
    pub fn decoded_within(
        &self,
        encodings: &[u8],
        bytes_max: u64,
    ) -> Result<Cow<'_, [u8]>, DecodeError> {
        let limit = self.all_max.min(bytes_max);
        let held = |content: &[u8]| {
            if content.len() as u64 > limit {
                Err(DecodeError::TooLarge { limit })
            } else {
                Ok(())
            }
        };
        let mut content = Cow::Borrowed(self.kept.as_slice());
        held(&content)?;
        let names = encodings
            .split(|byte| *byte == b',')
            .map(<[u8]>::trim_ascii);
        // The encoding that was applied last is listed last.
        for name in names.rev() {
            // A response to HEAD and a status without a body name the encoding that the body would have.
            if content.is_empty() {
                break;
            }
            let name = String::from_utf8_lossy(name).to_ascii_lowercase();
            let decoded = match name.as_str() {
                "" | "identity" | "none" => continue,
                "gzip" | "x-gzip" => gunzip(&content, limit),
                "deflate" => inflate(&content, limit),
                "br" => read(Decompressor::new(&*content, BROTLI_BUFFER_BYTES), limit),
                "zstd" => StreamingDecoder::new(&*content)
                    .map_err(std::io::Error::other)
                    .and_then(|decoder| read(decoder, limit)),
                _ => return Err(DecodeError::Unknown(name)),
            };
            let decoded = decoded.map_err(|error| DecodeError::Broken {
                encoding: name,
                error: error.to_string(),
            })?;
            held(&decoded)?;
            content = Cow::Owned(decoded);
        }
        Ok(content)
    }
}

/// Decodes all members of a gzip file (RFC 1952, section 2.2). Other bytes after a member are ignored, as in browsers.
fn gunzip(mut rest: &[u8], limit: u64) -> std::io::Result<Vec<u8>> {
    const MAGIC: [u8; 2] = [0x1f, 0x8b];
    let mut decoded = Vec::new();
    loop {
        let mut member = GzDecoder::new(rest);
        let room = limit.saturating_add(1) - decoded.len() as u64;
        (&mut member).take(room).read_to_end(&mut decoded)?;
        rest = member.into_inner();
        if decoded.len() as u64 > limit || !rest.starts_with(&MAGIC) {
            return Ok(decoded);
        }
    }
}

/// Decodes `deflate`, which is the zlib format (RFC 9110, section 8.4.1.2). Some servers send the compressed data without
/// it, which browsers and curl accept.
fn inflate(content: &[u8], limit: u64) -> std::io::Result<Vec<u8>> {
    read(ZlibDecoder::new(content), limit)
        .or_else(|error| read(DeflateDecoder::new(content), limit).map_err(|_| error))
}

fn read(from: impl Read, limit: u64) -> std::io::Result<Vec<u8>> {
    let mut decoded = Vec::new();
    from.take(limit.saturating_add(1))
        .read_to_end(&mut decoded)?;
    Ok(decoded)
}

/// The first bytes, at most `at_most` of them.
pub(crate) fn prefix_of(bytes: &[u8], at_most: u64) -> &[u8] {
    let length = usize::try_from(at_most).map_or(bytes.len(), |at_most| at_most.min(bytes.len()));
    &bytes[..length]
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};

    use super::*;

    fn content(bytes: &[u8], all_max: u64) -> ResponseBody {
        let mut content = ResponseBody::new(u64::MAX, all_max);
        content.keep(BodyCapture::All);
        content.take(bytes).unwrap();
        content
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Output of `brotli` and `zstd` for the text of the test.
    const BROTLI: [u8; 24] = [
        0x1f, 0x1b, 0x00, 0xf8, 0x8d, 0x94, 0x6e, 0xde, 0xaa, 0xa4, 0x63, 0x01, 0xa9, 0x32, 0xbc,
        0x3a, 0x24, 0x9e, 0x12, 0x00, 0x19, 0x4d, 0xe9, 0x00,
    ];
    const ZSTD: [u8; 34] = [
        0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x68, 0xad, 0x00, 0x00, 0x78, 0x74, 0x68, 0x65, 0x20, 0x73,
        0x61, 0x6d, 0x65, 0x20, 0x74, 0x65, 0x78, 0x74, 0x2c, 0x20, 0x01, 0x00, 0x72, 0xcc, 0x3a,
        0x68, 0xde, 0xd4, 0x06,
    ];

    #[test]
    fn encodings_are_decoded_from_the_last_to_the_first() {
        let text = b"the same text, the same text".as_slice();
        let cases = [
            (text.to_vec(), ""),
            (text.to_vec(), "identity"),
            (gzip(text), "gzip"),
            (gzip(text), "X-GZIP"),
            (zlib(text), "deflate"),
            (gzip(&zlib(text)), "deflate, gzip"),
            (BROTLI.to_vec(), "br"),
            (ZSTD.to_vec(), "zstd"),
            (gzip(&ZSTD), "zstd, gzip"),
        ];
        for (bytes, encodings) in cases {
            let content = content(&bytes, 1_000);
            assert_eq!(content.decoded(encodings.as_bytes()).unwrap(), text);
        }
    }

    #[test]
    fn decompression_bomb_is_cut_at_the_limit() {
        let bomb = gzip(&vec![0; 50 << 20]);
        assert!(bomb.len() < 100_000);
        let error = content(&bomb, 1 << 20).decoded(b"gzip").unwrap_err();
        assert_eq!(error, DecodeError::TooLarge { limit: 1 << 20 });
        let twice = gzip(&bomb);
        let error = content(&twice, 1 << 20).decoded(b"gzip, gzip").unwrap_err();
        assert_eq!(error, DecodeError::TooLarge { limit: 1 << 20 });
    }

    #[test]
    fn body_over_its_limit_is_rejected() {
        let mut small = ResponseBody::new(10, 10);
        small.take(&[0; 10]).unwrap();
        let error = small.take(&[0]).unwrap_err();
        assert_eq!(error, ProtocolError::BodyTooLong { limit: 10 });
        let error = content(&[0; 7], 10).decoded_within(b"", 6).unwrap_err();
        assert_eq!(error, DecodeError::TooLarge { limit: 6 });
        let error = content(&[0; 11], 10).decoded_within(b"", 20).unwrap_err();
        assert_eq!(error, DecodeError::TooLarge { limit: 10 });
        let error = content(&[0; 11], 10).decoded(b"").unwrap_err();
        assert_eq!(error, DecodeError::TooLarge { limit: 10 });
    }

    #[test]
    fn undecodable_body_is_reported_with_its_encoding() {
        let broken = content(b"no gzip at all", 100)
            .decoded(b"gzip")
            .unwrap_err();
        assert!(broken.to_string().contains("as gzip"), "{broken}");
        let unknown = content(b"x", 100).decoded(b"snappy").unwrap_err();
        assert!(unknown.to_string().contains("`snappy`"), "{unknown}");
    }
}
