//! The segments between scans: tables, restart interval, frame and scan headers (ITU-T T.81 annex B).

use super::bits::Huffman;
use crate::CodecError;

/// The tables in force.
#[derive(Debug, Default)]
pub(super) struct Tables {
    /// In the order of the zigzag.
    pub(super) quantization: [Option<[u16; 64]>; 4],
    pub(super) dc: [Option<Huffman>; 4],
    pub(super) ac: [Option<Huffman>; 4],
    /// Units between restarts; 0 for none.
    pub(super) restart_interval: u32,
}

impl Tables {
    /// Takes a DQT segment.
    pub(super) fn quantization(&mut self, mut segment: &[u8]) -> Result<(), CodecError> {
        let bad = || CodecError::corrupt("a quantisation table is bad or missing");
        while let Some((&head, rest)) = segment.split_first() {
            let wide = head >> 4 != 0;
            let bytes = rest.get(..if wide { 128 } else { 64 }).ok_or_else(bad)?;
            segment = rest.get(bytes.len()..).unwrap_or_default();
            let mut table = [0; 64];
            if wide {
                for (to, &from) in table.iter_mut().zip(bytes.as_chunks::<2>().0) {
                    *to = u16::from_be_bytes(from);
                }
            } else {
                table.iter_mut().zip(bytes).for_each(|(to, &from)| *to = from.into());
            }
            *self.quantization.get_mut(usize::from(head & 15)).ok_or_else(bad)? = Some(table);
        }
        Ok(())
    }

    /// Takes a DHT segment.
    pub(super) fn huffman(&mut self, mut segment: &[u8]) -> Result<(), CodecError> {
        let bad = || CodecError::corrupt("a Huffman table is bad or missing");
        while let Some((&head, rest)) = segment.split_first() {
            let (counts, rest) = rest.split_first_chunk::<16>().ok_or_else(bad)?;
            let length: usize = counts.iter().map(|&count| usize::from(count)).sum();
            let values = rest.get(..length).ok_or_else(bad)?;
            segment = rest.get(length..).unwrap_or_default();
            let kind = match head >> 4 {
                0 => &mut self.dc,
                1 => &mut self.ac,
                _ => return Err(bad()),
            };
            *kind.get_mut(usize::from(head & 15)).ok_or_else(bad)? = Some(Huffman::new(counts, values)?);
        }
        Ok(())
    }
}

/// A table that a scan names.
pub(super) fn named(tables: &[Option<Huffman>; 4], index: u8) -> Result<&Huffman, CodecError> {
    tables
        .get(usize::from(index))
        .and_then(Option::as_ref)
        .ok_or_else(|| CodecError::corrupt("a Huffman table is bad or missing"))
}

/// The header of a scan (SOS).
#[derive(Debug)]
pub(super) struct Scan {
    /// Index of the component in the frame, its DC table and its AC table.
    pub(super) components: Vec<(usize, u8, u8)>,
    /// First coefficient, or the predictor of a lossless scan.
    pub(super) start: u8,
    /// Last coefficient.
    pub(super) end: u8,
    /// The bit position of the scan before; 0 for the first.
    pub(super) high: u8,
    /// The bit position, or the point transform of a lossless scan.
    pub(super) low: u8,
}

impl Scan {
    /// Reads a header; `ids` are those of the frame's components.
    pub(super) fn read(segment: &[u8], ids: &[u8]) -> Result<Self, CodecError> {
        let bad = || CodecError::corrupt("the header of a pass is bad");
        let (&count, rest) = segment.split_first().ok_or_else(bad)?;
        let selectors = rest.get(..usize::from(count) * 2).ok_or_else(bad)?;
        let &[start, end, bits] = rest
            .get(selectors.len()..)
            .and_then(|rest| rest.first_chunk())
            .ok_or_else(bad)?;
        let mut components: Vec<(usize, u8, u8)> = Vec::new();
        for &[id, tables] in selectors.as_chunks::<2>().0 {
            let index = ids.iter().position(|&known| known == id).ok_or_else(bad)?;
            if components.iter().any(|&(taken, ..)| taken == index) {
                return Err(bad());
            }
            components.push((index, tables >> 4, tables & 15));
        }
        if components.is_empty() {
            return Err(bad());
        }
        Ok(Self {
            components,
            start,
            end,
            high: bits >> 4,
            low: bits & 15,
        })
    }
}
