//! JSON bodies, read with every error at once.

pub mod field_error;
pub mod reader;
pub mod suggest;
