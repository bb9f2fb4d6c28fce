//! The judge of the whole corpus: every file, in every format, and every kind of damage.
//!
//! Three suites, each a module: `verdicts`, `read_back`, `damage`. Without `CALOTYPE_EVERY_FILE=all` the last two take a seeded share.
//! `CALOTYPE_CASE=file` looks at one file's verdict, `CALOTYPE_CASE=file:kind:seed` does one damaged copy again.
//!
//! The program starts itself as children that do the work: a crash or a hang is then one file's finding.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)] // A test may end by it, and speaks.

mod child;
mod corpus;
mod damage;
mod exceptions;
mod facts;
mod grid;
mod judge;
mod meter;
mod png_colors;
mod pool;
mod present;
mod random;
mod read_back;
mod svg_rules;
mod verdicts;

use std::process::ExitCode;
use std::time::Instant;

use corpus::Corpus;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    // `cargo test` hands the words behind its name to every test program.
    let filters: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let Some(corpus) = Corpus::open() else {
        return ExitCode::SUCCESS;
    };
    if arguments.iter().any(|argument| argument == pool::CHILD) {
        child::work(&corpus.folder);
        return ExitCode::SUCCESS;
    }
    if let Ok(case) = std::env::var("CALOTYPE_CASE") {
        return ended(&one(&corpus, &case));
    }
    let all = std::env::var("CALOTYPE_EVERY_FILE").as_deref() == Ok("all");
    let mut wrong = Vec::new();
    type Suite = fn(&Corpus, bool) -> Vec<String>;
    let suites: [(&str, Suite); 3] = [
        ("every_file::verdicts", |corpus, _| verdicts::run(corpus, None)),
        ("every_file::read_back", read_back::run),
        ("every_file::damage", damage::run),
    ];
    for (name, run) in suites {
        if filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str())) {
            let start = Instant::now();
            let found = run(&corpus, all);
            println!("{name}: {} wrong, {} s", found.len(), start.elapsed().as_secs());
            wrong.extend(found);
        }
    }
    ended(&wrong)
}

fn one(corpus: &Corpus, case: &str) -> Vec<String> {
    match case.split(':').collect::<Vec<_>>()[..] {
        [file] => verdicts::run(corpus, Some(file)),
        [file, kind, seed] => damage::one(corpus, file, kind, seed),
        _ => panic!("CALOTYPE_CASE is file or file:kind:seed"),
    }
}

fn ended(wrong: &[String]) -> ExitCode {
    for wrong in wrong {
        println!("WRONG {wrong}");
    }
    if wrong.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
