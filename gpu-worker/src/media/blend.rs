//! Fades and dissolves: a frame darkened, or mixed with another.

use rayon::prelude::*;

use super::frame::Frame;

/// Scales the brightness of a frame to `share / whole`.
pub fn darken(frame: &mut Frame, share: u32, whole: u32) {
    let light = weight(share, whole);
    frame.bytes_mut().par_chunks_mut(CHUNK_BYTES).for_each(|bytes| {
        for byte in bytes {
            *byte = mix_byte(*byte, 0, light);
        }
    });
}

/// Mixes `share / whole` of `frame` with the rest of `old`.
pub fn blend(frame: &mut Frame, old: &Frame, share: u32, whole: u32) {
    let own = weight(share, whole);
    let chunks = frame.bytes_mut().par_chunks_mut(CHUNK_BYTES).zip(old.bytes().par_chunks(CHUNK_BYTES));
    chunks.for_each(|(bytes, old)| {
        for (byte, old) in bytes.iter_mut().zip(old) {
            *byte = mix_byte(*byte, *old, own);
        }
    });
}

/// A share in 256ths.
fn weight(share: u32, whole: u32) -> u16 {
    u16::try_from((share * 256 + whole / 2) / whole.max(1)).unwrap_or(256).min(256)
}

/// `share` 256ths of `a` and the rest of `b`, rounded; fits 16 bits.
fn mix_byte(a: u8, b: u8, share: u16) -> u8 {
    let sum = u16::from(a).wrapping_mul(share).wrapping_add(u16::from(b).wrapping_mul(256 - share));
    // White alone gives 65280, and 128 more still fits.
    sum.wrapping_add(128).to_be_bytes()[0]
}

/// Large enough that each core gets a few of them.
const CHUNK_BYTES: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use reel_core::edit::FrameSize;

    use super::*;

    fn grey(value: u8) -> Frame {
        let mut frame = Frame::black(FrameSize { width: 4, height: 2 });
        frame.bytes_mut().fill(value);
        frame
    }

    #[test]
    fn a_fade_reaches_black_and_keeps_full_light() {
        let faded = |share, whole| {
            let mut frame = grey(255);
            darken(&mut frame, share, whole);
            frame.bytes()[0]
        };
        assert_eq!([faded(0, 15), faded(1, 2), faded(15, 15), faded(0, 1)], [0, 128, 255, 0]);
    }

    #[test]
    fn a_dissolve_is_a_mean_of_both() {
        let mut frame = grey(200);
        blend(&mut frame, &grey(100), 1, 4);
        assert_eq!(frame.bytes()[5], 125);
        let mut white = grey(255);
        blend(&mut white, &grey(255), 3, 7);
        assert_eq!(white.bytes()[0], 255);
    }
}
