//! From composited frames and a plan to the encoder's process.

use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;

use reel_core::edit::Edit;

use super::audio;
use super::outputs::OutputPlan;
use super::plan::RenderPlan;
use crate::ffmpeg::encode::EncodeCommand;
use reel_media::frame::{Frame, FramePool};

/// The encoder of one output of a plan. An output of several clips has a chapter for each.
pub(super) fn command<'a>(
    edit: &Edit,
    plan: &'a RenderPlan<'a>,
    output: &OutputPlan<'_>,
    file: &'a Path,
) -> EncodeCommand<'a> {
    EncodeCommand {
        size: output.size,
        effort: output.effort(),
        rate: plan.rate,
        audio: audio::bitrate_kbps(edit).map(|bitrate| audio::track(plan, bitrate)),
        chapters: if plan.clips.len() > 1 { plan.chapters() } else { Vec::new() },
        output: file,
    }
}

/// Writes frames to the encoder's stdin until the sender is gone; returns the buffers to the pool.
///
/// Ends without an error when the encoder has exited: its own error says more than a broken pipe.
pub(super) fn write_frames(
    mut encoder: impl Write,
    frames: &Receiver<Frame>,
    pool: &FramePool,
    written: &AtomicU64,
) {
    for frame in frames {
        if encoder.write_all(frame.bytes()).is_err() {
            return;
        }
        written.fetch_add(1, Ordering::Relaxed);
        pool.release(frame);
    }
}
