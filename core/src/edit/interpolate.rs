//! Values between keyframes.
//!
//! Invariant: a linear value is between its two neighbours. On a keyframe, both methods give exactly the
//! keyframe's value.

/// How a value changes from one keyframe to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interpolation {
    /// Linear.
    #[default]
    Linear,
    /// Smooth, as in the frontend's preview: uniform Catmull-Rom with repeated end points.
    CatmullRom,
}

impl Interpolation {
    /// Every method with its word on the wire.
    pub(super) const WORDS: &'static [(&'static str, Self)] =
        &[("linear", Self::Linear), ("catmull_rom", Self::CatmullRom)];

    /// The value at `position`, where `value(i)` is that of keyframe `i`. The first value applies before the
    /// first keyframe, the last one after the last.
    pub(super) fn at(self, position: KeyframePosition, count: usize, value: impl Fn(usize) -> f64) -> f64 {
        let last = count.saturating_sub(1);
        let (index, u) = match position {
            KeyframePosition::Before => (0, 0.0),
            KeyframePosition::From { index, u } => (index, u),
            KeyframePosition::After => (last, 0.0),
        };
        let next = (index + 1).min(last);
        match self {
            Self::Linear => linear(value(index), value(next), u),
            Self::CatmullRom => {
                let previous = value(index.saturating_sub(1));
                catmull_rom([previous, value(index), value(next), value((index + 2).min(last))], u)
            }
        }
    }
}

/// A position relative to the keyframes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum KeyframePosition {
    /// Before the first.
    Before,
    /// At keyframe `index` or between it and the next: `u` is 0 at the keyframe and below 1 before the next.
    From { index: usize, u: f64 },
    /// After the last.
    After,
}

impl KeyframePosition {
    /// Finds `at` among `keyframes` in ascending order. Of several keyframes at one position, the last
    /// counts.
    pub(super) fn locate<K>(keyframes: &[K], position: impl Fn(&K) -> f64, at: f64) -> Self {
        let passed = keyframes.partition_point(|keyframe| position(keyframe) <= at);
        let Some(index) = passed.checked_sub(1) else { return Self::Before };
        let (Some(here), next) = (keyframes.get(index).map(&position), keyframes.get(passed)) else {
            return Self::After;
        };
        match next.map(&position) {
            Some(next) => Self::From { index, u: (at - here) / (next - here) },
            // Exactly at the last keyframe.
            None if at <= here => Self::From { index, u: 0.0 },
            None => Self::After,
        }
    }
}

fn linear(from: f64, to: f64, u: f64) -> f64 {
    from + (to - from) * u
}

fn catmull_rom([before, from, to, after]: [f64; 4], u: f64) -> f64 {
    let slope_from = (to - before) / 2.0;
    let slope_to = (after - from) / 2.0;
    let square = u * u;
    let cube = square * u;
    (2.0 * cube - 3.0 * square + 1.0) * from
        + (cube - 2.0 * square + u) * slope_from
        + (3.0 * square - 2.0 * cube) * to
        + (cube - square) * slope_to
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn catmull_rom_between_two_keyframes_eases_in_and_out() {
        let keys = [0.0, 1.0];
        for (u, expected) in [(0.1, 0.064), (0.25, 0.203_125), (0.5, 0.5), (0.75, 0.796_875)] {
            let position = KeyframePosition::locate(&keys, |k| *k, u);
            let value = Interpolation::CatmullRom.at(position, 2, |i| keys[i]);
            assert!((value - expected).abs() < 1e-12, "{u}: {value}");
        }
    }

    #[test]
    fn of_two_keyframes_at_one_position_the_later_counts() {
        let keys = [(0.0, 1.0), (1.0, 2.0), (1.0, 8.0), (2.0, 9.0)];
        let value =
            |at| Interpolation::Linear.at(KeyframePosition::locate(&keys, |k| k.0, at), 4, |i| keys[i].1);
        assert_eq!([value(0.5), value(1.0), value(1.5)], [1.5, 8.0, 8.5]);
    }

    #[test]
    fn first_and_last_values_apply_beyond_the_ends() {
        let keys = [(1.0, 10.0), (2.0, 20.0)];
        for interpolation in [Interpolation::Linear, Interpolation::CatmullRom] {
            let value = |at| interpolation.at(KeyframePosition::locate(&keys, |k| k.0, at), 2, |i| keys[i].1);
            assert_eq!([value(0.0), value(1.0), value(2.0), value(9.0)], [10.0, 10.0, 20.0, 20.0]);
        }
    }

    proptest! {
        #[test]
        fn a_linear_value_is_between_its_neighbours(
            mut keys in prop::collection::vec((0.0..100.0_f64, -1e4..1e4_f64), 1..8),
            at in -10.0..110.0_f64,
        ) {
            keys.sort_by(|a, b| a.0.total_cmp(&b.0));
            let position = KeyframePosition::locate(&keys, |k| k.0, at);
            let value = Interpolation::Linear.at(position, keys.len(), |i| keys[i].1);
            let low = keys.iter().map(|k| k.1).fold(f64::INFINITY, f64::min);
            let high = keys.iter().map(|k| k.1).fold(f64::NEG_INFINITY, f64::max);
            prop_assert!(value >= low - 1e-9 && value <= high + 1e-9);
        }

        #[test]
        fn both_methods_give_the_keyframes_value(
            keys in prop::collection::vec(-1e4..1e4_f64, 1..8),
            index in 0..8_usize,
        ) {
            let index = index.min(keys.len() - 1);
            let position = KeyframePosition::From { index, u: 0.0 };
            for interpolation in [Interpolation::Linear, Interpolation::CatmullRom] {
                prop_assert!((interpolation.at(position, keys.len(), |i| keys[i]) - keys[index]).abs() < 1e-9);
            }
        }
    }
}
