//! `POST /binding/signed-url`: what `hosted.image(id).signedUrl()` of the Workers binding asks for (binding spec, section 6).

use calotype_plan::sign_url;
use calotype_store::{Account, DEFAULT_SIGNING_KEY};
use serde_json::{Map, Value, json};

use crate::hosted::{Hosted, Outcome, Problem, success};

pub(super) const PATH: &str = "/binding/signed-url";

pub(super) async fn create(hosted: &Hosted, members: &Map<String, Value>) -> Outcome {
    let text = |name: &str| match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(Problem::bad_request(format!("{name} must be a text"))),
    };
    let needed = |name: &'static str| text(name)?.ok_or_else(|| Problem::bad_request(format!("{name} is missing")));
    let account = account(hosted, text("account")?.unwrap_or("local")).await?;
    let id = needed("id")?;
    let variant = needed("variant")?;
    let key_name = text("keyName")?.unwrap_or(DEFAULT_SIGNING_KEY);
    let expires_s = match members.get("expiresIn") {
        None | Some(Value::Null) => None,
        Some(value) => {
            let seconds = value.as_u64().filter(|seconds| *seconds >= 1);
            let seconds =
                seconds.ok_or_else(|| Problem::bad_request("expiresIn must be a whole number of seconds from 1"))?;
            let now_s = u64::try_from(hosted.store.clock().now_ms() / 1_000).unwrap_or_default();
            Some(now_s.saturating_add(seconds))
        }
    };
    let image = hosted
        .store
        .image(&account, id)
        .await?
        .ok_or_else(Problem::image_not_found)?;
    if hosted.store.variant(&account, variant).await?.is_none() {
        return Err(Problem::variant_not_found());
    }
    let keys = hosted.store.signing_keys(&account).await?;
    let key = keys
        .iter()
        .find(|key| key.name == key_name)
        .ok_or_else(Problem::signing_key_not_found)?;
    let url = hosted.urls.for_nobody().delivery(&account, &image.id, variant);
    // Scheme and host are not signed.
    let path_at = url
        .find("://")
        .and_then(|scheme| url.get(scheme + 3..)?.find('/').map(|slash| scheme + 3 + slash))
        .ok_or_else(|| Problem::internal("a delivery URL without a path"))?;
    let (server, path) = url.split_at_checked(path_at).unwrap_or(("", url.as_str()));
    let signed = sign_url(key.value.reveal(), path, "", expires_s);
    success(&json!({ "url": format!("{server}{signed}") }))
}

async fn account(hosted: &Hosted, id: &str) -> Result<Account, Problem> {
    if id == "local" {
        return Ok(hosted.store.default_account().await?);
    }
    hosted
        .store
        .account_by_id(id)
        .await?
        .ok_or_else(Problem::account_not_valid)
}
