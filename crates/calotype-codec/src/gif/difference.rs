//! What of a frame must be drawn, over what its predecessor leaves behind.

use calotype_plan::{Rect, Size};
use gif::DisposalMethod;

use super::table::TRANSPARENT;
use crate::frames::{bounds, places, union};

/// The colours on the canvas.
#[derive(Debug, Default)]
pub(super) struct Canvas {
    /// What a viewer sees, `[0; 4]` where nothing is.
    pub(super) shown: Vec<[u8; 4]>,
    /// The true colour that `shown` stands for. New frames are compared with it, not with the frame before, so that a
    /// slow fade is never lost in small steps.
    pub(super) meant: Vec<[u8; 4]>,
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
    /// What was shown and meant below `place`.
    pub(super) below: Vec<([u8; 4], [u8; 4])>,
}

impl Drawn {
    /// Grows the place, with transparent pixels, to hold `more`.
    fn grow(&mut self, more: Rect, canvas: &Canvas, canvas_width: u32) {
        let place = union(self.place, more);
        if place == self.place {
            return;
        }
        let (left, top) = (self.place.left - place.left, self.place.top - place.top);
        let width = self.place.width as usize;
        let mut indices = vec![TRANSPARENT; places(place, canvas_width).count()];
        let mut below: Vec<_> = places(place, canvas_width)
            .map(|at| {
                let of = |pixels: &[[u8; 4]]| pixels.get(at).copied().unwrap_or_default();
                (of(&canvas.shown), of(&canvas.meant))
            })
            .collect();
        let inner = Rect::new(left, top, self.place.width, self.place.height);
        let old = self.indices.iter().zip(&self.below);
        for (at, (&index, &pixel)) in places(inner, place.width).zip(old) {
            if let (Some(to), Some(to_below)) = (indices.get_mut(at), below.get_mut(at)) {
                (*to, *to_below) = (index, pixel);
            }
        }
        debug_assert!(width <= place.width as usize);
        (self.place, self.indices, self.below) = (place, indices, below);
    }
}

/// Settles how `last` is disposed of so that `target` can follow, and changes `canvas` to what is then left.
/// `delay_max` is the longest a frame can be shown.
pub(super) fn dispose(last: &mut Drawn, canvas: &mut Canvas, target: &[[u8; 4]], size: Size, delay_max: u64) {
    // Drawing makes pixels opaque, never transparent: only disposal does.
    let must_clear = |at: usize| {
        matches!((canvas.shown.get(at), target.get(at)), (Some(shown), Some(wanted)) if shown[3] != 0 && wanted[3] == 0)
    };
    let Some(clear) = bounds(size, must_clear) else {
        return;
    };
    let restores = restored_pixels(last, canvas, target, size.width).filter(|_| last.delay <= delay_max);
    let grown = union(last.place, clear);
    let cleared = places(grown, size.width)
        .filter(|&at| target.get(at).is_some_and(|wanted| wanted[3] != 0))
        .count();
    if restores.is_some_and(|drawn| drawn < cleared) {
        last.dispose = DisposalMethod::Previous;
        for (at, &(shown, meant)) in places(last.place, size.width).zip(&last.below) {
            if let (Some(to_shown), Some(to_meant)) = (canvas.shown.get_mut(at), canvas.meant.get_mut(at)) {
                (*to_shown, *to_meant) = (shown, meant);
            }
        }
    } else {
        last.dispose = DisposalMethod::Background;
        last.grow(clear, canvas, size.width);
        for at in places(grown, size.width) {
            if let (Some(to_shown), Some(to_meant)) = (canvas.shown.get_mut(at), canvas.meant.get_mut(at)) {
                (*to_shown, *to_meant) = ([0; 4], [0; 4]);
            }
        }
    }
}

/// Pixels to be drawn if what was below `last` comes back; `None` if that leaves pixels that must be transparent.
fn restored_pixels(last: &Drawn, canvas: &Canvas, target: &[[u8; 4]], width: u32) -> Option<usize> {
    let mut drawn = 0;
    for (at, (below, meant)) in places(last.place, width).zip(&last.below) {
        let wanted = target.get(at)?;
        if wanted[3] == 0 && below[3] != 0 {
            return None;
        }
        drawn += usize::from(wanted != meant);
    }
    // Outside of its place nothing comes back.
    let mut is_inside = vec![false; canvas.shown.len()];
    places(last.place, width).for_each(|at| {
        if let Some(inside) = is_inside.get_mut(at) {
            *inside = true;
        }
    });
    let stays_wrong = canvas
        .shown
        .iter()
        .zip(target)
        .zip(is_inside)
        .any(|((shown, wanted), inside)| !inside && shown[3] != 0 && wanted[3] == 0);
    (!stays_wrong).then_some(drawn)
}
