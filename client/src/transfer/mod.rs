//! Sending videos to the storage, in one request or in parts, and downloading results from it.
//!
//! Invariants: a file is streamed and never held in memory; a presigned URL is never sent the API key, because the
//! storage would take it for a second signature.

mod download;
pub(crate) mod file;
mod parts;
mod progress;
mod put;
pub(crate) mod upload;
