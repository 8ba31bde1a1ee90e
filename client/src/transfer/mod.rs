//! Videos on their way: to the storage in one request or in parts, and from it into a file.
//!
//! Invariants: a file is streamed and never held in memory; a presigned URL is never sent the API key, which the
//! storage would take for a second signature.

mod download;
pub(crate) mod file;
mod parts;
mod progress;
mod put;
pub(crate) mod upload;
