//! IPv4 blocks that are not the public internet.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

/// The IANA IPv4 Special-Purpose Address Registry (RFC 6890 and its updates), multicast and the reserved class E. Blocks of the registry that are
/// marked globally reachable (AS112 sinks, AMT relays, PCP and TURN anycast) are refused too: they are infrastructure and hold no pictures.
const REFUSED: &[(Ipv4Net, &str)] = &[
    (block(0, 0, 0, 0, 8), "this network (RFC 791)"),
    (block(10, 0, 0, 0, 8), "private use (RFC 1918)"),
    (block(100, 64, 0, 0, 10), "carrier-grade NAT (RFC 6598)"),
    (block(127, 0, 0, 0, 8), "loopback (RFC 1122)"),
    (block(169, 254, 0, 0, 16), "link local (RFC 3927)"),
    (block(172, 16, 0, 0, 12), "private use (RFC 1918)"),
    (block(192, 0, 0, 0, 24), "IETF protocol assignments (RFC 6890)"),
    (block(192, 0, 2, 0, 24), "documentation (RFC 5737)"),
    (block(192, 31, 196, 0, 24), "AS112 (RFC 7535)"),
    (block(192, 52, 193, 0, 24), "AMT (RFC 7450)"),
    (block(192, 88, 99, 0, 24), "6to4 relay anycast (RFC 7526)"),
    (block(192, 168, 0, 0, 16), "private use (RFC 1918)"),
    (block(192, 175, 48, 0, 24), "AS112 (RFC 7534)"),
    (block(198, 18, 0, 0, 15), "benchmarking (RFC 2544)"),
    (block(198, 51, 100, 0, 24), "documentation (RFC 5737)"),
    (block(203, 0, 113, 0, 24), "documentation (RFC 5737)"),
    (block(224, 0, 0, 0, 4), "multicast (RFC 5771)"),
    // 255.255.255.255, limited broadcast (RFC 8190), lies in it.
    (block(240, 0, 0, 0, 4), "reserved (RFC 1112)"),
];

/// Refuses addresses in any of the blocks, with the block's name.
pub(super) fn check(address: Ipv4Addr) -> Result<(), &'static str> {
    match REFUSED.iter().find(|(block, _)| block.contains(&address)) {
        Some((_, reason)) => Err(reason),
        None => Ok(()),
    }
}

const fn block(a: u8, b: u8, c: u8, d: u8, prefix_bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix_bits)
}
