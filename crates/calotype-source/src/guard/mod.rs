//! The address guard: which addresses a stranger may make this server talk to.
//!
//! A URL in a request is a stranger's wish that this machine open a connection. Inside a private network that wish must not reach the neighbours:
//! databases, metadata services, the loopback. So the decision is taken on the resolved address, at the moment of connecting, for every hop of a
//! redirect chain. Only globally routable unicast addresses pass. An IPv6 address that carries an IPv4 address is judged by what it carries.
//!
//! What the guard cannot see: a NAT64 gateway with a network-specific prefix (RFC 6052, 2.2) looks like any global address. Operators of such
//! networks must filter at the gateway.

mod carried;
mod ipv4;
mod ipv6;

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

/// Decides which addresses may be connected to.
#[derive(Debug, Clone, Default)]
pub struct AddressGuard {
    allow_private: bool,
    allowed_networks: Vec<IpNet>,
}

impl AddressGuard {
    /// The guard of a public service: globally routable unicast addresses and nothing else.
    #[must_use]
    pub fn public_only() -> Self {
        Self::default()
    }

    /// No guard at all (`--allow-private`): for development, and for the hop to the operator's own origin.
    #[must_use]
    pub fn off() -> Self {
        Self {
            allow_private: true,
            allowed_networks: Vec::new(),
        }
    }

    /// Public addresses and these networks. A network of IPv4 addresses also admits the IPv6 forms that carry them.
    #[must_use]
    pub fn with_networks(networks: Vec<IpNet>) -> Self {
        Self {
            allow_private: false,
            allowed_networks: networks,
        }
    }

    /// Whether the address may be connected to.
    ///
    /// # Errors
    /// The reason for the refusal, for the log.
    pub fn check(&self, address: IpAddr) -> Result<(), Refusal> {
        if self.allow_private || self.is_listed(address) {
            return Ok(());
        }
        let v6 = match address {
            IpAddr::V4(v4) => return ipv4::check(v4).map_err(|reason| Refusal { address, reason }),
            IpAddr::V6(v6) => v6,
        };
        let carried = carried::unwrap(v6);
        // Where the form is only the lower half of an address (ISATAP), the upper half is judged too.
        if carried.judge_outer {
            ipv6::check(v6).map_err(|reason| Refusal { address, reason })?;
        }
        for v4 in carried.addresses.into_iter().flatten() {
            if !self.is_listed(IpAddr::V4(v4)) {
                ipv4::check(v4).map_err(|reason| Refusal { address, reason })?;
            }
        }
        Ok(())
    }

    fn is_listed(&self, address: IpAddr) -> bool {
        self.allowed_networks.iter().any(|network| network.contains(&address))
    }
}

/// Why an address was refused. For the operator's log; clients never see the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The address as it would have been connected to.
    pub address: IpAddr,
    /// The block it is in, with its source.
    pub reason: &'static str,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is not globally routable: {}", self.address, self.reason)
    }
}

#[cfg(test)]
mod tests;
