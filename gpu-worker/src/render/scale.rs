//! Scaling a part of a picture to the size of the reel, with OpenCV's Lanczos kernel.
//!
//! Enlarging weighs the same 8 pixels in each direction as OpenCV does; reducing widens the
//! kernel, where OpenCV would skip pixels and flicker.

use fast_image_resize::images::{TypedCroppedImage, TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{Filter, FilterType, ResizeAlg, ResizeOptions, Resizer};
use rayon::prelude::*;
use reel_core::edit::{PixelRect, Size};

use super::RenderError;
use super::picture::{CHANNELS, Picture};

/// Scales picture after picture; one resizer per band of rows, so that all cores work.
pub(super) struct Scaler {
    bands: Vec<Resizer>,
    lanczos: FilterType,
}

impl Scaler {
    pub(super) fn new() -> Result<Self, RenderError> {
        let lanczos = Filter::new("lanczos4", lanczos4, 4.0)
            .map_err(|error| RenderError::machine(format!("The scaler could not be set up: {error}.")))?;
        let bands = (0..rayon::current_num_threads().max(1)).map(|_| Resizer::new()).collect();
        Ok(Self { bands, lanczos: FilterType::Custom(lanczos) })
    }

    /// Fills `to` with what `view` shows of `from`; the aspect is not kept.
    pub(super) fn scale(
        &mut self,
        from: &Picture,
        view: PixelRect,
        to: &mut Picture,
    ) -> Result<(), RenderError> {
        let Size { width, height } = to.size();
        let whole = TypedImageRef::<U8x3>::from_buffer(from.size().width, from.size().height, from.bytes());
        let whole = whole.map_err(failed)?;
        // A view of its own: the kernel must not reach beyond the crop.
        let shown =
            TypedCroppedImage::from_ref(&whole, view.x, view.y, view.width, view.height).map_err(failed)?;
        let count = u32::try_from(self.bands.len()).unwrap_or(1);
        let rows = height.div_ceil(count).max(1);
        let algorithm = ResizeAlg::Convolution(self.lanczos);
        // Multiplied before divided: the last band then ends exactly at the view's edge, and not a
        // rounding error behind it, which the resizer refuses.
        let row = |of: u32| f64::from(of) * f64::from(view.height) / f64::from(height);
        let stride = width as usize * CHANNELS;
        let bands = to.bytes_mut().par_chunks_mut(rows as usize * stride).zip(&mut self.bands).enumerate();
        bands.try_for_each(|(index, (bytes, resizer))| {
            let first = u32::try_from(index).unwrap_or(0) * rows;
            let rows = u32::try_from(bytes.len() / stride).unwrap_or(0);
            let mut band = TypedImage::<U8x3>::from_buffer(width, rows, bytes).map_err(failed)?;
            let (top, bottom) = (row(first), row(first + rows));
            let options = ResizeOptions::new().resize_alg(algorithm).crop(
                0.0,
                top,
                f64::from(view.width),
                bottom - top,
            );
            resizer.resize_typed(&shown, &mut band, &options).map_err(failed)
        })
    }
}

fn failed(error: impl std::fmt::Display) -> RenderError {
    RenderError::machine(format!("The picture could not be scaled: {error}."))
}

/// The sinc function, windowed by one four times as wide.
fn lanczos4(x: f64) -> f64 {
    if x.abs() >= 4.0 { 0.0 } else { sinc(x) * sinc(x / 4.0) }
}

fn sinc(x: f64) -> f64 {
    let x = x * std::f64::consts::PI;
    if x == 0.0 { 1.0 } else { x.sin() / x }
}
