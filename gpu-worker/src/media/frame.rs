//! Raw frames: packed 8-bit blue, green, red, no padding between rows.

use std::sync::{Mutex, PoisonError};

use reel_core::edit::{FrameSize, PixelRect};

/// Bytes of a pixel.
pub const CHANNELS: usize = 3;

/// One frame; its buffer always fits its size.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    size: FrameSize,
    bytes: Vec<u8>,
}

impl Frame {
    /// A black frame.
    pub fn black(size: FrameSize) -> Self {
        Self { size, bytes: vec![0; size.width as usize * size.height as usize * CHANNELS] }
    }

    pub fn size(&self) -> FrameSize {
        self.size
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Bytes from one row to the next.
    pub fn stride(&self) -> usize {
        self.size.width as usize * CHANNELS
    }

    /// The whole frame as a rectangle.
    pub fn bounds(&self) -> PixelRect {
        PixelRect { x: 0, y: 0, width: self.size.width, height: self.size.height }
    }

    /// The bytes from the rectangle's first pixel to its last, with the bytes between its rows.
    pub fn window(&self, rect: PixelRect) -> &[u8] {
        let start = rect.y as usize * self.stride() + rect.x as usize * CHANNELS;
        self.bytes.get(start..).unwrap_or_default()
    }
}

/// Reusable buffers of one size. The channels between the threads bound how many are in use.
#[derive(Debug)]
pub struct FramePool {
    size: FrameSize,
    free: Mutex<Vec<Frame>>,
}

impl FramePool {
    pub fn new(size: FrameSize) -> Self {
        Self { size, free: Mutex::default() }
    }

    pub fn size(&self) -> FrameSize {
        self.size
    }

    /// A frame with arbitrary content.
    pub fn acquire(&self) -> Frame {
        let used = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        used.unwrap_or_else(|| Frame::black(self.size))
    }

    /// Frees the unused frames.
    pub fn clear(&self) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Returns a frame to the pool; one of another size is dropped.
    pub fn release(&self, frame: Frame) {
        if frame.size == self.size {
            self.free.lock().unwrap_or_else(PoisonError::into_inner).push(frame);
        }
    }
}
