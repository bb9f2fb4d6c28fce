//! IPv6 addresses that carry an IPv4 address.
//!
//! Packets to such an address end, by way of the kernel, a translator or a tunnel, at the IPv4 address inside. So `[::ffff:127.0.0.1]` is the
//! loopback, whatever the IPv6 tables say.

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

/// What an IPv6 address carries.
pub(super) struct Carried {
    /// The IPv4 addresses inside; all of them must be public.
    pub(super) addresses: [Option<Ipv4Addr>; 2],
    /// Whether the IPv6 address itself must be public too.
    pub(super) judge_outer: bool,
}

/// Takes the IPv4 addresses out of every form that holds any.
pub(super) fn unwrap(address: Ipv6Addr) -> Carried {
    let only = |v4| Carried {
        addresses: [Some(v4), None],
        judge_outer: false,
    };
    match address.segments() {
        // IPv4-mapped, ::ffff:0:0/96 (RFC 4291, 2.5.5.2).
        [0, 0, 0, 0, 0, 0xffff, high, low]
        // IPv4-compatible, ::/96, deprecated (RFC 4291, 2.5.5.1). `::` and `::1` are seen as 0.0.0.0 and 0.0.0.1, which are refused.
        | [0, 0, 0, 0, 0, 0, high, low]
        // IPv4-translated, ::ffff:0:0:0/96 (RFC 2765, 2.1).
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        // NAT64 with the well-known prefix, 64:ff9b::/96 (RFC 6052, 2.1).
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        // 6to4, 2002::/16: the gateway's address follows the prefix (RFC 3056, 2).
        | [0x2002, high, low, _, _, _, _, _] => only(join(high, low)),
        // Teredo, 2001::/32: the server's address, and the client's with every bit turned over (RFC 4380, 4).
        [0x2001, 0, server_high, server_low, _, _, client_high, client_low] => Carried {
            addresses: [Some(join(server_high, server_low)), Some(join(!client_high, !client_low))],
            judge_outer: false,
        },
        // ISATAP: any prefix, then ::0:5efe:a.b.c.d or, for a globally unique IPv4 address, ::200:5efe:a.b.c.d (RFC 5214, 6.1). The two low bits
        // of that byte are the universal and group flags.
        [_, _, _, _, flags, 0x5efe, high, low] if flags & 0xfcff == 0 => {
            Carried { addresses: [Some(join(high, low)), None], judge_outer: true }
        }
        _ => Carried { addresses: [None, None], judge_outer: true },
    }
}

fn join(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}
