//! Every file of the corpus, with sides up to 65,535 and again with the default limits, against its verdict in the manifest.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::child::{Case, Done};
use crate::corpus::{Corpus, Entry, Expected};
use crate::exceptions;
use crate::facts::Facts;
use crate::judge::{Compared, Finding, Judge, NOT_READ_YET, Seen};
use crate::pool::{End, Worker, each};
use crate::read_back;

/// The longest side of the first run.
const WIDE: u32 = 65_535;

/// Counts of a folder.
#[derive(Debug, Default, Clone, Copy)]
struct Tally {
    files: u32,
    decoded: u32,
    refused: u32,
    over_limit: u32,
    header_alone: u32,
    not_read_yet: u32,
    findings: u32,
}

#[derive(Default)]
struct Report {
    folders: BTreeMap<String, Tally>,
    findings: Vec<Finding>,
    compared: Compared,
    slowest: Vec<(u64, String)>,
    largest: Vec<(u64, u64, String)>,
}

/// Runs everything; gives what is wrong.
pub(crate) fn run(corpus: &Corpus, only: Option<&str>) -> Vec<String> {
    let mut entries: Vec<&Entry> = corpus
        .entries
        .iter()
        .filter(|entry| only.is_none_or(|only| entry.name.contains(only)))
        .collect();
    // What takes longest first, so that no core waits at the end.
    entries.sort_by_key(|entry| {
        let area = entry.stored.map_or(0, |(w, h)| u64::from(w) * u64::from(h));
        std::cmp::Reverse(entry.frames.unwrap_or(1).min(1000) * area.min(200_000_000) + entry.bytes)
    });
    let default_side = calotype_plan::Limits::default().side_px_max;
    let wide = gather(&entries, WIDE);
    let mut findings = report("sides up to 65,535", corpus, &wide, WIDE);
    // The default limits say nothing about a file that stays below them: what it gave above is what it gives again.
    let over: Vec<&Entry> = wide
        .iter()
        .filter(|(_, facts)| depends_on_side(facts, default_side))
        .map(|(e, _)| *e)
        .collect();
    let mut again: BTreeMap<&str, Result<Facts, Finding>> = BTreeMap::new();
    for (entry, facts) in gather(&over, default_side) {
        again.insert(&entry.name, facts);
    }
    let default: Vec<_> = wide
        .into_iter()
        .map(|(entry, facts)| (entry, again.remove(entry.name.as_str()).unwrap_or(facts)))
        .collect();
    findings.extend(report("default limits", corpus, &default, default_side));
    println!(
        "  {} of these files are over 12,000 px or have no header, and were run twice",
        over.len()
    );
    if only.is_some() {
        return exceptions::settle(findings, |_, _| false);
    }
    if !NOT_READ_YET.is_empty() {
        println!("  not read yet, and not judged: {}", NOT_READ_YET.join(", "));
    }
    exceptions::settle(findings, |check, _| check != read_back::CHECK)
}

/// Whether a file could be answered differently with shorter sides allowed.
fn depends_on_side(facts: &Result<Facts, Finding>, side: u32) -> bool {
    match facts {
        Ok(facts) => facts
            .header
            .as_ref()
            .map_or(true, |header| header.size.0.max(header.size.1) > side),
        Err(_) => true,
    }
}

type Gathered<'a> = Vec<(&'a Entry, Result<Facts, Finding>)>;

fn gather<'a>(entries: &[&'a Entry], side_px_max: u32) -> Gathered<'a> {
    let gathered = Mutex::new(Vec::new());
    each(entries, Worker::new, |worker, entry| {
        let case = Case::Verdict {
            file: entry.name.clone(),
            side_px_max,
        };
        let finding = |check, text| {
            Err(Finding {
                file: entry.name.clone(),
                check,
                text,
            })
        };
        let facts = match worker.ask(&case) {
            End::Done(Done::Verdict(facts)) => Ok(*facts),
            End::Done(Done::Panic(text)) => finding("panic", text),
            End::Done(other) => finding("panic", format!("the child answered something else: {other:?}")),
            End::Died(text) => finding("crash", text),
            End::Hung(patience) => finding("time", format!("no answer after {patience:?}")),
        };
        gathered.lock().unwrap().push((*entry, facts));
    });
    gathered.into_inner().unwrap()
}

fn report(title: &str, corpus: &Corpus, gathered: &Gathered<'_>, side_px_max: u32) -> Vec<Finding> {
    let mut report = Report::default();
    for (entry, facts) in gathered {
        let tally = report.folders.entry(entry.folder().to_owned()).or_default();
        tally.files += 1;
        match facts {
            Err(finding) => {
                tally.findings += 1;
                report.findings.push(finding.clone());
            }
            Ok(facts) => {
                let mut judge = Judge::new(entry, facts, side_px_max);
                match judge.judge() {
                    Seen::Decoded => tally.decoded += 1,
                    Seen::Refused => tally.refused += 1,
                    Seen::OverLimit => tally.over_limit += 1,
                    Seen::HeaderAlone => tally.header_alone += 1,
                    Seen::NotReadYet => tally.not_read_yet += 1,
                }
                tally.findings += u32::from(!judge.findings.is_empty());
                report.compared.exact += judge.compared.exact;
                report.compared.grids += judge.compared.grids;
                report.compared.animations += judge.compared.animations;
                report.findings.append(&mut judge.findings);
                report
                    .slowest
                    .push((facts.steps.iter().map(|step| step.cpu_ms).sum(), entry.name.clone()));
                for step in &facts.steps {
                    let name = format!("{} ({})", entry.name, step.name);
                    report.largest.push((step.unaccounted_bytes(), step.growth_bytes, name));
                }
            }
        }
    }
    // A judge that compares next to nothing would be content with everything.
    let Compared { exact, grids, .. } = report.compared;
    if gathered.len() > 1_600 && (exact < 350 || grids < 700) {
        let text = format!("only {exact} files were compared exactly, and {grids} by colour: is the corpus whole?");
        report.findings.push(Finding {
            file: "manifest.json".to_owned(),
            check: "answer",
            text,
        });
    }
    print(title, corpus, &mut report);
    report.findings
}

fn print(title: &str, corpus: &Corpus, report: &mut Report) {
    println!("verdicts, {title}:");
    println!(
        "  {:<18}{:>6}{:>9}{:>9}{:>8}{:>8}{:>9}{:>7}",
        "folder", "files", "decoded", "refused", "limit", "header", "awaited", "wrong"
    );
    let mut all = Tally::default();
    for (folder, tally) in &report.folders {
        row(folder, tally);
        all.files += tally.files;
        all.decoded += tally.decoded;
        all.refused += tally.refused;
        all.over_limit += tally.over_limit;
        all.header_alone += tally.header_alone;
        all.not_read_yet += tally.not_read_yet;
        all.findings += tally.findings;
    }
    row("all", &all);
    let expected = |wanted: Expected| corpus.entries.iter().filter(|entry| entry.expected == wanted).count();
    println!(
        "  the manifest: {} decode, {} are refused, {} either; compared: {} exactly, {} by colour, {} frame by frame",
        expected(Expected::Decodes),
        expected(Expected::Refused),
        expected(Expected::Either),
        report.compared.exact,
        report.compared.grids,
        report.compared.animations
    );
    report.slowest.sort_unstable_by(|a, b| b.cmp(a));
    for (cpu_ms, file) in report.slowest.iter().take(5) {
        println!("  slow: {cpu_ms} ms {file}");
    }
    report.largest.sort_unstable_by(|a, b| b.cmp(a));
    for (unaccounted, growth, file) in report.largest.iter().take(5) {
        println!(
            "  large: {} MiB, {} of them not accounted for: {file}",
            growth >> 20,
            unaccounted >> 20
        );
    }
}

fn row(folder: &str, tally: &Tally) {
    println!(
        "  {folder:<18}{:>6}{:>9}{:>9}{:>8}{:>8}{:>9}{:>7}",
        tally.files,
        tally.decoded,
        tally.refused,
        tally.over_limit,
        tally.header_alone,
        tally.not_read_yet,
        tally.findings
    );
}
