//! Checks and generators for developers: `cargo xtask <command>`.

mod check;
mod perf;
mod samples;
mod wasm;

use std::{env, process::ExitCode};

/// What a command answers: nothing, or what went wrong in words for whoever called it.
type Outcome = Result<(), Box<dyn std::error::Error>>;

const USAGE: &str = "\
usage: cargo xtask <command>

  check           check the rules on crates, surfaces and unsafe code
  perf [--write]  count instructions with callgrind and compare them with bench/report/instructions.json, or keep them there
  samples [DIR]   render the sample pictures (default: js/playground/public)
  wasm            build the plan for browsers into js/playground/src/plan
";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let rest = arguments.get(1..).unwrap_or_default();
    let outcome = match arguments.first().map(String::as_str) {
        Some("check") => check::run(),
        Some("perf") => perf::run(rest),
        Some("samples") => samples::run(rest),
        Some("wasm") => wasm::run(),
        _ => Err(USAGE.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            #[allow(clippy::print_stderr)]
            {
                eprintln!("{error}");
            }
            ExitCode::FAILURE
        }
    }
}

/// The repository's root, whatever the working directory is.
fn root() -> std::path::PathBuf {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}
