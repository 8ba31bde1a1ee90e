//! A position on the source's timeline.

/// A moment of the source, in frames of its nominal rate. A fraction lies between two frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FramePosition {
    /// Seconds from the start of the source, times `fps`.
    pub frame: f64,
    /// The nominal rate in frames per second: the one that the source keeps where it loses no frame; above 0.
    pub fps: f64,
}

impl FramePosition {
    /// Seconds from the start of the source.
    pub fn seconds(self) -> f64 {
        self.frame / self.fps
    }

    /// The number of the frame that is shown at this moment.
    pub fn number(self) -> f64 {
        self.frame.floor()
    }
}
