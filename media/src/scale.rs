//! Scaling a part of a frame to a part of the picture: light with OpenCV's Lanczos kernel, colour with Catmull-Rom.
//!
//! Enlarging weighs the same 8 pixels in each direction as OpenCV does; reducing widens the kernel, where
//! OpenCV would skip pixels and flicker. Colour samples keep their place between the pixels: a crop that
//! starts at an odd pixel starts in the middle of a colour sample.

use std::sync::OnceLock;

use fast_image_resize::images::{TypedCroppedImage, TypedCroppedImageMut, TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8;
use fast_image_resize::{Filter, FilterType, ResizeAlg, ResizeOptions, Resizer};
use rayon::prelude::*;
use reel_core::edit::PixelRect;
use thiserror::Error;

use super::frame::{BLACK, Frame, NEUTRAL, Plane, PlaneMut};

/// Half of Lanczos' pixels in each direction: colour has no detail that the other half would bring out.
const CHROMA_FILTER: FilterType = FilterType::CatmullRom;

/// Why a frame could not be scaled.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("The frame could not be scaled: {0}.")]
pub struct ScaleError(String);

/// Scales frame after frame; one resizer per band of rows, so that all cores work.
pub struct Scaler {
    bands: Vec<Resizer>,
    lanczos: FilterType,
    /// A colour plane's part, with its edge repeated around it.
    padded: Vec<u8>,
}

/// A part of a plane, in samples and fractions of them.
#[derive(Clone, Copy, Debug)]
struct CropBox {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Scaler {
    /// A scaler for all cores; an error would be a bug.
    pub fn new() -> Result<Self, ScaleError> {
        let lanczos = Filter::new("lanczos4", lanczos4, 4.0).map_err(failed)?;
        let bands = (0..rayon::current_num_threads().max(1)).map(|_| Resizer::new()).collect();
        Ok(Self { bands, lanczos: FilterType::Custom(lanczos), padded: Vec::new() })
    }

    /// Fills `target` in `to` with what `view` shows of `from`; the aspect is not kept. What lies outside
    /// of `target` becomes black. Both rectangles must lie inside their frames.
    pub fn scale(
        &mut self,
        from: &Frame,
        view: PixelRect,
        to: &mut Frame,
        target: PixelRect,
    ) -> Result<(), ScaleError> {
        let whole = to.bounds();
        let [mut luma, blue, red] = to.planes_mut();
        if target != whole {
            fill_outside(&mut luma, target, BLACK);
        }
        let [from_luma, from_blue, from_red] = from.planes();
        let source = TypedImageRef::<U8>::from_buffer(from_luma.width, from_luma.height, from_luma.bytes);
        let source = source.map_err(failed)?;
        // Cropped before scaling: the kernel must not read beyond the crop.
        let source =
            TypedCroppedImage::from_ref(&source, view.x, view.y, view.width, view.height).map_err(failed)?;
        let crop =
            CropBox { left: 0.0, top: 0.0, width: f64::from(view.width), height: f64::from(view.height) };
        self.scale_plane(&source, crop, self.lanczos, &mut luma, target)?;

        let half_target = halved(target);
        for (from, mut to) in [(from_blue, blue), (from_red, red)] {
            if target != whole {
                fill_outside(&mut to, half_target, NEUTRAL);
            }
            let mut padded = std::mem::take(&mut self.padded);
            let (size, crop) = pad_chroma(from, view, target, &mut padded);
            let source = TypedImageRef::<U8>::from_buffer(size.0, size.1, &padded).map_err(failed)?;
            self.scale_plane(&source, crop, CHROMA_FILTER, &mut to, half_target)?;
            self.padded = padded;
        }
        Ok(())
    }

    fn scale_plane(
        &mut self,
        from: &impl fast_image_resize::ImageView<Pixel = U8>,
        crop: CropBox,
        filter: FilterType,
        to: &mut PlaneMut<'_>,
        target: PixelRect,
    ) -> Result<(), ScaleError> {
        let count = u32::try_from(self.bands.len()).unwrap_or(1);
        let rows = target.height.div_ceil(count).max(1);
        let stride = to.width as usize;
        let shown = target.y as usize * stride..(target.y + target.height) as usize * stride;
        let shown = to.bytes.get_mut(shown).unwrap_or_default();
        let algorithm = ResizeAlg::Convolution(filter);
        // Multiplied before divided: the last band then ends exactly at the view's edge, and not a
        // rounding error behind it, which the resizer refuses.
        let row = |of: u32| crop.top + f64::from(of) * crop.height / f64::from(target.height);
        let bands = shown.par_chunks_mut((rows as usize * stride).max(1)).zip(&mut self.bands).enumerate();
        bands.try_for_each(|(index, (bytes, resizer))| {
            let first = u32::try_from(index).unwrap_or(0) * rows;
            let rows = u32::try_from(bytes.len() / stride).unwrap_or(0);
            let mut band = TypedImage::<U8>::from_buffer(to.width, rows, bytes).map_err(failed)?;
            let mut band =
                TypedCroppedImageMut::from_ref(&mut band, target.x, 0, target.width, rows).map_err(failed)?;
            let (top, bottom) = (row(first), row(first + rows));
            let options =
                ResizeOptions::new().resize_alg(algorithm).crop(crop.left, top, crop.width, bottom - top);
            resizer.resize_typed(from, &mut band, &options).map_err(failed)
        })
    }
}

/// The colour samples that a rectangle of pixels touches.
fn halved(rect: PixelRect) -> PixelRect {
    let (x, y) = (rect.x / 2, rect.y / 2);
    let (right, bottom) = ((rect.x + rect.width).div_ceil(2), (rect.y + rect.height).div_ceil(2));
    PixelRect { x, y, width: right - x, height: bottom - y }
}

/// Copies the colour samples of `view` with enough repeats of their edge around them; returns the size of
/// the copy, and which part of it the colour samples of `target` show.
fn pad_chroma(
    from: Plane<'_>,
    view: PixelRect,
    target: PixelRect,
    padded: &mut Vec<u8>,
) -> ((u32, u32), CropBox) {
    let (samples, shown) = (halved(view), halved(target));
    let step = |from: u32, to: u32| f64::from(from) / f64::from(to.max(1));
    let (across, down) = (step(view.width, target.width), step(view.height, target.height));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most a frame's side")]
    let [margin_x, margin_y] = [across, down].map(|step| step.ceil() as u32 + 1);
    let size = (samples.width + 2 * margin_x, samples.height + 2 * margin_y);
    padded.clear();
    padded.reserve(size.0 as usize * size.1 as usize);
    for y in 0..size.1 {
        let row = samples.y + y.saturating_sub(margin_y).min(samples.height - 1);
        let row = from.row(row).get(samples.x as usize..(samples.x + samples.width) as usize);
        let row = row.unwrap_or_default();
        let edge = |sample: Option<&u8>| sample.copied().unwrap_or(NEUTRAL);
        padded.resize(padded.len() + margin_x as usize, edge(row.first()));
        padded.extend_from_slice(row);
        padded.resize(padded.len() + margin_x as usize, edge(row.last()));
    }
    // A sample lies at the left of its two columns, 0.5 from the pixel's edge, and in the middle of its rows.
    let left = f64::from(view.x) + (2.0 * f64::from(shown.x) - 0.5 - f64::from(target.x)) * across + 0.5;
    let top = f64::from(view.y) + (2.0 * f64::from(shown.y) - f64::from(target.y)) * down;
    let crop = CropBox {
        left: left / 2.0 - f64::from(samples.x) + f64::from(margin_x),
        top: top / 2.0 - f64::from(samples.y) + f64::from(margin_y),
        width: f64::from(shown.width) * across,
        height: f64::from(shown.height) * down,
    };
    (size, crop)
}

/// Fills what lies outside of `target`.
fn fill_outside(plane: &mut PlaneMut<'_>, target: PixelRect, value: u8) {
    let rows = target.y..target.y + target.height;
    for (y, row) in (0..).zip(plane.bytes.chunks_exact_mut((plane.width as usize).max(1))) {
        if rows.contains(&y) {
            let (left, right) = (target.x as usize, (target.x + target.width) as usize);
            row.get_mut(..left).unwrap_or_default().fill(value);
            row.get_mut(right..).unwrap_or_default().fill(value);
        } else {
            row.fill(value);
        }
    }
}

fn failed(error: impl std::fmt::Display) -> ScaleError {
    ScaleError(error.to_string())
}

/// The sinc function, windowed by one four times as wide.
///
/// It is read off a table: the resizer asks for the weights of every column and row with every frame, and
/// two sines each time would cost as much as the scaling.
fn lanczos4(x: f64) -> f64 {
    const STEPS: f64 = 1024.0;
    static TABLE: OnceLock<Vec<f64>> = OnceLock::new();
    let table =
        TABLE.get_or_init(|| (0..=4096).map(|step| exact_lanczos4(f64::from(step) / STEPS)).collect());
    let at = x.abs() * STEPS;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    let step = at as usize;
    match (table.get(step), table.get(step + 1)) {
        (Some(before), Some(after)) => before + (after - before) * at.fract(),
        _ => 0.0,
    }
}

fn exact_lanczos4(x: f64) -> f64 {
    if x >= 4.0 { 0.0 } else { sinc(x) * sinc(x / 4.0) }
}

fn sinc(x: f64) -> f64 {
    let x = x * std::f64::consts::PI;
    if x == 0.0 { 1.0 } else { x.sin() / x }
}

#[cfg(test)]
mod tests;
