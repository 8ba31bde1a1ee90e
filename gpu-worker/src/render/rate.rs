//! Frame rates, which are fractions.

use std::fmt;
use std::str::FromStr;

/// Frames per second as ffmpeg counts them; both parts above 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    num: u32,
    den: u32,
}

impl Rate {
    /// `num / den`; `None` when it is not a rate.
    pub(super) fn new(num: u32, den: u32) -> Option<Self> {
        (num > 0 && den > 0).then_some(Self { num, den })
    }

    /// The fraction that a person means by a decimal: 29.97 is 30000/1001.
    pub(super) fn from_decimal(fps: f64) -> Option<Self> {
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

    /// The usual rate next to a measured one, when it is near: a phone's 29.99 is meant as 30.
    pub(super) fn snapped(self) -> Self {
        let near = |rate: &Self| (rate.fps() - self.fps()).abs() / rate.fps() < 0.004;
        let usual =
            [(24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (50, 1), (60000, 1001), (60, 1)];
        let usual = usual.into_iter().map(|(num, den)| Self { num, den }).filter(near);
        let distance = |rate: &Self| (rate.fps() - self.fps()).abs();
        usual.min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(self)
    }

    /// Frames per second as a number.
    pub(super) fn fps(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    /// How long so many frames last.
    pub(super) fn seconds(self, frames: f64) -> f64 {
        frames * f64::from(self.den) / f64::from(self.num)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}

impl FromStr for Rate {
    type Err = NotARate;

    fn from_str(text: &str) -> Result<Self, NotARate> {
        let (num, den) = text.split_once('/').unwrap_or((text, "1"));
        let parts = num.parse().ok().zip(den.parse().ok());
        parts.and_then(|(num, den)| Self::new(num, den)).ok_or(NotARate)
    }
}

/// Text such as `0/0`, which ffprobe writes when it cannot tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotARate;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_become_the_fractions_that_are_meant() {
        for (decimal, text) in
            [(30.0, "30/1"), (29.97, "30000/1001"), (23.976, "24000/1001"), (12.5, "12500/1000")]
        {
            assert_eq!(Rate::from_decimal(decimal).map(|rate| rate.to_string()).as_deref(), Some(text));
        }
        assert_eq!(Rate::from_decimal(f64::NAN), None);
    }

    #[test]
    fn a_measured_rate_snaps_to_a_usual_one_only_when_near() {
        let snapped = |num, den| Rate { num, den }.snapped().to_string();
        assert_eq!(snapped(13_520_000, 451_133), "30000/1001");
        assert_eq!(snapped(2999, 100), "30/1");
        assert_eq!(snapped(27, 1), "27/1");
    }

    #[test]
    fn what_ffprobe_cannot_tell_is_no_rate() {
        assert_eq!("0/0".parse::<Rate>(), Err(NotARate));
        assert_eq!("30000/1001".parse::<Rate>(), Ok(Rate { num: 30_000, den: 1001 }));
    }
}
