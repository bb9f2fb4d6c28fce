//! The rules: what a file gave against what the manifest expects of it.

use serde_json::{Value, json};

use crate::corpus::{Entry, Expected};
use crate::facts::{Answer, Facts, HeaderFacts, PictureFacts, RefusalKind};
use crate::png_colors::Gamma;
use crate::{grid, svg_rules};

/// What is not read yet: names of formats, and `animation` for frames beyond the first. A name must go as soon as one file of it is answered, or
/// the run fails.
pub(crate) const NOT_READ_YET: &[&str] = &[];

/// Processor time that one file may take through everything.
const CPU_MS_MAX: u64 = 10_000;
/// Memory that a job may take beside what it accounts for: the program, its threads, tables of libraries, buffers too small to count.
const UNACCOUNTED_BYTES_MAX: u64 = 64 << 20;
/// By how much a cell of a PNG with a gamma of its own may be off.
const GAMMA_TOLERANCE: f64 = 6.0;
/// Sides and areas that are transformed (spec 9.1).
const AREA_PX_MAX: u64 = 100_000_000;

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    pub(crate) file: String,
    /// One word, as in the list of exceptions.
    pub(crate) check: &'static str,
    pub(crate) text: String,
}

/// How a file was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    Decoded,
    Refused,
    /// Refused, because it is over a limit that this run sets.
    OverLimit,
    /// Its header is read; pixels need a library that is not installed here (HEIC alone).
    HeaderAlone,
    NotReadYet,
}

/// What was compared, so that a judge that compares nothing is seen.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Compared {
    pub(crate) exact: u32,
    pub(crate) grids: u32,
    pub(crate) animations: u32,
}

/// A file under judgement.
pub(crate) struct Judge<'a> {
    entry: &'a Entry,
    facts: &'a Facts,
    side_px_max: u32,
    pub(crate) findings: Vec<Finding>,
    pub(crate) compared: Compared,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(entry: &'a Entry, facts: &'a Facts, side_px_max: u32) -> Self {
        Self {
            entry,
            facts,
            side_px_max,
            findings: Vec::new(),
            compared: Compared::default(),
        }
    }

    fn wrong(&mut self, check: &'static str, text: impl Into<String>) {
        self.findings.push(Finding {
            file: self.entry.name.clone(),
            check,
            text: text.into(),
        });
    }

    fn equal<T: PartialEq + std::fmt::Debug>(&mut self, check: &'static str, what: &str, got: T, wanted: T) {
        if got != wanted {
            self.wrong(check, format!("{what} is {got:?}, not {wanted:?}"));
        }
    }

    /// Applies all rules.
    pub(crate) fn judge(&mut self) -> Seen {
        self.resources();
        self.answers_are_clean();
        let seen = self.seen();
        match (self.entry.expected, seen) {
            (Expected::Decodes, Seen::Refused) => {
                let why = self.refusal();
                self.wrong("answer", format!("refused: {why}"));
            }
            (Expected::Refused, Seen::Decoded) => self.wrong("answer", "answered, but must be refused"),
            _ => {}
        }
        if seen == Seen::OverLimit && self.entry.expected == Expected::Decodes {
            self.over_limit();
        }
        let is_whole = self.entry.expected == Expected::Decodes;
        if is_whole && matches!(seen, Seen::Decoded | Seen::HeaderAlone) {
            self.facts_of_the_header();
            self.description();
        }
        if seen == Seen::Decoded {
            if self.entry.format == Some("svg") {
                self.svg();
            } else if is_whole {
                self.pixels();
                self.frames();
            }
        }
        seen
    }

    /// Which of the answers this is.
    fn seen(&mut self) -> Seen {
        if self.facts.header.is_err() || self.entry.format == Some("svg") {
            if self.is_awaited() {
                return Seen::NotReadYet;
            }
            if self.entry.format == Some("svg") && self.facts.plain.is_ok() {
                return Seen::Decoded;
            }
            let by_limit = |refusal: &crate::facts::Refusal| refusal.kind == RefusalKind::Limit;
            let is_over = self.facts.header.as_ref().err().is_some_and(by_limit) && self.is_over(None);
            return if is_over { Seen::OverLimit } else { Seen::Refused };
        }
        let header = self.facts.header.as_ref().ok();
        match &self.facts.picture {
            Some(Ok(_)) if header.is_some_and(|header| self.is_large_animation(header)) => Seen::OverLimit,
            Some(Ok(_)) => Seen::Decoded,
            Some(Err(refusal)) => match refusal.kind {
                RefusalKind::Limit if self.is_over(header) => Seen::OverLimit,
                RefusalKind::Unsupported if self.is_awaited() => Seen::NotReadYet,
                RefusalKind::Unsupported | RefusalKind::Other if self.has_no_decoder() => Seen::HeaderAlone,
                _ => Seen::Refused,
            },
            None => Seen::Refused,
        }
    }

    /// Whether it is of a format that is not read yet, and answered so.
    fn is_awaited(&mut self) -> bool {
        let Some(format) = self.entry.format.filter(|format| NOT_READ_YET.contains(format)) else {
            return false;
        };
        let unsupported = |refusal: &crate::facts::Refusal| refusal.kind == RefusalKind::Unsupported;
        let is_refused = self.facts.header.as_ref().err().is_some_and(unsupported)
            || self
                .facts
                .picture
                .as_ref()
                .is_some_and(|picture| picture.as_ref().err().is_some_and(unsupported));
        if !is_refused && self.entry.expected == Expected::Decodes {
            self.wrong("awaited", format!("{format} is read now: take it off NOT_READ_YET"));
        }
        is_refused
    }

    /// Whether pixels were refused for want of libheif: 9520 for a HEIC file that is whole.
    fn has_no_decoder(&self) -> bool {
        let is_unsupported = self
            .facts
            .plain
            .as_ref()
            .err()
            .is_some_and(|answer| answer.code == 9520);
        self.entry.format == Some("heic") && is_unsupported
    }

    fn refusal(&self) -> String {
        let picture = self.facts.picture.as_ref().and_then(|picture| picture.as_ref().err());
        let codec = self
            .facts
            .header
            .as_ref()
            .err()
            .or(picture)
            .map(|refusal| refusal.text.clone());
        codec
            .or_else(|| self.facts.plain.as_ref().err().map(|answer| answer.text.clone()))
            .unwrap_or_default()
    }

    /// Whether a picture is over the limits of the run on sides and area, by its header or, without one, by the manifest.
    fn is_over(&self, header: Option<&HeaderFacts>) -> bool {
        let size = header.map(|header| header.size).or(self.entry.stored);
        size.is_some_and(|(width, height)| {
            width.max(height) > self.side_px_max || u64::from(width) * u64::from(height) > AREA_PX_MAX
        })
    }

    fn is_large_animation(&self, header: &HeaderFacts) -> bool {
        header.frames > 1 && header.frames_area > AREA_PX_MAX
    }

    fn resources(&mut self) {
        let facts = self.facts;
        let cpu_ms: u64 = facts.steps.iter().map(|step| step.cpu_ms).sum();
        if cpu_ms > CPU_MS_MAX {
            self.wrong("time", format!("took {cpu_ms} ms of processor time"));
        }
        for step in facts
            .steps
            .iter()
            .filter(|step| step.unaccounted_bytes() > UNACCOUNTED_BYTES_MAX)
        {
            let (grown, accounted) = (step.growth_bytes >> 20, step.accounted_bytes >> 20);
            let text = format!(
                "{} grew by {grown} MiB, of which {accounted} MiB were accounted for",
                step.name
            );
            self.wrong("memory", text);
        }
    }

    /// Whatever happens, an error is one about the file, in the codes of spec 13.4, and no word about the inside.
    fn answers_are_clean(&mut self) {
        let raster = self.facts.raster.as_ref().and_then(|raster| raster.as_ref().err());
        let errors = [self.facts.json.as_ref().err(), self.facts.plain.as_ref().err(), raster];
        for answer in errors.into_iter().flatten() {
            let is_theirs = matches!(
                (answer.code, answer.status),
                (9412 | 9520, 415) | (9413, 403) | (9516, 422)
            );
            if !is_theirs {
                self.wrong("answer", format!("{}/{}: {}", answer.code, answer.status, answer.text));
            }
        }
        let refused = |refusal: &crate::facts::Refusal| refusal.kind == RefusalKind::Encode;
        if self.facts.header.as_ref().err().is_some_and(refused) {
            self.wrong("answer", "a header that speaks of encoding");
        }
        // The engine refuses what the codec refuses, and nothing else.
        if let Some(picture) = &self.facts.picture {
            let is_animation = self.facts.header.as_ref().is_ok_and(|header| header.frames > 1);
            if picture.is_ok() != self.facts.plain.is_ok() && !is_animation {
                let plain = self
                    .facts
                    .plain
                    .as_ref()
                    .map(|sent| &sent.content_type)
                    .map_err(|answer| &answer.text);
                let text = format!(
                    "the codec says {:?}, the engine {plain:?}",
                    picture.as_ref().map(|_| "ok").map_err(|r| &r.text)
                );
                self.wrong("answer", text);
            }
        }
    }

    fn over_limit(&mut self) {
        let answers = [
            ("json", self.facts.json.as_ref().err().cloned()),
            ("plain", self.facts.plain.as_ref().err().cloned()),
        ];
        for (job, answer) in answers {
            let code = answer.map(|Answer { code, status, .. }| (code, status));
            self.equal(
                "limit",
                &format!("the answer to the job {job}"),
                code,
                Some((9413, 403)),
            );
        }
    }

    fn facts_of_the_header(&mut self) {
        let Ok(header) = self.facts.header.clone() else { return };
        self.equal("format", "the format", Some(header.format.as_str()), self.entry.format);
        if header.format == "svg" {
            return;
        }
        // A GIF's screen grows to hold its first frame, and the references give a TIFF's size upright: there the shown size alone counts.
        // A crop that the file asks for is a part of decoding.
        let turned = |(width, height)| {
            self.entry
                .shown
                .is_none_or(|shown| shown == (width, height) || shown == (height, width))
        };
        let counts = !matches!(header.format.as_str(), "gif" | "tiff" | "heic");
        if let Some(stored) = self.entry.stored.filter(|&stored| counts && turned(stored)) {
            self.equal("size", "the stored size", header.size, stored);
        }
        if let Some(shown) = self.entry.shown {
            self.equal("size", "the shown size", header.upright, shown);
        }
        let orientation = self
            .entry
            .orientation
            .filter(|value| (1..=8).contains(value))
            .unwrap_or(1);
        // HEIC and JPEG XL turn by their own means, and the manifest's EXIF value is no command there.
        if !matches!(header.format.as_str(), "heic" | "jxl") {
            self.equal(
                "orientation",
                "the orientation",
                u32::from(header.orientation),
                orientation,
            );
        }
        // JPEG XL is left out: the manifest counts one frame in every file of it.
        let has_frames = matches!(header.format.as_str(), "gif" | "png" | "webp" | "avif");
        let present = self
            .facts
            .frames_present
            .or(self.entry.frames.filter(|_| has_frames))
            .unwrap_or(1);
        let is_counted = header.format != "avif" || !NOT_READ_YET.contains(&"animation");
        if is_counted && header.format != "jxl" {
            self.equal("frames", "the number of frames", u64::from(header.frames), present);
        }
    }

    /// `format=json` (spec 9.6).
    fn description(&mut self) {
        let text = match &self.facts.json {
            Ok(text) => text.clone(),
            Err(answer) => {
                let text = format!("format=json: {}", answer.text);
                return self.wrong("json", text);
            }
        };
        let Ok(described) = serde_json::from_str::<Value>(&text) else {
            return self.wrong("json", format!("format=json is no JSON: {text}"));
        };
        let (Some(format), Some((width, height))) = (self.entry.format, self.entry.shown) else {
            return;
        };
        let bytes = self.entry.bytes;
        let wanted = match format {
            "svg" => json!({"original": {"file_size": bytes, "format": "image/svg+xml"}}),
            _ => {
                let mime = if format == "ico" {
                    "image/vnd.microsoft.icon".to_owned()
                } else {
                    format!("image/{format}")
                };
                let mut original = json!({"file_size": bytes, "width": width, "height": height, "format": mime});
                if let Some(frames) = self
                    .facts
                    .header
                    .as_ref()
                    .ok()
                    .map(|header| header.frames)
                    .filter(|&n| n > 1)
                {
                    original["frames"] = frames.into();
                }
                json!({"width": width, "height": height, "original": original})
            }
        };
        self.equal("json", "format=json", described, wanted);
    }

    fn pixels(&mut self) {
        let Some(Ok(picture)) = self.facts.picture.clone() else {
            return;
        };
        if let Ok(header) = &self.facts.header {
            let size = header.size;
            self.equal("size", "the picture", picture.size, size);
        }
        if let (Ok(sent), Some(shown)) = (&self.facts.plain, self.entry.shown) {
            let size = sent.size;
            self.equal("size", "the result without options", size, Some(shown));
        }
        let PictureFacts {
            sha256,
            upright_sha256,
            grid: mut cells,
            beside,
            gamma,
            ..
        } = picture;
        let other = beside.filter(|beside| beside.was_clear);
        let (format, depth) = match &self.facts.header {
            Ok(header) => (header.format.as_str(), header.bit_depth),
            Err(_) => return,
        };
        // The reference cuts samples of 16 bits, which we round: those are compared sample by sample where results are read back.
        if let Some(wanted) = self.entry.sha256.as_ref().filter(|_| depth <= 8) {
            self.compared.exact += 1;
            // The reference turns a TIFF upright while it reads it.
            let sha256 = if format == "tiff" {
                upright_sha256.unwrap_or(sha256)
            } else {
                sha256
            };
            if *wanted != sha256 && other.as_ref().is_none_or(|other| other.sha256 != *wanted) {
                self.wrong("pixels", "the pixels of the first frame are not the reference's");
            }
        }
        if let Some((Gamma { samples, wanted }, shown)) = gamma {
            let off = grid::distance(&shown, &wanted);
            if off > GAMMA_TOLERANCE {
                self.wrong("grid", format!("with the file's gamma a cell is off by {off:.1}"));
            }
            // Samples of 16 bits are converted while they are read: the references' view of them is only here.
            cells = samples;
        }
        if let Some(wanted) = &self.entry.grid {
            self.compared.grids += 1;
            if let Some(other) = &self.entry.other_grid
                && grid::distance(&cells, other) > self.entry.grid_tolerance
            {
                self.wrong(
                    "grid",
                    "it is neither the manifest's grid nor the one in other_grids.json",
                );
            }
            if self.entry.other_grid.is_some() {
                if grid::distance(&cells, wanted) <= self.entry.grid_tolerance {
                    self.wrong("grid", "the manifest's grid will do: take it off other_grids.json");
                }
                return;
            }
            let off = other.map_or(f64::INFINITY, |other| grid::distance(&other.grid, wanted));
            let off = off.min(grid::distance(&cells, wanted));
            if off > self.entry.grid_tolerance {
                let text = format!(
                    "a cell is off by {off:.1}, where {} is allowed",
                    self.entry.grid_tolerance
                );
                self.wrong("grid", text);
            }
        }
    }

    fn frames(&mut self) {
        let (Ok(header), Some(Ok(picture))) = (&self.facts.header, &self.facts.picture) else {
            return;
        };
        let (frames, sha256) = (header.frames, picture.visible_sha256.clone());
        match self.facts.animation.clone() {
            Some(Err(refusal)) if refusal.kind == RefusalKind::Unsupported && NOT_READ_YET.contains(&"animation") => {}
            Some(Err(refusal)) => self.wrong("frames", format!("its frames are refused: {}", refusal.text)),
            Some(Ok(animation)) => {
                self.compared.animations += 1;
                if NOT_READ_YET.contains(&"animation") {
                    self.wrong("awaited", "animation is read now: take it off NOT_READ_YET");
                }
                self.equal("frames", "the number of decoded frames", animation.frames, frames);
                if animation.begins_with_picture {
                    self.equal("frames", "the first frame", animation.first_sha256, sha256);
                }
                self.equal(
                    "frames",
                    "that every frame has the size of the canvas",
                    animation.whole_canvas,
                    true,
                );
            }
            None => {}
        }
    }

    /// An SVG by its own rules (spec 9.7): filtered, never resized; rendered only by `svg=raster`.
    fn svg(&mut self) {
        let Ok(sent) = self.facts.plain.clone() else { return };
        self.equal("svg", "the media type", sent.content_type.as_str(), "image/svg+xml");
        for broken in svg_rules::broken_by(sent.svg.as_deref().unwrap_or_default()) {
            self.wrong("svg", broken);
        }
        if self.entry.expected != Expected::Decodes {
            return;
        }
        match self.facts.raster.clone() {
            Some(Ok(size)) => {
                if let Some(shown) = self.entry.shown
                    && !svg_rules::is_size_by_css(size, shown)
                {
                    self.equal("svg", "the size of the rendered picture", size, shown);
                }
            }
            Some(Err(answer)) => self.wrong("svg", format!("svg=raster: {}", answer.text)),
            None => self.wrong("svg", "it was not told to be an SVG"),
        }
    }
}
