//! Every decision of the export job API, and nothing else.
//!
//! Invariant: this crate never awaits, never reads a clock, never draws a random number and
//! touches no IO. Time and chance come in as arguments; what must be done goes out as data.

// A panic ends every request of the isolate: none may be reachable.
#![cfg_attr(
    not(test),
    deny(clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unwrap_used)
)]
// Tests compare floats that were computed to be exact.
#![cfg_attr(test, allow(clippy::float_cmp))]

pub mod auth;
pub mod base;
pub mod config;
pub mod edit;
pub mod http;
pub mod job;
pub mod json;
pub mod objects;
pub mod project;
pub mod s3;
pub mod sql;
pub mod stored;
pub mod upload;
pub mod webhook;
pub mod wire;
