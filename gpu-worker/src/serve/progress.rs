//! Progress reports of one attempt: one sender, the latest value wins.
//!
//! Invariants: reports never overlap and never go down; none is on its way once
//! [`Reporter::finish`] has returned, so that none can arrive after the final report.
//! Only scripted chaos breaks them.

use std::sync::Arc;
use std::time::Duration;

use reel_core::job::gpu_service::WorkerStage;
use reel_core::wire::gpu_worker::ProgressReport;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::callback::Callback;
use super::callback::Standing;
use super::chaos::Misconduct;
use super::chaos::Reporting;
use super::halt::Halt;
use super::halt::Why;
use crate::render::Progress;

/// The sender, and the way to end it.
pub struct Reporter {
    voice: Voice,
    closing: CancellationToken,
    task: JoinHandle<()>,
}

/// Says how far the attempt is, from any thread; clones speak for the same attempt.
#[derive(Clone)]
pub struct Voice {
    latest: Arc<watch::Sender<ProgressReport>>,
    halt: Halt,
    crash_at: Option<f64>,
    hang_at: Option<f64>,
}

impl Reporter {
    /// Starts with "starting, 0 %"; halts the work when the API wants no more of this attempt.
    pub fn start(callback: Callback, interval: Duration, halt: Halt, misconduct: &Misconduct) -> Self {
        let (latest, mut reports) = watch::channel(report(WorkerStage::Starting, 0.0, "Starting export"));
        reports.mark_changed();
        let closing = CancellationToken::new();
        let sender = Sender {
            callback,
            reports,
            interval,
            closing: closing.clone(),
            halt: halt.clone(),
            reporting: misconduct.reporting,
        };
        let voice = Voice {
            latest: Arc::new(latest),
            halt,
            crash_at: misconduct.crash_at,
            hang_at: misconduct.hang_at,
        };
        Self { voice, closing, task: tokio::spawn(sender.send_all()) }
    }

    /// Where to say progress.
    pub const fn voice(&self) -> &Voice {
        &self.voice
    }

    /// Waits for the report that is on its way, and sends no other.
    pub async fn finish(self) {
        self.closing.cancel();
        // A panic of the sender has been printed already and must not become ours.
        let _ = self.task.await;
    }

    /// Sends no other report and drops the one that is on its way: nothing follows it.
    pub fn abort(self) {
        self.task.abort();
    }
}

impl Voice {
    /// `percent` is overall, 0 to 100; less than was said before counts as the same again.
    pub fn say(&self, stage: WorkerStage, percent: f64, message: &str) {
        let reached = |mark: Option<f64>| mark.is_some_and(|mark| percent >= mark);
        if reached(self.crash_at) {
            self.halt.with(Why::Crash);
        } else if reached(self.hang_at) {
            self.halt.with(Why::Hang);
        } else {
            self.latest.send_modify(|latest| *latest = report(stage, percent.max(latest.progress), message));
        }
    }

    /// The renderer's own measure, as the share of the whole that rendering has (10 to 90 %).
    pub fn say_frames(&self, progress: Progress) {
        let done = progress.frames_done;
        let (share, mut message) = match progress.frames_total {
            Some(total) => (ratio(done, total), format!("Rendering {done} of {total} frames")),
            None => (0.0, format!("Rendering, {done} frames done")),
        };
        if let Some(seconds) = progress.seconds_left.filter(|seconds| *seconds >= 1.0) {
            message = format!("{message}, {seconds:.0} s left");
        }
        self.say(WorkerStage::Rendering, 10.0 + 80.0 * share, &message);
    }
}

/// `part` of `whole`, between 0 and 1.
#[expect(clippy::cast_precision_loss, reason = "a share for a progress bar")]
pub fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64).min(1.0) }
}

/// One report as it goes over the wire.
pub fn report(stage: WorkerStage, percent: f64, message: &str) -> ProgressReport {
    let progress = if percent.is_finite() { percent.clamp(0.0, 100.0) } else { 0.0 };
    // One decimal is more than a bar can show.
    let progress = (progress * 10.0).round() / 10.0;
    ProgressReport { progress, message: Some(message.to_owned()), stage: Some(stage) }
}

struct Sender {
    callback: Callback,
    reports: watch::Receiver<ProgressReport>,
    interval: Duration,
    closing: CancellationToken,
    halt: Halt,
    reporting: Reporting,
}

impl Sender {
    async fn send_all(mut self) {
        if self.reporting == Reporting::Mute {
            return self.closing.cancelled().await;
        }
        let mut sent: Option<(ProgressReport, Instant)> = None;
        while let Some(report) = self.next(sent.as_ref()).await {
            let earlier = sent.replace((report.clone(), Instant::now()));
            if self.callback.progress(&report).await == Standing::Over {
                return self.halt.with(Why::Over);
            }
            if let (Reporting::Shuffled, Some((earlier, _))) = (self.reporting, earlier) {
                self.callback.progress(&earlier).await;
            }
        }
    }

    /// The next report to send: at once on a new stage, else when the interval has passed.
    async fn next(&mut self, sent: Option<&(ProgressReport, Instant)>) -> Option<ProgressReport> {
        let mut has_news = false;
        loop {
            let due = match sent {
                Some((sent, at)) if self.reports.borrow().stage == sent.stage => *at + self.interval,
                _ => Instant::now(),
            };
            tokio::select! {
                biased;
                () = self.closing.cancelled() => return None,
                changed = self.reports.changed() => match changed {
                    Ok(()) => has_news = true,
                    Err(_) => return None,
                },
                () = sleep_until(due), if has_news => return Some(self.reports.borrow_and_update().clone()),
            }
        }
    }
}
