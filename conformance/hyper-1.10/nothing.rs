//! The test is all there is.
