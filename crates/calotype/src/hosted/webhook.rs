//! `calotype webhook`: where news of images goes.

use std::sync::Arc;
use std::time::Duration;

use calotype_http::Webhooks;
use calotype_source::{PostSettings, Poster};
use calotype_store::{
    Account, ImageEvent, NewPolicy, NewSubscription, NewWebhook, Secret, Store, StoreError, Webhook, WebhookSecret,
    WebhookUrl,
};
use clap::{Args, Subcommand};

use super::cli::Place;
use super::commands::{print, time};
use super::failed;
use crate::failure::Failure;
use crate::settings::Settings;

const SECRET_VARIABLE: &str = "CALOTYPE_WEBHOOK_SECRET";
/// Time for one try (hosted images spec, D84).
const POST_TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  calotype webhook create shop https://shop.example.com/hooks --uploads\n  CALOTYPE_WEBHOOK_SECRET=… calotype webhook create index https://search.example.com/in --event image.uploaded --event image.deleted"
)]
pub(crate) struct WebhookArguments {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(subcommand)]
    pub(crate) action: WebhookAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum WebhookAction {
    /// The webhooks of the account: id, last success, last failure, name, URL
    List,
    /// A new webhook; its URL must answer to a test. A secret is taken from CALOTYPE_WEBHOOK_SECRET
    Create {
        /// For people
        name: String,
        /// Where to post
        url: String,
        /// Tell of direct uploads that succeed or are refused
        #[arg(long)]
        uploads: bool,
        /// Tell of an event: image.uploaded, image.updated, image.deleted
        #[arg(long = "event", value_name = "EVENT")]
        events: Vec<String>,
        /// Make it without a test
        #[arg(long)]
        untested: bool,
    },
    /// Delete a webhook, its subscriptions, and what waits for it
    Delete {
        /// Its id, as `list` shows it
        id: String,
    },
    /// Post a sample to a webhook
    Test {
        /// Its id, as `list` shows it
        id: String,
    },
}

/// Posts with the address guard of the settings.
pub(crate) fn poster(settings: &Settings) -> Poster {
    Poster::new(PostSettings {
        guard: settings.guard(),
        timeout: POST_TIMEOUT,
        ..PostSettings::default()
    })
}

/// Runs one of them.
pub(super) async fn run(
    action: &WebhookAction,
    store: &Arc<Store>,
    account: &Account,
    settings: &Settings,
) -> Result<(), Failure> {
    match action {
        WebhookAction::List => {
            for webhook in store.webhooks(account).await.map_err(failed)? {
                print(&line_of(&webhook))?;
            }
            Ok(())
        }
        WebhookAction::Create {
            name,
            url,
            uploads,
            events,
            untested,
        } => {
            let new = NewWebhook {
                name: name.clone(),
                url: WebhookUrl::parse(url).map_err(failed)?,
                secret: match std::env::var(SECRET_VARIABLE) {
                    Ok(secret) => Some(WebhookSecret::parse(&secret).map_err(failed)?),
                    Err(_) => None,
                },
            };
            let events = events.iter().map(|name| ImageEvent::parse(name));
            let events = events.collect::<Result<Vec<_>, _>>().map_err(failed)?;
            if !untested {
                let secret = new.secret.as_ref().map(WebhookSecret::reveal);
                let tested = test(store, account, settings, name, new.url.as_str(), secret).await;
                tested.map_err(|why| {
                    Failure::Source(format!(
                        "the webhook does not work: {why}; --untested makes it all the same"
                    ))
                })?;
            }
            let webhook = store.create_webhook(account, &new).await.map_err(failed)?;
            if *uploads {
                let policy = NewPolicy {
                    name: name.clone(),
                    description: String::new(),
                    is_enabled: true,
                    webhooks: vec![webhook.id.clone()],
                };
                store.create_policy(account, &policy).await.map_err(failed)?;
            }
            if !events.is_empty() {
                let subscription = NewSubscription {
                    name: name.clone(),
                    is_enabled: true,
                    events,
                    webhook: webhook.id.clone(),
                };
                store
                    .create_subscription(account, &subscription)
                    .await
                    .map_err(failed)?;
            }
            print(&webhook.id)
        }
        WebhookAction::Delete { id } => store.delete_webhook(account, id).await.map_err(failed),
        WebhookAction::Test { id } => {
            let found = store.webhook(account, id).await.map_err(failed)?;
            let webhook = found.ok_or(StoreError::Missing("webhook")).map_err(failed)?;
            let secret = store.webhook_secret(account, id).await.map_err(failed)?;
            let secret = secret.as_ref().map(Secret::reveal);
            let tested = test(store, account, settings, &webhook.name, webhook.url.as_str(), secret).await;
            match tested {
                Ok(status) => print(&format!("HTTP {status}")),
                Err(why) => Err(Failure::Source(format!("the webhook does not work: {why}"))),
            }
        }
    }
}

async fn test(
    store: &Arc<Store>,
    account: &Account,
    settings: &Settings,
    name: &str,
    url: &str,
    secret: Option<&str>,
) -> Result<u16, String> {
    let webhooks = Webhooks::new(store.clone(), Arc::new(poster(settings)));
    webhooks.test(account, name, url, secret).await
}

fn line_of(webhook: &Webhook) -> String {
    let when = |ms: Option<i64>| ms.map_or_else(|| "-".to_owned(), time);
    format!(
        "{}  {}  {}  {}  {}",
        webhook.id,
        when(webhook.last_success_ms),
        when(webhook.last_failure_ms),
        webhook.name,
        webhook.url.as_str()
    )
}
