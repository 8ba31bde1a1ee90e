//! The shapes on the wire, one file per conversation; serde's renames live here and nowhere else.

pub mod gpu;
pub mod job;
