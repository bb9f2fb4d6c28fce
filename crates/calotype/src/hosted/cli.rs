//! The command line of hosted images.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::webhook::WebhookArguments;

/// What may be done with hosted images without a server, or beside one that runs.
#[derive(Debug, Subcommand)]
pub(crate) enum HostedCommand {
    /// Accounts of hosted images: list, create, usage, quota
    Account(AccountArguments),
    /// API tokens: list, create, revoke
    Token(TokenArguments),
    /// Signing keys: list, put, delete
    Key(KeyArguments),
    /// Variants: list, set, delete
    Variant(VariantArguments),
    /// Hosted images: list, show, upload, delete
    Image(ImageArguments),
    /// Sign the URL of a private image
    Sign(SignArguments),
    /// Webhooks, which hear of uploads and changes: list, create, delete, test
    Webhook(WebhookArguments),
    /// The store of hosted images: check, gc
    Store(StoreArguments),
}

/// Which store, and which account of it.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Directory of hosted images [default: the one that `calotype serve` has by default]
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) data: Option<PathBuf>,
    /// Settings file
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// Account by its id [default: the first one]
    #[arg(long, value_name = "ID", global = true)]
    pub(crate) account: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AccountArguments {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(subcommand)]
    pub(crate) action: AccountAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AccountAction {
    /// All accounts: id, hash, images, quota, name
    List,
    /// A new account
    Create {
        /// For people
        name: String,
    },
    /// What was delivered, by day, variant, type and status: requests, bytes
    Usage {
        /// How many days, today included
        #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=400))]
        days: u32,
    },
    /// Bound the images of the account
    Quota {
        /// How many, or none
        images: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct TokenArguments {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(subcommand)]
    pub(crate) action: TokenAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenAction {
    /// The tokens of the account: id, scope, end, name
    List,
    /// A new token; it is shown once
    Create {
        /// For people
        name: String,
        /// It may ask and not change
        #[arg(long)]
        read: bool,
        /// How long it is good, e.g. 90d
        #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
        expires: Option<Duration>,
    },
    /// End a token now
    Revoke {
        /// Its id, as `list` shows it
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct KeyArguments {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(subcommand)]
    pub(crate) action: KeyAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyAction {
    /// The keys of the account with their values
    List,
    /// Make a key, or give it a new value
    Put {
        /// Letters and digits
        name: String,
    },
    /// Delete a key: URLs that it signed are void
    Delete {
        /// Letters and digits
        name: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct VariantArguments {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(subcommand)]
    pub(crate) action: VariantAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum VariantAction {
    /// The variants of the account
    List,
    /// Make a variant, or change one: calotype variant set thumb fit=cover width=160 height=160
    Set {
        /// Letters and digits
        name: String,
        /// fit, width, height, metadata, blur, browser_ttl; an empty value takes an option away
        #[arg(value_name = "OPTION=VALUE")]
        options: Vec<String>,
        /// Private images can be had through it without a signature, or no longer
        #[arg(long, value_name = "BOOL")]
        never_require_signed_urls: Option<bool>,
    },
    /// Delete a variant
    Delete {
        /// Letters and digits
        name: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ImageArguments {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(subcommand)]
    pub(crate) action: ImageAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ImageAction {
    /// The newest images: id, time, bytes, type, file name
    List {
        /// How many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        max: u32,
    },
    /// One image as JSON
    Show {
        /// Its id
        id: String,
    },
    /// Store a picture
    Upload {
        /// The picture
        file: PathBuf,
        /// A custom id
        #[arg(long)]
        id: Option<String>,
        /// Its delivery takes a signature
        #[arg(long)]
        private: bool,
    },
    /// Delete images
    Delete {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  calotype sign --expires 1h https://images.example.com/HASH/ID/public\n  CALOTYPE_SIGNING_SECRET=… calotype sign --explain /HASH/ID/public"
)]
pub(crate) struct SignArguments {
    #[command(flatten)]
    pub(crate) place: Place,
    /// URL or path as it will be asked for, percent-encoded
    pub(crate) url: String,
    /// How long it is good, e.g. 1h [default: for ever]
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    pub(crate) expires: Option<Duration>,
    /// Signing key of the store. With CALOTYPE_SIGNING_SECRET in the environment no store is needed
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(crate) key: String,
    /// Tell what is signed, and how
    #[arg(long)]
    pub(crate) explain: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StoreArguments {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(subcommand)]
    pub(crate) action: StoreAction,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreAction {
    /// Look whether every original is there; exit code 1 if one is not
    Check {
        /// Read all bytes, and compare their hashes
        #[arg(long)]
        bytes: bool,
    },
    /// Take away originals that no image has had for an hour, drafts that have ended, and leftovers
    Gc,
}
