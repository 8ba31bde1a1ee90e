//! The time-based region: an ellipse that moves between keyframes.

use serde_json::{Value, json};

use crate::edit::interpolate::KeyframePosition;
use crate::edit::limits::{MAX_ITEMS, coordinate, positive_length, seconds, unit_interval};
use crate::edit::region::{EllipseValues, FILL_ALPHA};
use crate::edit::{Color, Interpolation};
use crate::json::field_error::FieldContext;
use crate::json::reader::{ObjectReader, list};

/// An ellipse that follows keyframes while its region is active.
#[derive(Clone, Debug, PartialEq)]
pub struct MovingRegion {
    pub(super) start_time: f64,
    end_time: f64,
    keyframes: Vec<(f64, EllipseValues)>,
}

impl MovingRegion {
    pub(super) fn is_active(&self, at: f64) -> bool {
        self.start_time <= at && at <= self.end_time
    }

    /// The ellipse at a time. The first keyframe applies before it; after the last one there is no ellipse.
    pub(super) fn shape(&self, at: f64, interpolation: Interpolation) -> Option<EllipseValues> {
        let position = KeyframePosition::locate(&self.keyframes, |(time, _)| *time, at);
        let earlier = match position {
            KeyframePosition::Before => self.keyframes.first(),
            KeyframePosition::From { index, .. } => self.keyframes.get(index),
            KeyframePosition::After => None,
        }?;
        let value = |of: fn(&EllipseValues) -> f64| {
            let value = |index: usize| self.keyframes.get(index).map_or(0.0, |(_, shape)| of(shape));
            interpolation.at(position, self.keyframes.len(), value)
        };
        Some(EllipseValues {
            x: value(|s| s.x),
            y: value(|s| s.y),
            radius_x: value(|s| s.radius_x),
            radius_y: value(|s| s.radius_y),
            opacity: value(|s| s.opacity).clamp(0.0, 1.0),
            color: earlier.1.color,
        })
    }

    pub(super) fn read(fields: &mut ObjectReader<'_, '_>) -> Option<Self> {
        let start = fields.required("start_time", seconds);
        let end = fields.required("end_time", seconds);
        let keyframes = fields.required("keyframes", read_keyframes);
        if let (Some(start), Some(end)) = (start, end)
            && end <= start
        {
            return fields.at().child("end_time").reject("must be after start_time");
        }
        Some(Self { start_time: start?, end_time: end?, keyframes: keyframes? })
    }
}

fn read_keyframes(value: &Value, mut at: FieldContext<'_>) -> Option<Vec<(f64, EllipseValues)>> {
    at.describe(|| json!({"minItems": 1}));
    let keyframes = list(MAX_ITEMS, read_keyframe)(value, at.reborrow())?;
    if keyframes.is_empty() {
        return at.reject("must have at least one keyframe");
    }
    let mut valid = true;
    for (index, pair) in keyframes.windows(2).enumerate() {
        if let [(earlier, _), (later, _)] = pair
            && later < earlier
        {
            let message = "must not be earlier than the time of the previous keyframe";
            at.child(&(index + 1).to_string()).child("time").reject::<()>(message);
            valid = false;
        }
    }
    valid.then_some(keyframes)
}

fn read_keyframe(value: &Value, at: FieldContext<'_>) -> Option<(f64, EllipseValues)> {
    let mut fields = ObjectReader::open(value, at)?;
    let time = fields.required("time", seconds);
    let x = fields.required("x", coordinate);
    let y = fields.required("y", coordinate);
    let radius_x = fields.required("radiusX", positive_length);
    let radius_y = fields.required("radiusY", positive_length);
    let opacity = fields.optional("opacity", unit_interval);
    let color = fields.optional("color", Color::read);
    // Who placed the keyframe, as with crop keyframes; not used.
    fields.ignored("origin");
    fields.finish();
    let shape = EllipseValues {
        x: x?,
        y: y?,
        radius_x: radius_x?,
        radius_y: radius_y?,
        opacity: opacity?.unwrap_or(FILL_ALPHA),
        color: color?.unwrap_or(Color::YELLOW),
    };
    Some((time?, shape))
}
