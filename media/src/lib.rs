//! Frames and what is computed on them: effects, masks, blur, scaling, colour maps, frame rates, clocks, titles.
//!
//! Invariant: no I/O but for the machine's fonts, and no processes; nothing here knows of ffmpeg, jobs or timelines.

pub mod blend;
mod blur;
mod boost;
pub mod clock;
pub mod color_map;
pub mod effects;
mod ellipse;
pub mod frame;
pub mod frame_rate;
mod mask;
mod row_pairs;
pub mod scale;
mod simd;
#[cfg(test)]
mod test_picture;
pub mod title;
