//! What an HEVC bitstream says of its size (ITU-T H.265), read before a decoder allocates by it.

use calotype_plan::Size;

/// The type of a sequence parameter set among NAL units (H.265, table 7-1).
const SPS: u8 = 33;

/// Bits of a luma sample, by the decoder configuration record (ISO/IEC 14496-15, section 8.3.3.1).
pub(super) fn bit_depth(configuration: &[u8]) -> Option<u8> {
    Some(8 + (configuration.get(17)? & 7))
}

/// The largest coded size that any parameter set names, in the configuration or among the picture's data. `None` if there
/// is none that can be read.
pub(super) fn coded_size(configuration: &[u8], data: &[u8]) -> Option<Size> {
    let length_bytes = usize::from(configuration.get(21)? & 3) + 1;
    let in_configuration = configured(configuration.get(22..)?)?;
    let mut largest: Option<Size> = None;
    for unit in in_configuration.into_iter().chain(units(data, length_bytes)) {
        if unit.first().is_some_and(|first| first >> 1 & 0x3f == SPS) {
            let size = sps_size(unit)?;
            if largest.is_none_or(|largest| largest.area() < size.area()) {
                largest = Some(size);
            }
        }
    }
    largest
}

/// The NAL units of a configuration: arrays of units of one type.
fn configured(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut found = Vec::new();
    let (&arrays, rest) = bytes.split_first()?;
    bytes = rest;
    for _ in 0..arrays {
        let (&[_, high, low], rest) = bytes.split_first_chunk::<3>()?;
        bytes = rest;
        for _ in 0..u16::from_be_bytes([high, low]) {
            let (length, rest) = bytes.split_first_chunk::<2>()?;
            let (unit, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            found.push(unit);
            bytes = rest;
        }
    }
    Some(found)
}

/// The NAL units of a picture's data, each after its length. What is cut is left out.
fn units(mut bytes: &[u8], length_bytes: usize) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = bytes.split_at_checked(length_bytes)?;
        let length = length.iter().fold(0usize, |sum, &byte| sum << 8 | usize::from(byte));
        let (unit, rest) = rest.split_at_checked(length)?;
        bytes = rest;
        Some(unit)
    })
}

/// The size in luma samples of a sequence parameter set (H.265, section 7.3.2.2.1), before its conformance window.
fn sps_size(unit: &[u8]) -> Option<Size> {
    let mut bits = Bits::new(unit.get(2..)?);
    bits.skip(4)?;
    let sub_layers = bits.read(3)?;
    bits.skip(1)?;
    // profile_tier_level, section 7.3.3: 88 bits of profile and 8 of level, for the whole and for sub-layers.
    bits.skip(96)?;
    let present: Vec<(u32, u32)> = (0..sub_layers)
        .map(|_| Some((bits.read(1)?, bits.read(1)?)))
        .collect::<Option<_>>()?;
    if sub_layers > 0 {
        bits.skip(2 * 8u32.checked_sub(sub_layers)?)?;
    }
    for (profile, level) in present {
        bits.skip(profile * 88 + level * 8)?;
    }
    bits.exp_golomb()?;
    if bits.exp_golomb()? == 3 {
        bits.skip(1)?;
    }
    Some(Size::new(bits.exp_golomb()?, bits.exp_golomb()?))
}

/// Bits of a NAL unit, without the bytes that keep start codes from occurring (section 7.4.2).
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    bit: u32,
    zeros: u32,
}

impl<'a> Bits<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            bit: 0,
            zeros: 0,
        }
    }

    fn next(&mut self) -> Option<u32> {
        let mut byte = *self.bytes.get(self.at)?;
        if self.bit == 0 && self.zeros >= 2 && byte == 3 {
            self.at += 1;
            self.zeros = 0;
            byte = *self.bytes.get(self.at)?;
        }
        let value = u32::from(byte >> (7 - self.bit) & 1);
        self.bit += 1;
        if self.bit == 8 {
            self.zeros = if byte == 0 { self.zeros + 1 } else { 0 };
            (self.at, self.bit) = (self.at + 1, 0);
        }
        Some(value)
    }

    fn skip(&mut self, count: u32) -> Option<()> {
        (0..count).try_for_each(|_| self.next().map(drop))
    }

    /// At most 32 bits.
    fn read(&mut self, count: u32) -> Option<u32> {
        (0..count).try_fold(0u32, |sum, _| Some(sum << 1 | self.next()?))
    }

    /// ue(v), section 9.2.
    fn exp_golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while self.next()? == 0 {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        (1u32 << zeros).checked_add(self.read(zeros)?)?.checked_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_golomb_codes_and_emulation_prevention_are_read() {
        // 1, 010, 011, 00100, 00111: 0 to 3 and 6, by H.265 table 9-2.
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0011, 0b1000_0000]);
        let values: Vec<u32> = (0..5).map_while(|_| bits.exp_golomb()).collect();
        assert_eq!(values, [0, 1, 2, 3, 6]);
        let mut bits = Bits::new(&[0, 0, 3, 1, 0, 0, 3]);
        assert_eq!(bits.read(32), Some(0x0000_0100));
        assert_eq!(Bits::new(&[0; 9]).exp_golomb(), None);
    }
}
