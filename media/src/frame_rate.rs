//! Frame rates as exact fractions.

use std::fmt;
use std::str::FromStr;

/// Frames per second as ffmpeg counts them; both parts above 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRate {
    num: u32,
    den: u32,
}

impl FrameRate {
    /// `num / den`; `None` when it is not a rate.
    pub fn new(num: u32, den: u32) -> Option<Self> {
        (num > 0 && den > 0).then_some(Self { num, den })
    }

    /// A whole number of frames a second; 1 for 0.
    pub const fn whole(fps: u32) -> Self {
        Self { num: if fps == 0 { 1 } else { fps }, den: 1 }
    }

    /// The fraction behind a decimal: 29.97 is 30000/1001.
    pub fn from_decimal(fps: f64) -> Option<Self> {
        for whole in [24, 30, 48, 60, 120_u32] {
            let exact = f64::from(whole) * 1000.0 / 1001.0;
            if (fps - exact).abs() < 0.005 {
                return Self::new(whole * 1000, 1001);
            }
        }
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded just before")]
        let thousandths =
            (fps.is_finite() && (0.001..=1e6).contains(&fps)).then(|| (fps * 1000.0).round() as u32)?;
        if thousandths % 1000 == 0 { Self::new(thousandths / 1000, 1) } else { Self::new(thousandths, 1000) }
    }

    /// The usual rate that a measured one stands for, when one is near: a phone's 29.99 becomes 30. Whole rates
    /// are usual, and the broadcast rates a thousandth below some of them. Where the measure is too uncertain to
    /// tell them apart, by this part of it, the whole rate is meant.
    pub fn nearest_usual(fps: f64, uncertainty: f64) -> Self {
        const BROADCAST: [u32; 5] = [24, 30, 48, 60, 120];
        const HIGHEST: f64 = 1000.0;
        let fps = if fps.is_finite() { fps.clamp(0.001, HIGHEST) } else { HIGHEST };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped just before")]
        let whole = (fps.round() as u32).max(1);
        let broadcast = BROADCAST.into_iter().map(|whole| Self { num: whole * 1000, den: 1001 });
        let usual = broadcast.chain([Self { num: whole, den: 1 }]);
        let near = |rate: &Self| (rate.fps() / fps - 1.0).abs() < 0.006;
        let doubt = |rate: &Self| if rate.den == 1 { 0.0 } else { uncertainty };
        let distance = |rate: &Self| (rate.fps() / fps - 1.0).abs() + doubt(rate);
        let nearest = usual.filter(near).min_by(|a, b| distance(a).total_cmp(&distance(b)));
        nearest.or_else(|| Self::from_decimal(fps)).unwrap_or(Self { num: whole, den: 1 })
    }

    /// The rate of a reel of this source, when nobody asked for another: the same from 10 to 60 frames a second,
    /// a whole part of a higher one, and a multiple of a lower one where it can be.
    #[must_use]
    pub fn for_output(self) -> Self {
        /// Above it, reels play badly on phones.
        const HIGHEST: f64 = 60.0;
        /// Below it, a trim could not be cut where it was asked for.
        const LOWEST: f64 = 10.0;
        let fps = self.fps();
        if fps > HIGHEST {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 17")]
            let divisor = (fps / HIGHEST - 1e-6).ceil() as u32;
            return Self { num: self.num, den: self.den.saturating_mul(divisor) }.reduced();
        }
        if fps >= LOWEST {
            return self;
        }
        let multiple = |usual: u32| f64::from(usual) / fps;
        let is_multiple = |usual: &u32| (multiple(*usual) - multiple(*usual).round()).abs() < 1e-3;
        Self::whole([30, 25, 24].into_iter().find(is_multiple).unwrap_or(30))
    }

    fn reduced(self) -> Self {
        let (mut a, mut b) = (self.num, self.den);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        Self { num: self.num / a, den: self.den / a }
    }

    /// Frames per second as a number.
    pub fn fps(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    /// Seconds from the first frame to frame number `frame`, which may be a fraction.
    pub fn time_s(self, frame: f64) -> f64 {
        frame * f64::from(self.den) / f64::from(self.num)
    }

    /// Duration of `frames` frames in seconds.
    pub fn duration_s(self, frames: u64) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "a reel has far fewer than 2^53 frames")]
        self.time_s(frames as f64)
    }
}

impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}

impl FromStr for FrameRate {
    type Err = ParseFrameRateError;

    fn from_str(text: &str) -> Result<Self, ParseFrameRateError> {
        let (num, den) = text.split_once('/').unwrap_or((text, "1"));
        let parts = num.parse().ok().zip(den.parse().ok());
        parts.and_then(|(num, den)| Self::new(num, den)).ok_or(ParseFrameRateError)
    }
}

/// Text such as `0/0`, which ffprobe writes for an unknown rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseFrameRateError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_become_exact_fractions() {
        for (decimal, text) in
            [(30.0, "30/1"), (29.97, "30000/1001"), (23.976, "24000/1001"), (12.5, "12500/1000")]
        {
            assert_eq!(FrameRate::from_decimal(decimal).map(|rate| rate.to_string()).as_deref(), Some(text));
        }
        assert_eq!(FrameRate::from_decimal(f64::NAN), None);
    }

    #[test]
    fn a_measured_rate_becomes_a_usual_one_only_when_near() {
        let nearest = |fps| FrameRate::nearest_usual(fps, 0.0).to_string();
        assert_eq!(nearest(29.969), "30000/1001");
        assert_eq!(nearest(29.99), "30/1");
        assert_eq!(nearest(59.94), "60000/1001");
        assert_eq!(nearest(27.05), "27/1");
        assert_eq!(nearest(1.0), "1/1");
        assert_eq!(nearest(0.5), "500/1000");
        assert_eq!(nearest(12.5), "12500/1000");
        assert_eq!(nearest(f64::NAN), "1000/1");
        assert_eq!(FrameRate::nearest_usual(29.975, 0.001).to_string(), "30/1", "too uncertain");
    }

    #[test]
    fn a_reel_has_at_most_60_frames_a_second_and_a_rate_that_can_be_cut() {
        let output = |fps| FrameRate::nearest_usual(fps, 0.0).for_output().to_string();
        let kept = [(24.0, "24/1"), (29.97, "30000/1001"), (60.0, "60/1"), (15.0, "15/1")];
        let capped =
            [(119.88, "60000/1001"), (120.0, "60/1"), (240.0, "60/1"), (100.0, "50/1"), (90.0, "45/1")];
        let raised = [(1.0, "30/1"), (5.0, "30/1"), (8.0, "24/1"), (0.5, "30/1"), (7.0, "30/1")];
        for (source, rate) in kept.into_iter().chain(capped).chain(raised) {
            assert_eq!(output(source), rate, "{source}");
        }
    }

    #[test]
    fn an_unknown_rate_of_ffprobe_is_an_error() {
        assert_eq!("0/0".parse::<FrameRate>(), Err(ParseFrameRateError));
        assert_eq!("30000/1001".parse::<FrameRate>(), Ok(FrameRate { num: 30_000, den: 1001 }));
    }
}
