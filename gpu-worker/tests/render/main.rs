//! Real renders with real ffmpeg, on videos that are made to be checked and on the sample.

#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "counts of a few hundred frames and samples"
)]

mod clips;
mod colors;
mod endings;
mod fit;
mod framing;
mod inputs;
mod outputs;
mod overlay;
mod posters;
mod scrubbing;
mod speed;
mod test_videos;
