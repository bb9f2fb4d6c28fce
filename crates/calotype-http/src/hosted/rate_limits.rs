//! How often the API may be asked (spec 3.4, D11, D15).

use std::fmt;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use calotype_store::AccountNumber;
use hashlink::LruCache;
use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::problem::Problem;

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// Clients that are remembered by one limit; then the one that was heard of least recently is forgotten. Some 10 MB.
const CLIENTS_MAX: usize = 65_536;
const SECOND: Duration = Duration::from_secs(1);

/// The numbers of the reference, and which of them hold.
#[derive(Debug, Clone, Copy)]
pub struct RateLimits {
    /// Whether accounts and addresses are limited at all (D15).
    pub is_on: bool,
    /// Requests of an account, all its tokens together, in `window`. One more, and it is refused for as long again.
    pub requests_max: u32,
    /// See there.
    pub window: Duration,
    /// Requests of one address in a second.
    pub address_requests_max: u32,
    /// Requests with one batch token in a second, whether the others are limited or not; 0: any number.
    pub batch_requests_max: u32,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            is_on: false,
            requests_max: 1_200,
            window: Duration::from_secs(300),
            address_requests_max: 200,
            batch_requests_max: 200,
        }
    }
}

/// Who has asked how often.
#[derive(Debug)]
pub(crate) struct Counters {
    accounts: Option<Limit<AccountNumber>>,
    addresses: Option<Limit<IpAddr>>,
    batch_tokens: Option<Limit<[u8; 32]>>,
}

impl Counters {
    pub(crate) fn new(limits: &RateLimits) -> Self {
        let per_second = |requests: u32| Policy {
            requests_max: requests,
            window: SECOND,
            penalty: Duration::ZERO,
        };
        Self {
            accounts: limits.is_on.then(|| {
                Limit::new(Policy {
                    requests_max: limits.requests_max,
                    window: limits.window,
                    penalty: limits.window,
                })
            }),
            addresses: limits
                .is_on
                .then(|| Limit::new(per_second(limits.address_requests_max))),
            batch_tokens: (limits.batch_requests_max > 0).then(|| Limit::new(per_second(limits.batch_requests_max))),
        }
    }

    /// Counts a request of an account.
    pub(crate) fn of_account(&self, account: AccountNumber, now_ms: i64) -> Option<Standing> {
        Some(self.accounts.as_ref()?.count(account, now_ms))
    }

    /// Counts a request of an address. A network of IPv6 belongs to one client, and so is one address.
    pub(crate) fn of_address(&self, address: Option<IpAddr>, now_ms: i64) -> Option<Standing> {
        let address = match address? {
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
            address => address,
        };
        Some(self.addresses.as_ref()?.count(address, now_ms))
    }

    /// Counts a request with a batch token, which is known by its hash.
    pub(crate) fn of_batch_token(&self, hash: [u8; 32], now_ms: i64) -> Option<Standing> {
        Some(self.batch_tokens.as_ref()?.count(hash, now_ms))
    }
}

#[derive(Debug, Clone, Copy)]
struct Policy {
    requests_max: u32,
    window: Duration,
    /// How long is refused whoever asks more often; to the end of the window if that is later.
    penalty: Duration,
}

/// One limit, and where its clients stand.
struct Limit<K> {
    policy: Policy,
    windows: Mutex<LruCache<K, Window>>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    ends_ms: i64,
    used: u32,
}

/// Where a client stands with this request counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    requests_max: u32,
    window_s: u64,
    left: u32,
    /// Whole seconds to the window's end, rounded up.
    reset_s: u64,
    is_over: bool,
}

impl<K> fmt::Debug for Limit<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Limit").field(&self.policy).finish()
    }
}

impl<K: Eq + Hash> Limit<K> {
    fn new(policy: Policy) -> Self {
        Self {
            policy,
            windows: Mutex::new(LruCache::new(CLIENTS_MAX)),
        }
    }

    fn count(&self, client: K, now_ms: i64) -> Standing {
        let ms = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let Policy {
            requests_max,
            window,
            penalty,
        } = self.policy;
        let fresh = Window {
            ends_ms: now_ms.saturating_add(ms(window)),
            used: 0,
        };
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let found = windows.get(&client).copied();
        // A window that ends later than one that begins now could is from before the clock was set back.
        let latest_ms = now_ms.saturating_add(ms(window.max(penalty)));
        let mut current = found
            .filter(|found| found.ends_ms > now_ms && found.ends_ms <= latest_ms)
            .unwrap_or(fresh);
        if current.used == requests_max {
            current.ends_ms = current.ends_ms.max(now_ms.saturating_add(ms(penalty)));
        }
        current.used = current.used.saturating_add(1);
        windows.insert(client, current);
        drop(windows);
        let left_ms = current.ends_ms.saturating_sub(now_ms);
        Standing {
            requests_max,
            window_s: window.as_secs().max(1),
            left: requests_max.saturating_sub(current.used),
            reset_s: u64::try_from(left_ms).unwrap_or_default().div_ceil(1_000),
            is_over: current.used > requests_max,
        }
    }
}

impl Standing {
    /// Refuses who has asked too often.
    pub(crate) fn check(standing: Option<Self>) -> Result<(), Problem> {
        match standing {
            Some(standing) if standing.is_over => Err(Problem::too_many_requests(standing.reset_s)),
            _ => Ok(()),
        }
    }

    /// Tells it as the reference does.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        let Self {
            requests_max,
            window_s,
            left,
            reset_s,
            ..
        } = self;
        for (name, text) in [
            (RATELIMIT, format!("\"default\";r={left};t={reset_s}")),
            (RATELIMIT_POLICY, format!("\"default\";q={requests_max};w={window_s}")),
        ] {
            headers.extend(HeaderValue::from_str(&text).ok().map(|value| (name, value)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(limit: &Limit<u32>, now_ms: i64) -> (u32, u64, bool) {
        let standing = limit.count(7, now_ms);
        (standing.left, standing.reset_s, standing.is_over)
    }

    #[test]
    fn whoever_asks_too_often_is_refused_from_then_on_for_the_whole_penalty() {
        let limit = Limit::new(Policy {
            requests_max: 2,
            window: Duration::from_secs(300),
            penalty: Duration::from_secs(300),
        });
        assert_eq!(standing(&limit, 0), (1, 300, false));
        assert_eq!(standing(&limit, 100_500), (0, 200, false));
        // The window would end at 300 s; the penalty begins with the request that was too many.
        assert_eq!(standing(&limit, 200_000), (0, 300, true));
        assert_eq!(standing(&limit, 499_999), (0, 1, true));
        assert_eq!(standing(&limit, 500_000), (1, 300, false));
    }

    #[test]
    fn a_second_ends_and_another_client_is_not_concerned() {
        let limit = Limit::new(Policy {
            requests_max: 1,
            window: SECOND,
            penalty: Duration::ZERO,
        });
        assert_eq!(standing(&limit, 10), (0, 1, false));
        assert_eq!(standing(&limit, 1_009), (0, 1, true));
        assert!(!limit.count(8, 1_009).is_over);
        assert_eq!(standing(&limit, 1_010), (0, 1, false));
        // The clock was set back by an hour.
        assert_eq!(standing(&limit, -3_600_000), (0, 1, false));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_a_network_of_ipv6_is_one_client() {
        let counters = Counters::new(&RateLimits {
            is_on: true,
            address_requests_max: 1,
            ..RateLimits::default()
        });
        let ask = |text: &str| counters.of_address(Some(text.parse().unwrap()), 0).unwrap().is_over;
        assert!(!ask("2001:db8::1"));
        assert!(ask("2001:db8::2"));
        assert!(!ask("2001:db8:0:1::1"));
        for n in 0..=CLIENTS_MAX {
            let address = Ipv6Addr::from_bits((n as u128 + 1) << 64);
            counters.of_address(Some(IpAddr::V6(address)), 0);
        }
        let addresses = counters.addresses.as_ref().unwrap();
        assert_eq!(addresses.windows.lock().unwrap().len(), CLIENTS_MAX);
        assert_eq!(counters.of_address(None, 0), None);
    }
}
