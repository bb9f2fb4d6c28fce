//! What models find and how it is used, with models that answer what they are told (spec 5.7, 5.10, section 7).

#![allow(clippy::unwrap_used)] // A test may end by it, in its helpers too.

mod common;

use std::sync::Mutex;

use calotype_codec::{Budget, Layout, Picture};
use calotype_engine::{Mask, Vision, VisionError};
use calotype_plan::{
    FaceBox, FaceCrop, Fit, FormatChoice, Gravity, Models, Op, Output, Plan, Resize, Size, Upscale, Warning,
};

use common::{Around, decimal, difference, picture, plan, png, resize, smooth};

/// A model that gives what it was told, and remembers what it was shown.
struct Told {
    faces: Result<Option<[u32; 4]>, VisionError>,
    mask: Result<Mask, VisionError>,
    enlarges: bool,
    shown: Mutex<Vec<(Size, Layout)>>,
}

impl Default for Told {
    fn default() -> Self {
        Self {
            faces: Ok(None),
            mask: Err(VisionError::Missing),
            enlarges: true,
            shown: Mutex::default(),
        }
    }
}

impl Told {
    fn see(&self, picture: &Picture) {
        self.shown.lock().unwrap().push((picture.size(), picture.layout()));
    }

    fn shown(&self) -> Vec<(Size, Layout)> {
        self.shown.lock().unwrap().clone()
    }
}

impl Vision for Told {
    fn models(&self) -> Models {
        Models {
            faces: true,
            segment: true,
            generate: true,
        }
    }

    fn faces(&self, copy: &Picture) -> Result<Option<FaceBox>, VisionError> {
        self.see(copy);
        let found = self.faces.clone()?;
        Ok(found.map(|[left, top, right, bottom]| FaceBox {
            inference: copy.size(),
            left,
            top,
            right,
            bottom,
        }))
    }

    fn mask(&self, copy: &Picture) -> Result<Mask, VisionError> {
        self.see(copy);
        self.mask.clone()
    }

    fn enlarge(&self, picture: &Picture, factor: u32) -> Result<Picture, VisionError> {
        self.see(picture);
        if !self.enlarges {
            return Err(VisionError::Unavailable("too large".into()));
        }
        // One colour, so that one sees who made the picture.
        let size = Size::new(picture.size().width * factor, picture.size().height * factor);
        Ok(Picture::new(size, Layout::Rgb, [7, 8, 9, 0], &Budget::unlimited()).unwrap())
    }
}

fn face(zoom: &str, ratio: Option<Size>) -> Op {
    Op::FaceCrop(FaceCrop {
        zoom: decimal(zoom),
        ratio,
    })
}

fn by_face(width: u32, height: u32) -> Op {
    match resize(width, height, Fit::Cover) {
        Op::Resize(resize) => Op::Resize(Resize {
            gravity: Gravity::Face,
            ..resize
        }),
        other => other,
    }
}

fn generated(width: u32) -> Op {
    match resize(width, 0, Fit::Contain) {
        Op::Resize(resize) => Op::Resize(Resize {
            upscale: Upscale::Generate,
            ..resize
        }),
        other => other,
    }
}

#[test]
fn a_zoom_cuts_to_the_faces_in_the_pixels_of_the_picture() {
    let original = picture(Size::new(2048, 2048), false);
    let told = Told {
        faces: Ok(Some([400, 200, 500, 700])),
        ..Told::default()
    };
    let around = Around {
        vision: &told,
        ..Around::default()
    };
    // C2: a copy of 1024x1024 is looked at; 400x2000+700+0 is cut.
    let out = around.pixels(vec![face("0.5", None)], &png(&original));
    assert_eq!(told.shown(), [(Size::new(1024, 1024), Layout::Rgb)]);
    assert_eq!(out.size(), Size::new(400, 2000));
    for (x, y) in [(0, 0), (399, 0), (0, 1999), (200, 1000)] {
        assert_eq!(out.pixel(x, y), original.pixel(x + 700, y));
    }
}

#[test]
fn a_cut_lies_around_the_middle_of_the_faces() {
    // C12: 800x600, the face at 100..200; the cut of 300x600 starts at 0, of the right half at the end.
    let original = picture(Size::new(800, 600), false);
    for (found, left) in [
        ([100, 100, 200, 220], 0),
        ([700, 480, 800, 600], 500),
        ([400, 100, 500, 200], 300),
    ] {
        let told = Told {
            faces: Ok(Some(found)),
            ..Told::default()
        };
        let around = Around {
            vision: &told,
            ..Around::default()
        };
        let out = around.pixels(vec![face("0", None), by_face(300, 600)], &png(&original));
        assert_eq!(
            (out.pixel(0, 0), out.pixel(299, 599)),
            (original.pixel(left, 0), original.pixel(left + 299, 599))
        );
    }
}

#[test]
fn faces_are_looked_for_without_the_alpha_channel() {
    let told = Told::default();
    let around = Around {
        vision: &told,
        ..Around::default()
    };
    let outcome = around
        .run(&plan(vec![face("1", None)]), &png(&picture(Size::new(40, 30), true)))
        .unwrap();
    assert_eq!(told.shown(), [(Size::new(40, 30), Layout::Rgb)]);
    assert_eq!(outcome.size, Some(Size::new(40, 30)), "no face: no cut");
    assert!(!outcome.warnings.contains(&Warning::FacesNotAvailable));
}

#[test]
fn a_detector_without_an_answer_is_a_remark_and_a_broken_one_an_error() {
    let source = png(&smooth(Size::new(40, 30)));
    let run = |error: VisionError| {
        let told = Told {
            faces: Err(error),
            ..Told::default()
        };
        Around {
            vision: &told,
            ..Around::default()
        }
        .run(&plan(vec![face("1", None)]), &source)
    };
    assert!(
        run(VisionError::Unavailable("late".into()))
            .unwrap()
            .warnings
            .contains(&Warning::FacesNotAvailable)
    );
    let fault = run(VisionError::Failed("secret".into())).unwrap_err();
    assert_eq!(fault.code(), 9523);
    assert!(!fault.public_message().contains("secret"));
    assert!(fault.detail().is_some_and(|detail| detail.contains("secret")));
}

#[test]
fn the_mask_becomes_alpha() {
    let original = picture(Size::new(2048, 1024), false);
    // Left half foreground, right half background, as a model with a small fixed output says it.
    let values = (0..64).map(|index| if index % 8 < 4 { 0.9 } else { 0.3 }).collect();
    let told = Told {
        mask: Ok(Mask {
            size: Size::new(8, 8),
            values,
        }),
        ..Told::default()
    };
    let around = Around {
        vision: &told,
        ..Around::default()
    };
    let out = around.pixels(vec![Op::Segment], &png(&original));
    assert_eq!(told.shown(), [(Size::new(1024, 512), Layout::Rgb)]);
    let pixel = out.pixel(100, 500).unwrap();
    assert_eq!(Some(pixel), original.pixel(100, 500));
    assert_eq!(out.pixel(1900, 500).unwrap()[3], 0);
    // The edge is soft: halfway in the middle.
    assert!(
        (100..156).contains(&out.pixel(1024, 500).unwrap()[3]),
        "{:?}",
        out.pixel(1024, 500)
    );
    let json = Plan {
        ops: vec![Op::Segment],
        output: Output {
            format: FormatChoice::Json,
            ..Output::default()
        },
        ..Plan::default()
    };
    let value: serde_json::Value = serde_json::from_slice(&around.run(&json, &png(&original)).unwrap().bytes).unwrap();
    let segment = &value["segment"];
    assert_eq!(
        (segment["width"].as_u64(), segment["height"].as_u64()),
        (Some(1024), Some(512))
    );
    assert_eq!(segment["upscale_filter"], "catrom");
    // "iVBORw0KGgo" is the PNG signature in base64.
    assert!(segment["mask"].as_str().unwrap().starts_with("iVBORw0KGgo"));
}

#[test]
fn segmentation_makes_a_png_and_a_background_makes_it_a_jpeg() {
    let values = vec![1.0, 0.0];
    let told = Told {
        mask: Ok(Mask {
            size: Size::new(2, 1),
            values,
        }),
        ..Told::default()
    };
    let around = Around {
        vision: &told,
        ..Around::default()
    };
    let source = png(&smooth(Size::new(20, 10)));
    let run = |ops| {
        around
            .run(
                &Plan {
                    ops,
                    output: Output::default(),
                    ..Plan::default()
                },
                &source,
            )
            .unwrap()
            .content_type
    };
    assert_eq!(run(vec![Op::Segment]), "image/png");
    let white = Op::Background(calotype_plan::Background(calotype_plan::Color::WHITE));
    assert_eq!(run(vec![Op::Segment, white]), "image/jpeg");
}

#[test]
fn a_mask_of_the_wrong_length_is_our_failure() {
    let told = Told {
        mask: Ok(Mask {
            size: Size::new(9, 9),
            values: vec![0.0],
        }),
        ..Told::default()
    };
    let around = Around {
        vision: &told,
        ..Around::default()
    };
    assert_eq!(
        around
            .run(&plan(vec![Op::Segment]), &png(&smooth(Size::new(9, 9))))
            .unwrap_err()
            .code(),
        9523
    );
}

#[test]
fn enlarging_asks_the_model_once_and_fits_exactly() {
    let source = png(&smooth(Size::new(300, 200)));
    // Table J: the width asked for, the model's picture, the result.
    for (width, passes, want) in [
        (600, 1, (600, 400)),
        (450, 1, (450, 300)),
        (750, 1, (750, 500)),
        (900, 1, (900, 600)),
        (2000, 1, (2000, 1333)),
        (100, 0, (100, 67)),
    ] {
        let told = Told::default();
        let out = Around {
            vision: &told,
            ..Around::default()
        }
        .pixels(vec![generated(width)], &source);
        assert_eq!((out.size().width, out.size().height), want);
        assert_eq!(told.shown().len(), passes, "{width}");
        if passes == 1 {
            assert!(out.data().as_chunks::<3>().0.iter().all(|pixel| *pixel == [7, 8, 9]));
        }
    }
}

#[test]
fn enlarging_keeps_alpha_by_bicubic() {
    let source = png(&picture(Size::new(30, 20), true));
    let told = Told::default();
    let out = Around {
        vision: &told,
        ..Around::default()
    }
    .pixels(vec![generated(60)], &source);
    let plain = Around::default().pixels(vec![resize(60, 0, Fit::Contain)], &source);
    for (got, plain) in out
        .data()
        .as_chunks::<4>()
        .0
        .iter()
        .zip(plain.data().as_chunks::<4>().0)
    {
        assert_eq!(got[3], plain[3]);
        assert!(got[3] == 0 || got[..3] == [7, 8, 9]);
    }
    assert_eq!(told.shown(), [(Size::new(30, 20), Layout::Rgb)]);
}

#[test]
fn a_picture_that_the_model_does_not_take_is_interpolated() {
    let source = png(&smooth(Size::new(30, 20)));
    let told = Told {
        enlarges: false,
        ..Told::default()
    };
    let outcome = Around {
        vision: &told,
        ..Around::default()
    }
    .run(&plan(vec![generated(60)]), &source)
    .unwrap();
    assert_eq!(outcome.warnings, [Warning::GenerateNotAvailable]);
    let plain = Around::default().pixels(vec![resize(60, 0, Fit::Contain)], &source);
    assert_eq!(difference(&common::unpacked(&outcome.bytes), &plain), 0);
}
