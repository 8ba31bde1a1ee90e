//! Decides which decoded frames the output shows, and when.
//!
//! Invariant: an output frame shows the last picture that a player has shown by its time, before the first
//! picture the first one, and the order of pictures never changes.

use super::decoder::DecodedFrame;
use super::timeline::TimelineSegment;
use reel_media::frame::Frame;

/// The frames of one segment on their way to the output.
pub(super) struct Sampler<'p> {
    segment: &'p TimelineSegment,
    /// Output frames that are behind us.
    frames_done: u32,
    /// The last picture; output frames show it until the next one is due.
    current: Option<Frame>,
}

/// What becomes of the picture before the one that came.
pub(super) enum SampleResult {
    Emit(DecodedFrame),
    /// No output frame shows it.
    Discard(Frame),
    /// There was none.
    Nothing,
}

impl<'p> Sampler<'p> {
    pub(super) fn new(segment: &'p TimelineSegment) -> Self {
        Self { segment, frames_done: 0, current: None }
    }

    /// Whether every output frame has its picture.
    pub(super) fn is_full(&self) -> bool {
        self.frames_done >= self.segment.output_frames
    }

    /// Takes the next picture, which is due at a time of the film.
    pub(super) fn push(&mut self, frame: Frame, due_s: f64) -> SampleResult {
        let Some(previous) = self.current.replace(frame) else { return SampleResult::Nothing };
        let left = self.frames_done..self.segment.output_frames;
        let before = left.take_while(|k| self.segment.limit_s(*k) < due_s).count();
        match u32::try_from(before) {
            Ok(0) | Err(_) => SampleResult::Discard(previous),
            Ok(repeat) => SampleResult::Emit(self.emit(previous, repeat)),
        }
    }

    /// The last picture stands to the end of the segment.
    pub(super) fn finish(&mut self) -> Option<DecodedFrame> {
        let last = self.current.take()?;
        let left = self.segment.output_frames.saturating_sub(self.frames_done);
        (left > 0).then(|| self.emit(last, left))
    }

    fn emit(&mut self, frame: Frame, repeat: u32) -> DecodedFrame {
        let first = self.frames_done;
        self.frames_done += repeat;
        DecodedFrame { frame, segment: *self.segment, first, repeat }
    }
}

#[cfg(test)]
mod tests {
    use reel_core::edit::FrameSize;

    use super::*;
    use reel_media::frame_rate::FrameRate;

    /// How many output frames show each picture that is due at these times.
    fn repeats(times_s: &[f64], output_frames: u32) -> Vec<u32> {
        let segment = TimelineSegment {
            start_s: 1.0,
            end_s: 2.0,
            speed: 1.0,
            output_frames,
            step_s: 0.1,
            lead_s: 0.05,
            interpolate_fps: None,
            source_rate: FrameRate::whole(10),
        };
        let mut sampler = Sampler::new(&segment);
        let mut repeats = Vec::new();
        let mut positions = 0;
        for time in times_s {
            match sampler.push(Frame::black(FrameSize { width: 2, height: 2 }), *time) {
                SampleResult::Emit(frame) => {
                    assert_eq!(frame.first, positions);
                    positions += frame.repeat;
                    repeats.push(frame.repeat);
                }
                SampleResult::Discard(_) => repeats.push(0),
                SampleResult::Nothing => {}
            }
        }
        repeats.extend(sampler.finish().map(|frame| frame.repeat));
        assert!(sampler.is_full());
        repeats
    }

    #[test]
    fn each_picture_stands_until_the_next_is_due() {
        assert_eq!(repeats(&[1.0, 1.1, 1.2, 1.3], 4), [1, 1, 1, 1]);
        assert_eq!(repeats(&[1.0, 1.3], 5), [3, 2]);
        assert_eq!(repeats(&[0.0, 0.1, 0.9, 1.0, 1.1], 2), [0, 0, 0, 1, 1], "those before the start");
        assert_eq!(repeats(&[1.25, 1.3], 4), [3, 1], "before the first picture it is shown");
        assert_eq!(repeats(&[1.0, 1.0, 1.0, 1.1], 2), [0, 0, 1, 1], "of equal stamps the last");
    }
}
