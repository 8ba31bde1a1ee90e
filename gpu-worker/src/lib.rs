//! Renders export jobs with ffmpeg, for people (`render`) and for queues (`serve`).

pub mod render;
pub mod serve;
