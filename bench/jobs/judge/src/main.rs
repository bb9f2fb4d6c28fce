//! Scores pictures against references.
//!
//! Standard input: one line per pair, `REFERENCE<tab>JUDGED<tab>WIDTH<tab>HEIGHT`; both files hold sRGB as little-endian f32 from 0 to 1, red, green and
//! blue of one pixel after the other. Standard output: one line per pair, `SSIMULACRA2<tab>BUTTERAUGLI<tab>BUTTERAUGLI_3NORM`: the higher the first
//! and the lower the others, the closer. Butteraugli's score is that of the worst place, its 3-norm that of the whole picture.

use std::error::Error;
use std::io::{BufRead, Write};

use butteraugli::{ButteraugliParams, Img, RGB};
use ssimulacra2::{LinearRgb, compute_frame_ssimulacra2};

fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let fields: Vec<&str> = line.split('\t').collect();
        let [reference, judged, width, height] = fields[..] else {
            return Err("a line is REFERENCE<tab>JUDGED<tab>WIDTH<tab>HEIGHT".into());
        };
        let (width, height) = (width.parse()?, height.parse()?);
        let [reference, judged] = [linear(reference, width * height)?, linear(judged, width * height)?];
        let images = [&reference, &judged].map(|pixels| {
            let pixels: Vec<RGB<f32>> = pixels.iter().map(|&[r, g, b]| RGB { r, g, b }).collect();
            Img::new(pixels, width, height)
        });
        let distance =
            butteraugli::butteraugli_linear(images[0].as_ref(), images[1].as_ref(), &ButteraugliParams::default())?;
        let similarity = compute_frame_ssimulacra2(
            LinearRgb::new(reference, width, height)?,
            LinearRgb::new(judged, width, height)?,
        )?;
        writeln!(out, "{similarity:.4}\t{:.4}\t{:.4}", distance.score, distance.pnorm_3)?;
        out.flush()?;
    }
    Ok(())
}

/// Reads a picture and undoes the sRGB transfer curve (IEC 61966-2-1).
fn linear(path: &str, pixels: usize) -> Result<Vec<[f32; 3]>, Box<dyn Error>> {
    let bytes = std::fs::read(path)?;
    if bytes.len() != pixels * 12 {
        return Err(format!("{path} has {} bytes, not those of {pixels} pixels", bytes.len()).into());
    }
    let decode = |bytes: [u8; 4]| {
        let value = f32::from_le_bytes(bytes).clamp(0.0, 1.0);
        if value <= 0.04045 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    };
    let (samples, _) = bytes.as_chunks::<4>();
    let (pixels, _) = samples.as_chunks::<3>();
    Ok(pixels.iter().map(|pixel| pixel.map(decode)).collect())
}
