//! Table I: where overlays lie.

use std::fmt::Write as _;

use calotype_plan::Size;

use super::{check_refused, encoded, file, files, names, pixels, served_rows, transform, url_form};
use crate::support::pictures;
use crate::tables::size;

pub(super) async fn i_overlay_placement() -> Vec<String> {
    const BASE: [u8; 3] = [40, 80, 120];
    const OVERLAY: [u8; 3] = [250, 10, 130];
    let server = files().await;
    let base = file("base.png", || pictures::plain_png(Size::new(800, 600), BASE));
    let rows = served_rows('I');
    for row in &rows {
        let sides = if row[1] == "any" {
            Size::new(10, 10)
        } else {
            size(&row[1])
        };
        let overlay = file(&format!("overlay-{}.png", row[1]), || {
            pictures::plain_png(sides, OVERLAY)
        });
        let mut options = format!("draw.url={}", encoded(&format!("http://calotype.test{overlay}")));
        for option in url_form(&row[2]).split(',').filter(|option| !option.is_empty()) {
            write!(options, ",draw.{option}").unwrap();
        }
        if row[1] == "any" {
            check_refused(row, &transform(&server, &options, &base).await, &row[4]);
            continue;
        }
        let pixels = pixels(&server, &options, &base).await;
        assert_eq!(pixels.size, Size::new(800, 600), "{row:?}");
        let laid_on = size(row[3].split(',').next().unwrap());
        let (x, y) = row[4].split_once(',').unwrap();
        let (x, y): (i64, i64) = (x.parse().unwrap(), y.parse().unwrap());
        // What of it lies on the base.
        let visible = |at: i64, length: u32, base: i64| (at.max(0), (at + i64::from(length)).min(base) - at.max(0));
        let ((left, width), (top, height)) = (visible(x, laid_on.width, 800), visible(y, laid_on.height, 600));
        let (l, t, w, h) = pixels
            .extent_of(OVERLAY)
            .unwrap_or_else(|| panic!("{row:?}: no overlay"));
        assert_eq!(
            (l.into(), t.into(), w.into(), h.into()),
            (left, top, width, height),
            "{row:?}"
        );
        let count = pixels
            .data
            .chunks_exact(pixels.channels)
            .filter(|p| p.starts_with(&OVERLAY))
            .count() as i64;
        assert_eq!(count, width * height, "{row:?}: the overlay has holes");
        let rest = pixels
            .data
            .chunks_exact(pixels.channels)
            .filter(|p| p.starts_with(&BASE))
            .count() as i64;
        assert_eq!(rest, 800 * 600 - count, "{row:?}: the base changed beside the overlay");
    }
    names(&rows)
}
