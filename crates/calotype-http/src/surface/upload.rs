//! The URL that takes one upload, from whoever has it (spec 6.15).

use std::sync::Arc;

use calotype_store::{Account, UploadError};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, CONTENT_LENGTH, HeaderValue, VARY,
};
use http::request::Parts;
use http::{Method, Request, StatusCode};
use percent_encoding::percent_decode_str;

use crate::answer::Answer;
use crate::hosted::{Bounds, Hosted, Outcome, Problem, Records, allow, tidy_filename};
use crate::router::{AnswerFuture, RequestBytes, Surface};

/// The surface.
#[derive(Debug)]
pub(crate) struct OneTimeUpload {
    hosted: Arc<Hosted>,
}

/// What an upload URL names.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    hash: String,
    id: String,
    secret: Option<String>,
}

impl OneTimeUpload {
    pub(crate) const fn new(hosted: Arc<Hosted>) -> Self {
        Self { hosted }
    }

    async fn route(&self, parts: &Parts, body: RequestBytes) -> Answer {
        let mut answer = if parts.method == Method::OPTIONS {
            preflight(parts)
        } else {
            let answered = self.take(parts, body).await;
            answered.unwrap_or_else(|problem| problem.answer())
        };
        // A page of any origin may upload, and read the answer (D59).
        answer
            .headers_mut()
            .insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        answer
    }

    async fn take(&self, parts: &Parts, body: RequestBytes) -> Outcome {
        allow(&parts.method, "POST, OPTIONS")?;
        let path = self.hosted.urls.upload_path(parts).unwrap_or_default();
        let target = Target::parse(path).ok_or_else(Problem::upload_url_not_found)?;
        let account = self.account(&target).await?;
        let mut filename = None;
        let taken = self.receive(parts, body, &account, &target, &mut filename).await;
        if let Err(problem) = &taken {
            self.tell_refusal(&account, &target, filename.as_deref(), problem).await;
        }
        taken
    }

    /// The upload of a draft that waits. The name of its file is told as soon as it is known.
    async fn receive(
        &self,
        parts: &Parts,
        body: RequestBytes,
        account: &Account,
        target: &Target,
        named: &mut Option<String>,
    ) -> Outcome {
        let form = self
            .hosted
            .read_form(&parts.headers, body, Bounds::FileAndTexts)
            .await?;
        if form.has("url") {
            return Err(Problem::bad_request("this URL takes a part `file`, and no `url`"));
        }
        let (filename, received) = form
            .file
            .ok_or_else(|| Problem::bad_request("the form must have a part `file`"))?;
        *named = Some(tidy_filename(&filename));
        let (received, facts) = self.hosted.look(received, &filename).await?;
        let store = &self.hosted.store;
        let secret = target.secret.as_deref();
        let image = store
            .finish_draft(account, &target.id, secret, received, &facts)
            .await?;
        let variants = store.variants(account).await?;
        let bases = self.hosted.urls.for_request(parts);
        Records::new(account, &variants, &bases).for_end_users().answer(&image)
    }

    /// Tells policies of a refused upload. That the server is busy is none: the client comes again.
    async fn tell_refusal(&self, account: &Account, target: &Target, filename: Option<&str>, problem: &Problem) {
        if problem.is_busy() {
            return;
        }
        let error = UploadError {
            code: problem.code(),
            message: problem.message().to_owned(),
        };
        let told = self
            .hosted
            .store
            .refuse_draft(account, &target.id, filename, error)
            .await;
        if let Err(error) = told {
            tracing::warn!(%error, "a refused upload could not be told of");
        }
    }

    /// The account whose draft waits, before a byte of the file is read.
    async fn account(&self, target: &Target) -> Result<Account, Problem> {
        let store = &self.hosted.store;
        let account = store.account_by_hash(&target.hash).await?;
        let account = account.ok_or_else(Problem::upload_url_not_found)?;
        let secret = target.secret.as_deref();
        if store.draft_waits(&account, &target.id, secret).await? {
            return Ok(account);
        }
        Err(Problem::upload_url_not_found())
    }
}

impl Surface for OneTimeUpload {
    fn name(&self) -> &'static str {
        "upload"
    }

    fn has(&self, path: &str) -> bool {
        path.starts_with("/upload/")
    }

    fn answer(&self, request: Request<RequestBytes>) -> AnswerFuture<'_> {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            self.route(&parts, body).await
        })
    }
}

impl Target {
    /// `{hash}/{id}`, or `{hash}/{custom id}/{secret}`.
    fn parse(path: &str) -> Option<Self> {
        let decode = |segment: &str| {
            percent_decode_str(segment)
                .decode_utf8()
                .ok()
                .map(std::borrow::Cow::into_owned)
        };
        let (hash, rest) = path.split_once('/')?;
        let (id, secret) = match rest.rsplit_once('/') {
            None => (rest, None),
            Some((id, secret)) => (id, Some(decode(secret)?)),
        };
        let segments = id.split('/').map(decode).collect::<Option<Vec<_>>>()?;
        Some(Self {
            hash: hash.to_owned(),
            id: segments.join("/"),
            secret,
        })
    }
}

fn preflight(request: &Parts) -> Answer {
    let mut answer = Answer::default();
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let headers = answer.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST, OPTIONS"));
    let asked = request.headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned();
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        asked.unwrap_or(HeaderValue::from_static("*")),
    );
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("86400"));
    headers.insert(VARY, HeaderValue::from_static("Access-Control-Request-Headers"));
    headers.remove(CONTENT_LENGTH);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upload_paths_name_a_hash_an_id_and_perhaps_a_secret() {
        let target = |path| Target::parse(path).map(|target| (target.hash, target.id, target.secret));
        let text = str::to_owned;
        assert_eq!(target("H/abc"), Some((text("H"), text("abc"), None)));
        assert_eq!(
            target("H/a%20b/c%25/s3cret"),
            Some((text("H"), text("a b/c%"), Some(text("s3cret"))))
        );
        assert_eq!(target("H"), None);
        assert_eq!(target("H/%FF"), None);
    }
}
