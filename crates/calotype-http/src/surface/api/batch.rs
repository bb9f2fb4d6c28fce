//! The batch API: some calls of one account, with a token of their own and a limit of their own (spec 6.17, D61, D62).

use http::Method;
use http::request::Parts;
use sha2::{Digest as _, Sha256};

use super::path::{self, Resource};
use super::{Api, Call, access};
use crate::client::PublicBase;
use crate::hosted::{Hosted, Outcome, Problem, Standing};
use crate::router::RequestBytes;

const OFFICIAL_HOST: &str = "batch.imagedelivery.net";
/// What batch tokens begin with.
const TOKEN_PREFIX: &str = "bt_";

/// What stands behind the root of the batch API in a request's path, if the request is for it: on the host that has the reference's name and below the
/// operator's own base everything is, elsewhere what lies below `/images/` and brings a batch token.
pub(crate) fn batch_path<'r>(hosted: &Hosted, request: &'r Parts) -> Option<&'r str> {
    let path = request.uri.path();
    by_host(hosted, request).or_else(|| {
        let is_batch = || access::secret(&request.headers).is_ok_and(|token| token.starts_with(TOKEN_PREFIX));
        path.strip_prefix('/')
            .filter(|rest| rest.starts_with("images/") && is_batch())
    })
}

fn by_host<'r>(hosted: &Hosted, request: &'r Parts) -> Option<&'r str> {
    let path = request.uri.path();
    let base = PublicBase::of(request)?;
    let host = base.host_and_port();
    if host.eq_ignore_ascii_case(OFFICIAL_HOST) {
        return path.strip_prefix('/');
    }
    let (_, own) = hosted.batch_url.as_deref()?.trim_end_matches('/').split_once("://")?;
    let (own_host, prefix) = own.find('/').map_or((own, ""), |slash| own.split_at(slash));
    host.eq_ignore_ascii_case(own_host)
        .then(|| path.strip_prefix(prefix)?.strip_prefix('/'))
        .flatten()
}

impl Api {
    pub(super) async fn batch(&self, parts: &Parts, body: RequestBytes, standing: &mut Option<Standing>) -> Outcome {
        let hosted = &self.hosted;
        let rest = batch_path(hosted, parts).unwrap_or_default();
        let resource = path::images(rest)?;
        // The list has two paths here.
        let resource = match resource {
            Resource::Images if parts.method == Method::GET => Resource::ImagesV2,
            resource => resource,
        };
        let is_offered = resource
            .operation(&parts.method)
            .is_some_and(|operation| operation.is_for_batch);
        if !is_offered {
            return Err(Problem::no_route());
        }
        let secret = access::secret(&parts.headers)?;
        let account = hosted
            .store
            .account_of_batch_token(secret)
            .await
            .map_err(|error| Problem::account_not_loaded(&error))?
            .ok_or_else(Problem::unauthenticated)?;
        let now_ms = hosted.store.clock().now_ms();
        *standing = hosted.counters.of_batch_token(Sha256::digest(secret).into(), now_ms);
        Standing::check(*standing)?;
        // The batch host is no place for the URLs in answers.
        let bases = match by_host(hosted, parts) {
            Some(_) => hosted.urls.for_nobody(),
            None => hosted.urls.for_request(parts),
        };
        let call = Call {
            hosted,
            account,
            token: None,
            parts,
            bases,
        };
        call.answer(resource, body).await
    }
}
