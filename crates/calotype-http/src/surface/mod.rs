//! The surfaces, one module each. They never import one another.

pub(crate) mod api;
pub(crate) mod binding;
pub(crate) mod cf_image;
pub(crate) mod delivery;
pub(crate) mod ops;
pub(crate) mod playground;
pub(crate) mod site;
pub(crate) mod upload;
pub(crate) mod url;
