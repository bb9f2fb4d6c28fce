//! Our own decoder of baseline JPEG, for planes at full size, 1/2, 1/4 and 1/8 (ITU-T T.81, sequential Huffman coding
//! with 8 bits, one scan).
//!
//! What takes the time of making a photograph small is its Huffman codes. Here a symbol and its value come from one
//! look-up, and behind the last coefficient that the wanted scale keeps, several symbols are passed over at once.
//!
//! - `headers`: tables and headers, and which files are covered.
//! - `window`: the data without stuffed bytes, and its bits.
//! - `huffman`, `block`: codes, and the coefficients of a block.
//! - `inverse`: coefficients to samples; `vector` does the same with the processor's vectors.
//!
//! It decodes what is in order. Everything else is for libjpeg, which goes on where browsers go on.

mod block;
mod headers;
mod huffman;
mod inverse;
#[cfg(target_arch = "x86_64")]
mod vector;
mod window;

use crate::CodecError;
use block::{Dequantizer, Four, Kept, Reader};
use headers::Headers;
use huffman::{Pairs, Passing, Values};
use inverse::{flat, inverse_2, put};
#[cfg(not(target_arch = "x86_64"))]
use inverse::{put_4, put_8};
#[cfg(target_arch = "x86_64")]
use vector::{put_4, put_8};
use window::{Bits, Piece, Window};

/// Something in the data is not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Irregular;

/// The samples of a component that belong to the picture, at the scale that is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) width: u32,
    pub(super) height: u32,
}

/// Takes rows: the index of the plane, and the samples.
pub(super) type Receiver<'r> = dyn FnMut(usize, &[u8]) -> Result<(), CodecError> + 'r;

/// Why decoding stopped.
#[derive(Debug)]
pub(super) enum Stop {
    /// The data is not in order: what was handed out is to be thrown away, and libjpeg to be asked.
    Irregular,
    /// The receiver of the rows wants no more.
    Sink(CodecError),
}

impl From<Irregular> for Stop {
    fn from(_: Irregular) -> Self {
        Self::Irregular
    }
}

/// A file that this decoder covers.
#[derive(Debug)]
pub(super) struct Baseline<'a> {
    headers: Headers<'a>,
    /// Samples that a block of each component becomes, a side.
    sides: Vec<u32>,
    shapes: Vec<Shape>,
}

impl<'a> Baseline<'a> {
    /// Reads the headers, for decoding at 1/`scale`: 1, 2, 4 or 8.
    ///
    /// None for what is left to libjpeg: other codings, 12 bits, several scans, fractional sampling, two components,
    /// headers that are not in order.
    pub(super) fn open(bytes: &'a [u8], scale: u8) -> Option<Self> {
        let side = match scale {
            1 | 2 | 4 | 8 => 8 / u32::from(scale),
            _ => return None,
        };
        let headers = Headers::read(bytes)?;
        let (across, down) = headers.sampling_max;
        // Components of fewer samples are transformed at a larger size while that brings them no more samples than the
        // others have: as libjpeg does.
        let sides: Vec<u32> = headers
            .components
            .iter()
            .map(|component| {
                let (h, v) = component.sampling;
                let mut larger = side;
                while larger < 8
                    && (across * side).is_multiple_of(h * larger * 2)
                    && (down * side).is_multiple_of(v * larger * 2)
                {
                    larger *= 2;
                }
                larger
            })
            .collect();
        let shapes = headers
            .components
            .iter()
            .zip(&sides)
            .map(|(component, side)| Shape {
                width: (headers.size.0 * component.sampling.0 * side).div_ceil(across * 8),
                height: (headers.size.1 * component.sampling.1 * side).div_ceil(down * 8),
            })
            .collect();
        Some(Self { headers, sides, shapes })
    }

    /// Samples of each component.
    pub(super) fn shapes(&self) -> &[Shape] {
        &self.shapes
    }

    /// Bytes that [`Self::decode`] allocates.
    pub(super) fn working_bytes(&self) -> u64 {
        let strips: u64 = self
            .headers
            .components
            .iter()
            .zip(&self.sides)
            .map(|(component, &side)| {
                let (h, v) = component.sampling;
                u64::from(self.mcus().0 * h * side) * u64::from(v * side) + Dequantizer::BYTES
            })
            .sum();
        // Up to four tables of each class.
        strips + Window::BYTES + 4 * (2 * Values::BYTES + Pairs::BYTES + Passing::BYTES)
    }

    /// MCUs of the picture: across, down.
    fn mcus(&self) -> (u32, u32) {
        let (width, height) = self.headers.size;
        let (across, down) = self.headers.sampling_max;
        (width.div_ceil(across * 8), height.div_ceil(down * 8))
    }

    /// Decodes, and hands out the rows of each plane from the top, the planes in turns of one MCU row. Rows are as
    /// wide as their shape.
    pub(super) fn decode(self, rows: &mut Receiver<'_>) -> Result<(), Stop> {
        let headers = &self.headers;
        let differences = headers
            .differences
            .each_ref()
            .map(|codes| codes.as_ref().map(Values::new));
        let values = headers.values.each_ref().map(|codes| codes.as_ref().map(Values::new));
        let pairs = values.each_ref().map(|values| values.as_ref().map(Pairs::new));
        let passing = headers.values.each_ref().map(|codes| codes.as_ref().map(Passing::new));
        let dequantizers: Vec<_> = headers
            .components
            .iter()
            .zip(&self.sides)
            .map(|(component, &side)| Dequantizer::new(&component.quantization, side as usize))
            .collect();
        let (mcus_across, mcus_down) = self.mcus();

        let mut planes = Vec::with_capacity(headers.components.len());
        for ((component, &side), dequantizer) in headers.components.iter().zip(&self.sides).zip(&dequantizers) {
            let (h, v) = component.sampling;
            let stride = (mcus_across * h * side) as usize;
            let table = |at: usize| differences.get(at).and_then(Option::as_ref).ok_or(Irregular);
            planes.push(Plane {
                reader: Reader {
                    differences: table(component.differences)?,
                    values: values.get(component.values).and_then(Option::as_ref).ok_or(Irregular)?,
                    pairs: pairs.get(component.values).and_then(Option::as_ref).ok_or(Irregular)?,
                    passing: passing
                        .get(component.values)
                        .and_then(Option::as_ref)
                        .ok_or(Irregular)?,
                    dequantizer,
                },
                sampling: (h as usize, v as usize),
                side: side as usize,
                stride,
                previous: 0,
                strip: vec![0; stride * (v * side) as usize],
            });
        }

        let mut window = Window::new(headers.data);
        let mut bits = Bits::default();
        // Coefficients of one block; half of the places are of no meaning.
        let mut kept = [0; 128];
        let mut until_restart = headers.restart_interval;
        let mut restarts = 0u8;
        for mcu_row in 0..mcus_down {
            for mcu in 0..mcus_across as usize {
                if headers.restart_interval > 0 {
                    if until_restart == 0 {
                        if window.marker(&mut bits)? != 0xd0 | restarts & 7 {
                            return Err(Stop::Irregular);
                        }
                        restarts = restarts.wrapping_add(1);
                        until_restart = headers.restart_interval;
                        planes.iter_mut().for_each(|plane| plane.previous = 0);
                    }
                    until_restart -= 1;
                }
                window.advance(&mut bits)?;
                for plane in &mut planes {
                    plane.read_mcu(mcu, &mut bits, window.piece(), &mut kept)?;
                }
            }
            if mcu_row + 1 == mcus_down && window.marker(&mut bits)? != 0xd9 {
                return Err(Stop::Irregular);
            }
            for (index, (plane, shape)) in planes.iter().zip(&self.shapes).enumerate() {
                let rows_each = plane.sampling.1 * plane.side;
                let left = (shape.height as usize).saturating_sub(mcu_row as usize * rows_each);
                for row in plane.strip.chunks_exact(plane.stride).take(left) {
                    let row = row.get(..shape.width as usize).ok_or(Stop::Irregular)?;
                    rows(index, row).map_err(Stop::Sink)?;
                }
            }
        }
        Ok(())
    }
}

/// A component while it is decoded.
#[derive(Debug)]
struct Plane<'t> {
    reader: Reader<'t>,
    sampling: (usize, usize),
    side: usize,
    /// Samples of a row of the strip.
    stride: usize,
    /// The first coefficient of the block before.
    previous: i32,
    /// The samples of one MCU row.
    strip: Vec<u8>,
}

impl Plane<'_> {
    /// Reads the blocks of the MCU in column `mcu`.
    #[inline(always)]
    fn read_mcu(&mut self, mcu: usize, bits: &mut Bits, piece: &Piece, kept: &mut [i16; 128]) -> Result<(), Irregular> {
        match self.side {
            8 => self.read_mcu_8(mcu, bits, piece, kept),
            4 => self.read_mcu_4(mcu, bits, piece, kept.first_chunk_mut().ok_or(Irregular)?),
            2 => self.read_mcu_2(mcu, bits, piece),
            _ => self.read_mcu_1(mcu, bits, piece),
        }
    }

    // A function for each size: in one for all, the numbers of the innermost loops have no room in the registers.

    #[inline(never)]
    fn read_mcu_8(
        &mut self,
        mcu: usize,
        bits: &mut Bits,
        piece: &Piece,
        kept: &mut [i16; 128],
    ) -> Result<(), Irregular> {
        self.each_block::<8>(mcu, bits, |reader, previous, bits, out, stride| {
            let last = reader.read::<63>(kept, previous, bits, piece)?;
            if last > 0 {
                put_8(kept.first_chunk().ok_or(Irregular)?, last, out, stride);
            } else {
                put(&[[flat(kept.lowest()); 8]; 8], out, stride);
            }
            Ok(())
        })
    }

    #[inline(never)]
    fn read_mcu_4(
        &mut self,
        mcu: usize,
        bits: &mut Bits,
        piece: &Piece,
        kept: &mut [i16; 32],
    ) -> Result<(), Irregular> {
        self.each_block::<4>(mcu, bits, |reader, previous, bits, out, stride| {
            if reader.read::<24>(kept, previous, bits, piece)? > 0 {
                put_4(kept.first_chunk().ok_or(Irregular)?, out, stride);
            } else {
                put(&[[flat(kept.lowest()); 4]; 4], out, stride);
            }
            Ok(())
        })
    }

    #[inline(never)]
    fn read_mcu_2(&mut self, mcu: usize, bits: &mut Bits, piece: &Piece) -> Result<(), Irregular> {
        self.each_block::<2>(mcu, bits, |reader, previous, bits, out, stride| {
            let mut kept = Four::default();
            reader.read::<4>(&mut kept, previous, bits, piece)?;
            put(&inverse_2(kept.coefficients()), out, stride);
            Ok(())
        })
    }

    #[inline(never)]
    fn read_mcu_1(&mut self, mcu: usize, bits: &mut Bits, piece: &Piece) -> Result<(), Irregular> {
        self.each_block::<1>(mcu, bits, |reader, previous, bits, out, stride| {
            put(&[[flat(reader.read_first(previous, bits, piece)?)]], out, stride);
            Ok(())
        })
    }

    /// Lets `read` read each block: with the first coefficient of the one before, to the samples from its own on.
    #[inline(always)]
    fn each_block<const SIDE: usize>(
        &mut self,
        mcu: usize,
        bits: &mut Bits,
        mut read: impl FnMut(&Reader<'_>, &mut i32, &mut Bits, &mut [u8], usize) -> Result<(), Irregular>,
    ) -> Result<(), Irregular> {
        let (across, down) = self.sampling;
        let mut local = *bits;
        let mut previous = self.previous;
        for v in 0..down {
            for h in 0..across {
                let at = v * SIDE * self.stride + (mcu * across + h) * SIDE;
                let out = self.strip.get_mut(at..).ok_or(Irregular)?;
                read(&self.reader, &mut previous, &mut local, out, self.stride)?;
            }
        }
        (*bits, self.previous) = (local, previous);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
