//! The `calotype` command: configuration, wiring, telemetry. Logic lives in the other crates.

mod allocator;
mod announce;
mod cli;
mod data;
mod explain;
mod failure;
mod health;
mod hosted;
mod info;
mod licenses;
mod openapi;
mod serve;
mod settings;
mod transform;

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use cli::{Cli, Command};
use failure::Failure;

fn main() -> ExitCode {
    allocator::share_arenas();
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody may be listening any more; the exit code says it too.
            let _ = writeln!(std::io::stderr(), "calotype: {failure}");
            failure.exit_code()
        }
    }
}

fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Serve(arguments) => serve::run(&arguments),
        Command::Transform(arguments) => transform::run(&arguments),
        Command::Info(arguments) => info::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Health(arguments) => health::run(&arguments),
        Command::Licenses => licenses::run(),
        Command::Openapi => openapi::run(),
        Command::Hosted(command) => hosted::run(&command),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "calotype", &mut std::io::stdout());
            Ok(())
        }
    }
}
