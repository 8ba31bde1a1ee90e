//! Reads JSON bodies and collects every error with its place.

#[cfg(feature = "describe")]
pub mod description;
pub mod field_error;
pub mod members;
pub mod reader;
pub mod suggest;
pub mod unique;
