//! Frames and what is computed on them: effects, masks, blur, scaling, frame rates; clocks; titles.
//!
//! Invariant: no I/O but for the machine's fonts, and no processes; nothing here knows of ffmpeg, jobs or timelines.

pub mod blend;
mod blur;
pub mod clock;
pub mod effects;
mod ellipse;
pub mod frame;
pub mod frame_rate;
mod lut;
mod mask;
pub mod scale;
pub mod title;
