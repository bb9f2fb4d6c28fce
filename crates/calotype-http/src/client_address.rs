//! Whose request it is, by address.

use std::net::{IpAddr, SocketAddr};

use http::header::HeaderName;
use http::request::Parts;
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The other end of the connection that a request came by: an extension of every request that came by TCP.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// The address of the client: the other end of the connection or, where that is a proxy that is trusted, the last address in `X-Forwarded-For` that is no
/// such proxy. What a client writes into that header itself stands before what the proxies add, and is never reached.
pub(crate) fn client_address(request: &Parts, trusted: &[IpNet]) -> Option<IpAddr> {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut address = request.extensions.get::<Peer>()?.0.to_canonical();
    let lines: Vec<&str> = request
        .headers
        .get_all(X_FORWARDED_FOR)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .collect();
    let mut hops = lines.iter().rev().flat_map(|line| line.rsplit(','));
    while is_trusted(&address) {
        match hops.next().map(parse) {
            Some(Some(hop)) => address = hop,
            // What cannot be read says nothing of those before it.
            Some(None) | None => break,
        }
    }
    Some(address)
}

/// An address, with a port or without.
fn parse(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let address = text
        .parse()
        .or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()))
        .or_else(|_| text.trim_start_matches('[').trim_end_matches(']').parse());
    address.ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwarded_addresses_count_as_far_as_proxies_are_trusted() {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        for (peer, lines, want) in [
            ("192.0.2.1", &[][..], "192.0.2.1"),
            ("192.0.2.1", &["203.0.113.9"], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("::ffff:10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            // The client lied about the first one.
            ("10.0.0.1", &["1.1.1.1, 203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["1.1.1.1", "203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            ("10.0.0.1", &["203.0.113.9:4711"], "203.0.113.9"),
            ("fd00::1", &["[2001:db8::7]:4711"], "2001:db8::7"),
            ("fd00::1", &["[2001:db8::7]"], "2001:db8::7"),
            ("10.0.0.1", &["203.0.113.9, unknown"], "10.0.0.1"),
        ] {
            let mut request = http::Request::builder();
            for line in lines {
                request = request.header("x-forwarded-for", *line);
            }
            let (mut parts, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(client_address(&parts, &trusted), None);
            parts.extensions.insert(Peer(peer.parse().unwrap()));
            assert_eq!(
                client_address(&parts, &trusted),
                Some(want.parse().unwrap()),
                "{peer} {lines:?}"
            );
        }
    }
}
