//! `cargo xtask samples`: renders the sample pictures and the list of them, as the playground serves both.

use std::{
    fs,
    io::BufWriter,
    path::{Path, PathBuf},
};

use calotype_samples::{Raster, SAMPLES, Storage};

use crate::Outcome;

/// Quality of the JPEGs: high, since they are the originals of everything the playground shows.
const JPEG_QUALITY: f32 = 92.0;

/// Writes `samples/<name>.<ext>` and `samples.json` into the directory given, or into the playground's `public`.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let directory = arguments
        .first()
        .map_or_else(|| crate::root().join("js/playground/public"), PathBuf::from);
    let pictures = directory.join("samples");
    fs::create_dir_all(&pictures)?;
    let mut list = Vec::new();
    for sample in SAMPLES {
        let file = format!("{}.{}", sample.name, sample.storage.extension());
        let raster = (sample.render)();
        match sample.storage {
            Storage::Jpeg => write_jpeg(&pictures.join(&file), &raster)?,
            Storage::Png => write_png(&pictures.join(&file), &raster)?,
        }
        list.push(serde_json::json!({
            "name": sample.name,
            "title": sample.title,
            "url": format!("/-/samples/{file}"),
            "width": raster.width,
            "height": raster.height,
        }));
    }
    fs::write(directory.join("samples.json"), serde_json::to_vec_pretty(&list)?)?;
    Ok(())
}

fn write_jpeg(path: &Path, raster: &Raster) -> Outcome {
    let mut compress = mozjpeg::Compress::new(mozjpeg::ColorSpace::JCS_RGB);
    compress.set_size(raster.width as usize, raster.height as usize);
    compress.set_quality(JPEG_QUALITY);
    compress.set_progressive_mode();
    // Full chroma: red on blue is what the samples are there to show.
    compress.set_chroma_sampling_pixel_sizes((1, 1), (1, 1));
    let mut started = compress.start_compress(BufWriter::new(fs::File::create(path)?))?;
    started.write_scanlines(&raster.data)?;
    started.finish()?;
    Ok(())
}

fn write_png(path: &Path, raster: &Raster) -> Outcome {
    let mut encoder = png::Encoder::new(BufWriter::new(fs::File::create(path)?), raster.width, raster.height);
    encoder.set_color(if raster.channels == 4 {
        png::ColorType::Rgba
    } else {
        png::ColorType::Rgb
    });
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&raster.data)?;
    writer.finish()?;
    Ok(())
}
