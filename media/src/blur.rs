//! Gaussian blurs that give what OpenCV gives, within two levels, at its mirrored borders (reflect 101).
//!
//! The background is blurred so widely that little of its detail is left, so that it is computed on a
//! smaller picture: a plane is reduced by a narrow bell, blurred there, and interpolated. The three
//! steps' variances add up to the wanted one. The smaller picture's grid is that of the whole frame, so
//! that every view gives the same bytes.

use rayon::prelude::*;
use reel_core::edit::PixelRect;

use super::frame::{Frame, Plane};
use super::simd::vectorized;

/// Variance in pixels of `cv2.GaussianBlur(frame, (51, 51), 0)`: sigma 8, cut off and in 256ths.
const VARIANCE: f64 = 62.9;
/// Pixels of the smaller picture on each side of the kernel's centre.
const REACH: i32 = 6;

/// The soft edge of a mask: a 21x21 kernel, for which OpenCV's sigma is 3.5.
pub const FEATHER_REACH: u32 = 10;
const FEATHER_SIGMA: f64 = 3.5;

/// The blurred part of a frame; its buffers are reused for the next one.
#[derive(Clone, Debug)]
pub struct GaussianBlur {
    planes: [BlurredPlane; 3],
}

impl GaussianBlur {
    pub fn new() -> Self {
        let half = || BlurredPlane::new(Reduction::Half, VARIANCE / 4.0);
        Self { planes: [BlurredPlane::new(Reduction::Quarter, VARIANCE), half(), half()] }
    }

    /// Blurs the part of `frame` inside `view`, whose upper left corner is even.
    pub fn apply(&mut self, frame: &Frame, view: PixelRect) {
        let half = PixelRect {
            x: view.x / 2,
            y: view.y / 2,
            width: view.width.div_ceil(2),
            height: view.height.div_ceil(2),
        };
        for ((blurred, plane), view) in self.planes.iter_mut().zip(frame.planes()).zip([view, half, half]) {
            blurred.update(plane, view);
        }
    }

    /// The blurred samples of row `y` of a plane, from the view's first column on.
    pub fn row<'b>(&self, plane: usize, y: u32, buffers: &'b mut RowBuffers) -> &'b [u8] {
        self.planes.get(plane).map_or(&[], |plane| plane.row(y, buffers))
    }
}

/// What [`GaussianBlur::row`] writes to; one for each thread.
#[derive(Debug, Default)]
pub struct RowBuffers {
    small: Vec<u16>,
    row: Vec<u8>,
}

/// How much smaller the picture is that is blurred.
#[derive(Clone, Copy, Debug)]
enum Reduction {
    Half,
    Quarter,
}

impl Reduction {
    fn factor(self) -> i32 {
        match self {
            Self::Half => 2,
            Self::Quarter => 4,
        }
    }

    /// The bell that each sample of the smaller picture is weighed with; a quarter is half of a half.
    fn taps(self) -> &'static [u16] {
        match self {
            Self::Half => &[1, 3, 3, 1],
            Self::Quarter => &[1, 3, 6, 10, 12, 12, 10, 6, 3, 1],
        }
    }

    /// Variance of the bell and of the interpolation, in samples.
    fn variance(self) -> f64 {
        match self {
            Self::Half => 0.75 + 4.0 / 6.0,
            Self::Quarter => 3.75 + 16.0 / 6.0,
        }
    }
}

/// A plane, blurred and smaller.
#[derive(Clone, Debug)]
struct BlurredPlane {
    reduction: Reduction,
    kernel: Vec<f32>,
    view: PixelRect,
    /// The first column and row that are kept, on the smaller grid.
    first: (i32, i32),
    width: usize,
    /// Blurred across.
    across: Vec<f32>,
    /// Blurred, in 32nds.
    values: Vec<u16>,
}

impl BlurredPlane {
    fn new(reduction: Reduction, variance: f64) -> Self {
        let sigma = (variance - reduction.variance()).sqrt() / f64::from(reduction.factor());
        let view = PixelRect { x: 0, y: 0, width: 0, height: 0 };
        let kernel = kernel(REACH, sigma);
        Self { reduction, kernel, view, first: (0, 0), width: 0, across: Vec::new(), values: Vec::new() }
    }

    fn update(&mut self, plane: Plane<'_>, view: PixelRect) {
        let (left, width) = self.grid(view.x, view.width);
        let (top, height) = self.grid(view.y, view.height);
        (self.view, self.first, self.width) = (view, (left, top), width);
        let rows = height + 2 * index(REACH);
        self.across.resize(rows * width, 0.0);
        self.values.resize(height * width, 0);
        let (kernel, reduction) = (self.kernel.as_slice(), self.reduction);
        let across = self.across.par_chunks_exact_mut(width.max(1)).enumerate();
        across.with_min_len(8).for_each_init(ReductionBuffers::default, |buffers, (row, out)| {
            let y = top - REACH + signed_index(row);
            buffers.reduce(plane, reduction, y, left - REACH, width + 2 * index(REACH));
            vectorized(|| {
                out.fill(0.0);
                for (by, weight) in kernel.iter().enumerate() {
                    accumulate(out, buffers.reduced.get(by..).unwrap_or_default(), *weight);
                }
            });
        });
        let across = self.across.as_slice();
        let values = self.values.par_chunks_exact_mut(width.max(1)).enumerate();
        values.with_min_len(8).for_each_init(Vec::new, |sums, (y, out)| {
            vectorized(|| {
                sums.clear();
                sums.resize(width, 0.5_f32);
                for (by, weight) in kernel.iter().enumerate() {
                    accumulate(sums, across.get((y + by) * width..).unwrap_or_default(), weight * 32.0);
                }
                for (out, sum) in out.iter_mut().zip(sums.iter()) {
                    *out = to_u16(*sum);
                }
            });
        });
    }

    /// The first of the small samples between which `length` samples from `start` lie, and their count.
    fn grid(&self, start: u32, length: u32) -> (i32, usize) {
        let factor = self.reduction.factor();
        let before = |at: u32| (signed(at) - factor / 2).div_euclid(factor);
        let first = before(start);
        let last = before((start + length).saturating_sub(1)) + 1;
        (first, index(last - first + 1))
    }

    /// Interpolates a row of the view.
    fn row<'b>(&self, y: u32, buffers: &'b mut RowBuffers) -> &'b [u8] {
        let factor = self.reduction.factor();
        let (step, eighths) = (index(factor), u16::try_from(8 / factor).unwrap_or(1));
        // A sample lies (2 * phase + 1) / (2 * factor) after the small one before it.
        let share = |phase: usize| eighths * u16::try_from(phase).unwrap_or(0) + eighths / 2;
        let from_center = signed(y) - factor / 2;
        let start = index(from_center.div_euclid(factor) - self.first.1) * self.width;
        let below = share(index(from_center.rem_euclid(factor)));
        let row = |at: usize| self.values.get(at..at + self.width).unwrap_or_default();
        let (upper, lower) = (row(start), row(start + self.width));
        let RowBuffers { small, row } = buffers;
        small.resize(self.width, 0);
        row.resize(self.width.saturating_sub(1) * step, 0);
        vectorized(|| {
            for (out, (upper, lower)) in small.iter_mut().zip(upper.iter().zip(lower)) {
                *out = mix_eighths(*upper, *lower, below).wrapping_add(4) >> 3;
            }
        });
        let pairs = small.iter().zip(small.get(1..).unwrap_or_default());
        match self.reduction {
            Reduction::Half => vectorized(|| interpolate(row.as_chunks_mut::<2>().0, pairs, [2, 6])),
            Reduction::Quarter => vectorized(|| interpolate(row.as_chunks_mut::<4>().0, pairs, [1, 3, 5, 7])),
        }
        let hidden = index(signed(self.view.x) - factor / 2 - self.first.0 * factor);
        row.get(hidden..hidden + self.view.width as usize).unwrap_or_default()
    }
}

/// What is needed to reduce one row.
#[derive(Debug, Default)]
struct ReductionBuffers {
    sums: Vec<u16>,
    reduced: Vec<f32>,
}

impl ReductionBuffers {
    /// Reduces the plane's samples around row `y` of the smaller grid, from column `left` of it on.
    fn reduce(&mut self, plane: Plane<'_>, reduction: Reduction, y: i32, left: i32, columns: usize) {
        let (factor, taps) = (reduction.factor(), reduction.taps());
        let before = (signed(u32::try_from(taps.len()).unwrap_or(0)) - factor) / 2;
        let (first, end) = (left * factor - before, (left + signed_index(columns)) * factor + before);
        let inner = first.max(0)..end.min(signed(plane.width)).max(first.max(0));
        let Self { sums, reduced } = self;
        sums.clear();
        sums.resize(index(end - first), 0);
        let columns_inside = index(inner.start)..index(inner.end);
        if let Some(sums) = sums.get_mut(index(inner.start - first)..index(inner.end - first)) {
            for (row, tap) in (y * factor - before..).zip(taps) {
                let row = plane.row(reflect_101(row, plane.height));
                let row = row.get(columns_inside.clone()).unwrap_or_default();
                vectorized(|| {
                    for (sum, sample) in sums.iter_mut().zip(row) {
                        *sum = sum.wrapping_add(u16::from(*sample).wrapping_mul(*tap));
                    }
                });
            }
        }
        for x in (first..inner.start).chain(inner.end..end) {
            let mirrored = index(signed(reflect_101(x, plane.width)) - first);
            let value = sums.get(mirrored).copied().unwrap_or(0);
            if let Some(sum) = sums.get_mut(index(x - first)) {
                *sum = value;
            }
        }
        let whole: u16 = taps.iter().sum();
        let scale = 1.0 / (f32::from(whole) * f32::from(whole));
        reduced.clear();
        reduced.extend(sums.windows(taps.len()).step_by(index(factor)).map(|window| {
            let sum: u32 = window.iter().zip(taps).map(|(sum, tap)| u32::from(*sum) * u32::from(*tap)).sum();
            #[allow(clippy::cast_precision_loss, reason = "below 2^21")]
            let sum = sum as f32;
            sum * scale
        }));
    }
}

/// `N` samples between each two neighbours, whose values are in 32nds.
#[allow(clippy::inline_always, reason = "see `vectorized`")]
#[inline(always)]
fn interpolate<'v, const N: usize>(
    out: &mut [[u8; N]],
    pairs: impl Iterator<Item = (&'v u16, &'v u16)>,
    shares: [u16; N],
) {
    for (out, (left, right)) in out.iter_mut().zip(pairs) {
        *out = shares.map(|share| mix_eighths(*left, *right, share).wrapping_add(128).to_be_bytes()[0]);
    }
}

/// `share` eighths of `b` and the rest of `a`; white in 32nds is 8160, so it fits.
#[allow(clippy::inline_always, reason = "see `vectorized`")]
#[inline(always)]
fn mix_eighths(a: u16, b: u16, share: u16) -> u16 {
    a.wrapping_mul(8_u16.wrapping_sub(share)).wrapping_add(b.wrapping_mul(share))
}

/// Feathers a mask of rows of `width` values, mirrored at its borders.
pub fn feather_mask(mask: &mut [f32], width: u32) {
    let reach = signed(FEATHER_REACH);
    let kernel = kernel(reach, FEATHER_SIGMA);
    let Some(height) = mask.len().checked_div(width as usize).and_then(|height| u32::try_from(height).ok())
    else {
        return;
    };
    let stride = width as usize;
    let mut across = vec![0.0_f32; mask.len()];
    let rows = across.par_chunks_exact_mut(stride.max(1)).zip(mask.par_chunks_exact(stride.max(1)));
    rows.with_min_len(8).for_each_init(Vec::new, |padded, (out, row)| {
        let columns = -reach..signed(width) + reach;
        padded.clear();
        padded.extend(columns.map(|x| row.get(reflect_101(x, width) as usize).copied().unwrap_or(0.0)));
        vectorized(|| {
            for (by, weight) in kernel.iter().enumerate() {
                accumulate(out, padded.get(by..).unwrap_or_default(), *weight);
            }
        });
    });
    mask.par_chunks_exact_mut(stride.max(1)).zip(0..height).with_min_len(8).for_each(|(out, y)| {
        vectorized(|| {
            out.fill(0.0);
            for (by, weight) in (-reach..).zip(&kernel) {
                let start = reflect_101(signed(y) + by, height) as usize * stride;
                accumulate(out, across.get(start..).unwrap_or_default(), *weight);
            }
        });
    });
}

#[allow(clippy::inline_always, reason = "see `vectorized`")]
#[inline(always)]
fn accumulate(sums: &mut [f32], values: &[f32], weight: f32) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value * weight;
    }
}

/// `gfedcb|abcdefgh|gfedcba`
fn reflect_101(index: i32, length: u32) -> u32 {
    let last = signed(length) - 1;
    if last <= 0 {
        return 0;
    }
    let along = index.rem_euclid(2 * last);
    u32::try_from(along.min(2 * last - along)).unwrap_or(0)
}

/// The normed Gaussian from `-reach` to `reach`.
fn kernel(reach: i32, sigma: f64) -> Vec<f32> {
    let bell: Vec<f64> = (-reach..=reach).map(|x| (-0.5 * (f64::from(x) / sigma).powi(2)).exp()).collect();
    let sum: f64 = bell.iter().sum();
    #[allow(clippy::cast_possible_truncation, reason = "a weight below 1")]
    bell.into_iter().map(|weight| (weight / sum) as f32).collect()
}

fn to_u16(value: f32) -> u16 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    {
        value as u16
    }
}

/// A side of a frame; it is far below 2^31.
fn signed(side: u32) -> i32 {
    i32::try_from(side).unwrap_or(i32::MAX)
}

fn signed_index(index: usize) -> i32 {
    i32::try_from(index).unwrap_or(i32::MAX)
}

/// A difference that is not negative.
fn index(difference: i32) -> usize {
    usize::try_from(difference).unwrap_or(0)
}

#[cfg(test)]
mod tests;
