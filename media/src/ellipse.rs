//! The pixels of an ellipse: its inside, row by row, and its outline.
//!
//! The outlines match what OpenCV draws for the same whole-pixel centre and radii, but for a
//! few pixels on the border.

use std::ops::Range;

use reel_core::edit::{FrameSize, Highlight, PixelRect};

/// Half the thickness of the outline, in pixels: 5 wide on the axes, as a 3 pixel line that is
/// not anti-aliased comes out.
const HALF_RING: f64 = 2.5;

/// An ellipse in whole pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ellipse {
    center_x: i32,
    center_y: i32,
    radius_x: i32,
    radius_y: i32,
}

impl Ellipse {
    pub fn new(highlight: &Highlight) -> Self {
        Self {
            center_x: highlight.center_x,
            center_y: highlight.center_y,
            radius_x: highlight.radius_x,
            radius_y: highlight.radius_y,
        }
    }

    /// Whether any of its box lies on a frame of this size.
    pub fn touches(&self, frame_size: FrameSize) -> bool {
        self.bounds(0, frame_size).is_some()
    }

    /// The box around it, `margin` wider on each side, cut to the frame.
    pub fn bounds(&self, margin: i32, frame_size: FrameSize) -> Option<PixelRect> {
        let columns = clip(self.center_x, self.radius_x + margin, frame_size.width);
        let rows = clip(self.center_y, self.radius_y + margin, frame_size.height);
        (!columns.is_empty() && !rows.is_empty()).then(|| PixelRect {
            x: columns.start,
            y: rows.start,
            width: columns.end - columns.start,
            height: rows.end - rows.start,
        })
    }

    /// The columns inside it on row `y`, cut to `0..width`.
    pub fn inside(&self, y: u32, width: u32) -> Range<u32> {
        let dy = f64::from(y) - f64::from(self.center_y);
        if dy.abs() > f64::from(self.radius_y) {
            return 0..0;
        }
        let down = dy / (f64::from(self.radius_y) + 0.5);
        let half = (f64::from(self.radius_x) + 0.5) * (1.0 - down * down).max(0.0).sqrt();
        #[allow(clippy::cast_possible_truncation, reason = "at most the radius")]
        let half = (half.floor() as i32).min(self.radius_x);
        clip(self.center_x, half, width)
    }

    /// The columns of the outline on row `y`: up to two runs, cut to `0..width`.
    pub fn ring(&self, y: u32, width: u32) -> impl Iterator<Item = u32> + use<> {
        let ellipse = *self;
        #[allow(clippy::cast_possible_truncation, reason = "a small constant")]
        let reach = HALF_RING.ceil() as i32;
        let columns = clip(self.center_x, self.radius_x + reach, width);
        columns.filter(move |x| {
            let dx = f64::from(*x) - f64::from(ellipse.center_x);
            let dy = f64::from(y) - f64::from(ellipse.center_y);
            ellipse.is_near(dx, dy) && ellipse.distance(dx.abs(), dy.abs()) <= HALF_RING
        })
    }

    /// Whether a point may lie on the ring: a cheap bound that spares nearly all of the inside.
    ///
    /// The point's scaled distance to the centre is 1 on the curve and changes by at most
    /// `1 / radius` a pixel, for the smaller radius.
    fn is_near(&self, dx: f64, dy: f64) -> bool {
        let (a, b) = (f64::from(self.radius_x).max(0.5), f64::from(self.radius_y).max(0.5));
        let scaled = ((dx / a).powi(2) + (dy / b).powi(2)).sqrt();
        (scaled - 1.0).abs() * a.min(b) <= HALF_RING
    }

    /// Distance of a point of the first quadrant to the curve.
    ///
    /// Walks along the curve to the nearest point, taking it for a circle around its centre of
    /// curvature at each step. Three steps are exact to far below a pixel.
    fn distance(&self, x: f64, y: f64) -> f64 {
        const STEPS: usize = 4;
        let (a, b) = (f64::from(self.radius_x).max(0.5), f64::from(self.radius_y).max(0.5));
        let (mut tx, mut ty) = (std::f64::consts::FRAC_1_SQRT_2, std::f64::consts::FRAC_1_SQRT_2);
        for _ in 0..STEPS {
            let (ex, ey) = ((a * a - b * b) * tx.powi(3) / a, (b * b - a * a) * ty.powi(3) / b);
            let radius = (a * tx - ex).hypot(b * ty - ey);
            let (qx, qy) = (x - ex, y - ey);
            let away = qx.hypot(qy);
            if away < 1e-9 {
                // In the centre of curvature itself: the whole arc is equally near.
                break;
            }
            tx = ((qx * radius / away + ex) / a).clamp(0.0, 1.0);
            ty = ((qy * radius / away + ey) / b).clamp(0.0, 1.0);
            let length = tx.hypot(ty).max(f64::MIN_POSITIVE);
            (tx, ty) = (tx / length, ty / length);
        }
        (a * tx - x).hypot(b * ty - y)
    }
}

/// `center - reach ..= center + reach`, cut to `0..side`.
fn clip(center: i32, reach: i32, side: u32) -> Range<u32> {
    let start = u32::try_from(center.saturating_sub(reach).max(0)).unwrap_or(0);
    let end = u32::try_from(center.saturating_add(reach).saturating_add(1).max(0)).unwrap_or(0).min(side);
    start.min(end)..end
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAYER: Ellipse = Ellipse { center_x: 160, center_y: 120, radius_x: 30, radius_y: 50 };

    #[test]
    fn an_ellipse_reaches_exactly_its_radii() {
        assert_eq!(PLAYER.inside(120, 320), 130..191);
        assert_eq!(PLAYER.inside(69, 320), 0..0);
        assert!(PLAYER.inside(70, 320).contains(&160));
        assert!(PLAYER.inside(170, 320).contains(&160));
        assert_eq!(PLAYER.inside(171, 320), 0..0);
    }

    #[test]
    fn the_ring_is_five_wide_on_the_axes() {
        let ring: Vec<u32> = PLAYER.ring(120, 320).collect();
        assert_eq!(ring, [128, 129, 130, 131, 132, 188, 189, 190, 191, 192]);
        let column = |y| PLAYER.ring(y, 320).any(|x| x == 160);
        let rows: Vec<u32> = (0..240).filter(|y| column(*y)).collect();
        assert_eq!(rows, [68, 69, 70, 71, 72, 168, 169, 170, 171, 172]);
    }

    #[test]
    fn what_lies_outside_the_picture_is_cut_off() {
        let frame_size = FrameSize { width: 320, height: 240 };
        assert!(PLAYER.touches(frame_size));
        let left = Ellipse { center_x: -30, ..PLAYER };
        assert_eq!(left.inside(120, 320), 0..1);
        let gone = Ellipse { center_x: -31, ..PLAYER };
        assert!(!gone.touches(frame_size));
        assert_eq!(gone.inside(120, 320), 0..0);
    }

    #[test]
    fn a_circles_distances_are_those_of_a_circle() {
        let circle = Ellipse { radius_x: 40, radius_y: 40, ..PLAYER };
        for (x, y) in [(0.0, 0.0), (40.0, 0.0), (30.0, 30.0), (3.0, 50.0), (0.0, 37.5)] {
            let expected = (f64::hypot(x, y) - 40.0).abs();
            assert!((circle.distance(x, y) - expected).abs() < 1e-6, "{x} {y}");
        }
    }
}
