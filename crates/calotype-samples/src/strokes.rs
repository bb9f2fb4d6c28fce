//! A plotter's alphabet: capitals and figures of straight strokes on a grid of four by six.

/// The strokes of a character: polylines of points written as two digits, column then row from the top, separated by spaces.
fn glyph(c: char) -> &'static str {
    match c {
        'A' => "0602204246 0444",
        'B' => "003041423303 334445360600",
        'C' => "4130100105163645",
        'D' => "00204244260600",
        'E' => "40000646 0333",
        'F' => "400006 0333",
        'G' => "41301001051636454323",
        'H' => "0006 4046 0343",
        'I' => "1030 2026 1636",
        'J' => "404536160504",
        'K' => "0006 4003 1346",
        'L' => "000646",
        'M' => "0600234046",
        'N' => "06004640",
        'O' => "103041453616050110",
        'P' => "0600304142330300",
        'Q' => "103041453616050110 2446",
        'R' => "06003041423303 2346",
        'S' => "413010010213334445361605",
        'T' => "0040 2026",
        'U' => "000516364540",
        'V' => "002640",
        'W' => "0016234640",
        'X' => "0046 4006",
        'Y' => "002340 2326",
        'Z' => "00400646",
        '0' => "103041453616050110",
        '1' => "112026 1636",
        '2' => "01103041420646",
        '3' => "01103041423313 334445361605",
        '4' => "36300444",
        '5' => "400002324345361605",
        '6' => "30100105163645443303",
        '7' => "004016",
        '8' => "103041423313020110 1304051636454433",
        '9' => "16364541301001021343",
        '.' => "2626",
        ',' => "2527",
        '-' => "1333",
        '/' => "0640",
        ':' => "2222 2525",
        '+' => "2125 0343",
        'x' => "1235 3215",
        _ => "",
    }
}

/// One straight stroke on the page, in pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    pub(crate) from: (f32, f32),
    pub(crate) to: (f32, f32),
}

/// Sets a line of text with its baseline's left end at `at`; `height` is that of a capital, `spacing` the free space between characters, all in pixels.
pub(crate) fn set(text: &str, at: (f32, f32), height: f32, spacing: f32) -> (Vec<Line>, f32) {
    let unit = height / 6.0;
    let mut lines = Vec::new();
    let mut x = at.0;
    for c in text.chars() {
        for polyline in glyph(c).split(' ').filter(|p| !p.is_empty()) {
            let digits: Vec<f32> = polyline.bytes().map(|b| f32::from(b - b'0')).collect();
            let points: Vec<(f32, f32)> = digits
                .chunks_exact(2)
                .map(|p| {
                    (
                        x + p.first().copied().unwrap_or(0.0) * unit,
                        at.1 - height + p.get(1).copied().unwrap_or(0.0) * unit,
                    )
                })
                .collect();
            for pair in points.windows(2) {
                if let [from, to] = pair {
                    lines.push(Line { from: *from, to: *to });
                }
            }
        }
        x += 4.0 * unit + spacing;
    }
    (lines, x - spacing - at.0)
}
