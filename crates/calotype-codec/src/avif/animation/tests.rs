use std::num::NonZeroU32;

use super::*;
use crate::animation::Loops;
use crate::avif::{encode, probe};
use crate::{ColorProfile, OutputMetadata};
use calotype_plan::Orientation;

const SIZE: Size = Size::new(16, 8);

fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let payload = parts.concat();
    [&(payload.len() as u32 + 8).to_be_bytes()[..], kind, &payload].concat()
}

/// A box with version and flags.
fn full(kind: &[u8; 4], version: u8, flags: u8, fields: &[u32]) -> Vec<u8> {
    let fields: Vec<u8> = fields.iter().flat_map(|field| field.to_be_bytes()).collect();
    boxed(kind, &[&[version, 0, 0, flags], &fields])
}

/// The bitstreams of a flat picture: its colours, and its alpha unless it is opaque.
fn bitstreams(color: [u8; 4]) -> (Vec<u8>, Option<Vec<u8>>) {
    let picture = Picture::new(SIZE, Layout::Rgba, color, &Budget::unlimited()).unwrap();
    let file = encode(&picture, 100, &OutputMetadata::default(), &Budget::unlimited()).unwrap();
    let still = Still::parse(&file, &Limits::default()).unwrap();
    let data = |cell| still.data(cell).unwrap().into_owned();
    let alpha = still.alpha.as_ref().map(|alpha| data(alpha.cells[0]));
    (data(still.color.cells[0]), alpha)
}

/// What a track says of itself.
struct Spec<'a> {
    samples: &'a [Vec<u8>],
    /// Numbers of samples, and how long each is shown in 1/1000 s.
    times: &'a [u32],
    /// Samples of each chunk.
    per_chunk: u32,
    /// The duration of the track and the edit list, if there is one: flags and duration, in 1/600 s.
    duration: u32,
    edit: Option<(u8, u32)>,
    is_alpha: bool,
    is_multiplied: bool,
}

impl Spec<'_> {
    /// The track, whose chunks begin at `data_at`.
    fn track(&self, mut data_at: u32) -> Vec<u8> {
        let id = if self.is_alpha { 2 } else { 1 };
        let count = self.samples.len() as u32;
        let mut sizes = vec![0, count];
        sizes.extend(self.samples.iter().map(|sample| sample.len() as u32));
        let mut offsets = vec![count.div_ceil(self.per_chunk)];
        for chunk in self.samples.chunks(self.per_chunk as usize) {
            offsets.push(data_at);
            data_at += chunk.iter().map(|sample| sample.len() as u32).sum::<u32>();
        }
        let mut entry = vec![0; 78];
        entry[24..28].copy_from_slice(&[0, SIZE.width as u8, 0, SIZE.height as u8]);
        let nclx = boxed(b"colr", &[b"nclx", &[0, 1, 0, 13, 0, 6, 0x80]]);
        let turned = boxed(b"irot", &[&[1]]);
        let named = boxed(b"auxi", &[&[0; 4], b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0"]);
        let said = if self.is_alpha { named } else { [nclx, turned].concat() };
        let entry = boxed(b"av01", &[&entry, &said]);
        let table = boxed(
            b"stbl",
            &[
                &boxed(b"stsd", &[&[0, 0, 0, 0, 0, 0, 0, 1], &entry]),
                &full(b"stts", 0, 0, &[&[self.times.len() as u32 / 2], self.times].concat()),
                &full(b"stsc", 0, 0, &[1, 1, self.per_chunk, 1]),
                &full(b"stsz", 0, 0, &sizes),
                &full(b"stco", 0, 0, &offsets),
            ],
        );
        let references = match (self.is_alpha, self.is_multiplied) {
            (true, _) => boxed(b"tref", &[&boxed(b"auxl", &[&1u32.to_be_bytes()])]),
            (false, true) => boxed(b"tref", &[&boxed(b"prem", &[&2u32.to_be_bytes()])]),
            (false, false) => Vec::new(),
        };
        let edits = self.edit.map_or(Vec::new(), |(flags, duration)| {
            boxed(b"edts", &[&full(b"elst", 0, flags, &[1, duration, 0, 0x1_0000])])
        });
        let head = full(b"mdhd", 0, 0, &[0, 0, 1000, 0, 0]);
        let media = boxed(b"mdia", &[&head, &boxed(b"minf", &[&table])]);
        let track = full(b"tkhd", 0, 1, &[0, 0, id, 0, self.duration]);
        boxed(b"trak", &[&track, &references, &edits, &media])
    }
}

fn file(tracks: &[Spec<'_>]) -> Vec<u8> {
    let head = |data_at: u32| {
        let mut at = data_at;
        let mut moov = Vec::new();
        for track in tracks {
            moov.extend(track.track(at));
            at += track.samples.iter().map(|sample| sample.len() as u32).sum::<u32>();
        }
        [boxed(b"ftyp", &[b"avis\0\0\0\0avifavismsf1"]), boxed(b"moov", &[&moov])].concat()
    };
    let data: Vec<u8> = tracks.iter().flat_map(|track| track.samples.concat()).collect();
    let data_at = head(0).len() as u32 + 8;
    [head(data_at), boxed(b"mdat", &[&data])].concat()
}

const PLAIN: Spec<'_> = Spec {
    samples: &[],
    times: &[1, 40],
    per_chunk: 1,
    duration: 0,
    edit: None,
    is_alpha: false,
    is_multiplied: false,
};

fn open(bytes: &[u8]) -> Result<(Header, Animation<'_>), CodecError> {
    let limits = Limits::default();
    let header = probe(bytes, &limits)?;
    let animation = crate::decode_animation(bytes, &header, &limits, &Budget::new(32 << 20))?;
    Ok((header, animation))
}

/// The first pixel of every frame.
fn colors(bytes: &[u8]) -> Vec<[u8; 4]> {
    let pixel = |frame: Result<Frame, CodecError>| frame.unwrap().picture.pixel(0, 0).unwrap();
    open(bytes).unwrap().1.map(pixel).collect()
}

fn is_close(got: &[[u8; 4]], want: &[[u8; 4]]) -> bool {
    let near = |a: &[u8; 4], b: &[u8; 4]| a.iter().zip(b).all(|(a, &b)| a.abs_diff(b) <= 3);
    got.len() == want.len() && got.iter().zip(want).all(|(a, b)| near(a, b))
}

const SHOWN: [[u8; 4]; 3] = [[200, 40, 40, 255], [40, 200, 40, 255], [40, 40, 200, 255]];

fn opaque() -> Vec<Vec<u8>> {
    SHOWN.iter().map(|&color| bitstreams(color).0).collect()
}

#[test]
fn samples_are_found_in_their_chunks_and_shown_for_their_times() {
    let samples = opaque();
    for per_chunk in 1..=3 {
        let bytes = file(&[Spec {
            samples: &samples,
            // The last is shown as long as the one before.
            times: &[1, 40, 1, 50],
            per_chunk,
            ..PLAIN
        }]);
        let (header, animation) = open(&bytes).unwrap();
        assert_eq!((header.size, header.frames, header.frames_area), (SIZE, 3, 384));
        assert_eq!((header.has_alpha, header.orientation), (false, Orientation::Rotate270));
        assert_eq!(header.profile, ColorProfile::Srgb);
        assert!(animation.color.is_srgb());
        let shown: Vec<u128> = animation.map(|frame| frame.unwrap().duration.as_millis()).collect();
        assert_eq!(shown, [40, 50, 50]);
        assert!(is_close(&colors(&bytes), &SHOWN), "{:?}", colors(&bytes));
    }
}

#[test]
fn edit_lists_say_how_often_it_is_played() {
    let samples = opaque();
    let times = |n| Loops::Times(NonZeroU32::new(n).unwrap());
    for (duration, edit, loops) in [
        (72, None, Loops::Forever),
        (72, Some((0, 72)), Loops::ONCE),
        (u32::MAX, Some((1, 72)), Loops::Forever),
        (72, Some((1, 72)), Loops::ONCE),
        (216, Some((1, 72)), times(3)),
        // The last run is cut short.
        (217, Some((1, 72)), times(4)),
        (72, Some((1, 0)), Loops::ONCE),
    ] {
        let bytes = file(&[Spec {
            samples: &samples,
            duration,
            edit,
            ..PLAIN
        }]);
        assert_eq!(open(&bytes).unwrap().1.loops, loops, "{duration} {edit:?}");
    }
}

#[test]
fn alpha_comes_from_its_track_and_is_divided_out_where_it_was_multiplied() {
    let half = [100, 50, 20, 128];
    let (color, alpha) = bitstreams(half);
    let (color, alpha) = ([color.clone(), color], [alpha.clone().unwrap(), alpha.unwrap()]);
    for (is_multiplied, shown) in [(false, half), (true, [199, 100, 40, 128])] {
        let tracks = |alphas| {
            let color = Spec {
                samples: &color,
                is_multiplied,
                ..PLAIN
            };
            let alpha = Spec {
                samples: alphas,
                is_alpha: true,
                per_chunk: 2,
                ..PLAIN
            };
            file(&[color, alpha])
        };
        let bytes = tracks(&alpha);
        assert!(open(&bytes).unwrap().0.has_alpha);
        let got = colors(&bytes);
        let near = |a: u8, b: u8| a.abs_diff(b) <= 6;
        assert!(
            got.len() == 2
                && got
                    .iter()
                    .all(|pixel| pixel.iter().zip(shown).all(|(&a, b)| near(a, b))),
            "{got:?}"
        );
        // A frame without its alpha is not whole.
        assert_eq!(colors(&tracks(&alpha[..1])).len(), 1);
    }
}

#[test]
fn the_first_frame_is_the_still_picture_and_later_damage_ends_the_animation() {
    let mut samples = opaque();
    let whole = file(&[Spec {
        samples: &samples,
        ..PLAIN
    }]);
    let header = probe(&whole, &Limits::default()).unwrap();
    let (limits, budget) = (Limits::default(), Budget::new(32 << 20));
    let still = decode(&whole, &header, &DecodeRequest::default(), &limits, &budget).unwrap();
    let first = open(&whole).unwrap().1.next().unwrap().unwrap();
    assert_eq!(still.picture.data(), first.picture.data());
    assert_eq!(
        budget.held(),
        still.picture.data().len() as u64,
        "only the picture is still charged"
    );
    // Cut within the last sample, and within the first.
    let counts = [1, samples[2].len() + 1, samples[2].len() + samples[1].len() + 1].map(|cut| {
        let cut = &whole[..whole.len() - cut];
        probe(cut, &limits).map(|header| (header.frames, colors(cut).len()))
    });
    assert_eq!(counts[..2], [Ok((2, 2)), Ok((1, 1))]);
    assert!(counts[2].is_err());
    samples[1].fill(0xff);
    let damaged = file(&[Spec {
        samples: &samples,
        ..PLAIN
    }]);
    assert!(is_close(&colors(&damaged), &SHOWN[..1]));
    samples[0].fill(0xff);
    let damaged = file(&[Spec {
        samples: &samples,
        ..PLAIN
    }]);
    assert!(matches!(open(&damaged).map(|_| ()), Err(CodecError::Corrupt { .. })));
}

#[test]
fn claims_of_more_than_there_is_are_bounded() {
    let samples = opaque();
    let mut bytes = file(&[Spec {
        samples: &samples,
        ..PLAIN
    }]);
    // All samples of one byte, and four billion of them in the first chunk.
    let table = |bytes: &[u8], name: &[u8; 4]| bytes.windows(4).position(|window| window == name).unwrap() + 8;
    let at = table(&bytes, b"stsz");
    bytes[at..at + 8].copy_from_slice(&[0, 0, 0, 1, 255, 255, 255, 255]);
    let at = table(&bytes, b"stsc") + 8;
    bytes[at..at + 4].fill(255);
    let header = probe(&bytes, &Limits::default()).unwrap();
    let there: usize = samples.iter().map(Vec::len).sum();
    assert_eq!(header.frames as usize, there);
    let few = Limits {
        frames_max: 100,
        ..Limits::default()
    };
    let header = probe(&bytes, &few).unwrap();
    assert_eq!(
        crate::decode_animation(&bytes, &header, &few, &Budget::unlimited()).unwrap_err(),
        CodecError::limit("the number of frames", 101, 100)
    );
    let budget = Budget::new(1 << 20);
    let whole = file(&[Spec {
        samples: &samples,
        ..PLAIN
    }]);
    let header = probe(&whole, &few).unwrap();
    let refused = crate::decode_animation(&whole, &header, &few, &budget).unwrap_err();
    assert!(matches!(refused, CodecError::Limit { .. }) && budget.peak() == 0);
}
