//! More brightness inside ellipses: red, green and blue are scaled and saturate each on its own.
//!
//! Where nothing saturates, that is the same as scaling light and colour differences. Where something
//! does, a picture's colour shifts, as the specification's golden pixels have it; so each pixel is worked
//! out in red, green and blue, inside the ellipse only.

use super::row_pairs::RowPair;
use super::simd::vectorized;

/// Pixels that are worked on together.
const LANES: usize = 16;

/// Multiplies the pixels of two rows by 1 and `gains` 256ths; pixels without a gain stay.
pub fn boost(pair: RowPair<'_>, gains: &[Vec<u16>; 2]) {
    let RowPair { luma: [upper, lower], chroma: [blue, red], .. } = pair;
    let alone = lower.is_empty();
    vectorized(|| {
        let samples = blue.chunks_mut(LANES / 2).zip(red.chunks_mut(LANES / 2));
        for (block, (blue, red)) in samples.enumerate() {
            let start = block * LANES;
            let gains = [&gains[0], &gains[1]].map(|gains| lanes(gains.get(start..).unwrap_or_default(), 0));
            if gains.iter().flatten().all(|gain| *gain == 0) {
                continue;
            }
            let differences = [lanes(blue, 128), lanes(red, 128)];
            let upper = upper.get_mut(start..).unwrap_or_default();
            let above = boost_row(upper, differences, gains[0]);
            let below = if alone {
                above
            } else {
                boost_row(lower.get_mut(start..).unwrap_or_default(), differences, gains[1])
            };
            let odd = upper.len() % 2 == 1 && upper.len() < LANES;
            let last = if odd { upper.len() / 2 } else { LANES };
            for (samples, (above, below)) in [blue, red].into_iter().zip(above.into_iter().zip(below)) {
                for (index, sample) in samples.iter_mut().enumerate() {
                    // The last column of an odd width has its colour sample alone.
                    let right = if index == last { 2 * index } else { 2 * index + 1 };
                    let of = |row: &[f32; LANES], at: usize| row.get(at).copied().unwrap_or(0.0);
                    let sum =
                        of(&above, 2 * index) + of(&above, right) + of(&below, 2 * index) + of(&below, right);
                    *sample = to_byte(128.0 + sum / 4.0);
                }
            }
        }
    });
}

/// The beginning of a slice in lanes, with `rest` where it is shorter.
#[allow(clippy::inline_always, reason = "see `vectorized`")]
#[inline(always)]
fn lanes<T: Copy, const N: usize>(values: &[T], rest: T) -> [T; N] {
    let mut lanes = [rest; N];
    for (lane, value) in lanes.iter_mut().zip(values) {
        *lane = *value;
    }
    lanes
}

/// Writes the new light of a row; returns the new colour differences of each pixel.
#[allow(clippy::inline_always, reason = "see `vectorized`")]
#[inline(always)]
fn boost_row(row: &mut [u8], [blue, red]: [[u8; LANES / 2]; 2], gains: [u16; LANES]) -> [[f32; LANES]; 2] {
    let before: [u8; LANES] = lanes(row, 16);
    let mut light = [0.0; LANES];
    let mut differences = [[0.0; LANES]; 2];
    for (index, (before, gain)) in before.into_iter().zip(gains).enumerate() {
        let factor = 1.0 + f32::from(gain) / 256.0;
        let [cb, cr] =
            [blue, red].map(|plane| f32::from(plane.get(index / 2).copied().unwrap_or(128)) - 128.0);
        let y = (f32::from(before) - 16.0) * (255.0 / 219.0);
        let scaled = |channel: f32| (channel * factor).clamp(0.0, 255.0);
        let r = scaled(y + 1.5748 * (255.0 / 224.0) * cr);
        let g = scaled(y - 0.187_324 * (255.0 / 224.0) * cb - 0.468_124 * (255.0 / 224.0) * cr);
        let b = scaled(y + 1.8556 * (255.0 / 224.0) * cb);
        let after = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        let is_inside = gain > 0;
        if let Some(light) = light.get_mut(index) {
            *light = if is_inside { 16.0 + after * (219.0 / 255.0) } else { f32::from(before) };
        }
        let [blue, red] = &mut differences;
        if let (Some(blue), Some(red)) = (blue.get_mut(index), red.get_mut(index)) {
            *blue = if is_inside { (b - after) * (224.0 / 255.0 / 1.8556) } else { cb };
            *red = if is_inside { (r - after) * (224.0 / 255.0 / 1.5748) } else { cr };
        }
    }
    for (sample, light) in row.iter_mut().zip(light) {
        *sample = to_byte(light);
    }
    differences
}

#[allow(clippy::inline_always, reason = "see `vectorized`")]
#[inline(always)]
fn to_byte(value: f32) -> u8 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    {
        (value + 0.5) as u8
    }
}
