//! Every decision of the export job API, and nothing else.
//!
//! Invariant: this crate never awaits, never reads a clock, never draws a random number and
//! touches no IO. Time and chance come in as arguments; what must be done goes out as data.

pub mod edit;
pub mod fault;
pub mod id;
pub mod job;
pub mod time;
pub mod wire;
