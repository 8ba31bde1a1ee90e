//! JSON that this service writes and reads back itself, releases later.
//!
//! Invariant: each form has a golden file in `tests/stored/golden`. What a release has stored is read by
//! every later one.

pub mod upload;
