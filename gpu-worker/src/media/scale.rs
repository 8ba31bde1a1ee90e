//! Scaling a part of a frame to the size of the reel, with OpenCV's Lanczos kernel.
//!
//! Enlarging weighs the same 8 pixels in each direction as OpenCV does; reducing widens the
//! kernel, where OpenCV would skip pixels and flicker.

use fast_image_resize::images::{TypedCroppedImage, TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{Filter, FilterType, ResizeAlg, ResizeOptions, Resizer};
use rayon::prelude::*;
use reel_core::edit::{FrameSize, PixelRect};
use thiserror::Error;

use super::frame::{CHANNELS, Frame};

/// Why a frame could not be scaled.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("The frame could not be scaled: {0}.")]
pub struct ScaleError(String);

/// Scales frame after frame; one resizer per band of rows, so that all cores work.
pub struct Scaler {
    bands: Vec<Resizer>,
    lanczos: FilterType,
    /// The buffer of a frame that fills only a part of the output.
    placed: Option<Frame>,
}

impl Scaler {
    pub fn new() -> Result<Self, ScaleError> {
        let lanczos = Filter::new("lanczos4", lanczos4, 4.0).map_err(failed)?;
        let bands = (0..rayon::current_num_threads().max(1)).map(|_| Resizer::new()).collect();
        Ok(Self { bands, lanczos: FilterType::Custom(lanczos), placed: None })
    }

    /// Fills `target` of `to` with what `view` shows of `from`, and the rest of `to` with black; the aspect is not
    /// kept. The target must lie inside.
    pub fn scale_into(
        &mut self,
        from: &Frame,
        view: PixelRect,
        to: &mut Frame,
        target: PixelRect,
    ) -> Result<(), ScaleError> {
        if target == to.bounds() {
            return self.scale(from, view, to);
        }
        let size = FrameSize { width: target.width, height: target.height };
        let kept = self.placed.take().filter(|placed| placed.size() == size);
        let mut placed = kept.unwrap_or_else(|| Frame::black(size));
        self.scale(from, view, &mut placed)?;
        let (stride, left) = (to.stride(), target.x as usize * CHANNELS);
        to.bytes_mut().fill(0);
        let rows = to.bytes_mut().chunks_exact_mut(stride).skip(target.y as usize);
        for (row, line) in rows.zip(placed.bytes().chunks_exact(placed.stride())) {
            if let Some(part) = row.get_mut(left..left + line.len()) {
                part.copy_from_slice(line);
            }
        }
        self.placed = Some(placed);
        Ok(())
    }

    /// Fills `to` with what `view` shows of `from`; the aspect is not kept.
    pub fn scale(&mut self, from: &Frame, view: PixelRect, to: &mut Frame) -> Result<(), ScaleError> {
        let FrameSize { width, height } = to.size();
        let whole = TypedImageRef::<U8x3>::from_buffer(from.size().width, from.size().height, from.bytes());
        let whole = whole.map_err(failed)?;
        // Cropped before scaling: the kernel must not read beyond the crop.
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

fn failed(error: impl std::fmt::Display) -> ScaleError {
    ScaleError(error.to_string())
}

/// The sinc function, windowed by one four times as wide.
fn lanczos4(x: f64) -> f64 {
    if x.abs() >= 4.0 { 0.0 } else { sinc(x) * sinc(x / 4.0) }
}

fn sinc(x: f64) -> f64 {
    let x = x * std::f64::consts::PI;
    if x == 0.0 { 1.0 } else { x.sin() / x }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enlarging_matches_opencv() {
        let mut frame = Frame::black(FrameSize { width: 160, height: 120 });
        for (index, byte) in frame.bytes_mut().iter_mut().enumerate() {
            let (x, y, c) = (index / 3 % 160, index / 3 / 160, index % 3);
            let value = x * 7 + y * 13 + c * 29 + x * y / 5 + (x / 9 + y / 7) % 3 * 61;
            *byte = u8::try_from(value % 256).expect("a byte");
        }
        let mut enlarged = Frame::black(FrameSize { width: 200, height: 260 });
        let view = PixelRect { x: 31, y: 20, width: 70, height: 90 };
        Scaler::new().expect("a scaler").scale(&frame, view, &mut enlarged).expect("scaled");
        let differences: Vec<u8> = ENLARGED
            .iter()
            .flat_map(|((x, y), expected)| {
                let start = (y * 200 + x) * 3;
                let found = enlarged.bytes().iter().skip(start);
                found.zip(expected).map(|(a, b)| a.abs_diff(*b)).collect::<Vec<_>>()
            })
            .collect();
        // The resizer rounds between its two passes, and these saw teeth show that most.
        assert!(differences.iter().all(|difference| *difference <= 8), "{differences:?}");
        let near = differences.iter().filter(|difference| **difference <= 1).count();
        assert!(near * 10 >= differences.len() * 9, "{differences:?}");
    }

    #[test]
    fn outside_the_target_the_output_is_black() {
        let mut frame = Frame::black(FrameSize { width: 32, height: 32 });
        frame.bytes_mut().fill(200);
        let mut output = Frame::black(FrameSize { width: 16, height: 24 });
        output.bytes_mut().fill(99);
        let mut scaler = Scaler::new().expect("a scaler");
        for target in [
            PixelRect { x: 0, y: 4, width: 16, height: 16 },
            PixelRect { x: 6, y: 0, width: 4, height: 24 },
            PixelRect { x: 0, y: 0, width: 16, height: 24 },
        ] {
            scaler.scale_into(&frame, frame.bounds(), &mut output, target).expect("scaled");
            for (index, pixel) in (0..).zip(output.bytes().chunks_exact(3)) {
                let (x, y) = (index % 16, index / 16);
                let inside = (target.x..target.x + target.width).contains(&x)
                    && (target.y..target.y + target.height).contains(&y);
                assert_eq!(pixel, if inside { [200; 3] } else { [0; 3] }, "{x}, {y} of {target:?}");
            }
        }
    }

    #[test]
    fn every_height_of_a_crop_can_be_scaled() {
        let frame = Frame::black(FrameSize { width: 4, height: 720 });
        let mut reel = Frame::black(FrameSize { width: 2, height: 1920 });
        for bands in [1, 2, 3, 8] {
            let mut scaler = Scaler::new().expect("a scaler");
            scaler.bands = (0..bands).map(|_| Resizer::new()).collect();
            for height in 1..=720 {
                let view = PixelRect { x: 0, y: 0, width: 4, height };
                let result = scaler.scale(&frame, view, &mut reel);
                assert!(result.is_ok(), "{bands} bands, {height} rows: {result:?}");
            }
        }
    }

    #[test]
    fn bands_leave_no_seam() {
        let size = FrameSize { width: 64, height: 90 };
        let mut frame = Frame::black(size);
        for (index, byte) in frame.bytes_mut().iter_mut().enumerate() {
            *byte = u8::try_from(index / 192 * 2 % 256).expect("a byte");
        }
        let scaled = |bands: usize| {
            let mut scaler = Scaler::new().expect("a scaler");
            scaler.bands = (0..bands).map(|_| Resizer::new()).collect();
            let mut to = Frame::black(FrameSize { width: 50, height: 211 });
            scaler.scale(&frame, PixelRect { x: 3, y: 5, width: 41, height: 77 }, &mut to).expect("scaled");
            to
        };
        let whole = scaled(1);
        for bands in [2, 3, 7] {
            let apart = scaled(bands);
            let most = whole.bytes().iter().zip(apart.bytes()).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(most <= Some(1), "{bands} bands differ by {most:?}");
        }
    }

    /// A pixel and its blue, green, red: `cv2.resize(frame[20:110, 31:101], (200, 260),
    /// interpolation=cv2.INTER_LANCZOS4)` of opencv-python-headless 5.0.
    #[rustfmt::skip]
    const ENLARGED: &[((usize, usize), [u8; 3])] = &[
        ((81, 136), [2, 55, 76]),
        ((55, 146), [194, 206, 255]),
        ((19, 66), [170, 202, 239]),
        ((149, 106), [45, 68, 148]),
        ((51, 190), [109, 127, 152]),
        ((153, 20), [99, 107, 190]),
        ((149, 90), [102, 126, 149]),
        ((178, 235), [3, 30, 62]),
        ((37, 192), [210, 248, 255]),
        ((80, 146), [169, 186, 228]),
        ((107, 56), [233, 0, 41]),
        ((105, 211), [255, 2, 25]),
        ((71, 150), [130, 149, 191]),
        ((152, 213), [97, 126, 164]),
        ((142, 98), [96, 121, 150]),
        ((176, 71), [65, 72, 104]),
        ((170, 221), [166, 199, 213]),
        ((63, 220), [71, 87, 126]),
        ((75, 223), [43, 17, 62]),
        ((116, 203), [157, 181, 209]),
        ((72, 65), [122, 147, 194]),
        ((146, 140), [42, 33, 60]),
        ((105, 201), [67, 103, 136]),
        ((21, 21), [112, 142, 167]),
    ];
}
