//! Texts as pictures: the colour on a transparent ground (spec 8.3).

use std::collections::HashMap;
use std::sync::Arc;

use calotype_codec::{Budget, Header, Layout, Picture, Reservation};
use calotype_plan::{Fault, FaultKind, Font, ImageFormat, Text};
use calotype_text::{Setting, TextError, unpack, unpacked_bytes};

use crate::error::{fault, internal};
use crate::frame::Frame;
use crate::job::Job;

/// The fonts of a job that came packed, unpacked once.
#[derive(Debug, Default)]
pub(crate) struct Fonts {
    unpacked: HashMap<String, Arc<Unpacked>>,
}

#[derive(Debug)]
struct Unpacked {
    bytes: Vec<u8>,
    _charged: Reservation,
}

/// The picture of a text.
pub(crate) fn draw(text: &Text, job: &Job<'_>, budget: &Budget, fonts: &mut Fonts) -> Result<Frame<'static>, Fault> {
    let is_late = || job.check_time().is_err();
    let refuse = |error: TextError| refusal(error, &text.font, job);
    let unpacked;
    let font = match &text.font {
        Font::BuiltIn => None,
        Font::Url(url) => {
            let file = job
                .overlays
                .font(url)
                .ok_or_else(|| internal(format!("the font {url} was not fetched")))?;
            if file.len() as u64 > job.limits.font_bytes_max {
                return Err(Fault::invalid(format!(
                    "the font {url} is too large: {} bytes, but at most {} are allowed",
                    file.len(),
                    job.limits.font_bytes_max
                )));
            }
            unpacked = fonts.unpacked(url, file, budget, &refuse)?;
            Some(unpacked.as_ref().map_or(file, |unpacked| unpacked.bytes.as_slice()))
        }
    };
    let setting = Setting {
        text: &text.text,
        font,
        size_px: text.size.to_f64(),
    };
    let layout = setting.lay_out(&is_late).map_err(refuse)?;
    let size = layout.size();

    let area = usize::try_from(size.area()).map_err(|_| internal("a text of no size"))?;
    let color = text.color;
    let mut picture = Picture::new(size, Layout::Rgba, [color.r, color.g, color.b, 0], budget).map_err(fault)?;
    let _charged = budget.reserve(size.area()).map_err(fault)?;
    let mut coverage = vec![0; area];
    layout.paint(&mut coverage, &is_late).map_err(refuse)?;
    // The ground has the colour of the ink, so that nothing dark shows through when the edges are averaged.
    for (pixel, covered) in picture.data_mut().chunks_exact_mut(4).zip(&coverage) {
        if let [_, _, _, alpha] = pixel {
            let inked = (u16::from(*covered) * u16::from(color.a) + 127) / 255;
            *alpha = u8::try_from(inked).unwrap_or(u8::MAX);
        }
    }
    Ok(Frame::new(picture).in_light(job.limits.light))
}

/// What a text is in place of a source.
pub(crate) fn header(frame: &Frame<'_>) -> Header {
    let mut header = Header::new(ImageFormat::Png, frame.size());
    header.has_alpha = true;
    header
}

impl Fonts {
    /// The font inside a file; `None` where the file is the font.
    fn unpacked(
        &mut self,
        url: &str,
        file: &[u8],
        budget: &Budget,
        refuse: &dyn Fn(TextError) -> Fault,
    ) -> Result<Option<Arc<Unpacked>>, Fault> {
        if let Some(unpacked) = self.unpacked.get(url) {
            return Ok(Some(unpacked.clone()));
        }
        let Some(needed) = unpacked_bytes(file).map_err(refuse)? else {
            return Ok(None);
        };
        let working = budget.reserve(needed).map_err(fault)?;
        let bytes = unpack(file).map_err(refuse)?;
        drop(working);
        let unpacked = Arc::new(Unpacked {
            _charged: budget.reserve(bytes.len() as u64).map_err(fault)?,
            bytes,
        });
        self.unpacked.insert(url.to_owned(), unpacked.clone());
        Ok(Some(unpacked))
    }
}

/// The fault for a text that cannot be rendered.
fn refusal(error: TextError, font: &Font, job: &Job<'_>) -> Fault {
    let status = match &error {
        TextError::NoBuiltinFont | TextError::TooLarge { .. } => return Fault::invalid(error.to_string()),
        TextError::Late => return job.check_time().err().unwrap_or_else(|| internal("late in time")),
        TextError::NotAFont | TextError::Unsupported(_) => 415,
        TextError::FontTooLarge { .. } => 413,
        TextError::Broken(_) | TextError::TooComplex(_) => 422,
    };
    match font {
        Font::Url(url) => Fault::new(
            FaultKind::FontFailed(status),
            format!("the font {url} cannot be used: {error}"),
        ),
        Font::BuiltIn => Fault::invalid(format!("the text cannot be rendered: {error}")),
    }
}
