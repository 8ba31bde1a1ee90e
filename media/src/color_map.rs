//! From wide and high dynamic range colours to those of BT.709, which every screen shows.
//!
//! Reference white (203 cd/m2 in BT.2408) becomes 93 % of the output's signal, and what is brighter shares
//! the rest, so that highlights stay distinct. Below 86 % nothing changes but the notation: skin and grass
//! stay what they were. Colours that BT.709 cannot hold lose what lies outside.
//!
//! Invariant: pure functions of colours; no pictures. A [`ColorMap`] is written out as a table that
//! ffmpeg applies, as it has a fast filter for tables and only slow ones for formulas.

use std::fmt::Write as _;

/// How the signal of the source stands for light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transfer {
    /// Ordinary video, shown with BT.1886's power of 2.4.
    Sdr,
    /// Hybrid log-gamma of BT.2100, on its nominal display of 1,000 cd/m2.
    Hlg,
    /// Perceptual quantizer of BT.2100 (SMPTE ST 2084).
    Pq,
}

/// The colours of the source's red, green and blue; white is D65.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gamut {
    /// HDTV and sRGB.
    Bt709,
    /// P3, as phones and cinemas have it.
    P3,
    /// UHDTV.
    Bt2020,
}

/// A conversion to BT.709.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColorMap {
    /// How values stand for light.
    pub transfer: Transfer,
    /// Which colours they mix.
    pub gamut: Gamut,
}

/// Reference white in cd/m2 (BT.2408).
const WHITE: f64 = 203.0;
/// BT.1886.
const GAMMA: f64 = 2.4;
/// The output's signal up to which it equals the source's.
const KNEE: f64 = 0.86;
/// Colours along each side of the table.
const TABLE_SIDE: u32 = 49;

impl ColorMap {
    /// The output's red, green and blue signal for the source's; all from 0 to 1.
    pub fn map(self, signal: [f64; 3]) -> [f64; 3] {
        let light = self.to_bt709(self.transfer.light(signal));
        light.map(|channel| {
            let signal = channel.max(0.0).powf(1.0 / GAMMA);
            self.transfer.peak().map_or(signal.min(1.0), |peak| roll_off(signal, peak.powf(1.0 / GAMMA)))
        })
    }

    /// The table in the `.cube` format: red changes fastest.
    pub fn cube(self) -> String {
        let last = f64::from(TABLE_SIDE - 1);
        let mut text = format!("LUT_3D_SIZE {TABLE_SIDE}\n");
        for index in 0..TABLE_SIDE.pow(3) {
            let at = |step: u32| f64::from(index / step % TABLE_SIDE) / last;
            let [r, g, b] = self.map([at(1), at(TABLE_SIDE), at(TABLE_SIDE * TABLE_SIDE)]);
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{r:.5} {g:.5} {b:.5}");
        }
        text
    }

    fn to_bt709(self, [r, g, b]: [f64; 3]) -> [f64; 3] {
        self.gamut.to_bt709().map(|[of_r, of_g, of_b]| of_r * r + of_g * g + of_b * b)
    }
}

impl Transfer {
    /// Light on the screen for a signal; reference white is 1.
    fn light(self, signal: [f64; 3]) -> [f64; 3] {
        match self {
            Self::Sdr => signal.map(|channel| channel.powf(GAMMA)),
            Self::Pq => signal.map(|channel| pq_light(channel) / WHITE),
            Self::Hlg => {
                /// System gamma and peak of BT.2100's nominal display.
                const SYSTEM_GAMMA: f64 = 1.2;
                const PEAK: f64 = 1000.0;
                // Each channel by itself, as ordinary video has it: by luminance, as a reference display
                // does, strong colours would come out paler than a camera of ordinary video gives them.
                signal.map(|channel| hlg_scene_light(channel).powf(SYSTEM_GAMMA) * PEAK / WHITE)
            }
        }
    }

    /// The brightest light that stays distinct, in reference whites; `None` when white is the brightest.
    fn peak(self) -> Option<f64> {
        match self {
            Self::Sdr => None,
            Self::Hlg => Some(1000.0 / WHITE),
            // Films are mastered for 1,000 or 4,000 cd/m2, and seldom say so.
            Self::Pq => Some(4000.0 / WHITE),
        }
    }
}

impl Gamut {
    /// Rows for red, green and blue of BT.709 (from the chromaticities of BT.709, BT.2020, ST 432-1).
    fn to_bt709(self) -> [[f64; 3]; 3] {
        match self {
            Self::Bt709 => [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            Self::P3 => [
                [1.224_940_2, -0.224_940_2, 0.0],
                [-0.042_056_9, 1.042_056_9, 0.0],
                [-0.019_637_6, -0.078_636_0, 1.098_273_6],
            ],
            Self::Bt2020 => [
                [1.660_491_0, -0.587_641_1, -0.072_849_9],
                [-0.124_550_5, 1.132_899_9, -0.008_349_4],
                [-0.018_150_8, -0.100_578_9, 1.118_729_7],
            ],
        }
    }
}

/// Keeps a signal up to the knee, and lets what lies between knee and `peak` approach 1.
fn roll_off(signal: f64, peak: f64) -> f64 {
    if signal <= KNEE {
        return signal;
    }
    // A hyperbola that continues with the slope of 1 and reaches 1 at the peak.
    let over = signal.min(peak) - KNEE;
    let bend = 1.0 / (1.0 - KNEE) - 1.0 / (peak - KNEE);
    KNEE + over / (1.0 + bend * over)
}

/// The inverse of BT.2100's OETF for HLG.
fn hlg_scene_light(signal: f64) -> f64 {
    const A: f64 = 0.178_832_77;
    const B: f64 = 0.284_668_92;
    const C: f64 = 0.559_910_73;
    if signal <= 0.5 { signal * signal / 3.0 } else { (((signal - C) / A).exp() + B) / 12.0 }
}

/// BT.2100's EOTF for PQ, in cd/m2.
fn pq_light(signal: f64) -> f64 {
    const M1: f64 = 2610.0 / 16384.0;
    const M2: f64 = 2523.0 / 32.0;
    const C1: f64 = 3424.0 / 4096.0;
    const C2: f64 = 2413.0 / 128.0;
    const C3: f64 = 2392.0 / 128.0;
    let power = signal.powf(1.0 / M2);
    10_000.0 * ((power - C1).max(0.0) / (C2 - C3 * power)).powf(1.0 / M1)
}

#[cfg(test)]
mod tests;
