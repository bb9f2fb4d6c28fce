//! Pixels to indices: which colours a frame gets.

use super::table::{ENTRIES_MAX, SharedTable, TRANSPARENT};
use crate::palette::{ROUNDS, distance, exact, fit, map, mean_error};
use crate::{Budget, CodecError};

/// Rounds of k-means when time counts more than bytes.
const ROUNDS_FAST: usize = 0;

/// A table costs three bytes per colour, so a part of a frame gets one colour for so many pixels, at least 15.
const PIXELS_PER_COLOR: usize = 16;

/// A part of a frame hardly moves if at least half of it is no farther from what is shown there than this many times
/// the mean error of a frame: noise of a camera or of dithering.
const HARDLY_MOVES_UP_TO: u64 = 4;

/// Gives frames their colours.
#[derive(Debug)]
pub(super) struct Painter {
    pub(super) table: SharedTable,
    rounds: usize,
    budget: Budget,
}

/// What is to be drawn.
#[derive(Debug)]
pub(super) struct Part {
    /// The pixels, `[0; 4]` where nothing is drawn.
    pub(super) pixels: Vec<[u8; 4]>,
    /// Whether a pixel is shown already, will be cleared, and has to come back just as it was.
    pub(super) is_back: Vec<bool>,
    /// What lies below, `[0; 4]` where nothing does.
    pub(super) below: Vec<[u8; 4]>,
    /// Pixels of a row.
    pub(super) width: usize,
    /// Pixels of the canvas.
    pub(super) canvas_pixels: u64,
}

/// A part with its colours.
#[derive(Debug)]
pub(super) struct Painted {
    /// One per pixel.
    pub(super) indices: Vec<u8>,
    /// The colours, RGB, if they are not those of the shared table.
    pub(super) table: Option<Vec<u8>>,
}

impl Painter {
    pub(super) fn new(fast: bool, budget: &Budget) -> Self {
        Self {
            table: SharedTable::new(),
            rounds: if fast { ROUNDS_FAST } else { ROUNDS },
            budget: budget.clone(),
        }
    }

    /// Uses the shared table as long as it is exact, then as long as it serves about as well as for the frame for which
    /// it was filled; else a table of the part's own.
    pub(super) fn paint(&mut self, part: &Part) -> Result<Painted, CodecError> {
        if let Some(indices) = self.table.index(&part.pixels) {
            return Ok(Painted { indices, table: None });
        }
        if let Some(free) = self.table.free() {
            let is_new = |pixel: &[u8; 4]| pixel[3] != 0 && self.table.find(*pixel).is_none();
            let new: Vec<[u8; 4]> = part.pixels.iter().copied().filter(is_new).collect();
            if free > 0 {
                self.table.fill(&fit(&new, free, self.rounds, &self.budget)?);
            }
            let error = mean_error(&part.pixels, &self.table.rgba(), &self.budget)?;
            if free == ENTRIES_MAX - 1 {
                self.table.set_error(error);
                return Ok(self.shared(part));
            }
            // Frames before this one are exact. What room they left may be too little for this one, which is then no
            // measure for those that follow.
            self.table.set_error(0);
        }
        let error = mean_error(&part.pixels, &self.table.rgba(), &self.budget)?;
        if self.table.serves(error, part.pixels.len() as u64, part.canvas_pixels) {
            return Ok(self.shared(part));
        }
        // One entry is left for what is transparent.
        let colors_max = (part.pixels.len() / PIXELS_PER_COLOR)
            .next_power_of_two()
            .clamp(16, 256)
            - 1;
        if let Some(exact) = exact(&part.pixels, colors_max) {
            return Ok(own(exact.colors, exact.indices));
        }
        let mut colors = fit(&part.pixels, colors_max, self.rounds, &self.budget)?;
        if colors.first().is_none_or(|color| color[3] != 0) {
            colors.insert(0, [0; 4]);
        }
        let indices = map(&part.pixels, part.width, &colors, self.staying(part));
        Ok(own(colors, indices))
    }

    fn shared(&self, part: &Part) -> Painted {
        let mut indices = map(&part.pixels, part.width, &self.table.rgba(), self.staying(part));
        for ((index, &pixel), _) in indices
            .iter_mut()
            .zip(&part.pixels)
            .zip(&part.is_back)
            .filter(|(_, is_back)| **is_back)
        {
            *index = self.table.find(pixel).unwrap_or(*index);
        }
        Painted { indices, table: None }
    }

    /// What lies below, if the part hardly moves. Where it does move, single pixels that stay by chance make the file
    /// larger, not smaller.
    fn staying<'a>(&self, part: &'a Part) -> Option<&'a [[u8; 4]]> {
        let near = self.table.usual_error().saturating_mul(HARDLY_MOVES_UP_TO);
        let (mut drawn, mut still) = (0u64, 0u64);
        for (&pixel, &below) in part.pixels.iter().zip(&part.below).filter(|(pixel, _)| pixel[3] != 0) {
            drawn += 1;
            still += u64::from(below[3] != 0 && u64::from(distance(pixel, below)) <= near);
        }
        (still * 2 >= drawn).then_some(&part.below)
    }
}

/// Indices and colours of the part's own, with the transparent entry first.
fn own(mut colors: Vec<[u8; 4]>, mut indices: Vec<u8>) -> Painted {
    if colors.first().is_none_or(|color| color[3] != 0) {
        colors.insert(usize::from(TRANSPARENT), [0; 4]);
        indices.iter_mut().for_each(|index| *index = index.saturating_add(1));
    }
    let table = colors.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect();
    Painted {
        indices,
        table: Some(table),
    }
}
