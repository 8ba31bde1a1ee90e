//! The commands of the `gpu-worker` program, one file each.

pub mod attempt;
pub mod render;
pub mod serve;
