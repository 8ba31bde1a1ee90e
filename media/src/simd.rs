//! Loops over bytes in the widest instructions that this machine has (AVX2; NEON is always there).
//!
//! The compiler turns a plain loop into them when it is inlined into [`vectorized`].

/// Runs `work`, which is compiled once for each set of instructions.
///
/// Only what is inlined into the closure gains: mark the functions that it calls `#[inline(always)]`.
pub fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    pulp::Arch::new().dispatch(work)
}

/// Mixes each byte of `row` with a target: `weight` 256ths of the target, rounded.
pub fn mix_rows(row: &mut [u8], target: &[u8], weights: &[u16]) {
    vectorized(|| {
        for ((byte, target), weight) in row.iter_mut().zip(target).zip(weights) {
            *byte = mix(*byte, *target, *weight);
        }
    });
}

/// As [`mix_rows`], with one target for all.
pub fn mix_with(row: &mut [u8], target: u8, weights: &[u16]) {
    vectorized(|| {
        for (byte, weight) in row.iter_mut().zip(weights) {
            *byte = mix(*byte, target, *weight);
        }
    });
}

/// `weight` 256ths of `b` and the rest of `a`, rounded; fits 16 bits.
#[allow(clippy::inline_always, reason = "see `vectorized`")]
#[inline(always)]
pub fn mix(a: u8, b: u8, weight: u16) -> u8 {
    let sum = u16::from(a)
        .wrapping_mul(256_u16.wrapping_sub(weight))
        .wrapping_add(u16::from(b).wrapping_mul(weight));
    // 255 alone gives 65280, and 128 more still fits.
    sum.wrapping_add(128).to_be_bytes()[0]
}

/// A share from 0 to 1 in 256ths.
pub fn weight(share: f64) -> u16 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 256")]
    {
        (share.clamp(0.0, 1.0) * 256.0).round() as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_reaches_both_ends_and_rounds() {
        let mut row = [200, 200, 200, 255];
        mix_with(&mut row, 100, &[0, 256, 64, 128]);
        assert_eq!(row, [200, 100, 175, 178]);
        let mut row = [255; 3];
        mix_rows(&mut row, &[255, 255, 0], &[77, 256, 1]);
        assert_eq!(row, [255, 255, 254]);
        assert_eq!([0.0, 0.3, 1.0, 2.0].map(weight), [0, 77, 256, 256]);
    }
}
