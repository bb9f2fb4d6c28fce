//! JPEG to rows of its planes.

use calotype_plan::{Limits, Size};

use super::baseline::{Baseline, Stop};
use super::decode::{check, check_end, denominator, is_deep, metadata};
use super::sys::{Decompressor, PlaneColor, Planes};
use crate::color::CmykToSrgb;
use crate::stream::Joining;
use crate::{
    Budget, CodecError, ColorSource, DecodeRequest, Header, Row, RowSink, Samples, StreamLayout, StreamPlane, Streamed,
};

/// Whether a file of this kind may come in planes.
pub(crate) fn can_stream(header: &Header) -> bool {
    header.bit_depth == 8
}

/// Decodes at the wanted scale to planes as they are stored, a row of blocks at a time. What is refused, and what is
/// passed over, is as in [`super::decode`].
pub(crate) fn stream(
    bytes: &[u8],
    header: &Header,
    request: &DecodeRequest,
    limits: &Limits,
    budget: &Budget,
    sink: &mut dyn RowSink,
) -> Result<Option<Streamed>, CodecError> {
    let checked = check(bytes, limits, budget)?;
    let structure = &checked.structure;
    let frame = structure.frame()?;
    if is_deep(frame) {
        return Ok(None);
    }
    let mut library = Decompressor::open(bytes)?;
    let scale = denominator(request);
    let planes = library.start_planes(scale)?;
    if planes.stored != header.size {
        return Err(CodecError::corrupt("its frame header changes"));
    }
    let icc = structure.icc();
    let is_inks = matches!(planes.color, PlaneColor::Cmyk | PlaneColor::Ycck);
    let color = match &icc {
        Some(icc) if !is_inks => ColorSource::from_icc(icc.clone()),
        _ => ColorSource::Srgb,
    };
    let layout = StreamLayout {
        is_srgb: color.is_srgb(),
        is_deep: false,
        samples: match planes.color {
            PlaneColor::Gray => Samples::Gray,
            PlaneColor::Ycc => Samples::Ycc,
            PlaneColor::Rgb => Samples::RgbPlanes,
            PlaneColor::Cmyk | PlaneColor::Ycck => Samples::Inks,
        },
        planes: planes
            .shapes
            .iter()
            .map(|shape| StreamPlane {
                size: shape.size,
                per_pixel: shape.per_pixel,
            })
            .collect(),
    };
    if !by_own_decoder(bytes, scale, &layout, budget, sink)? {
        by_library(&mut library, &planes, &layout, budget, sink)?;
        check_end(bytes, structure, &library)?;
        if library.is_damaged() {
            // Noise has values that are no colours. Where they are cut off to colours makes a difference, so a damaged
            // file goes the way that browsers go, pixel by pixel.
            return Ok(None);
        }
    }
    drop(library);

    let joining = if is_inks {
        Joining::Inks {
            conversion: Box::new(CmykToSrgb::new(icc.as_deref())),
            is_ycck: planes.color == PlaneColor::Ycck,
        }
    } else {
        Joining::Plain
    };
    let icc = if is_inks { None } else { icc };
    Ok(Some(Streamed {
        color,
        metadata: metadata(structure, icc, limits),
        joining,
    }))
}

/// Decodes what our own decoder covers and finds in order. False if the library has to do it, from the start.
fn by_own_decoder(
    bytes: &[u8],
    scale: u8,
    layout: &StreamLayout,
    budget: &Budget,
    sink: &mut dyn RowSink,
) -> Result<bool, CodecError> {
    let Some(decoder) = Baseline::open(bytes, scale) else {
        return Ok(false);
    };
    let shapes = decoder
        .shapes()
        .iter()
        .map(|shape| Size::new(shape.width, shape.height));
    if !shapes.eq(layout.planes.iter().map(|plane| plane.size)) {
        return Ok(false);
    }
    let _working = budget.reserve(decoder.working_bytes())?;
    sink.begin(layout)?;
    match decoder.decode(&mut |plane, row| sink.row(plane, Row::Eight(row))) {
        Ok(()) => Ok(true),
        Err(Stop::Irregular) => Ok(false),
        Err(Stop::Sink(error)) => Err(error),
    }
}

fn by_library(
    library: &mut Decompressor<'_>,
    planes: &Planes,
    layout: &StreamLayout,
    budget: &Budget,
    sink: &mut dyn RowSink,
) -> Result<(), CodecError> {
    sink.begin(layout)?;
    let _held = budget.reserve(planes.shapes.iter().map(|shape| shape.buffer_bytes() as u64).sum())?;
    let mut buffers = planes.buffers();
    let mut given = [0u32; 4];
    for _ in 0..planes.turns() {
        library.read_planes(planes, &mut buffers)?;
        let planes = planes.shapes.iter().zip(&buffers).zip(&mut given).enumerate();
        for (plane, ((shape, buffer), given)) in planes {
            let rows = (shape.size.height - *given).min(shape.rows);
            *given += rows;
            for row in buffer.chunks_exact(shape.stride as usize).take(rows as usize) {
                sink.row(
                    plane,
                    Row::Eight(row.get(..shape.size.width as usize).unwrap_or_default()),
                )?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Chroma, EncodeRequest, Layout, OutputMetadata, Picture, Range, YccPicture, decode, encode, encode_planes, probe,
    };

    /// What a stream says and gives.
    #[derive(Default)]
    struct Collected {
        layout: Option<StreamLayout>,
        planes: [Vec<u8>; 4],
    }

    impl RowSink for Collected {
        fn begin(&mut self, layout: &StreamLayout) -> Result<(), CodecError> {
            self.layout = Some(layout.clone());
            self.planes.iter_mut().for_each(Vec::clear);
            Ok(())
        }

        fn row(&mut self, plane: usize, row: Row<'_>) -> Result<(), CodecError> {
            let Row::Eight(row) = row else {
                return Err(CodecError::corrupt("deep"));
            };
            assert_eq!(
                row.len(),
                self.layout.as_ref().unwrap().planes[plane].size.width as usize
            );
            self.planes[plane].extend_from_slice(row);
            Ok(())
        }
    }

    fn ramp(size: Size) -> Picture {
        let mut data = Vec::new();
        for y in 0..size.height {
            for x in 0..size.width {
                data.extend([(x * 3 % 256) as u8, (y * 2 % 256) as u8, ((x + y) % 256) as u8]);
            }
        }
        Picture::from_raw(size, Layout::Rgb, data).unwrap()
    }

    fn jpeg(picture: &Picture, quality: u8) -> Vec<u8> {
        let request = EncodeRequest::Jpeg {
            quality,
            progressive: false,
        };
        encode(picture, &request, &OutputMetadata::default(), &Budget::unlimited()).unwrap()
    }

    fn planes(bytes: &[u8], scale: u8) -> Collected {
        let (limits, budget) = (Limits::default(), Budget::unlimited());
        let header = probe(bytes, &limits).unwrap();
        let mut collected = Collected::default();
        let request = DecodeRequest {
            scale,
            keep_colors: false,
        };
        stream(bytes, &header, &request, &limits, &budget, &mut collected)
            .unwrap()
            .unwrap();
        assert_eq!(budget.held(), 0);
        for (shape, plane) in collected.layout.as_ref().unwrap().planes.iter().zip(&collected.planes) {
            assert_eq!(plane.len() as u64, shape.size.area());
        }
        collected
    }

    #[test]
    fn planes_of_full_chroma_are_those_of_the_decoded_picture() {
        let size = Size::new(83, 45);
        let bytes = jpeg(&ramp(size), 95);
        let got = planes(&bytes, 1);
        let mut picture = YccPicture::new(size, Chroma::Full, Range::Full, &Budget::unlimited()).unwrap();
        for plane in 0..3 {
            picture.plane_mut(plane).copy_from_slice(&got.planes[plane]);
        }
        let limits = Limits::default();
        let header = probe(&bytes, &limits).unwrap();
        let decoded = decode(
            &bytes,
            &header,
            &DecodeRequest::default(),
            &limits,
            &Budget::unlimited(),
        )
        .unwrap();
        let rgb = picture.into_rgb(&Budget::unlimited()).unwrap();
        let far = rgb
            .data()
            .iter()
            .zip(decoded.picture.data())
            .filter(|(a, b)| a.abs_diff(**b) > 1)
            .count();
        assert_eq!(far, 0);
    }

    #[test]
    fn half_chroma_is_raised_to_the_size_of_scaled_luma() {
        // 4:2:0, odd sides: sizes by hand.
        let bytes = jpeg(&ramp(Size::new(83, 45)), 80);
        for (scale, luma, chroma, per_pixel) in [
            (1, Size::new(83, 45), Size::new(42, 23), 0.5),
            (2, Size::new(42, 23), Size::new(42, 23), 0.5),
            (4, Size::new(21, 12), Size::new(21, 12), 0.25),
            (8, Size::new(11, 6), Size::new(11, 6), 0.125),
        ] {
            let layout = planes(&bytes, scale).layout.unwrap();
            assert_eq!(layout.samples, Samples::Ycc);
            assert_eq!(layout.planes[0].size, luma, "1/{scale}");
            assert_eq!(layout.planes[2].size, chroma, "1/{scale}");
            assert_eq!(layout.planes[2].per_pixel, (per_pixel, per_pixel));
            assert_eq!(layout.planes[0].per_pixel.0, 1.0 / f64::from(scale));
        }
    }

    #[test]
    fn planes_that_are_written_come_back() {
        let budget = Budget::unlimited();
        for (size, chroma) in [
            (Size::new(83, 45), Chroma::Half),
            (Size::new(83, 45), Chroma::Full),
            (Size::new(1, 1), Chroma::Half),
            (Size::new(16, 33), Chroma::Half),
        ] {
            let mut picture = YccPicture::new(size, chroma, Range::Full, &budget).unwrap();
            for plane in 0..3 {
                let width = picture.plane_size(plane).width as usize;
                for (at, sample) in picture.plane_mut(plane).iter_mut().enumerate() {
                    *sample = (40 + 30 * plane + at % width * 2 + at / width) as u8;
                }
            }
            for progressive in [false, true] {
                let request = EncodeRequest::Jpeg {
                    quality: 100,
                    progressive,
                };
                let bytes = encode_planes(&picture, &request, &OutputMetadata::default(), &budget).unwrap();
                let back = planes(&bytes, 1);
                for plane in 0..3 {
                    let pairs = picture.plane(plane).iter().zip(&back.planes[plane]);
                    let worst = pairs.map(|(a, b)| a.abs_diff(*b)).max().unwrap();
                    assert!(worst <= 3, "{size} {chroma:?} plane {plane}: {worst}");
                }
            }
        }
    }
}
