//! When the source bytes are the answer (spec 9.1, 9.3).

use calotype_codec::{ColorProfile, Header, SourceMetadata, holds_nothing_but};
use calotype_plan::{Fault, FaultKind, FormatChoice, ImageFormat, Metadata, Orientation, OutputFormat, Size, Warning};

use crate::job::Job;
use crate::output::{Finished, Written};

/// The limits on whole animations: above the first the source is delivered unchanged, above the second it is refused. `None` if it is transformed.
pub(crate) fn large_animation(job: &Job<'_>, header: &Header) -> Result<Option<Written>, Fault> {
    let (output, limits) = (&job.plan.output, job.limits);
    if !header.is_animated() || output.still || header.frames_area <= limits.animation_area_px_max {
        return Ok(None);
    }
    if header.frames_area > limits.animation_area_px_refused {
        let frames_max = limits.animation_area_px_refused / header.size.area().max(1);
        return Err(Fault::new(
            FaultKind::LimitExceeded,
            format!(
                "The animation is too large: {} with {} frames, but at this resolution at most {frames_max} frames are allowed; use anim=false for \
                 the first frame",
                header.size, header.frames
            ),
        ));
    }
    if output.format == FormatChoice::Json {
        return Ok(None);
    }
    let warning = Warning::AnimationTooLarge;
    Ok(Some(unchanged(
        job.source,
        header,
        header.upright_size(),
        vec![warning],
    )))
}

/// Replaces an encoded file that gained nothing by the source file, if nothing that was asked for is lost by that.
pub(crate) fn prefer_source(written: &mut Written, finished: &Finished<'_>) {
    let (job, header) = (finished.job, finished.header);
    let output = &job.plan.output;
    // What the client accepts counts only where the format is negotiated, for nothing else is in the cache key.
    let accepted = job.accepted.relevant_to(output);
    let client_can_use = match header.format {
        ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::Gif => true,
        ImageFormat::Webp => accepted.webp || output.format.is_explicit(),
        ImageFormat::Avif => accepted.avif || output.format.is_explicit(),
        ImageFormat::Heic
        | ImageFormat::Svg
        | ImageFormat::Tiff
        | ImageFormat::Bmp
        | ImageFormat::Ico
        | ImageFormat::Jxl => false,
    };
    let metadata = finished.metadata;
    let is_srgb = matches!(header.profile, ColorProfile::Untagged | ColorProfile::Srgb);
    let none = SourceMetadata::default();
    let known = match output.metadata {
        Metadata::Keep if metadata.is_kept_whole() => metadata,
        _ => &none,
    };
    let nothing_is_lost = !finished.findings.changed
        && header.orientation == Orientation::Upright
        && !header.is_animated()
        && header.bit_depth <= 8
        && output.format.allows(header.format)
        && client_can_use
        && (is_srgb || finished.keeps_profile);
    // The file is looked through last: what is in it beside the picture would go out as well.
    if nothing_is_lost && written.bytes.len() >= job.source.len() && holds_nothing_but(job.source, header.format, known)
    {
        let mut warnings = std::mem::take(&mut written.warnings);
        warnings.push(Warning::OriginalIsSmaller);
        let steps = std::mem::take(&mut written.steps);
        *written = Written {
            steps,
            ..unchanged(job.source, header, written.size, warnings)
        };
    }
}

/// The source itself.
fn unchanged(source: &[u8], header: &Header, size: Size, warnings: Vec<Warning>) -> Written {
    let animated = header.is_animated();
    let format = match header.format {
        ImageFormat::Png => OutputFormat::Png { palette: false },
        ImageFormat::Gif => OutputFormat::Gif { animated },
        ImageFormat::Webp => OutputFormat::Webp {
            lossless: false,
            animated,
        },
        ImageFormat::Avif => OutputFormat::Avif,
        // The other formats are never sent on; see above.
        _ => OutputFormat::Jpeg {
            progressive: header.progressive,
        },
    };
    Written {
        bytes: source.to_vec(),
        format,
        size,
        warnings,
        passed_through: true,
        steps: Vec::new(),
    }
}
