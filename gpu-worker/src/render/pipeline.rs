//! The stream: one thread decodes, this one composes on all cores, one feeds the encoder.
//!
//! Between them lie channels of two pictures each, so whoever is slowest sets the pace and
//! memory stays the same however long the clip is.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, channel, sync_channel};
use std::time::{Duration, Instant};

use reel_core::edit::{Edit, Moment, Size};

use super::child::Children;
use super::compose::Composer;
use super::decode::{Decoding, Shown};
use super::encode::{self, Encoding, Sound};
use super::picture::{Picture, Pool};
use super::source::Source;
use super::timeline::Timeline;
use super::{Cancel, Progress, RenderError, exact};

/// Everything that is known before the first picture.
pub(super) struct Job<'a> {
    pub edit: &'a Edit,
    pub source: &'a Source,
    pub timeline: &'a Timeline,
    /// The size of decoded pictures.
    pub decoded: Size,
    /// The size of the reel.
    pub size: Size,
    pub sound: Option<Sound>,
    /// Filters for the pictures of each piece.
    pub drawn: &'a [String],
    pub input: &'a Path,
    pub output: &'a Path,
}

/// Pictures that may wait between two threads.
const WAITING: usize = 2;

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
    let encoding = Encoding {
        input: job.input,
        output: job.output,
        source: job.source,
        timeline: job.timeline,
        size: job.size,
        sound: job.sound,
    };
    let encoder = children.start("ffmpeg", encoding.args())?;
    let Some(encoder_input) = encoder.stdin() else {
        return Err(RenderError::machine("ffmpeg's input could not be opened."));
    };
    let decoded = Pool::new(job.decoded);
    let scaled = Pool::new(job.size);
    let finished = if Composer::output(job.edit).is_some() { &scaled } else { &decoded };
    let written = AtomicU64::new(0);
    let (shown_in, shown) = sync_channel(WAITING);
    let (ready_in, ready) = sync_channel(WAITING);
    let decoding = Decoding {
        input: job.input,
        source: job.source,
        timeline: job.timeline,
        drawn: job.drawn,
        children,
        pool: &decoded,
    };
    std::thread::scope(|scope| {
        let decode_thread = scope.spawn(move || decoding.run(&shown_in));
        let written = &written;
        let feed_thread = scope.spawn(move || encode::feed(encoder_input, &ready, finished, written));
        let meter = Meter::new(job.timeline.frames());
        let composed = compose(
            job,
            &shown,
            &ready_in,
            (&decoded, finished),
            &mut |frames| {
                if let Some(news) = meter.borrow_mut().tick(frames) {
                    progress(news);
                }
            },
            written,
            cancel,
        );
        if composed.is_err() {
            children.kill_all();
        }
        // Without a listener the decoder ends; without a sender the feeder does, and closes
        // the encoder's input.
        drop((shown, ready_in));
        let decoding_ended = decode_thread
            .join()
            .unwrap_or_else(|_| Err(RenderError::machine("The decoding thread broke down.")));
        let fed = feed_thread.join();
        let ended = encoder.wait()?;
        // The first cause in the order of the stream explains the later ones.
        composed?;
        decoding_ended?;
        if fed.is_err() {
            return Err(RenderError::machine("The encoding thread broke down."));
        }
        if !ended.status.success() {
            return Err(encode::explain(&ended));
        }
        let frames = written.load(Ordering::Relaxed);
        progress(meter.borrow_mut().last(frames));
        Ok(frames)
    })
}

fn compose(
    job: &Job<'_>,
    shown: &Receiver<Shown>,
    ready: &SyncSender<(Picture, u32)>,
    (decoded, finished): (&Pool, &Pool),
    tell: &mut dyn FnMut(u64),
    written: &AtomicU64,
    cancel: &Cancel,
) -> Result<(), RenderError> {
    let mut composer = Composer::new(job.edit)?;
    let fps = job.source.rate.fps();
    for Shown { picture, frame, times } in shown {
        if cancel.is_cancelled() {
            return Err(RenderError::cancelled());
        }
        let picture = composer.compose(picture, Moment { frame, fps }, decoded, finished)?;
        if ready.send((picture, times)).is_err() {
            // The encoder has gone; what it said is the reason.
            return Ok(());
        }
        tell(written.load(Ordering::Relaxed));
    }
    Ok(())
}

/// Turns a count of frames into progress, a few times a second.
struct Meter {
    total: Option<u64>,
    /// When how many frames were done, over the last seconds.
    marks: std::collections::VecDeque<(Instant, u64)>,
    told: Instant,
}

impl Meter {
    const TELL_EVERY: Duration = Duration::from_millis(200);
    const WINDOW: Duration = Duration::from_secs(4);

    fn new(total: Option<u64>) -> std::cell::RefCell<Self> {
        let now = Instant::now();
        std::cell::RefCell::new(Self { total, marks: [(now, 0)].into(), told: now })
    }

    fn tick(&mut self, frames: u64) -> Option<Progress> {
        let now = Instant::now();
        if now - self.told < Self::TELL_EVERY {
            return None;
        }
        self.told = now;
        self.marks.push_back((now, frames));
        while self.marks.len() > 2 && self.marks.get(1).is_some_and(|(then, _)| now - *then > Self::WINDOW) {
            self.marks.pop_front();
        }
        Some(self.progress(now, frames))
    }

    fn last(&mut self, frames: u64) -> Progress {
        self.total = Some(frames);
        self.progress(Instant::now(), frames)
    }

    fn progress(&self, now: Instant, frames: u64) -> Progress {
        let (then, before) = self.marks.front().copied().unwrap_or((now, frames));
        let seconds = (now - then).as_secs_f64();
        let rate = if seconds > 0.0 { exact(frames.saturating_sub(before)) / seconds } else { 0.0 };
        let left = self.total.map(|total| exact(total.saturating_sub(frames)));
        Progress {
            frames_done: frames,
            frames_total: self.total,
            frames_per_second: rate,
            seconds_left: left.filter(|_| rate > 0.0).map(|left| left / rate),
        }
    }
}
