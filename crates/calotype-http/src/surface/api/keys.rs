//! Signing keys and batch tokens (spec 6.12, 6.17).

use serde_json::json;

use super::Call;
use crate::hosted::{Outcome, success, timestamp};

impl Call<'_> {
    pub(super) async fn keys(&self) -> Outcome {
        let keys = self.hosted.store.signing_keys(&self.account).await?;
        let keys: Vec<_> = keys
            .iter()
            .map(|key| json!({ "name": key.name, "value": key.value.reveal() }))
            .collect();
        success(&json!({ "keys": keys }))
    }

    pub(super) async fn put_key(&self, name: &str) -> Outcome {
        let max = self.hosted.limits.signing_keys_max;
        self.hosted.store.put_signing_key(&self.account, name, max).await?;
        self.keys().await
    }

    pub(super) async fn delete_key(&self, name: &str) -> Outcome {
        self.hosted.store.delete_signing_key(&self.account, name).await?;
        self.keys().await
    }

    pub(super) async fn batch_token(&self) -> Outcome {
        let token = self.hosted.store.create_batch_token(&self.account).await?;
        // Nanoseconds, as the reference has them (D61).
        let expires = timestamp(token.expires_ms).replace('Z', "000000Z");
        success(&json!({ "token": token.secret.reveal(), "expiresAt": expires }))
    }
}
