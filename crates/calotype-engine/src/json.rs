//! `format=json`: a description instead of the picture (spec 9.6).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use calotype_codec::Header;
use calotype_plan::{Fault, Findings, Layout, Op, OutputFormat, Size};

use crate::error::internal;
use crate::job::Job;
use crate::output::Written;
use crate::segment::GrayMask;

/// The description, if the header alone is enough for it: that is, if no operation has to look at pixels to know a size, and none can fail by them.
pub(crate) fn from_header(job: &Job<'_>, header: &Header) -> Result<Option<Written>, Fault> {
    let models = job.vision.models();
    let needs_pixels = |op: &Op| match op {
        Op::TrimColor(_) | Op::Segment | Op::Draw(_) => true,
        Op::FaceCrop(_) => models.faces,
        _ => false,
    };
    if job.plan.ops.iter().any(needs_pixels) {
        return Ok(None);
    }
    let findings = Findings {
        models,
        ..Findings::default()
    };
    let layout = Layout::compute(job.plan, header.size, header.orientation, &findings, job.limits)?;
    let mut warnings = Vec::new();
    for warning in layout.warnings {
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
    Ok(Some(Written {
        bytes: describe(job, header, layout.output, None)?,
        format: OutputFormat::Json,
        size: layout.output,
        warnings,
        passed_through: false,
        steps: Vec::new(),
    }))
}

/// As [`from_header`], of a source that is drawn at the size of `header` and whose own size is `own`.
pub(crate) fn from_drawing(job: &Job<'_>, header: &Header, own: Size) -> Result<Option<Written>, Fault> {
    let Some(mut described) = from_header(job, header)? else {
        return Ok(None);
    };
    let own = Header::new(header.format, own);
    described.bytes = describe(job, &own, described.size, None)?;
    Ok(Some(described))
}

/// The members in the order of the specification. All values are numbers, media types and base64, so nothing needs escaping.
pub(crate) fn describe(job: &Job<'_>, header: &Header, size: Size, mask: Option<&GrayMask>) -> Result<Vec<u8>, Fault> {
    let original = header.upright_size();
    let frames = if header.is_animated() && !job.plan.output.still {
        format!(r#","frames":{}"#, header.frames)
    } else {
        String::new()
    };
    let segment = match mask {
        Some(mask) => format!(
            r#","segment":{{"mask":"{}","width":{},"height":{},"upscale_filter":"catrom"}}"#,
            STANDARD.encode(png(mask)?),
            mask.size.width,
            mask.size.height
        ),
        None => String::new(),
    };
    Ok(format!(
        r#"{{"width":{},"height":{},"original":{{"file_size":{},"width":{},"height":{},"format":"{}"{frames}}}{segment}}}"#,
        size.width,
        size.height,
        job.source.len(),
        original.width,
        original.height,
        header.format.mime()
    )
    .into_bytes())
}

/// The mask as an 8-bit grey PNG.
fn png(mask: &GrayMask) -> Result<Vec<u8>, Fault> {
    let problem = |error: png::EncodingError| internal(format!("writing a mask: {error}"));
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, mask.size.width, mask.size.height);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().map_err(problem)?;
    writer.write_image_data(&mask.values).map_err(problem)?;
    writer.finish().map_err(problem)?;
    Ok(bytes)
}
