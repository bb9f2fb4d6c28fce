//! IPv6 blocks that are not the public internet.

use std::net::Ipv6Addr;

use ipnet::Ipv6Net;

/// Global unicast as IANA hands it out (RFC 4291, 2.4; IANA IPv6 Global Unicast Address Assignments). Everything outside it is loopback,
/// unspecified, unique local (`fc00::/7`), link local (`fe80::/10`), site local (`fec0::/10`), multicast (`ff00::/8`), discard (`100::/64`), SRv6
/// (`5f00::/16`), local NAT64 (`64:ff9b:1::/48`), or given to nobody.
const GLOBAL_UNICAST: Ipv6Net = block([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);

/// The special-purpose blocks inside global unicast (IANA IPv6 Special-Purpose Address Registry). Teredo and 6to4 are unwrapped before this table
/// is asked.
const REFUSED: &[(Ipv6Net, &str)] = &[
    (
        block([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
        "IETF protocol assignments (RFC 2928)",
    ),
    (block([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), "documentation (RFC 3849)"),
    (block([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48), "AS112 (RFC 7534)"),
    (block([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20), "documentation (RFC 9637)"),
];

/// Names for the log of what lies outside global unicast.
const OUTSIDE: &[(Ipv6Net, &str)] = &[
    (block([0, 0, 0, 0, 0, 0, 0, 0], 128), "unspecified (RFC 4291)"),
    (block([0, 0, 0, 0, 0, 0, 0, 1], 128), "loopback (RFC 4291)"),
    (
        block([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48),
        "local-use NAT64 (RFC 8215)",
    ),
    (block([0x100, 0, 0, 0, 0, 0, 0, 0], 64), "discard only (RFC 6666)"),
    (block([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16), "segment routing (RFC 9602)"),
    (block([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), "unique local (RFC 4193)"),
    (block([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), "link local (RFC 4291)"),
    (block([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), "site local (RFC 3879)"),
    (block([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), "multicast (RFC 4291)"),
];

/// Refuses what is outside global unicast and the special blocks within it.
pub(super) fn check(address: Ipv6Addr) -> Result<(), &'static str> {
    let name_in = |table: &[(Ipv6Net, &'static str)]| {
        table
            .iter()
            .find(|(block, _)| block.contains(&address))
            .map(|(_, reason)| *reason)
    };
    if !GLOBAL_UNICAST.contains(&address) {
        return Err(name_in(OUTSIDE).unwrap_or("not global unicast (RFC 4291)"));
    }
    name_in(REFUSED).map_or(Ok(()), Err)
}

const fn block(segments: [u16; 8], prefix_bits: u8) -> Ipv6Net {
    let [a, b, c, d, e, f, g, h] = segments;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix_bits)
}
