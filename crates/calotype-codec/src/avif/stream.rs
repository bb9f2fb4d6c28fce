//! AVIF to rows of its planes. The decoder needs the whole picture, but nothing has to be converted at full size.

use calotype_plan::Limits;

use super::decode::{color_source, working_bytes};
use super::rav1d::{self, Sampling};
use super::still::Still;
use super::yuv::PlaneConverter;
use crate::stream::Joining;
use crate::{Budget, CodecError, Header, Row, RowSink, Samples, SourceMetadata, StreamLayout, StreamPlane, Streamed};

/// Gives the planes of an opaque still of one cell that is not cut; others are decoded whole.
pub(crate) fn stream(
    bytes: &[u8],
    header: &Header,
    limits: &Limits,
    budget: &Budget,
    sink: &mut dyn RowSink,
) -> Result<Option<Streamed>, CodecError> {
    let still = Still::parse(bytes, limits)?;
    let &[cell] = still.color.cells.as_slice() else {
        return Ok(None);
    };
    let crop = still.crop;
    if still.alpha.is_some() || (crop.left, crop.top) != (0, 0) || crop.size() != still.color.cell {
        return Ok(None);
    }
    if crop.size() != header.size {
        return Err(CodecError::corrupt("the AVIF size changed after it was read"));
    }
    let data = still.data(cell)?;
    let sequence = rav1d::sequence(&data)?;
    let cicp = still.nclx.unwrap_or(sequence.cicp);
    let converter = PlaneConverter::new(cicp, sequence.depth, sequence.sampling)?;
    let samples = match sequence.sampling {
        // What is grey but not of full range goes the other way: few are.
        Sampling::Monochrome if converter.is_jfif() => Samples::Gray,
        Sampling::Monochrome => return Ok(None),
        _ if converter.is_jfif() => Samples::Ycc,
        _ => Samples::Yuv,
    };
    let _working = budget.reserve(working_bytes(&sequence, still.color.cell).saturating_add(data.len() as u64))?;
    let frame = rav1d::decode(&data, still.color.cell, cell.operating_point, cell.layer)?;
    // The charge was for the planes that the sequence header names.
    if (frame.depth, frame.sampling) != (sequence.depth, sequence.sampling) {
        return Err(CodecError::corrupt(
            "the AVIF picture does not have the planes its header says",
        ));
    }
    let chroma = frame.sampling.chroma(frame.size);
    let step = |halved: bool| if halved { 0.5 } else { 1.0 };
    let per_pixel = (
        step(matches!(frame.sampling, Sampling::Half | Sampling::HalfWidth)),
        step(frame.sampling == Sampling::Half),
    );
    let luma = StreamPlane {
        size: frame.size,
        per_pixel: (1.0, 1.0),
    };
    let chroma_plane = StreamPlane {
        size: chroma,
        per_pixel,
    };
    let icc = still.icc.map(<[u8]>::to_vec);
    let color = color_source(icc.clone(), cicp);
    sink.begin(&StreamLayout {
        is_srgb: color.is_srgb(),
        is_deep: frame.depth > 8,
        samples,
        planes: match samples {
            Samples::Gray => vec![luma],
            _ => vec![luma, chroma_plane, chroma_plane],
        },
    })?;
    let planes = if samples == Samples::Gray { 1 } else { 3 };
    for y in 0..frame.size.height {
        for plane in 0..planes {
            let size = if plane == 0 { frame.size } else { chroma };
            // Where chroma is halved, every other turn has none; an odd height has its last row with the last of luma.
            let row = if size.height == frame.size.height {
                y
            } else if y.is_multiple_of(2) {
                y / 2
            } else {
                continue;
            };
            let row = if frame.depth == 8 {
                Row::Eight(frame.row8(plane, row))
            } else {
                Row::Deep(frame.row16(plane, row), frame.depth)
            };
            sink.row(plane, row)?;
        }
    }
    let (exif, xmp) = still.metadata(limits);
    Ok(Some(Streamed {
        color,
        metadata: SourceMetadata {
            exif,
            xmp,
            iptc: None,
            icc,
        },
        joining: if samples == Samples::Yuv {
            Joining::Yuv(converter)
        } else {
            Joining::Plain
        },
    }))
}

#[cfg(test)]
mod tests {
    use calotype_plan::Size;

    use super::*;

    /// What a stream says and gives.
    #[derive(Default)]
    struct Rows {
        layout: Option<StreamLayout>,
        rows: [Vec<Vec<u8>>; 3],
    }

    impl RowSink for Rows {
        fn begin(&mut self, layout: &StreamLayout) -> Result<(), CodecError> {
            self.layout = Some(layout.clone());
            Ok(())
        }

        fn row(&mut self, plane: usize, row: Row<'_>) -> Result<(), CodecError> {
            let Row::Eight(row) = row else {
                return Err(CodecError::corrupt("deep"));
            };
            self.rows[plane].push(row.to_vec());
            Ok(())
        }
    }

    #[test]
    fn planes_come_with_every_row_of_theirs() {
        let size = Size::new(5, 3);
        let picture = crate::Picture::new(size, crate::Layout::Rgb, [200, 40, 90, 255], &Budget::unlimited()).unwrap();
        let bytes = crate::encode(
            &picture,
            &crate::EncodeRequest::Avif { quality: 90 },
            &crate::OutputMetadata::default(),
            &Budget::unlimited(),
        )
        .unwrap();
        let limits = Limits::default();
        let header = crate::probe(&bytes, &limits).unwrap();
        let mut rows = Rows::default();
        let budget = Budget::unlimited();
        let streamed = stream(&bytes, &header, &limits, &budget, &mut rows).unwrap().unwrap();
        assert!(streamed.color.is_srgb());
        let layout = rows.layout.unwrap();
        assert_eq!(layout.samples, Samples::Ycc);
        assert_eq!(layout.planes[1].size, Size::new(3, 2));
        assert_eq!(rows.rows.each_ref().map(Vec::len), [3, 2, 2]);
        // JFIF: 0.299 * 200 + 0.587 * 40 + 0.114 * 90 = 93.5; Cb 126.0; Cr 203.9.
        for (rows, expected) in rows.rows.iter().zip([93.5, 126.0, 203.9]) {
            for &sample in rows.iter().flatten() {
                assert!((f64::from(sample) - expected).abs() < 4.0, "{sample} for {expected}");
            }
        }
        assert_eq!(budget.held(), 0);
    }
}
