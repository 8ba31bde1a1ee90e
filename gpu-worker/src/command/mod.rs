//! The commands of the `gpu-worker` program, one file each.

pub mod serve;
