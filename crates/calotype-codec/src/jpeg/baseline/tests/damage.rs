//! Files that are not in order, and those of the corpus.

use std::path::{Path, PathBuf};

use super::writer::{Drawing, Random};
use super::{ours, theirs};
use crate::jpeg::baseline::Baseline;

/// Whatever our decoder gives, libjpeg gives without complaint, and the same at full size.
fn check(bytes: &[u8], what: &str) -> bool {
    let Some(full) = ours(bytes, 1) else {
        for scale in [2, 4, 8] {
            assert!(ours(bytes, scale).is_none(), "{what} at 1/{scale}");
        }
        return false;
    };
    let library = theirs(bytes, 1).unwrap_or_else(|| panic!("libjpeg objects to {what}"));
    assert!(full == library, "{what} differs");
    for scale in [2, 4, 8] {
        let (ours, theirs) = (ours(bytes, scale).unwrap(), theirs(bytes, scale).unwrap());
        let shapes = |planes: &super::Planes| planes.iter().map(|p| (p.0, p.1, p.2.len())).collect::<Vec<_>>();
        assert_eq!(shapes(&ours), shapes(&theirs), "{what} at 1/{scale}");
    }
    true
}

#[test]
fn damage_of_any_kind_is_told() {
    for restart_interval in [0, 3] {
        let mut drawing = Drawing::random((60, 45), &[(2, 2), (1, 1), (1, 1)], 11);
        drawing.restart_interval = restart_interval;
        let bytes = drawing.write();
        assert!(check(&bytes, "the whole file"));
        // What follows the end is another file's matter.
        assert!(check(&[&bytes[..], b"more"].concat(), "a file with a tail"));
        for length in 0..bytes.len() {
            assert!(ours(&bytes[..length], 1).is_none(), "{length} bytes");
        }
        let mut random = Random(5);
        let mut fine = 0;
        for _ in 0..3000 {
            let mut copy = bytes.clone();
            for _ in 0..=random.below(2) {
                let at = random.below(copy.len() as u32) as usize;
                copy[at] ^= 1 << random.below(8);
            }
            fine += u32::from(check(&copy, "a flipped copy"));
        }
        // Not all damage shows: values can change within their codes.
        assert!((1..3000).contains(&fine), "{fine}");
    }
}

#[test]
fn what_is_not_covered_is_left_to_libjpeg() {
    let bytes = Drawing::random((40, 30), &[(2, 2), (1, 1), (1, 1)], 2).write();
    let at = |marker: u8| bytes.windows(2).position(|w| w == [0xff, marker]).unwrap();
    let (frame, scan, codes) = (at(0xc0), at(0xda), at(0xc4));
    let changed = |place: usize, byte: u8| {
        let mut copy = bytes.clone();
        assert_ne!(copy[place], byte);
        copy[place] = byte;
        Baseline::open(&copy, 1).is_some()
    };
    assert!(Baseline::open(&bytes, 1).is_some());
    assert!(Baseline::open(&bytes, 3).is_none());
    assert!(changed(frame + 1, 0xc1), "extended sequential");
    assert!(!changed(frame + 1, 0xc2), "progressive");
    assert!(!changed(frame + 1, 0xc9), "arithmetic");
    assert!(!changed(frame + 4, 12), "12 bits");
    assert!(!changed(frame + 6, 0), "no height: DNL");
    assert!(!changed(frame + 8, 0), "no width");
    assert!(!changed(frame + 9, 2), "two components");
    assert!(!changed(frame + 14, 0x31), "fractional sampling");
    assert!(!changed(frame + 11, 0x44), "too many blocks in an MCU");
    assert!(!changed(frame + 12, 3), "a quantisation table that is missing");
    assert!(!changed(scan + 4, 1), "several scans");
    assert!(!changed(scan + 5, 9), "a component of no frame");
    assert!(!changed(scan + 6, 0x10), "a Huffman table that is missing");
    assert!(!changed(scan + 12, 62), "a part of the coefficients");
    assert!(!changed(codes + 5, 9), "too many codes for their length");
    // A second scan behind the first is seen when the first has been read.
    let end = bytes.len() - 2;
    let twice = [&bytes[..end], &bytes[scan..]].concat();
    assert!(Baseline::open(&twice, 8).is_some());
    assert!(ours(&twice, 8).is_none());
}

#[test]
fn restart_markers_must_be_the_right_ones_at_their_places() {
    let mut drawing = Drawing::random((70, 16), &[(1, 1)], 4);
    drawing.restart_interval = 2;
    let bytes = drawing.write();
    let markers: Vec<usize> = (0..bytes.len() - 1)
        .filter(|&at| bytes[at] == 0xff && (0xd0..=0xd7).contains(&bytes[at + 1]))
        .collect();
    assert_eq!(markers.len(), 8);
    assert!(check(&bytes, "the whole file"));
    for &at in &markers {
        let mut copy = bytes.clone();
        copy[at + 1] = 0xd0 | (copy[at + 1] + 1) & 7;
        assert!(!check(&copy, "a wrong number"));
        let without = [&bytes[..at], &bytes[at + 2..]].concat();
        assert!(!check(&without, "a missing marker"));
        let late = [&bytes[..at], &[0x55], &bytes[at..]].concat();
        assert!(!check(&late, "a byte too many"));
        // Fill bytes may stand before any marker (T.81 B.1.1.2).
        let filled = [&bytes[..at], &[0xff, 0xff], &bytes[at..]].concat();
        assert!(check(&filled, "fill bytes"));
    }
}

/// Files below `folder` whose names end as JPEG files' do.
fn jpeg_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            jpeg_files(&path, found);
        } else if path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("jpg") || e.eq_ignore_ascii_case("jpeg"))
        {
            found.push(path);
        }
    }
}

#[test]
fn files_of_the_corpus_decode_as_with_libjpeg_whole_and_damaged() {
    let Some(shared) = std::env::var_os("CALOTYPE_SHARED") else {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "CALOTYPE_SHARED must be set under CI"
        );
        eprintln!("left out: CALOTYPE_SHARED is not set, so there is no corpus");
        return;
    };
    let mut files = vec![];
    jpeg_files(&Path::new(&shared).join("corpus"), &mut files);
    files.sort();
    let mut random = Random(23);
    let (mut covered, mut damaged_fine) = (0, 0);
    for file in &files {
        let bytes = std::fs::read(file).unwrap();
        let what = file.display().to_string();
        let Some(opened) = Baseline::open(&bytes, 1) else {
            continue;
        };
        let area = |baseline: &Baseline<'_>| baseline.shapes().iter().map(|s| s.width * s.height).max();
        if area(&opened) > Some(40_000_000) {
            continue;
        }
        covered += u32::from(check(&bytes, &what));
        if area(&opened) > Some(300_000) {
            continue;
        }
        for turn in 0..12 {
            let mut copy = bytes.clone();
            let at = random.below(copy.len() as u32) as usize;
            match turn % 4 {
                0 => copy.truncate(at),
                1 => copy[at] = 0xff,
                2 => drop(copy.remove(at)),
                _ => copy[at] ^= 1 << random.below(8),
            }
            // Damage to the headers can make the picture a huge one.
            if Baseline::open(&copy, 1).is_some_and(|damaged| area(&damaged) < Some(2_000_000)) {
                damaged_fine += u32::from(check(&copy, &what));
            }
        }
    }
    eprintln!("{covered} of {} files, and {damaged_fine} damaged copies", files.len());
    assert!(covered >= 100, "{covered}");
}
