//! The five highlight effects, drawn in place on the visible part of a frame.
//!
//! Invariant: a pixel outside `view` is never written, so a cropped overlay costs only
//! what it shows. Numbers are truncated, not rounded, where OpenCV and numpy truncate them.

use rayon::prelude::*;
use reel_core::edit::{FrameSize, Highlight, HighlightEffect, PixelRect};

use super::blur::GaussianBlur;
use super::ellipse::Ellipse;
use super::frame::{CHANNELS, Frame};
use super::lut::Lut;
use super::mask::Mask;

/// Draws highlights; keeps buffers and masks for the next frame.
#[derive(Debug)]
pub struct EffectRenderer {
    effect: HighlightEffect,
    blur: GaussianBlur,
    mask: Option<(Vec<Highlight>, Mask)>,
    spotlight: Lut,
    dimmed: Lut,
}

/// Brightness of the background around a spotlight.
const SPOTLIGHT: f64 = 0.3;
/// Brightness of the background under the dark overlay.
const DIMMED: f64 = 0.7;
/// Brightness gained inside a highlight at full strength.
const BOOST: f64 = 0.5;

impl EffectRenderer {
    pub fn new(effect: HighlightEffect) -> Self {
        Self {
            effect,
            blur: GaussianBlur::new(),
            mask: None,
            spotlight: Lut::scaled(SPOTLIGHT),
            dimmed: Lut::scaled(DIMMED),
        }
    }

    /// Draws `highlights` on the part of `frame` inside `view`; without highlights nothing changes.
    pub fn apply(&mut self, frame: &mut Frame, view: PixelRect, highlights: &[Highlight]) {
        if highlights.is_empty() {
            return;
        }
        match self.effect {
            HighlightEffect::Blur => {
                self.update_mask(highlights, frame.size());
                self.blur.apply(frame, view);
                let (mask, blur) = (self.mask.as_ref().map(|(_, mask)| mask), &self.blur);
                rows(frame, view, |y, row| {
                    blend(row, view.x, blur.row(y), mask.map_or((0, &[][..]), |mask| mask.row(y)));
                });
            }
            HighlightEffect::Spotlight => {
                self.update_mask(highlights, frame.size());
                let (mask, lut) = (self.mask.as_ref().map(|(_, mask)| mask), &self.spotlight);
                rows(frame, view, |y, row| {
                    darken(row, view.x, lut, mask.map_or((0, &[][..]), |mask| mask.row(y)));
                });
            }
            HighlightEffect::Original => draw_fill_and_ring(frame, view, highlights),
            HighlightEffect::BrightnessBoost => {
                let luts = EllipseLuts::new(highlights, frame.size(), |strength| 1.0 + BOOST * strength);
                apply_hard_edge(frame, view, None, &luts);
            }
            HighlightEffect::DarkOverlay => {
                // Beside a highlight the frame is dimmed; inside it is not, at full strength.
                let luts =
                    EllipseLuts::new(highlights, frame.size(), |strength| DIMMED + (1.0 - DIMMED) * strength);
                if !luts.0.is_empty() {
                    apply_hard_edge(frame, view, Some(&self.dimmed), &luts);
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

/// The ellipses that touch the frame, each with what happens inside it.
struct EllipseLuts(Vec<(Ellipse, Lut)>);

impl EllipseLuts {
    fn new(highlights: &[Highlight], frame_size: FrameSize, factor: impl Fn(f64) -> f64) -> Self {
        let touching = highlights.iter().map(|h| (Ellipse::new(h), h)).filter(|(e, _)| e.touches(frame_size));
        Self(touching.map(|(ellipse, h)| (ellipse, Lut::scaled(factor(h.strength)))).collect())
    }
}

/// Calls `draw` for each row of the view, on all cores; a row is the view's part of it.
fn rows(frame: &mut Frame, view: PixelRect, draw: impl Fn(u32, &mut [u8]) + Sync) {
    let stride = frame.stride();
    let columns = view.x as usize * CHANNELS..(view.x + view.width) as usize * CHANNELS;
    let shown = (view.y as usize * stride)..((view.y + view.height) as usize * stride);
    let Some(bytes) = frame.bytes_mut().get_mut(shown) else { return };
    bytes.par_chunks_exact_mut(stride).zip(view.y..view.y + view.height).for_each(|(row, y)| {
        if let Some(row) = row.get_mut(columns.clone()) {
            draw(y, row);
        }
    });
}

/// `trunc(frame * m + background * (1 - m))` for each byte; `first_column` is the row's.
fn blend(row: &mut [u8], first_column: u32, background: &[u8], (mask_column, mask): (u32, &[f32])) {
    let (soft, mask) = overlap(row.len(), first_column, mask_column, mask);
    for outside in [0..soft.start, soft.end..row.len()] {
        if let (Some(row), Some(background)) = (row.get_mut(outside.clone()), background.get(outside)) {
            row.copy_from_slice(background);
        }
    }
    let (Some(row), Some(background)) = (row.get_mut(soft.clone()), background.get(soft)) else { return };
    let pixels = row.chunks_exact_mut(CHANNELS).zip(background.chunks_exact(CHANNELS));
    for ((pixel, background), m) in pixels.zip(mask) {
        for (byte, behind) in pixel.iter_mut().zip(background) {
            *byte = mix(*byte, *behind, *m);
        }
    }
}

/// As [`blend`], with the frame itself, darkened, as background.
fn darken(row: &mut [u8], first_column: u32, lut: &Lut, (mask_column, mask): (u32, &[f32])) {
    let (soft, mask) = overlap(row.len(), first_column, mask_column, mask);
    for outside in [0..soft.start, soft.end..row.len()] {
        lut.apply(row.get_mut(outside).unwrap_or_default());
    }
    let Some(row) = row.get_mut(soft) else { return };
    for (pixel, m) in row.chunks_exact_mut(CHANNELS).zip(mask) {
        for byte in pixel {
            *byte = mix(*byte, lut.get(*byte), *m);
        }
    }
}

/// The bytes of a row that the mask covers, and the part of the mask that covers them.
fn overlap(
    row_bytes: usize,
    first_column: u32,
    mask_column: u32,
    mask: &[f32],
) -> (std::ops::Range<usize>, &[f32]) {
    let columns = row_bytes / CHANNELS;
    let hidden = first_column.saturating_sub(mask_column) as usize;
    let mask = mask.get(hidden..).unwrap_or_default();
    let start = (mask_column.saturating_sub(first_column) as usize).min(columns);
    let end = (start + mask.len()).min(columns);
    (start * CHANNELS..end * CHANNELS, mask.get(..end - start).unwrap_or_default())
}

fn mix(inside: u8, outside: u8, m: f32) -> u8 {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between two bytes; cutting is the rule"
    )]
    {
        (f32::from(inside) * m + f32::from(outside) * (1.0 - m)) as u8
    }
}

/// Fill and ring of each highlight, one over the other.
fn draw_fill_and_ring(frame: &mut Frame, view: PixelRect, highlights: &[Highlight]) {
    let size = frame.size();
    for highlight in highlights {
        let ellipse = Ellipse::new(highlight);
        if !ellipse.touches(size) {
            continue;
        }
        let color = [highlight.color.blue, highlight.color.green, highlight.color.red];
        let fill = color.map(|channel| Lut::blend_to(channel, highlight.fill_alpha));
        let ring = color.map(|channel| Lut::blend_to(channel, highlight.ring_alpha));
        let reach = ellipse.bounds(3, size).and_then(|bounds| intersection(bounds, view));
        let Some(reach) = reach else { continue };
        rows(frame, reach, |y, row| {
            let columns = reach.x..reach.x + reach.width;
            let inside = ellipse.inside(y, size.width);
            let of = |x: u32| (x - reach.x) as usize * CHANNELS;
            let (start, end) = (inside.start.max(columns.start), inside.end.min(columns.end));
            if start < end
                && let Some(run) = row.get_mut(of(start)..of(end))
            {
                run.chunks_exact_mut(CHANNELS).for_each(|pixel| tint(pixel, &fill));
            }
            for x in ellipse.ring(y, size.width).filter(|x| columns.contains(x)) {
                tint(row.get_mut(of(x)..of(x) + CHANNELS).unwrap_or_default(), &ring);
            }
        });
    }
}

fn tint(pixel: &mut [u8], luts: &[Lut; CHANNELS]) {
    for (byte, lut) in pixel.iter_mut().zip(luts) {
        *byte = lut.get(*byte);
    }
}

/// One lookup table outside all ellipses, and inside each its own; where they overlap, the later one's.
fn apply_hard_edge(
    frame: &mut Frame,
    view: PixelRect,
    outside: Option<&Lut>,
    EllipseLuts(ellipses): &EllipseLuts,
) {
    let width = frame.size().width;
    rows(frame, view, |y, row| {
        let mut runs: Vec<(std::ops::Range<u32>, Option<&Lut>)> =
            vec![(view.x..view.x + view.width, outside)];
        for (ellipse, lut) in ellipses {
            let inside = ellipse.inside(y, width);
            let inside = inside.start.max(view.x)..inside.end.min(view.x + view.width);
            if inside.is_empty() {
                continue;
            }
            runs = runs
                .into_iter()
                .flat_map(|(run, of)| subtract(run, &inside).map(move |rest| (rest, of)))
                .collect();
            runs.push((inside, Some(lut)));
        }
        for (run, lut) in runs {
            let bytes = (run.start - view.x) as usize * CHANNELS..(run.end - view.x) as usize * CHANNELS;
            if let (Some(lut), Some(bytes)) = (lut, row.get_mut(bytes)) {
                lut.apply(bytes);
            }
        }
    });
}

/// What is left of `run` on both sides of `hole`.
fn subtract(
    run: std::ops::Range<u32>,
    hole: &std::ops::Range<u32>,
) -> impl Iterator<Item = std::ops::Range<u32>> + use<> {
    let left = run.start..run.end.min(hole.start);
    let right = run.start.max(hole.end)..run.end;
    [left, right].into_iter().filter(|rest| !rest.is_empty())
}

fn intersection(a: PixelRect, b: PixelRect) -> Option<PixelRect> {
    let (x, y) = (a.x.max(b.x), a.y.max(b.y));
    let (right, bottom) = ((a.x + a.width).min(b.x + b.width), (a.y + a.height).min(b.y + b.height));
    (x < right && y < bottom).then(|| PixelRect { x, y, width: right - x, height: bottom - y })
}

#[cfg(test)]
mod tests;
