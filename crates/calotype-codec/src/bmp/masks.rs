//! Where the channels of a 16- or 32-bit pixel lie (BI_BITFIELDS).

use super::header::u32_at;

/// The channels of a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Masks {
    pub(super) red: Mask,
    pub(super) green: Mask,
    pub(super) blue: Mask,
    pub(super) alpha: Option<Mask>,
}

impl Masks {
    /// The masks of a bitmap, and the bytes they take behind the header. `None` where the bytes end too early.
    ///
    /// Versions 2 to 5 hold them in the header, version 1 behind it: three, or four with compression 6. Without
    /// compression there are fixed ones: 5 bits each of 16, 8 bits each of 32.
    pub(super) fn read(bytes: &[u8], header_bytes: usize, compression: u32, bits: u16) -> Option<(Self, usize)> {
        if !matches!((compression, bits), (3 | 6, 16 | 32)) {
            let of = |red, green, blue| Self {
                red: Mask::new(red),
                green: Mask::new(green),
                blue: Mask::new(blue),
                alpha: None,
            };
            return Some((
                match bits {
                    16 => of(0x7c00, 0x03e0, 0x001f),
                    _ => of(0x00ff_0000, 0x0000_ff00, 0x0000_00ff),
                },
                0,
            ));
        }
        let mask = |index: usize| u32_at(bytes, 40 + index * 4).map(Mask::new);
        let behind = header_bytes == 40;
        let has_fourth = if behind { compression == 6 } else { header_bytes >= 56 };
        let alpha = if has_fourth { mask(3)? } else { Mask::new(0) };
        let masks = Self {
            red: mask(0)?,
            green: mask(1)?,
            blue: mask(2)?,
            alpha: (alpha.max != 0).then_some(alpha),
        };
        Some((
            masks,
            match (behind, has_fourth) {
                (false, _) => 0,
                (true, false) => 12,
                (true, true) => 16,
            },
        ))
    }

    /// The fourth byte of an icon's 32 bits is alpha, though no header says so.
    pub(super) fn add_alpha_byte(&mut self) {
        self.alpha = Some(Mask::new(0xff00_0000));
    }

    /// Bits of the widest channel.
    pub(super) fn depth(&self) -> u8 {
        [Some(self.red), Some(self.green), Some(self.blue), self.alpha]
            .iter()
            .flatten()
            .map(|mask| (32 - mask.max.leading_zeros()) as u8)
            .max()
            .unwrap_or(8)
            .max(1)
    }
}

/// The bits of one channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mask {
    shift: u32,
    /// All bits of the channel, at the low end; 0 for a channel that is not there.
    max: u32,
}

impl Mask {
    fn new(mask: u32) -> Self {
        let shift = if mask == 0 { 0 } else { mask.trailing_zeros() };
        Self {
            shift,
            max: mask >> shift,
        }
    }

    /// The channel of a pixel in 8 bits, rounded down as in the references; 0 if it is not there.
    pub(super) fn of(self, pixel: u32) -> u8 {
        match self.max {
            0 => 0,
            255 => (pixel >> self.shift) as u8,
            max => (u64::from((pixel >> self.shift) & max) * 255 / u64::from(max)) as u8,
        }
    }
}
