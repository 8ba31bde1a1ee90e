//! Highlight regions: where on the picture a player is, and when.
//!
//! Two models, never mixed in one list. The plan's is a fixed ellipse by frame, and all that
//! are active draw together. The app's moves between keyframes by time, and only the first
//! active one draws.

use serde_json::Value;

use super::bounds::{MAX_ITEMS, coordinate, extent, frame, seconds, share, truncate};
use super::interpolate::Place;
use super::{Color, Interpolation, Moment};
use crate::fault::{At, Fields, list};

/// All regions of an overlay.
#[derive(Clone, Debug, PartialEq)]
pub enum Regions {
    /// The plan's: in the order of the request, which is the order of drawing.
    Fixed(Vec<FixedRegion>),
    /// The app's: sorted by their start.
    Moving(Vec<MovingRegion>),
}

/// An ellipse that stands still from one frame to another, both included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FixedRegion {
    start_frame: u32,
    end_frame: u32,
    shape: Shape,
}

/// An ellipse that follows keyframes while its region is active.
#[derive(Clone, Debug, PartialEq)]
pub struct MovingRegion {
    start_time: f64,
    end_time: f64,
    keyframes: Vec<(f64, Shape)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Shape {
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
    pub fn at(&self, moment: Moment, interpolation: Interpolation) -> Vec<Highlight> {
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
                    .map(Shape::moving)
                    .into_iter()
                    .collect()
            }
        }
    }

    /// Reads `highlight_regions`.
    pub(super) fn read(value: &Value, mut at: At<'_>) -> Option<Self> {
        let items = list(MAX_ITEMS, AnyRegion::read)(value, at.again())?;
        let moving = matches!(items.first(), Some(AnyRegion::Moving(_)));
        if let Some(odd) = items.iter().position(|item| matches!(item, AnyRegion::Moving(_)) != moving) {
            return at
                .child(&odd.to_string())
                .refuse("must be of the same kind as the first region: all by frame, or all by time");
        }
        let (mut fixed_regions, mut moving_regions) = (Vec::new(), Vec::new());
        for item in items {
            match item {
                AnyRegion::Fixed(region) => fixed_regions.push(region),
                AnyRegion::Moving(region) => moving_regions.push(region),
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

enum AnyRegion {
    Fixed(FixedRegion),
    Moving(MovingRegion),
}

impl AnyRegion {
    fn read(value: &Value, at: At<'_>) -> Option<Self> {
        let by_time = ["start_time", "end_time", "keyframes"]
            .iter()
            .any(|name| value.get(name).is_some_and(|member| !member.is_null()));
        let mut fields = Fields::open(value, at)?;
        // The editor's name for the region: real clients send it, no renderer needs it.
        fields.has("id");
        let region = if by_time {
            MovingRegion::read(&mut fields).map(Self::Moving)
        } else {
            FixedRegion::read(&mut fields).map(Self::Fixed)
        };
        fields.close();
        region
    }
}

impl FixedRegion {
    fn is_active(&self, at: f64) -> bool {
        f64::from(self.start_frame) <= at && at <= f64::from(self.end_frame)
    }

    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let start = fields.required("start_frame", frame);
        let end = fields.required("end_frame", frame);
        let x = fields.required("x", coordinate);
        let y = fields.required("y", coordinate);
        let radius_x = fields.required("radius_x", extent);
        let radius_y = fields.required("radius_y", extent);
        let opacity = fields.optional("opacity", share);
        let color = fields.optional("color", Color::read);
        if let (Some(start), Some(end)) = (start, end)
            && end < start
        {
            return fields.at().child("end_frame").refuse("must not be before start_frame");
        }
        Some(Self {
            start_frame: start?,
            end_frame: end?,
            shape: Shape {
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

impl MovingRegion {
    fn is_active(&self, at: f64) -> bool {
        self.start_time <= at && at <= self.end_time
    }

    /// The ellipse at a time: the first keyframe is held before it, nothing comes after the last.
    fn shape(&self, at: f64, interpolation: Interpolation) -> Option<Shape> {
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

    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
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

impl Shape {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn regions(value: &Value) -> Regions {
        let mut faults = Vec::new();
        let regions = Regions::read(value, At::root(&mut faults));
        assert_eq!(faults, []);
        regions.expect("regions")
    }

    fn linear(regions: &Regions, seconds: f64) -> Vec<Highlight> {
        regions.at(Moment { frame: seconds * 10_000.0, fps: 10_000.0 }, Interpolation::Linear)
    }

    fn key(time: f64, x: f64, radius: f64, opacity: f64, color: &str) -> Value {
        json!({"time": time, "x": x, "y": 20, "radiusX": radius, "radiusY": 40,
               "opacity": opacity, "color": color})
    }

    #[test]
    fn a_moving_region_is_held_then_moves_then_ends() {
        let regions = regions(&json!([{"id": "region-1", "start_time": 0.25, "end_time": 5, "keyframes": [
            key(1.0, 100.0, 50.0, 0.15, "#FFFF00"), key(2.0, 200.0, 60.0, 0.35, "#FF0000"),
        ]}]));
        assert_eq!(linear(&regions, 0.2), []);
        let held = linear(&regions, 0.5)[0];
        assert_eq!((held.center_x, held.radius_x, held.color), (100, 50, Color::YELLOW));
        let middle = linear(&regions, 1.5)[0];
        assert_eq!((middle.center_x, middle.radius_x, middle.color), (150, 55, Color::YELLOW));
        assert!((middle.fill_alpha - 0.25).abs() < 1e-12 && (middle.strength - 1.0).abs() < 1e-12);
        let last = linear(&regions, 2.0)[0];
        assert_eq!((last.center_x, last.radius_x), (200, 60));
        assert_eq!(last.color, Color { red: 255, green: 0, blue: 0 });
        assert_eq!(linear(&regions, 2.0001), []);
    }

    #[test]
    fn only_the_first_active_moving_region_is_drawn() {
        let region = |start: f64, end: f64, x: f64| {
            json!({"start_time": start, "end_time": end,
                   "keyframes": [key(0.0, x, 9.0, 0.1, "#FFFF00"), key(9.0, x, 9.0, 0.1, "#FFFF00")]})
        };
        let regions = regions(&json!([region(1.0, 3.0, 30.0), region(0.0, 2.0, 10.0)]));
        let centers = |at| linear(&regions, at).iter().map(|h| h.center_x).collect::<Vec<_>>();
        assert_eq!(centers(0.5), [10]);
        assert_eq!(centers(2.0), [10], "both ends belong to a region");
        assert_eq!(centers(2.5), [30]);
        assert_eq!(centers(3.5), Vec::<i32>::new());
    }

    #[test]
    fn a_region_with_one_keyframe_ends_at_it() {
        let regions = regions(&json!([{"start_time": 0, "end_time": 5, "keyframes": [
            key(1.0, 100.0, 50.0, 0.15, "#FFFF00")]}]));
        assert_eq!(linear(&regions, 1.0).len(), 1);
        assert_eq!(linear(&regions, 1.1).len(), 0);
    }

    #[test]
    fn all_fixed_regions_of_a_frame_are_drawn_in_order() {
        let region = |start: u32, end: u32, x: f64| {
            json!({"start_frame": start, "end_frame": end, "x": x, "y": 5.9, "radius_x": 8.7,
                   "radius_y": 16, "opacity": 0.5})
        };
        let regions = regions(&json!([region(10, 20, 90.9), region(0, 10, 10.0)]));
        let at = |frame| regions.at(Moment { frame, fps: 25.0 }, Interpolation::Linear);
        assert_eq!(at(10.0).iter().map(|h| h.center_x).collect::<Vec<_>>(), [90, 10]);
        assert_eq!(at(20.0).len(), 1);
        assert_eq!(at(21.0).len(), 0);
        let drawn = at(15.0)[0];
        assert_eq!((drawn.center_y, drawn.radius_x, drawn.radius_y), (5, 8, 16));
        assert_eq!([drawn.strength, drawn.fill_alpha, drawn.ring_alpha], [0.5, 0.075, 0.3]);
    }

    #[test]
    fn faults_of_regions_are_named_where_they_are() {
        let mut faults = Vec::new();
        let body = json!([
            {"start_frame": 9, "end_frame": 3, "x": 0, "y": 0, "radius_x": 9, "radius_y": 9},
            {"start_time": 2, "end_time": 2, "keyframes": []},
            {"start_time": 0, "end_time": 2, "keyframes": [
                {"time": 1, "x": 1, "y": 1, "radius_x": 5, "radiusY": 5, "color": "yellow"}]},
        ]);
        assert_eq!(Regions::read(&body, At::root(&mut faults)), None);
        let told: Vec<_> = faults.iter().map(|f| (f.pointer.as_str(), f.detail.as_str())).collect();
        assert_eq!(
            told,
            [
                ("/0/end_frame", "must not be before start_frame"),
                ("/1/keyframes", "must have at least one keyframe"),
                ("/1/end_time", "must be after start_time"),
                ("/2/keyframes/0/radiusX", "is required"),
                ("/2/keyframes/0/color", "must be a colour such as #FFFF00"),
                ("/2/keyframes/0/radius_x", "is not a known field (did you mean \"radiusX\"?)"),
            ]
        );
        let mut faults = Vec::new();
        let mixed = json!([
            {"start_frame": 0, "end_frame": 3, "x": 0, "y": 0, "radius_x": 9, "radius_y": 9},
            {"start_time": 0, "end_time": 2, "keyframes": [key(0.0, 1.0, 2.0, 0.5, "#000000")]},
        ]);
        assert_eq!(Regions::read(&mixed, At::root(&mut faults)), None);
        assert_eq!(faults[0].pointer, "/1");
    }
}
