//! The colour table that all frames share as long as their colours fit.

use std::collections::HashMap;

/// The entry that lets what is below show through.
pub(super) const TRANSPARENT: u8 = 0;

/// Entries of a table, the transparent one included.
pub(super) const ENTRIES_MAX: usize = 256;

/// A mean error that is not seen: about one and a half levels in each sample.
const ERROR_UNSEEN: u64 = 20;

/// Colours in the order of their appearance, so that the indices of earlier frames stay valid while it grows.
#[derive(Debug)]
pub(super) struct SharedTable {
    colors: Vec<[u8; 3]>,
    index: HashMap<[u8; 3], u8>,
    is_open: bool,
    /// The mean error of the frame for which the table was filled up; `None` before.
    error: Option<u64>,
}

impl SharedTable {
    pub(super) fn new() -> Self {
        Self {
            colors: vec![[0; 3]],
            index: HashMap::new(),
            is_open: true,
            error: None,
        }
    }

    /// The indices of these pixels, if all their colours are in the table or fit into it. The first that do not fit
    /// close it: later frames may use it, but add nothing.
    pub(super) fn index(&mut self, pixels: &[[u8; 4]]) -> Option<Vec<u8>> {
        let known = self.colors.len();
        let mut indices = Vec::with_capacity(pixels.len());
        let (mut last, mut last_index) = ([0; 4], TRANSPARENT);
        for &pixel in pixels {
            if pixel != last {
                last = pixel;
                last_index = match self.entry(pixel) {
                    Some(entry) => entry,
                    None => {
                        self.is_open = false;
                        for color in self.colors.drain(known..) {
                            self.index.remove(&color);
                        }
                        return None;
                    }
                };
            }
            indices.push(last_index);
        }
        Some(indices)
    }

    fn entry(&mut self, [r, g, b, a]: [u8; 4]) -> Option<u8> {
        if a == 0 {
            return Some(TRANSPARENT);
        }
        if let Some(&entry) = self.index.get(&[r, g, b]) {
            return Some(entry);
        }
        if !self.is_open || self.colors.len() >= ENTRIES_MAX {
            return None;
        }
        let entry = u8::try_from(self.colors.len()).ok()?;
        self.colors.push([r, g, b]);
        self.index.insert([r, g, b], entry);
        Some(entry)
    }

    /// How many colours can still be added when the first frame came whose colours do not all fit; `None` if that was
    /// done.
    pub(super) fn free(&self) -> Option<usize> {
        self.error
            .is_none()
            .then_some(ENTRIES_MAX - self.colors.len().min(ENTRIES_MAX))
    }

    /// Adds colours that were fitted to a frame.
    pub(super) fn fill(&mut self, fitted: &[[u8; 4]]) {
        self.is_open = false;
        for &[r, g, b, a] in fitted {
            if a != 0 && !self.index.contains_key(&[r, g, b]) && self.colors.len() < ENTRIES_MAX {
                let entry = u8::try_from(self.colors.len()).unwrap_or(TRANSPARENT);
                self.index.insert([r, g, b], entry);
                self.colors.push([r, g, b]);
            }
        }
    }

    /// Notes the mean error of the frame for which the table was filled up.
    pub(super) const fn set_error(&mut self, error: u64) {
        self.error = Some(error);
    }

    /// Whether the filled table serves a part of a frame well enough, `error` being its mean error there: about as well
    /// as it served the frame for which it was filled. A small part of the canvas may come off worse before it gets a
    /// table of its own, which may be larger than its pixels; none is better than what nobody sees.
    pub(super) fn serves(&self, error: u64, pixels: u64, canvas_pixels: u64) -> bool {
        let Some(usual) = self.error else {
            return false;
        };
        let excess = error.saturating_sub(usual);
        error <= ERROR_UNSEEN
            || excess <= usual / 4
            || (error <= usual.saturating_mul(4)
                && excess.saturating_mul(pixels) <= usual.saturating_mul(canvas_pixels) / 8)
    }

    /// The mean error of the frame for which the table was filled up; 0 before.
    pub(super) fn usual_error(&self) -> u64 {
        self.error.unwrap_or(0)
    }

    /// The entry of an opaque colour, if it has one.
    pub(super) fn find(&self, [r, g, b, _]: [u8; 4]) -> Option<u8> {
        self.index.get(&[r, g, b]).copied()
    }

    /// The colours with their opacity: the transparent one first.
    pub(super) fn rgba(&self) -> Vec<[u8; 4]> {
        let opaque = self.colors.iter().skip(1).map(|&[r, g, b]| [r, g, b, 255]);
        std::iter::once([0; 4]).chain(opaque).collect()
    }

    /// The table as it is written.
    pub(super) fn bytes(&self) -> Vec<u8> {
        self.colors.as_flattened().to_vec()
    }
}
