//! Frames as they pass: where each begins, and of which stream it is (RFC 9113, section 4.1). Bytes may be
//! cut anywhere. What is in them is left to `h2`.

/// What a client says first.
const PREFACE_BYTES: usize = 24;
const HEAD_BYTES: usize = 9;
/// The last stream and the reason of a GOAWAY.
const GOAWAY_BYTES: usize = 8;

/// What a frame is, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Headers,
    Settings,
    GoAway,
    Other,
}

/// Bytes of one frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// 0 is the connection itself.
    pub(super) stream: u32,
    pub(super) kind: Kind,
    pub(super) bytes: usize,
    /// Whether the head of the frame ends within.
    pub(super) begins: bool,
    /// Whether the frame ends with it.
    pub(super) ends: bool,
    /// The last stream that is processed, and the reason: where a GOAWAY has said so.
    pub(super) goes_away: Option<(u32, u32)>,
}

/// One direction of a connection.
#[derive(Debug)]
pub(super) struct Frames {
    head: [u8; HEAD_BYTES],
    /// Bytes of the head that are known.
    known: usize,
    /// Bytes of the frame that are still to come.
    left: usize,
    kind: Kind,
    stream: u32,
    goaway: [u8; GOAWAY_BYTES],
    goaway_known: usize,
}

impl Frames {
    /// What a server says.
    pub(super) fn of_server() -> Self {
        Self {
            head: [0; HEAD_BYTES],
            known: 0,
            left: 0,
            kind: Kind::Other,
            stream: 0,
            goaway: [0; GOAWAY_BYTES],
            goaway_known: 0,
        }
    }

    /// What a client says, beginning with the preface.
    pub(super) fn of_client() -> Self {
        Self {
            known: HEAD_BYTES,
            left: PREFACE_BYTES,
            ..Self::of_server()
        }
    }

    /// Takes the next bytes; `see` is called for each part of a frame among them.
    #[inline]
    pub(super) fn feed(&mut self, mut bytes: &[u8], mut see: impl FnMut(&Part)) {
        while !bytes.is_empty() {
            let mut begins = false;
            let mut taken = 0;
            if self.known < HEAD_BYTES {
                taken = (HEAD_BYTES - self.known).min(bytes.len());
                self.head[self.known..self.known + taken].copy_from_slice(&bytes[..taken]);
                self.known += taken;
                if self.known < HEAD_BYTES {
                    return;
                }
                self.read_head();
                begins = true;
            }
            let payload = self.left.min(bytes.len() - taken);
            let goes_away = if self.kind == Kind::GoAway {
                self.read_goaway(&bytes[taken..taken + payload])
            } else {
                None
            };
            self.left -= payload;
            taken += payload;
            bytes = &bytes[taken..];
            let ends = self.left == 0;
            if ends {
                self.known = 0;
            }
            see(&Part {
                stream: self.stream,
                kind: self.kind,
                // The whole head counts where it ends.
                bytes: payload + if begins { HEAD_BYTES } else { 0 },
                begins,
                ends,
                goes_away,
            });
        }
    }

    fn read_head(&mut self) {
        let [a, b, c, kind, _, stream @ ..] = self.head;
        self.left = u32::from_be_bytes([0, a, b, c]) as usize;
        self.stream = u32::from_be_bytes(stream) & (u32::MAX >> 1);
        self.kind = match kind {
            0 => Kind::Data,
            1 => Kind::Headers,
            4 => Kind::Settings,
            7 => Kind::GoAway,
            _ => Kind::Other,
        };
        self.goaway_known = 0;
    }

    fn read_goaway(&mut self, payload: &[u8]) -> Option<(u32, u32)> {
        let known = self.goaway_known;
        let fresh = (GOAWAY_BYTES - known).min(payload.len());
        if fresh == 0 {
            return None;
        }
        self.goaway[known..known + fresh].copy_from_slice(&payload[..fresh]);
        self.goaway_known += fresh;
        let [a, b, c, d, reason @ ..] = self.goaway;
        let last = u32::from_be_bytes([a, b, c, d]) & (u32::MAX >> 1);
        (self.goaway_known == GOAWAY_BYTES).then(|| (last, u32::from_be_bytes(reason)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [
            &length[1..],
            &[kind, 0xff],
            &(stream | 1 << 31).to_be_bytes(),
            payload,
        ]
        .concat()
    }

    type Found = (Vec<(u32, Kind, usize)>, Option<(u32, u32)>);

    /// What is seen of bytes cut into pieces: bytes by stream and kind, and what a GOAWAY said.
    fn seen(mut frames: Frames, bytes: &[u8], piece: usize) -> Found {
        let (mut all, mut goaway) = (Vec::new(), None);
        for piece in bytes.chunks(piece) {
            frames.feed(piece, |part| {
                if part.begins || all.is_empty() {
                    all.push((part.stream, part.kind, 0));
                }
                all.last_mut().unwrap().2 += part.bytes;
                goaway = goaway.or(part.goes_away);
            });
        }
        (all, goaway)
    }

    #[test]
    fn frames_are_seen_the_same_however_they_are_cut() {
        let goaway = [&7u32.to_be_bytes()[..], &11u32.to_be_bytes(), b"calm"].concat();
        let bytes = [
            frame(4, 0, &[]),
            frame(1, 3, b"head"),
            frame(0, 3, &[0; 300]),
            frame(3, 5, &[0; 4]),
            frame(7, 0, &goaway),
        ]
        .concat();
        let expected = vec![
            (0, Kind::Settings, 9),
            (3, Kind::Headers, 13),
            (3, Kind::Data, 309),
            (5, Kind::Other, 13),
            (0, Kind::GoAway, 21),
        ];
        for piece in 1..=bytes.len() {
            let found = seen(Frames::of_server(), &bytes, piece);
            assert_eq!(found, (expected.clone(), Some((7, 11))), "by {piece}");
        }
    }

    #[test]
    fn a_client_begins_with_the_preface() {
        let bytes = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(1, 1, b"x")].concat();
        for piece in 1..=bytes.len() {
            let (all, _) = seen(Frames::of_client(), &bytes, piece);
            let expected = [(0, Kind::Other, PREFACE_BYTES), (1, Kind::Headers, 10)];
            assert_eq!(all, expected, "by {piece}");
        }
    }
}
