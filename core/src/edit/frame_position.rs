//! A place on the source's time line.

/// One picture of the source: between whole numbers for one that motion interpolation made.
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
