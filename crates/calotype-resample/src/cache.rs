//! Weights that were made before. Making them is a few hundredths of a small job, and a service makes the same sizes over and over.

use std::sync::{Arc, Mutex, PoisonError};

use crate::spec::{Axis, Filter};
use crate::weights::{Horizontal, Vertical};

/// Bytes of weights that are kept. Those of a photograph for a page are some 50 to 100 kB.
const BYTES_MAX: usize = 4 << 20;

/// Sets of weights that are kept: they are looked through one by one.
const SETS_MAX: usize = 128;

/// What weights depend on. Numbers are compared by their bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    source: u32,
    start: u64,
    length: u64,
    output: u32,
    filter: Filter,
    /// Of a horizontal axis, what the weights add up to.
    factor: Option<u64>,
}

impl Key {
    fn new(axis: &Axis, factor: Option<f64>) -> Self {
        Self {
            source: axis.source,
            start: axis.start.to_bits(),
            length: axis.length.to_bits(),
            output: axis.output,
            filter: axis.filter,
            factor: factor.map(f64::to_bits),
        }
    }
}

#[derive(Debug, Clone)]
enum Set {
    Vertical(Arc<Vertical>),
    Horizontal(Arc<Horizontal>),
}

impl Set {
    fn bytes(&self) -> usize {
        match self {
            Self::Vertical(weights) => weights.bytes(),
            Self::Horizontal(weights) => weights.bytes(),
        }
    }
}

/// The last used at the end.
static KEPT: Mutex<Vec<(Key, Set)>> = Mutex::new(Vec::new());

pub(crate) fn vertical(axis: &Axis) -> Arc<Vertical> {
    let key = Key::new(axis, None);
    if let Some(Set::Vertical(weights)) = find(&key) {
        return weights;
    }
    let weights = Arc::new(Vertical::new(axis));
    keep(key, Set::Vertical(Arc::clone(&weights)));
    weights
}

pub(crate) fn horizontal(axis: &Axis, factor: f64) -> Arc<Horizontal> {
    let key = Key::new(axis, Some(factor));
    if let Some(Set::Horizontal(weights)) = find(&key) {
        return weights;
    }
    let weights = Arc::new(Horizontal::new(axis, factor));
    keep(key, Set::Horizontal(Arc::clone(&weights)));
    weights
}

fn find(key: &Key) -> Option<Set> {
    // A panic elsewhere leaves the list whole.
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let index = kept.iter().rposition(|(known, _)| known == key)?;
    let found = kept.remove(index);
    let set = found.1.clone();
    kept.push(found);
    Some(set)
}

fn keep(key: Key, set: Set) {
    // A quarter, so that one large picture does not drive out all others.
    if set.bytes() > BYTES_MAX / 4 {
        return;
    }
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    // Another thread may have made the same meanwhile.
    kept.retain(|(known, _)| *known != key);
    kept.push((key, set));
    let mut bytes: usize = kept.iter().map(|(_, set)| set.bytes()).sum();
    let mut dropped = 0;
    for (_, set) in kept.iter() {
        if bytes <= BYTES_MAX && kept.len() - dropped <= SETS_MAX {
            break;
        }
        bytes -= set.bytes();
        dropped += 1;
    }
    kept.drain(..dropped);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_bounded_and_keeps_what_was_used_last() {
        let first = Axis::whole(97, 31);
        let made = vertical(&first);
        for output in 1..400 {
            vertical(&Axis::whole(5000, output));
            assert!(Arc::ptr_eq(&made, &vertical(&first)));
        }
        let kept = KEPT.lock().unwrap();
        assert!(kept.len() <= SETS_MAX);
        assert!(kept.iter().map(|(_, set)| set.bytes()).sum::<usize>() <= BYTES_MAX);
    }
}
