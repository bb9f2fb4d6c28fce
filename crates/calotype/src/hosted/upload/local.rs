//! A store on this machine: what the API checks is checked here by the same code.

use std::sync::Arc;
use std::time::Duration;

use calotype_http::Inspector;
use calotype_store::{Account, Facts, ImageId, NewDraft, NewImage, Received, Store, StoreError};

use super::notes::Promise;
use super::place::{Picture, Presence, Traits, Trouble, TroubleKind};

/// How long a promise is good, in milliseconds.
const PROMISE_MS: i64 = 3_600_000;
/// The API's code for a worker without room.
const BUSY: u32 = 5503;

pub(super) struct Local {
    pub(super) store: Arc<Store>,
    pub(super) account: Account,
    pub(super) inspector: Inspector,
}

impl Local {
    pub(super) fn name(&self) -> String {
        format!("store {}", self.account.id)
    }

    pub(super) async fn presence(&self, id: &str, sha256: &str) -> Result<Presence, Trouble> {
        let image = self.store.image(&self.account, id).await.map_err(trouble)?;
        Ok(match image.map(|image| image.original) {
            None => Presence::Missing,
            Some(None) => Presence::Draft,
            Some(Some(original)) if original.blob.as_str() == sha256 => Presence::Same,
            Some(Some(_)) => Presence::Other,
        })
    }

    pub(super) async fn upload(
        &self,
        id: Option<&ImageId>,
        traits: &Traits,
        picture: &Picture,
    ) -> Result<String, Trouble> {
        let (received, facts) = self.receive(picture).await?;
        let new = new_image(id, traits);
        let image = self.store.create_image(&self.account, new, received, &facts).await;
        Ok(image.map_err(trouble)?.id.as_str().to_owned())
    }

    pub(super) async fn promise(&self, traits: &Traits) -> Result<Promise, Trouble> {
        let draft = NewDraft {
            image: new_image(None, traits),
            ends_ms: self.store.clock().now_ms().saturating_add(PROMISE_MS),
        };
        let (id, _) = self.store.create_draft(&self.account, &draft).await.map_err(trouble)?;
        Ok(Promise {
            id: id.as_str().to_owned(),
            url: String::new(),
        })
    }

    pub(super) async fn keep(&self, promise: &Promise, picture: &Picture) -> Result<(), Trouble> {
        let (received, facts) = self.receive(picture).await?;
        let kept = self
            .store
            .finish_draft(&self.account, &promise.id, None, received, &facts)
            .await;
        kept.map(|_| ()).map_err(trouble)
    }

    async fn receive(&self, picture: &Picture) -> Result<(Received, Facts), Trouble> {
        let inspected = self.inspector.inspect(picture.bytes.clone(), &picture.filename).await;
        let facts = inspected.map_err(|refused| {
            let kind = if refused.code == BUSY {
                TroubleKind::Later(Duration::ZERO)
            } else {
                TroubleKind::Refused
            };
            Trouble::new(kind, refused.message)
        })?;
        let mut incoming = self.store.receive().await.map_err(trouble)?;
        let in_store = |error| trouble(StoreError::Blob(error));
        incoming.write(&picture.bytes).await.map_err(in_store)?;
        Ok((incoming.finish().await.map_err(in_store)?, facts))
    }
}

fn new_image(id: Option<&ImageId>, traits: &Traits) -> NewImage {
    NewImage {
        id: id.cloned(),
        is_private: traits.is_private,
        creator: traits.creator.clone(),
        metadata: traits.metadata.clone(),
    }
}

fn trouble(error: StoreError) -> Trouble {
    let kind = match error {
        StoreError::Taken(_) => TroubleKind::Taken,
        StoreError::Missing("draft") => TroubleKind::NoPromise,
        StoreError::Full { .. } => TroubleKind::Fatal,
        _ => TroubleKind::Refused,
    };
    Trouble::new(kind, error.to_string())
}
