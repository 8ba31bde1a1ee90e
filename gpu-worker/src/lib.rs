//! Renders export jobs with ffmpeg.
//!
//! Folders are layers; each imports only those to its right, and `tests/layers.rs` holds that:
//! `cli` (of the binary) → `emulator` → `attempt` → `render` → `ffmpeg` → `media`.

#![allow(clippy::similar_names, reason = "decoder and encoder, mixer and mixed are the words of the field")]

pub mod attempt;
pub mod emulator;
mod ffmpeg;
mod media;
pub mod render;
