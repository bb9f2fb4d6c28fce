//! Samples of the source to those of deep rows: 256 steps a level, minus 32768.

use crate::curve::FULL;

/// Nothing, in a deep row.
pub(crate) const DEEP_ZERO: i16 = i16::MIN;

/// The entry of a table for a sample.
pub(crate) fn at(table: &[u16], sample: u16) -> u16 {
    table
        .get(usize::from(sample))
        .or(table.last())
        .copied()
        .unwrap_or_default()
}

/// The level nearest to a deep sample.
#[allow(clippy::cast_possible_truncation)]
pub(crate) fn rounded(deep: u16) -> u8 {
    // At most 65280, so that it stays below 256.
    ((deep + 128) >> 8) as u8
}

/// Interleaved samples to deep planes. Those of a pixel that is not whole count too.
pub(crate) fn deepen<T: Copy>(part: &[T], channels: usize, planes: &mut [i16], stride: usize, deep: impl Fn(T) -> u16) {
    if channels == 3 && part.len().is_multiple_of(3) {
        let mut planes = planes.chunks_exact_mut(stride);
        let (Some(first), Some(second), Some(third)) = (planes.next(), planes.next(), planes.next()) else {
            return;
        };
        let places = first.iter_mut().zip(second).zip(third);
        for (pixel, ((a, b), c)) in part.as_chunks::<3>().0.iter().zip(places) {
            [*a, *b, *c] = pixel.map(|sample| (deep(sample) ^ 0x8000).cast_signed());
        }
        return;
    }
    for (channel, plane) in planes.chunks_exact_mut(stride).take(channels).enumerate() {
        let samples = part.get(channel..).unwrap_or_default().iter().step_by(channels);
        for (place, &sample) in plane.iter_mut().zip(samples) {
            *place = (deep(sample) ^ 0x8000).cast_signed();
        }
    }
}

/// Interleaved colours and opacity to deep planes of colours times opacity, and opacity. A pixel that is not whole has no opacity, and is left out.
#[allow(clippy::cast_possible_truncation)]
pub(crate) fn deepen_alpha<T: Copy>(
    part: &[T],
    planes: &mut [i16],
    stride: usize,
    color: impl Fn(T) -> u16,
    opacity: impl Fn(T) -> u16,
) {
    let mut planes = planes.chunks_exact_mut(stride);
    let (Some(reds), Some(greens), Some(blues), Some(alphas)) =
        (planes.next(), planes.next(), planes.next(), planes.next())
    else {
        return;
    };
    let places = reds.iter_mut().zip(greens).zip(blues).zip(alphas);
    for (&[red, green, blue, alpha], (((r, g), b), a)) in part.as_chunks::<4>().0.iter().zip(places) {
        let alpha = u32::from(opacity(alpha));
        let times = |sample: T| {
            let product = (u32::from(color(sample)) * alpha + FULL / 2) / FULL;
            (product as u16 ^ 0x8000).cast_signed()
        };
        *r = times(red);
        *g = times(green);
        *b = times(blue);
        *a = (alpha as u16 ^ 0x8000).cast_signed();
    }
}
