//! Makes one transform some times with oximg's library, as bench/jobs measures it.
//!
//! `calotype-bench-oximg SOURCE WIDTH FORMAT QUALITY ENCODER REPEATS BUDGET_MS OUT`
//!
//! ENCODER is the value of oximg's variable PRESET: `jpegli`, its default, or `fast` or `small`. Its other settings are environment variables, too.

#[path = "../../meter.rs"]
mod meter;

use std::time::Duration;

use oximg::pipeline::{self, Encoder, ImageFormat, Params};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [source, width, format, quality, encoder, repeats, budget_ms, out] = arguments.as_slice() else {
        return Err("calotype-bench-oximg SOURCE WIDTH FORMAT QUALITY ENCODER REPEATS BUDGET_MS OUT".into());
    };
    oximg::config_validate()?;
    let source = std::fs::read(source)?;
    let params = Params {
        max_width: width.parse()?,
        output: Some(ImageFormat::from_token(format).ok_or("oximg writes no such format")?),
        quality: quality.parse()?,
        webp_quality: Some(quality.parse()?),
        #[cfg(feature = "avif")]
        avif_quality: Some(quality.parse()?),
        encoder: Encoder::from_preset(encoder),
        ..Params::default()
    };
    let budget = Duration::from_millis(budget_ms.parse()?);
    let bytes = meter::measure(repeats.parse()?, budget, || {
        pipeline::process(&source, &params)
            .map(|(bytes, _)| bytes)
            .map_err(anyhow::Error::from)
    })?;
    if out != "-" {
        std::fs::write(out, bytes)?;
    }
    Ok(())
}
