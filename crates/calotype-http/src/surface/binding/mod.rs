//! `POST /info` and `POST /transform`: the Images binding of the Workers runtime (docs/design/binding.md).

mod form;
mod refusal;
mod spool;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use calotype_plan::{BindingCanvas, Fault, FaultKind, FormatChoice, Limits, Output, OutputFormat, Plan};
use calotype_source::SourceMemory;
use calotype_worker::{Task, Worker};
use http::request::Parts;
use http::{Method, Request, StatusCode};

use self::form::{Form, FormLimits};
use self::refusal::Refusal;
use self::spool::Spool;
use crate::answer::{self, Answer};
use crate::router::{AnswerFuture, RequestBytes, Surface};

/// What the binding is made of.
#[derive(Debug, Clone)]
pub struct BindingSettings {
    /// The memory that parts share with all other originals.
    pub memory: SourceMemory,
    /// The directory of parts that are too large for memory; their files have no names there.
    pub spool: PathBuf,
    /// Bytes of all those files.
    pub spool_bytes_max: u64,
    /// Bytes of all parts of one call.
    pub form_bytes_max: u64,
    /// From the head of a request to the end of its form.
    pub receive_timeout: Duration,
    /// Answer requests with `X-Binding-Echo: 1` by what was read of them: for test suites that send words as images, never for users.
    pub echo: bool,
}

/// The binding's surface.
pub struct Binding {
    worker: Arc<dyn Worker>,
    limits: Limits,
    spool: Spool,
    form_bytes_max: u64,
    receive_timeout: Duration,
    echo: bool,
}

impl std::fmt::Debug for Binding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Binding")
            .field("spool", &self.spool)
            .finish_non_exhaustive()
    }
}

impl Surface for Binding {
    fn name(&self) -> &'static str {
        "binding"
    }

    fn has(&self, path: &str) -> bool {
        matches!(path, "/info" | "/transform")
    }

    fn answer(&self, request: Request<RequestBytes>) -> AnswerFuture<'_> {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            self.route(&parts, body).await
        })
    }
}

impl Binding {
    pub(crate) fn new(settings: BindingSettings, worker: Arc<dyn Worker>, limits: Limits) -> io::Result<Self> {
        let spool = Spool {
            directory: settings.spool,
            memory: settings.memory,
            file_bytes_max: settings.spool_bytes_max,
            file_bytes: Arc::default(),
        };
        spool.check()?;
        Ok(Self {
            worker,
            limits,
            spool,
            form_bytes_max: settings.form_bytes_max,
            receive_timeout: settings.receive_timeout,
            echo: settings.echo,
        })
    }

    async fn route(&self, parts: &Parts, body: RequestBytes) -> Answer {
        if parts.method != Method::POST {
            return answer::method_not_allowed("POST");
        }
        let answered = match self.receive(parts, body).await {
            Ok(form) if self.echo && form::echo::is_wanted(&parts.headers) => {
                let json = form::echo::answer(form, parts.uri.path(), &self.spool).await;
                json.map(|json| answer::with_body(StatusCode::OK, "application/json", json))
            }
            Ok(form) if parts.uri.path() == "/info" => self.info(form).await,
            Ok(form) => self.transform(form).await,
            Err(refusal) => Err(refusal),
        };
        answered.unwrap_or_else(|refusal| refusal.answer())
    }

    async fn receive(&self, parts: &Parts, body: RequestBytes) -> Result<Form, Refusal> {
        let bounds = FormLimits {
            limits: &self.limits,
            bytes_max: self.form_bytes_max,
        };
        let form = form::read(&parts.headers, body, &self.spool, bounds);
        tokio::time::timeout(self.receive_timeout, form)
            .await
            .unwrap_or_else(|_| {
                let fault = Fault::new(FaultKind::TooSlow, "the images took too long to arrive; try again");
                Err(fault.into())
            })
    }

    /// What an image is (section 4).
    async fn info(&self, form: Form) -> Result<Answer, Refusal> {
        let output = Output {
            format: FormatChoice::Json,
            still: true,
            ..Output::default()
        };
        let source = first(form.into_files(&self.spool).await?).0;
        let task = Task {
            plan: Arc::new(Plan {
                ops: Vec::new(),
                output,
            }),
            source,
            ..Task::default()
        };
        let done = self.worker.run(task).await?;
        let facts = described(&done.outcome.bytes)?;
        Ok(answer::with_body(StatusCode::OK, "application/json", facts))
    }

    /// Operations on the canvas, in the user's order.
    async fn transform(&self, form: Form) -> Result<Answer, Refusal> {
        // What is asked for is read before anything is brought back to memory for it.
        let planned = form.plan(&self.limits)?;
        if let BindingCanvas::Text(_) = planned.canvas {
            return Err(Fault::invalid("drawing text is not available on this server yet; start from an image").into());
        }
        let (source, parts) = first(form.into_files(&self.spool).await?);
        let task = Task {
            plan: Arc::new(planned.plan),
            source,
            parts,
            ..Task::default()
        };
        let outcome = self.worker.run(task).await?.outcome;
        if outcome.format == OutputFormat::Svg {
            let message = "the image is an SVG, and conversion from SVG to pixels is not supported";
            return Err(Fault::new(FaultKind::NotAnImage, message).into());
        }
        Ok(answer::with_body(StatusCode::OK, outcome.content_type, outcome.bytes))
    }
}

/// The canvas and the layers.
fn first(mut files: Vec<Bytes>) -> (Bytes, Vec<Bytes>) {
    let layers = files.split_off(files.len().min(1));
    (files.pop().unwrap_or_default(), layers)
}

/// The engine's description in the binding's words: of an SVG only what it is, of other formats than the binding knows nothing.
fn described(json: &[u8]) -> Result<String, Refusal> {
    let unreadable = || Fault::new(FaultKind::Internal, "the image could not be described");
    let json: serde_json::Value = serde_json::from_slice(json).map_err(|_| unreadable())?;
    let original = json.get("original").ok_or_else(unreadable)?;
    let number = |name: &str| {
        original
            .get(name)
            .and_then(serde_json::Value::as_u64)
            .ok_or_else(unreadable)
    };
    let format = original
        .get("format")
        .and_then(serde_json::Value::as_str)
        .ok_or_else(unreadable)?;
    match format {
        "image/svg+xml" => Ok(r#"{"format":"image/svg+xml"}"#.to_owned()),
        "image/jpeg" | "image/png" | "image/gif" | "image/webp" | "image/avif" => Ok(format!(
            r#"{{"format":"{format}","file_size":{},"width":{},"height":{}}}"#,
            number("file_size")?,
            number("width")?,
            number("height")?
        )),
        _ => Err(Fault::new(
            FaultKind::UnsupportedFormat,
            "the image is in a format that is not supported here; use JPEG, PNG, GIF, WebP, AVIF or SVG",
        )
        .into()),
    }
}
