//! The five effects, in place on the part of a picture that is shown.
//!
//! Invariant: a pixel outside `view` is never written, so a cropped overlay pays only for what
//! it shows. Where a number is cut, not rounded, the specification cuts it.

use rayon::prelude::*;
use reel_core::edit::FrameSize;
use reel_core::edit::Highlight;
use reel_core::edit::HighlightEffect;
use reel_core::edit::PixelRect;

use super::ellipse::Ellipse;
use super::gauss::Blurred;
use super::mask::Mask;
use super::picture::CHANNELS;
use super::picture::Picture;
use super::table::Table;

/// Draws highlights; keeps what the next frame can use again.
#[derive(Debug)]
pub(super) struct Painter {
    effect: HighlightEffect,
    blurred: Blurred,
    mask: Option<(Vec<Highlight>, Mask)>,
    spotlight: Table,
    dimmed: Table,
}

/// What the spotlight leaves of the background.
const SPOTLIGHT: f64 = 0.3;
/// What the dark overlay leaves of the background.
const DIMMED: f64 = 0.7;
/// What a highlight's inside gains at full strength.
const BOOST: f64 = 0.5;

impl Painter {
    pub(super) fn new(effect: HighlightEffect) -> Self {
        Self {
            effect,
            blurred: Blurred::new(),
            mask: None,
            spotlight: Table::scaled(SPOTLIGHT),
            dimmed: Table::scaled(DIMMED),
        }
    }

    /// Draws `highlights` on what `view` shows of `picture`; none leave it as it is.
    pub(super) fn paint(&mut self, picture: &mut Picture, view: PixelRect, highlights: &[Highlight]) {
        if highlights.is_empty() {
            return;
        }
        match self.effect {
            HighlightEffect::Blur => {
                self.renew_mask(highlights, picture.size());
                self.blurred.make(picture, view);
                let (mask, blurred) = (self.mask.as_ref().map(|(_, mask)| mask), &self.blurred);
                rows(picture, view, |y, row| {
                    blend(row, view.x, blurred.row(y), mask.map_or((0, &[][..]), |mask| mask.row(y)));
                });
            }
            HighlightEffect::Spotlight => {
                self.renew_mask(highlights, picture.size());
                let (mask, table) = (self.mask.as_ref().map(|(_, mask)| mask), &self.spotlight);
                rows(picture, view, |y, row| {
                    darken(row, view.x, table, mask.map_or((0, &[][..]), |mask| mask.row(y)));
                });
            }
            HighlightEffect::Original => original(picture, view, highlights),
            HighlightEffect::BrightnessBoost => {
                let tables = Tables::of(highlights, picture.size(), |strength| 1.0 + BOOST * strength);
                sharp(picture, view, None, &tables);
            }
            HighlightEffect::DarkOverlay => {
                // Beside a highlight the picture is dimmed; inside it is not, at full strength.
                let tables =
                    Tables::of(highlights, picture.size(), |strength| DIMMED + (1.0 - DIMMED) * strength);
                if !tables.0.is_empty() {
                    sharp(picture, view, Some(&self.dimmed), &tables);
                }
            }
        }
    }

    /// A highlight that stands still keeps its mask from frame to frame.
    fn renew_mask(&mut self, highlights: &[Highlight], picture: FrameSize) {
        if self.mask.as_ref().is_none_or(|(of, _)| of != highlights) {
            self.mask = Some((highlights.to_vec(), Mask::of(highlights, picture)));
        }
    }
}

/// The ellipses that touch the picture, each with what happens inside it.
struct Tables(Vec<(Ellipse, Table)>);

impl Tables {
    fn of(highlights: &[Highlight], picture: FrameSize, factor: impl Fn(f64) -> f64) -> Self {
        let touching = highlights.iter().map(|h| (Ellipse::of(h), h)).filter(|(e, _)| e.touches(picture));
        Self(touching.map(|(ellipse, h)| (ellipse, Table::scaled(factor(h.strength)))).collect())
    }
}

/// Calls `draw` for each row of the view, on all cores; a row is the view's part of it.
fn rows(picture: &mut Picture, view: PixelRect, draw: impl Fn(u32, &mut [u8]) + Sync) {
    let stride = picture.stride();
    let columns = view.x as usize * CHANNELS..(view.x + view.width) as usize * CHANNELS;
    let shown = (view.y as usize * stride)..((view.y + view.height) as usize * stride);
    let Some(bytes) = picture.bytes_mut().get_mut(shown) else { return };
    bytes.par_chunks_exact_mut(stride).zip(view.y..view.y + view.height).for_each(|(row, y)| {
        if let Some(row) = row.get_mut(columns.clone()) {
            draw(y, row);
        }
    });
}

/// `trunc(picture * m + background * (1 - m))` for each byte; `first_column` is the row's.
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

/// As [`blend`], with the picture itself, darkened, as background.
fn darken(row: &mut [u8], first_column: u32, table: &Table, (mask_column, mask): (u32, &[f32])) {
    let (soft, mask) = overlap(row.len(), first_column, mask_column, mask);
    for outside in [0..soft.start, soft.end..row.len()] {
        table.apply(row.get_mut(outside).unwrap_or_default());
    }
    let Some(row) = row.get_mut(soft) else { return };
    for (pixel, m) in row.chunks_exact_mut(CHANNELS).zip(mask) {
        for byte in pixel {
            *byte = mix(*byte, table.of(*byte), *m);
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
fn original(picture: &mut Picture, view: PixelRect, highlights: &[Highlight]) {
    let size = picture.size();
    for highlight in highlights {
        let ellipse = Ellipse::of(highlight);
        if !ellipse.touches(size) {
            continue;
        }
        let color = [highlight.color.blue, highlight.color.green, highlight.color.red];
        let fill = color.map(|channel| Table::toward(channel, highlight.fill_alpha));
        let ring = color.map(|channel| Table::toward(channel, highlight.ring_alpha));
        let reach = ellipse.bounds(3, size).and_then(|bounds| shared(bounds, view));
        let Some(reach) = reach else { continue };
        rows(picture, reach, |y, row| {
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

fn tint(pixel: &mut [u8], tables: &[Table; CHANNELS]) {
    for (byte, table) in pixel.iter_mut().zip(tables) {
        *byte = table.of(*byte);
    }
}

/// One table outside all ellipses, and inside each its own; where they overlap, the later one's.
fn sharp(picture: &mut Picture, view: PixelRect, outside: Option<&Table>, Tables(ellipses): &Tables) {
    let width = picture.size().width;
    rows(picture, view, |y, row| {
        let mut runs: Vec<(std::ops::Range<u32>, Option<&Table>)> =
            vec![(view.x..view.x + view.width, outside)];
        for (ellipse, table) in ellipses {
            let inside = ellipse.inside(y, width);
            let inside = inside.start.max(view.x)..inside.end.min(view.x + view.width);
            if inside.is_empty() {
                continue;
            }
            runs = runs
                .into_iter()
                .flat_map(|(run, of)| without(run, &inside).map(move |rest| (rest, of)))
                .collect();
            runs.push((inside, Some(table)));
        }
        for (run, table) in runs {
            let bytes = (run.start - view.x) as usize * CHANNELS..(run.end - view.x) as usize * CHANNELS;
            if let (Some(table), Some(bytes)) = (table, row.get_mut(bytes)) {
                table.apply(bytes);
            }
        }
    });
}

/// What is left of `run` on both sides of `hole`.
fn without(
    run: std::ops::Range<u32>,
    hole: &std::ops::Range<u32>,
) -> impl Iterator<Item = std::ops::Range<u32>> + use<> {
    let left = run.start..run.end.min(hole.start);
    let right = run.start.max(hole.end)..run.end;
    [left, right].into_iter().filter(|rest| !rest.is_empty())
}

fn shared(a: PixelRect, b: PixelRect) -> Option<PixelRect> {
    let (x, y) = (a.x.max(b.x), a.y.max(b.y));
    let (right, bottom) = ((a.x + a.width).min(b.x + b.width), (a.y + a.height).min(b.y + b.height));
    (x < right && y < bottom).then(|| PixelRect { x, y, width: right - x, height: bottom - y })
}

#[cfg(test)]
#[path = "effect_tests.rs"]
mod tests;
