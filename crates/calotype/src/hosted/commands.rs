//! `calotype account`, `token`, `key`, `variant`, `image`, `sign`, `store`. `webhook` has a file of its own.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use calotype_plan::{sign_url, signature, signed_message};
use calotype_store::{
    Account, GRACE, Image, ListQuery, Networks, NewToken, Order, Scope, Store, StoreError, Variant, VariantOptions,
};
use serde_json::{Map, Value, json};

use super::cli::{
    AccountAction, HostedCommand, ImageAction, KeyAction, Place, SignArguments, StoreAction, TokenAction, VariantAction,
};
use super::{failed, import, open, upload, webhook};
use crate::cli::ServeArguments;
use crate::data::directory_of_command;
use crate::failure::Failure;
use crate::settings::Settings;

/// Variants of an account, as the server has them.
const VARIANTS_MAX: u64 = 100;
const SECRET_VARIABLE: &str = "CALOTYPE_SIGNING_SECRET";

/// Runs one of them.
pub(crate) fn run(command: &HostedCommand) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Other(format!("the async runtime could not start: {error}")))?;
    runtime.block_on(async {
        if let HostedCommand::Sign(arguments) = command
            && let Ok(secret) = std::env::var(SECRET_VARIABLE)
        {
            return sign(arguments, SECRET_VARIABLE, &secret);
        }
        let place = match command {
            HostedCommand::Account(arguments) => &arguments.place,
            HostedCommand::Token(arguments) => &arguments.place,
            HostedCommand::Key(arguments) => &arguments.place,
            HostedCommand::Variant(arguments) => &arguments.place,
            HostedCommand::Image(arguments) => &arguments.place,
            HostedCommand::Sign(arguments) => &arguments.place,
            HostedCommand::Webhook(arguments) => &arguments.place,
            HostedCommand::Store(arguments) => &arguments.place,
        };
        let settings = Settings::load(&ServeArguments {
            data: place.data.clone(),
            config: place.config.clone(),
            ..ServeArguments::default()
        })?;
        let upload = match command {
            HostedCommand::Image(arguments) => match &arguments.action {
                ImageAction::Upload(upload) => Some(upload),
                _ => None,
            },
            _ => None,
        };
        if let Some(upload) = upload.filter(|upload| upload.server.is_some()) {
            return upload::to_server(upload, place.account.as_deref(), &settings).await;
        }
        let work = Work::open(place, &settings).await?;
        if let Some(upload) = upload {
            return upload::to_store(upload, work.store, work.account, &settings).await;
        }
        let done = match command {
            HostedCommand::Account(arguments) => work.account(&arguments.action).await,
            HostedCommand::Token(arguments) => work.token(&arguments.action).await,
            HostedCommand::Key(arguments) => work.key(&arguments.action, settings.signing_keys).await,
            HostedCommand::Variant(arguments) => work.variant(&arguments.action).await,
            HostedCommand::Image(arguments) => work.image(&arguments.action).await,
            HostedCommand::Sign(arguments) => work.sign(arguments).await,
            HostedCommand::Webhook(arguments) => {
                webhook::run(&arguments.action, &work.store, &work.account, &settings).await
            }
            HostedCommand::Store(arguments) => work.store(&arguments.action, &settings).await,
        };
        work.store.close().await;
        done
    })
}

/// A store that is open, and an account of it.
struct Work {
    store: Arc<Store>,
    account: Account,
}

impl Work {
    async fn open(place: &Place, settings: &Settings) -> Result<Self, Failure> {
        let store = Arc::new(open(directory_of_command(settings)?, settings).await?);
        let account = match &place.account {
            None => store.default_account().await.map_err(failed)?,
            Some(id) => store.account_by_id(id).await.map_err(failed)?.ok_or_else(|| {
                Failure::Usage(format!("there is no account {id}; `calotype account list` shows all"))
            })?,
        };
        Ok(Self { store, account })
    }

    async fn account(&self, action: &AccountAction) -> Result<(), Failure> {
        match action {
            AccountAction::List => {
                for account in self.store.accounts().await.map_err(failed)? {
                    let quota = account.quota.map_or_else(|| "-".to_owned(), |quota| quota.to_string());
                    print(&format!(
                        "{}  {}  {}  {quota}  {}",
                        account.id, account.hash, account.images, account.name
                    ))?;
                }
                Ok(())
            }
            AccountAction::Create { name } => {
                let account = self.store.create_account(name).await.map_err(failed)?;
                print(&format!("{}  {}", account.id, account.hash))
            }
            AccountAction::Usage { days } => {
                for usage in self.store.usage(&self.account, *days).await.map_err(failed)? {
                    let day = time(usage.day.saturating_mul(86_400_000));
                    let or = |text: &str, none: &str| {
                        if text.is_empty() {
                            none.to_owned()
                        } else {
                            text.to_owned()
                        }
                    };
                    print(&format!(
                        "{}  {}  {}  {}  {}  {}",
                        day.split('T').next().unwrap_or_default(),
                        or(&usage.variant, "(options)"),
                        or(&usage.media_type, "-"),
                        usage.status,
                        usage.requests,
                        usage.bytes
                    ))?;
                }
                Ok(())
            }
            AccountAction::Quota { images } => {
                let quota = match images.as_str() {
                    "none" => None,
                    number => Some(number.parse().map_err(|_| {
                        Failure::Usage(format!("`{number}` is no quota; write a whole number, or none"))
                    })?),
                };
                self.store.set_quota(&self.account, quota).await.map_err(failed)
            }
        }
    }

    async fn token(&self, action: &TokenAction) -> Result<(), Failure> {
        match action {
            TokenAction::List => {
                for token in self.store.tokens(&self.account).await.map_err(failed)? {
                    let scope = if token.scope == Scope::Write { "write" } else { "read" };
                    let end = token.expires_ms.map_or_else(|| "-".to_owned(), time);
                    let networks = networks(&token.networks);
                    print(&format!("{}  {scope}  {end}  {networks}  {}", token.id, token.name))?;
                }
                Ok(())
            }
            TokenAction::Create {
                name,
                read,
                expires,
                ip,
                not_ip,
            } => {
                let scope = if *read { Scope::Read } else { Scope::Write };
                let expires_ms = expires.map(|expires| {
                    let ms = i64::try_from(expires.as_millis()).unwrap_or(i64::MAX);
                    self.store.clock().now_ms().saturating_add(ms)
                });
                let new = NewToken {
                    name: name.clone(),
                    scope,
                    expires_ms,
                    networks: Networks::new(ip.clone(), not_ip.clone()).map_err(failed)?,
                };
                let created = self.store.create_token_of(&self.account, new).await;
                let (_, secret) = created.map_err(failed)?;
                print(secret.reveal())
            }
            TokenAction::Revoke { id } => self.store.revoke_token(&self.account, id).await.map_err(failed),
        }
    }

    async fn key(&self, action: &KeyAction, max: u64) -> Result<(), Failure> {
        match action {
            KeyAction::List => {}
            KeyAction::Put { name } => self
                .store
                .put_signing_key(&self.account, name, max)
                .await
                .map_err(failed)?,
            KeyAction::Delete { name } => self
                .store
                .delete_signing_key(&self.account, name)
                .await
                .map_err(failed)?,
        }
        for key in self.store.signing_keys(&self.account).await.map_err(failed)? {
            print(&format!("{}  {}", key.name, key.value.reveal()))?;
        }
        Ok(())
    }

    async fn variant(&self, action: &VariantAction) -> Result<(), Failure> {
        match action {
            VariantAction::List => {
                for variant in self.store.variants(&self.account).await.map_err(failed)? {
                    print(&described(&variant))?;
                }
                Ok(())
            }
            VariantAction::Set {
                name,
                options,
                never_require_signed_urls,
            } => {
                let changes = options_of(options)?;
                let updated = self
                    .store
                    .update_variant(&self.account, name, &changes, *never_require_signed_urls)
                    .await;
                let variant = match updated {
                    Err(StoreError::Missing(_)) => {
                        let variant = Variant {
                            name: name.clone(),
                            options: VariantOptions::default().with(&changes).map_err(failed)?,
                            never_requires_signed_urls: never_require_signed_urls.unwrap_or(false),
                        };
                        let created = self.store.create_variant(&self.account, &variant, VARIANTS_MAX).await;
                        created.map_err(failed)?;
                        variant
                    }
                    other => other.map_err(failed)?,
                };
                print(&described(&variant))
            }
            VariantAction::Delete { name } => self.store.delete_variant(&self.account, name).await.map_err(failed),
        }
    }

    async fn image(&self, action: &ImageAction) -> Result<(), Failure> {
        match action {
            ImageAction::List { max } => {
                let query = ListQuery {
                    order: Order::Descending,
                    creator: None,
                    filters: Vec::new(),
                    after: None,
                    max: *max,
                };
                let page = self.store.list_images(&self.account, &query).await.map_err(failed)?;
                for image in &page.images {
                    print(&line_of(image))?;
                }
                Ok(())
            }
            ImageAction::Show { id } => {
                let found = self.store.image(&self.account, id).await.map_err(failed)?;
                let image = found.ok_or_else(|| Failure::Usage(format!("there is no image {id}")))?;
                let original = image.original.as_ref();
                let json = json!({
                    "id": image.id.as_str(),
                    "uploaded": time(image.position.ms()),
                    "requireSignedURLs": image.is_private,
                    "creator": image.creator,
                    "meta": image.metadata.as_ref().map(calotype_store::Metadata::value),
                    "draft": original.is_none(),
                    "filename": original.map(|original| original.filename.as_str()),
                    "bytes": original.map(|original| original.bytes),
                    "type": original.map(|original| original.media_type.as_str()),
                    "width": original.and_then(|original| original.width),
                    "height": original.and_then(|original| original.height),
                    "sha256": original.map(|original| original.blob.as_str()),
                });
                print(&serde_json::to_string_pretty(&json).unwrap_or_default())
            }
            // Done before, for it may need no store here.
            ImageAction::Upload(_) => Ok(()),
            ImageAction::Delete { ids } => {
                for id in ids {
                    self.store.delete_image(&self.account, id).await.map_err(failed)?;
                }
                Ok(())
            }
        }
    }

    async fn sign(&self, arguments: &SignArguments) -> Result<(), Failure> {
        let keys = self.store.signing_keys(&self.account).await.map_err(failed)?;
        let key = keys.iter().find(|key| key.name == arguments.key).ok_or_else(|| {
            Failure::Usage(format!(
                "there is no signing key {}; `calotype key list` shows all",
                arguments.key
            ))
        })?;
        sign(arguments, &format!("key `{}`", key.name), key.value.reveal())
    }

    async fn store(&self, action: &StoreAction, settings: &Settings) -> Result<(), Failure> {
        match action {
            StoreAction::Check { bytes } => {
                let report = self.store.check(*bytes).await.map_err(failed)?;
                print(&format!(
                    "{} originals, {} bytes; {} files that nothing names",
                    report.originals, report.bytes, report.strays
                ))?;
                for hash in &report.missing {
                    print(&format!("missing  {hash}"))?;
                }
                for hash in &report.damaged {
                    print(&format!("damaged  {hash}"))?;
                }
                if report.strays > 0 {
                    print(
                        "`calotype store gc` deletes what nothing names once it is an hour old, and so does the server",
                    )?;
                }
                if report.missing.is_empty() && report.damaged.is_empty() {
                    return Ok(());
                }
                Err(Failure::Other(
                    "some originals are missing or damaged. Nothing but their bytes repairs that: bring the files with these hashes in their names back from a backup, \
                     or delete the images and upload them again"
                        .to_owned(),
                ))
            }
            StoreAction::Import { file, originals } => {
                import::run(&self.store, &self.account, settings, file, originals.as_deref()).await
            }
            StoreAction::Gc => {
                let collected = self.store.collect(GRACE).await.map_err(failed)?;
                print(&format!(
                    "{} originals ({} bytes), {} leftovers, {} drafts, {} batch tokens, {} events",
                    collected.originals,
                    collected.bytes,
                    collected.strays,
                    collected.drafts,
                    collected.batch_tokens,
                    collected.events
                ))
            }
        }
    }
}

/// Signs a URL or path (hosted images spec, section 8).
fn sign(arguments: &SignArguments, key: &str, secret: &str) -> Result<(), Failure> {
    let path_at = match arguments.url.split_once("://") {
        Some((scheme, rest)) => rest.find('/').map(|slash| scheme.len() + 3 + slash),
        None => Some(0),
    };
    let (server, target) = path_at
        .and_then(|at| arguments.url.split_at_checked(at))
        .filter(|(_, target)| target.starts_with('/') && target.bytes().all(|byte| byte.is_ascii_graphic()))
        .ok_or_else(|| {
            Failure::Usage("write the URL or its path, percent-encoded, for example /HASH/ID/public".to_owned())
        })?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query: Vec<&str> = query
        .split('&')
        .filter(|parameter| !parameter.is_empty() && !parameter.starts_with("sig="))
        .collect();
    if arguments.expires.is_some() && query.iter().any(|parameter| parameter.starts_with("exp=")) {
        return Err(Failure::Usage(
            "the URL has an exp already; leave it out, or leave --expires out".to_owned(),
        ));
    }
    let query = query.join("&");
    let expires_s = arguments.expires.map(|expires| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        now.saturating_add(expires).as_secs()
    });
    let signed = sign_url(secret, path, &query, expires_s);
    if arguments.explain {
        let message = signed
            .rsplit_once("sig=")
            .map_or(signed.as_str(), |(message, _)| message);
        let message = message.trim_end_matches(['&', '?']);
        debug_assert!(signed.ends_with(&signature(secret, message)));
        let end = expires_s.map_or_else(
            || "never".to_owned(),
            |last| time(i64::try_from(last.saturating_mul(1_000)).unwrap_or(i64::MAX)),
        );
        print(&format!(
            "signed     {}\nwith       {key}, HMAC-SHA-256, its text as bytes\nsignature  {}\nexpires    {end}\n",
            signed_message(path, message.split_once('?').map_or("", |(_, query)| query)),
            signature(secret, message),
        ))?;
    }
    print(&format!("{server}{signed}"))
}

/// `name=value` each; numbers are numbers, and nothing is null.
fn options_of(options: &[String]) -> Result<Map<String, Value>, Failure> {
    options
        .iter()
        .map(|option| {
            let (name, value) = option.split_once('=').ok_or_else(|| {
                Failure::Usage(format!(
                    "`{option}` must be written option=value, for example width=160"
                ))
            })?;
            let value = match (value, value.parse::<u64>(), value.parse::<f64>()) {
                ("", ..) => Value::Null,
                (_, Ok(whole), _) => whole.into(),
                (_, _, Ok(number)) => number.into(),
                _ => value.into(),
            };
            Ok((name.to_owned(), value))
        })
        .collect()
}

/// Networks in one word: those that are refused after an exclamation mark.
fn networks(networks: &Networks) -> String {
    let allowed = networks.allowed().iter().map(ToString::to_string);
    let refused = networks.refused().iter().map(|network| format!("!{network}"));
    let words: Vec<String> = allowed.chain(refused).collect();
    if words.is_empty() {
        "-".to_owned()
    } else {
        words.join(",")
    }
}

fn described(variant: &Variant) -> String {
    let options: Vec<String> = variant
        .options
        .to_json()
        .iter()
        .map(|(name, value)| {
            format!(
                "{name}={}",
                value.as_str().map_or_else(|| value.to_string(), str::to_owned)
            )
        })
        .collect();
    let access = if variant.never_requires_signed_urls {
        "  unsigned"
    } else {
        ""
    };
    format!("{}  {}{access}", variant.name, options.join(","))
}

fn line_of(image: &Image) -> String {
    let access = if image.is_private { "private" } else { "public" };
    match &image.original {
        Some(original) => format!(
            "{}  {}  {access}  {}  {}  {}",
            image.id,
            time(image.position.ms()),
            original.bytes,
            original.media_type,
            original.filename
        ),
        None => format!("{}  {}  {access}  draft", image.id, time(image.position.ms())),
    }
}

/// A time for people.
pub(super) fn time(ms: i64) -> String {
    let since = Duration::from_millis(u64::try_from(ms).unwrap_or_default());
    humantime::format_rfc3339_seconds(UNIX_EPOCH + since).to_string()
}

/// A line on standard output.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{text}").map_err(|error| Failure::Other(error.to_string()))
}
