//! The rows of a frame two by two, each pair with the colour samples that it shares.

use rayon::prelude::*;
use reel_core::edit::{FrameSize, PixelRect};

use super::frame::Frame;

/// Two rows of a part of a frame; the last one of an odd height stands alone.
#[derive(Debug)]
pub struct RowPair<'f> {
    /// The upper row's number.
    pub y: u32,
    /// Light of one or two rows.
    pub luma: [&'f mut [u8]; 2],
    /// Blue and red difference.
    pub chroma: [&'f mut [u8]; 2],
}

/// The part of a frame with whole colour samples that covers `view`.
pub fn widened(view: PixelRect, frame_size: FrameSize) -> PixelRect {
    let (x, y) = (view.x & !1, view.y & !1);
    let right = (view.x + view.width).next_multiple_of(2).min(frame_size.width);
    let bottom = (view.y + view.height).next_multiple_of(2).min(frame_size.height);
    PixelRect { x, y, width: right.saturating_sub(x), height: bottom.saturating_sub(y) }
}

/// Calls `draw` for each pair of rows of a [`widened`] part, on all cores, with a scratch value of each
/// thread.
pub fn for_each<S>(
    frame: &mut Frame,
    view: PixelRect,
    scratch: impl Fn() -> S + Sync + Send,
    draw: impl Fn(&mut S, RowPair<'_>) + Sync + Send,
) {
    /// Pairs that one thread takes at least.
    const MIN_PAIRS: usize = 16;
    let stride = frame.size().width as usize;
    let half = stride.div_ceil(2);
    let columns = view.x as usize..(view.x + view.width) as usize;
    let samples = columns.start / 2..columns.end.div_ceil(2);
    let rows = view.y as usize..(view.y + view.height) as usize;
    let row_samples = rows.start / 2..rows.end.div_ceil(2);
    let [luma, blue, red] = frame.planes_mut();
    let luma = luma.bytes.get_mut(rows.start * stride..rows.end * stride).unwrap_or_default();
    let [blue, red] = [blue, red].map(|plane| {
        plane.bytes.get_mut(row_samples.start * half..row_samples.end * half).unwrap_or_default()
    });
    let luma = luma.par_chunks_mut((2 * stride).max(1));
    let chroma = blue.par_chunks_exact_mut(half.max(1)).zip(red.par_chunks_exact_mut(half.max(1)));
    let pairs = luma.zip(chroma).enumerate().with_min_len(MIN_PAIRS);
    pairs.for_each_init(scratch, |scratch, (index, (luma, (blue, red)))| {
        let (upper, lower) = luma.split_at_mut(stride.min(luma.len()));
        let luma = [upper, lower].map(|row| row.get_mut(columns.clone()).unwrap_or_default());
        let chroma = [blue, red].map(|row| row.get_mut(samples.clone()).unwrap_or_default());
        let y = view.y + 2 * u32::try_from(index).unwrap_or(0);
        draw(scratch, RowPair { y, luma, chroma });
    });
}
