//! `calotype info`: what files are, from their headers.

use std::fs;
use std::io::{self, Read, Write};

use calotype_plan::Limits;
use serde_json::json;

use crate::cli::InfoArguments;
use crate::failure::Failure;
use crate::settings::LimitSettings;

/// Describes each file; the last failure decides the exit code.
pub(crate) fn run(arguments: &InfoArguments) -> Result<(), Failure> {
    let limits = LimitSettings::with(&arguments.limits)?.limits();
    let mut out = io::stdout().lock();
    let mut failed = None;
    for file in &arguments.files {
        let line = match describe(file, &limits) {
            Ok(facts) if arguments.json => facts.to_string(),
            Ok(facts) => sentence(&facts),
            Err((code, failure)) => {
                let message = failure.to_string();
                failed = Some(failure);
                if arguments.json {
                    json!({ "file": file, "error": code, "message": message }).to_string()
                } else {
                    let _ = writeln!(io::stderr(), "calotype: {file}: {message}");
                    continue;
                }
            }
        };
        writeln!(out, "{line}").map_err(|error| Failure::Other(error.to_string()))?;
    }
    match failed {
        None => Ok(()),
        Some(failure) if arguments.files.len() == 1 => Err(failure),
        Some(_) => Err(Failure::Image("some files could not be described".to_owned())),
    }
}

fn describe(file: &str, limits: &Limits) -> Result<serde_json::Value, (Option<u16>, Failure)> {
    let bytes = read(file, limits).map_err(|error| (None, Failure::Source(format!("{file}: {error}"))))?;
    let header = calotype_codec::probe(&bytes, limits).map_err(|error| {
        let fault = calotype_engine::fault(error);
        (Some(fault.code()), Failure::from(fault))
    })?;
    let size = header.upright_size();
    Ok(json!({
        "file": file,
        "format": header.format.name(),
        "width": size.width,
        "height": size.height,
        "frames": header.frames,
        "has_alpha": header.has_alpha,
        "bit_depth": header.bit_depth,
        "profile": header.profile.name(),
        "orientation": header.orientation.to_exif(),
        "bytes": bytes.len(),
    }))
}

/// The facts for a person.
fn sentence(facts: &serde_json::Value) -> String {
    let text = |name: &str| {
        facts
            .get(name)
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            .unwrap_or_default()
    };
    let number = |name: &str| facts.get(name).and_then(serde_json::Value::as_u64).unwrap_or(0);
    let mut parts = vec![
        format!("{} {}x{}", text("format"), text("width"), text("height")),
        format!("{} bit", text("bit_depth")),
        text("profile"),
    ];
    if facts.get("has_alpha").and_then(serde_json::Value::as_bool) == Some(true) {
        parts.push("alpha".to_owned());
    }
    if number("frames") > 1 {
        parts.push(format!("{} frames", number("frames")));
    }
    if number("orientation") > 1 {
        parts.push(format!("orientation {}", number("orientation")));
    }
    parts.push(format!("{} bytes", text("bytes")));
    format!("{}: {}", text("file"), parts.join(", "))
}

fn read(file: &str, limits: &Limits) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let max = limits.source_bytes_max;
    let read = if file == "-" {
        io::stdin().take(max.saturating_add(1)).read_to_end(&mut bytes)?
    } else {
        fs::File::open(file)?
            .take(max.saturating_add(1))
            .read_to_end(&mut bytes)?
    };
    if read as u64 > max {
        return Err(io::Error::other(format!(
            "larger than {max} bytes; raise the limit with --limit source_bytes=…"
        )));
    }
    Ok(bytes)
}
