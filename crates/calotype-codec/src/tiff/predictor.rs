//! Byte order and prediction: rows as they were before they were compressed (TIFF 6.0 section 14, and Adobe's technical
//! note 3 on floating point).

/// Turns the samples of rows into the byte order of this code, lowest byte first, and takes prediction back.
///
/// `bits` is 8, 16, 24, 32 or 64 where `predictor` is not 1; `step` is how many samples further the same channel comes.
pub(super) fn restore(rows: &mut [u8], row_bytes: usize, bits: u16, step: usize, predictor: u16, big_endian: bool) {
    let width = usize::from(bits / 8);
    let mut scratch = Vec::new();
    for row in rows.chunks_mut(row_bytes.max(1)) {
        if predictor == 3 {
            floating_point(row, width, step, &mut scratch);
            continue;
        }
        if big_endian && bits.is_multiple_of(8) && width > 1 {
            row.chunks_exact_mut(width).for_each(<[u8]>::reverse);
        }
        if predictor == 2 {
            match width {
                1 => add::<1>(row, step, |a, b| [u8::wrapping_add(a[0], b[0])]),
                2 => add(row, step, |a, b| {
                    u16::from_le_bytes(a).wrapping_add(u16::from_le_bytes(b)).to_le_bytes()
                }),
                4 => add(row, step, |a, b| {
                    u32::from_le_bytes(a).wrapping_add(u32::from_le_bytes(b)).to_le_bytes()
                }),
                8 => add(row, step, |a, b| {
                    u64::from_le_bytes(a).wrapping_add(u64::from_le_bytes(b)).to_le_bytes()
                }),
                _ => {}
            }
        }
    }
}

/// Samples of a pixel up to which there is a short way.
const CHANNELS: usize = 5;

/// Each sample holds the difference to the one a pixel before.
fn add<const N: usize>(row: &mut [u8], step: usize, sum: impl Fn([u8; N], [u8; N]) -> [u8; N]) {
    // The last sample of each channel is kept at hand.
    let mut last = [[0; N]; CHANNELS];
    let samples = row.as_chunks_mut::<N>().0;
    if let Some(last) = last.get_mut(..step) {
        for pixel in samples.chunks_mut(step.max(1)) {
            for (sample, last) in pixel.iter_mut().zip(last.iter_mut()) {
                *sample = sum(*sample, *last);
                *last = *sample;
            }
        }
        return;
    }
    for index in step..samples.len() {
        let before = samples.get(index - step).copied();
        if let (Some(before), Some(sample)) = (before, samples.get_mut(index)) {
            *sample = sum(*sample, before);
        }
    }
}

/// Bytes of all samples by significance, the most significant first, and then as differences.
fn floating_point(row: &mut [u8], width: usize, step: usize, scratch: &mut Vec<u8>) {
    add::<1>(row, step, |a, b| [u8::wrapping_add(a[0], b[0])]);
    scratch.clear();
    scratch.extend_from_slice(row);
    let samples = row.len() / width.max(1);
    for (index, sample) in row.chunks_exact_mut(width.max(1)).enumerate() {
        for (place, byte) in sample.iter_mut().rev().enumerate() {
            *byte = scratch.get(place * samples + index).copied().unwrap_or(0);
        }
    }
}
