//! From a text to pieces that one call of the shaper takes: lines, directions, scripts.

use std::ops::Range;

use unicode_bidi::BidiInfo;
use unicode_script::{Script, UnicodeScript};

/// A part of a line with one direction and one script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// Bytes of the line.
    pub(crate) part: Range<usize>,
    pub(crate) script: [u8; 4],
    pub(crate) is_rtl: bool,
}

/// The lines of a text, as they are to be shaped. Every kind of line break of Unicode starts one (UAX 14: BK, CR, LF, NL); tabs are spaces; other controls draw
/// nothing and are dropped.
pub(crate) fn lines(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut after_return = false;
    for c in text.chars() {
        let is_pair = after_return && c == '\n';
        after_return = c == '\r';
        match c {
            _ if is_pair => {}
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => lines.push(String::new()),
            '\t' => push(&mut lines, ' '),
            c if c.is_control() => {}
            c => push(&mut lines, c),
        }
    }
    lines
}

fn push(lines: &mut [String], c: char) {
    if let Some(line) = lines.last_mut() {
        line.push(c);
    }
}

/// The parts of a line from left to right as they are seen, and whether the line as a whole runs from right to left: as its first letter with a direction does
/// (UAX 9, P2 and P3).
pub(crate) fn items(line: &str) -> (Vec<Item>, bool) {
    let bidi = BidiInfo::new(line, None);
    let Some(paragraph) = bidi.paragraphs.first() else {
        return (Vec::new(), false);
    };
    let (levels, runs) = bidi.visual_runs(paragraph, paragraph.range.clone());
    let mut items = Vec::new();
    for run in runs {
        let is_rtl = levels.get(run.start).is_some_and(|level| level.is_rtl());
        let of_run = scripts(line, run).into_iter().map(|(part, script)| Item {
            part,
            script: tag(script),
            is_rtl,
        });
        if is_rtl {
            items.extend(of_run.rev());
        } else {
            items.extend(of_run);
        }
    }
    (items, paragraph.level.is_rtl())
}

/// Divides a run where its script changes. Characters of no script of their own go with those before them, at the start with those after.
fn scripts(line: &str, run: Range<usize>) -> Vec<(Range<usize>, Script)> {
    let mut parts: Vec<(Range<usize>, Script)> = Vec::new();
    for (index, c) in line.get(run.clone()).unwrap_or_default().char_indices() {
        let start = run.start + index;
        let end = start + c.len_utf8();
        let script = c.script();
        let is_neutral = matches!(script, Script::Common | Script::Inherited | Script::Unknown);
        match parts.last_mut() {
            Some((part, of_part)) if is_neutral || *of_part == script || *of_part == Script::Common => {
                part.end = end;
                if !is_neutral {
                    *of_part = script;
                }
            }
            _ => parts.push((start..end, if is_neutral { Script::Common } else { script })),
        }
    }
    parts
}

/// The ISO 15924 code of a script.
fn tag(script: Script) -> [u8; 4] {
    script.short_name().as_bytes().try_into().unwrap_or(*b"Zyyy")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_break_starts_a_line() {
        assert_eq!(lines("a\r\nb\rc\nd\u{2028}e"), ["a", "b", "c", "d", "e"]);
        assert_eq!(lines("a\n"), ["a", ""]);
        assert_eq!(lines("a\tb\u{7}c"), ["a bc"]);
        assert_eq!(lines("\n\r"), ["", "", ""]);
    }

    #[test]
    fn parts_come_in_the_order_in_which_they_are_seen() {
        let seen = |line: &str| {
            let (items, is_rtl) = items(line);
            let parts = items.iter().map(|item| {
                let script = String::from_utf8_lossy(&item.script).into_owned();
                (line[item.part.clone()].to_owned(), script, item.is_rtl)
            });
            (parts.collect::<Vec<_>>(), is_rtl)
        };
        let part = |text: &str, script: &str, is_rtl| (text.to_owned(), script.to_owned(), is_rtl);
        assert_eq!(seen("abc, 12"), (vec![part("abc, 12", "Latn", false)], false));
        assert_eq!(
            seen("1. Ab Где"),
            (vec![part("1. Ab ", "Latn", false), part("Где", "Cyrl", false)], false)
        );
        // Hebrew runs to the left within a line to the right, and the number in it to the right.
        assert_eq!(
            seen("a שלום 12 b"),
            (
                vec![
                    part("a ", "Latn", false),
                    part("12", "Zyyy", false),
                    part("שלום ", "Hebr", true),
                    part(" b", "Latn", false),
                ],
                false
            )
        );
        assert_eq!(seen("").0, vec![]);
        assert!(seen("مرحبا abc").1);
    }
}
