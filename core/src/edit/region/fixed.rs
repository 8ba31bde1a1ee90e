//! The frame-based region: an ellipse that does not move.

use crate::edit::Color;
use crate::edit::limits::{coordinate, frame, positive_length, unit_interval};
use crate::edit::region::EllipseValues;
use crate::json::reader::ObjectReader;

/// An ellipse that does not move, from one frame to another, both included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FixedRegion {
    start_frame: u32,
    end_frame: u32,
    pub(super) shape: EllipseValues,
}

impl FixedRegion {
    pub(super) fn is_active(&self, at: f64) -> bool {
        f64::from(self.start_frame) <= at && at <= f64::from(self.end_frame)
    }

    pub(super) fn read(fields: &mut ObjectReader<'_, '_>) -> Option<Self> {
        let start = fields.required("start_frame", frame);
        let end = fields.required("end_frame", frame);
        let x = fields.required("x", coordinate);
        let y = fields.required("y", coordinate);
        let radius_x = fields.required("radius_x", positive_length);
        let radius_y = fields.required("radius_y", positive_length);
        let opacity = fields.optional("opacity", unit_interval);
        let color = fields.optional("color", Color::read);
        if let (Some(start), Some(end)) = (start, end)
            && end < start
        {
            return fields.at().child("end_frame").reject("must not be less than start_frame");
        }
        Some(Self {
            start_frame: start?,
            end_frame: end?,
            shape: EllipseValues {
                x: x?,
                y: y?,
                radius_x: radius_x?,
                radius_y: radius_y?,
                opacity: opacity?.unwrap_or(1.0),
                color: color?.unwrap_or(Color::WHITE),
            },
        })
    }
}
