//! The app's region: an ellipse that moves between keyframes.

use serde_json::Value;

use super::super::bounds::{MAX_ITEMS, coordinate, extent, seconds, share};
use super::super::interpolate::Place;
use super::super::{Color, Interpolation};
use super::{FILL_ALPHA, Shape};
use crate::fault::{At, Fields, list};

/// An ellipse that follows keyframes while its region is active.
#[derive(Clone, Debug, PartialEq)]
pub struct MovingRegion {
    pub(super) start_time: f64,
    end_time: f64,
    keyframes: Vec<(f64, Shape)>,
}

impl MovingRegion {
    pub(super) fn is_active(&self, at: f64) -> bool {
        self.start_time <= at && at <= self.end_time
    }

    /// The ellipse at a time: the first keyframe is held before it, nothing comes after the last.
    pub(super) fn shape(&self, at: f64, interpolation: Interpolation) -> Option<Shape> {
        let place = Place::among(&self.keyframes, |(time, _)| *time, at);
        let earlier = match place {
            Place::Before => self.keyframes.first(),
            Place::From { index, .. } => self.keyframes.get(index),
            Place::After => None,
        }?;
        let value = |of: fn(&Shape) -> f64| {
            let value = |index: usize| self.keyframes.get(index).map_or(0.0, |(_, shape)| of(shape));
            interpolation.at(place, self.keyframes.len(), value)
        };
        Some(Shape {
            x: value(|s| s.x),
            y: value(|s| s.y),
            radius_x: value(|s| s.radius_x),
            radius_y: value(|s| s.radius_y),
            opacity: value(|s| s.opacity).clamp(0.0, 1.0),
            color: earlier.1.color,
        })
    }

    pub(super) fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let start = fields.required("start_time", seconds);
        let end = fields.required("end_time", seconds);
        let keyframes = fields.required("keyframes", read_keyframes);
        if let (Some(start), Some(end)) = (start, end)
            && end <= start
        {
            return fields.at().child("end_time").refuse("must be after start_time");
        }
        Some(Self { start_time: start?, end_time: end?, keyframes: keyframes? })
    }
}

fn read_keyframes(value: &Value, mut at: At<'_>) -> Option<Vec<(f64, Shape)>> {
    let keyframes = list(MAX_ITEMS, read_keyframe)(value, at.again())?;
    if keyframes.is_empty() {
        return at.refuse("must have at least one keyframe");
    }
    let mut fine = true;
    for (index, pair) in keyframes.windows(2).enumerate() {
        if let [(earlier, _), (later, _)] = pair
            && later < earlier
        {
            let sentence = "must not be before the time of the keyframe before it";
            at.child(&(index + 1).to_string()).child("time").refuse::<()>(sentence);
            fine = false;
        }
    }
    fine.then_some(keyframes)
}

fn read_keyframe(value: &Value, at: At<'_>) -> Option<(f64, Shape)> {
    let mut fields = Fields::open(value, at)?;
    let time = fields.required("time", seconds);
    let x = fields.required("x", coordinate);
    let y = fields.required("y", coordinate);
    let radius_x = fields.required("radiusX", extent);
    let radius_y = fields.required("radiusY", extent);
    let opacity = fields.optional("opacity", share);
    let color = fields.optional("color", Color::read);
    // As with crop keyframes: the editor's note on who placed it.
    fields.has("origin");
    fields.close();
    let shape = Shape {
        x: x?,
        y: y?,
        radius_x: radius_x?,
        radius_y: radius_y?,
        opacity: opacity?.unwrap_or(FILL_ALPHA),
        color: color?.unwrap_or(Color::YELLOW),
    };
    Some((time?, shape))
}
