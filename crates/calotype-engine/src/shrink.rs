//! A source that is decoded and resampled in one go, row by row (docs/design/streaming.md).

use calotype_codec::{
    Budget, Chroma, CodecError, ColorSource, DecodeRequest, Header, Layout, Picture, Range, Reservation, Row, RowSink,
    Samples, SourceMetadata, StreamLayout, StreamPlane, YccPicture, stream,
};
use calotype_plan::{Fault, Light, Limits, Rect, Size, Turn};
use calotype_resample::{Axis, Channels, Levels, Resampler, Spec};

use crate::error::{fault, internal};
use crate::job::Job;
use crate::orient::{Area, TurnPixels, turn_plane};
use crate::resample::{Window, kernel_light};

/// A source whose pixels nobody has looked at.
#[derive(Debug)]
pub(crate) struct Coded<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) header: &'a Header,
    pub(crate) limits: &'a Limits,
    pub(crate) request: DecodeRequest,
    /// The job whose answer the picture becomes, if it is not an overlay.
    pub(crate) answer: Option<&'a Job<'a>>,
}

/// What is wanted of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    /// The part that counts, in stored pixels.
    pub(crate) cut: Rect,
    /// What makes the part upright.
    pub(crate) turn: Turn,
    /// A box of the upright part.
    pub(crate) area: Area,
    /// The size that the box becomes.
    pub(crate) size: Size,
    /// The planes that an encoder takes as they are, if nothing has to be done to the pixels any more.
    pub(crate) planes: Option<(Chroma, Range)>,
}

/// The upright result.
#[derive(Debug)]
pub(crate) enum Shrunk {
    Planes(YccPicture),
    Picture(Picture),
}

/// The result and what came with it.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) pixels: Shrunk,
    /// How the samples become sRGB; planes are sRGB.
    pub(crate) color: ColorSource,
    pub(crate) metadata: SourceMetadata,
}

/// Decodes and resamples. `None` if this source has to be decoded whole.
pub(crate) fn shrink(coded: &Coded<'_>, target: &Target, budget: &Budget) -> Result<Option<Arrived>, Fault> {
    let mut sink = Sink {
        target,
        light: coded.limits.light,
        budget,
        state: None,
    };
    let Coded {
        bytes,
        header,
        limits,
        request,
        ..
    } = coded;
    let Some(streamed) = stream(bytes, header, request, limits, budget, &mut sink).map_err(fault)? else {
        return Ok(None);
    };
    let state = sink.state.ok_or_else(|| internal("a stream without a beginning"))?;
    let pixels = match state.planes {
        Some((chroma, range)) => Shrunk::Planes(state.into_ycc(target, chroma, range, budget)?),
        None if state.samples.channels() == 1 => {
            let (samples, stored) = (state.samples, state.stored);
            let (planes, _held) = state.into_planes()?;
            let picture = if samples == Samples::Ycc {
                let held = budget.reserve(0).map_err(fault)?;
                let planes = three(planes)?;
                YccPicture::from_reserved(stored, Chroma::Full, Range::Full, planes, held)
                    .and_then(|picture| picture.into_rgb(budget))
            } else {
                streamed.join(samples, stored, &planes, budget)
            };
            Shrunk::Picture(target.turn.pixels(picture.map_err(fault)?, budget)?)
        }
        None => {
            let (layout, stored) = match state.samples {
                Samples::Rgba => (Layout::Rgba, state.stored),
                _ => (Layout::Rgb, state.stored),
            };
            let (mut planes, held) = state.into_planes()?;
            let data = planes.pop().unwrap_or_default();
            let picture = Picture::from_reserved(stored, layout, data, held).map_err(fault)?;
            Shrunk::Picture(target.turn.pixels(picture, budget)?)
        }
    };
    Ok(Some(Arrived {
        pixels,
        color: streamed.color,
        metadata: streamed.metadata,
    }))
}

fn three(planes: Vec<Vec<u8>>) -> Result<[Vec<u8>; 3], Fault> {
    planes
        .try_into()
        .map_err(|planes: Vec<_>| internal(format!("{} planes where three were expected", planes.len())))
}

/// Takes the rows.
struct Sink<'t> {
    target: &'t Target,
    light: Light,
    budget: &'t Budget,
    state: Option<State>,
}

impl RowSink for Sink<'_> {
    fn begin(&mut self, layout: &StreamLayout) -> Result<(), CodecError> {
        // What came before counts for nothing, and gives its memory back first.
        self.state = None;
        self.state = Some(State::new(layout, self.target, self.light, self.budget)?);
        Ok(())
    }

    fn row(&mut self, plane: usize, row: Row<'_>) -> Result<(), CodecError> {
        if let Some(plane) = self.state.as_mut().and_then(|state| state.planes_out.get_mut(plane)) {
            plane.take(row);
        }
        Ok(())
    }
}

/// The planes on their way.
struct State {
    samples: Samples,
    /// The planes that come out of it, if they go to the encoder as they are.
    planes: Option<(Chroma, Range)>,
    /// The size of the result before it is turned.
    stored: Size,
    planes_out: Vec<Plane>,
    /// For the results.
    held: Reservation,
}

impl State {
    fn new(layout: &StreamLayout, target: &Target, light: Light, budget: &Budget) -> Result<Self, CodecError> {
        let samples = layout.samples;
        let planes = target
            .planes
            .filter(|_| layout.is_srgb && matches!(samples, Samples::Ycc | Samples::YccLimited | Samples::Gray))
            // What has limited range keeps it.
            .map(|(chroma, range)| {
                (
                    chroma,
                    if samples == Samples::YccLimited {
                        Range::Limited
                    } else {
                        range
                    },
                )
            });
        let channels = match samples {
            Samples::Rgb => Channels::Three,
            Samples::Rgba => Channels::Alpha,
            _ => Channels::One,
        };
        let mut specs = Vec::with_capacity(layout.planes.len());
        let (mut working_bytes, mut result_bytes) = (0u64, 0u64);
        for (index, plane) in layout.planes.iter().enumerate() {
            let (chroma, range) = planes.unwrap_or((Chroma::Full, Range::Full));
            let halved = index > 0 && chroma == Chroma::Half;
            let levels = match (range, index) {
                _ if samples == Samples::YccLimited => Levels::Full,
                (Range::Full, _) => Levels::Full,
                (Range::Limited, 0) => Levels::LimitedLuma,
                (Range::Limited, _) => Levels::LimitedChroma,
            };
            let (window, [horizontal, vertical]) = axes(plane, target, halved);
            let spec = Spec {
                horizontal,
                vertical,
                channels,
                levels,
                light: kernel_light(light),
            };
            let length = u64::from(horizontal.output) * u64::from(vertical.output) * channels.count() as u64;
            working_bytes = working_bytes.saturating_add(if layout.is_deep {
                Resampler::working_bytes_deep(&spec)
            } else {
                Resampler::working_bytes(&spec)
            });
            result_bytes = result_bytes.saturating_add(length);
            specs.push((spec, window, length));
        }
        let working = budget.reserve(working_bytes)?;
        let held = budget.reserve(result_bytes)?;
        let mut working = Some(working);
        let planes_out = specs
            .into_iter()
            .map(|(spec, window, length)| {
                let resampler = if layout.is_deep {
                    Resampler::deep
                } else {
                    Resampler::new
                };
                let resampler =
                    resampler(&spec).map_err(|_| CodecError::corrupt("its planes do not cover the picture"))?;
                Ok(Plane {
                    resampler,
                    window,
                    channels: channels.count(),
                    next: 0,
                    length: usize::try_from(length).unwrap_or(usize::MAX),
                    out: Vec::with_capacity(usize::try_from(length).unwrap_or(0)),
                    _working: working.take(),
                })
            })
            .collect::<Result<_, CodecError>>()?;
        Ok(Self {
            samples,
            planes,
            stored: target.turn.apply(target.size),
            planes_out,
            held,
        })
    }

    /// The results, whole.
    fn into_planes(self) -> Result<(Vec<Vec<u8>>, Reservation), Fault> {
        let planes = self
            .planes_out
            .into_iter()
            .map(|plane| {
                if plane.out.len() == plane.length {
                    Ok(plane.out)
                } else {
                    Err(internal(format!(
                        "{} of {} samples came",
                        plane.out.len(),
                        plane.length
                    )))
                }
            })
            .collect::<Result<_, Fault>>()?;
        Ok((planes, self.held))
    }

    /// The results as planes, upright.
    fn into_ycc(self, target: &Target, chroma: Chroma, range: Range, budget: &Budget) -> Result<YccPicture, Fault> {
        let (is_gray, stored) = (self.samples == Samples::Gray, self.stored);
        let (mut planes, held) = self.into_planes()?;
        if is_gray {
            let length = usize::try_from(chroma.plane_size(stored).area()).unwrap_or(0);
            let _more = budget.reserve(2 * length as u64).map_err(fault)?;
            planes.extend([vec![128; length], vec![128; length]]);
        }
        let mut planes = three(planes)?;
        if !target.turn.is_none() {
            for (index, plane) in planes.iter_mut().enumerate() {
                let size = if index == 0 { stored } else { chroma.plane_size(stored) };
                let _copy = budget.reserve(plane.len() as u64).map_err(fault)?;
                *plane = turn_plane(target.turn, size, std::mem::take(plane));
            }
        }
        YccPicture::from_reserved(target.size, chroma, range, planes, held).map_err(fault)
    }
}

/// One plane on its way.
struct Plane {
    resampler: Resampler,
    /// The samples that exist for it.
    window: Window,
    /// Samples of a pixel.
    channels: usize,
    /// The row that comes next.
    next: u32,
    /// Samples of the result.
    length: usize,
    out: Vec<u8>,
    /// For all resamplers together, with the first.
    _working: Option<Reservation>,
}

impl Plane {
    fn take(&mut self, row: Row<'_>) {
        let y = self.next;
        self.next += 1;
        let window = self.window;
        if y < window.top || y - window.top >= window.height || self.resampler.is_complete() {
            return;
        }
        let columns = window.left as usize * self.channels..(window.left + window.width) as usize * self.channels;
        let Self { resampler, out, .. } = self;
        let mut keep = |row: &[u8]| out.extend_from_slice(row);
        match row {
            Row::Eight(row) => resampler.push(row.get(columns).unwrap_or_default(), &mut keep),
            Row::Deep(row, bits) => resampler.push_deep(row.get(columns).unwrap_or_default(), bits, &mut keep),
        }
    }
}

/// What of a plane is looked at, and how it becomes the result: columns and rows.
fn axes(plane: &StreamPlane, target: &Target, halved: bool) -> (Window, [Axis; 2]) {
    // Halved planes have a column and a row more than half where the picture is odd, and these stand for pixels beyond it.
    let (size, area) = if halved {
        let half = Chroma::Half.plane_size(target.size);
        let stretch = |length: f64, half: u32, side: u32| length * f64::from(half) * 2.0 / f64::from(side);
        let area = Area {
            width: stretch(target.area.width, half.width, target.size.width),
            height: stretch(target.area.height, half.height, target.size.height),
            ..target.area
        };
        (half, area)
    } else {
        (target.size, target.area)
    };
    let area = target.turn.undo_area(area, target.cut.size());
    let (x, y) = plane.per_pixel;
    let on_plane = |area: Area| Area {
        left: area.left * x,
        top: area.top * y,
        width: area.width * x,
        height: area.height * y,
    };
    let (left, top) = (f64::from(target.cut.left), f64::from(target.cut.top));
    let view = Area {
        left,
        top,
        width: f64::from(target.cut.width),
        height: f64::from(target.cut.height),
    };
    let window = Window::around(on_plane(view), plane.size);
    let area = on_plane(Area {
        left: left + area.left,
        top: top + area.top,
        ..area
    });
    let size = target.turn.apply(size);
    let horizontal = Axis::part(window.width, area.left - f64::from(window.left), area.width, size.width);
    let vertical = Axis::part(
        window.height,
        area.top - f64::from(window.top),
        area.height,
        size.height,
    );
    (window, [horizontal, vertical])
}
