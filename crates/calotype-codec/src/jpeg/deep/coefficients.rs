//! Scans of DCT coefficients, sequential and progressive (ITU-T T.81 annexes F and G).

use super::bits::{Bits, Huffman};
use super::tables::{Scan, Tables, named};
use crate::CodecError;

/// One component's coefficients.
#[derive(Debug)]
pub(super) struct Component {
    pub(super) horizontal: usize,
    pub(super) vertical: usize,
    /// Blocks that hold samples of the picture, across and down.
    pub(super) blocks: (usize, usize),
    /// Blocks across with those that fill up the last unit.
    pub(super) blocks_stored: usize,
    /// The index of its quantisation table.
    pub(super) quantization: u8,
    /// The table, as it was when the first scan of the component began.
    pub(super) table: Option<[u16; 64]>,
    /// All blocks, each in the order of the zigzag.
    pub(super) coefficients: Vec<[i16; 64]>,
    predicted: i32,
}

impl Component {
    pub(super) fn new(
        (horizontal, vertical): (usize, usize),
        blocks: (usize, usize),
        units: (usize, usize),
        quantization: u8,
    ) -> Self {
        let blocks_stored = units.0 * horizontal;
        Self {
            horizontal,
            vertical,
            blocks,
            blocks_stored,
            quantization,
            table: None,
            coefficients: vec![[0; 64]; blocks_stored * units.1 * vertical],
            predicted: 0,
        }
    }
}

/// How the blocks of a scan are coded.
enum Pass {
    Sequential,
    DcFirst,
    DcRefine,
    AcFirst,
    AcRefine,
}

/// Reads a scan into the components and gives what follows it. `units` are the minimum coded units of the picture,
/// across and down.
pub(super) fn read<'a>(
    data: &'a [u8],
    scan: &Scan,
    progressive: bool,
    tables: &Tables,
    components: &mut [Component],
    units: (usize, usize),
) -> Result<&'a [u8], CodecError> {
    let pass = pass(scan, progressive)?;
    for &(index, ..) in &scan.components {
        let Some(component) = components.get_mut(index) else {
            continue;
        };
        component.predicted = 0;
        if component.table.is_none() {
            let table = tables.quantization.get(usize::from(component.quantization));
            let missing = || CodecError::corrupt("a quantisation table is bad or missing");
            component.table = Some(table.copied().flatten().ok_or_else(missing)?);
        }
    }
    let mut decoder = Decoder {
        bits: Bits::new(data),
        scan,
        pass,
        run: 0,
    };
    // A scan of one component has its blocks in rows; one of several, in units that hold all of a patch.
    let single = match scan.components.as_slice() {
        &[(index, ..)] => components.get(index).map(|component| component.blocks),
        _ => None,
    };
    let (across, down) = single.unwrap_or(units);
    let mut left = tables.restart_interval;
    for unit in 0..across * down {
        if tables.restart_interval > 0 {
            if left == 0 {
                decoder.bits.restart()?;
                decoder.run = 0;
                components.iter_mut().for_each(|component| component.predicted = 0);
                left = tables.restart_interval;
            }
            left -= 1;
        }
        let (x, y) = (unit % across, unit / across);
        for &(index, dc, ac) in &scan.components {
            let Some(component) = components.get_mut(index) else {
                continue;
            };
            let (h, v) = if single.is_some() {
                (1, 1)
            } else {
                (component.horizontal, component.vertical)
            };
            for block in 0..h * v {
                let at = (y * v + block / h) * component.blocks_stored + x * h + block % h;
                if let Some(coefficients) = component.coefficients.get_mut(at) {
                    decoder.block(coefficients, &mut component.predicted, tables, dc, ac)?;
                }
            }
        }
    }
    Ok(decoder.bits.rest())
}

/// Checks what a scan brings (T.81 tables B.3 and G.1).
fn pass(scan: &Scan, progressive: bool) -> Result<Pass, CodecError> {
    if !progressive {
        return Ok(Pass::Sequential);
    }
    let fits = if scan.start == 0 {
        scan.end == 0
    } else {
        scan.end >= scan.start && scan.end < 64 && scan.components.len() == 1
    };
    if !fits || scan.low > 13 || (scan.high != 0 && scan.high != scan.low + 1) {
        return Err(CodecError::corrupt("the parameters of a progressive pass are bad"));
    }
    Ok(match (scan.start, scan.high) {
        (0, 0) => Pass::DcFirst,
        (0, _) => Pass::DcRefine,
        (_, 0) => Pass::AcFirst,
        _ => Pass::AcRefine,
    })
}

struct Decoder<'a, 'b> {
    bits: Bits<'a>,
    scan: &'b Scan,
    pass: Pass,
    /// Blocks still to come that have nothing in this band.
    run: u32,
}

impl Decoder<'_, '_> {
    fn block(
        &mut self,
        block: &mut [i16; 64],
        predicted: &mut i32,
        tables: &Tables,
        dc: u8,
        ac: u8,
    ) -> Result<(), CodecError> {
        match self.pass {
            Pass::Sequential => {
                block[0] = self.difference(predicted, named(&tables.dc, dc)?)?;
                self.band_sequential(block, named(&tables.ac, ac)?)
            }
            Pass::DcFirst => {
                let value = self.difference(predicted, named(&tables.dc, dc)?)?;
                block[0] = shifted(value.into(), self.scan.low);
                Ok(())
            }
            Pass::DcRefine => {
                if self.bits.flag()? {
                    block[0] |= 1i16 << self.scan.low;
                }
                Ok(())
            }
            Pass::AcFirst => self.band_first(block, named(&tables.ac, ac)?),
            Pass::AcRefine => self.band_refine(block, named(&tables.ac, ac)?),
        }
    }

    fn difference(&mut self, predicted: &mut i32, table: &Huffman) -> Result<i16, CodecError> {
        let size = self.bits.decode(table)?;
        if size > 15 {
            return Err(CodecError::corrupt("a coefficient is out of range"));
        }
        *predicted = predicted
            .saturating_add(self.bits.signed(size.into())?)
            .clamp(-65_536, 65_535);
        Ok(shifted(*predicted, 0))
    }

    fn band_sequential(&mut self, block: &mut [i16; 64], table: &Huffman) -> Result<(), CodecError> {
        let mut at = 1;
        while at < 64 {
            let code = self.bits.decode(table)?;
            let (zeroes, size) = (usize::from(code >> 4), u32::from(code & 15));
            if size == 0 {
                if zeroes < 15 {
                    break;
                }
                at += 16;
                continue;
            }
            at += zeroes;
            let value = self.bits.signed(size)?;
            *block.get_mut(at).ok_or_else(out_of_block)? = shifted(value, 0);
            at += 1;
        }
        Ok(())
    }

    fn band_first(&mut self, block: &mut [i16; 64], table: &Huffman) -> Result<(), CodecError> {
        if self.run > 0 {
            self.run -= 1;
            return Ok(());
        }
        let (mut at, end) = (usize::from(self.scan.start), usize::from(self.scan.end));
        while at <= end {
            let code = self.bits.decode(table)?;
            let (zeroes, size) = (u32::from(code >> 4), u32::from(code & 15));
            if size == 0 {
                if zeroes < 15 {
                    self.run = (1 << zeroes) - 1 + self.bits.take(zeroes)?;
                    break;
                }
                at += 16;
                continue;
            }
            at += zeroes as usize;
            let value = self.bits.signed(size)?;
            if at > end {
                return Err(out_of_block());
            }
            *block.get_mut(at).ok_or_else(out_of_block)? = shifted(value, self.scan.low);
            at += 1;
        }
        Ok(())
    }

    fn band_refine(&mut self, block: &mut [i16; 64], table: &Huffman) -> Result<(), CodecError> {
        let one = 1i16 << self.scan.low;
        let (start, end) = (usize::from(self.scan.start), usize::from(self.scan.end));
        let Some(band) = block.get_mut(start..=end) else {
            return Err(out_of_block());
        };
        let mut coefficients = band.iter_mut();
        if self.run == 0 {
            loop {
                if coefficients.len() == 0 {
                    return Ok(());
                }
                let code = self.bits.decode(table)?;
                let mut zeroes = code >> 4;
                let new = match code & 15 {
                    0 if zeroes < 15 => {
                        self.run = (1 << zeroes) + self.bits.take(zeroes.into())?;
                        break;
                    }
                    // Sixteen zeroes.
                    0 => 0,
                    1 if self.bits.flag()? => one,
                    1 => -one,
                    _ => return Err(CodecError::corrupt("a coefficient is out of range")),
                };
                // The new value comes behind so many that are still zero; those that are not get their bit on the way.
                for coefficient in coefficients.by_ref() {
                    if *coefficient != 0 {
                        refine(&mut self.bits, coefficient, one)?;
                    } else if zeroes == 0 {
                        *coefficient = new;
                        break;
                    } else {
                        zeroes -= 1;
                    }
                }
            }
        }
        for coefficient in coefficients {
            if *coefficient != 0 {
                refine(&mut self.bits, coefficient, one)?;
            }
        }
        self.run -= 1;
        Ok(())
    }
}

/// The next bit of a coefficient that is not zero.
fn refine(bits: &mut Bits<'_>, coefficient: &mut i16, one: i16) -> Result<(), CodecError> {
    if bits.flag()? && *coefficient & one == 0 {
        *coefficient = coefficient.saturating_add(if *coefficient > 0 { one } else { -one });
    }
    Ok(())
}

/// A value at its bit position, cut to what coefficients of 12 bits can be.
fn shifted(value: i32, low: u8) -> i16 {
    let value = i64::from(value) << low;
    value.clamp(i16::MIN.into(), i16::MAX.into()) as i16
}

fn out_of_block() -> CodecError {
    CodecError::corrupt("coefficients run out of their block")
}
