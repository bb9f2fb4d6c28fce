//! What comes before the scan: tables and headers (ITU-T T.81 B.2). Anything unusual is left to libjpeg.

use super::huffman::Codes;

/// One component, as frame and scan header tell it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Component {
    /// Blocks of an MCU: across, down.
    pub(super) sampling: (u32, u32),
    pub(super) quantization: [u16; 64],
    /// Index of its Huffman tables.
    pub(super) differences: usize,
    pub(super) values: usize,
}

/// Headers, and the data of the scan behind them.
#[derive(Debug)]
pub(super) struct Headers<'a> {
    pub(super) size: (u32, u32),
    pub(super) components: Vec<Component>,
    /// The largest sampling factors: those of an MCU.
    pub(super) sampling_max: (u32, u32),
    pub(super) differences: [Option<Codes<'a>>; 4],
    pub(super) values: [Option<Codes<'a>>; 4],
    /// MCUs between restart markers, 0: none.
    pub(super) restart_interval: u32,
    pub(super) data: &'a [u8],
}

#[derive(Debug, Clone, Copy)]
struct FrameComponent {
    id: u8,
    sampling: (u32, u32),
    quantization: u8,
}

impl<'a> Headers<'a> {
    /// Reads up to the data of the scan.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(&[0xff, 0xd8])?;
        let mut quantization = [None; 4];
        let mut differences = [None; 4];
        let mut values = [None; 4];
        let mut restart_interval = 0;
        let mut frame = None;
        loop {
            rest = rest.strip_prefix(&[0xff])?;
            let (&marker, after) = rest.split_first()?;
            if marker == 0xff {
                continue;
            }
            let length = usize::from(u16::from_be_bytes(*after.first_chunk()?));
            let segment = after.get(2..length)?;
            rest = after.get(length..)?;
            match marker {
                0xc0 | 0xc1 if frame.is_none() => frame = Some(read_frame(segment)?),
                0xc4 => read_codes(segment, &mut differences, &mut values)?,
                0xdb => read_quantization(segment, &mut quantization)?,
                0xdd => restart_interval = u16::from_be_bytes(segment.try_into().ok()?).into(),
                0xe0..=0xef | 0xfe => {}
                0xda => {
                    let (size, frame) = frame?;
                    let (components, sampling_max) = read_scan(segment, &frame, &quantization)?;
                    for component in &components {
                        let sizes: &Option<Codes<'_>> = differences.get(component.differences)?;
                        sizes.as_ref().filter(|codes| codes.are_sizes())?;
                        values.get(component.values)?.as_ref()?;
                    }
                    return Some(Self {
                        size,
                        components,
                        sampling_max,
                        differences,
                        values,
                        restart_interval,
                        data: rest,
                    });
                }
                _ => return None,
            }
        }
    }
}

type Frame = ((u32, u32), Vec<FrameComponent>);

fn read_frame(segment: &[u8]) -> Option<Frame> {
    let (&[precision, h1, h0, w1, w0, count], rest) = segment.split_first_chunk::<6>()?;
    let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
    let (of_components, left) = rest.as_chunks::<3>();
    if precision != 8
        || width == 0
        || height == 0
        || !matches!(count, 1 | 3 | 4)
        || of_components.len() != usize::from(count)
        || !left.is_empty()
    {
        return None;
    }
    let components: Vec<_> = of_components
        .iter()
        .map(|&[id, sampling, quantization]| FrameComponent {
            id,
            sampling: (u32::from(sampling >> 4), u32::from(sampling & 15)),
            quantization,
        })
        .collect();
    let in_range = components
        .iter()
        .all(|c| (1..=4).contains(&c.sampling.0) && (1..=4).contains(&c.sampling.1));
    let are_distinct = (1..components.len()).all(|at| {
        let (before, after) = components.split_at(at);
        after.first().is_some_and(|c| before.iter().all(|b| b.id != c.id))
    });
    (in_range && are_distinct).then(|| ((u32::from(width), u32::from(height)), components))
}

/// The components of a scan that holds all of them, and the largest sampling factors.
fn read_scan(
    segment: &[u8],
    frame: &[FrameComponent],
    quantization: &[Option<[u16; 64]>; 4],
) -> Option<(Vec<Component>, (u32, u32))> {
    let (&count, rest) = segment.split_first()?;
    let (selectors, &[0, 63, 0]) = rest.split_last_chunk::<3>()? else {
        return None;
    };
    let (selectors, []) = selectors.as_chunks::<2>() else {
        return None;
    };
    if usize::from(count) != frame.len() || selectors.len() != frame.len() {
        return None;
    }
    let mut components = Vec::with_capacity(frame.len());
    for (component, &[id, tables]) in frame.iter().zip(selectors) {
        if component.id != id {
            return None;
        }
        components.push(Component {
            // A component alone is coded block by block, whatever its factors (A.2.2).
            sampling: if frame.len() == 1 { (1, 1) } else { component.sampling },
            quantization: (*quantization.get(usize::from(component.quantization))?)?,
            differences: usize::from(tables >> 4),
            values: usize::from(tables & 15),
        });
    }
    let across = components.iter().map(|c| c.sampling.0).max()?;
    let down = components.iter().map(|c| c.sampling.1).max()?;
    let blocks: u32 = components.iter().map(|c| c.sampling.0 * c.sampling.1).sum();
    let are_whole = components
        .iter()
        .all(|c| across.is_multiple_of(c.sampling.0) && down.is_multiple_of(c.sampling.1));
    (are_whole && blocks <= 10).then_some((components, (across, down)))
}

fn read_quantization(mut segment: &[u8], tables: &mut [Option<[u16; 64]>; 4]) -> Option<()> {
    while let Some((&kind, rest)) = segment.split_first() {
        let mut table = [0; 64];
        segment = match kind >> 4 {
            0 => {
                let (steps, rest) = rest.split_first_chunk::<64>()?;
                table = steps.map(u16::from);
                rest
            }
            1 => {
                let (steps, rest) = rest.split_first_chunk::<128>()?;
                for (to, &from) in table.iter_mut().zip(steps.as_chunks::<2>().0) {
                    *to = u16::from_be_bytes(from);
                }
                rest
            }
            _ => return None,
        };
        *tables.get_mut(usize::from(kind & 15))? = Some(table);
    }
    Some(())
}

fn read_codes<'a>(
    mut segment: &'a [u8],
    differences: &mut [Option<Codes<'a>>; 4],
    values: &mut [Option<Codes<'a>>; 4],
) -> Option<()> {
    while !segment.is_empty() {
        let (&[kind], rest) = segment.split_first_chunk::<1>()?;
        let (counts, rest) = rest.split_first_chunk::<16>()?;
        let count: usize = counts.iter().map(|&count| usize::from(count)).sum();
        let (symbols, rest) = rest.split_at_checked(count).filter(|_| count <= 256)?;
        segment = rest;
        let tables = match kind >> 4 {
            0 => &mut *differences,
            1 => &mut *values,
            _ => return None,
        };
        *tables.get_mut(usize::from(kind & 15))? = Some(Codes::new(*counts, symbols)?);
    }
    Some(())
}
