//! Weights of the horizontal pass where samples of the result lie close together: up to two samples of the source apart.
//!
//! Four neighbours then take their samples from the same few, so one load and one shuffle serve all four, where otherwise each has its own.

use crate::weights::{GROUP, Wide};

/// Outputs that share a window.
const HALF: usize = GROUP / 2;

/// Samples of a window.
const WINDOW: u32 = 8;

/// Groups of [`GROUP`] outputs, each in two halves. Of weights 2k and 2k + 1 of the outputs of a half, all samples are in the window that begins 2k samples
/// behind the base of the half.
#[derive(Debug)]
#[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(dead_code))]
pub(crate) struct Near {
    /// Of each group, where the first window of each half begins.
    bases: Vec<[u32; 2]>,
    /// Of each group, which bytes of the windows belong to its outputs: two samples each.
    places: Vec<[u8; GROUP * 4]>,
    /// Of each group, pair by pair, two weights of each output.
    weights: Vec<i16>,
    /// Pairs of weights of an output.
    pairs: usize,
    /// Whether weights 2k + 2 and 2k + 3 find their samples in the window of 2k too.
    close: bool,
    /// Samples that a plane must have.
    reach: usize,
}

#[cfg_attr(not(any(target_arch = "x86_64", target_arch = "aarch64")), allow(dead_code))]
impl Near {
    /// Nothing where outputs are too far apart.
    pub(crate) fn new(wide: &Wide, longest: usize) -> Option<Self> {
        let outputs: Vec<(u32, &[i32])> = wide.iter().collect();
        let groups = outputs.len().div_ceil(GROUP);
        let pairs = longest.div_ceil(2);
        let mut near = Self {
            bases: Vec::with_capacity(groups),
            places: Vec::with_capacity(groups),
            weights: vec![0; groups * pairs * GROUP * 2],
            pairs,
            close: true,
            reach: 0,
        };
        let blocks = near.weights.chunks_exact_mut(pairs * GROUP * 2);
        for (group, block) in outputs.chunks(GROUP).zip(blocks) {
            let mut bases = [0; 2];
            let mut places = [0; GROUP * 4];
            for ((half, base), places) in group
                .chunks(HALF)
                .zip(&mut bases)
                .zip(places.chunks_exact_mut(HALF * 4))
            {
                *base = half.iter().map(|&(start, _)| start).min().unwrap_or_default();
                for (&(start, _), places) in half.iter().zip(places.as_chunks_mut::<4>().0) {
                    let from = start - *base;
                    if from + 2 > WINDOW {
                        return None;
                    }
                    near.close &= from + 4 <= WINDOW;
                    let first = u8::try_from(from * 2).ok()?;
                    *places = [first, first + 1, first + 2, first + 3];
                }
            }
            near.reach = bases.iter().fold(near.reach, |reach, &base| {
                reach.max(base as usize + pairs.saturating_sub(1) * 2 + WINDOW as usize)
            });
            near.bases.push(bases);
            near.places.push(places);
            for (output, &(_, own)) in group.iter().enumerate() {
                for (both, pair) in own.chunks(2).zip(block.chunks_exact_mut(GROUP * 2)) {
                    let place = output * 2;
                    if let Some(places) = pair.get_mut(place..place + both.len()) {
                        for (place, &weight) in places.iter_mut().zip(both) {
                            // Within range by the choice of `bits`.
                            *place = i16::try_from(weight).unwrap_or_default();
                        }
                    }
                }
            }
        }
        Some(near)
    }

    pub(crate) fn bases(&self) -> &[[u32; 2]] {
        &self.bases
    }

    pub(crate) fn places(&self) -> &[[u8; GROUP * 4]] {
        &self.places
    }

    /// As many as there are bases, times [`Near::pairs`], times 16.
    pub(crate) fn weights(&self) -> &[i16] {
        &self.weights
    }

    pub(crate) fn pairs(&self) -> usize {
        self.pairs
    }

    /// Whether two pairs of weights can share a window, the second 4 bytes further on.
    pub(crate) fn close(&self) -> bool {
        self.close
    }

    /// No window goes beyond this many samples. For kernels that read without looking.
    pub(crate) fn reach(&self) -> usize {
        self.reach
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bases.capacity() * 8 + self.places.capacity() * GROUP * 4 + self.weights.capacity() * 2
    }
}

#[cfg(test)]
mod tests {
    use super::Near;
    use crate::plan::Plan;
    use crate::spec::{Axis, Channels, Spec};
    use crate::weights::{Horizontal, Weights};

    #[test]
    fn outputs_up_to_two_samples_apart_are_near_and_their_windows_lie_within_a_plane() {
        // Whether they are, and whether two pairs of weights share a window.
        for (axis, near) in [
            (Axis::whole(1, 900), Some(true)),
            (Axis::whole(400, 800), Some(true)),
            (Axis::whole(2016, 2017), Some(true)),
            (Axis::whole(1008, 800), Some(true)),
            (Axis::whole(640, 333), Some(false)),
            (Axis::whole(64, 32), Some(false)),
            (Axis::part(900, -3.25, 804.5, 512), Some(false)),
            (Axis::whole(2016, 800), None),
            (Axis::whole(4032, 200), None),
        ] {
            let plan = Plan::new(&Spec::new(axis, axis, Channels::One), false);
            let Weights::Narrow(narrow) = Horizontal::new(&axis, 1.0).kind else {
                panic!("{axis:?} has a long filter")
            };
            assert_eq!(narrow.near().map(Near::close), near, "{axis:?}");
            assert!(narrow.near().is_none_or(|near| near.reach() <= plan.plane), "{axis:?}");
            assert!(narrow.reach() <= plan.plane, "{axis:?}");
        }
    }
}
