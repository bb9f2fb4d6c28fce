//! Transforms of pictures elsewhere, for surfaces that are told in another way than by a path what to do.

use std::future::Future;
use std::pin::Pin;

use calotype_plan::Options;
use calotype_source::OriginAuth;
use http::request::Parts;

use crate::answer::Answer;

/// What a surface wants transformed.
#[derive(Debug)]
pub(crate) struct Wanted<'w> {
    /// The request: its `Accept`, its conditions, and where it has been.
    pub(crate) parts: &'w Parts,
    /// The absolute URL of the original.
    pub(crate) source_url: String,
    /// What to do with it.
    pub(crate) options: &'w Options,
    /// What to show the origin.
    pub(crate) auth: OriginAuth,
}

/// Fetches originals under the rules on sources, transforms them and answers: results, conditional requests and faults as in spec section 13.
pub(crate) trait Transforms: Send + Sync {
    /// The answer.
    fn transform<'w>(&'w self, wanted: Wanted<'w>) -> Pin<Box<dyn Future<Output = Answer> + Send + 'w>>;
}
