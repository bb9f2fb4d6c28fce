//! Pictures made by arithmetic, and [fonts](font) made by hand.
//!
//! The playground has to open on something worth looking at, and no photograph of anybody else may be in the repository. So the pictures are
//! computed: terrain from noise, a still life from distance functions, type from arcs and bars. Every picture is the same on every run; between
//! machines single pixels may differ where their mathematics libraries do.
//!
//! The pictures are chosen for what the options do to them: [`lake`] has fine detail and a point of interest off the centre, [`still_life`] has
//! smooth gradients and soft shadows, [`poster`] has hard edges and a plain margin to trim, [`knot`] has an alpha channel, and [`textile`] has detail
//! everywhere, which is the hardest thing to make smaller.

pub mod font;

mod canvas;
mod knot;
mod lake;
mod math;
mod noise;
mod poster;
mod still_life;
mod strokes;
mod textile;

pub use canvas::Raster;

/// One picture: what to call it and how to make it.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    /// File name without extension.
    pub name: &'static str,
    /// What a reader is told it is.
    pub title: &'static str,
    /// How it is best stored.
    pub storage: Storage,
    /// Makes the picture; takes some seconds of one core.
    pub render: fn() -> Raster,
}

/// The file format a picture is best kept in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// Photograph-like, without transparency.
    Jpeg,
    /// Flat colours or transparency.
    Png,
}

impl Storage {
    /// The extension of such a file.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }
}

/// All pictures, in the order in which they are shown.
pub const SAMPLES: [Sample; 5] = [
    Sample {
        name: "lake",
        title: "Lake at dawn",
        storage: Storage::Jpeg,
        render: lake::render,
    },
    Sample {
        name: "still-life",
        title: "Still life",
        storage: Storage::Jpeg,
        render: still_life::render,
    },
    Sample {
        name: "poster",
        title: "Poster with a plain margin",
        storage: Storage::Png,
        render: poster::render,
    },
    Sample {
        name: "knot",
        title: "Knot on a transparent ground",
        storage: Storage::Png,
        render: knot::render,
    },
    Sample {
        name: "textile",
        title: "Woven cloth",
        storage: Storage::Jpeg,
        render: textile::render,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    fn pixel(raster: &Raster, x: u32, y: u32) -> &[u8] {
        let channels = usize::from(raster.channels);
        let at = (y as usize * raster.width as usize + x as usize) * channels;
        raster.data.get(at..at + channels).unwrap_or_default()
    }

    #[test]
    fn the_poster_has_a_margin_of_one_colour_to_trim() {
        let poster = poster::render();
        assert_eq!(poster.data.len(), 1600 * 2240 * 3);
        let paper = pixel(&poster, 0, 0);
        assert_eq!(paper, [0xf7, 0xf2, 0xe7]);
        for x in 0..1600 {
            for y in (0..89).chain(2151..2240) {
                assert_eq!(pixel(&poster, x, y), paper, "{x},{y}");
            }
        }
        assert_ne!(pixel(&poster, 800, 95), paper);
    }

    #[test]
    fn the_knot_has_clear_translucent_and_opaque_pixels() {
        let knot = knot::render();
        let alphas = || knot.data.iter().skip(3).step_by(4);
        let of = |wanted: fn(u8) -> bool| alphas().filter(|&&a| wanted(a)).count() * 100 / alphas().count();
        assert!(of(|a| a == 0) > 30, "clear: {} %", of(|a| a == 0));
        assert!(of(|a| a == 255) > 20, "opaque: {} %", of(|a| a == 255));
        assert!(
            of(|a| (8..248).contains(&a)) > 5,
            "translucent: {} %",
            of(|a| (8..248).contains(&a))
        );
        // Nothing is cut off at the edges of the picture.
        for i in 0..knot.width {
            for (x, y) in [(i, 0), (0, i), (knot.width - 1, i), (i, knot.height - 1)] {
                assert!(pixel(&knot, x, y).last().is_some_and(|&a| a < 8), "{x},{y}");
            }
        }
    }

    #[test]
    fn names_are_file_names_and_unique() {
        let names: std::collections::BTreeSet<_> = SAMPLES.iter().map(|s| s.name).collect();
        assert_eq!(names.len(), SAMPLES.len());
        assert!(
            names
                .iter()
                .all(|n| n.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'))
        );
    }
}
