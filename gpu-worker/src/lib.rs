//! Renders export jobs with ffmpeg.
//!
//! Folders are layers; each imports only those to its right, and `tests/layers.rs` holds that:
//! `cli` (of the binary) → `emulator` → `attempt` → `render` → `ffmpeg` → `media`.

pub mod attempt;
pub mod emulator;
mod ffmpeg;
mod media;
pub mod render;
