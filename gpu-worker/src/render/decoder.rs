//! From a file to raw frames: one ffmpeg for each segment of a clip, read as a stream.
//!
//! Invariant: frames come in the order of the output, each with its position in the source. This file never
//! looks into one.

use std::io::BufReader;
use std::sync::mpsc::SyncSender;

use super::RenderError;
use super::outputs::OutputPlan;
use super::plan::ClipPlan;
use super::sampler::{SampleResult, Sampler};
use super::slow_motion;
use super::timeline::TimelineSegment;
use crate::ffmpeg::decode::{DecodeCommand, InBetween};
use crate::ffmpeg::nut::NutReader;
use crate::ffmpeg::process::{ProcessExit, ProcessGroup};
use crate::ffmpeg::stretch::Stretch;
use reel_media::frame::{Frame, FramePool};

/// What the decoder reads, fixed for a render.
#[derive(Clone, Copy)]
pub(super) struct Decoder<'a> {
    pub clip: &'a ClipPlan<'a>,
    pub outputs: &'a [OutputPlan<'a>],
    pub in_between: InBetween,
    pub processes: &'a ProcessGroup,
    pub pool: &'a FramePool,
}

/// One picture on its way to the compositor, and the output frames that show it.
pub(super) struct DecodedFrame {
    pub frame: Frame,
    pub segment: TimelineSegment,
    /// The first of these output frames, counted within the segment.
    pub first: u32,
    /// How many there are; at least one.
    pub repeat: u32,
}

/// How the reading of a segment went.
enum SegmentEnd {
    /// All its frames are sent.
    Complete,
    ReceiverGone,
    /// Seeking went past the start; nothing is sent yet.
    SeekMissed,
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
        let media = &self.clip.media;
        let stretch = Stretch::of_film(media, segment.start_s, segment.end_s);
        let mut command = DecodeCommand {
            input: self.clip.file(),
            media,
            stretch,
            interpolation: slow_motion::interpolation(self.clip, self.outputs, segment, self.in_between),
            area: self.clip.decoded_area,
            draw_filters,
        };
        let mut end = self.read_segment(segment, &command, frames_tx)?;
        if let SegmentEnd::SeekMissed = end {
            command.stretch = stretch.without_seek();
            end = self.read_segment(segment, &command, frames_tx)?;
        }
        Ok(matches!(end, SegmentEnd::Complete))
    }

    fn read_segment(
        &self,
        segment: &TimelineSegment,
        command: &DecodeCommand<'_>,
        frames_tx: &SyncSender<DecodedFrame>,
    ) -> Result<SegmentEnd, RenderError> {
        let process = self.processes.start("ffmpeg", command.args())?;
        let Some(stdout) = process.stdout() else {
            return Err(RenderError::machine("ffmpeg's output could not be opened."));
        };
        let mut sampler = Sampler::new(segment);
        let mut decoded = 0_usize;
        let mut receiver_open = true;
        let mut last_due_s = None;
        // The end of the stream may also lie in the middle of a broken frame.
        if let Ok(mut reader) = NutReader::open(BufReader::new(stdout)) {
            while receiver_open && !sampler.is_full() {
                let mut frame = self.pool.acquire();
                let Ok(Some(time_us)) = reader.next_frame(frame.bytes_mut()) else {
                    self.pool.release(frame);
                    break;
                };
                let stamp_s = command.film_time_s(time_us);
                let due_s = last_due_s.map_or(stamp_s, |last_s| self.next_due_s(last_s, stamp_s));
                last_due_s = Some(due_s);
                if decoded == 0 && self.is_seek_missed(segment, command, Some(due_s)) {
                    process.kill();
                    process.wait()?;
                    self.pool.release(frame);
                    return Ok(SegmentEnd::SeekMissed);
                }
                if due_s + TOO_EARLY_S >= segment.start_s {
                    decoded += 1;
                }
                match sampler.push(frame, due_s) {
                    SampleResult::Emit(frame) => receiver_open = frames_tx.send(frame).is_ok(),
                    SampleResult::Discard(unused) => self.pool.release(unused),
                    SampleResult::Nothing => {}
                }
            }
        }
        let ended_early = receiver_open && !sampler.is_full();
        if !ended_early {
            process.kill();
        }
        let exit = process.wait()?;
        let last = sampler.finish();
        if ended_early {
            if last.is_none() && self.is_seek_missed(segment, command, None) {
                return Ok(SegmentEnd::SeekMissed);
            }
            if let Some(error) = self.decode_error(segment, decoded, last.is_none(), &exit) {
                return Err(error);
            }
        }
        if let Some(last) = last
            && receiver_open
        {
            receiver_open = frames_tx.send(last).is_ok();
        }
        Ok(if receiver_open { SegmentEnd::Complete } else { SegmentEnd::ReceiverGone })
    }

    /// When a picture is due after the one before. ffmpeg moves a stamp that does not go on to just after the
    /// last one; such a picture gets a frame's time of its own, as long as that is not more than a frame late.
    fn next_due_s(&self, last_s: f64, stamp_s: f64) -> f64 {
        let frame_s = self.clip.media.clock.rate.time_s(1.0);
        if stamp_s > last_s + NO_STEP_S {
            stamp_s
        } else {
            (last_s + frame_s).min(stamp_s + frame_s).max(last_s)
        }
    }

    /// Whether the first frame after seeking is later than the one that the segment begins with. `None` stands
    /// for no frame at all.
    fn is_seek_missed(
        &self,
        segment: &TimelineSegment,
        command: &DecodeCommand<'_>,
        first_s: Option<f64>,
    ) -> bool {
        let begins_s = self.clip.media.clock.first_picture_s().max(segment.limit_s(0));
        command.stretch.seek_s.is_some() && first_s.is_none_or(|first_s| first_s > begins_s + TOO_EARLY_S)
    }

    /// Why the frames ended before the segment was complete; `None` when that is how the file is.
    fn decode_error(
        &self,
        segment: &TimelineSegment,
        decoded: usize,
        is_empty: bool,
        exit: &ProcessExit,
    ) -> Option<RenderError> {
        if let Some(error) = exit.signal_error().or_else(|| exit.limit_error()) {
            return Some(error.into());
        }
        let has_errors = !exit.stderr_tail.is_empty() || !exit.status.success();
        if is_empty {
            let why = if has_errors { format!(" ({})", exit.last_error_line()) } else { String::new() };
            return Some(RenderError::input(format!(
                "No frame of the video could be decoded{why}. Upload it again."
            )));
        }
        // A player goes on after a few broken frames; with most of them there is nothing to show.
        let expected = self.clip.media.clock.pictures_between(segment.start_s, segment.end_s);
        let is_broken = segment.interpolate_fps.is_none() && decoded + 3 < expected / 2;
        (is_broken && has_errors).then(|| {
            RenderError::input(format!(
                "The video is damaged: only {decoded} of {expected} frames could be decoded. Upload it again."
            ))
        })
    }
}

/// Less than any frame lasts.
const NO_STEP_S: f64 = 0.000_1;
/// Times on both sides of a pipe differ by their rounding.
const TOO_EARLY_S: f64 = 0.001;
