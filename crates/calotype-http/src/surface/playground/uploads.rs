//! Dropped pictures, in memory, for a while: bounded in bytes, least recently used first out.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use calotype_plan::{Fault, FaultKind};

/// A picture that was dropped.
#[derive(Debug, Clone)]
pub(super) struct Upload {
    pub(super) bytes: Bytes,
    pub(super) content_type: &'static str,
}

#[derive(Debug)]
pub(super) struct Uploads {
    bytes_max: u64,
    lifetime: Duration,
    kept: Mutex<HashMap<String, Kept>>,
    /// Bytes promised to uploads that are arriving.
    arriving: Arc<AtomicU64>,
}

#[derive(Debug)]
struct Kept {
    upload: Upload,
    stored: Instant,
    used: Instant,
}

/// Room for one upload while it arrives.
#[derive(Debug)]
pub(super) struct Reservation {
    arriving: Arc<AtomicU64>,
    bytes: u64,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.arriving.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Uploads {
    pub(super) fn new(bytes_max: u64, lifetime: Duration) -> Self {
        Self {
            bytes_max,
            lifetime,
            kept: Mutex::default(),
            arriving: Arc::default(),
        }
    }

    /// Room for an upload of up to `bytes`. 9522 when as many are arriving as there is room for.
    pub(super) fn reserve(&self, bytes: u64) -> Result<Reservation, Fault> {
        let admit = |arriving: u64| {
            arriving
                .checked_add(bytes)
                .filter(|sum| *sum <= self.bytes_max.max(bytes))
        };
        match self.arriving.fetch_update(Ordering::Relaxed, Ordering::Relaxed, admit) {
            Ok(_) => Ok(Reservation {
                arriving: self.arriving.clone(),
                bytes,
            }),
            Err(_) => Err(Fault::new(
                FaultKind::Busy,
                "too many files are being dropped at once; try again shortly",
            )),
        }
    }

    /// Keeps a picture under its id. The oldest leave until all fit.
    pub(super) fn put(&self, id: &str, bytes: Bytes, content_type: &'static str, reservation: Reservation) {
        let now = Instant::now();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, entry| now.duration_since(entry.stored) < self.lifetime);
        kept.insert(
            id.to_owned(),
            Kept {
                upload: Upload { bytes, content_type },
                stored: now,
                used: now,
            },
        );
        while kept.values().map(|entry| entry.upload.bytes.len() as u64).sum::<u64>() > self.bytes_max {
            let oldest = kept
                .iter()
                .min_by_key(|(_, entry)| entry.used)
                .map(|(id, _)| id.clone());
            match oldest {
                Some(id) => kept.remove(&id),
                None => break,
            };
        }
        drop(reservation);
    }

    /// The picture, if it is still there.
    pub(super) fn get(&self, id: &str) -> Option<Upload> {
        let now = Instant::now();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = kept
            .get_mut(id)
            .filter(|entry| now.duration_since(entry.stored) < self.lifetime)?;
        entry.used = now;
        Some(entry.upload.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_one_not_used_for_longest_leaves_first() {
        let uploads = Uploads::new(10, Duration::from_secs(60));
        for id in ["a", "b"] {
            uploads.put(
                id,
                Bytes::from_static(b"1234"),
                "image/png",
                uploads.reserve(4).unwrap(),
            );
        }
        assert!(uploads.get("a").is_some());
        uploads.put(
            "c",
            Bytes::from_static(b"1234"),
            "image/png",
            uploads.reserve(4).unwrap(),
        );
        assert!(uploads.get("b").is_none(), "b was used before a");
        assert!(uploads.get("a").is_some() && uploads.get("c").is_some());
    }

    #[test]
    fn room_is_promised_once_and_given_back() {
        let uploads = Uploads::new(10, Duration::from_secs(60));
        let first = uploads.reserve(8).unwrap();
        assert_eq!(uploads.reserve(8).unwrap_err().code(), 9522);
        drop(first);
        assert!(uploads.reserve(8).is_ok());
    }

    #[test]
    fn nothing_outlives_its_time() {
        let uploads = Uploads::new(10, Duration::ZERO);
        uploads.put("a", Bytes::from_static(b"1"), "image/png", uploads.reserve(1).unwrap());
        assert!(uploads.get("a").is_none());
    }
}
