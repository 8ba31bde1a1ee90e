//! Real renders with real ffmpeg, on films that are made to be checked and on the sample.

mod ends;
mod framing;
mod inputs;
mod overlay;
mod studio;
