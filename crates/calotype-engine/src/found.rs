//! What had to be searched for, kept for the frames that follow.
//!
//! In an animation every search (faces, saliency, the frame of one colour) is made on the first frame alone and its
//! result used for all (spec 9.8), or the picture would jump; overlays do not depend on the frame, and are made once.

use std::rc::Rc;

use calotype_codec::Picture;
use calotype_plan::{FaceBox, Fault, Rect, Window};

use crate::error::internal;

/// The results of all searches of a pass, in their order.
#[derive(Debug, Default)]
pub(crate) struct Found {
    results: Vec<Entry>,
    /// Where a later frame has got to; `None` while the first is looked at.
    replayed: Option<usize>,
}

#[derive(Debug, Clone)]
enum Entry {
    Trim(Option<Rect>),
    Faces(Option<FaceBox>),
    Window(Option<Window>),
    Overlay(Rc<Picture>),
}

impl Found {
    /// Begins the next frame: from here on nothing is searched for.
    pub(crate) fn replay(&mut self) {
        self.replayed = Some(0);
    }

    /// The box of what is not frame.
    pub(crate) fn trim(&mut self, search: impl FnOnce() -> Result<Option<Rect>, Fault>) -> Result<Option<Rect>, Fault> {
        match self.result(|| search().map(Entry::Trim))? {
            Entry::Trim(found) => Ok(found),
            _ => Err(other_order()),
        }
    }

    /// The box around all faces.
    pub(crate) fn faces(
        &mut self,
        search: impl FnOnce() -> Result<Option<FaceBox>, Fault>,
    ) -> Result<Option<FaceBox>, Fault> {
        match self.result(|| search().map(Entry::Faces))? {
            Entry::Faces(found) => Ok(found),
            _ => Err(other_order()),
        }
    }

    /// The position of a cut.
    pub(crate) fn window(
        &mut self,
        search: impl FnOnce() -> Result<Option<Window>, Fault>,
    ) -> Result<Option<Window>, Fault> {
        match self.result(|| search().map(Entry::Window))? {
            Entry::Window(found) => Ok(found),
            _ => Err(other_order()),
        }
    }

    /// A finished overlay.
    pub(crate) fn overlay(&mut self, make: impl FnOnce() -> Result<Picture, Fault>) -> Result<Rc<Picture>, Fault> {
        match self.result(|| make().map(|picture| Entry::Overlay(Rc::new(picture))))? {
            Entry::Overlay(found) => Ok(found),
            _ => Err(other_order()),
        }
    }

    fn result(&mut self, search: impl FnOnce() -> Result<Entry, Fault>) -> Result<Entry, Fault> {
        let Some(next) = &mut self.replayed else {
            let found = search()?;
            self.results.push(found.clone());
            return Ok(found);
        };
        let found = self.results.get(*next).cloned().ok_or_else(other_order)?;
        *next += 1;
        Ok(found)
    }
}

/// All frames have one size, so all take the same way through the operations.
fn other_order() -> Fault {
    internal("a frame of an animation asked for something that its first frame did not")
}
