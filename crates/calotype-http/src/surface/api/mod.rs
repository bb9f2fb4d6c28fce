//! `/client/v4/…`: the management API (spec 2 to 6), on the public door and on the binding's socket.

mod access;
mod alerting;
mod blob;
mod body;
mod config;
mod direct_upload;
mod images;
mod keys;
mod list;
mod members;
mod path;
mod query;
mod signed_url;
mod subscriptions;
mod tokens;
mod variants;

use std::sync::Arc;

use calotype_store::{Account, Scope};
use http::request::Parts;
use http::{Method, Request};

use self::path::{Path, Resource};
use crate::hosted::{Bases, Hosted, Outcome, Problem, allow};
use crate::router::{AnswerFuture, RequestBytes, Surface};

/// Where requests come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// The network: a token tells who asks.
    Public,
    /// The binding's socket, which its file's mode guards: no token is needed, and the account `local` is the first one.
    Socket,
}

/// The surface.
#[derive(Debug)]
pub(crate) struct Api {
    hosted: Arc<Hosted>,
    door: Door,
}

/// A request after its credentials were looked at.
struct Call<'c> {
    hosted: &'c Hosted,
    account: Account,
    parts: &'c Parts,
    bases: Bases,
}

impl Api {
    pub(crate) const fn new(hosted: Arc<Hosted>, door: Door) -> Self {
        Self { hosted, door }
    }

    async fn route(&self, parts: &Parts, body: RequestBytes) -> Outcome {
        let path = parts.uri.path();
        if self.door == Door::Socket && path == signed_url::PATH {
            allow(&parts.method, "POST")?;
            return signed_url::create(&self.hosted, &body::json(body).await?).await;
        }
        match Path::parse(path)? {
            Path::VerifyToken => {
                allow(&parts.method, "GET")?;
                tokens::verify(&self.hosted, parts).await
            }
            Path::Account(id, resource) => {
                let needed = resource.scope(&parts.method, self.hosted.keys_take_write)?;
                let account = self.account(parts, &id, needed).await?;
                let bases = match self.door {
                    Door::Public => self.hosted.urls.for_request(parts),
                    Door::Socket => self.hosted.urls.for_nobody(),
                };
                let call = Call {
                    hosted: &self.hosted,
                    account,
                    parts,
                    bases,
                };
                call.answer(resource, body).await
            }
        }
    }

    /// The account of a path, if whoever asks may do so much in it.
    async fn account(&self, parts: &Parts, id: &str, needed: Scope) -> Result<Account, Problem> {
        let store = &self.hosted.store;
        if self.door == Door::Socket {
            if id == "local" {
                return Ok(store.default_account().await?);
            }
            return store.account_by_id(id).await?.ok_or_else(Problem::account_not_valid);
        }
        let token = access::token(store, &parts.headers).await?;
        let account = store.account_by_id(id).await?.ok_or_else(Problem::account_not_valid)?;
        if token.account != account.number || token.scope < needed {
            return Err(Problem::forbidden());
        }
        Ok(account)
    }
}

impl Surface for Api {
    fn name(&self) -> &'static str {
        "api"
    }

    fn has(&self, path: &str) -> bool {
        path == "/client/v4"
            || path.starts_with("/client/v4/")
            || (self.door == Door::Socket && path == signed_url::PATH)
    }

    fn answer(&self, request: Request<RequestBytes>) -> AnswerFuture<'_> {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            self.route(&parts, body)
                .await
                .unwrap_or_else(|problem| problem.answer())
        })
    }
}

impl Resource {
    /// What a token must allow for a method; refuses methods that the resource does not have.
    fn scope(&self, method: &Method, keys_take_write: bool) -> Result<Scope, Problem> {
        let allowed = match self {
            Self::Images | Self::Variants => "GET, POST",
            Self::Image(_) | Self::Variant(_) => "GET, PATCH, DELETE",
            Self::Blob(_) => "GET, HEAD",
            Self::Stats | Self::Keys | Self::VariantFlat(_) | Self::ImagesV2 | Self::MetadataKeys => "GET",
            Self::Key(_) => "PUT, DELETE",
            Self::Config => "GET, PATCH",
            Self::DirectUploadV1 | Self::DirectUploadV2 => "POST",
            Self::BatchToken => "GET, POST",
            Self::Alerting(path) => path.allowed(),
            Self::Subscriptions(path) => path.allowed(),
        };
        allow(method, allowed)?;
        let reads = matches!(*method, Method::GET | Method::HEAD);
        Ok(match self {
            Self::BatchToken => Scope::Write,
            Self::Keys if keys_take_write => Scope::Write,
            _ if reads => Scope::Read,
            _ => Scope::Write,
        })
    }
}

impl Call<'_> {
    async fn answer(self, resource: Resource, body: RequestBytes) -> Outcome {
        let method = &self.parts.method;
        match resource {
            Resource::Images if method == Method::POST => self.create_image(body).await,
            Resource::Images => self.list_v1().await,
            Resource::Image(id) if method == Method::GET => self.image(&id).await,
            Resource::Image(id) if method == Method::PATCH => self.update_image(&id, body).await,
            Resource::Image(id) => self.delete_image(&id).await,
            Resource::Blob(id) => self.blob(&id).await,
            Resource::ImagesV2 => self.list_v2().await,
            Resource::MetadataKeys => self.metadata_keys().await,
            Resource::Stats => self.stats(),
            Resource::DirectUploadV1 => self.direct_upload_v1(body).await,
            Resource::DirectUploadV2 => self.direct_upload_v2(body).await,
            Resource::Keys => self.keys().await,
            Resource::Key(name) if method == Method::PUT => self.put_key(&name).await,
            Resource::Key(name) => self.delete_key(&name).await,
            Resource::Variants if method == Method::POST => self.create_variant(body).await,
            Resource::Variants => self.variants().await,
            Resource::Variant(name) if method == Method::GET => self.variant(&name).await,
            Resource::Variant(name) if method == Method::PATCH => self.update_variant(&name, body).await,
            Resource::Variant(name) => self.delete_variant(&name).await,
            Resource::VariantFlat(name) => self.variant_flat(&name).await,
            Resource::Config if method == Method::PATCH => self.update_config(body).await,
            Resource::Config => self.config(),
            Resource::BatchToken => self.batch_token().await,
            Resource::Alerting(path) => self.alerting(path, body).await,
            Resource::Subscriptions(path) => self.subscriptions(path, body).await,
        }
    }
}
