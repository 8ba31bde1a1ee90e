//! Progress for a person: bars on a terminal, plain lines in a log, nothing with `--json`.
//!
//! Invariant: everything here goes to standard error. A plain line is printed when the stage changes, and at most once
//! for every ten percent.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressStyle};
use reel_client::{Job, JobStage, JobStatus};

/// Shows progress.
#[derive(Debug)]
pub struct Ui {
    mode: OutputMode,
}

#[derive(Clone, Debug)]
enum OutputMode {
    Bars(MultiProgress),
    Lines,
    Quiet,
}

impl Ui {
    /// Nothing is shown with `json`. A terminal gets bars.
    pub fn new(json: bool, terminal: bool) -> Self {
        let mode = match (json, terminal) {
            (true, _) => OutputMode::Quiet,
            (false, true) => OutputMode::Bars(MultiProgress::new()),
            (false, false) => OutputMode::Lines,
        };
        Self { mode }
    }

    /// Whether results are printed as JSON.
    pub fn json(&self) -> bool {
        matches!(self.mode, OutputMode::Quiet)
    }

    /// Prints a line that stays above the bars.
    pub fn println(&self, line: &str) {
        match &self.mode {
            OutputMode::Bars(bars) => {
                // An error means that the terminal is gone.
                let _ = bars.println(line);
            }
            OutputMode::Lines => eprintln!("{line}"),
            OutputMode::Quiet => {}
        }
    }

    /// Removes the bars before an error is printed. After a result it would remove the result too.
    pub fn clear(&self) {
        if let OutputMode::Bars(bars) = &self.mode {
            let _ = bars.clear();
        }
    }

    /// Starts to show an upload or a download.
    pub fn transfer(&self, label: &'static str, total_bytes: Option<u64>) -> TransferBar {
        let bar = match &self.mode {
            OutputMode::Bars(bars) => {
                let bar = bars.add(ProgressBar::no_length().with_style(style(BYTES)).with_prefix(label));
                if let Some(total_bytes) = total_bytes {
                    bar.set_length(total_bytes);
                }
                Some(bar)
            }
            OutputMode::Lines | OutputMode::Quiet => None,
        };
        let lines = matches!(self.mode, OutputMode::Lines);
        if lines {
            let size = total_bytes.map(|bytes| format!(" {}", HumanBytes(bytes))).unwrap_or_default();
            eprintln!("{label}{size}");
        }
        TransferBar { label, bar, lines, printed_tenths: AtomicU64::new(0) }
    }

    /// Starts to show a job.
    pub fn job(&self) -> JobProgress<'_> {
        JobProgress { ui: self, started_at: Instant::now(), bar: None, queue_bar: None, last_line: None }
    }
}

/// The bytes of one upload or download.
#[derive(Debug)]
pub struct TransferBar {
    label: &'static str,
    bar: Option<ProgressBar>,
    lines: bool,
    printed_tenths: AtomicU64,
}

impl TransferBar {
    /// Starts at the bytes of an earlier run. They count for the bar but not for the rate.
    pub fn resume_at(&self, transferred_bytes: u64, total_bytes: u64) {
        self.set_position(transferred_bytes, Some(total_bytes));
        if let Some(bar) = &self.bar {
            bar.reset_eta();
        }
    }

    /// Shows how many bytes were transferred.
    pub fn set_position(&self, transferred_bytes: u64, total_bytes: Option<u64>) {
        if let Some(bar) = &self.bar {
            if let Some(total_bytes) = total_bytes {
                bar.set_length(total_bytes);
            }
            bar.set_position(transferred_bytes);
        }
        if let (true, Some(total_bytes)) = (self.lines, total_bytes) {
            let tenths = transferred_bytes.saturating_mul(10).checked_div(total_bytes).unwrap_or(10);
            if self.printed_tenths.fetch_max(tenths, Ordering::Relaxed) < tenths {
                eprintln!("{} {} %", self.label, tenths * 10);
            }
        }
    }

    /// Completes the bar, which stays on the screen.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish();
        }
    }
}

/// A job in the queue, then its attempts.
#[derive(Debug)]
pub struct JobProgress<'u> {
    ui: &'u Ui,
    started_at: Instant,
    bar: Option<ProgressBar>,
    queue_bar: Option<ProgressBar>,
    last_line: Option<LastLine>,
}

/// What decides whether another plain line is printed.
#[derive(Clone, Debug, PartialEq)]
struct LastLine {
    attempt: u32,
    stage: Option<JobStage>,
    status: JobStatus,
    tenths: u64,
}

impl JobProgress<'_> {
    /// Shows the newest state of the job.
    pub fn show(&mut self, job: &Job) {
        let percent = whole_percent(job.progress);
        let now = LastLine {
            attempt: job.attempt,
            stage: job.stage.clone(),
            status: job.status,
            tenths: percent / 10,
        };
        if self.last_line.as_ref().is_some_and(|last| last.attempt > 0 && last.attempt < now.attempt) {
            self.ui.println(&format!("Attempt {} of {}", job.attempt, job.max_attempts));
        }
        match &self.ui.mode {
            OutputMode::Bars(bars) => {
                let bars = bars.clone();
                self.draw(&bars, job, percent);
            }
            // The command itself prints why a job failed.
            OutputMode::Lines if self.last_line.as_ref() != Some(&now) && job.status != JobStatus::Error => {
                eprintln!("{}", line(job, percent));
            }
            OutputMode::Lines | OutputMode::Quiet => {}
        }
        self.last_line = Some(now);
    }

    /// The job has ended. The bars stay as they are.
    pub fn finish(&self) {
        for bar in [&self.queue_bar, &self.bar].into_iter().flatten().filter(|bar| !bar.is_finished()) {
            bar.abandon();
        }
    }

    fn draw(&mut self, bars: &MultiProgress, job: &Job, percent: u64) {
        if job.status == JobStatus::Pending {
            let started_at = self.started_at;
            let queue = self.queue_bar.get_or_insert_with(|| {
                let spinner = ProgressBar::new_spinner().with_style(style(WAITING)).with_prefix("queue");
                let spinner = bars.add(spinner.with_elapsed(started_at.elapsed()));
                spinner.enable_steady_tick(Duration::from_millis(120));
                spinner
            });
            queue.set_message(job.message.clone().unwrap_or_else(|| "waiting for a renderer".to_owned()));
            return;
        }
        if let Some(queue) = self.queue_bar.take() {
            queue.finish_with_message("a renderer has the job");
        }
        let bar = self.bar.get_or_insert_with(|| {
            bars.add(ProgressBar::new(100).with_style(style(PERCENT)).with_prefix("render"))
        });
        bar.set_position(percent);
        let text = job.message.as_deref().or(job.stage.as_ref().map(JobStage::as_str)).unwrap_or_default();
        bar.set_message(text.to_owned());
    }
}

/// Such as `rendering 40 %: 210 of 600 frames`.
fn line(job: &Job, percent: u64) -> String {
    let mut line = job.stage.as_ref().map_or(job.status.as_str(), JobStage::as_str).to_owned();
    if job.status == JobStatus::Processing {
        let _ = write!(line, " {percent} %");
    }
    if let Some(message) = job.message.as_deref().filter(|message| !message.is_empty()) {
        let _ = write!(line, ": {message}");
    }
    line
}

/// A bar ends at 100, whatever the server sends.
fn whole_percent(progress: f64) -> u64 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..=100")]
    let percent = progress.clamp(0.0, 100.0) as u64;
    percent
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

const BYTES: &str =
    "{prefix:>8} [{bar:32}] {percent:>3} %  {bytes} of {total_bytes}, {binary_bytes_per_sec}, {eta} left";
const PERCENT: &str = "{prefix:>8} [{bar:32}] {percent:>3} %  {wide_msg}";
const WAITING: &str = "{prefix:>8} {spinner} {elapsed}  {wide_msg}";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_template_is_valid() {
        for template in [BYTES, PERCENT, WAITING] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn a_line_has_the_stage_the_percent_and_the_message() {
        let job = |value| serde_json::from_value::<Job>(value).unwrap();
        let id = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50";
        let rendering =
            job(json!({"job_id": id, "type": "overlay", "status": "processing", "stage": "rendering",
            "progress": 40, "message": "53 of 132 frames"}));
        assert_eq!(line(&rendering, 40), "rendering 40 %: 53 of 132 frames");
        let pending = job(json!({"job_id": id, "type": "overlay", "status": "pending"}));
        assert_eq!(line(&pending, 0), "pending");
    }

    #[test]
    fn a_wrong_percent_stays_inside_the_bar() {
        assert_eq!([-3.0, 41.9, 250.0, f64::NAN].map(whole_percent), [0, 41, 100, 0]);
    }
}
