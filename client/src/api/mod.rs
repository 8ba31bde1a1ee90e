//! The calls of the API, one method each, with the JSON that they send and read.
//!
//! Invariant: only the core is imported here. No file is read and no bytes of a video are sent.

pub(crate) mod capability_url;
pub(crate) mod client;
pub(crate) mod error;
pub(crate) mod job;
pub(crate) mod message;
pub(crate) mod problem;
pub(crate) mod retry;

pub(crate) mod uploads;
