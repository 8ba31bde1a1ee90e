//! A function of a byte as a lookup table.

/// The result for each of the 256 values.
#[derive(Clone, Debug)]
pub struct Lut([u8; 256]);

impl Lut {
    /// `trunc(min(255, value * factor))`.
    pub fn scaled(factor: f64) -> Self {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "cutting is the rule; bounded"
        )]
        Self::from(|value| (f64::from(value) * factor).clamp(0.0, 255.0) as u8)
    }

    /// `round(color * alpha + value * (1 - alpha))`, halves to the even side as OpenCV has it.
    pub fn blend_to(color: u8, alpha: f64) -> Self {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between two bytes")]
        Self::from(|value| {
            (f64::from(color) * alpha + f64::from(value) * (1.0 - alpha)).round_ties_even() as u8
        })
    }

    pub fn get(&self, value: u8) -> u8 {
        // A byte cannot be outside of 256 values, so this never falls back, and compiles to a load.
        self.0.get(usize::from(value)).copied().unwrap_or(value)
    }

    pub fn apply(&self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = self.get(*byte);
        }
    }

    fn from(of: impl Fn(u8) -> u8) -> Self {
        let mut table = [0; 256];
        for (value, entry) in (0..=u8::MAX).zip(&mut table) {
            *entry = of(value);
        }
        Self(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scaling_cuts_and_saturates() {
        assert_eq!([10, 100, 150, 200].map(|v| Lut::scaled(0.7).get(v)), [7, 70, 105, 140]);
        assert_eq!([100, 151, 200].map(|v| Lut::scaled(1.5).get(v)), [150, 226, 255]);
        assert_eq!(
            (0..=255).map(|v| Lut::scaled(1.0).get(v)).collect::<Vec<_>>(),
            (0..=255).collect::<Vec<_>>()
        );
    }

    #[test]
    fn tinting_rounds() {
        assert_eq!([Lut::blend_to(0, 0.15).get(100), Lut::blend_to(255, 0.15).get(150)], [85, 166]);
    }
}
