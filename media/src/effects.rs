//! The five highlight effects, drawn in place on the visible part of a frame.
//!
//! Each but the brightness boost is a mix of the frame with something else (black, a colour, its own
//! blur) by weights that ellipses or a mask decide, and a mix means the same in light and colour
//! differences as in red, green and blue.
//!
//! Invariant: a pixel outside `view`, widened to whole colour samples, is never written, so a cropped
//! overlay costs only what it shows.

use reel_core::edit::{Color, FrameSize, Highlight, HighlightEffect, PixelRect};

use super::blur::{GaussianBlur, RowBuffers};
use super::boost::boost;
use super::ellipse::Ellipse;
use super::frame::{BLACK, Frame, NEUTRAL};
use super::mask::Mask;
use super::row_pairs::{self, RowPair};
use super::simd::{mix_rows, mix_with, vectorized, weight};

/// Draws highlights; keeps buffers and masks for the next frame.
#[derive(Debug)]
pub struct EffectRenderer {
    effect: HighlightEffect,
    blur: GaussianBlur,
    mask: Option<(Vec<Highlight>, Mask)>,
}

/// Brightness of the background around a spotlight.
const SPOTLIGHT: f64 = 0.3;
/// Brightness of the background under the dark overlay.
const DIMMED: f64 = 0.7;
/// Brightness gained inside a highlight at full strength.
const BOOST: f64 = 0.5;
/// How far a ring reaches beyond its ellipse's box, in pixels.
const RING_REACH: i32 = 3;

impl EffectRenderer {
    /// A renderer of one effect.
    pub fn new(effect: HighlightEffect) -> Self {
        Self { effect, blur: GaussianBlur::new(), mask: None }
    }

    /// Draws `highlights` on the part of `frame` inside `view`; without highlights nothing changes.
    pub fn apply(&mut self, frame: &mut Frame, view: PixelRect, highlights: &[Highlight]) {
        if highlights.is_empty() {
            return;
        }
        let size = frame.size();
        let view = row_pairs::widened(view, size);
        match self.effect {
            HighlightEffect::Blur => {
                self.update_mask(highlights, size);
                self.blur.apply(frame, view);
                let mask = self.mask.as_ref().map(|(_, mask)| mask);
                mix_pairs(frame, view, Target::Blur(&self.blur), |y, weights| {
                    soft_weights(weights, view.x, weight(1.0), mask.map_or((0, &[]), |mask| mask.row(y)));
                });
            }
            HighlightEffect::Spotlight => {
                self.update_mask(highlights, size);
                let mask = self.mask.as_ref().map(|(_, mask)| mask);
                mix_pairs(frame, view, Target::BLACK, |y, weights| {
                    let outside = weight(1.0 - SPOTLIGHT);
                    soft_weights(weights, view.x, outside, mask.map_or((0, &[]), |mask| mask.row(y)));
                });
            }
            HighlightEffect::Original => draw_fill_and_ring(frame, view, highlights),
            HighlightEffect::BrightnessBoost => {
                let ellipses = HardEdges::new(highlights, size, |strength| weight(BOOST * strength));
                brighten(frame, view, &ellipses);
            }
            HighlightEffect::DarkOverlay => {
                // Beside a highlight the frame is dimmed; inside it is not, at full strength.
                let inside = |strength| weight((1.0 - DIMMED) * (1.0 - strength));
                let ellipses = HardEdges::new(highlights, size, inside);
                if !ellipses.0.is_empty() {
                    mix_pairs(frame, view, Target::BLACK, |y, weights| {
                        weights.fill(weight(1.0 - DIMMED));
                        ellipses.fill(weights, y, view.x, size.width);
                    });
                }
            }
        }
    }

    /// A highlight that stands still keeps its mask from frame to frame.
    fn update_mask(&mut self, highlights: &[Highlight], frame_size: FrameSize) {
        if self.mask.as_ref().is_none_or(|(of, _)| of != highlights) {
            self.mask = Some((highlights.to_vec(), Mask::new(highlights, frame_size)));
        }
    }
}

/// The ellipses that touch the frame, each with the weight inside it.
struct HardEdges(Vec<(Ellipse, u16)>);

impl HardEdges {
    fn new(highlights: &[Highlight], frame_size: FrameSize, of: impl Fn(f64) -> u16) -> Self {
        let touching = highlights.iter().map(|h| (Ellipse::new(h), h)).filter(|(e, _)| e.touches(frame_size));
        Self(touching.map(|(ellipse, h)| (ellipse, of(h.strength))).collect())
    }

    /// Fills the weights inside each ellipse on row `y`; where they overlap, the later one's count.
    fn fill(&self, weights: &mut [u16], y: u32, first_column: u32, frame_width: u32) {
        for (ellipse, weight) in &self.0 {
            fill_columns(weights, first_column, ellipse.inside(y, frame_width), *weight);
        }
    }

    /// The part of `view` that they reach.
    fn reach(&self, view: PixelRect, frame_size: FrameSize) -> Option<PixelRect> {
        let boxes = self.0.iter().filter_map(|(ellipse, _)| ellipse.bounds(0, frame_size));
        boxes.filter_map(|bounds| intersection(bounds, view)).reduce(PixelRect::union)
    }
}

/// What a frame is mixed with.
#[derive(Clone, Copy)]
enum Target<'t> {
    /// A value for each plane.
    Flat([u8; 3]),
    Blur(&'t GaussianBlur),
}

impl Target<'_> {
    const BLACK: Self = Self::Flat([BLACK, NEUTRAL, NEUTRAL]);
}

/// Buffers of one thread.
#[derive(Default)]
struct Scratch {
    weights: [Vec<u16>; 2],
    chroma_weights: Vec<u16>,
    blur: RowBuffers,
}

/// Mixes the view with `target`; `weigh(y, weights)` sets the target's 256ths in the columns of a row.
fn mix_pairs(
    frame: &mut Frame,
    view: PixelRect,
    target: Target<'_>,
    weigh: impl Fn(u32, &mut [u16]) + Sync + Send,
) {
    row_pairs::for_each(frame, view, Scratch::default, |scratch, pair| {
        let RowPair { y, luma, chroma } = pair;
        let Scratch { weights, chroma_weights, blur } = scratch;
        for (row, (y, weights)) in luma.into_iter().zip((y..).zip(weights.iter_mut())) {
            // Without a lower row, the weights of the upper one are those of the colour samples.
            weights.resize(row.len(), 0);
            if row.is_empty() {
                continue;
            }
            weigh(y, weights);
            match target {
                Target::Flat([luma, ..]) => mix_with(row, luma, weights),
                Target::Blur(blurred) => mix_rows(row, blurred.row(0, y, blur), weights),
            }
        }
        let [upper, lower] = weights;
        mean_weights(upper, if lower.is_empty() { upper } else { lower }, chroma_weights);
        for (plane, row) in (1..).zip(chroma) {
            match target {
                Target::Flat(values) => {
                    mix_with(row, values.get(plane).copied().unwrap_or(NEUTRAL), chroma_weights);
                }
                Target::Blur(blurred) => mix_rows(row, blurred.row(plane, y / 2, blur), chroma_weights),
            }
        }
    });
}

/// The weight of each colour sample: the mean of its two by two pixels, of fewer at an odd edge.
fn mean_weights(upper: &[u16], lower: &[u16], means: &mut Vec<u16>) {
    means.resize(upper.len().div_ceil(2), 0);
    vectorized(|| {
        let [(upper, last), (lower, _)] = [upper.as_chunks::<2>(), lower.as_chunks::<2>()];
        for (mean, ([a, b], [c, d])) in means.iter_mut().zip(upper.iter().zip(lower)) {
            *mean = (a + b + c + d + 2) >> 2;
        }
        if let (Some(mean), Some(last)) = (means.last_mut(), last.first()) {
            *mean = *last;
        }
    });
}

/// `outside` where the mask is 0, and less of it the more the mask keeps.
fn soft_weights(weights: &mut [u16], first_column: u32, outside: u16, (mask_column, mask): (u32, &[u16])) {
    weights.fill(outside);
    let hidden = first_column.saturating_sub(mask_column) as usize;
    let start = mask_column.saturating_sub(first_column) as usize;
    let covered = weights.get_mut(start..).unwrap_or_default();
    vectorized(|| {
        for (weight, keep) in covered.iter_mut().zip(mask.get(hidden..).unwrap_or_default()) {
            *weight = kept_less(outside, *keep);
        }
    });
}

/// `256 - keep` 256ths of `outside`.
#[allow(clippy::inline_always, clippy::cast_possible_truncation, reason = "see `vectorized`; at most 256")]
#[inline(always)]
fn kept_less(outside: u16, keep: u16) -> u16 {
    (u32::from(outside).wrapping_mul(256_u32.wrapping_sub(keep.into())).wrapping_add(128) >> 8) as u16
}

/// Fill and ring of each highlight, one over the other.
fn draw_fill_and_ring(frame: &mut Frame, view: PixelRect, highlights: &[Highlight]) {
    let size = frame.size();
    for highlight in highlights {
        let ellipse = Ellipse::new(highlight);
        if !ellipse.touches(size) {
            continue;
        }
        let reach = ellipse.bounds(RING_REACH, size).and_then(|bounds| intersection(bounds, view));
        let Some(reach) = reach.map(|reach| row_pairs::widened(reach, size)) else { continue };
        let (fill, ring) = (highlight.fill_alpha, highlight.ring_alpha);
        // The ring lies over the fill.
        let (fill_weight, ring_weight, both) =
            (weight(fill), weight(ring), weight(1.0 - (1.0 - fill) * (1.0 - ring)));
        mix_pairs(frame, reach, Target::Flat(planes_of(highlight.color)), |y, weights| {
            weights.fill(0);
            let inside = ellipse.inside(y, size.width);
            fill_columns(weights, reach.x, inside.clone(), fill_weight);
            for x in ellipse.ring(y, size.width) {
                let weight = if inside.contains(&x) { both } else { ring_weight };
                let next = x + 1;
                fill_columns(weights, reach.x, x..next, weight);
            }
        });
    }
}

/// Scales the brightness inside the ellipses.
fn brighten(frame: &mut Frame, view: PixelRect, ellipses: &HardEdges) {
    let size = frame.size();
    let Some(reach) = ellipses.reach(view, size) else { return };
    let reach = row_pairs::widened(reach, size);
    row_pairs::for_each(frame, reach, Scratch::default, |scratch, pair| {
        for (row, (y, gains)) in pair.luma.iter().zip((pair.y..).zip(&mut scratch.weights)) {
            gains.clear();
            gains.resize(row.len(), 0);
            ellipses.fill(gains, y, reach.x, size.width);
        }
        boost(pair, &scratch.weights);
    });
}

/// Sets the weights of the columns of a row that starts at `first_column`.
fn fill_columns(weights: &mut [u16], first_column: u32, columns: std::ops::Range<u32>, weight: u16) {
    let within = |x: u32| (x.saturating_sub(first_column) as usize).min(weights.len());
    let columns = within(columns.start)..within(columns.end);
    if let Some(run) = weights.get_mut(columns) {
        run.fill(weight);
    }
}

/// A colour in light, blue and red difference (BT.709, limited range).
fn planes_of(color: Color) -> [u8; 3] {
    let [r, g, b] = [color.red, color.green, color.blue].map(|channel| f64::from(channel) / 255.0);
    let light = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    let [blue, red] = [(b - light) / 1.8556, (r - light) / 1.5748];
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 16 and 240")]
    [16.0 + 219.0 * light, 128.0 + 224.0 * blue, 128.0 + 224.0 * red].map(|value| value.round() as u8)
}

fn intersection(a: PixelRect, b: PixelRect) -> Option<PixelRect> {
    let (x, y) = (a.x.max(b.x), a.y.max(b.y));
    let (right, bottom) = ((a.x + a.width).min(b.x + b.width), (a.y + a.height).min(b.y + b.height));
    (x < right && y < bottom).then(|| PixelRect { x, y, width: right - x, height: bottom - y })
}

#[cfg(test)]
mod tests;
