//! Which part of the source is left in the end: the cuts of all operations, followed back to the first picture.

use calotype_plan::{Flip, LayoutStep, Op, Rect, Rotate, Size};

use crate::explain::{Frame, Region};

/// Follows a plan and knows, for the picture as it is now, where its pixels come from.
#[derive(Debug)]
pub(crate) struct Tracker {
    /// From a place in the picture now to a place in the source: `source.x = x.0 * now.x + x.1 * now.y + x.2`, and `source.y` alike.
    x: [f64; 3],
    y: [f64; 3],
    region: Region,
    source: Size,
    frame: Option<Frame>,
}

impl Tracker {
    pub(crate) fn new(source: Size) -> Self {
        let region = Region {
            left: 0.0,
            top: 0.0,
            width: f64::from(source.width),
            height: f64::from(source.height),
        };
        Self {
            x: [1.0, 0.0, 0.0],
            y: [0.0, 1.0, 0.0],
            region,
            source,
            frame: None,
        }
    }

    /// The part of the source that is left, in its pixels.
    pub(crate) fn region(&self) -> Region {
        self.region
    }

    /// The picture that gravity points refer to, if the plan resizes.
    pub(crate) fn frame(&self) -> Option<Frame> {
        self.frame
    }

    /// Takes one operation into account.
    pub(crate) fn follow(&mut self, op: &Op, step: &LayoutStep) {
        let (width, height) = (f64::from(step.before.width), f64::from(step.before.height));
        if let Some(cut) = step.cut {
            self.cut(cut);
        }
        match op {
            Op::Flip(flip) => {
                let (mirror_x, mirror_y) = match flip {
                    Flip::Horizontal => (true, false),
                    Flip::Vertical => (false, true),
                    Flip::Both => (true, true),
                };
                let x = if mirror_x { [-1.0, 0.0, width] } else { [1.0, 0.0, 0.0] };
                let y = if mirror_y { [0.0, -1.0, height] } else { [0.0, 1.0, 0.0] };
                self.compose(x, y);
            }
            // A clockwise turn: the new left column was the bottom row.
            Op::Rotate(Rotate::Deg90) => self.compose([0.0, 1.0, 0.0], [-1.0, 0.0, height]),
            Op::Rotate(Rotate::Deg180) => self.compose([-1.0, 0.0, width], [0.0, -1.0, height]),
            Op::Rotate(Rotate::Deg270) => self.compose([0.0, -1.0, width], [1.0, 0.0, 0.0]),
            Op::Border(border) => self.compose([1.0, 0.0, -f64::from(border.left)], [0.0, 1.0, -f64::from(border.top)]),
            _ => {}
        }
        if let Some(fitted) = step.fitted {
            self.frame = Some(Frame {
                x: [self.x[0] * width, self.x[1] * height, self.x[2]],
                y: [self.y[0] * width, self.y[1] * height, self.y[2]],
            });
            let scale = |from: u32, to: u32| f64::from(from) / f64::from(to.max(1));
            self.compose(
                [scale(fitted.source.width, fitted.scaled.width), 0.0, 0.0],
                [0.0, scale(fitted.source.height, fitted.scaled.height), 0.0],
            );
            if let Some(crop) = step.crop {
                self.cut(crop);
            }
            if let Some(canvas) = fitted.canvas {
                self.compose([1.0, 0.0, -f64::from(canvas.left)], [0.0, 1.0, -f64::from(canvas.top)]);
            }
        }
    }

    fn cut(&mut self, cut: Rect) {
        self.compose([1.0, 0.0, f64::from(cut.left)], [0.0, 1.0, f64::from(cut.top)]);
        let (ax, ay) = self.place(0.0, 0.0);
        let (bx, by) = self.place(f64::from(cut.width), f64::from(cut.height));
        let clip = |v: f64, dimension: u32| v.clamp(0.0, f64::from(dimension));
        let (left, right) = (clip(ax.min(bx), self.source.width), clip(ax.max(bx), self.source.width));
        let (top, bottom) = (
            clip(ay.min(by), self.source.height),
            clip(ay.max(by), self.source.height),
        );
        self.region = Region {
            left,
            top,
            width: right - left,
            height: bottom - top,
        };
    }

    /// Puts a map from the new picture to the one before in front.
    fn compose(&mut self, x: [f64; 3], y: [f64; 3]) {
        let through = |row: [f64; 3]| {
            [
                row[0] * x[0] + row[1] * y[0],
                row[0] * x[1] + row[1] * y[1],
                row[0] * x[2] + row[1] * y[2] + row[2],
            ]
        };
        (self.x, self.y) = (through(self.x), through(self.y));
    }

    fn place(&self, x: f64, y: f64) -> (f64, f64) {
        (
            self.x[0] * x + self.x[1] * y + self.x[2],
            self.y[0] * x + self.y[1] * y + self.y[2],
        )
    }
}

#[cfg(test)]
mod tests {
    use calotype_plan::{ClientHints, Findings, Layout, Limits, Options, Orientation};

    use super::*;

    fn region(options: &str, size: Size) -> (f64, f64, f64, f64) {
        let limits = Limits::default();
        let plan = Options::parse_url(options, &limits)
            .map(|o| o.plan(&ClientHints::default()).plan)
            .unwrap_or_default();
        let layout = Layout::compute(&plan, size, Orientation::Upright, &Findings::default(), &limits);
        let mut tracker = Tracker::new(size);
        for (op, step) in plan.ops.iter().zip(layout.iter().flat_map(|l| &l.steps)) {
            tracker.follow(op, step);
        }
        let r = tracker.region();
        (r.left, r.top, r.width, r.height)
    }

    #[test]
    fn gravity_points_are_placed_on_the_source() {
        let limits = Limits::default();
        let size = Size::new(200, 100);
        let plan = Options::parse_url("rotate=90,trim=0;0;0;100,w=10", &limits)
            .map(|o| o.plan(&ClientHints::default()).plan)
            .unwrap_or_default();
        let layout = Layout::compute(&plan, size, Orientation::Upright, &Findings::default(), &limits);
        let mut tracker = Tracker::new(size);
        for (op, step) in plan.ops.iter().zip(layout.iter().flat_map(|l| &l.steps)) {
            tracker.follow(op, step);
        }
        // Trimmed to the right half, then turned clockwise: the frame's top left corner is the half's bottom left one, at (100, 100).
        assert_eq!(
            tracker.frame(),
            Some(Frame {
                x: [0.0, 100.0, 100.0],
                y: [-100.0, 0.0, 100.0]
            })
        );
    }

    #[test]
    fn cuts_are_followed_back_through_mirrors_and_turns() {
        let size = Size::new(200, 100);
        assert_eq!(region("flip=v", size), (0.0, 0.0, 200.0, 100.0));
        // Mirrored, the left half of the result is the right half of the source.
        assert_eq!(
            region("flip=h,w=100,h=100,fit=cover,g=left", size),
            (100.0, 0.0, 100.0, 100.0)
        );
        // Turned clockwise, the top of the result is the left of the source.
        assert_eq!(
            region("rotate=90,w=100,h=100,fit=cover,g=top", size),
            (0.0, 0.0, 100.0, 100.0)
        );
        assert_eq!(
            region("rotate=270,w=100,h=100,fit=cover,g=top", size),
            (100.0, 0.0, 100.0, 100.0)
        );
        assert_eq!(
            region("rotate=180,w=50,h=50,fit=cover,g=left", size),
            (100.0, 0.0, 100.0, 100.0)
        );
        assert_eq!(
            region("trim=10;20;30;40,w=70,fit=contain", size),
            (40.0, 10.0, 140.0, 60.0)
        );
        // A canvas and a border take nothing away.
        assert_eq!(
            region("w=300,h=300,fit=pad,border.width=5", size),
            (0.0, 0.0, 200.0, 100.0)
        );
    }
}
