//! Makes one transform some times in one process and says what each run cost: what `bench/jobs` and `cargo xtask perf` measure.
//!
//! `job SOURCE OPTIONS REPEATS BUDGET_MS OUT`
//!
//! OPTIONS are those of a URL: `w=800,f=jpeg,q=85`. Prints one JSON object; the answer of the last run is written to OUT, nowhere if that is `-`.

#[path = "../../../bench/jobs/meter.rs"]
mod meter;

use std::error::Error;
use std::time::Duration;

use calotype_engine::{Job, NoModels, NoOverlays};
use calotype_plan::{AcceptedFormats, ClientHints, Limits, Options};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [source, options, repeats, budget_ms, out] = arguments.as_slice() else {
        return Err("job SOURCE OPTIONS REPEATS BUDGET_MS OUT".into());
    };
    let limits = Limits::default();
    let plan = Options::parse_url(options, &limits)?.plan(&ClientHints::default()).plan;
    let source = std::fs::read(source)?;
    let job = Job {
        plan: &plan,
        source: &source,
        overlays: &NoOverlays,
        accepted: AcceptedFormats::default(),
        limits: &limits,
        vision: &NoModels,
        deadline: None,
        hosted: false,
    };
    let budget = Duration::from_millis(budget_ms.parse()?);
    let bytes = meter::measure(repeats.parse()?, budget, || {
        calotype_engine::run(&job).map(|outcome| outcome.bytes)
    })?;
    if out != "-" {
        std::fs::write(out, bytes)?;
    }
    Ok(())
}
