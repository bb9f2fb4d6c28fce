//! WebP to rows of its planes. The decoder writes the planes whole, but nothing has to be converted at full size.

use calotype_plan::Limits;

use super::container::Container;
use super::decode::{color_and_metadata, working_bytes};
use super::sys;
use crate::avif::PlaneConverter;
use crate::stream::Joining;
use crate::{
    Budget, Chroma, CodecError, Header, Range, Row, RowSink, Samples, StreamLayout, StreamPlane, Streamed, YccPicture,
};

/// Gives the planes of an opaque, lossy still; others are decoded whole.
pub(crate) fn stream(
    bytes: &[u8],
    header: &Header,
    limits: &Limits,
    budget: &Budget,
    sink: &mut dyn RowSink,
) -> Result<Option<Streamed>, CodecError> {
    let container = Container::parse(bytes, limits)?;
    let coded = sys::features(bytes)?;
    if container.animated || coded.is_lossless || coded.has_alpha {
        return Ok(None);
    }
    if container.size != header.size || coded.size != header.size {
        return Err(CodecError::corrupt("the WebP size changed after it was read"));
    }
    let mut planes = YccPicture::new(coded.size, Chroma::Half, Range::Limited, budget)?;
    let _working = budget.reserve(working_bytes(coded))?;
    let (color, metadata) = color_and_metadata(&container);
    let plane = |index: usize, step: f64| StreamPlane {
        size: planes.plane_size(index),
        per_pixel: (step, step),
    };
    sink.begin(&StreamLayout {
        samples: Samples::YccLimited,
        planes: vec![plane(0, 1.0), plane(1, 0.5), plane(2, 0.5)],
        is_srgb: color.is_srgb(),
        is_deep: false,
    })?;
    sys::decode_planes(bytes, &mut planes)?;
    for index in 0..3 {
        for row in planes
            .plane(index)
            .chunks_exact(planes.plane_size(index).width as usize)
        {
            sink.row(index, Row::Eight(row))?;
        }
    }
    Ok(Some(Streamed {
        color,
        metadata,
        joining: Joining::Yuv(PlaneConverter::limited_bt601()?),
    }))
}

#[cfg(test)]
mod tests {
    use calotype_plan::Size;

    use super::*;
    use crate::{DecodeRequest, EncodeRequest, Layout, OutputMetadata, Picture, decode, encode, probe};

    #[derive(Default)]
    struct Collected {
        samples: Option<Samples>,
        planes: [Vec<u8>; 3],
    }

    impl RowSink for Collected {
        fn begin(&mut self, layout: &StreamLayout) -> Result<(), CodecError> {
            self.samples = Some(layout.samples);
            Ok(())
        }

        fn row(&mut self, plane: usize, row: Row<'_>) -> Result<(), CodecError> {
            let Row::Eight(row) = row else {
                return Err(CodecError::corrupt("deep"));
            };
            self.planes[plane].extend_from_slice(row);
            Ok(())
        }
    }

    fn webp(layout: Layout, lossless: bool) -> Vec<u8> {
        let size = Size::new(37, 21);
        let data = (0..size.area())
            .flat_map(|at| {
                let at = (at % 37 * 5) as u8;
                let pixel = [at, 200 - at, 90, at];
                pixel[..layout.channels()].to_vec()
            })
            .collect();
        let picture = Picture::from_raw(size, layout, data).unwrap();
        let request = EncodeRequest::Webp { quality: 90, lossless };
        encode(&picture, &request, &OutputMetadata::default(), &Budget::unlimited()).unwrap()
    }

    #[test]
    fn the_planes_are_those_of_the_decoded_picture() {
        let bytes = webp(Layout::Rgb, false);
        let (limits, budget) = (Limits::default(), Budget::unlimited());
        let header = probe(&bytes, &limits).unwrap();
        let mut got = Collected::default();
        let streamed = stream(&bytes, &header, &limits, &budget, &mut got).unwrap().unwrap();
        assert_eq!(got.samples, Some(Samples::YccLimited));
        assert!(streamed.color.is_srgb());
        let decoded = decode(&bytes, &header, &DecodeRequest::default(), &limits, &budget).unwrap();
        for (pixel, &luma) in decoded.picture.data().as_chunks::<3>().0.iter().zip(&got.planes[0]) {
            // BT.601 in limited range.
            let [r, g, b] = pixel.map(f64::from);
            let expected = 16.0 + (0.299 * r + 0.587 * g + 0.114 * b) * 219.0 / 255.0;
            assert!((f64::from(luma) - expected).abs() < 1.6, "{pixel:?}: {luma}");
        }
        assert_eq!((got.planes[1].len(), got.planes[2].len()), (19 * 11, 19 * 11));
        drop(decoded);
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn what_has_no_planes_or_not_these_alone_is_decoded_whole() {
        let (limits, budget) = (Limits::default(), Budget::unlimited());
        for bytes in [webp(Layout::Rgba, false), webp(Layout::Rgb, true)] {
            let header = probe(&bytes, &limits).unwrap();
            let mut got = Collected::default();
            assert!(stream(&bytes, &header, &limits, &budget, &mut got).unwrap().is_none());
            assert_eq!(got.samples, None);
        }
    }

    #[test]
    fn a_file_that_is_cut_is_refused() {
        let bytes = webp(Layout::Rgb, false);
        let (limits, budget) = (Limits::default(), Budget::unlimited());
        let header = probe(&bytes, &limits).unwrap();
        let cut = &bytes[..bytes.len() - 20];
        let mut got = Collected::default();
        assert!(stream(cut, &header, &limits, &budget, &mut got).is_err());
        assert_eq!(budget.held(), 0);
    }
}
