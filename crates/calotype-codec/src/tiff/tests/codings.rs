//! Compressions and what is done to rows before them.

use super::*;

/// Bytes of hexadecimal digits.
fn hex(digits: &str) -> Vec<u8> {
    let nibbles: Vec<u32> = digits.chars().map(|c| c.to_digit(16).unwrap()).collect();
    nibbles
        .as_chunks::<2>()
        .0
        .iter()
        .map(|[high, low]| (high * 16 + low) as u8)
        .collect()
}

#[test]
fn fax_codings_give_the_pixels_of_their_encoder() {
    // Written by libtiff: 20 columns, 4 rows, 1 where (x*x + 3*x*y) % 7 < 3; here in one dimension with line ends, in two
    // dimensions, with line ends at whole bytes, T.6, and without line ends at whole bytes.
    let want: Vec<u8> = (0..4u32)
        .flat_map(|y| (0..20u32).map(move |x| if (x * x + 3 * x * y) % 7 < 3 { 255 } else { 0 }))
        .collect();
    let one = "00135c7c787c787c700135509d427508700135a1c380013543e3a1d0f8e8743e3a";
    let whole = "000135c7c787c787c7000135509d427508700135a1c380013543e3a1d0f8e8743e3a";
    let two = "0019ae3e3c3e3c3e3800a9da769e00335a1c380014223e8a1c223e8a1c223ea0";
    let six = "26b91f23c47c8f025a769da7c31418a0c7088fa287088fa287088fa8008008";
    let bare = "35c7c787c787c735509d4275087035a1c3803543e3a1d0f8e8743e3a";
    for (compression, options, data) in [(3, 0, one), (3, 4, whole), (3, 1, two), (4, 0, six), (2, 0, bare)] {
        let data = hex(data);
        // libtiff calls its runs white and black by their bits; the page says that 1 is white.
        let page = Page::new(20, 4, 1, &[1], &data)
            .with(tag::COMPRESSION, short(&[compression]))
            .with(tag::T4_OPTIONS, short(&[options]));
        assert_eq!(
            pixels(&page),
            grey(&want),
            "compression {compression}, options {options}"
        );
        let reversed: Vec<u8> = data.iter().map(|byte| byte.reverse_bits()).collect();
        let turned = page.clone().chunks(&[&reversed]).with(tag::FILL_ORDER, short(&[2]));
        assert_eq!(pixels(&turned), grey(&want));
        assert!(open(&page.chunks(&[&data[..data.len() / 2]]).file()).is_err());
    }
}

#[test]
fn byte_codings_give_the_bytes_of_their_encoder() {
    // Written by libtiff: x * 10 + 3 * y, 20 columns and 4 rows.
    let want: Vec<u8> = (0..4u8).flat_map(|y| (0..20u8).map(move |x| x * 10 + y * 3)).collect();
    let lzw = "8000014140f0a0643c23140b464371e1048c4b28154b45f00c1a17108ac6a3f2494cba67389ed0a8f4ca8d5ab760818201a120b87\
               04226158c06a3a1f910924e29960ba62024261d138c4764527964c66d3ba0516954faa566bd63c040";
    let runs = "13000a141e28323c46505a646e78828c96a0aab4be13030d17212b353f49535d67717b858f99a3adb7c11306101a242e38424c56606\
                a747e88929ca6b0bac41309131d27313b454f59636d77818b959fa9b3bdc7";
    let zstd = "28b52ffd0060810200000a141e28323c46505a646e78828c96a0aab4be030d17212b353f49535d67717b858f99a3adb7c106101a242\
                e38424c56606a747e88929ca6b0bac409131d27313b454f59636d77818b959fa9b3bdc7";
    let deflate = "789c015000afff000a141e28323c46505a646e78828c96a0aab4be030d17212b353f49535d67717b858f99a3adb7c106101a242e3\
                   8424c56606a747e88929ca6b0bac409131d27313b454f59636d77818b959fa9b3bdc76c801f19";
    for (compression, data) in [
        (5, lzw),
        (32_773, runs),
        (50_000, zstd),
        (8, deflate),
        (32_946, deflate),
    ] {
        let data = hex(data);
        let page = Page::new(20, 4, 1, &[8], &data).with(tag::COMPRESSION, short(&[compression]));
        assert_eq!(pixels(&page), grey(&want), "compression {compression}");
        for length in [0, 1, data.len() / 2] {
            assert!(open(&page.clone().chunks(&[&data[..length]]).file()).is_err());
        }
    }
    // PackBits by hand: a run of three, nothing, two as they are, and surplus.
    let page = Page::new(5, 1, 1, &[8], &[0xfe, 7, 0x80, 1, 8, 9, 0xff, 1]).with(tag::COMPRESSION, short(&[32_773]));
    assert_eq!(pixels(&page), grey(&[7, 7, 7, 8, 9]));
    // The LZW of the first writers, lowest bits first: clear, 1, 2, end, 9 bits each.
    let page = Page::new(2, 1, 1, &[8], &[0x00, 0x03, 0x08, 0x08, 0x08]).with(tag::COMPRESSION, short(&[5]));
    assert_eq!(pixels(&page), grey(&[1, 2]));
}

#[test]
fn prediction_is_taken_back() {
    let page = |bits: u16, samples: usize, data: &[u8]| {
        let bits = vec![bits; samples];
        let photometric = if samples == 1 { 1 } else { 2 };
        let columns = data.len() / samples / usize::from(bits[0] / 8);
        Page::new(columns as u16, 1, photometric, &bits, data).with(tag::PREDICTOR, short(&[2]))
    };
    assert_eq!(pixels(&page(8, 1, &[250, 3, 3, 0])), grey(&[250, 253, 0, 0]));
    assert_eq!(
        pixels(&page(8, 3, &[1, 2, 3, 1, 1, 1, 255, 0, 1])),
        [1, 2, 3, 2, 3, 4, 1, 3, 5]
    );
    // Carries go from byte to byte, in the order of the file.
    let mut wide = page(16, 1, &[0x00, 0xff, 0x01, 0x01]);
    wide.big_endian = true;
    assert_eq!(pixels(&wide), grey(&[1, 2]));
    // Floating point, two rows of 0, 1/8, 2/8, 3/8 and 4/8 to 7/8; bytes by tifffile.
    let data = hex("003e0000c200804040000000000000003f000000c1202020a000000000000000");
    let page = Page::new(4, 2, 1, &[32], &data)
        .with(tag::SAMPLE_FORMAT, short(&[3]))
        .with(tag::PREDICTOR, short(&[3]));
    let levels: Vec<u8> = (0..8)
        .map(|n| f64::from(n) / 8.0)
        .map(|v| {
            if v == 0.0 {
                0.0
            } else {
                1.055 * v.powf(1.0 / 2.4) - 0.055
            }
        })
        .map(|v| (v * 255.0).round() as u8)
        .collect();
    assert_eq!(pixels(&page), grey(&levels));
}

/// A JPEG of one colour in 16 by 16 pixels.
fn jpeg(color: [u8; 3]) -> Vec<u8> {
    let budget = Budget::unlimited();
    let [r, g, b] = color;
    let picture = Picture::new(Size::new(16, 16), Layout::Rgb, [r, g, b, 0], &budget).unwrap();
    let request = EncodeRequest::Jpeg {
        quality: 95,
        progressive: false,
    };
    encode(&picture, &request, &OutputMetadata::default(), &budget).unwrap()
}

#[test]
fn jpeg_strips_are_coloured_as_the_page_says() {
    let (above, below) = (jpeg([200, 30, 60]), jpeg([10, 90, 250]));
    let page = Page::new(16, 32, 6, &[8; 3], &[])
        .with(tag::COMPRESSION, short(&[7]))
        .with(tag::ROWS_PER_STRIP, short(&[16]));
    let got = pixels(&page.clone().chunks(&[&above, &below]));
    assert!(close(&got[..3], [200, 30, 60]) && close(&got[31 * 48..], [10, 90, 250]));
    // The same data on a page of RGB is taken as it is: Y, Cb and Cr, by BT.601 84.2, 114.3 and 210.6.
    let page = page.with(tag::PHOTOMETRIC, short(&[2]));
    let got = pixels(&page.clone().chunks(&[&above, &below]));
    assert!(close(&got[..3], [84, 114, 211]), "{:?}", &got[..3]);
    // Tables of the directory stand in front.
    let scan = above.windows(2).position(|w| w == [0xff, 0xc0]).unwrap();
    let (tables, data) = above.split_at(scan);
    let data = [b"\xff\xd8", data].concat();
    let with_tables = page
        .with(tag::PHOTOMETRIC, short(&[6]))
        .with(tag::LENGTH, short(&[16]))
        .with(tag::JPEG_TABLES, Values::Bytes(7, [tables, b"\xff\xd9"].concat()));
    let got = pixels(&with_tables.clone().chunks(&[&data]));
    assert!(close(&got[..3], [200, 30, 60]));
    // A strip that is smaller than its place.
    let refused = open(&with_tables.with(tag::WIDTH, short(&[17])).chunks(&[&data]).file()).unwrap_err();
    assert_eq!(refused, CodecError::corrupt("a JPEG inside does not fill its place"));
}

#[test]
fn jpeg_of_the_old_way_is_a_stream_of_its_own() {
    let stream = jpeg([200, 30, 60]);
    let page = Page::new(16, 16, 6, &[8; 3], &stream).with(tag::COMPRESSION, short(&[6]));
    // The data is what lies first behind the header.
    let page = page.with(tag::JPEG_INTERCHANGE, Values::Long(vec![8]));
    assert!(close(&pixels(&page)[..3], [200, 30, 60]));
    // Or the strip is the stream.
    let bare = Page::new(16, 16, 6, &[8; 3], &stream).with(tag::COMPRESSION, short(&[6]));
    assert!(close(&pixels(&bare)[..3], [200, 30, 60]));
    assert_eq!(
        open(&bare.chunks(&[&stream[2..]]).file()).unwrap_err(),
        CodecError::corrupt("its JPEG tables are missing or damaged")
    );
    // Tiles that each take the same stream, to the end of the file: two megabytes, 64 times.
    let long = [stream, vec![0; 2 << 20]].concat();
    let mut chunks = vec![long.as_slice()];
    chunks.resize(64, &[0]);
    let tiled = Page::new(128, 128, 6, &[8; 3], &[])
        .with(tag::COMPRESSION, short(&[6]))
        .with(tag::JPEG_INTERCHANGE, Values::Long(vec![8]))
        .with(tag::TILE_WIDTH, short(&[16]))
        .with(tag::TILE_LENGTH, short(&[16]));
    assert_eq!(
        open(&tiled.chunks(&chunks).file()).unwrap_err(),
        CodecError::corrupt("its strips or tiles overlap")
    );
}
