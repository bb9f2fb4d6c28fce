//! A writer of baseline JPEG files from given coefficients, in any sampling: what no encoder at hand writes.

use super::super::block::ZIGZAG;

/// The tables of T.81 annex K.3: codes of each length and their symbols.
const DIFFERENCES: ([u8; 16], &[u8]) = (
    [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0],
    &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11],
);

/// A small generator of numbers (Marsaglia's xorshift), so that every run tests the same.
pub(in super::super) struct Random(pub(in super::super) u64);

impl Random {
    pub(in super::super) fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 33) as u32) % limit
    }

    pub(in super::super) fn within(&mut self, most: i32) -> i32 {
        self.below(2 * most as u32 + 1) as i32 - most
    }
}

/// A picture as coefficients.
pub(super) struct Drawing {
    pub(super) size: (u32, u32),
    /// Of each component.
    pub(super) sampling: Vec<(u32, u32)>,
    /// In the order of rows, one table for all.
    pub(super) quantization: [u16; 64],
    pub(super) restart_interval: u16,
    /// Of each component: blocks across, and the blocks of whole MCUs, quantised, in the order of rows.
    pub(super) blocks: Vec<(u32, Vec<[i32; 64]>)>,
}

impl Drawing {
    /// Random blocks, some of them flat, some with all coefficients.
    pub(super) fn random(size: (u32, u32), sampling: &[(u32, u32)], seed: u64) -> Self {
        let mut random = Random(seed | 1);
        let quantization = std::array::from_fn(|at| 1 + (at as u16 % 8 + at as u16 / 8) * 3);
        let alone = sampling.len() == 1;
        let max = |side: fn(&(u32, u32)) -> u32| {
            if alone {
                1
            } else {
                sampling.iter().map(side).max().unwrap()
            }
        };
        let mcus = (size.0.div_ceil(8 * max(|s| s.0)), size.1.div_ceil(8 * max(|s| s.1)));
        let blocks = sampling
            .iter()
            .map(|&(h, v)| {
                let (h, v) = if alone { (1, 1) } else { (h, v) };
                let all = (0..mcus.0 * h * mcus.1 * v)
                    .map(|_| {
                        let kind = random.below(4);
                        let mut block = [0; 64];
                        block[0] = random.within(900);
                        for (at, value) in block.iter_mut().enumerate().skip(1) {
                            let most = 120 / i32::from(quantization[at]);
                            let is_set = match kind {
                                0 => false,
                                1 => random.below(3) == 0 && at % 8 < 4 && at < 32,
                                2 => random.below(8) == 0,
                                _ => true,
                            };
                            if is_set {
                                *value = random.within(most.max(1));
                            }
                        }
                        block
                    })
                    .collect();
                (mcus.0 * h, all)
            })
            .collect();
        Self {
            size,
            sampling: sampling.to_vec(),
            quantization,
            restart_interval: 0,
            blocks,
        }
    }

    /// The file.
    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = vec![0xff, 0xd8];
        let mut segment = |marker: u8, content: &[u8]| {
            out.extend([0xff, marker]);
            out.extend((content.len() as u16 + 2).to_be_bytes());
            out.extend(content);
        };
        let zigzag = ZIGZAG.map(|at| self.quantization[usize::from(at)]);
        if zigzag.iter().any(|&step| step > 255) {
            segment(0xdb, &[&[0x10], zigzag.map(u16::to_be_bytes).as_flattened()].concat());
        } else {
            segment(0xdb, &[&[0], &zigzag.map(|step| step as u8)[..]].concat());
        }
        let mut frame = vec![8];
        frame.extend((self.size.1 as u16).to_be_bytes());
        frame.extend((self.size.0 as u16).to_be_bytes());
        frame.push(self.sampling.len() as u8);
        for (id, (h, v)) in (1..).zip(&self.sampling) {
            frame.extend([id, (h << 4 | v) as u8, 0]);
        }
        segment(0xc0, &frame);
        let (lengths, symbols) = Self::value_codes();
        segment(0xc4, &[&[0x00], &DIFFERENCES.0[..], DIFFERENCES.1].concat());
        segment(0xc4, &[&[0x10], &lengths[..], &symbols].concat());
        if self.restart_interval > 0 {
            segment(0xdd, &self.restart_interval.to_be_bytes());
        }
        let mut scan = vec![self.sampling.len() as u8];
        (1..).zip(&self.sampling).for_each(|(id, _)| scan.extend([id, 0]));
        scan.extend([0, 63, 0]);
        segment(0xda, &scan);
        self.write_scan(&mut out);
        out.extend([0xff, 0xd9]);
        out
    }

    /// Codes for all symbols: short ones for the common, up to 16 bits for the rare.
    fn value_codes() -> ([u8; 16], Vec<u8>) {
        let mut symbols: Vec<u8> = vec![0x00, 0x01, 0x02, 0x11, 0x03, 0x21, 0x12, 0xf0];
        for run in 0..16u8 {
            for size in 1..=10 {
                if !symbols.contains(&(run << 4 | size)) {
                    symbols.push(run << 4 | size);
                }
            }
        }
        // 162 symbols.
        ([0, 2, 1, 1, 2, 2, 1, 2, 2, 4, 4, 6, 8, 8, 20, 99], symbols)
    }

    fn write_scan(&self, out: &mut Vec<u8>) {
        let (lengths, symbols) = Self::value_codes();
        let (differences, values) = (codes(DIFFERENCES.0, DIFFERENCES.1), codes(lengths, &symbols));
        let alone = self.sampling.len() == 1;
        let factors: Vec<_> = self.sampling.iter().map(|&s| if alone { (1, 1) } else { s }).collect();
        let mcus_across = self.blocks[0].0 / factors[0].0;
        let mcus = self.blocks[0].1.len() as u32 / (factors[0].0 * factors[0].1);
        let mut bits = BitWriter::default();
        let mut previous = vec![0; factors.len()];
        for mcu in 0..mcus {
            let restart = u32::from(self.restart_interval);
            if restart > 0 && mcu > 0 && mcu % restart == 0 {
                bits.flush(out);
                out.extend([0xff, 0xd0 + ((mcu / restart - 1) % 8) as u8]);
                previous.fill(0);
            }
            for (((h, v), (across, blocks)), previous) in factors.iter().zip(&self.blocks).zip(&mut previous) {
                for (y, x) in (0..*v).flat_map(|y| (0..*h).map(move |x| (y, x))) {
                    let (column, row) = (mcu % mcus_across * h + x, mcu / mcus_across * v + y);
                    let block = &blocks[(row * across + column) as usize];
                    bits.value(out, differences[&0], block[0] - *previous, |size| differences[&size]);
                    *previous = block[0];
                    let mut run = 0;
                    for &at in &ZIGZAG[1..] {
                        let value = block[usize::from(at)];
                        if value == 0 {
                            run += 1;
                            continue;
                        }
                        while run > 15 {
                            bits.put(out, values[&0xf0]);
                            run -= 16;
                        }
                        bits.value(out, (0, 0), value, |size| values[&(run << 4 | size)]);
                        run = 0;
                    }
                    if run > 0 {
                        bits.put(out, values[&0x00]);
                    }
                }
            }
        }
        bits.flush(out);
    }
}

/// Code and length of each symbol.
fn codes(lengths: [u8; 16], symbols: &[u8]) -> std::collections::HashMap<u8, (u32, u32)> {
    let all = (1..)
        .zip(lengths)
        .flat_map(|(length, count)| (0..count).map(move |_| length));
    let (mut code, mut before) = (0u32, 0);
    let mut map = std::collections::HashMap::new();
    for (length, &symbol) in all.zip(symbols) {
        code <<= length - before;
        before = length;
        map.insert(symbol, (code, length));
        code += 1;
        assert!(code < 1 << length, "the code of ones alone is free");
    }
    assert_eq!(map.len(), symbols.len());
    map
}

#[derive(Default)]
struct BitWriter {
    bits: u64,
    held: u32,
}

impl BitWriter {
    fn put(&mut self, out: &mut Vec<u8>, (code, length): (u32, u32)) {
        self.bits = self.bits << length | u64::from(code);
        self.held += length;
        while self.held >= 8 {
            self.held -= 8;
            let byte = (self.bits >> self.held) as u8;
            out.push(byte);
            if byte == 0xff {
                out.push(0);
            }
        }
    }

    /// The symbol that holds the size of `value`, and its bits.
    fn value(&mut self, out: &mut Vec<u8>, zero: (u32, u32), value: i32, code: impl Fn(u8) -> (u32, u32)) {
        let size = 32 - value.unsigned_abs().leading_zeros();
        if size == 0 {
            return self.put(out, zero);
        }
        self.put(out, code(size as u8));
        let bits = if value < 0 { value + (1 << size) - 1 } else { value };
        self.put(out, (bits as u32, size));
    }

    /// Fills the last byte with ones.
    fn flush(&mut self, out: &mut Vec<u8>) {
        let free = (8 - self.held % 8) % 8;
        self.put(out, ((1 << free) - 1, free));
    }
}
