//! Files that are not in order, and those of the corpus.

use super::writer::{Drawing, Random};
use super::{ours, theirs};

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
