//! Highlight regions: where on the picture a player is, and when.
//!
//! Two models, never mixed in one list. The plan's is a fixed ellipse by frame, and all that
//! are active draw together. The app's moves between keyframes by time, and only the first
//! active one draws.

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
    /// The plan's: in the order of the request, which is the order of drawing.
    Fixed(Vec<FixedRegion>),
    /// The app's: sorted by their start.
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

/// One ellipse to draw on one frame, in whole pixels of the source, with how strongly.
///
/// The two models mean two things by opacity. A fixed region's is the strength of the whole
/// effect, so 1 is the effect as the app draws it. A moving region's is the alpha of the fill
/// of `original`, and every other effect has full strength.
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
    /// Colour of fill and ring; only `original` shows it.
    pub color: Color,
    /// How much of the effect is applied, 0 to 1.
    pub strength: f64,
    /// Alpha of the fill of `original`.
    pub fill_alpha: f64,
    /// Alpha of the ring of `original`.
    pub ring_alpha: f64,
}

/// The alpha of the app's ring.
const RING_ALPHA: f64 = 0.6;
/// The editor's default alpha of the fill: what full strength means for a fixed region.
const FILL_ALPHA: f64 = 0.15;

impl Regions {
    /// Whether there is nothing to highlight, ever.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Fixed(regions) => regions.is_empty(),
            Self::Moving(regions) => regions.is_empty(),
        }
    }

    /// What to draw at a moment, in drawing order.
    pub fn at(&self, moment: FramePosition, interpolation: Interpolation) -> Vec<Highlight> {
        match self {
            Self::Fixed(regions) => regions
                .iter()
                .filter(|region| region.is_active(moment.frame))
                .map(|region| region.shape.fixed())
                .collect(),
            Self::Moving(regions) => {
                let seconds = moment.seconds();
                let first = regions.iter().find(|region| region.is_active(seconds));
                first
                    .and_then(|region| region.shape(seconds, interpolation))
                    .map(EllipseValues::moving)
                    .into_iter()
                    .collect()
            }
        }
    }

    /// Reads `highlight_regions`.
    pub(super) fn read(value: &Value, mut at: FieldContext<'_>) -> Option<Self> {
        let items = list(MAX_ITEMS, RegionInput::read)(value, at.reborrow())?;
        let moving = matches!(items.first(), Some(RegionInput::Moving(_)));
        let mut fine = true;
        for (index, item) in items.iter().enumerate() {
            if matches!(item, RegionInput::Moving(_)) != moving {
                let sentence = "must be of the same kind as the first region: all by frame, or all by time";
                at.child(&index.to_string()).reject::<()>(sentence);
                fine = false;
            }
        }
        if !fine {
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
        let by_time = ["start_time", "end_time", "keyframes"].iter().any(has);
        if by_time && ["start_frame", "end_frame"].iter().any(has) {
            return at.reject(
                "must be by frame (start_frame, end_frame) or by time (start_time, end_time, keyframes), not both",
            );
        }
        let mut fields = ObjectReader::open(value, at)?;
        // The editor's name for the region: real clients send it, no renderer needs it.
        fields.has("id");
        let region = if by_time {
            MovingRegion::read(&mut fields).map(Self::Moving)
        } else {
            FixedRegion::read(&mut fields).map(Self::Fixed)
        };
        fields.finish();
        region
    }
}

impl EllipseValues {
    fn fixed(self) -> Highlight {
        self.highlight(self.opacity, FILL_ALPHA * self.opacity, RING_ALPHA * self.opacity)
    }

    fn moving(self) -> Highlight {
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
