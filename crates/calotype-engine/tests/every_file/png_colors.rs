//! What a PNG with a gamma of its own looks like, computed on the side.
//!
//! The references behind the manifest show the samples of such a file as they are; browsers, and we, apply gAMA and cHRM (PNG 3rd edition, 4.3 and
//! 11.3.2). So the samples must give the manifest's grid, and our picture must be the samples with gamma and primaries applied, by this module.

use serde::{Deserialize, Serialize};

use crate::grid::{Pixels, grid};

/// The two grids of such a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Gamma {
    /// Of the samples as they are.
    pub(crate) samples: Vec<[f64; 3]>,
    /// Of the samples with gamma and primaries applied.
    pub(crate) wanted: Vec<[f64; 3]>,
}

/// Decodes a PNG whose colours are given by gAMA, and perhaps cHRM. `None` if it cannot be read.
pub(crate) fn gamma(bytes: &[u8], orientation: u8) -> Option<Gamma> {
    let mut decoder = png::Decoder::new(std::io::Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().ok()?;
    let mut data = vec![0; reader.output_buffer_size()?];
    let frame = reader.next_frame(&mut data).ok()?;
    let info = reader.info();
    let exponent = 1.0 / f64::from(info.gama_chunk?.into_value());
    let matrix = info.chrm_chunk.map(|c| {
        let xy = |(x, y): (png::ScaledFloat, png::ScaledFloat)| [f64::from(x.into_value()), f64::from(y.into_value())];
        to_linear_srgb(xy(c.white), [xy(c.red), xy(c.green), xy(c.blue)])
    });
    let depth = if frame.bit_depth == png::BitDepth::Sixteen {
        2
    } else {
        1
    };
    let values: Vec<f64> = if depth == 2 {
        data.chunks_exact(2)
            .map(|v| f64::from(u16::from_be_bytes([v[0], v[1]])) / 65_535.0)
            .collect()
    } else {
        data.iter().map(|&v| f64::from(v) / 255.0).collect()
    };
    let byte = |value: f64| (value.clamp(0.0, 1.0) * 255.0).round() as u8;
    let (mut samples, mut wanted) = (Vec::new(), Vec::new());
    for pixel in values.chunks_exact(frame.color_type.samples()) {
        let (rgb, alpha) = match *pixel {
            [v] => ([v; 3], 1.0),
            [v, a] => ([v; 3], a),
            [r, g, b] => ([r, g, b], 1.0),
            [r, g, b, a] => ([r, g, b], a),
            _ => return None,
        };
        samples.extend(rgb.map(byte));
        samples.push(byte(alpha));
        let light = rgb.map(|value| value.powf(exponent));
        let light = matrix.map_or(light, |matrix| times(&matrix, light));
        wanted.extend(light.map(|light| byte(encoded(light))));
        wanted.push(byte(alpha));
    }
    let grid = |data: &[u8]| {
        grid(
            &Pixels {
                width: frame.width,
                height: frame.height,
                channels: 4,
                data,
            },
            orientation,
        )
    };
    Some(Gamma {
        samples: grid(&samples),
        wanted: grid(&wanted),
    })
}

/// The curve of sRGB (IEC 61966-2-1).
fn encoded(light: f64) -> f64 {
    let light = light.clamp(0.0, 1.0);
    if light <= 0.003_130_8 {
        12.92 * light
    } else {
        1.055 * light.powf(1.0 / 2.4) - 0.055
    }
}

type Matrix = [[f64; 3]; 3];

fn times(matrix: &Matrix, v: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2])
}

fn product(a: &Matrix, b: &Matrix) -> Matrix {
    let column = |i: usize| times(a, [b[0][i], b[1][i], b[2][i]]);
    let columns = [column(0), column(1), column(2)];
    [0, 1, 2].map(|row| columns.map(|column| column[row]))
}

fn inverse(m: &Matrix) -> Matrix {
    let minor = |r: usize, c: usize| {
        let (r1, r2, c1, c2) = ((r + 1) % 3, (r + 2) % 3, (c + 1) % 3, (c + 2) % 3);
        m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
    };
    let determinant = m[0][0] * minor(0, 0) + m[0][1] * minor(0, 1) + m[0][2] * minor(0, 2);
    [0, 1, 2].map(|row| [0, 1, 2].map(|column| minor(column, row) / determinant))
}

fn xyz([x, y]: [f64; 2]) -> [f64; 3] {
    [x / y, 1.0, (1.0 - x - y) / y]
}

/// From linear RGB of these primaries to XYZ of their white.
fn to_xyz(white: [f64; 2], primaries: [[f64; 2]; 3]) -> Matrix {
    let p = primaries.map(xyz);
    let columns: Matrix = [0, 1, 2].map(|row| [p[0][row], p[1][row], p[2][row]]);
    let scale = times(&inverse(&columns), xyz(white));
    columns.map(|row| [row[0] * scale[0], row[1] * scale[1], row[2] * scale[2]])
}

/// From linear RGB of these primaries to linear sRGB, white to white by Bradford's cones.
fn to_linear_srgb(white: [f64; 2], primaries: [[f64; 2]; 3]) -> Matrix {
    const BRADFORD: Matrix = [
        [0.8951, 0.2664, -0.1614],
        [-0.7502, 1.7135, 0.0367],
        [0.0389, -0.0685, 1.0296],
    ];
    const D65: [f64; 2] = [0.3127, 0.3290];
    const SRGB: [[f64; 2]; 3] = [[0.64, 0.33], [0.30, 0.60], [0.15, 0.06]];
    let (from, to) = (times(&BRADFORD, xyz(white)), times(&BRADFORD, xyz(D65)));
    let scale: Matrix = [
        [to[0] / from[0], 0.0, 0.0],
        [0.0, to[1] / from[1], 0.0],
        [0.0, 0.0, to[2] / from[2]],
    ];
    let adapt = product(&inverse(&BRADFORD), &product(&scale, &BRADFORD));
    product(
        &inverse(&to_xyz(D65, SRGB)),
        &product(&adapt, &to_xyz(white, primaries)),
    )
}
