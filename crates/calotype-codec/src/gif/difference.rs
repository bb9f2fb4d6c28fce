//! What of a frame must be drawn, over what its predecessor leaves behind.

use calotype_plan::{Rect, Size};
use gif::DisposalMethod;

use super::table::TRANSPARENT;
use crate::frames::{bounds, places, union};

/// What a pixel shows and what is meant by it.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Pixel {
    /// What a viewer sees, `[0; 4]` if nothing.
    pub(super) shown: [u8; 4],
    /// The true colour that `shown` stands for. New frames are compared with it.
    pub(super) meant: [u8; 4],
}

/// A frame that is ready but for what happens to it when its time is over, which its successor decides.
#[derive(Debug)]
pub(super) struct Drawn {
    pub(super) place: Rect,
    /// One per pixel of `place`.
    pub(super) indices: Vec<u8>,
    /// The colours, RGB, if they are not those of the shared table.
    pub(super) table: Option<Vec<u8>>,
    pub(super) dispose: DisposalMethod,
    /// How long it is shown, in hundredths of a second.
    pub(super) delay: u64,
    /// What was on the canvas below `place`.
    pub(super) below: Vec<Pixel>,
    /// Whether nothing was drawn before it.
    pub(super) is_first: bool,
}

impl Drawn {
    /// Grows the place, with transparent pixels. What lies below is not kept: it will be cleared.
    fn grow(&mut self, place: Rect) {
        self.below = Vec::new();
        if place == self.place {
            return;
        }
        let mut indices = vec![TRANSPARENT; place.width as usize * place.height as usize];
        let (left, top) = (self.place.left - place.left, self.place.top - place.top);
        let inner = Rect::new(left, top, self.place.width, self.place.height);
        for (at, &index) in places(inner, place.width).zip(&self.indices) {
            if let Some(to) = indices.get_mut(at) {
                *to = index;
            }
        }
        (self.place, self.indices) = (place, indices);
    }
}

/// Settles how `last` is disposed of so that `target` can follow, and gives the place that is cleared then. On the
/// `canvas` there, what `target` shows too is left standing as it was, to be drawn again; the rest is gone. `delay_max`
/// is the longest a frame can be shown.
pub(super) fn dispose(
    last: &mut Drawn,
    canvas: &mut [Pixel],
    target: &[[u8; 4]],
    size: Size,
    delay_max: u64,
) -> Option<Rect> {
    // Drawing makes pixels opaque, never transparent: only disposal does.
    let must_clear = |at: usize| matches!((canvas.get(at), target.get(at)), (Some(pixel), Some(wanted)) if pixel.shown[3] != 0 && wanted[3] == 0);
    let clear = bounds(size, must_clear)?;
    // A frame that is shown longer than one can be is carried on by others, and what was below is then unknown. Viewers
    // disagree on what was below the first.
    let restored =
        restored_pixels(last, canvas, target, size.width).filter(|_| last.delay <= delay_max && !last.is_first);
    let cleared = union(last.place, clear);
    let redrawn = places(cleared, size.width)
        .filter(|&at| target.get(at).is_some_and(|wanted| wanted[3] != 0))
        .count();
    if restored.is_some_and(|drawn| drawn < redrawn) {
        last.dispose = DisposalMethod::Previous;
        for (at, &below) in places(last.place, size.width).zip(&last.below) {
            if let Some(pixel) = canvas.get_mut(at) {
                *pixel = below;
            }
        }
        return None;
    }
    last.dispose = DisposalMethod::Background;
    last.grow(cleared);
    for at in places(cleared, size.width) {
        if let (Some(pixel), Some(wanted)) = (canvas.get_mut(at), target.get(at))
            && pixel.meant != *wanted
        {
            *pixel = Pixel::default();
        }
    }
    Some(cleared)
}

/// Pixels to be drawn if what was below `last` comes back; `None` if that leaves pixels that must be transparent.
fn restored_pixels(last: &Drawn, canvas: &[Pixel], target: &[[u8; 4]], width: u32) -> Option<usize> {
    let mut shown: Vec<bool> = canvas.iter().map(|pixel| pixel.shown[3] != 0).collect();
    let mut drawn = 0;
    for (at, below) in places(last.place, width).zip(&last.below) {
        *shown.get_mut(at)? = below.shown[3] != 0;
        drawn += usize::from(*target.get(at)? != below.meant);
    }
    let stays_wrong = shown.iter().zip(target).any(|(&shown, wanted)| shown && wanted[3] == 0);
    (!stays_wrong).then_some(drawn)
}
