//! What a task will cost in bytes, from headers alone.

use calotype_codec::Header;
use calotype_plan::{ImageFormat, Limits, Op, SourceFacts, Text};

use crate::task::Task;

/// Bytes of a decoded pixel, with alpha.
const PIXEL_BYTES: u64 = 4;

/// The bytes that a task will hold at its worst moment: its files, and the pixels that their headers announce. An estimate on the high side.
///
/// Files that the engine will refuse at sight (no image, over a limit) cost their own bytes alone.
pub(crate) fn bytes(task: &Task, limits: &Limits) -> u64 {
    let files = task
        .overlay_files()
        .fold(task.source.len(), |sum, overlay| sum.saturating_add(overlay.len()));
    let fonts = task.fonts.values().fold(0_u64, |sum, font| {
        // What is packed is unpacked beside it.
        let unpacked = calotype_text::unpacked_bytes(font).ok().flatten().unwrap_or(0);
        sum.saturating_add(font.len() as u64).saturating_add(unpacked)
    });
    let source = match &task.plan.canvas {
        Some(text) => source_bytes(task, &text_header(text), limits),
        None => acceptable(&task.source, limits).map_or(0, |header| source_bytes(task, &header, limits)),
    };
    // Overlays are decoded one after the other, and each is held once as it was stored and once as it is laid on; one
    // with overlays of its own is held while they are laid on it.
    let overlay = task
        .overlay_files()
        .filter_map(|bytes| acceptable(bytes, limits))
        .chain(task.plan.texts().into_iter().map(text_header))
        .map(|header| decoded_bytes(&header))
        .max();
    (files as u64)
        .saturating_add(fonts)
        .saturating_add(source)
        .saturating_add(
            overlay
                .unwrap_or(0)
                .saturating_mul(2)
                .saturating_mul(depth(&task.plan.ops).max(1)),
        )
}

/// Overlays on overlays: how many are held at once.
fn depth(ops: &[Op]) -> u64 {
    let of = |op: &Op| match op {
        Op::Draw(draw) => depth(&draw.ops).saturating_add(1),
        _ => 0,
    };
    ops.iter().map(of).max().unwrap_or(0)
}

/// A text before its font is known, as an image.
fn text_header(text: &Text) -> Header {
    Header::new(ImageFormat::Png, text.size_estimate())
}

fn source_bytes(task: &Task, header: &Header, limits: &Limits) -> u64 {
    let is_jpeg = header.format == ImageFormat::Jpeg;
    let facts = SourceFacts {
        stored: header.size,
        orientation: header.orientation,
        scalable: is_jpeg,
        holds_coefficients: is_jpeg && header.progressive,
    };
    let pixels = match task.plan.cost(facts, limits) {
        // Frames one at a time: beside what a still needs, the decoder keeps a canvas or two, and so does the encoder.
        Ok(cost) if header.is_animated() && !task.plan.output.still => cost
            .memory_peak_bytes
            .saturating_add(decoded_bytes(header).saturating_mul(2))
            .saturating_add(cost.output_px.saturating_mul(PIXEL_BYTES * 3)),
        Ok(cost) => cost.memory_peak_bytes,
        // The engine meets the same refusal, but perhaps only after decoding.
        Err(_) => decoded_bytes(header),
    };
    // Deeper samples are held once as decoded, beside the 8-bit picture.
    let deep = if header.bit_depth > 8 {
        decoded_bytes(header).saturating_mul(2)
    } else {
        0
    };
    pixels.saturating_add(deep)
}

fn decoded_bytes(header: &Header) -> u64 {
    header.size.area().saturating_mul(PIXEL_BYTES)
}

/// The header of a file that the engine would go on to decode.
fn acceptable(bytes: &[u8], limits: &Limits) -> Option<Header> {
    let header = calotype_codec::probe(bytes, limits).ok()?;
    header.check(limits).ok()?;
    Some(header)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use calotype_codec::{Budget, EncodeRequest, Layout, OutputMetadata, Picture, encode};
    use calotype_plan::{ClientHints, Options, Plan, Size};

    use super::*;

    pub(crate) fn png(width: u32, height: u32) -> Bytes {
        let budget = Budget::unlimited();
        let picture = Picture::new(Size::new(width, height), Layout::Rgb, [9, 9, 9, 255], &budget).expect("a picture");
        let request = EncodeRequest::Png {
            palette: calotype_codec::PaletteUse::Never,
            fast: true,
            quality: 100,
        };
        encode(&picture, &request, &OutputMetadata::default(), &budget)
            .expect("encoded")
            .into()
    }

    pub(crate) fn plan(options: &str) -> Arc<Plan> {
        let options = Options::parse_url(options, &Limits::default()).expect("valid options");
        Arc::new(options.plan(&ClientHints::default()).plan)
    }

    fn task(source: Bytes) -> Task {
        Task {
            source,
            ..Task::default()
        }
    }

    #[test]
    fn a_picture_costs_at_least_its_pixels_however_small_its_file() {
        let source = png(3000, 2000);
        assert!(source.len() < 200_000);
        let cost = bytes(&task(source), &Limits::default());
        assert!(cost >= 3000 * 2000 * 4, "{cost}");
        assert!(cost <= 3000 * 2000 * 4 * 4, "{cost}");
    }

    #[test]
    fn what_is_refused_at_sight_costs_its_bytes_alone() {
        assert_eq!(
            bytes(
                &task(Bytes::from_static(b"<html>not a picture</html>")),
                &Limits::default()
            ),
            26
        );
        let source = png(300, 200);
        let limits = Limits {
            side_px_max: 299,
            ..Limits::default()
        };
        assert_eq!(bytes(&task(source.clone()), &limits), source.len() as u64);
    }

    #[test]
    fn the_largest_overlay_is_charged_on_top() {
        let plain = task(png(10, 10));
        let mut with_overlays = plain.clone();
        with_overlays.overlays.insert("a".into(), png(1000, 1000));
        with_overlays.overlays.insert("b".into(), png(10, 10));
        let files: usize = with_overlays.overlays.values().map(Bytes::len).sum();
        let added = bytes(&with_overlays, &Limits::default()) - bytes(&plain, &Limits::default());
        assert_eq!(added, files as u64 + 1000 * 1000 * 4 * 2);
    }

    #[test]
    fn what_the_plan_makes_is_charged() {
        let small = task(png(100, 100));
        let enlarged = Task {
            plan: plan("w=2000,h=2000,fit=cover"),
            ..small.clone()
        };
        let cost = bytes(&enlarged, &Limits::default());
        assert!(cost >= 2000 * 2000 * 4, "{cost}");
        assert!(bytes(&small, &Limits::default()) < 1_000_000);
    }

    #[test]
    fn a_plan_that_will_be_refused_still_pays_for_decoding() {
        let refused = Task {
            plan: plan("w=11000,border.width=2000"),
            ..task(png(11_000, 10))
        };
        let cost = bytes(&refused, &Limits::default());
        assert!(cost >= 11_000 * 10 * 4, "{cost}");
    }
}
