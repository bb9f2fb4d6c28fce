//! Resampling: rows of samples in, rows of another picture size out.
//!
//! A [`Resampler`] takes the rows of a source from top to bottom and gives every row of the result as soon as the rows it is made of have come. It holds
//! as many rows as its filter looks at, never the picture.
//!
//! - The vertical pass comes first, over the last rows; the horizontal one over the single row that it makes. Between them a sample has 7 bits more than
//!   its 8, and it is rounded to 8 once, at the end.
//! - Each axis has its own filter, and may be enlarged while the other is reduced.
//! - Samples outside the source do not exist: at an edge the weights of those that do exist make up the whole.
//! - The result depends on the input alone. The vector kernels equal the portable ones bit for bit, and the weights are made from the arithmetic that
//!   IEEE 754 defines exactly.

#![deny(unsafe_code)]

mod cache;
mod curve;
mod deepen;
mod finish;
mod kernel;
mod near;
mod plan;
mod resampler;
mod sine;
mod spec;
mod store;
mod weights;

pub use kernel::Kernel;
pub use resampler::{Resampler, resample};
pub use spec::{Axis, Channels, Filter, Levels, Light, SIDE_MAX, Spec, SpecError};
