//! Progress reports of one attempt: one task sends them, the latest value wins.
//!
//! Invariants: reports never overlap and never go down; none is in flight once
//! [`ProgressTask::finish`] has returned, so that none can arrive after the final report.

use std::sync::Arc;
use std::time::Duration;

use reel_core::job::gpu_service::WorkerStage;
use reel_core::wire::gpu_worker::ProgressReport;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::backend::Backend;
use super::callback_client::AttemptStatus;
use crate::render::Progress;

/// The task that sends the reports.
pub(super) struct ProgressTask {
    reporter: ProgressReporter,
    closing: CancellationToken,
    task: JoinHandle<()>,
}

/// Takes the progress of an attempt, from any thread; clones report for the same attempt.
#[derive(Clone)]
pub(crate) struct ProgressReporter {
    latest: Arc<watch::Sender<ProgressReport>>,
    on_progress: Arc<dyn Fn(f64) + Send + Sync>,
}

impl ProgressTask {
    /// Starts with "starting, 0 %"; cancels `stop` when the API has ended the attempt.
    pub(super) fn start(backend: impl Backend, interval: Duration, stop: CancellationToken) -> Self {
        let (latest, mut reports) =
            watch::channel(progress_report(WorkerStage::Starting, 0.0, "Starting export"));
        reports.mark_changed();
        let closing = CancellationToken::new();
        let on_progress = {
            let backend = backend.clone();
            Arc::new(move |percent| backend.on_progress(percent))
        };
        let sender = ProgressSender { backend, reports, interval, closing: closing.clone(), stop };
        let reporter = ProgressReporter { latest: Arc::new(latest), on_progress };
        Self { reporter, closing, task: tokio::spawn(sender.send_all()) }
    }

    /// Where to report progress.
    pub(super) const fn reporter(&self) -> &ProgressReporter {
        &self.reporter
    }

    /// Waits for the report in flight, and sends no other.
    pub(super) async fn finish(self) {
        self.closing.cancel();
        // A panic of the task has been printed already and must not become ours.
        let _ = self.task.await;
    }

    /// Sends no other report and drops the one in flight.
    pub(super) fn abort(self) {
        self.task.abort();
    }
}

impl ProgressReporter {
    /// `percent` is of the whole attempt, 0 to 100; a lower value than before counts as the same again.
    pub(crate) fn report(&self, stage: WorkerStage, percent: f64, message: &str) {
        (self.on_progress)(percent);
        self.latest
            .send_modify(|latest| *latest = progress_report(stage, percent.max(latest.progress), message));
    }

    /// The renderer's own progress, which is 10 to 90 % of the attempt.
    pub(super) fn report_frames(&self, progress: Progress) {
        let done = progress.frames_done;
        let (share, mut message) = match progress.frames_total {
            Some(total) => (ratio(done, total), format!("Rendering {done} of {total} frames")),
            None => (0.0, format!("Rendering, {done} frames done")),
        };
        if let Some(seconds) = progress.seconds_left.filter(|seconds| *seconds >= 1.0) {
            message = format!("{message}, {seconds:.0} s left");
        }
        if let Some(note) = progress.note {
            message = format!("{message}; {note}");
        }
        self.report(WorkerStage::Rendering, 10.0 + 80.0 * share, &message);
    }
}

/// `part` of `whole`, between 0 and 1.
#[expect(clippy::cast_precision_loss, reason = "a share for a progress bar")]
pub(crate) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { (part as f64 / whole as f64).min(1.0) }
}

/// One report as the API reads it.
pub(crate) fn progress_report(stage: WorkerStage, percent: f64, message: &str) -> ProgressReport {
    let progress = if percent.is_finite() { percent.clamp(0.0, 100.0) } else { 0.0 };
    // A progress bar cannot show more than one decimal.
    let progress = (progress * 10.0).round() / 10.0;
    ProgressReport { progress, message: Some(message.to_owned()), stage: Some(stage) }
}

struct ProgressSender<B> {
    backend: B,
    reports: watch::Receiver<ProgressReport>,
    interval: Duration,
    closing: CancellationToken,
    stop: CancellationToken,
}

impl<B: Backend> ProgressSender<B> {
    async fn send_all(mut self) {
        let mut sent: Option<(ProgressReport, Instant)> = None;
        while let Some(report) = self.next(sent.as_ref()).await {
            sent = Some((report.clone(), Instant::now()));
            if self.backend.progress(&report).await == AttemptStatus::Superseded {
                return self.stop.cancel();
            }
        }
    }

    /// The next report to send: at once on a new stage, else when the interval has passed.
    async fn next(&mut self, sent: Option<&(ProgressReport, Instant)>) -> Option<ProgressReport> {
        let mut has_changed = false;
        loop {
            let due = match sent {
                Some((sent, at)) if self.reports.borrow().stage == sent.stage => *at + self.interval,
                _ => Instant::now(),
            };
            tokio::select! {
                biased;
                () = self.closing.cancelled() => return None,
                changed = self.reports.changed() => match changed {
                    Ok(()) => has_changed = true,
                    Err(_) => return None,
                },
                () = sleep_until(due), if has_changed => return Some(self.reports.borrow_and_update().clone()),
            }
        }
    }
}
