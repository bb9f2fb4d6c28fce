//! Writing an AVIF file (AV1 Image File Format 1.1, MIAF): one picture, its mask, and metadata that other muxers leave out: XMP and ICC.

use calotype_plan::Size;

use super::rav1d::{Sampling, Sequence};
use crate::{CodecError, OutputMetadata};

const COLOR_ID: u16 = 1;
const ALPHA_ID: u16 = 2;
const EXIF_ID: u16 = 3;
const XMP_ID: u16 = 4;

/// Marks a property that a reader must understand.
const ESSENTIAL: u8 = 0x80;

/// An AV1 bitstream and what its sequence header says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stream<'a> {
    pub(super) data: &'a [u8],
    pub(super) sequence: Sequence,
}

/// Puts a file together. Bytes that a reader needs first come first: boxes, metadata, mask, colours.
pub(super) fn file(
    size: Size,
    color: Stream<'_>,
    alpha: Option<Stream<'_>>,
    metadata: &OutputMetadata,
) -> Result<Vec<u8>, CodecError> {
    // An Exif item begins with the offset of its TIFF header.
    let exif = metadata.exif.as_deref().map(|exif| [&[0; 4], exif].concat());
    let items = [
        (EXIF_ID, exif.as_deref()),
        (XMP_ID, metadata.xmp.as_deref()),
        (ALPHA_ID, alpha.map(|alpha| alpha.data)),
        (COLOR_ID, Some(color.data)),
    ];
    let items: Vec<(u16, &[u8])> = items
        .into_iter()
        .filter_map(|(id, data)| data.map(|data| (id, data)))
        .collect();
    // Offsets have a fixed length, so the boxes before the data have the same length whatever the offsets are.
    let head = |data_at: usize| -> Option<Vec<u8>> {
        let mut head = boxed(b"ftyp", &[b"avif\0\0\0\0avifmif1miaf"])?;
        head.extend(meta(size, &items, data_at, color, alpha, metadata)?);
        Some(head)
    };
    let assemble = || -> Option<Vec<u8>> {
        let data_at = head(0)?.len().checked_add(8)?;
        let mut out = head(data_at)?;
        let data: Vec<&[u8]> = items.iter().map(|&(_, data)| data).collect();
        out.extend(boxed(b"mdat", &data)?);
        Some(out)
    };
    assemble().ok_or_else(|| CodecError::encode("the AVIF file is too large; choose a lower quality or a smaller size"))
}

fn meta(
    size: Size,
    items: &[(u16, &[u8])],
    data_at: usize,
    color: Stream<'_>,
    alpha: Option<Stream<'_>>,
    metadata: &OutputMetadata,
) -> Option<Vec<u8>> {
    let handler = full_box(b"hdlr", 0, &[&[0; 4], b"pict", &[0; 13]])?;
    let primary = full_box(b"pitm", 0, &[&COLOR_ID.to_be_bytes()])?;
    let count = u16::try_from(items.len()).ok()?.to_be_bytes();
    let (mut locations, mut infos, mut references) = (Vec::new(), Vec::new(), Vec::new());
    let mut at = data_at;
    for &(id, data) in items {
        locations.extend(id.to_be_bytes());
        locations.extend([0, 0, 0, 1]);
        locations.extend(u32::try_from(at).ok()?.to_be_bytes());
        locations.extend(u32::try_from(data.len()).ok()?.to_be_bytes());
        at = at.checked_add(data.len())?;
        let kind: &[u8] = match id {
            EXIF_ID => b"Exif\0",
            XMP_ID => b"mime\0application/rdf+xml\0",
            ALPHA_ID => b"av01Alpha\0",
            _ => b"av01Color\0",
        };
        infos.extend(full_box(b"infe", 2 << 24, &[&id.to_be_bytes(), &[0, 0], kind])?);
        let relation = match id {
            EXIF_ID | XMP_ID => b"cdsc",
            ALPHA_ID => b"auxl",
            _ => continue,
        };
        references.extend(boxed(relation, &[&id.to_be_bytes(), &[0, 1], &COLOR_ID.to_be_bytes()])?);
    }
    let locations = full_box(b"iloc", 0, &[&[0x44, 0], &count, &locations])?;
    let infos = full_box(b"iinf", 0, &[&count, &infos])?;
    let references = if references.is_empty() {
        Vec::new()
    } else {
        full_box(b"iref", 0, &[&references])?
    };
    let properties = properties(size, color, alpha, metadata.icc.as_deref())?;
    full_box(
        b"meta",
        0,
        &[&handler, &primary, &locations, &infos, &references, &properties],
    )
}

fn properties(size: Size, color: Stream<'_>, alpha: Option<Stream<'_>>, icc: Option<&[u8]>) -> Option<Vec<u8>> {
    let (mut all, mut count) = (Vec::new(), 0u8);
    let mut add = |property: Vec<u8>| -> Option<u8> {
        all.extend(property);
        count = count.checked_add(1)?;
        Some(count)
    };
    let extent = add(full_box(
        b"ispe",
        0,
        &[&size.width.to_be_bytes(), &size.height.to_be_bytes()],
    )?)?;
    let cicp = color.sequence.cicp;
    let nclx: Vec<u8> = [cicp.primaries, cicp.transfer, cicp.matrix]
        .iter()
        .flat_map(|code| code.to_be_bytes())
        .collect();
    let mut of_color = vec![
        extent,
        ESSENTIAL | add(av1c(color.sequence)?)?,
        add(full_box(b"pixi", 0, &[&[3, 8, 8, 8]])?)?,
        add(boxed(b"colr", &[b"nclx", &nclx, &[u8::from(cicp.full_range) << 7]])?)?,
    ];
    if let Some(icc) = icc {
        of_color.push(add(boxed(b"colr", &[b"prof", icc])?)?);
    }
    let mut associations = vec![(COLOR_ID, of_color)];
    if let Some(alpha) = alpha {
        let of_alpha = vec![
            extent,
            ESSENTIAL | add(av1c(alpha.sequence)?)?,
            add(full_box(b"pixi", 0, &[&[1, 8]])?)?,
            add(full_box(
                b"auxC",
                0,
                &[b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"],
            )?)?,
        ];
        associations.push((ALPHA_ID, of_alpha));
    }
    let mut listed = u32::try_from(associations.len()).ok()?.to_be_bytes().to_vec();
    for (id, properties) in associations {
        listed.extend(id.to_be_bytes());
        listed.push(u8::try_from(properties.len()).ok()?);
        listed.extend(properties);
    }
    boxed(
        b"iprp",
        &[&boxed(b"ipco", &[&all])?, &full_box(b"ipma", 0, &[&listed])?],
    )
}

/// AV1CodecConfigurationRecord (AV1 in ISOBMFF, section 2.3), which must agree with the sequence header.
fn av1c(sequence: Sequence) -> Option<Vec<u8>> {
    let (monochrome, x, y) = match sequence.sampling {
        Sampling::Monochrome => (1, 1, 1),
        Sampling::Half => (0, 1, 1),
        Sampling::HalfWidth => (0, 1, 0),
        Sampling::Full => (0, 0, 0),
    };
    let depth = match sequence.depth {
        8 => 0,
        10 => 0b10,
        _ => 0b11,
    };
    let planes = sequence.tier << 7 | depth << 5 | monochrome << 4 | x << 3 | y << 2;
    boxed(b"av1C", &[&[0x81, sequence.profile << 5 | sequence.level, planes, 0]])
}

fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Option<Vec<u8>> {
    let length = parts.iter().try_fold(8usize, |sum, part| sum.checked_add(part.len()))?;
    let mut out = Vec::with_capacity(length);
    out.extend(u32::try_from(length).ok()?.to_be_bytes());
    out.extend(kind);
    parts.iter().for_each(|part| out.extend_from_slice(part));
    Some(out)
}

/// A box with version (the high byte) and flags.
fn full_box(kind: &[u8; 4], version: u32, parts: &[&[u8]]) -> Option<Vec<u8>> {
    let version = version.to_be_bytes();
    let mut all: Vec<&[u8]> = Vec::with_capacity(parts.len() + 1);
    all.push(&version);
    all.extend_from_slice(parts);
    boxed(kind, &all)
}
