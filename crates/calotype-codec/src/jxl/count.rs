//! How many pictures an animation shows, found by its frames' headers alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use calotype_plan::Limits;
use jxl_bitstream::Bitstream;
use jxl_frame::FrameContext;
use jxl_oxide::image::ImageHeader;
use jxl_oxide::{Frame, JxlThreadPool};
use jxl_oxide_common::Bundle;

use super::container::Container;
use super::head::Head;

/// Shown pictures that are all there: at least one, and at most one more than the limit. What is cut or damaged ends the
/// count.
pub(super) fn count_frames(container: &Container<'_>, head: Head, limits: &Limits) -> u32 {
    let bytes = container.first_bytes(usize::MAX);
    let most = limits.frames_max.saturating_add(1);
    let header = Arc::new(head.header);
    let mut rest = bytes.get(head.length..).unwrap_or_default();
    if header.metadata.preview.is_some() {
        rest = next_frame(rest, &header).map_or(&[], |(_, behind)| behind);
    }
    let mut shown = 0u32;
    // A picture of many layers has many frames for one that is shown; they are bounded as well.
    for _ in 0..most.saturating_mul(4) {
        let Some((frame, behind)) = next_frame(rest, &header) else {
            break;
        };
        rest = behind;
        shown += u32::from(frame.header().is_keyframe());
        if frame.header().is_last || shown >= most {
            break;
        }
    }
    shown.max(1)
}

/// The header of a frame that is all there, and what follows the frame.
fn next_frame<'a>(bytes: &'a [u8], header: &Arc<ImageHeader>) -> Option<(Frame, &'a [u8])> {
    let context = FrameContext {
        image_header: Arc::clone(header),
        tracker: None,
        pool: JxlThreadPool::none(),
    };
    let mut stream = Bitstream::new(bytes);
    let frame = catch_unwind(AssertUnwindSafe(|| Frame::parse(&mut stream, context)))
        .ok()?
        .ok()?;
    let length = (stream.num_read_bits() / 8).checked_add(frame.toc().total_byte_size())?;
    Some((frame, bytes.get(length..)?))
}
