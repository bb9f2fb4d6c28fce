//! The colour table that all frames share as long as their colours fit.

use std::collections::HashMap;

/// The entry that lets what is below show through.
pub(super) const TRANSPARENT: u8 = 0;

/// Entries of a table, the transparent one included.
const ENTRIES_MAX: usize = 256;

/// Colours in the order of their appearance, so that the indices of earlier frames stay valid while it grows.
#[derive(Debug)]
pub(super) struct SharedTable {
    colors: Vec<[u8; 3]>,
    index: HashMap<[u8; 3], u8>,
    is_open: bool,
}

impl SharedTable {
    pub(super) fn new() -> Self {
        Self {
            colors: vec![[0; 3]],
            index: HashMap::new(),
            is_open: true,
        }
    }

    /// Whether every frame so far has its exact colours from here.
    pub(super) const fn is_open(&self) -> bool {
        self.is_open
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

    /// The table as it is written; empty if no frame uses it.
    pub(super) fn bytes(&self) -> Vec<u8> {
        match self.colors.as_slice() {
            [_transparent] => Vec::new(),
            colors => colors.as_flattened().to_vec(),
        }
    }
}
