//! The stream: one thread decodes, this one composites on all cores, one feeds the encoder of each output.
//!
//! The channels between them hold two frames each, so the slowest sets the pace and memory does not
//! grow with the length of the output.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel, sync_channel};
use std::time::Duration;

use reel_core::edit::Edit;

use super::encoder;
use super::mixer::{CHANNEL_FRAMES, ClipMixer};
use super::plan::RenderPlan;
use super::progress::ProgressMeter;
use super::slow_motion;
use super::{CancelFlag, Progress, RenderError};
use crate::ffmpeg::decode::InBetween;
use crate::ffmpeg::encode::encode_error;
use crate::ffmpeg::process::ProcessGroup;
use reel_media::frame::FramePool;

/// Runs `work` while another thread watches the flag. After a cancellation it kills every process,
/// also those that start later.
pub(super) fn with_cancel_watch<T>(
    processes: &ProcessGroup,
    cancel: &CancelFlag,
    work: impl FnOnce() -> T,
) -> T {
    const POLL_INTERVAL: Duration = Duration::from_millis(50);
    std::thread::scope(|scope| {
        let (working, ended) = channel::<()>();
        scope.spawn(move || {
            while ended.recv_timeout(POLL_INTERVAL) == Err(RecvTimeoutError::Timeout) {
                if cancel.is_cancelled() {
                    processes.kill_all();
                }
            }
        });
        let result = work();
        drop(working);
        result
    })
}

/// Runs the stream to its end; writes each output to its file. Returns the number of frames in each.
pub(super) fn run(
    edit: &Edit,
    plan: &RenderPlan<'_>,
    files: &[&Path],
    processes: &ProcessGroup,
    progress: &mut dyn FnMut(Progress),
    cancel: &CancelFlag,
) -> Result<u64, RenderError> {
    let mut encoders = Vec::with_capacity(files.len());
    for (output, file) in plan.outputs.iter().zip(files) {
        let encoder = processes.start("ffmpeg", encoder::command(edit, plan, output, file).args())?;
        let Some(stdin) = encoder.stdin() else {
            return Err(RenderError::machine("ffmpeg's input could not be opened."));
        };
        encoders.push((encoder, stdin));
    }
    let decoded: Vec<FramePool> = plan.clips.iter().map(|clip| FramePool::new(clip.decoded_size())).collect();
    let scaled = plan.new_pools();
    let written = AtomicU64::new(0);
    let not_shown = AtomicU64::new(0);
    let mixer =
        ClipMixer { edit, plan, processes, cancel, decoded: &decoded, scaled: &scaled, written: &written };
    // Without scaling there is one clip.
    let Some(first) = decoded.first() else {
        return Err(RenderError::machine("The output has no buffers; this is a bug."));
    };
    let pools = plan.pools(first, &scaled);
    let note = match plan.in_between {
        InBetween::Motion => None,
        InBetween::Blend => Some(slow_motion::BLENDED),
    };
    let mut meter = ProgressMeter::new(Some(plan.total_frames()), note);
    std::thread::scope(|scope| {
        // What a person sees grow is the main output.
        let counters = std::iter::once(&written).chain(std::iter::repeat(&not_shown));
        let mut frames_tx = Vec::with_capacity(encoders.len());
        let mut outputs = Vec::with_capacity(encoders.len());
        for (((encoder, stdin), pool), counter) in encoders.into_iter().zip(pools).zip(counters) {
            let (sender, frames) = sync_channel(CHANNEL_FRAMES);
            frames_tx.push(sender);
            let writer = scope.spawn(move || encoder::write_frames(stdin, &frames, pool, counter));
            outputs.push((encoder, writer));
        }
        let sent = mixer.run(scope, &frames_tx, &mut |frames| {
            if let Some(update) = meter.tick(frames) {
                progress(update);
            }
        });
        if sent.is_err() {
            processes.kill_all();
        }
        // Without a sender the writers end, and close the encoders' stdin.
        drop(frames_tx);
        let mut ends = Vec::with_capacity(outputs.len());
        for (encoder, writer) in outputs {
            ends.push((writer.join(), encoder.wait()?));
        }
        // The first error in the order of the stream explains the later ones.
        sent?;
        for (writer_result, encoder_exit) in ends {
            if writer_result.is_err() {
                return Err(RenderError::machine("The encoding thread crashed; this is a bug."));
            }
            if !encoder_exit.status.success() {
                return Err(encode_error(&encoder_exit).into());
            }
        }
        let frames = written.load(Ordering::Relaxed);
        progress(meter.finish(frames));
        Ok(frames)
    })
}
