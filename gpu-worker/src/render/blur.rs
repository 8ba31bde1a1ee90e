//! The out-of-focus background: OpenCV's 51x51 Gaussian.

use std::borrow::Cow;

use libblur::{
    BlurImage, BlurImageMut, BufferStore, ConvolutionMode, EdgeMode, EdgeMode2D, FastBlurChannels,
    GaussianBlurParams, ThreadingPolicy, gaussian_blur,
};
use reel_core::edit::{PixelRect, Size};

use super::RenderError;
use super::picture::{CHANNELS, Picture};

const KERNEL: u32 = 51;
const SIGMA: f64 = 8.0;
/// How far the kernel reaches.
const REACH: u32 = 25;

/// The blurred part of a picture.
#[derive(Clone, Debug, Default)]
pub(super) struct Blurred {
    area: Option<PixelRect>,
    bytes: Vec<u8>,
}

impl Blurred {
    /// Blurs what `view` shows; the buffer is used again.
    ///
    /// Only the view and what the kernel reaches around it is touched. That gives the same
    /// bytes: where the touched area ends inside the picture, the mirrored pixels reach only
    /// the margin, and at the picture's own edge mirroring is the rule (reflect 101).
    pub(super) fn make(&mut self, picture: &Picture, view: PixelRect) -> Result<(), RenderError> {
        let area = widened(view, picture.size());
        self.bytes.resize(area.width as usize * area.height as usize * CHANNELS, 0);
        self.area = Some(area);
        let failed = |error| RenderError::machine(format!("The background could not be blurred: {error}."));
        let stride = |bytes: usize| u32::try_from(bytes).unwrap_or(0);
        let from = BlurImage {
            data: Cow::Borrowed(picture.window(area)),
            width: area.width,
            height: area.height,
            stride: stride(picture.stride()),
            channels: FastBlurChannels::Channels3,
        };
        let mut to = BlurImageMut {
            data: BufferStore::Borrowed(&mut self.bytes),
            width: area.width,
            height: area.height,
            stride: stride(area.width as usize * CHANNELS),
            channels: FastBlurChannels::Channels3,
        };
        gaussian_blur(
            &from,
            &mut to,
            GaussianBlurParams::new(KERNEL, SIGMA),
            EdgeMode2D::new(EdgeMode::Reflect101),
            ThreadingPolicy::Adaptive,
            ConvolutionMode::FixedPoint,
        )
        .map_err(failed)
    }

    /// The blurred bytes of row `y` from column `x` on.
    pub(super) fn row(&self, x: u32, y: u32) -> &[u8] {
        let Some(area) = self.area.filter(|area| y >= area.y && x >= area.x) else { return &[] };
        let stride = area.width as usize * CHANNELS;
        let start = (y - area.y) as usize * stride;
        let row = self.bytes.get(start..start + stride).unwrap_or_default();
        row.get((x - area.x) as usize * CHANNELS..).unwrap_or_default()
    }
}

fn widened(view: PixelRect, picture: Size) -> PixelRect {
    let (x, y) = (view.x.saturating_sub(REACH), view.y.saturating_sub(REACH));
    let right = (view.x + view.width + REACH).min(picture.width);
    let bottom = (view.y + view.height + REACH).min(picture.height);
    PixelRect { x, y, width: right - x, height: bottom - y }
}
