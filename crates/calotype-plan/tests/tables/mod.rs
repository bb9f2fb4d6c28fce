//! Reads `worked-examples.md`. The tests of the served product read the same tables through this file.

#![allow(unreachable_pub, reason = "a module of more than one test binary")]

use calotype_plan::{Rect, Size};

const TABLES: &str = include_str!("../worked-examples.md");

/// The rows of one table, without header and rule, as trimmed cells.
pub fn rows(letter: char) -> Vec<Vec<String>> {
    let rows: Vec<Vec<String>> = TABLES
        .lines()
        .filter(|line| line.starts_with(&format!("| {letter}")))
        .map(|line| {
            line.trim_matches('|')
                .split('|')
                .map(|cell| cell.trim().to_owned())
                .collect()
        })
        .collect();
    assert!(!rows.is_empty(), "no rows in table {letter}");
    rows
}

pub fn size(text: &str) -> Size {
    let text = text.trim_matches('*');
    let (w, h) = text.split_once('x').unwrap_or_else(|| panic!("no size: {text}"));
    Size::new(w.parse().expect("width"), h.parse().expect("height"))
}

/// `500x500+125+0`
pub fn rect(text: &str) -> Rect {
    let mut parts = text.split('+');
    let size = size(parts.next().expect("size"));
    let mut number = || {
        parts
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or_else(|| panic!("no box: {text}"))
    };
    Rect::new(number(), number(), size.width, size.height)
}

/// The tables write objects as JavaScript does, and shorten width and height: quote the names, complete the numbers.
pub fn json_of(text: &str) -> String {
    let mut out = String::new();
    let mut name = String::new();
    let mut in_string = false;
    let mut previous = ' ';
    for c in text.chars() {
        if c == '"' {
            in_string = !in_string;
        }
        if !in_string && c.is_ascii_alphabetic() {
            name.push(c);
            continue;
        }
        if !name.is_empty() {
            let word = std::mem::take(&mut name);
            let quoted = match word.as_str() {
                "w" => "\"width\"".to_owned(),
                "h" => "\"height\"".to_owned(),
                "true" | "false" => word,
                _ => format!("\"{word}\""),
            };
            out.push_str(&quoted);
        }
        if c == '.' && !previous.is_ascii_digit() && !in_string {
            out.push('0');
        }
        out.push(c);
        previous = c;
    }
    out
}
