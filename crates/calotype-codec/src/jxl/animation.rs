//! Frames of an animation.

use std::num::NonZeroU32;
use std::time::Duration;

use calotype_plan::Limits;

use super::container::Container;
use super::decode::{check_same, metadata, writer};
use super::frames::{Failure, Frames, animation_bytes, with_memory};
use super::head::Head;
use super::pixels::Writer;
use crate::animation::{Animation, FrameSource, Loops};
use crate::{Budget, CodecError, Frame, Header, Reservation};

/// Begins to decode all frames. The library keeps every frame that it has rendered, so memory for all of them is charged
/// at once.
pub(crate) fn decode_animation<'a>(
    bytes: &'a [u8],
    header: &Header,
    limits: &Limits,
    budget: &Budget,
) -> Result<Animation<'a>, CodecError> {
    let container = Container::parse(bytes, limits)?;
    let head = Head::read(&container, limits)?;
    check_same(&head, header)?;
    let ((frames, writer, left), working) =
        with_memory(budget, animation_bytes(&head, &container, header.frames), |tracker| {
            let mut frames = Frames::open(&container, &head, limits, tracker)?;
            let (writer, left) = writer(&mut frames, &head, header, false)?;
            Ok((frames, writer, left))
        })?;
    let (loops, tick) = match &head.header.metadata.animation {
        Some(animation) => (
            NonZeroU32::new(animation.num_loops).map_or(Loops::Forever, Loops::Times),
            // Seconds of a tick, as a fraction.
            (
                u128::from(animation.tps_denominator),
                u128::from(animation.tps_numerator.max(1)),
            ),
        ),
        None => (Loops::ONCE, (0, 1)),
    };
    let metadata = metadata(&container, limits, left.icc);
    let source = Source {
        frames,
        writer,
        tick,
        next: 0,
        working,
        budget: budget.clone(),
    };
    Ok(Animation::new(loops, left.color, metadata, source))
}

struct Source<'a> {
    frames: Frames<'a>,
    writer: Writer,
    tick: (u128, u128),
    next: usize,
    working: Reservation,
    budget: Budget,
}

impl FrameSource for Source<'_> {
    fn next_frame(&mut self) -> Result<Option<Frame>, CodecError> {
        let allowed = self.working.bytes();
        let index = self.next;
        let loaded = self.frames.load(index.saturating_add(1));
        match loaded {
            Ok(loaded) if loaded > index => {}
            // What is cut or damaged after its first frame plays what is whole.
            Ok(_) | Err(Failure::Codec(CodecError::Corrupt { .. })) if index > 0 => return Ok(None),
            Ok(_) => return Err(CodecError::corrupt("the file ends before the picture does")),
            Err(failure) => return Err(failure.into_error(allowed)),
        }
        let render = self
            .frames
            .render(index)
            .map_err(|failure| failure.into_error(allowed))?;
        let picture = self
            .writer
            .picture(&render, &self.budget)
            .map_err(|failure| failure.into_error(allowed))?;
        self.next = index.saturating_add(1);
        let (numerator, denominator) = self.tick;
        let nanoseconds = u128::from(render.duration()) * numerator * 1_000_000_000 / denominator;
        Ok(Some(Frame {
            picture,
            duration: Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX)),
        }))
    }
}
