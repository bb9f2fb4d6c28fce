//! `GET /user/tokens/verify`, which many scripts ask first (D6).

use http::request::Parts;
use serde_json::json;

use super::access;
use crate::hosted::{Hosted, Outcome, success, timestamp};

pub(super) async fn verify(hosted: &Hosted, parts: &Parts) -> Outcome {
    let token = access::token(&hosted.store, &parts.headers).await?;
    let mut result = json!({ "id": token.id, "status": "active" });
    if let (Some(members), Some(end)) = (result.as_object_mut(), token.expires_ms) {
        members.insert("expires_on".to_owned(), timestamp(end).into());
    }
    success(&result)
}
