//! Text: up to the first zero byte the characters, then a font file; a rendered text has its size, its ink within it, and ends in time.
#![no_main]

use std::borrow::Cow;

use calotype_fuzz::deadline;
use calotype_text::{Setting, unpack, unpacked_bytes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let text = String::from_utf8_lossy(parts.next().unwrap_or_default());
    let text: String = text.chars().take(100).collect();
    let file = parts.next().unwrap_or_default();
    let font = match unpacked_bytes(file) {
        Ok(None) if file.is_empty() => None,
        Ok(None) => Some(Cow::Borrowed(file)),
        Ok(Some(needed)) if needed <= 16 << 20 => match unpack(file) {
            Ok(font) => Some(Cow::Owned(font)),
            Err(_) => return,
        },
        Ok(Some(_)) | Err(_) => return,
    };
    let end = deadline();
    let is_late = || end.is_some_and(|end| std::time::Instant::now() >= end);
    let setting = Setting {
        text: &text,
        font: font.as_deref(),
        size_px: 20.0,
    };
    let Ok(layout) = setting.lay_out(&is_late) else { return };
    let size = layout.size();
    assert!(!size.is_empty() && size.longest() <= 4096, "{size}");
    let mut coverage = vec![0; size.width as usize * size.height as usize];
    let _ = layout.paint(&mut coverage, &is_late);
});
