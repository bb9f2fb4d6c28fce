//! The items of an AVIF file (AV1 Image File Format 1.1; HEIF, ISO/IEC 23008-12): what there is, where its bytes are, what is said about it.
//!
//! Written here because the parsers on offer read neither grids nor properties such as `irot`, `clap` and `colr`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use calotype_plan::Size;

use super::boxes::{Reader, cut};
use crate::CodecError;

/// Bounds on what a file may list: far above real files, far below what hurts.
const ITEMS_MAX: usize = 4_096;
const PROPERTIES_MAX: usize = 8_192;
const REFERENCES_MAX: usize = 16_384;
const EXTENTS_MAX: usize = 16_384;

/// A property that an item can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Property<'a> {
    /// `ispe`: the size of the item's picture.
    Size(Size),
    /// `av1C`: bits of a sample.
    Depth(u8),
    /// `hvcC`: what a decoder of HEVC has to know first.
    Hevc(&'a [u8]),
    /// `colr` with code points.
    Nclx(Nclx),
    /// `colr` with an ICC profile.
    Icc(&'a [u8]),
    /// `irot`: quarter turns, anticlockwise.
    Turns(u8),
    /// `imir`: 0 top to bottom, 1 left to right.
    Mirror(u8),
    /// `clap`: width, height, horizontal and vertical offset of the centre, each as numerator and denominator.
    Clap([u32; 8]),
    /// `auxC`: what an auxiliary picture is for.
    Auxiliary(&'a [u8]),
    /// `a1op`: the operating point to decode.
    OperatingPoint(u8),
    /// `lsel`: the spatial layer to show.
    Layer(u16),
    /// One that does not change how pixels are decoded.
    Harmless,
    /// One we do not know.
    Unknown([u8; 4]),
}

/// Code points of ITU-T H.273.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Nclx {
    pub(crate) primaries: u16,
    pub(crate) transfer: u16,
    pub(crate) matrix: u16,
    pub(crate) full_range: bool,
}

#[derive(Debug, Default)]
struct Item<'a> {
    kind: [u8; 4],
    /// Of a `mime` item.
    content_type: &'a [u8],
    /// Whether the bytes are in `idat` instead of the file.
    in_idat: bool,
    /// Method 2, references to other items, which AVIF does not use.
    is_indirect: bool,
    extents: Vec<(u64, u64)>,
    /// Position in the list of properties, and whether a reader that does not know the property must refuse the item.
    properties: Vec<(usize, bool)>,
}

#[derive(Debug)]
struct Reference {
    kind: [u8; 4],
    from: u32,
    to: Vec<u32>,
}

/// The `meta` box of a file.
#[derive(Debug, Default)]
pub(crate) struct Items<'a> {
    file: &'a [u8],
    idat: &'a [u8],
    primary: Option<u32>,
    items: BTreeMap<u32, Item<'a>>,
    properties: Vec<Property<'a>>,
    references: Vec<Reference>,
}

impl<'a> Items<'a> {
    /// Reads the payload of a `meta` box inside `file`.
    pub(crate) fn parse(file: &'a [u8], mut meta: Reader<'a>) -> Result<Self, CodecError> {
        let mut this = Self {
            file,
            ..Self::default()
        };
        meta.version()?;
        // Associations may stand before what they refer to, and locations before the list of items: order is no condition.
        while let Some((kind, mut body)) = meta.next_box()? {
            match &kind {
                b"pitm" => {
                    let wide = body.version()?.0 > 0;
                    this.primary = Some(body.id(wide)?);
                }
                b"iinf" => this.item_infos(body)?,
                b"iloc" => this.locations(body)?,
                b"iref" => this.reference_lists(body)?,
                b"iprp" => this.item_properties(body)?,
                b"idat" => this.idat = body.rest(),
                _ => {}
            }
        }
        Ok(this)
    }

    /// The item that stands for the file.
    pub(crate) fn primary(&self) -> Option<u32> {
        self.primary
            .filter(|&id| self.get(id).is_some_and(|item| item.kind != [0; 4]))
    }

    /// The four characters of an item's type.
    pub(crate) fn kind(&self, id: u32) -> [u8; 4] {
        self.get(id).map_or([0; 4], |item| item.kind)
    }

    /// The content type of a `mime` item.
    pub(crate) fn content_type(&self, id: u32) -> &'a [u8] {
        self.get(id).map_or(&[], |item| item.content_type)
    }

    /// The items that `from` refers to by `kind`, in order.
    pub(crate) fn referred(&self, kind: [u8; 4], from: u32) -> impl Iterator<Item = u32> {
        self.references
            .iter()
            .filter(move |r| r.kind == kind && r.from == from)
            .flat_map(|r| r.to.iter().copied())
    }

    /// The items that refer to `to` by `kind`.
    pub(crate) fn referring(&self, kind: [u8; 4], to: u32) -> impl Iterator<Item = u32> {
        self.references
            .iter()
            .filter(move |r| r.kind == kind && r.to.contains(&to))
            .map(|r| r.from)
    }

    /// The properties of an item, in order.
    pub(crate) fn properties(&self, id: u32) -> impl Iterator<Item = Property<'a>> {
        let positions = self.get(id).map_or(&[][..], |item| &item.properties);
        positions.iter().filter_map(|&(at, _)| self.properties.get(at).copied())
    }

    /// Refuses an item with a property that must be understood and is not.
    pub(crate) fn check_essential(&self, id: u32) -> Result<(), CodecError> {
        let positions = self.get(id).map_or(&[][..], |item| &item.properties);
        for &(at, essential) in positions {
            if let (true, Some(Property::Unknown(kind))) = (essential, self.properties.get(at)) {
                return Err(CodecError::unsupported(format!(
                    "the image property \"{}\"",
                    kind.escape_ascii()
                )));
            }
        }
        Ok(())
    }

    /// The size in an item's `ispe`.
    pub(crate) fn size(&self, id: u32) -> Result<Size, CodecError> {
        self.properties(id)
            .find_map(|property| {
                if let Property::Size(size) = property {
                    Some(size)
                } else {
                    None
                }
            })
            .ok_or_else(|| CodecError::corrupt("a picture does not say its size"))
    }

    /// The bytes of an item.
    pub(crate) fn data(&self, id: u32) -> Result<Cow<'a, [u8]>, CodecError> {
        let item = self.get(id).ok_or_else(|| CodecError::corrupt("an item is missing"))?;
        if item.is_indirect {
            return Err(CodecError::unsupported(
                "an item that is built from another item's bytes",
            ));
        }
        let source = if item.in_idat { self.idat } else { self.file };
        let slice = |&(offset, length): &(u64, u64)| {
            let from_offset = source.get(usize::try_from(offset).ok()?..)?;
            // A length of 0 means up to the end.
            if length == 0 {
                Some(from_offset)
            } else {
                from_offset.get(..usize::try_from(length).ok()?)
            }
        };
        match item.extents.as_slice() {
            [] => Err(CodecError::corrupt("an item has no bytes")),
            [extent] => slice(extent).map(Cow::Borrowed).ok_or_else(cut),
            extents => {
                let parts = extents.iter().map(slice).collect::<Option<Vec<_>>>().ok_or_else(cut)?;
                // Parts may overlap in a hostile file; an honest one holds no byte twice.
                if parts.iter().map(|part| part.len() as u64).sum::<u64>() > source.len() as u64 {
                    return Err(CodecError::corrupt("an item is larger than the file"));
                }
                Ok(Cow::Owned(parts.concat()))
            }
        }
    }

    fn get(&self, id: u32) -> Option<&Item<'a>> {
        self.items.get(&id)
    }

    /// The item with this id, made if it is new.
    fn entry(&mut self, id: u32) -> Result<&mut Item<'a>, CodecError> {
        if self.items.len() >= ITEMS_MAX && !self.items.contains_key(&id) {
            return Err(too_many("items", ITEMS_MAX));
        }
        Ok(self.items.entry(id).or_default())
    }

    fn item_infos(&mut self, mut body: Reader<'a>) -> Result<(), CodecError> {
        let (version, _) = body.version()?;
        body.id(version > 0)?;
        while let Some((kind, mut entry)) = body.next_box()? {
            if kind != *b"infe" {
                continue;
            }
            let (version, _) = entry.version()?;
            if version < 2 {
                continue;
            }
            let id = entry.id(version > 2)?;
            let is_protected = entry.u16()? != 0;
            let kind = entry.four()?;
            entry.text();
            let content_type = if kind == *b"mime" { entry.text() } else { &[] };
            // An encrypted item is as good as one of an unknown kind.
            let item = self.entry(id)?;
            item.kind = if is_protected { *b"encr" } else { kind };
            item.content_type = content_type;
        }
        Ok(())
    }

    /// ISO/IEC 14496-12, section 8.11.3.
    fn locations(&mut self, mut body: Reader<'a>) -> Result<(), CodecError> {
        let (version, _) = body.version()?;
        if version > 2 {
            return Err(CodecError::unsupported("this version of an item location box"));
        }
        let [a, b] = body.u16()?.to_be_bytes();
        let (offset_size, length_size, base_size) = (a >> 4, a & 15, b >> 4);
        let index_size = if version > 0 { b & 15 } else { 0 };
        let count = body.id(version == 2)?;
        let mut extents_all = 0usize;
        for _ in 0..count {
            let id = body.id(version == 2)?;
            let method = if version > 0 { body.u16()? & 15 } else { 0 };
            let is_external = body.u16()? != 0;
            let base = body.sized(base_size)?;
            let extent_count = body.u16()?;
            extents_all = extents_all.saturating_add(usize::from(extent_count).max(1));
            if extents_all > EXTENTS_MAX {
                return Err(too_many("pieces of items", EXTENTS_MAX));
            }
            let item = self.entry(id)?;
            item.in_idat = method == 1;
            item.is_indirect = method > 1 || is_external;
            item.extents.clear();
            for _ in 0..extent_count {
                body.sized(index_size)?;
                let offset = body.sized(offset_size)?;
                let length = body.sized(length_size)?;
                item.extents.push((base.checked_add(offset).ok_or_else(cut)?, length));
            }
        }
        Ok(())
    }

    fn reference_lists(&mut self, mut body: Reader<'a>) -> Result<(), CodecError> {
        let wide = body.version()?.0 > 0;
        let mut all = 0usize;
        while let Some((kind, mut list)) = body.next_box()? {
            let from = list.id(wide)?;
            let count = list.u16()?;
            all = all.saturating_add(usize::from(count)).saturating_add(1);
            if all > REFERENCES_MAX {
                return Err(too_many("references", REFERENCES_MAX));
            }
            let to = (0..count).map(|_| list.id(wide)).collect::<Result<_, _>>()?;
            self.references.push(Reference { kind, from, to });
        }
        Ok(())
    }

    fn item_properties(&mut self, mut body: Reader<'a>) -> Result<(), CodecError> {
        while let Some((kind, mut inner)) = body.next_box()? {
            match &kind {
                b"ipco" => {
                    while let Some((kind, property)) = inner.next_box()? {
                        if self.properties.len() >= PROPERTIES_MAX {
                            return Err(too_many("properties", PROPERTIES_MAX));
                        }
                        self.properties.push(property_of(kind, property)?);
                    }
                }
                b"ipma" => self.associations(inner)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn associations(&mut self, mut body: Reader<'a>) -> Result<(), CodecError> {
        let (version, flags) = body.version()?;
        let wide = flags & 1 == 1;
        let mut all = 0usize;
        for _ in 0..body.u32()? {
            let id = body.id(version > 0)?;
            let count = body.u8()?;
            all = all.saturating_add(usize::from(count).max(1));
            if all > PROPERTIES_MAX {
                return Err(too_many("properties of items", PROPERTIES_MAX));
            }
            let item = self.entry(id)?;
            for _ in 0..count {
                let (essential, number) = if wide {
                    let field = body.u16()?;
                    (field >> 15 == 1, usize::from(field & 0x7fff))
                } else {
                    let field = body.u8()?;
                    (field >> 7 == 1, usize::from(field & 0x7f))
                };
                // Numbers count from 1; 0 is no property.
                if let Some(at) = number.checked_sub(1) {
                    item.properties.push((at, essential));
                }
            }
        }
        Ok(())
    }
}

/// One child of `ipco`, or of a sample entry.
pub(crate) fn property_of<'a>(kind: [u8; 4], mut body: Reader<'a>) -> Result<Property<'a>, CodecError> {
    Ok(match &kind {
        b"ispe" => {
            body.version()?;
            Property::Size(Size::new(body.u32()?, body.u32()?))
        }
        b"av1C" => {
            body.u16()?;
            let bits = body.u8()?;
            Property::Depth(match (bits >> 6 & 1, bits >> 5 & 1) {
                (0, _) => 8,
                (_, 0) => 10,
                (_, _) => 12,
            })
        }
        b"hvcC" => Property::Hevc(body.rest()),
        b"colr" => match &body.four()? {
            b"nclx" => Property::Nclx(Nclx {
                primaries: body.u16()?,
                transfer: body.u16()?,
                matrix: body.u16()?,
                full_range: body.u8()? >> 7 == 1,
            }),
            b"prof" | b"rICC" => Property::Icc(body.rest()),
            _ => Property::Harmless,
        },
        b"irot" => Property::Turns(body.u8()? & 3),
        b"imir" => Property::Mirror(body.u8()? & 1),
        b"clap" => {
            let mut numbers = [0; 8];
            for number in &mut numbers {
                *number = body.u32()?;
            }
            Property::Clap(numbers)
        }
        b"auxC" => {
            body.version()?;
            Property::Auxiliary(body.text())
        }
        b"a1op" => Property::OperatingPoint(body.u8()? & 31),
        b"lsel" => Property::Layer(body.u16()?),
        b"pixi" | b"pasp" | b"a1lx" | b"clli" | b"mdcv" | b"cclv" | b"amve" | b"reve" | b"ndwt" | b"rloc" | b"udes"
        | b"altt" | b"crtt" | b"mdft" | b"subs" => Property::Harmless,
        _ => Property::Unknown(kind),
    })
}

fn too_many(what: &str, max: usize) -> CodecError {
    CodecError::unsupported(format!("a file with more than {max} {what}"))
}
