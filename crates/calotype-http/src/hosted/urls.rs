//! The absolute URLs that answers hold (spec section 1, D1, D35).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::OnceLock;

use calotype_store::{Account, ImageId};
use http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::client::PublicBase;

/// Below the server's own address.
pub(crate) const DELIVERY_PREFIX: &str = "/cdn-cgi/imagedelivery";
/// Below the server's own address.
const UPLOAD_PREFIX: &str = "/upload";
/// What stays as it is in a segment: RFC 3986's unreserved characters, sub-delims, `:` and `@`.
const SEGMENT: AsciiSet = NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// Where the world finds the server.
#[derive(Debug, Clone, Default)]
pub struct PublicUrls {
    /// What stands before `/{hash}/{id}/{variant}`, e.g. `https://imagedelivery.net`.
    pub delivery: Option<String>,
    /// What stands before `/{hash}/{id}`, e.g. `https://upload.imagedelivery.net`.
    pub upload: Option<String>,
    /// Hosts that belong to an account, in lower case and without a port, with the account's hash: on them no other account's images are served (D64).
    pub hosts: BTreeMap<String, String>,
    /// Prefixes of paths that stand for the delivery prefix and an account's hash, with that hash: `/images/` (D64). Each begins and ends with a slash.
    pub aliases: BTreeMap<String, String>,
    /// The address for whoever asks without naming one, e.g. `http://127.0.0.1:8080`. It is known when the server listens.
    pub fallback: OnceLock<String>,
}

/// The same for one request: what the operator has not set is where the client has just been.
#[derive(Debug, Clone)]
pub(crate) struct Bases {
    delivery: String,
    upload: String,
}

impl PublicUrls {
    /// The bases for a request that came by the public door.
    pub(crate) fn for_request(&self, request: &Parts) -> Bases {
        let asked = PublicBase::of(request).map(|base| base.url(""));
        self.bases(asked.as_deref().unwrap_or_else(|| self.fallback()))
    }

    /// The bases for one whose host says nothing.
    pub(crate) fn for_nobody(&self) -> Bases {
        self.bases(self.fallback())
    }

    fn fallback(&self) -> &str {
        self.fallback.get().map_or("http://localhost", String::as_str)
    }

    /// What stands behind the upload prefix in a request's path, if it is for an upload URL: below `/upload/`, below the operator's own base, or anywhere on
    /// the host that has the reference's name.
    pub(crate) fn upload_path<'r>(&self, request: &'r Parts) -> Option<&'r str> {
        let path = request.uri.path();
        let rest = behind(path, UPLOAD_PREFIX)
            .or_else(|| behind_base(self.upload.as_deref()?, request))
            .or_else(|| {
                is_host(request, "upload.imagedelivery.net")
                    .then(|| behind(path, ""))
                    .flatten()
            })?;
        has_hash(rest).then_some(rest)
    }

    /// The same for delivery: `{hash}/{id}/{variant}`, whatever stood there in the place of the hash. `is_short` allows it without a prefix on every host.
    pub(crate) fn delivery_path<'r>(&self, request: &'r Parts, is_short: bool) -> Option<Cow<'r, str>> {
        let path = request.uri.path();
        if let Some(rest) = behind(path, DELIVERY_PREFIX) {
            return Some(Cow::Borrowed(rest));
        }
        // The longest prefix wins.
        let mut aliases = self.aliases.iter().rev();
        if let Some((hash, rest)) = aliases.find_map(|(prefix, hash)| Some((hash, path.strip_prefix(prefix.as_str())?)))
        {
            return Some(Cow::Owned(format!("{hash}/{rest}")));
        }
        let is_bare = is_short || is_host(request, "imagedelivery.net");
        let rest = self
            .delivery
            .as_deref()
            .and_then(|base| behind_base(base, request))
            .or_else(|| is_bare.then(|| behind(path, "")).flatten())?;
        has_hash(rest).then_some(Cow::Borrowed(rest))
    }

    /// Whether images of the account with this hash may be served on the host that a request names.
    pub(crate) fn may_serve(&self, request: &Parts, hash: &str) -> bool {
        let owner = PublicBase::of(request).and_then(|base| self.hosts.get(&base.host().to_ascii_lowercase()));
        owner.is_none_or(|owner| owner == hash)
    }

    fn bases(&self, server: &str) -> Bases {
        let or = |set: &Option<String>, prefix: &str| {
            set.as_deref().map_or_else(
                || format!("{server}{prefix}"),
                |base| base.trim_end_matches('/').to_owned(),
            )
        };
        Bases {
            delivery: or(&self.delivery, DELIVERY_PREFIX),
            upload: or(&self.upload, UPLOAD_PREFIX),
        }
    }
}

impl Bases {
    /// The URL of an image through a variant.
    pub(crate) fn delivery(&self, account: &Account, id: &ImageId, variant: &str) -> String {
        format!("{}{}/{variant}", self.of_account(account), encoded(id.as_str()))
    }

    /// What the delivery URLs of an account begin with.
    pub(crate) fn of_account(&self, account: &Account) -> String {
        format!("{}/{}/", self.delivery, account.hash)
    }

    /// The URL that takes one upload.
    pub(crate) fn upload(&self, account: &Account, id: &ImageId, secret: Option<&str>) -> String {
        let mut url = format!("{}/{}/{}", self.upload, account.hash, encoded(id.as_str()));
        if let Some(secret) = secret {
            url.push('/');
            url.push_str(secret);
        }
        url
    }
}

fn behind<'p>(path: &'p str, prefix: &str) -> Option<&'p str> {
    path.strip_prefix(prefix)?.strip_prefix('/')
}

/// What stands behind a base in the path of a request to the base's host.
fn behind_base<'r>(base: &str, request: &'r Parts) -> Option<&'r str> {
    let (_, rest) = base.trim_end_matches('/').split_once("://")?;
    let (host, prefix) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    is_host(request, host)
        .then(|| behind(request.uri.path(), prefix))
        .flatten()
}

fn is_host(request: &Parts, host: &str) -> bool {
    PublicBase::of(request).is_some_and(|base| base.host_and_port().eq_ignore_ascii_case(host))
}

/// Whether a path begins with what can be an account's hash.
fn has_hash(path: &str) -> bool {
    let hash = path.split('/').next().unwrap_or_default();
    hash.len() == 22
        && hash
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// An id in a path: its slashes stay.
pub(super) fn encoded(id: &str) -> String {
    let segments: Vec<String> = id
        .split('/')
        .map(|segment| utf8_percent_encode(segment, &SEGMENT).to_string())
        .collect();
    segments.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(host: &str, path: &str) -> Parts {
        let request = http::Request::builder()
            .uri(path)
            .header("host", host)
            .body(())
            .unwrap();
        request.into_parts().0
    }

    #[test]
    fn roles_are_told_apart_by_prefix_base_and_official_host() {
        let urls = PublicUrls {
            delivery: Some("https://img.example.com/pics".to_owned()),
            upload: Some("https://up.example.com:8443/".to_owned()),
            ..PublicUrls::default()
        };
        let hash = "qT7mVb2XLr0yJk4ZpN8sEw";
        for (host, path, upload, delivery) in [
            ("a.b", "/upload/H/id", true, false),
            ("up.example.com:8443", "/H/id", true, false),
            ("up.example.com", "/H/id", false, false),
            ("upload.imagedelivery.net", "/H/id", true, false),
            ("a.b", "/cdn-cgi/imagedelivery/H/id/public", false, true),
            ("img.example.com", "/pics/H/id/public", false, true),
            ("img.example.com", "/H/id/public", false, false),
            ("imagedelivery.net", "/H/id/public", false, true),
            ("a.b", "/upload/form.html", false, false),
            ("imagedelivery.net", "/favicon.ico", false, false),
        ] {
            let request = request(host, &path.replace('H', hash));
            assert_eq!(urls.upload_path(&request).is_some(), upload, "{host}{path}");
            assert_eq!(urls.delivery_path(&request, false).is_some(), delivery, "{host}{path}");
        }
        let short = request("a.b", &format!("/{hash}/id/public"));
        assert_eq!(
            urls.delivery_path(&short, true).as_deref(),
            Some(format!("{hash}/id/public").as_str())
        );
        assert_eq!(urls.delivery_path(&short, false), None);
    }

    #[test]
    fn an_alias_stands_for_prefix_and_hash_and_a_bound_host_serves_its_account_alone() {
        let map = |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        let urls = PublicUrls {
            hosts: map(&[("shop.example", "A")]),
            aliases: map(&[("/images/", "A"), ("/images/b/", "B")]),
            ..PublicUrls::default()
        };
        for (path, want) in [
            ("/images/cat.jpg/thumb", Some("A/cat.jpg/thumb")),
            ("/images/b/cat.jpg/thumb", Some("B/cat.jpg/thumb")),
            ("/images/", Some("A/")),
            ("/images", None),
            ("/imagesx/cat/thumb", None),
            ("/cdn-cgi/imagedelivery/C/images/thumb", Some("C/images/thumb")),
        ] {
            assert_eq!(
                urls.delivery_path(&request("a.b", path), false).as_deref(),
                want,
                "{path}"
            );
        }
        for (host, hash, want) in [
            ("shop.example", "A", true),
            ("Shop.Example:8080", "A", true),
            ("shop.example:8080", "B", false),
            ("www.shop.example", "B", true),
            ("[::1]:80", "B", true),
        ] {
            assert_eq!(urls.may_serve(&request(host, "/"), hash), want, "{host} {hash}");
        }
    }

    #[test]
    fn ids_are_encoded_segment_by_segment() {
        for (id, path) in [
            ("catalog/2026/50% off.png", "catalog/2026/50%25%20off.png"),
            ("ü/😀", "%C3%BC/%F0%9F%98%80"),
            ("a-b_c.d~e!$&'()*+,;=:@", "a-b_c.d~e!$&'()*+,;=:@"),
            ("a?b#c\"<>[]", "a%3Fb%23c%22%3C%3E%5B%5D"),
        ] {
            assert_eq!(encoded(id), path);
        }
    }
}
