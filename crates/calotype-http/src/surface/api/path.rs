//! Paths of the API, taken apart raw (spec 3.3).

use http::Method;
use percent_encoding::percent_decode_str;

use super::alerting::Alerting;
use super::endpoint::{Endpoint, Operation};
use super::subscriptions::Subscriptions;
use crate::hosted::Problem;

/// A path below `/client/v4`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Path {
    VerifyToken,
    /// The description of the API.
    Description,
    /// A file of the page that shows it; `None`: the page without its slash.
    Reference(Option<String>),
    Account(String, Resource),
}

/// What of an account is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Resource {
    Images,
    Image(String),
    Blob(String),
    Stats,
    Keys,
    Key(String),
    Variants,
    Variant(String),
    VariantFlat(String),
    Config,
    DirectUploadV1,
    BatchToken,
    ImagesV2,
    MetadataKeys,
    DirectUploadV2,
    Alerting(Alerting),
    Subscriptions(Subscriptions),
    Tokens,
    PermissionGroups,
    Token(String),
}

impl Resource {
    /// Its endpoint's path in the table; what is not there is not routed.
    const fn path(&self) -> &'static str {
        match self {
            Self::Images => "/images/v1",
            Self::Image(_) => "/images/v1/{image_id}",
            Self::Blob(_) => "/images/v1/{image_id}/blob",
            Self::Stats => "/images/v1/stats",
            Self::Keys => "/images/v1/keys",
            Self::Key(_) => "/images/v1/keys/{signing_key_name}",
            Self::Variants => "/images/v1/variants",
            Self::Variant(_) => "/images/v1/variants/{variant_id}",
            Self::VariantFlat(_) => "/images/v1/variants/{variant_id}/flat",
            Self::Config => "/images/v1/config",
            Self::DirectUploadV1 => "/images/v1/direct_upload",
            Self::BatchToken => "/images/v1/batch_token",
            Self::ImagesV2 => "/images/v2",
            Self::MetadataKeys => "/images/v2/metadata/keys",
            Self::DirectUploadV2 => "/images/v2/direct_upload",
            Self::Tokens => "/tokens",
            Self::PermissionGroups => "/tokens/permission_groups",
            Self::Token(_) => "/tokens/{token_id}",
            Self::Alerting(path) => path.endpoint(),
            Self::Subscriptions(path) => path.endpoint(),
        }
    }

    /// Its endpoint; 7003 if there is none.
    pub(super) fn endpoint(&self) -> Result<&'static Endpoint, Problem> {
        Endpoint::of(self.path()).ok_or_else(Problem::no_route)
    }

    /// What a method does with it.
    pub(super) fn operation(&self, method: &Method) -> Option<&'static Operation> {
        self.endpoint().ok()?.operation(method)
    }
}

impl Path {
    /// The meaning of a raw path; 7003 if it has none.
    pub(super) fn parse(raw: &str) -> Result<Self, Problem> {
        let rest = raw.strip_prefix("/client/v4/").ok_or_else(Problem::no_route)?;
        if rest == "user/tokens/verify" {
            return Ok(Self::VerifyToken);
        }
        if rest == "openapi.json" {
            return Ok(Self::Description);
        }
        if let Some(file) = rest
            .strip_prefix("docs")
            .filter(|file| file.is_empty() || file.starts_with('/'))
        {
            return Ok(Self::Reference(file.strip_prefix('/').map(str::to_owned)));
        }
        let (account, rest) = rest
            .strip_prefix("accounts/")
            .and_then(|rest| rest.split_once('/'))
            .ok_or_else(Problem::no_route)?;
        if rest == "tokens/verify" {
            return Ok(Self::VerifyToken);
        }
        let is_account =
            account == "local" || (account.len() == 32 && account.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if !is_account {
            return Err(Problem::no_route());
        }
        if let Some(path) = Alerting::parse(rest)? {
            return Ok(Self::Account(account.to_ascii_lowercase(), Resource::Alerting(path)));
        }
        if let Some(path) = Subscriptions::parse(rest)? {
            return Ok(Self::Account(
                account.to_ascii_lowercase(),
                Resource::Subscriptions(path),
            ));
        }
        let resource = match rest.strip_prefix("tokens") {
            Some(rest) => tokens(rest)?,
            None => images(rest)?,
        };
        Ok(Self::Account(account.to_ascii_lowercase(), resource))
    }
}

/// What lies below `images/`; the batch API has the same.
pub(super) fn images(rest: &str) -> Result<Resource, Problem> {
    let rest = rest.strip_prefix("images/").ok_or_else(Problem::no_route)?;
    match (rest.strip_prefix("v1"), rest.strip_prefix("v2")) {
        (Some(rest), _) => v1(rest),
        (_, Some(rest)) => v2(rest),
        (None, None) => Err(Problem::no_route()),
    }
}

fn tokens(rest: &str) -> Result<Resource, Problem> {
    let segments: Vec<&str> = rest.trim_end_matches('/').split('/').collect();
    match segments.as_slice() {
        [""] => Ok(Resource::Tokens),
        ["", "permission_groups"] => Ok(Resource::PermissionGroups),
        ["", id] => Ok(Resource::Token(decoded(id)?)),
        _ => Err(Problem::no_route()),
    }
}

fn v1(rest: &str) -> Result<Resource, Problem> {
    let rest = match rest {
        "" | "/" => return Ok(Resource::Images),
        rest => rest.strip_prefix('/').ok_or_else(Problem::no_route)?,
    };
    let segments: Vec<&str> = rest.trim_end_matches('/').split('/').collect();
    Ok(match segments.as_slice() {
        ["stats"] => Resource::Stats,
        ["keys"] => Resource::Keys,
        ["keys", name] => Resource::Key(decoded(name)?),
        ["variants"] => Resource::Variants,
        ["variants", name] => Resource::Variant(decoded(name)?),
        ["variants", name, "flat"] => Resource::VariantFlat(decoded(name)?),
        ["config"] => Resource::Config,
        ["direct_upload"] => Resource::DirectUploadV1,
        ["batch_token"] => Resource::BatchToken,
        [
            "keys" | "variants" | "stats" | "config" | "direct_upload" | "batch_token",
            ..,
        ] => return Err(Problem::no_route()),
        [id] => Resource::Image(decoded(id)?),
        // A client that pastes an id with slashes as it is (D13).
        [id @ .., "blob"] => Resource::Blob(joined(id)?),
        id => Resource::Image(joined(id)?),
    })
}

fn v2(rest: &str) -> Result<Resource, Problem> {
    match rest.trim_end_matches('/') {
        "" => Ok(Resource::ImagesV2),
        "/metadata/keys" => Ok(Resource::MetadataKeys),
        "/direct_upload" => Ok(Resource::DirectUploadV2),
        _ => Err(Problem::no_route()),
    }
}

fn joined(segments: &[&str]) -> Result<String, Problem> {
    let segments = segments
        .iter()
        .map(|segment| decoded(segment))
        .collect::<Result<Vec<_>, _>>()?;
    Ok(segments.join("/"))
}

/// A segment, decoded; 5400 if it is no UTF-8.
pub(super) fn decoded(segment: &str) -> Result<String, Problem> {
    let text = percent_decode_str(segment)
        .decode_utf8()
        .map_err(|_| Problem::bad_request("the path is not valid UTF-8 after percent-decoding"))?;
    Ok(text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::super::endpoint;
    use super::*;

    const ACCOUNT: &str = "9f2c51d84be04a17a3d60e7785c1b2aa";

    fn resource(rest: &str) -> Option<Resource> {
        match Path::parse(&format!("/client/v4/accounts/{ACCOUNT}/images/{rest}")) {
            Ok(Path::Account(account, resource)) if account == ACCOUNT => Some(resource),
            _ => None,
        }
    }

    #[test]
    fn every_endpoint_has_its_path_and_fixed_names_win() {
        let id = |text: &str| Some(Resource::Image(text.to_owned()));
        for (rest, want) in [
            ("v1", Some(Resource::Images)),
            ("v1/", Some(Resource::Images)),
            ("v1/stats", Some(Resource::Stats)),
            ("v1/keys", Some(Resource::Keys)),
            ("v1/keys/autumn", Some(Resource::Key("autumn".to_owned()))),
            ("v1/keys/a/b", None),
            ("v1/variants", Some(Resource::Variants)),
            ("v1/variants/thumb", Some(Resource::Variant("thumb".to_owned()))),
            (
                "v1/variants/thumb/flat",
                Some(Resource::VariantFlat("thumb".to_owned())),
            ),
            ("v1/config", Some(Resource::Config)),
            ("v1/direct_upload", Some(Resource::DirectUploadV1)),
            ("v1/batch_token", Some(Resource::BatchToken)),
            ("v2", Some(Resource::ImagesV2)),
            ("v2/metadata/keys", Some(Resource::MetadataKeys)),
            ("v2/direct_upload", Some(Resource::DirectUploadV2)),
            ("v2/abc", None),
            ("v3", None),
            ("v1x", None),
            ("v1/abc", id("abc")),
            ("v1/this%2Fis%20a%25", id("this/is a%")),
            ("v1/a/b/c.png", id("a/b/c.png")),
            ("v1/abc/blob", Some(Resource::Blob("abc".to_owned()))),
            ("v1/a%2Fb/blob", Some(Resource::Blob("a/b".to_owned()))),
            ("v1/a/b/blob", Some(Resource::Blob("a/b".to_owned()))),
            ("v1/blob", id("blob")),
            ("v1/a%FF", None),
        ] {
            assert_eq!(resource(rest), want, "{rest}");
        }
    }

    #[test]
    fn every_endpoint_of_the_table_is_routed_to_itself() {
        for endpoint in endpoint::ALL.iter().copied().flatten() {
            let path = endpoint.path.replace('{', "a").replace('}', "z");
            let parsed = Path::parse(&format!("/client/v4/accounts/{ACCOUNT}{path}"));
            let Ok(Path::Account(_, resource)) = parsed else {
                panic!("{path} is not routed");
            };
            assert_eq!(resource.path(), endpoint.path);
            assert!(!endpoint.operations.is_empty());
        }
    }

    #[test]
    fn accounts_are_32_hex_digits_or_the_local_one() {
        for (path, is_known) in [
            ("/client/v4/accounts/local/images/v1", true),
            ("/client/v4/accounts/9F2C51D84BE04A17A3D60E7785C1B2AA/images/v1", true),
            ("/client/v4/accounts/other/images/v1", false),
            ("/client/v4/accounts//images/v1", false),
            ("/client/v4/zones", false),
            ("/client/v4/user/tokens/verify", true),
        ] {
            assert_eq!(Path::parse(path).is_ok(), is_known, "{path}");
        }
    }
}
