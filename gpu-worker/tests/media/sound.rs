//! The test sound: a beep with every flash, and where the beeps of a recording begin.

use crate::picture::{FLASH_AT_MS, is_flash_at};

pub const RATE: usize = 48_000;
const SAMPLES_PER_MS: usize = RATE / 1000;

/// Of full scale.
const AMPLITUDE: f64 = 0.5;
const HERTZ: f64 = 1000.0;

/// What was heard.
#[derive(Clone, Debug, Default)]
pub struct Heard {
    pub length_s: f64,
    /// When each beep begins.
    pub beeps_s: Vec<f64>,
    /// The loudest millisecond's RMS, of full scale.
    pub loudest: f64,
}

/// The loudest millisecond of a beep as it was drawn.
pub const BEEP_RMS: f64 = AMPLITUDE * std::f64::consts::FRAC_1_SQRT_2;

/// One channel of 16 bits.
pub fn draw(length_ms: u64) -> Vec<u8> {
    let mut samples = Vec::new();
    for ms in 0..length_ms {
        for sample in 0..SAMPLES_PER_MS {
            let phase = sample as f64 / SAMPLES_PER_MS as f64 * HERTZ / 1000.0;
            let value = if is_flash_at(ms) { (phase * std::f64::consts::TAU).sin() * AMPLITUDE } else { 0.0 };
            samples.extend(((value * f64::from(i16::MAX)) as i16).to_le_bytes());
        }
    }
    samples
}

/// When the beeps of a film of this length begin, in seconds; of a minute at most.
pub fn beeps_of(length_s: f64) -> Vec<f64> {
    let first = FLASH_AT_MS as f64 / 1000.0;
    (0..60).map(|second| f64::from(second) + first).take_while(|start| *start < length_s).collect()
}

/// Reads one channel of 16 bits at [`RATE`]. A beep begins with the first millisecond that is louder than half
/// of the loudest one, after a tenth of a second of less.
pub fn read(bytes: &[u8]) -> Heard {
    const PAUSE_MS: usize = 100;
    let samples: Vec<f64> =
        bytes.chunks_exact(2).map(|b| f64::from(i16::from_le_bytes([b[0], b[1]])) / 32768.0).collect();
    let rms = |ms: &[f64]| (ms.iter().map(|s| s * s).sum::<f64>() / ms.len() as f64).sqrt();
    let loudness: Vec<f64> = samples.chunks(SAMPLES_PER_MS).map(rms).collect();
    let loudest = loudness.iter().copied().fold(0.0, f64::max);
    let mut beeps_s = Vec::new();
    let mut last_loud: Option<usize> = None;
    // Less is noise of a codec.
    let is_beep = |loudness: f64| loudest > 0.01 && loudness > loudest / 2.0;
    for ms in (0..loudness.len()).filter(|ms| is_beep(loudness[*ms])) {
        if last_loud.is_none_or(|last| ms - last > PAUSE_MS) {
            beeps_s.push(ms as f64 / 1000.0);
        }
        last_loud = Some(ms);
    }
    Heard { length_s: samples.len() as f64 / RATE as f64, beeps_s, loudest }
}

#[test]
fn the_beeps_that_were_drawn_are_heard() {
    let heard = read(&draw(2500));
    assert_eq!(heard.beeps_s, [0.2, 1.2, 2.2]);
    assert_eq!(heard.beeps_s, beeps_of(2.5));
    assert!((heard.length_s - 2.5).abs() < 1e-9 && (heard.loudest - BEEP_RMS).abs() < 0.01, "{heard:?}");
}
