//! `calotype explain`: what options mean, without pixels.

use std::io::{self, BufRead, Write};

use calotype_plan::{
    AcceptedFormats, ClientHints, Door, Fault, Findings, Layout, Limits, Options, Orientation, Plan, Planned, Rect,
    Size, SourceFacts,
};
use serde_json::{Value, json};

use crate::cli::ExplainArguments;
use crate::failure::Failure;
use crate::transform;

/// Bytes of one line of a batch.
const LINE_BYTES_MAX: u64 = 1 << 20;

pub(crate) fn run(arguments: &ExplainArguments) -> Result<(), Failure> {
    let limits = Limits::default();
    if arguments.batch {
        return batch(&limits).map_err(|error| Failure::Other(error.to_string()));
    }
    let planned = transform::plan(arguments.options.as_deref().unwrap_or_default(), &limits)?;
    let orientation = Orientation::from_exif(arguments.orientation);
    let sized = arguments
        .size
        .map(|size| measure(&planned.plan, size, orientation, &limits))
        .transpose()?;
    let text = if arguments.json {
        format!("{}\n", as_json(&planned, sized.as_ref()))
    } else {
        as_text(&planned, sized.as_ref())
    };
    io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| Failure::Other(error.to_string()))
}

/// A plan measured on a source.
struct Sized {
    layout: Layout,
    cost: calotype_plan::Cost,
}

fn measure(plan: &Plan, stored: Size, orientation: Orientation, limits: &Limits) -> Result<Sized, Fault> {
    limits.check_source(stored, None)?;
    let layout = Layout::compute(plan, stored, orientation, &Findings::default(), limits)?;
    let cost = plan.cost(
        SourceFacts {
            stored,
            orientation,
            scalable: true,
            holds_coefficients: false,
        },
        limits,
    )?;
    Ok(Sized { layout, cost })
}

impl Sized {
    /// The picture after scaling and before the cut.
    fn scaled(&self) -> Size {
        self.layout
            .resize()
            .and_then(|step| step.fitted)
            .map_or(self.layout.source, |fitted| fitted.scaled)
    }

    fn crop(&self) -> Option<Rect> {
        self.layout.resize().and_then(|step| step.crop)
    }
}

fn warnings(planned: &Planned, sized: Option<&Sized>) -> Vec<String> {
    let of_layout = sized.map(|sized| sized.layout.warnings.as_slice()).unwrap_or_default();
    planned
        .warnings
        .iter()
        .chain(of_layout)
        .map(ToString::to_string)
        .collect()
}

fn crop_json(crop: Option<Rect>) -> Value {
    crop.map_or(
        Value::Null,
        |crop| json!({ "left": crop.left, "top": crop.top, "width": crop.width, "height": crop.height }),
    )
}

fn as_json(planned: &Planned, sized: Option<&Sized>) -> Value {
    let mut value = json!({
        "plan": planned.plan.canonical(),
        "key": planned.plan.key(AcceptedFormats::default()).to_string(),
        "warnings": warnings(planned, sized),
    });
    if let (Some(sized), Some(members)) = (sized, value.as_object_mut()) {
        let (output, scaled) = (sized.layout.output, sized.scaled());
        members.insert("width".into(), output.width.into());
        members.insert("height".into(), output.height.into());
        members.insert("crop".into(), crop_json(sized.crop()));
        members.insert(
            "scaled".into(),
            json!({ "width": scaled.width, "height": scaled.height }),
        );
        members.insert(
            "cost".into(),
            json!({
                "decode_scale": sized.cost.decode_scale,
                "decoded_bytes": sized.cost.decoded_bytes,
                "output_px": sized.cost.output_px,
                "memory_peak_bytes": sized.cost.memory_peak_bytes,
            }),
        );
    }
    value
}

fn as_text(planned: &Planned, sized: Option<&Sized>) -> String {
    let canonical = planned.plan.canonical();
    let mut lines = vec![
        format!(
            "plan      {}",
            if canonical.is_empty() {
                "(nothing to do)"
            } else {
                &canonical
            }
        ),
        format!("key       {}", planned.plan.key(AcceptedFormats::default())),
    ];
    if let Some(sized) = sized {
        let cost = sized.cost;
        lines.push(format!("source    {} upright", sized.layout.source));
        lines.push(format!("scaled    {}", sized.scaled()));
        if let Some(crop) = sized.crop() {
            lines.push(format!("crop      {crop}"));
        }
        lines.push(format!("output    {}", sized.layout.output));
        lines.push(format!(
            "cost      decode at 1/{} ({:.1} MB), {:.2} MP out, about {:.1} MB at the peak",
            cost.decode_scale,
            megabytes(cost.decoded_bytes),
            megabytes(cost.output_px),
            megabytes(cost.memory_peak_bytes)
        ));
    }
    lines.extend(
        warnings(planned, sized)
            .iter()
            .map(|warning| format!("warning   {warning}")),
    );
    lines.join("\n") + "\n"
}

#[allow(clippy::cast_precision_loss)]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// JSON lines in, JSON lines out.
fn batch(limits: &Limits) -> io::Result<()> {
    let mut input = io::stdin().lock();
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut line = String::new();
    loop {
        line.clear();
        if io::Read::take(&mut input, LINE_BYTES_MAX).read_line(&mut line)? == 0 {
            return out.flush();
        }
        if line.trim().is_empty() {
            continue;
        }
        writeln!(out, "{}", answer(&line, limits))?;
    }
}

fn answer(line: &str, limits: &Limits) -> Value {
    match answer_or_fault(line, limits) {
        Ok(value) => value,
        Err(fault) => json!({ "error": fault.code(), "message": fault.public_message() }),
    }
}

fn answer_or_fault(line: &str, limits: &Limits) -> Result<Value, Fault> {
    let wrong = || Fault::invalid("a line must be {\"w\":N,\"h\":N,\"orientation\":N,\"options\":\"…\"}");
    let request: Value = serde_json::from_str(line).map_err(|_| wrong())?;
    let number = |name: &str| {
        request
            .get(name)
            .and_then(Value::as_u64)
            .and_then(|n| u32::try_from(n).ok())
    };
    let (Some(width), Some(height)) = (number("w"), number("h")) else {
        return Err(wrong());
    };
    let orientation = Orientation::from_exif(number("orientation").unwrap_or(1));
    let planned = match request.get("options") {
        Some(Value::String(text)) => Options::parse_url(text, limits)?,
        Some(object @ Value::Object(_)) => Options::parse_object(object, Door::Object, limits)?,
        _ => return Err(wrong()),
    }
    .plan(&ClientHints::default());
    let sized = measure(&planned.plan, Size::new(width, height), orientation, limits)?;
    let (output, scaled) = (sized.layout.output, sized.scaled());
    Ok(json!({
        "width": output.width,
        "height": output.height,
        "crop": crop_json(sized.crop()),
        "scaled": { "width": scaled.width, "height": scaled.height },
        "warnings": warnings(&planned, Some(&sized)),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_line_is_answered_as_documented() {
        let limits = Limits::default();
        // Row B6 of the worked examples.
        let value = answer(
            r#"{"w":900,"h":900,"orientation":1,"options":"w=300,h=900,fit=cover,g=0.33x0.5"}"#,
            &limits,
        );
        assert_eq!(
            value,
            json!({"width":300,"height":900,"crop":{"left":198,"top":0,"width":300,"height":900},"scaled":{"width":900,"height":900},"warnings":[]})
        );
        // Row A3, stored lying on its side.
        let value = answer(r#"{"w":720,"h":1080,"orientation":6,"options":{"width":500}}"#, &limits);
        assert_eq!(
            value,
            json!({"width":500,"height":333,"crop":null,"scaled":{"width":500,"height":333},"warnings":[]})
        );
    }

    #[test]
    fn a_wrong_batch_line_is_an_error_with_its_code() {
        let limits = Limits::default();
        for (line, code) in [
            ("{", 9401),
            (r#"{"w":1}"#, 9401),
            (r#"{"w":10,"h":10,"options":"blur=300"}"#, 9401),
            (r#"{"w":20000,"h":10,"options":"w=10"}"#, 9413),
        ] {
            assert_eq!(answer(line, &limits)["error"], code, "{line}");
        }
    }
}
