//! From a file to raw frames: one ffmpeg for each segment of a clip, read as a stream.
//!
//! Invariant: frames come in the order of the output, each with its position in the source. This file
//! drops and repeats frames; it never looks into one.

use std::io::Read;
use std::sync::mpsc::SyncSender;

use super::RenderError;
use super::plan::ClipPlan;
use super::timeline::{Sampling, TimelineSegment};
use crate::ffmpeg::decode::DecodeCommand;
use crate::ffmpeg::process::{ProcessExit, ProcessGroup};
use crate::media::frame::{Frame, FramePool};

/// What the decoder reads, fixed for a render.
#[derive(Clone, Copy)]
pub(super) struct Decoder<'a> {
    pub clip: &'a ClipPlan<'a>,
    /// The last frame is repeated up to the planned length, because another clip follows.
    pub extend_last_frame: bool,
    pub processes: &'a ProcessGroup,
    pub pool: &'a FramePool,
}

/// One frame on its way to the compositor.
pub(super) struct DecodedFrame {
    pub frame: Frame,
    /// Where in the source it is, in frames.
    pub source_position: f64,
    /// How many output frames show it.
    pub repeat: u32,
}

impl Decoder<'_> {
    /// Decodes segment after segment; stops without an error when the receiver is gone.
    pub(super) fn run(self, frames_tx: &SyncSender<DecodedFrame>) -> Result<(), RenderError> {
        for (index, segment) in self.clip.timeline.segments.iter().enumerate() {
            let draw_filters = self.clip.titles.get(index).map_or("", |title| title.filter.as_str());
            if !self.decode_segment(segment, draw_filters, frames_tx)? {
                break;
            }
        }
        Ok(())
    }

    /// Returns whether the receiver still takes frames.
    fn decode_segment(
        &self,
        segment: &TimelineSegment,
        draw_filters: &str,
        frames_tx: &SyncSender<DecodedFrame>,
    ) -> Result<bool, RenderError> {
        let command = DecodeCommand {
            input: self.clip.input,
            media: &self.clip.media,
            first_frame: segment.first_frame,
            frames: segment.decoded_frames(),
            interpolate_fps: segment.sampling.interpolate_fps(),
            size: self.pool.size(),
            draw_filters,
        };
        let process = self.processes.start("ffmpeg", command.args())?;
        let Some(mut stdout) = process.stdout() else {
            return Err(RenderError::machine("ffmpeg's output could not be opened."));
        };
        let mut sampler = Sampler::new(segment, self.extend_last_frame);
        let mut decoded = 0_u32;
        let mut receiver_open = true;
        while receiver_open && !sampler.is_full() {
            let mut frame = self.pool.acquire();
            if stdout.read_exact(frame.bytes_mut()).is_err() {
                // The end of the stream, also in the middle of a broken frame.
                self.pool.release(frame);
                break;
            }
            match sampler.push(decoded, frame) {
                SampleResult::Emit(frame) => receiver_open = frames_tx.send(frame).is_ok(),
                SampleResult::Hold => {}
                SampleResult::Discard(unused) => self.pool.release(unused),
            }
            decoded += 1;
        }
        let ended_early = receiver_open && !sampler.is_full();
        if let Some(last) = sampler.finish()
            && receiver_open
        {
            receiver_open = frames_tx.send(last).is_ok();
        }
        drop(stdout);
        if !ended_early {
            process.kill();
        }
        let exit = process.wait()?;
        match decode_error(segment, decoded, &exit) {
            Some(error) if ended_early => Err(error),
            _ => Ok(receiver_open),
        }
    }
}

/// Why the frames ended before the segment was complete; `None` when that is how the file is.
fn decode_error(segment: &TimelineSegment, decoded: u32, exit: &ProcessExit) -> Option<RenderError> {
    if let Some(error) = exit.signal_error() {
        return Some(error.into());
    }
    let has_errors = !exit.stderr_tail.is_empty() || !exit.status.success();
    if decoded == 0 {
        let why = if has_errors { format!(" ({})", exit.last_error_line()) } else { String::new() };
        return Some(RenderError::input(format!(
            "No frame of the video could be decoded{why}. Upload it again."
        )));
    }
    // A container may count a little wrong. A truncated file lacks more, and ffmpeg reports errors.
    let expected = segment.decoded_frames().unwrap_or(decoded);
    let is_truncated = expected.saturating_sub(decoded) > 3 + expected / 50;
    (is_truncated && has_errors).then(|| {
        RenderError::input(format!(
            "The video is truncated: only {decoded} of {expected} frames could be decoded. Upload it again."
        ))
    })
}

/// Decides which decoded frames the output shows, and how often.
struct Sampler<'p> {
    segment: &'p TimelineSegment,
    /// Output frames that have a decoded frame.
    frames_emitted: u32,
    pending: Option<DecodedFrame>,
    /// Whether the last frame may be repeated any number of times.
    extend_last_frame: bool,
}

enum SampleResult {
    Emit(DecodedFrame),
    Hold,
    Discard(Frame),
}

impl<'p> Sampler<'p> {
    fn new(segment: &'p TimelineSegment, extend_last_frame: bool) -> Self {
        Self { segment, frames_emitted: 0, pending: None, extend_last_frame }
    }

    fn is_full(&self) -> bool {
        self.segment.output_frames.is_some_and(|frames| self.frames_emitted >= frames)
    }

    /// Takes decoded frame number `index` of the segment.
    fn push(&mut self, index: u32, frame: Frame) -> SampleResult {
        let (repeat, position) = match self.segment.sampling {
            Sampling::Interpolate { .. } => (1, self.segment.sampling.source_position(index)),
            Sampling::Pick { .. } => (self.repeat(index), f64::from(index)),
        };
        if repeat == 0 {
            return SampleResult::Discard(frame);
        }
        self.frames_emitted += repeat;
        let source_position = f64::from(self.segment.first_frame) + position;
        let decoded = DecodedFrame { frame, source_position, repeat };
        self.pending.replace(decoded).map_or(SampleResult::Hold, SampleResult::Emit)
    }

    fn repeat(&self, index: u32) -> u32 {
        let left = self.segment.output_frames.map_or(u32::MAX, |frames| frames - self.frames_emitted);
        let position = |k: u32| self.segment.sampling.source_position(k);
        let showing = (self.frames_emitted..).take_while(|k| position(*k) <= f64::from(index));
        u32::try_from(showing.take(left as usize).count()).unwrap_or(left)
    }

    /// The last frame. It is repeated when a frame or two are missing, because motion interpolation
    /// omits them at the end of a file.
    fn finish(&mut self) -> Option<DecodedFrame> {
        const MAX_MISSING: u32 = 8;
        let mut last = self.pending.take()?;
        let missing =
            self.segment.output_frames.map_or(0, |frames| frames.saturating_sub(self.frames_emitted));
        if self.extend_last_frame || missing <= MAX_MISSING {
            last.repeat += missing;
        }
        Some(last)
    }
}
