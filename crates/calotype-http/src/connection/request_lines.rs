//! Request lines that are longer than the HTTP layer takes: enough of them is kept to say what is wrong with them.

use std::io::BufRead as _;

/// Bytes of a request target that the HTTP layer takes: one less than 16 bits count.
pub(crate) const TARGET_BYTES_MAX: usize = u16::MAX as usize - 1;

/// Watches the lines that come in.
///
/// A line is known for a request line by its form, not by its place: where one request ends and the next begins is known to the HTTP layer alone, which
/// reads in advance. A body that holds such a line is not mistaken for a request by that; only the words of a refusal could be.
#[derive(Debug)]
pub(super) struct RequestLines {
    kept_bytes_max: usize,
    /// The line that is coming in.
    line: Line,
    /// The last request line that was too long.
    too_long: Option<Line>,
}

#[derive(Debug, Default)]
struct Line {
    start: Vec<u8>,
    bytes: usize,
}

/// The start of a request line that is too long.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LongRequestLine {
    pub(crate) method: String,
    /// The target, as far as it was kept.
    pub(crate) target_start: String,
}

impl RequestLines {
    /// Keeps so many bytes of a line that is too long.
    pub(super) fn new(kept_bytes_max: usize) -> Self {
        Self {
            kept_bytes_max,
            line: Line::default(),
            too_long: None,
        }
    }

    pub(super) fn read(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let before = rest;
            // Reading from a slice does not fail.
            let count = rest.skip_until(b'\n').unwrap_or(before.len()).max(1);
            let piece = before.get(..count).unwrap_or(before);
            let is_end = piece.ends_with(b"\n");
            if is_end && self.line.bytes.saturating_add(piece.len()) <= TARGET_BYTES_MAX {
                self.line.clear();
                continue;
            }
            self.line.push(piece, self.kept_bytes_max);
            if is_end {
                let line = std::mem::take(&mut self.line);
                if line.is_long_request_line() {
                    self.too_long = Some(line);
                }
            }
        }
    }

    /// The request line that is too long, if there was one.
    pub(super) fn too_long(&self) -> Option<LongRequestLine> {
        let line = Some(&self.line)
            .filter(|line| line.is_long_request_line())
            .or(self.too_long.as_ref())?;
        let text = String::from_utf8_lossy(&line.start);
        let (method, target) = text.split_once(' ')?;
        Some(LongRequestLine {
            method: method.to_owned(),
            target_start: target.split(' ').next().unwrap_or_default().to_owned(),
        })
    }
}

impl Line {
    fn push(&mut self, bytes: &[u8], kept_bytes_max: usize) {
        let room = kept_bytes_max.saturating_sub(self.start.len());
        self.start.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        self.bytes = self.bytes.saturating_add(bytes.len());
    }

    fn clear(&mut self) {
        if self.bytes > 0 {
            *self = Self::default();
        }
    }

    /// A method and a space (RFC 9112, 3), where a header has a name and a colon.
    fn is_long_request_line(&self) -> bool {
        let is_end_of_word = |byte: &u8| !byte.is_ascii_alphanumeric() && *byte != b'-' && *byte != b'_';
        self.bytes > TARGET_BYTES_MAX && self.start.iter().find(|byte| is_end_of_word(byte)) == Some(&b' ')
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn too_long(input: &[u8], piece: usize) -> Option<LongRequestLine> {
        let mut lines = RequestLines::new(12);
        for piece in input.chunks(piece) {
            lines.read(piece);
        }
        lines.too_long()
    }

    #[test]
    fn the_start_of_a_long_request_line_is_kept() {
        let long = "x".repeat(TARGET_BYTES_MAX);
        let expected = Some(LongRequestLine {
            method: "GET".to_owned(),
            target_start: "/abcdefg".to_owned(),
        });
        let line = format!("GET /abcdefgh{long} HTTP/1.1\r\n");
        for input in [
            // Whole, with what came before and what comes after.
            format!("GET / HTTP/1.1\r\nHost: a\r\n\r\n{line}Host: a\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
            // Not at its end yet.
            format!("GET / HTTP/1.1\r\n\r\nGET /abcdefgh{long}"),
        ] {
            for piece in [1, 7, 8192, input.len()] {
                assert_eq!(too_long(input.as_bytes(), piece), expected, "in pieces of {piece}");
            }
        }
    }

    #[test]
    fn a_long_header_is_no_request_line() {
        let long = "x".repeat(2 * TARGET_BYTES_MAX);
        for input in [
            format!("GET /short HTTP/1.1\r\nX-Long: {long}\r\n\r\n"),
            format!("GET /short HTTP/1.1\r\nX-Long: {long}"),
            format!("{long}\r\n"),
        ] {
            assert_eq!(too_long(input.as_bytes(), 5000), None);
        }
    }
}
