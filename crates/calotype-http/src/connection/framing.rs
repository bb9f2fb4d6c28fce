//! Where one answer ends and the next begins, in the bytes that go out.

use std::io::IoSlice;

const HEAD_END: &[u8] = b"\r\n\r\n";

/// A place in the outgoing bytes of an HTTP/1 connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Before an answer.
    Start,
    /// In a head, of whose end this many bytes were seen.
    Head {
        end_seen: usize,
        body_bytes: Option<u64>,
        is_interim: bool,
    },
    /// In a body of which so many bytes are to come.
    Body(u64),
    /// In a body that ends with the connection.
    Rest,
}

impl Place {
    /// At the first byte of the head of a final answer whose body has so many bytes. `None`: it ends with the connection.
    pub(super) const fn answer(body_bytes: Option<u64>) -> Self {
        Self::Head {
            end_seen: 0,
            body_bytes,
            is_interim: false,
        }
    }

    /// At the first byte of an interim answer (RFC 9110, 15.2), which is a head alone.
    pub(super) const fn interim() -> Self {
        Self::Head {
            end_seen: 0,
            body_bytes: Some(0),
            is_interim: true,
        }
    }

    /// How many of these bytes belong to this answer.
    pub(super) fn share_of(self, buffers: &[IoSlice<'_>]) -> usize {
        let total = length(buffers);
        let share = match self {
            Self::Start => 0,
            Self::Body(left) => left,
            Self::Rest | Self::Head { body_bytes: None, .. } => return total,
            Self::Head {
                end_seen,
                body_bytes: Some(body_bytes),
                ..
            } => match head_end(end_seen, bytes_of(buffers)) {
                Ok(head) => body_bytes.saturating_add(head as u64),
                Err(_) => return total,
            },
        };
        usize::try_from(share).unwrap_or(usize::MAX).min(total)
    }

    /// Goes on by `count` of these bytes, at most this answer's share of them. Says whether a final answer is whole now.
    pub(super) fn advance(&mut self, buffers: &[IoSlice<'_>], count: usize) -> bool {
        let (body_bytes, is_interim, passed) = match *self {
            Self::Start | Self::Rest => return false,
            Self::Body(left) => (Some(left), false, count),
            Self::Head {
                end_seen,
                body_bytes,
                is_interim,
            } => match head_end(end_seen, bytes_of(buffers).take(count)) {
                Ok(head) => (body_bytes, is_interim, count.saturating_sub(head)),
                Err(end_seen) => {
                    *self = Self::Head {
                        end_seen,
                        body_bytes,
                        is_interim,
                    };
                    return false;
                }
            },
        };
        let Some(body_bytes) = body_bytes else {
            *self = Self::Rest;
            return false;
        };
        let left = body_bytes.saturating_sub(passed as u64);
        *self = if left > 0 { Self::Body(left) } else { Self::Start };
        left == 0 && !is_interim
    }
}

/// The bytes up to and with the end of a head; or how much of the end was seen when they run out.
fn head_end(mut end_seen: usize, bytes: impl Iterator<Item = u8>) -> Result<usize, usize> {
    for (index, byte) in bytes.enumerate() {
        end_seen = match HEAD_END.get(end_seen) {
            Some(next) if *next == byte => end_seen.saturating_add(1),
            _ => usize::from(byte == b'\r'),
        };
        if end_seen == HEAD_END.len() {
            return Ok(index.saturating_add(1));
        }
    }
    Err(end_seen)
}

pub(super) fn length(buffers: &[IoSlice<'_>]) -> usize {
    buffers.iter().map(|buffer| buffer.len()).sum()
}

pub(super) fn bytes_of<'b>(buffers: &'b [IoSlice<'_>]) -> impl Iterator<Item = u8> + 'b {
    buffers.iter().flat_map(|buffer| buffer.iter().copied())
}

/// The first `count` bytes.
pub(super) fn first<'b>(buffers: &'b [IoSlice<'_>], count: usize) -> Vec<IoSlice<'b>> {
    let mut left = count;
    let mut firsts = Vec::with_capacity(buffers.len());
    for buffer in buffers {
        let taken = buffer.get(..left).unwrap_or(buffer);
        left = left.saturating_sub(taken.len());
        if !taken.is_empty() {
            firsts.push(IoSlice::new(taken));
        }
    }
    firsts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes the bytes apart in pieces of every length and returns where answers ended.
    fn ends(bytes: &[u8], bodies: &[u64], piece: usize) -> Vec<usize> {
        let (mut place, mut at, mut ends, mut bodies) = (Place::Start, 0, Vec::new(), bodies.iter());
        while at < bytes.len() {
            let buffers = [IoSlice::new(&bytes[at..bytes.len().min(at + piece)])];
            if place == Place::Start {
                place = if bytes[at..].starts_with(b"HTTP/1.1 1") {
                    Place::interim()
                } else {
                    Place::answer(Some(*bodies.next().unwrap()))
                };
            }
            let share = place.share_of(&buffers);
            assert!(share > 0);
            at += share;
            if place.advance(&buffers, share) {
                ends.push(at);
            }
        }
        ends
    }

    #[test]
    fn answers_end_where_their_bodies_do_however_the_bytes_are_cut() {
        let parts: [&[u8]; 4] = [
            b"HTTP/1.1 200 OK\r\na: b\r\n\r\n\r\n\r\nbody\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\n",
            b"HTTP/1.1 304 Not Modified\r\na: \r\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\nx",
        ];
        let all = parts.concat();
        let expected = [parts[0].len(), parts[..3].concat().len(), all.len()];
        for piece in 1..=all.len() {
            assert_eq!(ends(&all, &[12, 0, 1], piece), expected, "in pieces of {piece}");
        }
    }

    #[test]
    fn a_body_of_unknown_length_has_all_that_follows() {
        let bytes = b"HTTP/1.1 200 OK\r\n\r\n0\r\n\r\nHTTP/1.1 400 ";
        for piece in 1..=bytes.len() {
            let mut place = Place::answer(None);
            for piece in bytes.chunks(piece) {
                let buffers = [IoSlice::new(piece)];
                assert_eq!(place.share_of(&buffers), piece.len());
                assert!(!place.advance(&buffers, piece.len()));
            }
            assert_eq!(place, Place::Rest);
        }
    }

    #[test]
    fn the_first_bytes_are_taken_over_the_borders_of_buffers() {
        let buffers = [IoSlice::new(b"ab"), IoSlice::new(b""), IoSlice::new(b"cde")];
        for count in 0..=6 {
            let taken: Vec<u8> = bytes_of(&first(&buffers, count)).collect();
            assert_eq!(taken, b"abcde"[..count.min(5)]);
        }
    }
}
