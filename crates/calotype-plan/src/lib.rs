//! What to do with an image, as a value.
//!
//! Four front doors say what to do with an image: the URL (`w=400,fit=cover`), the options object (`cf.image`, variants), the hosted delivery URL
//! and the binding's operation list. Each is parsed here, at the edge, into one [`Plan`]: an ordered list of typed [operations](Op) and an
//! [output description](Output). This crate holds that value, the grammars that produce it, the integer geometry that settles every size before a
//! pixel is touched, its one canonical print and key, its cost, and the [faults](Fault) that the wire protocol knows.
//!
//! It does no I/O, knows no clock and no async, and compiles to WebAssembly: the playground previews with the very code that the server runs.
//!
//! Behaviour follows the reference's documentation; where that is silent the choice is written beside the code.

mod canonical;
mod color;
mod cost;
mod decimal;
mod fault;
mod format;
mod geometry;
mod hints;
mod layout;
mod limits;
mod negotiate;
mod op;
mod options;
mod path;
mod signed_url;
mod turn;
mod warning;

pub use canonical::PlanKey;
pub use color::Color;
pub use cost::{Cost, SourceFacts, decode_scale};
pub use decimal::Decimal;
pub use fault::{Fault, FaultKind};
pub use format::ImageFormat;
pub use geometry::{Orientation, Rect, Size, rdiv, rhu};
pub use hints::{ClientHints, DeviceKind};
pub use layout::{
    AnimationVerdict, Canvas, FaceBox, FaceRegion, Findings, Fitted, Focal, Layout, LayoutStep, Models, Window,
    inference_size, segment_model_missing,
};
pub use limits::{Inputs, Light, Limits};
pub use negotiate::{AcceptedFormats, FormatDecision, OutputFormat, Rendition};
pub use op::{
    Background, BorderWidths, ColorTrim, Composite, Draw, DrawSource, Edge, FaceCrop, Fit, Flip, Font, FormatChoice,
    Gravity, GravityMode, Length, Metadata, Offset, Op, Output, Plan, Quality, Repeat, Resize, Rotate, Text, TrimBox,
    Upscale,
};
pub use options::{BindingForm, BindingLayer, BindingPlan, Door, Options, OutputFields, Planned};
pub use path::{SourceRef, TransformPath};
pub use signed_url::{SignatureFault, Signed, sign_url, signature, signed_message, verify_url};
pub use turn::Turn;
pub use warning::Warning;
