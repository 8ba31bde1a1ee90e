//! The nominal rate of a source: the one that it keeps where it loses no frame.
//!
//! Invariant: lost frames, pauses, jitter and the rounding of a container do not change it.

use crate::frame_rate::FrameRate;

/// Distances that are judged together: long enough to even out jitter, short enough to find a fast second
/// in a slow film.
const WINDOW: usize = 12;
/// A rate counts when at least this part of the windows keeps it. The fastest of these is the nominal rate:
/// a slower one would leave frames out.
const LEAST_SHARE: f64 = 0.2;
/// Windows whose distances differ by less than this keep the same rate.
const SAME_RATE: f64 = 0.12;
/// A longer gap than so many frames says nothing about the rate.
const MAX_GAP_FRAMES: f64 = 4.0;

/// The rate of these times, which ascend; `None` for fewer than two different ones.
pub(super) fn of(times_us: &[i64]) -> Option<FrameRate> {
    let pairs = times_us.windows(2).filter_map(|pair| match pair {
        [a, b] if b > a => Some(super::seconds(b - a)),
        _ => None,
    });
    let distances: Vec<f64> = pairs.collect();
    let mut windows: Vec<Window> = distances.chunks(WINDOW).filter_map(Window::new).collect();
    // A short rest at the end has too few distances to speak for a rate of its own.
    if windows.len() > 1 && !distances.len().is_multiple_of(WINDOW) {
        windows.pop();
    }
    windows.sort_by(|a, b| a.frame_s().total_cmp(&b.frame_s()));
    let needed = count_of(windows.len()) * LEAST_SHARE;
    let mates = |fastest: &Window| {
        let fastest_s = fastest.frame_s();
        windows.iter().filter(move |window| (window.frame_s() / fastest_s - 1.0).abs() < SAME_RATE)
    };
    let fastest = windows.iter().find(|window| count_of(mates(window).count()) >= needed)?;
    // Once more around the middle of its mates, since the first of them is the most jittery one.
    let middle = mates(fastest).nth(mates(fastest).count() / 2)?;
    let count = mates(middle).count();
    // Half of them, from the middle: a seam between two recordings belongs to no rate.
    let half: Vec<&Window> = mates(middle).skip(count / 4).take(count - count / 4 * 2).collect();
    let (span_s, frames) =
        half.iter().fold((0.0, 0.0), |(span, frames), w| (span + w.span_s, frames + w.frames));
    let (first, last) = (half.first()?.frame_s(), half.last()?.frame_s());
    let uncertainty = (last / first - 1.0) / count_of(count).sqrt();
    Some(FrameRate::nearest_usual(frames / span_s, uncertainty))
}

fn count_of(windows: usize) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "at most millions")]
    {
        windows as f64
    }
}

/// Some distances in a row.
struct Window {
    span_s: f64,
    /// How many frames of its own rate lie in the span, the lost ones included.
    frames: f64,
}

impl Window {
    fn new(distances: &[f64]) -> Option<Self> {
        let mut sorted = distances.to_vec();
        sorted.sort_by(f64::total_cmp);
        // The lower middle: the distance without a lost frame, even when nearly half of them are doubled.
        let median = *sorted.get(sorted.len().saturating_sub(1) / 2)?;
        let mut window = Self { span_s: 0.0, frames: 0.0 };
        let mut begun_s = 0.0;
        for distance in distances {
            // A distance of one and a half is one frame: so far goes jitter, and film in a video's clock. One
            // of a half is a part of the next: a stamp that went back lies between two others.
            begun_s += distance;
            let frames = (begun_s / median + 0.4).floor();
            if (1.0..=MAX_GAP_FRAMES).contains(&frames) {
                window.span_s += begun_s;
                window.frames += frames;
            }
            if frames >= 1.0 {
                begun_s = 0.0;
            }
        }
        (window.frames > 0.0).then_some(window)
    }

    fn frame_s(&self) -> f64 {
        self.span_s / self.frames
    }
}
