//! The surfaces, one module each. They never import one another.

pub(crate) mod binding;
pub(crate) mod cf_image;
pub(crate) mod ops;
pub(crate) mod playground;
pub(crate) mod site;
pub(crate) mod url;
