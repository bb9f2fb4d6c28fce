//! What a request says about its client, as far as options depend on it (spec section 10).

/// The client of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClientHints {
    /// Width of the viewport in CSS pixels, if the client sent it.
    pub viewport_width_px: Option<u32>,
    /// What the user agent looks like.
    pub device: DeviceKind,
    /// One of the connection hints says that the connection is slow or dear.
    pub slow_connection: bool,
}

/// The two kinds of device that `width=auto` knows without a viewport hint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum DeviceKind {
    /// The user agent names an iPhone or Android.
    Mobile,
    /// Everything else, also no user agent.
    #[default]
    Desktop,
}

impl ClientHints {
    /// Reads the hints through a look-up of request headers by lower-case name. Unreadable hints count as absent.
    pub fn from_headers<'h>(header: impl Fn(&str) -> Option<&'h str>) -> Self {
        let viewport_width_px = ["sec-ch-viewport-width", "viewport-width"]
            .into_iter()
            .find_map(|name| header(name)?.trim().parse().ok())
            .filter(|&px: &u32| px > 0);
        let device = DeviceKind::from_user_agent(header("user-agent").unwrap_or_default());
        let number = |name: &str| header(name)?.trim().parse::<f64>().ok().filter(|n| n.is_finite());
        let slow_connection = number("rtt").is_some_and(|ms| ms > 150.0)
            || header("save-data").is_some_and(|v| v.trim().eq_ignore_ascii_case("on"))
            || header("ect").is_some_and(|v| matches!(v.trim(), "slow-2g" | "2g" | "3g"))
            || number("downlink").is_some_and(|mbps| mbps < 5.0);
        Self {
            viewport_width_px,
            device,
            slow_connection,
        }
    }
}

impl DeviceKind {
    /// Tells by `iPhone` or `Android` in the user agent.
    #[must_use]
    pub fn from_user_agent(user_agent: &str) -> Self {
        if user_agent.contains("iPhone") || user_agent.contains("Android") {
            Self::Mobile
        } else {
            Self::Desktop
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hints(headers: &[(&str, &'static str)]) -> ClientHints {
        ClientHints::from_headers(|name| headers.iter().find(|(n, _)| *n == name).map(|(_, v)| *v))
    }

    #[test]
    fn any_one_hint_makes_a_connection_slow() {
        for (name, slow, fast) in [
            ("rtt", "151", "150"),
            ("save-data", "ON", "off"),
            ("ect", "3g", "4g"),
            ("downlink", "4.9", "5"),
        ] {
            assert!(hints(&[(name, slow)]).slow_connection, "{name}: {slow}");
            assert!(!hints(&[(name, fast)]).slow_connection, "{name}: {fast}");
            assert!(!hints(&[(name, "nonsense")]).slow_connection, "{name}");
        }
        assert!(!hints(&[]).slow_connection);
    }

    #[test]
    fn the_newer_viewport_hint_wins() {
        let both = hints(&[("viewport-width", "100"), ("sec-ch-viewport-width", "200")]);
        assert_eq!(both.viewport_width_px, Some(200));
        assert_eq!(hints(&[("viewport-width", "100")]).viewport_width_px, Some(100));
        assert_eq!(hints(&[("viewport-width", "-3")]).viewport_width_px, None);
        assert_eq!(
            hints(&[("user-agent", "Mozilla/5.0 (Linux; Android 15)")]).device,
            DeviceKind::Mobile
        );
    }
}
