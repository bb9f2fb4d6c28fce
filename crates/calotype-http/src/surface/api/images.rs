//! Images: upload, details, changes, deletion (spec 6.1 to 6.6).

use calotype_store::{Changes, Image, Metadata};
use serde_json::{Map, Value};

use super::{Call, body};
use crate::access_log::OfDraft;
use crate::hosted::{Bounds, Outcome, Problem, Record, success};
use crate::router::RequestBytes;

impl Call<'_> {
    pub(super) async fn create_image(&self, body: RequestBytes) -> Outcome {
        let form = self
            .hosted
            .read_form(&self.parts.headers, body, Bounds::FileAndTexts)
            .await?;
        let new = form.image()?;
        let (received, filename) = match (form.text("url")?.map(str::to_owned), form.file) {
            (None, Some((filename, received))) => (received, filename),
            (Some(url), None) => self.hosted.fetch(&url).await?,
            (None, None) => {
                return Err(Problem::bad_request("the form must have a part `file` or a part `url`"));
            }
            (Some(_), Some(_)) => {
                return Err(Problem::bad_request(
                    "the form must have either a part `file` or a part `url`, not both",
                ));
            }
        };
        let (received, facts) = self.hosted.look(received, &filename).await?;
        let store = &self.hosted.store;
        let image = store.create_image(&self.account, new, received, &facts).await?;
        self.told(&image).await
    }

    pub(super) async fn image(&self, id: &str) -> Outcome {
        let image = self.find(id).await?;
        self.told(&image).await
    }

    pub(super) async fn update_image(&self, id: &str, body: RequestBytes) -> Outcome {
        let changes = changes(&body::json(body).await?)?;
        let store = &self.hosted.store;
        let image = store.update_image(&self.account, id, &changes).await?;
        self.told(&image).await
    }

    pub(super) async fn delete_image(&self, id: &str) -> Outcome {
        self.hosted.store.delete_image(&self.account, id).await?;
        success(&Map::new())
    }

    /// The image or draft of an id, or 5404.
    pub(super) async fn find(&self, id: &str) -> Result<Image, Problem> {
        let found = self.hosted.store.image(&self.account, id).await?;
        found.ok_or_else(Problem::image_not_found)
    }

    async fn told(&self, image: &Image) -> Outcome {
        let variants = self.hosted.store.variants(&self.account).await?;
        let mut answer = success(&Record::of(image, &self.account, &variants, &self.bases))?;
        if image.original.is_none() {
            answer.extensions_mut().insert(OfDraft);
        }
        Ok(answer)
    }
}

/// What a PATCH asks for; members that are not known are ignored (D7, D37).
fn changes(members: &Map<String, Value>) -> Result<Changes, Problem> {
    let mut changes = Changes::default();
    match members.get("requireSignedURLs") {
        None | Some(Value::Null) => {}
        Some(Value::Bool(boolean)) => changes.is_private = Some(*boolean),
        Some(_) => return Err(Problem::bad_request("requireSignedURLs must be true or false")),
    }
    match members.get("creator") {
        None => {}
        Some(Value::Null) => changes.creator = Some(None),
        Some(Value::String(creator)) => changes.creator = Some(Some(creator.clone()).filter(|text| !text.is_empty())),
        Some(_) => return Err(Problem::bad_request("creator must be a text")),
    }
    match members.get("metadata") {
        None => {}
        Some(Value::Null) => changes.metadata = Some(None),
        // Some clients send the object as text, as forms do.
        Some(Value::String(text)) => {
            let value = serde_json::from_str(text)
                .map_err(|_| Problem::bad_request("Invalid metadata: it is not valid JSON"))?;
            changes.metadata = Some(Metadata::new(value)?);
        }
        Some(value) => changes.metadata = Some(Metadata::new(value.clone())?),
    }
    Ok(changes)
}
