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

    /// The standard rate closest to a measured one, when it is near: a phone's 29.99 becomes 30.
    pub fn nearest_standard(self) -> Self {
        let near = |rate: &Self| (rate.fps() - self.fps()).abs() / rate.fps() < 0.004;
        let standard =
            [(24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (50, 1), (60000, 1001), (60, 1)];
        let standard = standard.into_iter().map(|(num, den)| Self { num, den }).filter(near);
        let distance = |rate: &Self| (rate.fps() - self.fps()).abs();
        standard.min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(self)
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
    fn a_measured_rate_becomes_a_standard_one_only_when_near() {
        let nearest = |num, den| FrameRate { num, den }.nearest_standard().to_string();
        assert_eq!(nearest(13_520_000, 451_133), "30000/1001");
        assert_eq!(nearest(2999, 100), "30/1");
        assert_eq!(nearest(27, 1), "27/1");
    }

    #[test]
    fn an_unknown_rate_of_ffprobe_is_an_error() {
        assert_eq!("0/0".parse::<FrameRate>(), Err(ParseFrameRateError));
        assert_eq!("30000/1001".parse::<FrameRate>(), Ok(FrameRate { num: 30_000, den: 1001 }));
    }
}
