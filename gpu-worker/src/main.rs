//! Renders export jobs with ffmpeg.
fn main() {}
