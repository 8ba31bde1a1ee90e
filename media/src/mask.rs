//! The soft mask of blur and spotlight: where it is 1 a pixel is kept, where it is 0 the background shows.

use reel_core::edit::{FrameSize, Highlight, PixelRect};

use super::blur;
use super::ellipse::Ellipse;
use super::simd;

/// A mask in 256ths that is 0 outside `area`.
#[derive(Clone, Debug, PartialEq)]
pub struct Mask {
    area: Option<PixelRect>,
    values: Vec<u16>,
}

impl Mask {
    /// Filled ellipses, each of its own strength, later ones over earlier ones, then feathered.
    pub fn new(highlights: &[Highlight], frame_size: FrameSize) -> Self {
        let margin = i32::try_from(2 * blur::FEATHER_REACH).unwrap_or(0);
        // Twice the reach: the blur mirrors the mask at the edge of its area, and where that is
        // not the frame's own edge there must be only zeros to mirror.
        let boxes = highlights.iter().filter_map(|h| Ellipse::new(h).bounds(margin, frame_size));
        let Some(area) = boxes.reduce(PixelRect::union) else {
            return Self { area: None, values: Vec::new() };
        };
        let mut values = vec![0.0_f32; area.width as usize * area.height as usize];
        for highlight in highlights {
            let ellipse = Ellipse::new(highlight);
            #[allow(clippy::cast_possible_truncation, reason = "a share from 0 to 1")]
            let strength = highlight.strength as f32;
            for (y, row) in (area.y..).zip(values.chunks_exact_mut(area.width as usize)) {
                let inside = ellipse.inside(y, frame_size.width);
                let columns =
                    inside.start.saturating_sub(area.x) as usize..inside.end.saturating_sub(area.x) as usize;
                if let Some(run) = row.get_mut(columns) {
                    run.fill(strength);
                }
            }
        }
        blur::feather_mask(&mut values, area.width);
        Self { area: Some(area), values: to_256ths(&values) }
    }

    /// The mask on row `y`: the first column it covers and its values from there; 0 elsewhere.
    pub fn row(&self, y: u32) -> (u32, &[u16]) {
        let Some(area) = self.area.filter(|area| (area.y..area.y + area.height).contains(&y)) else {
            return (0, &[]);
        };
        let start = (y - area.y) as usize * area.width as usize;
        (area.x, self.values.get(start..start + area.width as usize).unwrap_or_default())
    }
}

fn to_256ths(values: &[f32]) -> Vec<u16> {
    simd::vectorized(|| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 256")]
        values.iter().map(|value| (value * 256.0 + 0.5).min(256.0) as u16).collect()
    })
}
