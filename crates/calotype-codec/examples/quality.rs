//! Encodes a picture at several qualities, for `bench/quality`: `quality FORMAT SOURCE FOLDER QUALITY...` writes `FOLDER/QUALITY.FORMAT` and prints a line
//! for each: quality, bytes, milliseconds that it took. The first line names the encoders. FORMAT is jpeg, webp, avif or png.

#![allow(clippy::print_stdout)] // Its purpose.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use calotype_codec::{
    Budget, DecodeRequest, EncodeRequest, OutputMetadata, PaletteUse, decode, encode, encoder_version, probe,
};
use calotype_plan::Limits;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [format, source, folder, qualities @ ..] = arguments.as_slice() else {
        return Err("usage: quality FORMAT SOURCE FOLDER QUALITY...".into());
    };
    let (limits, budget) = (Limits::default(), Budget::unlimited());
    let bytes = std::fs::read(source)?;
    let header = probe(&bytes, &limits)?;
    let picture = decode(&bytes, &header, &DecodeRequest::default(), &limits, &budget)?.picture;
    println!("{}", encoder_version());
    for quality in qualities {
        let quality = quality.parse()?;
        let request = match format.as_str() {
            "jpeg" => EncodeRequest::Jpeg {
                quality,
                progressive: true,
            },
            "webp" => EncodeRequest::Webp {
                quality,
                lossless: false,
            },
            "avif" => EncodeRequest::Avif { quality },
            "png" => EncodeRequest::Png {
                palette: PaletteUse::Fitted,
                fast: false,
                quality,
            },
            _ => return Err(format!("{format} is no format").into()),
        };
        let start = Instant::now();
        let encoded = encode(&picture, &request, &OutputMetadata::default(), &budget)?;
        let wall_ms = start.elapsed().as_secs_f64() * 1000.0;
        std::fs::write(Path::new(folder).join(format!("{quality}.{format}")), &encoded)?;
        println!("{quality} {} {wall_ms:.1}", encoded.len());
    }
    Ok(())
}
