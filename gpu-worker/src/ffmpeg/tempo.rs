//! Sound at another speed and the same pitch, as filters.
//!
//! Invariant: the beginning of a sound stays at its picture, at every speed. It may not know clips or
//! segments.

use std::sync::OnceLock;

use super::process::output_of;

/// Filters that play sound `speed` times as fast, each with a comma in front; none at speed 1.
///
/// Rubber Band keeps the attack of a sound where ffmpeg has it; the older `atempo` smears it by up to 0.1 s.
pub(super) fn filters(speed: f64) -> String {
    if (speed - 1.0).abs() < 1e-9 {
        String::new()
    } else if has_rubberband() {
        rubberband(speed)
    } else {
        atempo_chain(speed).iter().fold(String::new(), |chain, tempo| format!("{chain},atempo={tempo:.6}"))
    }
}

/// Whether this machine's ffmpeg has the filter; asked once per process.
fn has_rubberband() -> bool {
    static HAS_RUBBERBAND: OnceLock<bool> = OnceLock::new();
    *HAS_RUBBERBAND
        .get_or_init(|| output_of(&["-filters"]).is_some_and(|filters| filters.contains(" rubberband ")))
}

fn rubberband(speed: f64) -> String {
    let delay_s = ATTACK_LEAD_S * (1.0 / speed - 1.0);
    let shift = if delay_s > 0.0 {
        format!("adelay=delays={:.3}:all=1", delay_s * 1000.0)
    } else {
        format!("atrim=start={:.6},asetpts=PTS-STARTPTS", -delay_s)
    };
    // The filter keeps its last window to itself, so it gets silence to keep.
    format!(
        ",aresample={RATE_HZ},apad=pad_dur=0.5,rubberband=tempo={speed:.6}:window=short:transients=smooth,{shift}"
    )
}

/// How much of the sound before an attack Rubber Band's short window swallows at [`RATE_HZ`], for which the filter does
/// not make up: 3 to 11 ms, measured on whistles, beeps and claps. The least counts, since the frames in between
/// let a flash grow before its own frame. `crisp` begins a tone anew at each attack that it
/// believes to find, and so lets some swell after a tenth of a second.
const ATTACK_LEAD_S: f64 = 0.003;
/// The window is counted in samples.
const RATE_HZ: u32 = 48_000;

/// `atempo` factors, each between 0.5 and 2 where it sounds best, whose product is `speed`.
fn atempo_chain(speed: f64) -> Vec<f64> {
    if (0.5..=2.0).contains(&speed) { vec![speed] } else { vec![speed.sqrt(); 2] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_speed_is_a_product_of_factors_between_a_half_and_two() {
        for speed in [0.25, 0.3, 0.5, 0.75, 1.5, 2.0, 3.0, 4.0] {
            let factors = atempo_chain(speed);
            assert!((factors.iter().product::<f64>() - speed).abs() < 1e-9, "{speed}");
            assert!(factors.iter().all(|factor| (0.5..=2.0).contains(factor)), "{speed}: {factors:?}");
        }
    }

    #[test]
    fn unchanged_speed_needs_no_filter() {
        assert_eq!(filters(1.0), "");
    }
}
