//! Everything that knows the command lines of ffmpeg and ffprobe: one file for each kind of run.
//!
//! [`args`] holds what all of them share, the limits on what ffmpeg may open above all; [`color`] holds
//! every option about colour; [`encode`] chooses the video encoder.
//!
//! Invariant: it knows no edits, timelines or jobs, only files, times and sizes; of the crate it imports
//! nothing but `media`'s frame rates and colour maps.

mod args;
pub mod audio;
pub mod color;
pub mod decode;
pub mod drawtext;
pub mod encode;
mod error;
pub mod poster;
pub mod probe;
pub mod process;

pub use error::FfmpegError;
