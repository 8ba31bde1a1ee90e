//! A position on the source's timeline.

/// One frame of the source. A fraction stands for a frame that motion interpolation made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FramePosition {
    /// Frame number from the start of the source.
    pub frame: f64,
    /// The source's true rate in frames per second; above 0.
    pub fps: f64,
}

impl FramePosition {
    /// Seconds from the start of the source.
    pub fn seconds(self) -> f64 {
        self.frame / self.fps
    }
}
