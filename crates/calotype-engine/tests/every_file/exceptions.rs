//! The list of exceptions, `exceptions.md`: a table that people read and the run holds to.

use std::collections::BTreeSet;

use crate::judge::Finding;

/// More than this is no exception.
const MOST: usize = 10;

/// One row of the table.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Exception {
    pub(crate) file: String,
    pub(crate) check: String,
}

/// Reads the table.
pub(crate) fn read() -> Vec<Exception> {
    let text = include_str!("exceptions.md");
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let exceptions: Vec<_> = rows
        .map(|row| {
            let cells: Vec<&str> = row
                .trim_matches('|')
                .split('|')
                .map(|cell| cell.trim().trim_matches('`'))
                .collect();
            let [file, check, reason] = cells[..] else {
                panic!("a row of exceptions.md has not three cells: {row}")
            };
            assert!(reason.len() > 20, "an exception needs its reason: {row}");
            Exception {
                file: file.to_owned(),
                check: check.to_owned(),
            }
        })
        .collect();
    let files: BTreeSet<&str> = exceptions.iter().map(|exception| exception.file.as_str()).collect();
    assert!(
        files.len() <= MOST,
        "{} files are excepted, but at most {MOST} may be",
        files.len()
    );
    exceptions
}

/// Takes the excepted findings out. What is left is wrong, and so is an exception that no longer has a finding. `counts` tells by check and file which
/// exceptions this run is about.
pub(crate) fn settle(findings: Vec<Finding>, counts: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let mut exceptions = read();
    exceptions.retain(|exception| counts(&exception.check, &exception.file));
    let is_excepted = |finding: &Finding| {
        exceptions
            .iter()
            .any(|exception| exception.file == finding.file && exception.check == finding.check)
    };
    let unused = exceptions.iter().filter(|exception| {
        !findings
            .iter()
            .any(|finding| finding.file == exception.file && finding.check == exception.check)
    });
    let unused = unused.map(|row| {
        format!(
            "{} ({}): no longer wrong; take it off exceptions.md",
            row.file, row.check
        )
    });
    let mut wrong: Vec<String> = unused.collect();
    let findings: BTreeSet<Finding> = findings.into_iter().filter(|finding| !is_excepted(finding)).collect();
    wrong.extend(
        findings
            .into_iter()
            .map(|finding| format!("{} ({}): {}", finding.file, finding.check, finding.text)),
    );
    wrong
}
