//! Variants (spec 6.13).

use calotype_store::{Variant, VariantOptions};
use serde_json::{Map, Value, json};

use super::{Call, body};
use crate::hosted::{Outcome, Problem, success};
use crate::router::RequestBytes;

impl Call<'_> {
    pub(super) async fn variants(&self) -> Outcome {
        let variants = self.hosted.store.variants(&self.account).await?;
        let by_name: Map<String, Value> = variants
            .iter()
            .map(|variant| (variant.name.clone(), definition(variant)))
            .collect();
        success(&json!({ "variants": by_name }))
    }

    pub(super) async fn variant(&self, name: &str) -> Outcome {
        success(&json!({ "variant": definition(&self.find_variant(name).await?) }))
    }

    pub(super) async fn variant_flat(&self, name: &str) -> Outcome {
        success(&definition(&self.find_variant(name).await?))
    }

    pub(super) async fn create_variant(&self, body: RequestBytes) -> Outcome {
        let members = body::json(body).await?;
        let name = members
            .get("id")
            .and_then(Value::as_str)
            .ok_or_else(|| Problem::bad_request("id must be the name of the variant"))?;
        let variant = Variant {
            name: name.to_owned(),
            options: VariantOptions::default().with(options(&members)?.unwrap_or(&Map::new()))?,
            never_requires_signed_urls: access(&members)?.unwrap_or(false),
        };
        let max = self.hosted.limits.variants_max;
        self.hosted.store.create_variant(&self.account, &variant, max).await?;
        success(&json!({ "variant": definition(&variant) }))
    }

    pub(super) async fn update_variant(&self, name: &str, body: RequestBytes) -> Outcome {
        let members = body::json(body).await?;
        let changes = options(&members)?.ok_or_else(|| Problem::bad_request("options must be given, if only as {}"))?;
        let store = &self.hosted.store;
        let variant = store
            .update_variant(&self.account, name, changes, access(&members)?)
            .await?;
        success(&json!({ "variant": definition(&variant) }))
    }

    pub(super) async fn delete_variant(&self, name: &str) -> Outcome {
        self.hosted.store.delete_variant(&self.account, name).await?;
        success(&Map::new())
    }

    async fn find_variant(&self, name: &str) -> Result<Variant, Problem> {
        let found = self.hosted.store.variant(&self.account, name).await?;
        found.ok_or_else(Problem::variant_not_found)
    }
}

fn definition(variant: &Variant) -> Value {
    json!({
        "id": variant.name,
        "options": variant.options.to_json(),
        "neverRequireSignedURLs": variant.never_requires_signed_urls,
    })
}

fn options(members: &Map<String, Value>) -> Result<Option<&Map<String, Value>>, Problem> {
    match members.get("options") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(options)) => Ok(Some(options)),
        Some(_) => Err(Problem::bad_request("options must be an object")),
    }
}

fn access(members: &Map<String, Value>) -> Result<Option<bool>, Problem> {
    match members.get("neverRequireSignedURLs") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(boolean)) => Ok(Some(*boolean)),
        Some(_) => Err(Problem::bad_request("neverRequireSignedURLs must be true or false")),
    }
}
