//! Prepared conversions, kept: building one costs as much as converting half a megapixel.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::cmyk::Inks;
use super::convert::{self, Conversion, IccMeaning};

/// What a profile was found to mean.
#[derive(Clone)]
enum Meaning {
    Converts(Arc<Conversion>),
    /// Inks, which nothing else than [`CmykToSrgb`](super::CmykToSrgb) asks for.
    ConvertsInks(Arc<Inks>),
    Srgb,
    Unusable,
}

type Key = [u8; 32];

/// Entries, most recently used first. A prepared conversion holds about a megabyte of tables, for inks up to three.
static RECENT: Mutex<VecDeque<(Key, Meaning)>> = Mutex::new(VecDeque::new());
const ENTRIES_MAX: usize = 24;

/// The conversion by an ICC profile; `None` if there is nothing to do or the profile cannot be used.
pub(super) fn icc(icc: &[u8]) -> Option<Arc<Conversion>> {
    match meaning_of_icc(icc) {
        Meaning::Converts(conversion) => Some(conversion),
        Meaning::Srgb | Meaning::ConvertsInks(_) | Meaning::Unusable => None,
    }
}

/// Whether an ICC profile is sRGB.
pub(super) fn icc_is_srgb(icc: &[u8]) -> bool {
    matches!(meaning_of_icc(icc), Meaning::Srgb)
}

/// The conversion by code points; `None` if there is nothing to do.
pub(super) fn cicp(primaries: u8, transfer: u8) -> Option<Arc<Conversion>> {
    let mut key = [0; 32];
    (key[0], key[1]) = (primaries, transfer);
    match look_up(key, || {
        convert::from_cicp(primaries, transfer).map_or(Meaning::Srgb, |c| Meaning::Converts(Arc::new(c)))
    }) {
        Meaning::Converts(conversion) => Some(conversion),
        Meaning::Srgb | Meaning::ConvertsInks(_) | Meaning::Unusable => None,
    }
}

/// The conversion of four inks by an ICC profile that `make` prepares: its tables take tens of milliseconds. `None` if the
/// profile is for something else.
pub(super) fn inks(icc: &[u8], make: impl FnOnce(&[u8]) -> Option<Inks>) -> Option<Arc<Inks>> {
    // Asked for inks and asked for colours, a profile means different things.
    let mut digest = Sha256::new();
    digest.update(b"inks");
    digest.update(icc);
    match look_up(digest.finalize().into(), || {
        make(icc).map_or(Meaning::Unusable, |inks| Meaning::ConvertsInks(Arc::new(inks)))
    }) {
        Meaning::ConvertsInks(inks) => Some(inks),
        Meaning::Converts(_) | Meaning::Srgb | Meaning::Unusable => None,
    }
}

fn meaning_of_icc(icc: &[u8]) -> Meaning {
    look_up(Sha256::digest(icc).into(), || match convert::from_icc(icc) {
        IccMeaning::Converts(conversion) => Meaning::Converts(Arc::new(conversion)),
        IccMeaning::Srgb => Meaning::Srgb,
        IccMeaning::Unusable => Meaning::Unusable,
    })
}

fn look_up(key: Key, make: impl FnOnce() -> Meaning) -> Meaning {
    {
        let mut recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = recent
            .iter()
            .position(|(k, _)| *k == key)
            .and_then(|index| recent.remove(index))
        {
            let meaning = entry.1.clone();
            recent.push_front(entry);
            return meaning;
        }
    }
    // Outside the lock: two threads may build the same one, which costs less than making all wait.
    let meaning = make();
    let mut recent = RECENT.lock().unwrap_or_else(PoisonError::into_inner);
    if !recent.iter().any(|(k, _)| *k == key) {
        recent.push_front((key, meaning.clone()));
        recent.truncate(ENTRIES_MAX);
    }
    meaning
}
