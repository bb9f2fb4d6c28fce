//! One flight per identical request (spec 12.6): the first computes, the others wait for its result.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

/// Work under way, by key. A result is handed to everybody who asked while it was being made, and then forgotten: keeping is the cache's job.
///
/// If whoever computes goes away, one of those who wait computes in its place with its own closure.
#[derive(Debug)]
pub(crate) struct Flights<K, V> {
    under_way: Mutex<HashMap<K, Arc<OnceCell<V>>>>,
}

impl<K, V> Default for Flights<K, V> {
    fn default() -> Self {
        Self {
            under_way: Mutex::default(),
        }
    }
}

impl<K: Eq + Hash + Clone, V: Clone> Flights<K, V> {
    /// The value of `key`: made by `make`, or by somebody else who is at it already.
    pub(crate) async fn share<F>(&self, key: K, make: impl FnOnce() -> F) -> V
    where
        F: Future<Output = V>,
    {
        let seat = Seat {
            flights: self,
            cell: self.board(&key),
            key,
        };
        seat.cell.get_or_init(make).await.clone()
    }

    fn board(&self, key: &K) -> Arc<OnceCell<V>> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        match under_way.get(key) {
            // A flight that has landed is on its way out of the map; its result may already be older than this request.
            Some(cell) if !cell.initialized() => cell.clone(),
            _ => {
                let cell = Arc::new(OnceCell::new());
                under_way.insert(key.clone(), cell.clone());
                cell
            }
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// A place in a flight. The last one to leave, or anyone after landing, takes the flight out of the map.
struct Seat<'f, K: Eq + Hash, V> {
    flights: &'f Flights<K, V>,
    key: K,
    cell: Arc<OnceCell<V>>,
}

impl<K: Eq + Hash, V> Drop for Seat<'_, K, V> {
    fn drop(&mut self) {
        let mut under_way = self.flights.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let is_ours = under_way
            .get(&self.key)
            .is_some_and(|cell| Arc::ptr_eq(cell, &self.cell));
        // Two holders are left when nobody else waits: the map and this seat.
        if is_ours && (self.cell.initialized() || Arc::strong_count(&self.cell) <= 2) {
            under_way.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::Notify;

    #[tokio::test]
    async fn identical_requests_share_one_computation() {
        let flights = Arc::new(Flights::<&str, usize>::default());
        let (made, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let ask = || {
            let (flights, made, go) = (flights.clone(), made.clone(), go.clone());
            tokio::spawn(async move {
                flights
                    .share("k", || async move {
                        go.notified().await;
                        made.fetch_add(1, Ordering::SeqCst) + 1
                    })
                    .await
            })
        };
        let tasks: Vec<_> = (0..8).map(|_| ask()).collect();
        while flights.len() == 0 {
            tokio::task::yield_now().await;
        }
        go.notify_one();
        for task in tasks {
            assert_eq!(task.await.unwrap(), 1);
        }
        assert_eq!(flights.len(), 0);
    }

    #[tokio::test]
    async fn when_the_first_goes_away_another_computes() {
        let flights = Arc::new(Flights::<&str, &str>::default());
        let first = {
            let flights = flights.clone();
            tokio::spawn(async move { flights.share("k", std::future::pending::<&str>).await })
        };
        while flights.len() == 0 {
            tokio::task::yield_now().await;
        }
        let second = {
            let flights = flights.clone();
            tokio::spawn(async move { flights.share("k", || async { "second" }).await })
        };
        tokio::task::yield_now().await;
        assert!(!second.is_finished());
        first.abort();
        assert_eq!(second.await.unwrap(), "second");
        assert_eq!(flights.len(), 0);
    }

    #[tokio::test]
    async fn a_flight_that_nobody_waits_for_leaves_nothing_behind() {
        let flights = Arc::new(Flights::<&str, ()>::default());
        let only = {
            let flights = flights.clone();
            tokio::spawn(async move { flights.share("k", std::future::pending).await })
        };
        while flights.len() == 0 {
            tokio::task::yield_now().await;
        }
        only.abort();
        assert!(only.await.unwrap_err().is_cancelled());
        assert_eq!(flights.len(), 0);
    }
}
