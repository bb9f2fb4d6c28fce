//! Several addresses, one connection: attempts start a quarter of a second apart and the first to succeed wins (RFC 8305, "happy eyeballs").

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::{BoxedIo, Dial};

/// RFC 8305, section 8: the recommended delay between attempts.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);
/// Addresses tried at most; a name with hundreds is no reason for hundreds of connections.
const ATTEMPTS_MAX: usize = 6;

/// The first connection that opens; else the first error. Losing attempts are dropped.
pub(super) async fn first_to_open(dialer: &Arc<dyn Dial>, addresses: &[SocketAddr]) -> io::Result<BoxedIo> {
    let order = interleaved(addresses);
    let mut waiting = order.iter().take(ATTEMPTS_MAX);
    let mut attempts = JoinSet::new();
    let mut first_error = None;
    let mut next_at = Instant::now();
    loop {
        if attempts.is_empty() {
            // Nothing under way: the next attempt starts at once, or there is none left.
            match waiting.next() {
                Some(address) => attempts.spawn(dialer.dial(*address)),
                None => return Err(first_error.unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into())),
            };
            next_at = Instant::now() + ATTEMPT_DELAY;
        }
        tokio::select! {
            ended = attempts.join_next() => match ended {
                Some(Ok(Ok(io))) => return Ok(io),
                Some(Ok(Err(error))) => {
                    first_error.get_or_insert(error);
                }
                Some(Err(error)) => {
                    first_error.get_or_insert(io::Error::other(error));
                }
                None => {}
            },
            () = sleep_until(next_at), if waiting.len() > 0 => {
                if let Some(address) = waiting.next() {
                    attempts.spawn(dialer.dial(*address));
                    next_at = Instant::now() + ATTEMPT_DELAY;
                }
            }
        }
    }
}

/// The two families in turn, beginning with that of the resolver's first answer (RFC 8305, section 4).
fn interleaved(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let Some(first) = addresses.first() else {
        return Vec::new();
    };
    let (mut one, mut other) = (Vec::new(), Vec::new());
    for address in addresses {
        if address.is_ipv6() == first.is_ipv6() {
            one.push(*address);
        } else {
            other.push(*address);
        }
    }
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    let mut order = Vec::with_capacity(addresses.len());
    loop {
        let pair = [one.next(), other.next()];
        if pair == [None, None] {
            return order;
        }
        order.extend(pair.into_iter().flatten());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::BoxFuture;

    /// Opens only connections to `opens`; `refuses` fails at once; all else hangs.
    struct Scripted {
        opens: SocketAddr,
        refuses: Vec<SocketAddr>,
    }

    impl Dial for Scripted {
        fn dial(&self, address: SocketAddr) -> BoxFuture<io::Result<BoxedIo>> {
            let (opens, refuses) = (address == self.opens, self.refuses.contains(&address));
            Box::pin(async move {
                if refuses {
                    return Err(io::ErrorKind::ConnectionRefused.into());
                }
                if !opens {
                    std::future::pending::<()>().await;
                }
                Ok(BoxedIo::new(tokio::io::duplex(1).0))
            })
        }
    }

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn families_take_turns() {
        let (a, b) = (address("[2a00::1]:80"), address("[2a00::2]:80"));
        let (c, d) = (address("8.8.8.8:80"), address("8.8.4.4:80"));
        assert_eq!(interleaved(&[a, b, c, d]), [a, c, b, d]);
        assert_eq!(interleaved(&[c, a, b]), [c, a, b]);
        assert_eq!(interleaved(&[]), []);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hanging_first_address_costs_a_quarter_of_a_second() {
        let (hangs, opens) = (address("[2a00::1]:80"), address("8.8.8.8:80"));
        let dialer: Arc<dyn Dial> = Arc::new(Scripted { opens, refuses: vec![] });
        let start = Instant::now();
        first_to_open(&dialer, &[hangs, opens])
            .await
            .expect("the second address opens");
        assert_eq!(start.elapsed(), ATTEMPT_DELAY);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusing_first_address_costs_nothing() {
        let (refuses, opens) = (address("[2a00::1]:80"), address("8.8.8.8:80"));
        let dialer: Arc<dyn Dial> = Arc::new(Scripted {
            opens,
            refuses: vec![refuses],
        });
        let start = Instant::now();
        first_to_open(&dialer, &[refuses, opens])
            .await
            .expect("the second address opens");
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_refuse_the_first_error_is_reported() {
        let all = [address("8.8.8.8:80"), address("8.8.4.4:80")];
        let dialer: Arc<dyn Dial> = Arc::new(Scripted {
            opens: address("1.1.1.1:1"),
            refuses: all.to_vec(),
        });
        let error = first_to_open(&dialer, &all).await.expect_err("refused");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
