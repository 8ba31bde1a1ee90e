//! Raw frames: 8-bit 4:2:0 in three planes, BT.709 in limited range, as ffmpeg's `yuv420p` is laid out.
//!
//! Invariant: a frame's buffer always fits its size. The planes lie one after the other without padding:
//! light, then blue and red difference at half the sides, rounded up. A colour sample lies at the left
//! column of its two and between its two rows.

use std::sync::{Mutex, PoisonError};

use reel_core::edit::{FrameSize, PixelRect};

/// Black in the light plane.
pub const BLACK: u8 = 16;
/// A colour plane's value for grey.
pub const NEUTRAL: u8 = 128;

/// One frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    size: FrameSize,
    bytes: Vec<u8>,
}

/// A plane of a frame: rows of `width` bytes.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'f> {
    /// Samples in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Row after row.
    pub bytes: &'f [u8],
}

/// A plane of a frame that can be written.
#[derive(Debug)]
pub struct PlaneMut<'f> {
    /// Samples in a row.
    pub width: u32,
    /// Row after row.
    pub bytes: &'f mut [u8],
}

impl Frame {
    /// A black frame.
    pub fn black(size: FrameSize) -> Self {
        let (luma, chroma) = (samples(size), samples(chroma_size(size)));
        let mut bytes = vec![BLACK; luma];
        bytes.resize(luma + 2 * chroma, NEUTRAL);
        Self { size, bytes }
    }

    /// Its size in pixels.
    pub fn size(&self) -> FrameSize {
        self.size
    }

    /// All planes, one after the other.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// As [`Frame::bytes`], to be written.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// Light, blue difference, red difference.
    pub fn planes(&self) -> [Plane<'_>; 3] {
        let half = chroma_size(self.size);
        let (luma, chroma) = self.bytes.split_at(samples(self.size));
        let (blue, red) = chroma.split_at(samples(half));
        let plane = |size: FrameSize, bytes| Plane { width: size.width, height: size.height, bytes };
        [plane(self.size, luma), plane(half, blue), plane(half, red)]
    }

    /// As [`Frame::planes`], to be written.
    pub fn planes_mut(&mut self) -> [PlaneMut<'_>; 3] {
        let half = chroma_size(self.size);
        let (luma, chroma) = self.bytes.split_at_mut(samples(self.size));
        let (blue, red) = chroma.split_at_mut(samples(half));
        [(self.size, luma), (half, blue), (half, red)]
            .map(|(size, bytes)| PlaneMut { width: size.width, bytes })
    }

    /// The whole frame as a rectangle.
    pub fn bounds(&self) -> PixelRect {
        PixelRect { x: 0, y: 0, width: self.size.width, height: self.size.height }
    }
}

impl<'f> Plane<'f> {
    /// Row `y`; empty below the plane.
    pub fn row(&self, y: u32) -> &'f [u8] {
        let start = y as usize * self.width as usize;
        self.bytes.get(start..start + self.width as usize).unwrap_or_default()
    }
}

/// The size of a frame's colour planes.
pub fn chroma_size(FrameSize { width, height }: FrameSize) -> FrameSize {
    FrameSize { width: width.div_ceil(2), height: height.div_ceil(2) }
}

fn samples(FrameSize { width, height }: FrameSize) -> usize {
    width as usize * height as usize
}

/// Reusable buffers of one size. The channels between the threads bound how many are in use.
#[derive(Debug)]
pub struct FramePool {
    size: FrameSize,
    free: Mutex<Vec<Frame>>,
}

impl FramePool {
    /// An empty pool of frames of this size.
    pub fn new(size: FrameSize) -> Self {
        Self { size, free: Mutex::default() }
    }

    /// The size of its frames.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_are_laid_out_as_in_ffmpeg() {
        for ((width, height), bytes) in [((4, 2), 8 + 2 * 2), ((5, 3), 15 + 2 * 6), ((1, 1), 3)] {
            let mut frame = Frame::black(FrameSize { width, height });
            assert_eq!(frame.bytes().len(), bytes, "{width}x{height}");
            assert!(frame.planes()[0].bytes.iter().all(|byte| *byte == 16));
            assert!(frame.planes()[1..].iter().all(|plane| plane.bytes.iter().all(|byte| *byte == 128)));
            frame.planes_mut()[2].bytes[0] = 7;
            assert_eq!(frame.bytes()[bytes - frame.planes()[2].bytes.len()], 7);
        }
    }
}
