//! Run-length coding (BI_RLE4, BI_RLE8; OS/2 RLE24).

use super::Bitmap;
use super::header::Coding;
use crate::{Budget, CodecError, Layout, Picture};

/// Decodes runs. What no run covers has the first colour of the palette (black with 24 bits), what lies beside the
/// picture is left out.
///
/// The picture may end early by its end mark; data that ends without one, before the last row is begun, is cut.
pub(super) fn decode(bitmap: &Bitmap<'_>, layout: Layout, budget: &Budget) -> Result<Picture, CodecError> {
    let [r, g, b] = match bitmap.coding {
        Coding::Rle24 => [0; 3],
        _ => color(bitmap, 0),
    };
    let picture = Picture::new(bitmap.size, layout, [r, g, b, 255], budget)?;
    let mut canvas = Canvas {
        picture,
        top_down: bitmap.top_down,
        x: 0,
        y: 0,
    };
    let cut = || CodecError::corrupt("the file ends before the picture does");
    let mut data = bitmap.data;
    loop {
        if canvas.is_full() {
            break;
        }
        let Some((&[count, value], rest)) = data.split_first_chunk::<2>() else {
            return Err(cut());
        };
        data = rest;
        match (count, value) {
            (0, 0) => canvas.next_row(),
            (0, 1) => break,
            (0, 2) => {
                let (&[right, up], rest) = data.split_first_chunk::<2>().ok_or_else(cut)?;
                data = rest;
                canvas.x = canvas.x.saturating_add(right.into());
                canvas.y = canvas.y.saturating_add(up.into());
            }
            // Pixels one by one, padded to a whole number of 16 bits.
            (0, count) => {
                let bytes = match bitmap.coding {
                    Coding::Rle4 => usize::from(count).div_ceil(2),
                    Coding::Rle24 => usize::from(count) * 3,
                    _ => usize::from(count),
                };
                let (pixels, rest) = data.split_at_checked(bytes).ok_or_else(cut)?;
                data = rest.get(bytes % 2..).unwrap_or_default();
                match bitmap.coding {
                    Coding::Rle4 => pixels
                        .iter()
                        .flat_map(|&pair| [pair >> 4, pair & 15])
                        .take(count.into())
                        .for_each(|index| canvas.run(1, color(bitmap, index))),
                    Coding::Rle24 => pixels
                        .as_chunks::<3>()
                        .0
                        .iter()
                        .for_each(|&[b, g, r]| canvas.run(1, [r, g, b])),
                    _ => pixels.iter().for_each(|&index| canvas.run(1, color(bitmap, index))),
                }
            }
            (count, value) => match bitmap.coding {
                Coding::Rle4 => {
                    // Two colours in turn.
                    for at in 0..count {
                        let index = if at % 2 == 0 { value >> 4 } else { value & 15 };
                        canvas.run(1, color(bitmap, index));
                    }
                }
                Coding::Rle24 => {
                    let (&[g, r], rest) = data.split_first_chunk::<2>().ok_or_else(cut)?;
                    data = rest;
                    canvas.run(count, [r, g, value]);
                }
                _ => canvas.run(count, color(bitmap, value)),
            },
        }
    }
    Ok(canvas.picture)
}

fn color(bitmap: &Bitmap<'_>, index: u8) -> [u8; 3] {
    bitmap.palette.get(usize::from(index)).copied().unwrap_or_default()
}

/// The picture and the place of the next pixel, in stored order.
struct Canvas {
    picture: Picture,
    top_down: bool,
    x: u32,
    y: u32,
}

impl Canvas {
    fn is_full(&self) -> bool {
        let size = self.picture.size();
        self.y >= size.height || (self.y + 1 == size.height && self.x >= size.width)
    }

    fn next_row(&mut self) {
        self.x = 0;
        self.y = self.y.saturating_add(1);
    }

    /// Paints `count` pixels, as far as the row goes.
    fn run(&mut self, count: u8, [r, g, b]: [u8; 3]) {
        let size = self.picture.size();
        let channels = self.picture.channels();
        let start = self.x.min(size.width);
        let end = self.x.saturating_add(count.into()).min(size.width);
        self.x = self.x.saturating_add(count.into());
        let Some(last) = size.height.checked_sub(1) else { return };
        let Some(y) = (if self.top_down {
            (self.y <= last).then_some(self.y)
        } else {
            last.checked_sub(self.y)
        }) else {
            return;
        };
        let at = y as usize * self.picture.stride();
        let range = at + start as usize * channels..at + end as usize * channels;
        let Some(pixels) = self.picture.data_mut().get_mut(range) else {
            return;
        };
        for pixel in pixels.chunks_exact_mut(channels) {
            if let [red, green, blue, ..] = pixel {
                (*red, *green, *blue) = (r, g, b);
            }
        }
    }
}
