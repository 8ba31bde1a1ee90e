//! Raw pictures: packed 8-bit blue, green, red, rows without gaps.

use std::sync::{Mutex, PoisonError};

use reel_core::edit::FrameSize;
use reel_core::edit::PixelRect;

/// Bytes of a pixel.
pub(super) const CHANNELS: usize = 3;

/// One picture; its buffer always fits its size.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Picture {
    size: FrameSize,
    bytes: Vec<u8>,
}

impl Picture {
    /// A black picture.
    pub(super) fn black(size: FrameSize) -> Self {
        Self { size, bytes: vec![0; size.width as usize * size.height as usize * CHANNELS] }
    }

    pub(super) fn size(&self) -> FrameSize {
        self.size
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Bytes from one row to the next.
    pub(super) fn stride(&self) -> usize {
        self.size.width as usize * CHANNELS
    }

    /// The whole picture as a rectangle.
    pub(super) fn bounds(&self) -> PixelRect {
        PixelRect { x: 0, y: 0, width: self.size.width, height: self.size.height }
    }

    /// The bytes from the rectangle's first pixel to its last, with what lies between its rows.
    pub(super) fn window(&self, rect: PixelRect) -> &[u8] {
        let start = rect.y as usize * self.stride() + rect.x as usize * CHANNELS;
        self.bytes.get(start..).unwrap_or_default()
    }
}

/// Buffers of one size, used again and again; how many are on their way is bounded by the
/// channels between the threads.
#[derive(Debug)]
pub(super) struct Pool {
    size: FrameSize,
    free: Mutex<Vec<Picture>>,
}

impl Pool {
    pub(super) fn new(size: FrameSize) -> Self {
        Self { size, free: Mutex::default() }
    }

    pub(super) fn size(&self) -> FrameSize {
        self.size
    }

    /// A picture with anything in it.
    pub(super) fn take(&self) -> Picture {
        let used = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        used.unwrap_or_else(|| Picture::black(self.size))
    }

    /// Forgets the pictures that nobody uses.
    pub(super) fn empty(&self) {
        self.free.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Takes a picture back; one of another size is dropped.
    pub(super) fn give(&self, picture: Picture) {
        if picture.size == self.size {
            self.free.lock().unwrap_or_else(PoisonError::into_inner).push(picture);
        }
    }
}
