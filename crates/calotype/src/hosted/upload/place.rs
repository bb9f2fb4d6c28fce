//! Where pictures go: a store on this machine, or a server somewhere.

use std::time::Duration;

use bytes::Bytes;
use calotype_store::{ImageId, Metadata};

use super::local::Local;
use super::notes::Promise;
use super::remote::Remote;

/// What all images of a run are.
#[derive(Debug, Clone)]
pub(super) struct Traits {
    pub(super) creator: Option<String>,
    pub(super) metadata: Option<Metadata>,
    pub(super) is_private: bool,
}

/// A file that has been read.
#[derive(Debug, Clone)]
pub(super) struct Picture {
    pub(super) filename: String,
    pub(super) bytes: Bytes,
    /// Of the bytes, as lower-case hex digits.
    pub(super) sha256: String,
}

/// What is there under an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    /// Nothing.
    Missing,
    /// A promise of an image.
    Draft,
    /// An image of these bytes.
    Same,
    /// An image of other bytes.
    Other,
}

/// Why something could not be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) why: String,
    pub(super) kind: TroubleKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TroubleKind {
    /// It will not work later either.
    Refused,
    /// The id is taken.
    Taken,
    /// The promise has been kept, or has ended.
    NoPromise,
    /// It may work after a while; the server says after which at least.
    Later(Duration),
    /// Nothing else will work either.
    Fatal,
}

impl Trouble {
    pub(super) fn new(kind: TroubleKind, why: impl Into<String>) -> Self {
        Self { why: why.into(), kind }
    }

    pub(super) fn refused(why: impl Into<String>) -> Self {
        Self::new(TroubleKind::Refused, why)
    }
}

/// One of the two.
pub(super) enum Place {
    Local(Local),
    Remote(Remote),
}

impl Place {
    /// What tells this place from others, in notes.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Local(local) => local.name(),
            Self::Remote(remote) => remote.name(),
        }
    }

    pub(super) async fn presence(&self, id: &str, sha256: &str) -> Result<Presence, Trouble> {
        match self {
            Self::Local(local) => local.presence(id, sha256).await,
            Self::Remote(remote) => remote.presence(id, sha256).await,
        }
    }

    /// Uploads under this id, or one that is made. Tells the id.
    pub(super) async fn upload(
        &self,
        id: Option<&ImageId>,
        traits: &Traits,
        picture: &Picture,
    ) -> Result<String, Trouble> {
        match self {
            Self::Local(local) => local.upload(id, traits, picture).await,
            Self::Remote(remote) => remote.upload(id, traits, picture).await,
        }
    }

    /// Makes an id.
    pub(super) async fn promise(&self, traits: &Traits) -> Result<Promise, Trouble> {
        match self {
            Self::Local(local) => local.promise(traits).await,
            Self::Remote(remote) => remote.promise(traits).await,
        }
    }

    /// Uploads under a promised id.
    pub(super) async fn keep(&self, promise: &Promise, picture: &Picture) -> Result<(), Trouble> {
        match self {
            Self::Local(local) => local.keep(promise, picture).await,
            Self::Remote(remote) => remote.keep(promise, picture).await,
        }
    }
}
