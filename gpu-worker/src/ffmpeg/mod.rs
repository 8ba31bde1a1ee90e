//! Everything that knows the command lines of ffmpeg and ffprobe: one file for each kind of run.
//!
//! [`args`] holds what all of them share, the limits on what ffmpeg may open above all; [`color`] holds
//! every option about colour; [`encode`] chooses the video encoder.
//!
//! Invariant: it knows no edits, timelines or jobs, only files, times and sizes; of the crate it imports
//! nothing but `media`'s clocks, frame rates, colour maps and pictures of titles.

mod args;
pub mod audio;
mod codecs;
pub mod color;
pub mod decode;
pub mod encode;
mod error;
pub mod filmstrip;
pub mod finished;
pub mod loudness;
pub mod nut;
pub mod poster;
pub mod probe;
pub mod process;
mod repair;
mod scan;
pub mod stretch;
mod tempo;
pub mod title;
pub mod tracks;

pub use error::FfmpegError;
