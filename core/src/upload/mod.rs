//! Multipart uploads: how a file is divided, what may happen to an upload, and what must then be done.
//!
//! The shell's whole part is `step = apply(upload, event, now)`, one commit, and running `step.effects`.
//!
//! Invariant: storage outranks the record. The record says which parts are confirmed; only an object of
//! the declared size makes an upload complete.

pub mod effect;
pub mod event;
mod layout;
mod state;
pub mod step;

pub use layout::{PART_MAX_COUNT, PartLayout};
pub use state::{ConfirmedPart, Upload, UploadRecord, UploadState};
