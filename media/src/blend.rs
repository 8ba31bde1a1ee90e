//! Fades and dissolves: a frame darkened, or mixed with another.

use rayon::prelude::*;

use super::frame::{BLACK, Frame, NEUTRAL};
use super::simd::{mix, vectorized};

/// Scales the brightness of a frame to `share / whole`.
pub fn darken(frame: &mut Frame, share: u32, whole: u32) {
    let dark = 256 - share_256ths(share, whole);
    let [luma, blue, red] = frame.planes_mut();
    for (plane, target) in [(luma, BLACK), (blue, NEUTRAL), (red, NEUTRAL)] {
        plane.bytes.par_chunks_mut(CHUNK_BYTES).for_each(|bytes| {
            vectorized(|| bytes.iter_mut().for_each(|byte| *byte = mix(*byte, target, dark)));
        });
    }
}

/// Mixes `share / whole` of `frame` with the rest of `old`.
pub fn blend(frame: &mut Frame, old: &Frame, share: u32, whole: u32) {
    let rest = 256 - share_256ths(share, whole);
    let chunks = frame.bytes_mut().par_chunks_mut(CHUNK_BYTES).zip(old.bytes().par_chunks(CHUNK_BYTES));
    chunks.for_each(|(bytes, old)| {
        vectorized(|| bytes.iter_mut().zip(old).for_each(|(byte, old)| *byte = mix(*byte, *old, rest)));
    });
}

/// A share in 256ths.
fn share_256ths(share: u32, whole: u32) -> u16 {
    u16::try_from((share * 256 + whole / 2) / whole.max(1)).unwrap_or(256).min(256)
}

/// Large enough that each core gets a few of them.
const CHUNK_BYTES: usize = 1 << 16;

#[cfg(test)]
mod tests {
    use reel_core::edit::FrameSize;

    use super::*;

    /// A frame of one value in all planes.
    fn flat(value: u8) -> Frame {
        let mut frame = Frame::black(FrameSize { width: 4, height: 2 });
        frame.bytes_mut().fill(value);
        frame
    }

    #[test]
    fn a_fade_reaches_black_and_keeps_full_light() {
        let faded = |share, whole| {
            let mut frame = flat(216);
            darken(&mut frame, share, whole);
            (frame.planes()[0].bytes[0], frame.planes()[2].bytes[0])
        };
        assert_eq!(faded(0, 15), (16, 128));
        assert_eq!(faded(1, 2), (116, 172));
        assert_eq!(faded(15, 15), (216, 216));
        assert_eq!(faded(0, 1), (16, 128));
    }

    #[test]
    fn a_dissolve_is_a_mean_of_both() {
        let mut frame = flat(200);
        blend(&mut frame, &flat(100), 1, 4);
        assert_eq!(frame.bytes()[5], 125);
        let mut white = flat(255);
        blend(&mut white, &flat(255), 3, 7);
        assert_eq!(white.bytes()[0], 255);
    }
}
