//! Settings of an account (spec 6.14).

use calotype_store::{Config, browser_ttl_s};
use serde_json::{Value, json};

use super::{Call, body};
use crate::hosted::{DEFAULT_BROWSER_TTL_S, Outcome, Problem, success};
use crate::router::RequestBytes;

impl Call<'_> {
    pub(super) fn config(&self) -> Outcome {
        told(self.account.config)
    }

    pub(super) async fn update_config(&self, body: RequestBytes) -> Outcome {
        let members = body::json(body).await?;
        let boolean = |name: &str, before: bool| match members.get(name) {
            None => Ok(before),
            Some(Value::Bool(boolean)) => Ok(*boolean),
            Some(_) => Err(Problem::bad_request(format!("{name} must be true or false"))),
        };
        let mut config = self.account.config;
        config.flexible_variants = boolean("flexible_variants", config.flexible_variants)?;
        if let Some(value) = members.get("browser_ttl") {
            config.browser_ttl_s = browser_ttl_s(value)?;
        }
        if boolean("preserve_content_credentials", false)? {
            // It takes a certificate to sign with, for which there is no setting (D53).
            return Err(Problem::bad_request(
                "preserve_content_credentials cannot be switched on: this server has no signing certificate",
            ));
        }
        self.hosted.store.set_config(&self.account, config).await?;
        told(config)
    }
}

fn told(config: Config) -> Outcome {
    success(&json!({
        "flexible_variants": config.flexible_variants,
        "browser_ttl": config.browser_ttl_s.unwrap_or(DEFAULT_BROWSER_TTL_S),
        "preserve_content_credentials": false,
    }))
}
