//! The stream: a thread decodes, this one composes on all cores, one feeds the encoder.
//!
//! Between them lie channels of two pictures each, so whoever is slowest sets the pace and
//! memory stays the same however long the reel is.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel, sync_channel};
use std::time::Duration;

use reel_core::edit::Edit;

use super::Cancel;
use super::Progress;
use super::RenderError;
use super::child::Children;
use super::compose::Composer;
use super::encode;
use super::encode::Encoding;
use super::encode::Sound;
use super::join::Joining;
use super::join::WAITING;
use super::meter::Meter;
use super::picture::Pool;
use super::reel::Reel;

/// Everything that is known before the first picture.
pub(super) struct Job<'a> {
    pub edit: &'a Edit,
    pub reel: &'a Reel<'a>,
    pub sound: Option<Sound>,
    pub output: &'a Path,
}

/// Does `work` while another thread looks for the cancel; when it comes, every process is
/// killed, also those that start later.
pub(super) fn watched<T>(children: &Children, cancel: &Cancel, work: impl FnOnce() -> T) -> T {
    const LOOK_EVERY: Duration = Duration::from_millis(50);
    std::thread::scope(|scope| {
        let (working, ended) = channel::<()>();
        scope.spawn(move || {
            while ended.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                if cancel.is_cancelled() {
                    children.kill_all();
                }
            }
        });
        let result = work();
        drop(working);
        result
    })
}

/// Runs the stream to its end; answers the number of frames in the reel.
pub(super) fn run(
    job: &Job<'_>,
    children: &Children,
    progress: &mut dyn FnMut(Progress),
    cancel: &Cancel,
) -> Result<u64, RenderError> {
    let encoding = Encoding { reel: job.reel, output: job.output, sound: job.sound };
    let encoder = children.start("ffmpeg", encoding.args())?;
    let Some(encoder_input) = encoder.stdin() else {
        return Err(RenderError::machine("ffmpeg's input could not be opened."));
    };
    let decoded: Vec<Pool> = job.reel.parts.iter().map(|part| Pool::new(part.decoded)).collect();
    let scaled = Composer::output(job.edit).map(Pool::new);
    let written = AtomicU64::new(0);
    let (ready_in, ready) = sync_channel(WAITING);
    let joining = Joining {
        edit: job.edit,
        reel: job.reel,
        children,
        cancel,
        decoded: &decoded,
        scaled: scaled.as_ref(),
        written: &written,
    };
    // Without scaling there is one part.
    let Some(finished) = scaled.as_ref().or(decoded.first()) else {
        return Err(RenderError::machine("A reel has no buffers; this is a bug."));
    };
    let mut meter = Meter::new(job.reel.frames());
    std::thread::scope(|scope| {
        let written = &written;
        let feed_thread = scope.spawn(move || encode::feed(encoder_input, &ready, finished, written));
        let composed = joining.run(scope, &ready_in, &mut |frames| {
            if let Some(news) = meter.tick(frames) {
                progress(news);
            }
        });
        if composed.is_err() {
            children.kill_all();
        }
        // Without a sender the feeder ends, and closes the encoder's input.
        drop(ready_in);
        let fed = feed_thread.join();
        let ended = encoder.wait()?;
        // The first cause in the order of the stream explains the later ones.
        composed?;
        if fed.is_err() {
            return Err(RenderError::machine("The encoding thread broke down."));
        }
        if !ended.status.success() {
            return Err(encode::explain(&ended));
        }
        let frames = written.load(Ordering::Relaxed);
        progress(meter.last(frames));
        Ok(frames)
    })
}
