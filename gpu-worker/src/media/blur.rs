//! Gaussian blurs with the bytes that OpenCV gives: its kernels, its rounding, its mirrored
//! borders (reflect 101).
//!
//! Written by hand because no crate does it: libblur mirrors the border differently (up to 29
//! levels off there) and takes minutes to build optimised; imageproc repeats the border pixel.
//! The 8-bit blur works in OpenCV's fixed point: weights in 256ths, so that sums fit 16 bits.

use rayon::prelude::*;
use reel_core::edit::PixelRect;

use super::frame::{CHANNELS, Frame};

/// The blurred background: a 51x51 kernel, for which OpenCV's sigma is 8.
const REACH: u32 = 25;
const SIGMA: f64 = 8.0;

/// The soft edge of a mask: a 21x21 kernel, for which OpenCV's sigma is 3.5.
pub const FEATHER_REACH: u32 = 10;
const FEATHER_SIGMA: f64 = 3.5;

/// Bytes that are summed up together; the buffers' rows are a multiple of it.
const LANES: usize = 32;

/// The blurred part of a frame; its buffers are reused for the next one.
#[derive(Clone, Debug)]
pub struct GaussianBlur {
    view: PixelRect,
    stride: usize,
    bytes: Vec<u8>,
    /// The 16-bit sums of the horizontal pass, their upper and lower bytes apart.
    upper: Vec<u8>,
    lower: Vec<u8>,
    weights: Vec<u16>,
}

impl GaussianBlur {
    pub fn new() -> Self {
        let view = PixelRect { x: 0, y: 0, width: 0, height: 0 };
        let (bytes, upper, lower) = (Vec::new(), Vec::new(), Vec::new());
        Self { view, stride: 0, bytes, upper, lower, weights: weights() }
    }

    /// Blurs the part of `frame` inside `view`. Around the view only what the kernel reaches is
    /// read, and mirroring happens at the frame's borders, so every view gives the same bytes.
    pub fn apply(&mut self, frame: &Frame, view: PixelRect) {
        let height = frame.size().height;
        let first = view.y.saturating_sub(REACH);
        let last = (view.y + view.height + REACH).min(height);
        let stride = (view.width as usize * CHANNELS).next_multiple_of(LANES);
        (self.view, self.stride) = (view, stride);
        self.bytes.resize(view.height as usize * stride, 0);
        self.upper.resize((last - first) as usize * stride, 0);
        self.lower.resize((last - first) as usize * stride, 0);

        let weights = &self.weights;
        let sums = self.upper.par_chunks_exact_mut(stride).zip(self.lower.par_chunks_exact_mut(stride));
        sums.zip(first..last).for_each_init(Vec::new, |padded, ((upper, lower), y)| {
            pad(frame, y, view, stride, padded);
            let taps = KernelRows::gather(weights, |by| {
                let start = usize::try_from(i64::from(REACH) + by).unwrap_or(0) * CHANNELS;
                padded.get(start..start + stride).unwrap_or_default()
            });
            let blocks = upper.as_chunks_mut().0.iter_mut().zip(lower.as_chunks_mut().0);
            for (index, (upper, lower)) in blocks.enumerate() {
                let sums: [u16; LANES] = taps.sums(index);
                *upper = sums.map(|sum| sum.to_be_bytes()[0]);
                *lower = sums.map(|sum| sum.to_be_bytes()[1]);
            }
        });

        let (upper, lower) = (&self.upper, &self.lower);
        let rows = self.bytes.par_chunks_exact_mut(stride).zip(view.y..view.y + view.height);
        rows.for_each(|(row, y)| {
            let start = |by: i64| (reflect_101(i64::from(y) + by, height) - first) as usize * stride;
            let upper = KernelRows::gather(weights, |by| {
                upper.get(start(by)..start(by) + stride).unwrap_or_default()
            });
            let lower = KernelRows::gather(weights, |by| {
                lower.get(start(by)..start(by) + stride).unwrap_or_default()
            });
            for (index, block) in row.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                let sums = upper.sums(index).into_iter().zip(lower.sums(index));
                for (byte, (upper, lower)) in block.iter_mut().zip(sums) {
                    // (256 * upper + lower + half) / 65536; white gives 65408 here, so it fits.
                    *byte = upper.wrapping_add(lower >> 8).wrapping_add(128).to_be_bytes()[0];
                }
            }
        });
    }

    /// The blurred bytes of row `y`, from the view's first column on.
    pub fn row(&self, y: u32) -> &[u8] {
        let start = y.saturating_sub(self.view.y) as usize * self.stride;
        self.bytes.get(start..start + self.view.width as usize * CHANNELS).unwrap_or_default()
    }
}

/// The rows under the kernel's weights; equal weights on both sides share a multiplication.
struct KernelRows<'r> {
    center: (u16, &'r [[u8; LANES]]),
    sides: Vec<KernelPair<'r>>,
}

/// Two rows at equal distance from the centre.
struct KernelPair<'r> {
    weight: u16,
    before: &'r [[u8; LANES]],
    after: &'r [[u8; LANES]],
}

impl<'r> KernelRows<'r> {
    /// `row(by)` is the row that lies `by` steps off the centre.
    fn gather(weights: &[u16], row: impl Fn(i64) -> &'r [u8]) -> Self {
        let blocks = |by| row(by).as_chunks::<LANES>().0;
        let center = (weights.first().copied().unwrap_or(0), blocks(0));
        let sides = (0_i64..).zip(weights).skip(1).filter(|(_, weight)| **weight > 0);
        let side = |(by, weight): (i64, &u16)| KernelPair {
            weight: *weight,
            before: blocks(-by),
            after: blocks(by),
        };
        Self { center, sides: sides.map(side).collect() }
    }

    /// Weighted sums of one block. They cannot overflow: the weights add up to 256.
    fn sums(&self, block: usize) -> [u16; LANES] {
        let (weight, center) = self.center;
        let center = center.get(block).copied().unwrap_or([0; LANES]);
        let mut sums = center.map(|byte| u16::from(byte).wrapping_mul(weight));
        for KernelPair { weight, before, after } in &self.sides {
            let (Some(before), Some(after)) = (before.get(block), after.get(block)) else { continue };
            for ((sum, before), after) in sums.iter_mut().zip(before).zip(after) {
                let both = u16::from(*before).wrapping_add(u16::from(*after));
                *sum = sum.wrapping_add(both.wrapping_mul(*weight));
            }
        }
        sums
    }
}

/// Feathers a mask of rows of `width` values, mirrored at its borders.
pub fn feather_mask(mask: &mut [f32], width: u32) {
    let kernel = kernel(FEATHER_REACH, FEATHER_SIGMA);
    #[allow(clippy::cast_possible_truncation, reason = "OpenCV blurs a float mask with float weights")]
    let kernel: Vec<f32> = kernel.into_iter().map(|weight| weight as f32).collect();
    let Some(height) = mask.len().checked_div(width as usize).and_then(|height| u32::try_from(height).ok())
    else {
        return;
    };
    let stride = width as usize;
    let reach = i64::from(FEATHER_REACH);
    let mut across = vec![0.0_f32; mask.len()];
    across.par_chunks_exact_mut(stride.max(1)).zip(mask.par_chunks_exact(stride.max(1))).for_each_init(
        Vec::new,
        |padded, (out, row)| {
            let columns = -reach..i64::from(width) + reach;
            padded.clear();
            padded.extend(columns.map(|x| row.get(reflect_101(x, width) as usize).copied().unwrap_or(0.0)));
            for (by, weight) in kernel.iter().enumerate() {
                accumulate(out, padded.get(by..).unwrap_or_default(), *weight);
            }
        },
    );
    mask.par_chunks_exact_mut(stride.max(1)).zip(0..height).for_each(|(out, y)| {
        out.fill(0.0);
        for (by, weight) in (-reach..).zip(&kernel) {
            let start = reflect_101(i64::from(y) + by, height) as usize * stride;
            accumulate(out, across.get(start..).unwrap_or_default(), *weight);
        }
    });
}

fn accumulate(sums: &mut [f32], values: &[f32], weight: f32) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value * weight;
    }
}

/// One row of the view with what the kernel reaches on both sides, mirrored at the border.
fn pad(frame: &Frame, y: u32, view: PixelRect, stride: usize, padded: &mut Vec<u8>) {
    let width = frame.size().width;
    let row = frame.window(PixelRect { x: 0, y, width, height: 1 });
    let at = |x: i64| {
        row.get(reflect_101(x, width) as usize * CHANNELS..).and_then(|rest| rest.first_chunk::<CHANNELS>())
    };
    let (left, right) = (i64::from(view.x) - i64::from(REACH), i64::from(view.x + view.width + REACH));
    let inner = left.max(0)..right.min(i64::from(width));
    let bytes = |x: i64| usize::try_from(x).unwrap_or(0) * CHANNELS;
    padded.clear();
    padded.extend((left..inner.start).filter_map(at).flatten());
    padded.extend_from_slice(row.get(bytes(inner.start)..bytes(inner.end)).unwrap_or_default());
    padded.extend((inner.end..right).filter_map(at).flatten());
    // Rows are a multiple of the lanes; what is summed up beyond the view is never read.
    padded.resize(stride + 2 * REACH as usize * CHANNELS, 0);
}

/// `gfedcb|abcdefgh|gfedcba`
fn reflect_101(index: i64, length: u32) -> u32 {
    let last = i64::from(length) - 1;
    if last <= 0 {
        return 0;
    }
    let along = index.rem_euclid(2 * last);
    u32::try_from(along.min(2 * last - along)).unwrap_or(0)
}

/// The normed Gaussian from `-reach` to `reach`.
fn kernel(reach: u32, sigma: f64) -> Vec<f64> {
    let reach = i32::try_from(reach).unwrap_or(0);
    let bell: Vec<f64> = (-reach..=reach).map(|x| (-0.5 * (f64::from(x) / sigma).powi(2)).exp()).collect();
    let sum: f64 = bell.iter().sum();
    bell.into_iter().map(|weight| weight / sum).collect()
}

/// The background's kernel in 256ths from the centre outwards, as OpenCV quantises it: from the
/// end inwards each weight takes over the rounding error before it, and the centre the rest.
fn weights() -> Vec<u16> {
    let mut error = 0.0;
    let mut side: Vec<u16> = Vec::new();
    for weight in kernel(REACH, SIGMA).into_iter().take(REACH as usize) {
        let exact = weight * 256.0 + error;
        let whole = exact.round_ties_even();
        error = exact - whole;
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number from 0 to 13"
        )]
        side.push(whole as u16);
    }
    let center = 256 - 2 * side.iter().sum::<u16>();
    side.push(center);
    side.reverse();
    side
}

#[cfg(test)]
mod tests {
    use reel_core::edit::FrameSize;

    use super::*;

    #[test]
    fn the_kernel_is_opencvs() {
        // Read off `cv2.GaussianBlur` of a single white pixel's row.
        assert_eq!(
            weights(),
            [12, 13, 12, 12, 12, 10, 10, 9, 7, 7, 6, 5, 4, 3, 3, 2, 2, 2, 1, 0, 1, 0, 1, 0, 0, 0]
        );
    }

    #[test]
    fn a_blurred_picture_is_opencvs_to_the_byte() {
        let size = FrameSize { width: 160, height: 120 };
        let mut frame = Frame::black(size);
        for (index, byte) in frame.bytes_mut().iter_mut().enumerate() {
            let (x, y, c) = (index / 3 % 160, index / 3 / 160, index % 3);
            let value = x * 7 + y * 13 + c * 29 + x * y / 5 + (x / 9 + y / 7) % 3 * 61;
            *byte = u8::try_from(value % 256).expect("a byte");
        }
        let mut blurred = GaussianBlur::new();
        blurred.apply(&frame, frame.bounds());
        for ((x, y), expected) in BLURRED {
            assert_eq!(&blurred.row(*y)[x * 3..x * 3 + 3], expected, "{x},{y}");
        }
    }

    #[test]
    fn borders_are_mirrored_without_repeating_the_edge() {
        let indices: Vec<u32> = (-3..7).map(|i| reflect_101(i, 4)).collect();
        assert_eq!(indices, [3, 2, 1, 0, 1, 2, 3, 2, 1, 0]);
        assert_eq!(reflect_101(-100, 1), 0);
    }

    /// `cv2.GaussianBlur(frame, (51, 51), 0)` of opencv-python-headless 5.0: corners, borders
    /// and ten pixels inside, blue, green, red.
    #[rustfmt::skip]
    const BLURRED: &[((usize, u32), [u8; 3])] = &[
        ((0, 0), [118, 127, 125]),
        ((159, 0), [132, 130, 127]),
        ((0, 119), [126, 128, 128]),
        ((159, 119), [128, 128, 128]),
        ((80, 0), [133, 129, 125]),
        ((0, 60), [137, 134, 129]),
        ((159, 60), [128, 129, 130]),
        ((80, 119), [131, 130, 128]),
        ((60, 75), [135, 131, 123]),
        ((139, 16), [127, 128, 128]),
        ((94, 117), [128, 128, 126]),
        ((154, 60), [128, 129, 130]),
        ((148, 8), [129, 130, 129]),
        ((155, 1), [132, 131, 129]),
        ((120, 33), [129, 127, 128]),
        ((141, 29), [127, 126, 126]),
        ((49, 91), [131, 134, 134]),
        ((120, 69), [126, 127, 128]),
    ];
}
