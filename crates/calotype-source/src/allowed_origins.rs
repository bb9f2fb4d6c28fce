//! Which hosts a transform may take its source from (spec 11.1).

use std::fmt;
use std::str::FromStr;

use calotype_plan::{Fault, FaultKind};
use url::{Host, Url};

/// The rule for absolute source URLs, overlays and fonts included. It is asked for the first URL only; redirects may leave the list.
///
/// *The zone* is the host that the request came to, and every subdomain of it; it always passes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AllowedOrigins {
    /// The zone alone.
    #[default]
    ThisZone,
    /// The zone and these.
    List(Vec<OriginRule>),
    /// Every host.
    Any,
}

impl AllowedOrigins {
    /// Whether the source may be taken. `zone_host` is the `Host` of the request, with or without port.
    ///
    /// # Errors
    /// 9401/403 with the documented text.
    pub fn check(&self, zone_host: &str, source: &Url) -> Result<(), Fault> {
        let host = source.host_str().map(normalised).unwrap_or_default();
        let allowed = match self {
            Self::Any => true,
            _ if is_within(&host, &zone_name(zone_host)) => true,
            Self::ThisZone => false,
            Self::List(rules) => rules.iter().any(|rule| rule.admits(&host, source.path())),
        };
        if allowed {
            Ok(())
        } else {
            Err(Fault::new(
                FaultKind::OriginNotAllowed,
                "Transformation origin is not in allowed origins list",
            ))
        }
    }
}

impl FromStr for AllowedOrigins {
    type Err = AllowedOriginsError;

    /// Reads the setting: `this-zone`, `any`, or a list of `domain`, `*.domain` and `domain/path` separated by commas or white space.
    fn from_str(text: &str) -> Result<Self, AllowedOriginsError> {
        let words: Vec<&str> = text
            .split(|c: char| c == ',' || c.is_whitespace())
            .filter(|word| !word.is_empty())
            .collect();
        match words.as_slice() {
            [] => Err(AllowedOriginsError(
                "no allowed origins given; write `this-zone`, `any`, or domains such as `images.example.com`".into(),
            )),
            ["this-zone"] => Ok(Self::ThisZone),
            ["any"] => Ok(Self::Any),
            words => words
                .iter()
                .map(|word| word.parse())
                .collect::<Result<_, _>>()
                .map(Self::List),
        }
    }
}

impl fmt::Display for AllowedOrigins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ThisZone => f.write_str("this-zone"),
            Self::Any => f.write_str("any"),
            Self::List(rules) => {
                for (index, rule) in rules.iter().enumerate() {
                    write!(f, "{}{rule}", if index == 0 { "" } else { "," })?;
                }
                Ok(())
            }
        }
    }
}

/// One entry of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OriginRule {
    /// In lower case, in ASCII, without a final dot.
    domain: String,
    with_subdomains: bool,
    /// A plain prefix of the source's path; empty for every path.
    path_prefix: String,
}

impl OriginRule {
    fn admits(&self, host: &str, path: &str) -> bool {
        let host_fits = if self.with_subdomains {
            is_within(host, &self.domain)
        } else {
            host == self.domain
        };
        host_fits && path.starts_with(&self.path_prefix)
    }
}

impl FromStr for OriginRule {
    type Err = AllowedOriginsError;

    fn from_str(text: &str) -> Result<Self, AllowedOriginsError> {
        let wrong = |why: &str| AllowedOriginsError(format!("`{text}` is no allowed origin: {why}"));
        if let "this-zone" | "any" = text {
            return Err(wrong("it must stand alone; a list always contains the zone itself"));
        }
        if text.contains("://") {
            return Err(wrong("write the domain without scheme, such as `images.example.com`"));
        }
        let (pattern, path_prefix) = match text.find('/') {
            Some(at) => text.split_at(at),
            None => (text, ""),
        };
        let (with_subdomains, domain) = match pattern.strip_prefix("*.") {
            Some(domain) => (true, domain),
            None => (false, pattern),
        };
        if domain.contains('*') {
            return Err(wrong(
                "`*` may only stand for all subdomains, as in `*.example.com`; write `any` for every host",
            ));
        }
        if path_prefix.contains(['?', '#']) {
            return Err(wrong("only a path may follow the domain, without query or fragment"));
        }
        let host = match Host::parse(domain) {
            Ok(host) => host,
            Err(_)
                if domain
                    .rsplit_once(':')
                    .is_some_and(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())) =>
            {
                return Err(wrong(
                    "write the domain without port; a domain is allowed on every port",
                ));
            }
            Err(_) => {
                return Err(wrong(
                    "this is not a host name; write a domain such as `images.example.com`",
                ));
            }
        };
        if with_subdomains && !matches!(host, Host::Domain(_)) {
            return Err(wrong("an address has no subdomains; write it without `*.`"));
        }
        let domain = normalised(&host.to_string());
        if domain.split('.').any(str::is_empty) {
            return Err(wrong(
                "a label of the host name is empty; write a domain such as `images.example.com`",
            ));
        }
        // The path in the spelling that the source's URL will have.
        let path_prefix = Url::parse(&format!("http://h{path_prefix}"))
            .map(|url| {
                if path_prefix.is_empty() {
                    String::new()
                } else {
                    url.path().to_owned()
                }
            })
            .map_err(|_| wrong("the path cannot be read"))?;
        Ok(Self {
            domain,
            with_subdomains,
            path_prefix,
        })
    }
}

impl fmt::Display for OriginRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}{}{}",
            if self.with_subdomains { "*." } else { "" },
            self.domain,
            self.path_prefix
        )
    }
}

/// A setting that cannot be read; the text says what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedOriginsError(String);

impl fmt::Display for AllowedOriginsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for AllowedOriginsError {}

/// Whether a host is the domain or a subdomain of it, on whole labels.
fn is_within(host: &str, domain: &str) -> bool {
    !domain.is_empty()
        && host
            .strip_suffix(domain)
            .is_some_and(|rest| rest.is_empty() || (rest.ends_with('.') && is_name(domain)))
}

/// Addresses have no subdomains.
fn is_name(host: &str) -> bool {
    !host.starts_with('[') && host.parse::<std::net::Ipv4Addr>().is_err()
}

/// The host of a `Host` header in the spelling of URLs: without port, in lower case and ASCII. Empty, which matches nothing, if it is no host.
fn zone_name(zone_host: &str) -> String {
    Url::parse(&format!("http://{zone_host}/"))
        .ok()
        .filter(|url| url.username().is_empty() && url.password().is_none() && url.path() == "/")
        .and_then(|url| url.host_str().map(normalised))
        .unwrap_or_default()
}

/// URLs keep the final dot of a fully qualified name; comparing must not.
fn normalised(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(setting: &str, zone: &str, source: &str) -> bool {
        let allowed: AllowedOrigins = setting.parse().expect(setting);
        allowed.check(zone, &Url::parse(source).expect(source)).is_ok()
    }

    #[test]
    fn the_zone_is_its_host_and_every_subdomain() {
        for source in [
            "https://a.com/x",
            "http://a.com:8080/x",
            "https://img.a.com/x",
            "https://x.y.a.com/x",
            "https://A.COM./x",
        ] {
            for setting in ["this-zone", "b.com", "any"] {
                assert!(allows(setting, "a.com", source), "{setting} {source}");
            }
        }
        assert!(allows("this-zone", "A.com:8080", "https://img.a.com/x"));
        for source in [
            "https://b.com/x",
            "https://nota.com/x",
            "https://a.com.evil.org/x",
            "https://com/x",
        ] {
            assert!(!allows("this-zone", "a.com", source), "{source}");
        }
        // The zone of a bare host is that host, not its parent.
        assert!(!allows("this-zone", "www.a.com", "https://a.com/x"));
    }

    #[test]
    fn a_list_names_whole_hosts() {
        assert!(allows("b.com", "a.com", "https://b.com/x"));
        assert!(!allows("b.com", "a.com", "https://www.b.com/x"));
        assert!(allows("media.b.com", "a.com", "https://media.b.com/x"));
        assert!(!allows("media.b.com", "a.com", "https://b.com/x"));
        assert!(!allows("media.b.com", "a.com", "https://x.media.b.com/x"));
        assert!(!allows("b.com", "a.com", "https://evilb.com/x"));
    }

    #[test]
    fn a_wildcard_takes_the_domain_and_every_subdomain() {
        for source in ["https://b.com/x", "https://www.b.com/x", "https://x.y.b.com/x"] {
            assert!(allows("*.b.com", "a.com", source), "{source}");
        }
        assert!(!allows("*.b.com", "a.com", "https://evilb.com/x"));
    }

    #[test]
    fn a_path_is_a_plain_prefix() {
        assert!(allows("b.com/themes", "a.com", "https://b.com/themes/image.png"));
        assert!(allows("b.com/themes", "a.com", "https://b.com/themes2/image.png"));
        assert!(!allows("b.com/themes", "a.com", "https://b.com/media/themes/image.png"));
        assert!(!allows(
            "b.com/themes",
            "a.com",
            "https://b.com/themes/../media/image.png"
        ));
        assert!(!allows(
            "b.com/themes",
            "a.com",
            "https://b.com/themes/%2e%2e/media/image.png"
        ));
        assert!(allows("b.com/ä", "a.com", "https://b.com/%C3%A4.png"));
    }

    #[test]
    fn lists_are_separated_by_commas_or_spaces_and_print_as_they_are_meant() {
        let list: AllowedOrigins = " B.com, *.c.com\nd.com/p ".parse().expect("a list");
        assert_eq!(list.to_string(), "b.com,*.c.com,d.com/p");
        assert_eq!(list.to_string().parse(), Ok(list));
    }

    #[test]
    fn international_names_compare_in_ascii() {
        assert!(allows("münchen.example", "a.com", "https://xn--mnchen-3ya.example/x"));
        assert!(allows(
            "this-zone",
            "xn--mnchen-3ya.example",
            "https://img.münchen.example/x"
        ));
    }

    #[test]
    fn addresses_match_themselves_only() {
        assert!(allows("this-zone", "127.0.0.1:9000", "http://127.0.0.1/x"));
        assert!(allows("this-zone", "[::1]:9000", "http://[::1]:81/x"));
        assert!(allows("192.168.1.7", "a.com", "http://192.168.1.7/x"));
        assert!(!allows("this-zone", "0.0.1", "http://127.0.0.1/x"));
    }

    #[test]
    fn a_zone_that_is_no_host_matches_nothing() {
        for zone in ["", ":80", "a b", "x@b.com", "b.com/x"] {
            assert!(!allows("this-zone", zone, "https://b.com/x"), "{zone}");
        }
    }

    #[test]
    fn the_refusal_has_the_documented_code_status_and_text() {
        let fault = AllowedOrigins::ThisZone
            .check("a.com", &Url::parse("https://b.com/").expect("a URL"))
            .expect_err("refused");
        assert_eq!((fault.code(), fault.status()), (9401, 403));
        assert_eq!(
            fault.public_message(),
            "Transformation origin is not in allowed origins list"
        );
    }

    #[test]
    fn wrong_settings_say_what_would_be_right() {
        for (setting, hint) in [
            ("", "write `this-zone`"),
            ("https://b.com", "without scheme"),
            ("b.com:8080", "without port"),
            ("*", "write `any`"),
            ("img*.b.com", "*.example.com"),
            ("b.com/x?y", "without query"),
            ("any,b.com", "stand alone"),
            ("b..com", "is empty"),
            ("/themes", "not a host name"),
            ("*.127.0.0.1", "no subdomains"),
        ] {
            let error = setting.parse::<AllowedOrigins>().expect_err(setting).to_string();
            assert!(error.contains(hint), "{setting}: {error}");
        }
    }
}
