//! Samples of every width and kind to 16 bits.

use super::facts::Kind;

/// How samples are written in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form {
    /// 1 to 32, or 64; floating point 16, 24, 32 or 64.
    pub(super) bits: u16,
    pub(super) kind: Kind,
    /// Samples of a pixel in this row.
    pub(super) step: usize,
}

impl Form {
    /// Whether samples of this form are read here.
    pub(super) const fn is_known(bits: u16, kind: Kind) -> bool {
        match kind {
            Kind::Unsigned => matches!(bits, 1..=32 | 64),
            Kind::Signed => matches!(bits, 8 | 16 | 32 | 64),
            Kind::Float => matches!(bits, 16 | 24 | 32 | 64),
            Kind::Other => false,
        }
    }

    /// Reads sample `channel` of each pixel into every `out_step`th place of `out`, beginning at `out_at`: 0 to 65535,
    /// or, for `indices`, the number as it is.
    ///
    /// Signed numbers are what the references make of them: 8 bits as if unsigned, 16 bits from 0 up, more bits as
    /// levels from 0 to 255. Fractions go from 0 to 1.
    pub(super) fn read(
        self,
        row: &[u8],
        channel: usize,
        indices: bool,
        out: &mut [u16],
        out_at: usize,
        out_step: usize,
    ) {
        let places = out.iter_mut().skip(out_at).step_by(out_step.max(1));
        match (self.kind, self.bits) {
            (Kind::Unsigned | Kind::Signed, 8) => {
                let samples = row.iter().skip(channel).step_by(self.step.max(1));
                let factor = if indices { 1 } else { 257 };
                places.zip(samples).for_each(|(to, &v)| *to = u16::from(v) * factor);
            }
            (Kind::Unsigned, 16) => self.each(row, channel, places, u16::from_le_bytes),
            (Kind::Unsigned, 24) => self.each(row, channel, places, |[_, low, high]: [u8; 3]| {
                u16::from_le_bytes([low, high])
            }),
            (Kind::Unsigned, 32) => self.each(row, channel, places, |b| (u32::from_le_bytes(b) >> 16) as u16),
            (Kind::Unsigned, 64) => self.each(row, channel, places, |b| (u64::from_le_bytes(b) >> 48) as u16),
            (Kind::Signed, 16) => self.each(row, channel, places, |b| i16::from_le_bytes(b).max(0).cast_unsigned()),
            (Kind::Signed, 32) => self.each(row, channel, places, |b| {
                i32::from_le_bytes(b).clamp(0, 255) as u16 * 257
            }),
            (Kind::Signed, 64) => self.each(row, channel, places, |b| {
                i64::from_le_bytes(b).clamp(0, 255) as u16 * 257
            }),
            (Kind::Float, 16) => self.each(row, channel, places, |b| level(half(u16::from_le_bytes(b)))),
            (Kind::Float, 24) => self.each(row, channel, places, |b| level(three_bytes(b))),
            (Kind::Float, 32) => self.each(row, channel, places, |b| level(f32::from_le_bytes(b))),
            (Kind::Float, 64) => self.each(row, channel, places, |b| level(f64::from_le_bytes(b) as f32)),
            (_, bits @ (1 | 2 | 4)) if self.step == 1 => {
                let factor = if indices { 1 } else { 65_535 / ((1 << bits) - 1) };
                let highest = 8 - bits;
                let samples = row.iter().flat_map(|&byte| {
                    (0..8 / bits).map(move |at| u16::from((byte << (at * bits)) >> highest) * factor)
                });
                places.zip(samples).for_each(|(to, v)| *to = v);
            }
            (_, bits) => {
                // Packed, the first sample in the highest bits.
                let bits = u32::from(bits.clamp(1, 32));
                let max = (1u64 << bits) - 1;
                for (index, to) in places.enumerate() {
                    let at = (index * self.step + channel) * bits as usize;
                    let Some(bytes) = row.get(at / 8..) else { break };
                    let window = (0..5).fold(0u64, |sum, next| {
                        sum << 8 | u64::from(bytes.get(next).copied().unwrap_or(0))
                    });
                    let value = window >> (40 - (at % 8) as u32 - bits) & max;
                    *to = if indices {
                        value.min(65_535) as u16
                    } else {
                        (value * 65_535 / max) as u16
                    };
                }
            }
        }
    }

    fn each<'o, const N: usize>(
        self,
        row: &[u8],
        channel: usize,
        places: impl Iterator<Item = &'o mut u16>,
        value: impl Fn([u8; N]) -> u16,
    ) {
        let samples = row.as_chunks::<N>().0.iter().skip(channel).step_by(self.step.max(1));
        places.zip(samples).for_each(|(to, &bytes)| *to = value(bytes));
    }
}

/// 0 to 1 as 16 bits; what is no number is 0.
fn level(value: f32) -> u16 {
    (value.clamp(0.0, 1.0) * 65_535.0).round() as u16
}

/// IEEE 754 binary16.
fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => 0.0,
        _ => (1.0 + fraction / 1024.0) * 2f32.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// Adobe's 24 bits: sign, 7 bits of exponent with a bias of 63, 16 bits of fraction.
fn three_bytes([low, middle, high]: [u8; 3]) -> f32 {
    let (exponent, fraction) = (i32::from(high & 0x7f), f32::from(u16::from_le_bytes([low, middle])));
    let size = match exponent {
        0 => fraction / 65_536.0 * 2f32.powi(-62),
        127 if fraction == 0.0 => f32::INFINITY,
        127 => 0.0,
        _ => (1.0 + fraction / 65_536.0) * 2f32.powi(exponent - 63),
    };
    if high >> 7 == 1 { -size } else { size }
}
