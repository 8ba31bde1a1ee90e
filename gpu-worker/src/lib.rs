//! Renders export jobs with ffmpeg.
//!
//! Folders are layers; each imports only those to its right, and `tests/layers.rs` holds that:
//! `cli` (of the binary) → `emulator` → `attempt` → `render` → `ffmpeg`. Below them is `reel-media`, a crate of
//! its own: what is computed on frames.

pub mod attempt;
pub mod emulator;
mod ffmpeg;
pub mod render;
