//! Lossless scans: predicted samples and coded differences (ITU-T T.81 annex H).

use super::bits::Bits;
use super::tables::{Scan, Tables, named};
use crate::CodecError;

/// One component's samples.
#[derive(Debug)]
pub(super) struct Samples {
    /// Rows after one another, before the point transform is undone.
    pub(super) values: Vec<u16>,
    /// The point transform: bits that were cut off. `None` as long as no scan came.
    pub(super) shift: Option<u8>,
}

/// Reads a scan and gives what follows it. All components have the size of the picture.
pub(super) fn read<'a>(
    data: &'a [u8],
    scan: &Scan,
    precision: u8,
    width: usize,
    tables: &Tables,
    components: &mut [Samples],
) -> Result<&'a [u8], CodecError> {
    let (predictor, shift) = (scan.start, scan.low);
    if !(1..=7).contains(&predictor) || shift >= precision {
        return Err(CodecError::corrupt("the parameters of a lossless pass are bad"));
    }
    // Restarts come at the ends of rows (T.81 H.1.1).
    let interval = tables.restart_interval as usize;
    if width == 0 || !interval.is_multiple_of(width) {
        return Err(CodecError::corrupt("a restart interval is not made of rows"));
    }
    let restart_rows = interval / width;
    let first = 1i32 << (precision - shift - 1);
    let mut codes = Vec::new();
    for &(index, dc, _) in &scan.components {
        codes.push((index, named(&tables.dc, dc)?));
        if let Some(component) = components.get_mut(index) {
            component.shift = Some(shift);
        }
    }
    let rows = components.first().map_or(0, |component| component.values.len() / width);
    let mut bits = Bits::new(data);
    for y in 0..rows {
        let starts_anew = y == 0 || (restart_rows > 0 && y % restart_rows == 0);
        if starts_anew && y > 0 {
            bits.restart()?;
        }
        for x in 0..width {
            for &(index, table) in &codes {
                let Some(component) = components.get_mut(index) else {
                    continue;
                };
                let size = bits.decode(table)?;
                if size > 16 {
                    return Err(CodecError::corrupt("a difference is out of range"));
                }
                let difference = bits.signed(size.into())?;
                let here = y * width + x;
                let value = |back: usize| -> i32 {
                    let at = here.checked_sub(back).and_then(|at| component.values.get(at));
                    at.copied().unwrap_or(0).into()
                };
                let predicted = match (x, starts_anew) {
                    (0, true) => first,
                    (_, true) => value(1),
                    (0, false) => value(width),
                    _ => {
                        let (left, above, corner) = (value(1), value(width), value(width + 1));
                        match predictor {
                            1 => left,
                            2 => above,
                            3 => corner,
                            4 => left + above - corner,
                            5 => left + ((above - corner) >> 1),
                            6 => above + ((left - corner) >> 1),
                            _ => (left + above) >> 1,
                        }
                    }
                };
                if let Some(place) = component.values.get_mut(here) {
                    // Modulo 2^16.
                    *place = ((predicted + difference) & 0xffff) as u16;
                }
            }
        }
    }
    Ok(bits.rest())
}
