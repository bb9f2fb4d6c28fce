//! The bytes one job may hold in large buffers, charged before they are allocated.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::CodecError;

/// The memory account of one job. Clones share the account, so that it can be handed to helper threads.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Account>);

#[derive(Debug)]
struct Account {
    bytes_max: u64,
    held: AtomicU64,
    peak: AtomicU64,
}

impl Budget {
    /// An account that allows `bytes_max` bytes to be held at one time.
    #[must_use]
    pub fn new(bytes_max: u64) -> Self {
        Self(Arc::new(Account {
            bytes_max,
            held: AtomicU64::new(0),
            peak: AtomicU64::new(0),
        }))
    }

    /// An account without a bound, for tools and tests that trust their input.
    #[must_use]
    pub fn unlimited() -> Self {
        Self::new(u64::MAX)
    }

    /// Charges `bytes` until the reservation is dropped. Call it before allocating.
    ///
    /// # Errors
    /// [`CodecError::Limit`] if the account would be overdrawn; nothing is charged then.
    pub fn reserve(&self, bytes: u64) -> Result<Reservation, CodecError> {
        let account = &self.0;
        let mut held = account.held.load(Ordering::Relaxed);
        loop {
            let wanted = held.saturating_add(bytes);
            if wanted > account.bytes_max {
                return Err(CodecError::limit(
                    "memory needed for this image, in bytes,",
                    wanted,
                    account.bytes_max,
                ));
            }
            match account
                .held
                .compare_exchange_weak(held, wanted, Ordering::Relaxed, Ordering::Relaxed)
            {
                Ok(_) => {
                    account.peak.fetch_max(wanted, Ordering::Relaxed);
                    return Ok(Reservation {
                        account: Arc::clone(account),
                        bytes,
                    });
                }
                Err(now) => held = now,
            }
        }
    }

    /// Bytes held now.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.0.held.load(Ordering::Relaxed)
    }

    /// The most bytes that were held at one time.
    #[must_use]
    pub fn peak(&self) -> u64 {
        self.0.peak.load(Ordering::Relaxed)
    }

    /// The most bytes that may be held at one time.
    #[must_use]
    pub fn bytes_max(&self) -> u64 {
        self.0.bytes_max
    }
}

/// Bytes charged to a [`Budget`]; given back when dropped.
#[derive(Debug)]
pub struct Reservation {
    account: Arc<Account>,
    bytes: u64,
}

impl Reservation {
    /// Bytes that are charged.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Gives back what is above `bytes`, for a buffer that turned out smaller than feared.
    pub fn shrink_to(&mut self, bytes: u64) {
        if let Some(surplus) = self.bytes.checked_sub(bytes) {
            self.account.held.fetch_sub(surplus, Ordering::Relaxed);
            self.bytes = bytes;
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.account.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_charged_is_given_back_and_the_peak_stays() {
        let budget = Budget::new(100);
        let a = budget.reserve(60).unwrap();
        assert_eq!(
            budget.reserve(41).unwrap_err(),
            CodecError::limit("memory needed for this image, in bytes,", 101, 100)
        );
        assert_eq!((budget.held(), budget.peak()), (60, 60));
        let mut b = budget.reserve(40).unwrap();
        b.shrink_to(10);
        b.shrink_to(25);
        assert_eq!((budget.held(), b.bytes()), (70, 10));
        drop(a);
        assert_eq!((budget.held(), budget.peak()), (10, 100));
        drop(b);
        assert_eq!(budget.held(), 0);
    }

    #[test]
    fn sums_that_do_not_fit_a_counter_are_refused() {
        let budget = Budget::new(u64::MAX - 1);
        let _held = budget.reserve(10).unwrap();
        assert!(budget.reserve(u64::MAX).is_err());
    }

    #[test]
    fn threads_never_overdraw_an_account() {
        let budget = Budget::new(10);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        let _held = budget.reserve(4);
                        assert!(budget.held() <= 10);
                    }
                });
            }
        });
        assert_eq!(budget.held(), 0);
        assert!(budget.peak() <= 10);
    }
}
