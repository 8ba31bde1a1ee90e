//! Highlight regions: where in the frame a player is, and when.
//!
//! There are two forms, and one list has only one of them. A fixed region is a frame-based ellipse; all
//! active ones are drawn. A moving region, which the frontend sends, moves between time-based keyframes;
//! only the first active one is drawn.

mod fixed;
mod moving;
#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::edit::limits::{MAX_ITEMS, truncate};
use crate::edit::{Color, FramePosition, Interpolation};
use crate::json::field_error::FieldContext;
use crate::json::reader::{ObjectReader, list};

pub use fixed::FixedRegion;
pub use moving::MovingRegion;

/// All regions of an overlay.
#[derive(Clone, Debug, PartialEq)]
pub enum Regions {
    /// Frame-based, in the order of the request, which is the drawing order.
    Fixed(Vec<FixedRegion>),
    /// Time-based, sorted by their start.
    Moving(Vec<MovingRegion>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct EllipseValues {
    x: f64,
    y: f64,
    radius_x: f64,
    radius_y: f64,
    opacity: f64,
    color: Color,
}

/// One ellipse to draw on one frame, in whole pixels of the source.
///
/// `opacity` means different things in the two forms. For a fixed region it is the strength of the whole
/// effect: 1 is the effect as the frontend draws it. For a moving region it is the alpha of the fill of
/// `original`, and every other effect has full strength.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Highlight {
    /// Column of the centre.
    pub center_x: i32,
    /// Row of the centre.
    pub center_y: i32,
    /// Pixels from the centre to the left and right end.
    pub radius_x: i32,
    /// Pixels from the centre to the upper and lower end.
    pub radius_y: i32,
    /// Colour of fill and ring; only `original` uses it.
    pub color: Color,
    /// How much of the effect is applied, 0 to 1.
    pub strength: f64,
    /// Alpha of the fill of `original`.
    pub fill_alpha: f64,
    /// Alpha of the ring of `original`.
    pub ring_alpha: f64,
}

/// The alpha of the ring in the frontend.
const RING_ALPHA: f64 = 0.6;
/// The frontend's default alpha of the fill: full strength for a fixed region.
const FILL_ALPHA: f64 = 0.15;

impl Regions {
    /// Whether there are no regions at all.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Fixed(regions) => regions.is_empty(),
            Self::Moving(regions) => regions.is_empty(),
        }
    }

    /// What to draw on a frame, in drawing order.
    pub fn at(&self, position: FramePosition, interpolation: Interpolation) -> Vec<Highlight> {
        match self {
            Self::Fixed(regions) => regions
                .iter()
                .filter(|region| region.is_active(position.number()))
                .map(|region| region.shape.into_fixed_highlight())
                .collect(),
            Self::Moving(regions) => {
                let seconds = position.seconds();
                let first = regions.iter().find(|region| region.is_active(seconds));
                first
                    .and_then(|region| region.shape(seconds, interpolation))
                    .map(EllipseValues::into_moving_highlight)
                    .into_iter()
                    .collect()
            }
        }
    }

    /// Reads `highlight_regions`.
    pub(super) fn read(value: &Value, mut at: FieldContext<'_>) -> Option<Self> {
        let items = list(MAX_ITEMS, RegionInput::read)(value, at.reborrow())?;
        let moving = matches!(items.first(), Some(RegionInput::Moving(_)));
        let mut valid = true;
        for (index, item) in items.iter().enumerate() {
            if matches!(item, RegionInput::Moving(_)) != moving {
                let message =
                    "must have the same form as the first region: all frame-based or all time-based";
                at.child(&index.to_string()).reject::<()>(message);
                valid = false;
            }
        }
        if !valid {
            return None;
        }
        let (mut fixed_regions, mut moving_regions) = (Vec::new(), Vec::new());
        for item in items {
            match item {
                RegionInput::Fixed(region) => fixed_regions.push(region),
                RegionInput::Moving(region) => moving_regions.push(region),
            }
        }
        if !moving {
            return Some(Self::Fixed(fixed_regions));
        }
        moving_regions.sort_by(|a, b| a.start_time.total_cmp(&b.start_time));
        Some(Self::Moving(moving_regions))
    }
}

impl Default for Regions {
    fn default() -> Self {
        Self::Fixed(Vec::new())
    }
}

enum RegionInput {
    Fixed(FixedRegion),
    Moving(MovingRegion),
}

impl RegionInput {
    fn read(value: &Value, mut at: FieldContext<'_>) -> Option<Self> {
        let has = |name: &&str| value.get(name).is_some_and(|member| !member.is_null());
        let time_based = ["start_time", "end_time", "keyframes"].iter().any(has);
        if time_based && ["start_frame", "end_frame"].iter().any(has) {
            return at.reject(
                "must be either frame-based (start_frame, end_frame) or time-based (start_time, end_time, keyframes), not both",
            );
        }
        let mut fields = ObjectReader::open(value, at)?;
        // The frontend's id of the region; the renderer does not use it.
        fields.ignored("id");
        let region = if time_based {
            MovingRegion::read(&mut fields).map(Self::Moving)
        } else {
            FixedRegion::read(&mut fields).map(Self::Fixed)
        };
        fields.finish();
        region
    }
}

impl EllipseValues {
    fn into_fixed_highlight(self) -> Highlight {
        self.highlight(self.opacity, FILL_ALPHA * self.opacity, RING_ALPHA * self.opacity)
    }

    fn into_moving_highlight(self) -> Highlight {
        self.highlight(1.0, self.opacity, RING_ALPHA)
    }

    fn highlight(self, strength: f64, fill_alpha: f64, ring_alpha: f64) -> Highlight {
        Highlight {
            center_x: truncate(self.x),
            center_y: truncate(self.y),
            radius_x: truncate(self.radius_x).max(0),
            radius_y: truncate(self.radius_y).max(0),
            color: self.color,
            strength,
            fill_alpha,
            ring_alpha,
        }
    }
}
