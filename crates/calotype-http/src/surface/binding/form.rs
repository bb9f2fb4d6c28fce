//! The multipart form of a call (binding spec 2.2 to 2.5).

pub(super) mod echo;

use bytes::Bytes;
use calotype_plan::{BindingForm, BindingLayer, BindingPlan, Fault, FaultKind, Limits, OutputFields};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body::Body;
use http_body_util::BodyDataStream;
use multer::{Field, Multipart};

use super::refusal::Refusal;
use super::spool::{CallSpool, Part, Spool};
use crate::form_body::{Allowance, HeadTooLong, Upload};

/// Parts beside the canvas and the layers: those that are known, and a few that are not.
const OTHER_PARTS_MAX: usize = 16;

/// A form that has come whole.
#[derive(Debug, Default)]
pub(super) struct Form {
    layers: Vec<Layer>,
    /// The first layer is the canvas: it came before all others.
    has_canvas: bool,
    transforms: Option<String>,
    output_format: Option<String>,
    output_quality: Option<String>,
    background: Option<String>,
    anim: Option<String>,
}

#[derive(Debug)]
enum Layer {
    Image(Part),
    Text(String),
}

/// How large a form may be.
#[derive(Debug, Clone, Copy)]
pub(super) struct FormLimits<'l> {
    pub(super) limits: &'l Limits,
    /// Bytes of all parts together.
    pub(super) bytes_max: u64,
}

/// A form while it arrives.
struct Reading<'s, 'l> {
    form: Form,
    spool: CallSpool<'s>,
    bounds: FormLimits<'l>,
    bytes_left: u64,
}

/// Reads a form to its closing delimiter, which alone proves that it is whole (5.4).
pub(super) async fn read<B>(
    headers: &HeaderMap,
    body: B,
    spool: &Spool,
    bounds: FormLimits<'_>,
) -> Result<Form, Refusal>
where
    B: Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let allowance = Allowance::new();
    let upload = BodyDataStream::new(Upload::new(body, allowance.clone()));
    let boundary = headers
        .get(CONTENT_TYPE)
        .and_then(|value| multer::parse_boundary(value.to_str().ok()?).ok())
        .filter(|boundary| !boundary.is_empty() && boundary.len() <= 70)
        .ok_or_else(|| Refusal::malformed("the request has no multipart form; send multipart/form-data", ""))?;
    let mut parts = Multipart::new(upload, boundary);
    let mut reading = Reading {
        form: Form::default(),
        spool: spool.call(),
        bounds,
        bytes_left: bounds.bytes_max,
    };
    let parts_max = bounds.limits.draws_max.saturating_add(1 + OTHER_PARTS_MAX);
    let mut count = 0_usize;
    loop {
        allowance.for_head();
        let Some(field) = parts.next_field().await.map_err(|error| broken(&error))? else {
            return Ok(reading.form);
        };
        count = count.saturating_add(1);
        if count > parts_max {
            return Err(Fault::invalid(format!("the form has more than {parts_max} parts")).into());
        }
        allowance.for_data();
        reading.take(field).await?;
    }
}

impl Reading<'_, '_> {
    async fn take(&mut self, field: Field<'_>) -> Result<(), Refusal> {
        let name = field.name().unwrap_or_default().to_owned();
        match name.as_str() {
            "image" | "draw_image" => {
                self.make_place(&name)?;
                let part = self.bytes(field).await?;
                self.form.layers.push(Layer::Image(part));
            }
            "text_input" | "draw_text" => {
                self.make_place(&name)?;
                let text = self.text(field, &name).await?;
                self.form.layers.push(Layer::Text(text));
            }
            "transforms" | "output_format" | "output_quality" | "background" | "anim" => {
                let text = self.text(field, &name).await?;
                let place = match name.as_str() {
                    "transforms" => &mut self.form.transforms,
                    "output_format" => &mut self.form.output_format,
                    "output_quality" => &mut self.form.output_quality,
                    "background" => &mut self.form.background,
                    _ => &mut self.form.anim,
                };
                if place.replace(text).is_some() {
                    return Err(Fault::invalid(format!("the form has two parts {name}")).into());
                }
            }
            // A newer runtime may say more than we know of.
            _ => self.skip(field).await?,
        }
        Ok(())
    }

    /// Checks that another canvas or layer may come, before its bytes do.
    fn make_place(&mut self, name: &str) -> Result<(), Refusal> {
        let is_canvas = matches!(name, "image" | "text_input");
        let form = &mut self.form;
        if is_canvas {
            if form.has_canvas {
                return Err(Fault::invalid("the form has two canvases; send one image or one text_input").into());
            }
            if !form.layers.is_empty() {
                return Err(Fault::invalid("the canvas must be the first part of the form").into());
            }
            form.has_canvas = true;
        } else if form.layers.len() > self.bounds.limits.draws_max {
            let max = self.bounds.limits.draws_max;
            return Err(Fault::invalid(format!("at most {max} layers are drawn in one call")).into());
        }
        Ok(())
    }

    async fn bytes(&mut self, mut field: Field<'_>) -> Result<Part, Refusal> {
        let max = self.bounds.limits.source_bytes_max;
        let mut part = self.spool.part();
        let mut length = 0_u64;
        while let Some(piece) = field.chunk().await.map_err(|error| broken(&error))? {
            self.charge(&piece)?;
            length = length.saturating_add(piece.len() as u64);
            if length > max {
                return Err(too_large(&format!("an image may have at most {max} bytes")));
            }
            self.spool.push(&mut part, &piece).await?;
        }
        self.spool.finish(&part);
        Ok(part)
    }

    async fn text(&mut self, mut field: Field<'_>, name: &str) -> Result<String, Refusal> {
        // What the plan takes of the longest of them.
        let max = self.bounds.limits.options_bytes_max.saturating_mul(4);
        let mut text = Vec::new();
        while let Some(piece) = field.chunk().await.map_err(|error| broken(&error))? {
            self.charge(&piece)?;
            if text.len().saturating_add(piece.len()) > max {
                return Err(Fault::invalid(format!("the part {name} is longer than {max} bytes")).into());
            }
            text.extend_from_slice(&piece);
        }
        String::from_utf8(text).map_err(|_| Fault::invalid(format!("the part {name} is not UTF-8")).into())
    }

    async fn skip(&mut self, mut field: Field<'_>) -> Result<(), Refusal> {
        while let Some(piece) = field.chunk().await.map_err(|error| broken(&error))? {
            self.charge(&piece)?;
        }
        Ok(())
    }

    fn charge(&mut self, piece: &[u8]) -> Result<(), Refusal> {
        self.bytes_left = self.bytes_left.checked_sub(piece.len() as u64).ok_or_else(|| {
            let max = self.bounds.bytes_max;
            too_large(&format!("all parts of a call may have at most {max} bytes together"))
        })?;
        Ok(())
    }
}

impl Form {
    /// What to do, if the form says it.
    pub(super) fn plan(&self, limits: &Limits) -> Result<BindingPlan, Refusal> {
        self.check_canvas()?;
        let missing = |name: &str| Fault::invalid(format!("the form has no part {name}"));
        let layers = self.layers.iter().map(|layer| match layer {
            Layer::Image(_) => BindingLayer::Image,
            Layer::Text(json) => BindingLayer::Text(json),
        });
        let form = BindingForm {
            layers: layers.collect(),
            transforms: self.transforms.as_deref().ok_or_else(|| missing("transforms"))?,
            output: OutputFields {
                format: self.output_format.as_deref().ok_or_else(|| missing("output_format"))?,
                quality: self.output_quality.as_deref(),
                background: self.background.as_deref(),
                anim: self.anim.as_deref(),
            },
        };
        Ok(form.parse(limits)?)
    }

    /// The files of the canvas and of all layers in their order; a text has none.
    pub(super) async fn into_files(self, spool: &Spool) -> Result<Vec<Bytes>, Refusal> {
        self.check_canvas()?;
        let mut files = Vec::with_capacity(self.layers.len());
        for layer in self.layers {
            files.push(match layer {
                Layer::Image(part) => spool.bytes_of(part).await?,
                Layer::Text(_) => Bytes::new(),
            });
        }
        Ok(files)
    }

    fn check_canvas(&self) -> Result<(), Refusal> {
        if self.has_canvas {
            return Ok(());
        }
        Err(Fault::invalid("the form has no part image").into())
    }
}

fn too_large(message: &str) -> Refusal {
    Fault::new(FaultKind::LimitExceeded, message).into()
}

/// A form that ends too early, or that is none.
fn broken(error: &multer::Error) -> Refusal {
    let message = match error {
        multer::Error::StreamReadFailed(cause) if cause.is::<HeadTooLong>() => {
            "the form cannot be read: a part has no head, or the boundary is not the one announced"
        }
        _ => "the form is not whole: its closing delimiter is missing",
    };
    Refusal::malformed(message, error.to_string())
}
