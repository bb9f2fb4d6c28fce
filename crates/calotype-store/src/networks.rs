//! Networks that a token is bound to.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::{Result, StoreError};

/// Networks of one token, those that are refused included.
const NETWORKS_MAX: usize = 100;

/// Where requests may come from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Networks {
    allowed: Vec<IpNet>,
    refused: Vec<IpNet>,
}

impl Networks {
    /// From within one of `allowed`, or from everywhere if there is none, but from nowhere within `refused`.
    ///
    /// # Errors
    /// When there are more than a hundred of them.
    pub fn new(allowed: Vec<IpNet>, refused: Vec<IpNet>) -> Result<Self> {
        if allowed.len().saturating_add(refused.len()) > NETWORKS_MAX {
            return Err(StoreError::Invalid(format!(
                "a token may be bound to at most {NETWORKS_MAX} networks"
            )));
        }
        Ok(Self { allowed, refused })
    }

    /// Networks that requests have to come from; none if any will do.
    #[must_use]
    pub fn allowed(&self) -> &[IpNet] {
        &self.allowed
    }

    /// Networks that requests must not come from.
    #[must_use]
    pub fn refused(&self) -> &[IpNet] {
        &self.refused
    }

    /// Whether requests may come from everywhere.
    #[must_use]
    pub const fn is_everywhere(&self) -> bool {
        self.allowed.is_empty() && self.refused.is_empty()
    }

    /// Whether a request from this address is let through. An address that is not known is within no network, and so passes only where all do.
    #[must_use]
    pub fn admit(&self, address: Option<IpAddr>) -> bool {
        let Some(address) = address.map(|address| address.to_canonical()) else {
            return self.is_everywhere();
        };
        let within = |networks: &[IpNet]| networks.iter().any(|network| network.contains(&address));
        (self.allowed.is_empty() || within(&self.allowed)) && !within(&self.refused)
    }

    pub(crate) fn to_column(&self) -> Option<String> {
        let allowed = self.allowed.iter().map(ToString::to_string);
        let refused = self.refused.iter().map(|network| format!("!{network}"));
        (!self.is_everywhere()).then(|| allowed.chain(refused).collect::<Vec<_>>().join(" "))
    }

    pub(crate) fn from_column(column: Option<&str>) -> Result<Self> {
        let mut networks = Self::default();
        for word in column.unwrap_or_default().split_ascii_whitespace() {
            let (list, text) = match word.strip_prefix('!') {
                Some(text) => (&mut networks.refused, text),
                None => (&mut networks.allowed, word),
            };
            // A network that cannot be read must not become one less.
            list.push(
                text.parse()
                    .map_err(|_| StoreError::damaged("the networks of a token"))?,
            );
        }
        Ok(networks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(text: &str) -> Networks {
        Networks::from_column(Some(text)).unwrap()
    }

    #[test]
    fn an_address_passes_within_what_is_allowed_and_outside_what_is_refused() {
        for (text, address, passes) in [
            ("", "192.0.2.1", true),
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8 !10.1.0.0/16", "10.1.2.3", false),
            ("10.0.0.0/8 !10.1.0.0/16", "10.2.2.3", true),
            ("!10.1.0.0/16", "10.1.2.3", false),
            ("!10.1.0.0/16", "2001:db8::1", true),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "10.0.0.1", false),
            // A socket of both versions writes IPv4 so (RFC 4291, 2.5.5.2).
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("!10.0.0.0/8", "::ffff:10.0.0.1", false),
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(networks(text).admit(Some(address)), passes, "{text} {address}");
        }
        assert!(networks("").admit(None));
        assert!(!networks("!10.0.0.0/8").admit(None));
    }

    #[test]
    fn networks_are_kept_as_text_and_a_damaged_one_admits_nobody() {
        let text = "10.0.0.0/8 2001:db8::/32 !10.1.0.0/16";
        assert_eq!(networks(text).to_column().as_deref(), Some(text));
        assert_eq!(Networks::default().to_column(), None);
        assert!(Networks::from_column(Some("10.0.0.0/8 nonsense")).is_err());
        let many = vec!["10.0.0.0/8".parse().unwrap(); 101];
        assert!(Networks::new(many, Vec::new()).is_err());
    }
}
