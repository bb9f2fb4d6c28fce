//! Pictures: pixels in memory, in the one form that decoders give and encoders take.

use calotype_plan::Size;

use crate::{Budget, CodecError, Reservation};

/// How the samples of a [`Picture`] lie: 8 bits each, interleaved, not premultiplied, rows top down without padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Layout {
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue, alpha; alpha 255 is opaque.
    Rgba,
}

impl Layout {
    /// Bytes of a pixel.
    #[must_use]
    pub const fn channels(self) -> usize {
        match self {
            Self::Rgb => 3,
            Self::Rgba => 4,
        }
    }

    /// Bytes of a picture of `size`.
    #[must_use]
    pub const fn bytes(self, size: Size) -> u64 {
        size.area().saturating_mul(self.channels() as u64)
    }
}

/// Pixels in memory. What it was charged to a [`Budget`] is given back when it is dropped.
#[derive(Debug)]
pub struct Picture {
    size: Size,
    layout: Layout,
    data: Vec<u8>,
    charged: Option<Reservation>,
}

impl Picture {
    /// A picture of one colour (RGBA; the alpha is left out of an RGB picture). Charges `budget` before it allocates.
    ///
    /// # Errors
    /// [`CodecError::Empty`] if a side is 0, [`CodecError::Limit`] if the budget does not allow it.
    pub fn new(size: Size, layout: Layout, fill: [u8; 4], budget: &Budget) -> Result<Self, CodecError> {
        let (length, charged) = charge(size, layout, budget)?;
        // Black and transparent pictures come as zeroed pages from the system.
        let mut data = vec![fill[0]; length];
        let pixel = fill.get(..layout.channels()).unwrap_or(&fill);
        if pixel.iter().any(|&sample| sample != fill[0]) {
            for out in data.chunks_exact_mut(layout.channels()) {
                out.copy_from_slice(pixel);
            }
        }
        Ok(Self {
            size,
            layout,
            data,
            charged: Some(charged),
        })
    }

    /// A picture around samples that are there already. Nothing is charged: for small pictures, and for bytes that
    /// somebody else accounts for.
    ///
    /// # Errors
    /// [`CodecError::Empty`] if a side is 0, [`CodecError::Corrupt`] if the length is not that of the size and layout.
    pub fn from_raw(size: Size, layout: Layout, data: Vec<u8>) -> Result<Self, CodecError> {
        Self::assemble(size, layout, data, None)
    }

    /// As [`Picture::from_raw`], and the picture keeps `charged`, which was reserved for these samples.
    ///
    /// # Errors
    /// As [`Picture::from_raw`].
    pub fn from_reserved(size: Size, layout: Layout, data: Vec<u8>, charged: Reservation) -> Result<Self, CodecError> {
        Self::assemble(size, layout, data, Some(charged))
    }

    fn assemble(size: Size, layout: Layout, data: Vec<u8>, charged: Option<Reservation>) -> Result<Self, CodecError> {
        if size.is_empty() {
            return Err(CodecError::Empty);
        }
        if data.len() as u64 != layout.bytes(size) {
            return Err(CodecError::corrupt(
                "the pixel data does not have the length of the picture",
            ));
        }
        Ok(Self {
            size,
            layout,
            data,
            charged,
        })
    }

    /// A copy, charged to `budget`.
    ///
    /// # Errors
    /// [`CodecError::Limit`] if the budget does not allow it.
    pub fn duplicate(&self, budget: &Budget) -> Result<Self, CodecError> {
        let (_, charged) = charge(self.size, self.layout, budget)?;
        Ok(Self {
            size: self.size,
            layout: self.layout,
            data: self.data.clone(),
            charged: Some(charged),
        })
    }

    /// Width and height.
    #[must_use]
    pub const fn size(&self) -> Size {
        self.size
    }

    /// How the samples lie.
    #[must_use]
    pub const fn layout(&self) -> Layout {
        self.layout
    }

    /// Bytes of a pixel: 3 or 4.
    #[must_use]
    pub const fn channels(&self) -> usize {
        self.layout.channels()
    }

    /// Bytes of a row.
    #[must_use]
    pub const fn stride(&self) -> usize {
        self.size.width as usize * self.layout.channels()
    }

    /// All samples.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// All samples, to change.
    pub fn data_mut(&mut self) -> &mut [u8] {
        &mut self.data
    }

    /// The samples of row `y`, from the top; empty if there is no such row.
    #[must_use]
    pub fn row(&self, y: u32) -> &[u8] {
        self.rows().nth(y as usize).unwrap_or_default()
    }

    /// The samples of row `y`, to change; empty if there is no such row.
    pub fn row_mut(&mut self, y: u32) -> &mut [u8] {
        self.rows_mut().nth(y as usize).unwrap_or_default()
    }

    /// The rows, top down.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, u8> {
        self.data.chunks_exact(self.stride())
    }

    /// The rows, top down, to change.
    pub fn rows_mut(&mut self) -> std::slice::ChunksExactMut<'_, u8> {
        let stride = self.stride();
        self.data.chunks_exact_mut(stride)
    }

    /// The RGBA value at `x`, `y`; `None` outside.
    #[must_use]
    pub fn pixel(&self, x: u32, y: u32) -> Option<[u8; 4]> {
        match *self.row(y).chunks_exact(self.channels()).nth(x as usize)? {
            [r, g, b] => Some([r, g, b, 255]),
            [r, g, b, a] => Some([r, g, b, a]),
            _ => None,
        }
    }

    /// The samples, taken out. What was charged for them is given back.
    #[must_use]
    pub fn into_raw(self) -> Vec<u8> {
        self.data
    }

    /// Whether any pixel lets something through: an alpha below 255.
    #[must_use]
    pub fn has_transparency(&self) -> bool {
        // Sixteen kilobytes at a time, so that the inner loop has no early exit and is vectorised.
        self.layout == Layout::Rgba
            && self.data.chunks(1 << 14).any(|part| {
                part.as_chunks::<4>()
                    .0
                    .iter()
                    .fold(255, |least, pixel| least & pixel[3])
                    != 255
            })
    }

    /// The picture with an alpha channel; a new one is opaque.
    ///
    /// # Errors
    /// [`CodecError::Limit`] if the budget does not allow the larger picture beside this one.
    pub fn into_rgba(self, budget: &Budget) -> Result<Self, CodecError> {
        if self.layout == Layout::Rgba {
            return Ok(self);
        }
        let mut out = Self::new(self.size, Layout::Rgba, [0; 4], budget)?;
        for (to, from) in out
            .data
            .as_chunks_mut::<4>()
            .0
            .iter_mut()
            .zip(self.data.as_chunks::<3>().0)
        {
            *to = [from[0], from[1], from[2], 255];
        }
        Ok(out)
    }

    /// The picture without its alpha channel, composited on `background` in the encoded values (not linear light), as
    /// browsers do. Results are rounded to nearest.
    ///
    /// # Errors None today: the smaller picture is made in place. The signature leaves room for a layout that needs
    /// another buffer.
    pub fn into_rgb_on(mut self, background: [u8; 3], _budget: &Budget) -> Result<Self, CodecError> {
        if self.layout == Layout::Rgb {
            return Ok(self);
        }
        let pixels = self.data.len() / 4;
        for index in 0..pixels {
            // In place: the write position never overtakes the read position.
            let Some(&[r, g, b, a]) = self.data.as_chunks::<4>().0.get(index) else {
                break;
            };
            let Some(out) = self.data.as_chunks_mut::<3>().0.get_mut(index) else {
                break;
            };
            *out = match a {
                255 => [r, g, b],
                0 => background,
                _ => [
                    over(r, background[0], a),
                    over(g, background[1], a),
                    over(b, background[2], a),
                ],
            };
        }
        self.data.truncate(pixels * 3);
        self.data.shrink_to_fit();
        self.layout = Layout::Rgb;
        if let Some(charged) = &mut self.charged {
            charged.shrink_to(self.data.len() as u64);
        }
        Ok(self)
    }
}

/// Checks a size, charges its bytes, and gives the length of its buffer.
fn charge(size: Size, layout: Layout, budget: &Budget) -> Result<(usize, Reservation), CodecError> {
    if size.is_empty() {
        return Err(CodecError::Empty);
    }
    let bytes = layout.bytes(size);
    let length = usize::try_from(bytes)
        .ok()
        .filter(|&length| isize::try_from(length).is_ok())
        .ok_or_else(|| CodecError::limit("memory needed for this image, in bytes,", bytes, budget.bytes_max()))?;
    Ok((length, budget.reserve(bytes)?))
}

/// One sample above another, rounded to nearest: exact division by 255.
fn over(top: u8, bottom: u8, alpha: u8) -> u8 {
    let alpha = u32::from(alpha);
    let sum = u32::from(top) * alpha + u32::from(bottom) * (255 - alpha);
    u8::try_from((sum + 127) / 255).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: Size = Size::new(2, 1);

    #[test]
    fn a_new_picture_is_filled_and_charged_before_it_exists() {
        let budget = Budget::new(8);
        let picture = Picture::new(TWO, Layout::Rgba, [1, 2, 3, 4], &budget).unwrap();
        assert_eq!(picture.data(), [1, 2, 3, 4, 1, 2, 3, 4]);
        assert_eq!(budget.held(), 8);
        assert!(Picture::new(Size::new(1, 1), Layout::Rgb, [0; 4], &budget).is_err());
        drop(picture);
        assert_eq!(budget.held(), 0);
        let rgb = Picture::new(TWO, Layout::Rgb, [9, 9, 9, 7], &budget).unwrap();
        assert_eq!(rgb.data(), [9; 6]);
    }

    #[test]
    fn sizes_of_nothing_and_wrong_lengths_are_refused() {
        let budget = Budget::unlimited();
        assert_eq!(
            Picture::new(Size::new(0, 4), Layout::Rgb, [0; 4], &budget).unwrap_err(),
            CodecError::Empty
        );
        assert!(Picture::from_raw(TWO, Layout::Rgb, vec![0; 5]).is_err());
        assert!(Picture::from_raw(TWO, Layout::Rgb, vec![0; 6]).is_ok());
        assert!(Picture::new(Size::new(u32::MAX, u32::MAX), Layout::Rgba, [0; 4], &budget).is_err());
    }

    #[test]
    fn compositing_on_a_colour_rounds_to_nearest_and_gives_memory_back() {
        let budget = Budget::unlimited();
        let mut picture = Picture::new(Size::new(4, 1), Layout::Rgba, [0; 4], &budget).unwrap();
        picture
            .data_mut()
            .copy_from_slice(&[10, 20, 30, 255, 10, 20, 30, 0, 255, 0, 0, 128, 100, 100, 100, 1]);
        assert!(picture.has_transparency());
        let flat = picture.into_rgb_on([0, 255, 7], &budget).unwrap();
        // By hand: 255*128/255 = 128; 255*127/255 = 127; 7*127/255 = 3.49; 100/255 = 0.39; (100 + 255*254)/255 =
        // 254.39; (100 + 7*254)/255 = 7.36.
        assert_eq!(flat.data(), [10, 20, 30, 0, 255, 7, 128, 127, 3, 0, 254, 7]);
        assert_eq!(budget.held(), 12);
        let back = flat.into_rgba(&budget).unwrap();
        assert!(!back.has_transparency());
        assert_eq!(back.pixel(2, 0), Some([128, 127, 3, 255]));
        assert_eq!((back.pixel(4, 0), back.pixel(0, 1)), (None, None));
        assert_eq!(budget.held(), 16);
    }

    #[test]
    fn rows_lie_top_down() {
        let picture = Picture::from_raw(Size::new(1, 2), Layout::Rgb, vec![1, 2, 3, 4, 5, 6]).unwrap();
        assert_eq!(picture.row(1), [4, 5, 6]);
        assert_eq!(picture.row(2), [0u8; 0]);
        assert_eq!(picture.stride(), 3);
    }

    #[test]
    fn transparency_is_found_in_the_last_pixel_of_a_large_picture() {
        let budget = Budget::unlimited();
        let mut picture = Picture::new(Size::new(101, 97), Layout::Rgba, [255; 4], &budget).unwrap();
        assert!(!picture.has_transparency());
        *picture.data_mut().last_mut().unwrap() = 254;
        assert!(picture.has_transparency());
    }
}
