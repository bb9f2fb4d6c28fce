//! The command line of hosted images.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use ipnet::IpNet;

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
    /// The store of hosted images: check, gc, import
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
    /// The tokens of the account: id, scope, end, networks (those it may not be used from after !), name
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
        /// Network it may be used from, e.g. 10.0.0.0/8; repeat for several [default: every one]
        #[arg(long, value_name = "NETWORK", value_parser = network)]
        ip: Vec<IpNet>,
        /// Network it may not be used from; repeat for several
        #[arg(long, value_name = "NETWORK", value_parser = network)]
        not_ip: Vec<IpNet>,
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
    /// Store pictures: files, and directories with all pictures below them
    Upload(UploadArguments),
    /// Delete images
    Delete {
        /// Their ids
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

const UPLOAD_HELP: &str = "\
A picture of a directory gets its path below it as its id; a file that is named itself gets one that the server makes. A run that was cut off is begun
again: what is there already, with the same bytes, is left alone.

Examples:
  calotype image upload photo.jpg
  calotype image upload ./catalog --prefix catalog/ --creator shop
  CALOTYPE_TOKEN=… calotype image upload ./catalog --server https://images.example.com --account ID --auto-ids --private";

/// Which pictures, what they become, and where.
#[derive(Debug, Args)]
#[command(after_help = UPLOAD_HELP)]
pub(crate) struct UploadArguments {
    /// Pictures, and directories of pictures
    #[arg(required = true, value_name = "FILE|DIR")]
    pub(crate) paths: Vec<PathBuf>,
    /// A custom id, for one file
    #[arg(long, conflicts_with_all = ["prefix", "auto_ids"])]
    pub(crate) id: Option<String>,
    /// What ids begin with, before the path below the directory, e.g. catalog/
    #[arg(long, default_value = "", hide_default_value = true, conflicts_with = "auto_ids")]
    pub(crate) prefix: String,
    /// The server makes the ids; which one belongs to which file is noted in the directory
    #[arg(long)]
    pub(crate) auto_ids: bool,
    /// The file of these notes [default: .calotype-upload in the directory]
    #[arg(long, value_name = "FILE", requires = "auto_ids")]
    pub(crate) state: Option<PathBuf>,
    /// Delivery takes a signature; not with ids of one's own
    #[arg(long)]
    pub(crate) private: bool,
    /// Who uploads, in your words
    #[arg(long, value_name = "NAME")]
    pub(crate) creator: Option<String>,
    /// A JSON object that all images get
    #[arg(long, value_name = "JSON")]
    pub(crate) metadata: Option<String>,
    /// Uploads at once
    #[arg(long, default_value_t = 4, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=64))]
    pub(crate) jobs: usize,
    /// Only tell what would be uploaded
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// A server instead of a directory on this machine; takes --account and a token
    #[arg(long, value_name = "URL", conflicts_with = "data")]
    pub(crate) server: Option<url::Url>,
    /// The server's API token [default: CALOTYPE_TOKEN, where other users do not see it]
    #[arg(long, value_name = "TOKEN", requires = "server")]
    pub(crate) token: Option<String>,
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
    /// Store images that are described by lines of JSON: path, id, filename, uploaded, requireSignedURLs, creator, metadata
    Import {
        /// The file of lines; - is the standard input
        file: PathBuf,
        /// Folder of the originals that the lines' paths begin at [default: the file's]
        #[arg(long, value_name = "DIR")]
        originals: Option<PathBuf>,
    },
    /// Take away originals that no image has had for an hour, drafts that have ended, and leftovers
    Gc,
}

/// A network, or a single address.
fn network(text: &str) -> Result<IpNet, String> {
    text.parse()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| "write a network, for example 10.0.0.0/8, or an address".to_owned())
}
