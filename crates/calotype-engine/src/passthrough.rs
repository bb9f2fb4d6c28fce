//! When the source bytes are the answer (spec 9.1, 9.3).

use calotype_codec::{ColorProfile, Header, SourceMetadata, holds_nothing_but, rewrap};
use calotype_plan::{
    AnimationVerdict, Fault, FormatChoice, ImageFormat, Metadata, Orientation, OutputFormat, Size, Warning,
};

use crate::job::Job;
use crate::output::{Finished, Written};

/// The limits on whole animations: above the first the source is delivered unchanged, above the second it is refused. `None` if it is transformed.
pub(crate) fn large_animation(job: &Job<'_>, header: &Header) -> Result<Option<Written>, Fault> {
    let output = &job.plan.output;
    if !header.is_animated() || output.still {
        return Ok(None);
    }
    let verdict = job
        .limits
        .check_animation(header.size, u64::from(header.frames), Some(header.format))?;
    if verdict == AnimationVerdict::Transformed {
        return Ok(None);
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
///
/// The source's pixels, that is: metadata that may not go out is taken away without touching them.
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
    let is_srgb = matches!(header.profile, ColorProfile::Untagged | ColorProfile::Srgb);
    let nothing_is_lost = !finished.findings.changed
        && header.orientation == Orientation::Upright
        && header.is_animated() == written.format.is_animated()
        && header.bit_depth <= 8
        && (is_srgb || finished.keeps_profile)
        && output.format.allows(header.format)
        && client_can_use;
    if !nothing_is_lost {
        return;
    }
    let Some(bytes) = with_outgoing_metadata(finished, written.format) else {
        return;
    };
    if written.bytes.len() >= bytes.len() {
        let mut warnings = std::mem::take(&mut written.warnings);
        warnings.push(Warning::OriginalIsSmaller);
        *written = Written {
            passed_through: bytes == job.source,
            bytes,
            format: source_format(header),
            size: written.size,
            warnings,
            steps: std::mem::take(&mut written.steps),
        };
    }
}

/// The source with the metadata that the answer may have and no other, its pixels untouched; `None` if that cannot be
/// had.
fn with_outgoing_metadata(finished: &Finished<'_>, format: OutputFormat) -> Option<Vec<u8>> {
    let (source, metadata) = (finished.job.source, finished.metadata);
    let rewrapped = rewrap(
        source,
        finished.header.format,
        &finished.metadata(format),
        finished.budget,
    );
    if let Ok(Some(bytes)) = rewrapped {
        return Some(bytes);
    }
    let none = SourceMetadata::default();
    let known = match finished.job.plan.output.metadata {
        Metadata::Keep if metadata.is_kept_whole() => metadata,
        _ => &none,
    };
    holds_nothing_but(source, finished.header.format, known).then(|| source.to_vec())
}

/// The source itself.
fn unchanged(source: &[u8], header: &Header, size: Size, warnings: Vec<Warning>) -> Written {
    Written {
        bytes: source.to_vec(),
        format: source_format(header),
        size,
        warnings,
        passed_through: true,
        steps: Vec::new(),
    }
}

/// How the source is written.
fn source_format(header: &Header) -> OutputFormat {
    let animated = header.is_animated();
    match header.format {
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
    }
}
