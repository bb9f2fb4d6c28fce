//! What came of it, as a page.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::Setup;
use crate::batch::{Door, Outcome, Share};
use crate::nested::Nested;
use crate::reader::{Body, Kind};
use crate::restarts::Restarts;

/// A stop that takes longer has waited for somebody.
const STOP_TIME_MAX: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(crate) struct Report {
    rows: BTreeMap<(&'static str, bool, Kind), Row>,
    failures: Vec<String>,
    pub(crate) phases: Vec<Phase>,
    pub(crate) nested: Option<Nested>,
    pub(crate) restarts: Restarts,
    pub(crate) seconds: u64,
    share: Share,
    versions: String,
}

#[derive(Debug, Default)]
struct Row {
    answers: usize,
    whole: usize,
    left: usize,
    short: usize,
    stalled: usize,
    differ: usize,
    failed: usize,
}

/// One life of the service.
#[derive(Debug)]
pub(crate) struct Phase {
    pub(crate) send_buffer: Option<usize>,
    pub(crate) peak_bytes: u64,
    pub(crate) descriptors_before: usize,
    pub(crate) descriptors_after: usize,
    pub(crate) spool_files: usize,
    pub(crate) stop: Duration,
}

impl Phase {
    fn is_clean(&self) -> bool {
        self.descriptors_after <= self.descriptors_before && self.spool_files == 0 && self.stop < STOP_TIME_MAX
    }
}

impl Report {
    pub(crate) fn new(setup: &Setup, share: Share) -> Self {
        let version = |program| {
            let output = Command::new(program).arg("--version").output();
            output.map_or_else(
                |_| "?".to_owned(),
                |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
            )
        };
        Self {
            rows: BTreeMap::new(),
            failures: Vec::new(),
            phases: Vec::new(),
            nested: None,
            restarts: Restarts::default(),
            seconds: 0,
            share,
            versions: format!("{}, {}", version(&setup.calotype), version(&setup.workerd)),
        }
    }

    pub(crate) fn add(&mut self, door: &Door, outcomes: Vec<Outcome>) {
        let door = match door {
            Door::Socket(_) => "socket",
            Door::Workerd(_) => "workerd",
        };
        for outcome in outcomes {
            let row = self.rows.entry((door, !outcome.is_large, outcome.kind)).or_default();
            row.answers += 1;
            match &outcome.result {
                Ok(Body::Whole) => row.whole += 1,
                Ok(Body::Left) => row.left += 1,
                Ok(Body::Short(_)) => row.short += 1,
                Ok(Body::Stalled(_)) => row.stalled += 1,
                Ok(Body::Differs(_)) => row.differ += 1,
                Err(_) => row.failed += 1,
            }
            if !matches!(outcome.result, Ok(Body::Whole | Body::Left)) {
                self.failures
                    .push(format!("{door}, {}: {:?}", outcome.kind.words(), outcome.result));
            }
        }
    }

    pub(crate) fn is_clean(&self) -> bool {
        let nested = self
            .nested
            .as_ref()
            .is_some_and(|nested| nested.failures.is_empty() && nested.whole > 0);
        let restarts = self.restarts.failures.is_empty() && self.restarts.calls > 0;
        self.failures.is_empty() && nested && restarts && self.phases.iter().all(Phase::is_clean)
    }

    fn all_failures(&self) -> impl Iterator<Item = &String> {
        let nested = self.nested.iter().flat_map(|nested| &nested.failures);
        self.failures.iter().chain(nested).chain(&self.restarts.failures)
    }

    fn total(&self, of: impl Fn(&Row) -> usize) -> usize {
        self.rows.values().map(of).sum()
    }

    pub(crate) fn summary(&self) -> String {
        let peak = self.phases.iter().map(|phase| phase.peak_bytes).max().unwrap_or(0) >> 20;
        let nested = self.nested.as_ref().map_or(0, |nested| nested.calls);
        format!(
            "conformance/slow-reader: {} answers, {nested} nested ones and {} during {} restarts in {} s: {} short, {} stalled, {} with other bytes, {} failed; peak memory {peak} MiB",
            self.total(|row| row.answers),
            self.restarts.calls,
            self.restarts.restarts,
            self.seconds,
            self.total(|row| row.short),
            self.total(|row| row.stalled),
            self.total(|row| row.differ),
            self.all_failures().count()
        )
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let date = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |time| time.as_secs());
        let share = if self.share == Share::Full {
            "the full run"
        } else {
            "the quick share"
        };
        let _ = writeln!(
            text,
            "# Slow readers: {share}\n\n{}; {} s, on {}. Written by `conformance/slow-reader/run.sh`; what it does: [README.md](README.md).\n",
            self.versions,
            self.seconds,
            day(date)
        );
        let _ = writeln!(
            text,
            "Whole: every byte is the one that arithmetic says. Large answers have 15,000,000 bytes, small ones 50,000 to 3,000,000.\n"
        );
        let _ = writeln!(
            text,
            "| asked | answers | reader | answers | whole | left | short | stalled | other bytes | failed |"
        );
        let _ = writeln!(text, "| --- | --- | --- | --: | --: | --: | --: | --: | --: | --: |");
        for ((door, is_small, kind), row) in &self.rows {
            let size = if *is_small { "small" } else { "large" };
            let Row {
                answers,
                whole,
                left,
                short,
                stalled,
                differ,
                failed,
            } = row;
            let _ = writeln!(
                text,
                "| {door} | {size} | {} | {answers} | {whole} | {left} | {short} | {stalled} | {differ} | {failed} |",
                kind.words()
            );
        }
        let _ = writeln!(
            text,
            "| **all** | | | **{}** | **{}** | **{}** | **{}** | **{}** | **{}** | **{}** |\n",
            self.total(|row| row.answers),
            self.total(|row| row.whole),
            self.total(|row| row.left),
            self.total(|row| row.short),
            self.total(|row| row.stalled),
            self.total(|row| row.differ),
            self.total(|row| row.failed)
        );
        let _ = writeln!(
            text,
            "The service, started anew for each size of the send buffer; descriptors after the first answers and after the last, when the runtime is gone:\n"
        );
        let _ = writeln!(
            text,
            "| send buffer | peak memory | descriptors before | after | spool files after | stopped within |"
        );
        let _ = writeln!(text, "| --- | --: | --: | --: | --: | --: |");
        for phase in &self.phases {
            let buffer = phase
                .send_buffer
                .map_or("the system's".to_owned(), |bytes| format!("{} KiB", bytes >> 10));
            let _ = writeln!(
                text,
                "| {buffer} | {} MiB | {} | {} | {} | {} ms |",
                phase.peak_bytes >> 20,
                phase.descriptors_before,
                phase.descriptors_after,
                phase.spool_files,
                phase.stop.as_millis()
            );
        }
        if let Some(nested) = &self.nested {
            let _ = writeln!(
                text,
                "\nThe binding's result through the URL interface: {} calls, {} whole and equal to those of the same file on disk, {} left, {} failed.",
                nested.calls,
                nested.whole,
                nested.left,
                nested.failures.len()
            );
        }
        let Restarts {
            restarts,
            calls,
            failures,
        } = &self.restarts;
        let _ = writeln!(
            text,
            "\nRestarts, a new service taking the socket while the old one is stopped: {restarts}; {calls} calls meanwhile at both doors, {} failed.",
            failures.len()
        );
        for failure in self.all_failures().take(50) {
            let _ = writeln!(text, "\n- {failure}");
        }
        text
    }
}

/// A day of the calendar (Howard Hinnant's `civil_from_days`).
fn day(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    format!("{year}-{month:02}-{day:02}")
}
