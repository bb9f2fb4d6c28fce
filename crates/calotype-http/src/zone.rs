//! Which hosts are ours.

use calotype_plan::{Fault, FaultKind};
use calotype_source::AllowedOrigins;
use url::Url;

/// The zones this instance serves, for "this zone" in the rule on origins (spec 11.1).
///
/// A request's own `Host` is not enough: anybody can write any host there, and would then be allowed to fetch from it. So zones are named by the
/// operator; the configured origin's host is one of them.
#[derive(Debug, Clone, Default)]
pub struct Zones {
    names: Vec<String>,
    allowed: AllowedOrigins,
}

impl Zones {
    /// Zones by their apex names, and the rule for everything else.
    #[must_use]
    pub fn new(names: Vec<String>, allowed: AllowedOrigins) -> Self {
        Self { names, allowed }
    }

    /// Whether a source may be fetched from this URL: 9401/403 otherwise.
    pub(crate) fn check(&self, url: &Url) -> Result<(), Fault> {
        if self.holds(url) || self.allowed.check("", url).is_ok() {
            return Ok(());
        }
        Err(Fault::new(
            FaultKind::OriginNotAllowed,
            "Transformation origin is not in allowed origins list",
        )
        .with_detail("name the host with --allow-origin, or the zone with --zone"))
    }

    /// Whether the URL's host is one of the zones or below one.
    pub(crate) fn holds(&self, url: &Url) -> bool {
        self.names
            .iter()
            .any(|name| AllowedOrigins::ThisZone.check(name, url).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(zones: &[&str], allowed: &str, url: &str) -> bool {
        let zones = Zones::new(
            zones.iter().map(|z| (*z).to_owned()).collect(),
            allowed.parse().unwrap(),
        );
        zones.check(&Url::parse(url).unwrap()).is_ok()
    }

    #[test]
    fn a_zone_admits_itself_and_what_is_below_it_under_every_rule() {
        assert!(passes(&["example.com"], "this-zone", "https://example.com/a.png"));
        assert!(passes(&["example.com"], "this-zone", "https://img.example.com/a.png"));
        assert!(passes(&["example.com"], "b.net", "https://img.example.com/a.png"));
        assert!(!passes(&["example.com"], "this-zone", "https://badexample.com/a.png"));
        assert!(!passes(&["example.com"], "this-zone", "https://b.net/a.png"));
        assert!(passes(&["example.com"], "b.net", "https://b.net/a.png"));
        assert!(passes(&[], "any", "https://b.net/a.png"));
    }

    #[test]
    fn without_zones_nothing_is_this_zone() {
        assert!(!passes(&[], "this-zone", "https://example.com/a.png"));
    }
}
