//! `calotype transform`: one image, without a server.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;

use bytes::Bytes;
use calotype_engine::{Job, NoModels, Overlays, run as run_engine};
use calotype_plan::{AcceptedFormats, ClientHints, Door, Fault, FaultKind, FormatChoice, Limits, Options, Planned};
use calotype_source::{AddressGuard, FetchRequest, FetchSettings, Fetcher};
use url::Url;

use crate::cli::TransformArguments;
use crate::failure::Failure;
use crate::settings::LimitSettings;

/// Reads, transforms, writes.
pub(crate) fn run(arguments: &TransformArguments) -> Result<(), Failure> {
    let limits = LimitSettings::with(&arguments.limits)?.limits();
    let mut planned = plan(&arguments.options, &limits)?;
    if planned.plan.output.format == FormatChoice::Absent && !planned.plan.output.fast {
        let format = format_of(&arguments.output)?;
        planned.plan.output.format = format;
        // An SVG for `a.png` is to be drawn: an SVG by that name would be none's wish.
        planned.plan.output.rasterize_svg |=
            !matches!(format, FormatChoice::Svg | FormatChoice::Json | FormatChoice::Absent);
    }
    let downloads = Downloads::new(&limits)?;
    let source = downloads.read(&arguments.source)?;
    let mut overlays = HashMap::new();
    for url in planned.plan.overlay_urls() {
        overlays.insert(url.to_owned(), downloads.fetch(url)?);
    }
    let mut fonts = HashMap::new();
    for url in planned.plan.font_urls() {
        let font = downloads
            .fetch_at_most(url, Some(limits.font_bytes_max))
            .map_err(|fault| fault.of_font(url))?;
        fonts.insert(url.to_owned(), font);
    }
    let files = Files { overlays, fonts };
    let outcome = run_engine(&Job {
        plan: &planned.plan,
        source: &source,
        overlays: &files,
        accepted: AcceptedFormats::default(),
        limits: &limits,
        vision: &NoModels,
        deadline: None,
        hosted: false,
    })?;
    for warning in planned.warnings.iter().chain(&outcome.warnings) {
        let _ = writeln!(io::stderr(), "calotype: warning: {warning}");
    }
    write(&arguments.output, &outcome.bytes)
}

/// What was fetched beside the source, by URL.
struct Files {
    overlays: HashMap<String, Bytes>,
    fonts: HashMap<String, Bytes>,
}

impl Overlays for Files {
    fn by_url(&self, url: &str) -> Option<&[u8]> {
        self.overlays.by_url(url)
    }

    fn font(&self, url: &str) -> Option<&[u8]> {
        self.fonts.get(url).map(AsRef::as_ref)
    }
}

/// Options as in a URL, or a JSON object.
pub(crate) fn plan(options: &str, limits: &Limits) -> Result<Planned, Failure> {
    // No options at all is a fair wish on the command line: only the format changes.
    if options.is_empty() {
        return Ok(Planned {
            plan: calotype_plan::Plan::default(),
            warnings: Vec::new(),
            vary: Vec::new(),
        });
    }
    let parsed = if options.trim_start().starts_with('{') {
        Options::parse_json(options, Door::Object, limits)?
    } else {
        Options::parse_url(options, limits)?
    };
    Ok(parsed.plan(&ClientHints::default()))
}

/// The format that a file's ending asks for.
fn format_of(output: &str) -> Result<FormatChoice, Failure> {
    let ending = Path::new(output)
        .extension()
        .and_then(|ending| ending.to_str())
        .unwrap_or_default()
        .to_ascii_lowercase();
    Ok(match ending.as_str() {
        "jpg" | "jpeg" => FormatChoice::Jpeg,
        "png" => FormatChoice::Png,
        "webp" => FormatChoice::Webp,
        "avif" => FormatChoice::Avif,
        "gif" => FormatChoice::Gif,
        "json" => FormatChoice::Json,
        "svg" => FormatChoice::Svg,
        "" => FormatChoice::Absent,
        other => {
            return Err(Failure::Usage(format!(
                ".{other} is no output format; use .jpg, .png, .webp, .avif, .gif or .json, or say format=… in the options"
            )));
        }
    })
}

/// Reads files and URLs under the limits.
struct Downloads {
    runtime: tokio::runtime::Runtime,
    fetcher: Fetcher,
    source_bytes_max: u64,
}

impl Downloads {
    fn new(limits: &Limits) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::Other(error.to_string()))?;
        // Whoever runs the command may connect wherever the machine may.
        let fetcher = Fetcher::new(FetchSettings {
            guard: AddressGuard::off(),
            source_bytes_max: limits.source_bytes_max,
            memory: calotype_source::SourceMemory::new(limits.source_bytes_max.saturating_mul(4)),
            ..FetchSettings::default()
        });
        Ok(Self {
            runtime,
            fetcher,
            source_bytes_max: limits.source_bytes_max,
        })
    }

    fn read(&self, source: &str) -> Result<Bytes, Failure> {
        if source == "-" {
            let mut bytes = Vec::new();
            io::stdin()
                .take(self.source_bytes_max.saturating_add(1))
                .read_to_end(&mut bytes)
                .map_err(|error| Failure::Source(format!("standard input: {error}")))?;
            return self.check(bytes, source);
        }
        if source.starts_with("http://") || source.starts_with("https://") {
            return self.fetch(source);
        }
        let unreadable = |error: io::Error| Failure::Source(format!("{source}: {error}"));
        let length = fs::metadata(source).map_err(unreadable)?.len();
        if length > self.source_bytes_max {
            return Err(self.too_large(source));
        }
        self.check(fs::read(source).map_err(unreadable)?, source)
    }

    fn fetch(&self, url: &str) -> Result<Bytes, Failure> {
        Ok(self.fetch_at_most(url, None)?)
    }

    fn fetch_at_most(&self, url: &str, bytes_max: Option<u64>) -> Result<Bytes, Fault> {
        let url = Url::parse(url).map_err(|error| {
            Fault::new(FaultKind::InvalidSourceUrl, "invalid source URL: it cannot be parsed")
                .with_detail(error.to_string())
        })?;
        let request = FetchRequest {
            bytes_max,
            ..FetchRequest::new(url)
        };
        Ok(self.runtime.block_on(self.fetcher.fetch(request))?.bytes)
    }

    fn check(&self, bytes: Vec<u8>, source: &str) -> Result<Bytes, Failure> {
        if bytes.len() as u64 > self.source_bytes_max {
            Err(self.too_large(source))
        } else {
            Ok(bytes.into())
        }
    }

    fn too_large(&self, source: &str) -> Failure {
        let code = FaultKind::SourceTooLarge.code();
        Failure::Image(format!(
            "ERROR {code}: {source} is larger than {} bytes; raise the limit with --limit source_bytes=…",
            self.source_bytes_max
        ))
    }
}

fn write(output: &str, bytes: &[u8]) -> Result<(), Failure> {
    let result = if output == "-" {
        let mut out = io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush())
    } else {
        fs::write(output, bytes)
    };
    result.map_err(|error| Failure::Other(format!("{output}: {error}")))
}
