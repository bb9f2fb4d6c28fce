//! JPEG with more than 8 bits or without loss, which the other decoder does not read: extended sequential and
//! progressive frames of 12 bits, and lossless frames of 2 to 16 bits, Huffman coded (ITU-T T.81). Grey and three
//! components. Such files come from scanners, cameras and medical devices; browsers do not show them.
//!
//! - `tables` and `bits`: segments, and the bits of scans.
//! - `coefficients` and `inverse`: DCT frames.
//! - `lossless`: the other frames.
//! - `output`: planes to a picture of 8 bits.
//!
//! Damage of any kind is an error: nobody has a custom of showing half of such a picture.

mod bits;
mod coefficients;
mod inverse;
mod lossless;
mod output;
mod tables;

use calotype_plan::Limits;

use super::markers::{Coding, Structure, next_marker};
use crate::{Budget, CodecError, DecodeRequest, Decoded, SourceMetadata};
use coefficients::Component;
use inverse::Cosines;
use lossless::Samples;
use output::{Colors, Plane};
use tables::{Scan, Tables};

/// Decodes at full size. `structure` is that of the whole file, whose passes are within the limits.
pub(super) fn decode(
    bytes: &[u8],
    structure: Structure<'_>,
    request: &DecodeRequest,
    limits: &Limits,
    budget: &Budget,
) -> Result<Decoded, CodecError> {
    let frame = structure.frame()?;
    let samples_each = match frame.components.len() {
        1 => 1,
        3 => 3,
        _ => return Err(CodecError::unsupported("JPEG with more than 8 bits in four components")),
    };
    let is_lossless = frame.coding == Coding::Lossless;
    match (is_lossless, frame.is_arithmetic, frame.precision) {
        (true, false, 2..=16) | (false, false, 12) => {}
        (_, true, _) => {
            return Err(CodecError::unsupported(
                "JPEG with more than 8 bits in arithmetic coding",
            ));
        }
        _ => {
            return Err(CodecError::corrupt(
                "its samples have a number of bits that JPEG does not know",
            ));
        }
    }
    let has_bad_sampling = |c: &super::markers::Component| {
        !(1..=4).contains(&c.horizontal)
            || !(1..=4).contains(&c.vertical)
            || (is_lossless && c.horizontal != c.vertical)
    };
    if frame.components.iter().any(has_bad_sampling) {
        return Err(CodecError::corrupt("the sampling factors are bad"));
    }
    // Coefficients, and the planes that are made of them one after the other; lossless planes are coded as they are.
    let planes = frame.size.area().saturating_mul(samples_each * 2);
    let _working = budget.reserve(if is_lossless {
        planes
    } else {
        structure.coefficient_bytes().saturating_mul(2)
    })?;
    let colors = Colors::of(&structure, is_lossless)?;
    let planes = if is_lossless {
        lossless_planes(bytes, &structure)?
    } else {
        transformed_planes(bytes, &structure)?
    };
    let icc = structure.icc();
    let (picture, color) = output::picture(frame.size, &planes, colors, icc.clone(), request, budget)?;
    let bounded = |block: &[u8]| (block.len() <= limits.metadata_bytes_max).then(|| block.to_vec());
    Ok(Decoded {
        picture,
        scale: 1,
        metadata: SourceMetadata {
            exif: structure.exif.and_then(bounded),
            xmp: structure.xmp.and_then(bounded),
            iptc: structure.iptc(),
            icc: icc.filter(|_| !color.is_srgb()),
        },
        color,
    })
}

fn transformed_planes(bytes: &[u8], structure: &Structure<'_>) -> Result<Vec<Plane>, CodecError> {
    let frame = structure.frame()?;
    let (width, height) = (frame.size.width as usize, frame.size.height as usize);
    let most = |side: fn(&super::markers::Component) -> u8| {
        usize::from(frame.components.iter().map(side).max().unwrap_or(1).max(1))
    };
    let (h_max, v_max) = (most(|c| c.horizontal), most(|c| c.vertical));
    let units = (width.div_ceil(8 * h_max), height.div_ceil(8 * v_max));
    // Samples of a component that belong to the picture.
    let extent = |c: &super::markers::Component| {
        (
            (width * usize::from(c.horizontal)).div_ceil(h_max),
            (height * usize::from(c.vertical)).div_ceil(v_max),
        )
    };
    let mut components: Vec<Component> = frame
        .components
        .iter()
        .map(|c| {
            let (across, down) = extent(c);
            let blocks = (across.div_ceil(8), down.div_ceil(8));
            let sampling = (usize::from(c.horizontal), usize::from(c.vertical));
            Component::new(sampling, blocks, units, c.quantization)
        })
        .collect();
    let progressive = frame.coding == Coding::Progressive;
    for_each_scan(bytes, structure, |data, scan, tables| {
        coefficients::read(data, scan, progressive, tables, &mut components, units)
    })?;
    if components.iter().any(|component| component.table.is_none()) || (progressive && !structure.is_whole()) {
        return Err(CodecError::corrupt("the file ends before the picture does"));
    }
    let cosines = Cosines::new();
    let planes = components.into_iter().zip(&frame.components).map(|(component, c)| {
        let (width, height) = extent(c);
        Plane {
            stride: component.blocks.0 * 8,
            width,
            height,
            shift: 0,
            scale: (
                f32::from(c.horizontal) / h_max as f32,
                f32::from(c.vertical) / v_max as f32,
            ),
            samples: cosines.samples(&component),
        }
    });
    Ok(planes.collect())
}

fn lossless_planes(bytes: &[u8], structure: &Structure<'_>) -> Result<Vec<Plane>, CodecError> {
    let frame = structure.frame()?;
    let (width, height) = (frame.size.width as usize, frame.size.height as usize);
    let first = frame.components.first().map(|c| c.horizontal);
    if frame.components.iter().any(|c| Some(c.horizontal) != first) {
        return Err(CodecError::unsupported(
            "lossless JPEG with components of different sizes",
        ));
    }
    let mut components: Vec<Samples> = frame
        .components
        .iter()
        .map(|_| Samples {
            values: vec![0; width * height],
            shift: None,
        })
        .collect();
    for_each_scan(bytes, structure, |data, scan, tables| {
        lossless::read(data, scan, frame.precision, width, tables, &mut components)
    })?;
    components
        .into_iter()
        .map(|component| {
            Ok(Plane {
                stride: width,
                width,
                height,
                scale: (1.0, 1.0),
                shift: component
                    .shift
                    .ok_or_else(|| CodecError::corrupt("the file ends before the picture does"))?,
                samples: component.values,
            })
        })
        .collect()
}

/// Walks over the segments, and lets `read` take each scan: its data, its header and the tables in force. It gives what
/// follows the scan.
fn for_each_scan<'a>(
    bytes: &'a [u8],
    structure: &Structure<'_>,
    mut read: impl FnMut(&'a [u8], &Scan, &Tables) -> Result<&'a [u8], CodecError>,
) -> Result<(), CodecError> {
    let ids: Vec<u8> = structure.frame()?.components.iter().map(|c| c.id).collect();
    let bad = || CodecError::corrupt("a segment has a bad length");
    let mut tables = Tables::default();
    let mut rest = bytes.strip_prefix(&[0xff, 0xd8]).ok_or(CodecError::NotAnImage)?;
    while let Some((marker, after)) = next_marker(rest) {
        rest = after;
        match marker {
            0xd9 => break,
            0x01 | 0xd0..=0xd8 => continue,
            _ => {}
        }
        let Some(length) = rest.first_chunk().map(|&b| usize::from(u16::from_be_bytes(b))) else {
            break;
        };
        let segment = rest.get(2..length).ok_or_else(bad)?;
        rest = rest.get(length..).unwrap_or_default();
        match marker {
            0xdb => tables.quantization(segment)?,
            0xc4 => tables.huffman(segment)?,
            0xdd => tables.restart_interval = segment.first_chunk().map_or(0, |&b| u16::from_be_bytes(b).into()),
            0xda => rest = read(rest, &Scan::read(segment, &ids)?, &tables)?,
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
