//! `/client/v4/…`: the management API (spec 2 to 6), on the public door and on the binding's socket.

mod access;
mod alerting;
mod batch;
mod blob;
mod body;
mod config;
mod description;
mod direct_upload;
mod endpoint;
mod images;
mod keys;
mod list;
mod members;
mod path;
mod query;
mod reference;
mod signed_url;
mod subscriptions;
mod tokens;
mod variants;

use std::sync::Arc;

use calotype_store::{Account, Scope, Token};
use http::request::Parts;
use http::{Method, Request};

pub(crate) use self::batch::batch_path;
pub use self::description::description;
use self::path::{Path, Resource};
use crate::hosted::{Bases, Hosted, Outcome, Problem, Standing, allow, tell_ray};
use crate::router::{AnswerFuture, RequestBytes, Surface};

/// Where requests come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// The network: a token tells who asks.
    Public,
    /// The binding's socket, which its file's mode guards: no token is needed, and the account `local` is the first one.
    Socket,
    /// The network again, with batch tokens and fewer endpoints.
    Batch,
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
    /// What let it in, if a token did.
    token: Option<Token>,
    parts: &'c Parts,
    bases: Bases,
}

impl Api {
    pub(crate) const fn new(hosted: Arc<Hosted>, door: Door) -> Self {
        Self { hosted, door }
    }

    async fn route(&self, parts: &Parts, body: RequestBytes, standing: &mut Option<Standing>) -> Outcome {
        let hosted = &self.hosted;
        let path = parts.uri.path();
        match self.door {
            Door::Batch => return self.batch(parts, body, standing).await,
            Door::Socket if path == signed_url::PATH => {
                allow(&parts.method, "POST")?;
                return signed_url::create(hosted, &body::json(body).await?).await;
            }
            Door::Socket => {}
            Door::Public => {
                let address = tokens::address(hosted, parts);
                *standing = hosted.counters.of_address(address, hosted.store.clock().now_ms());
                Standing::check(*standing)?;
            }
        }
        match Path::parse(path)? {
            Path::VerifyToken => {
                allow(&parts.method, "GET")?;
                let token = tokens::used(hosted, parts).await?;
                self.count(&token, standing)?;
                tokens::verified(&token)
            }
            Path::Description => {
                allow(&parts.method, "GET, HEAD")?;
                description::answer(parts)
            }
            Path::Reference(file) => {
                allow(&parts.method, "GET, HEAD")?;
                file.map_or_else(reference::redirect, |file| reference::answer(parts, &file))
            }
            Path::Account(id, resource) => {
                let endpoint = resource.endpoint()?;
                let operation = endpoint
                    .operation(&parts.method)
                    .ok_or_else(|| Problem::wrong_method(endpoint.allowed()))?;
                let needed = match resource {
                    Resource::Keys if hosted.keys_take_write => Scope::Write,
                    _ => operation.needs,
                };
                let (account, token) = self.account(parts, &id, needed, standing).await?;
                let bases = match self.door {
                    Door::Socket => hosted.urls.for_nobody(),
                    Door::Public | Door::Batch => hosted.urls.for_request(parts),
                };
                let call = Call {
                    hosted,
                    account,
                    token,
                    parts,
                    bases,
                };
                call.answer(resource, body).await
            }
        }
    }

    /// The account of a path, if whoever asks may do so much in it, and the token that says so.
    async fn account(
        &self,
        parts: &Parts,
        id: &str,
        needed: Scope,
        standing: &mut Option<Standing>,
    ) -> Result<(Account, Option<Token>), Problem> {
        let store = &self.hosted.store;
        let not_loaded = |error| Problem::account_not_loaded(&error);
        if self.door == Door::Socket {
            let account = match id {
                "local" => Some(store.default_account().await.map_err(not_loaded)?),
                id => store.account_by_id(id).await.map_err(not_loaded)?,
            };
            return Ok((account.ok_or_else(Problem::account_not_valid)?, None));
        }
        let token = tokens::used(&self.hosted, parts).await?;
        self.count(&token, standing)?;
        let account = store.account_by_id(id).await.map_err(not_loaded)?;
        let account = account.ok_or_else(Problem::account_not_valid)?;
        if token.account != account.number || token.scope < needed {
            return Err(Problem::forbidden());
        }
        Ok((account, Some(token)))
    }

    /// Counts a request of a token's account.
    fn count(&self, token: &Token, standing: &mut Option<Standing>) -> Result<(), Problem> {
        let now_ms = self.hosted.store.clock().now_ms();
        if let Some(of_account) = self.hosted.counters.of_account(token.account, now_ms) {
            *standing = Some(of_account);
            Standing::check(*standing)?;
        }
        Ok(())
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
            let mut standing = None;
            let answered = self.route(&parts, body, &mut standing).await;
            let mut answer = answered.unwrap_or_else(|problem| problem.at(parts.uri.path()).answer());
            tell_ray(answer.headers_mut());
            if let Some(standing) = standing {
                standing.tell(answer.headers_mut());
            }
            answer
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
            Resource::Tokens if method == Method::POST => self.create_token(body).await,
            Resource::Tokens => self.tokens().await,
            Resource::PermissionGroups => tokens::permission_groups(),
            Resource::Token(id) if method == Method::GET => self.token(&id).await,
            Resource::Token(id) => self.revoke_token(&id).await,
        }
    }
}
