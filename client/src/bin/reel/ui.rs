//! What a person sees while waiting: bars on a terminal, plain lines in a log, nothing with `--json`.
//!
//! Invariant: everything here goes to standard error. In plain lines, a phase says something when it
//! changes and at most once for every ten percent.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, MultiProgress, ProgressBar, ProgressStyle};
use reel_client::{Job, JobStage, JobStatus};

/// How to show progress.
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
    /// `json` wants silence; a terminal gets bars.
    pub fn new(json: bool, terminal: bool) -> Self {
        let mode = match (json, terminal) {
            (true, _) => OutputMode::Quiet,
            (false, true) => OutputMode::Bars(MultiProgress::new()),
            (false, false) => OutputMode::Lines,
        };
        Self { mode }
    }

    /// Whether results are to be JSON.
    pub fn json(&self) -> bool {
        matches!(self.mode, OutputMode::Quiet)
    }

    /// One line that stays.
    pub fn println(&self, line: &str) {
        match &self.mode {
            OutputMode::Bars(bars) => {
                // Nobody to tell when the terminal is gone.
                let _ = bars.println(line);
            }
            OutputMode::Lines => eprintln!("{line}"),
            OutputMode::Quiet => {}
        }
    }

    /// Takes the bars away before a complaint. Not after a result: it would wipe that out as well.
    pub fn clear(&self) {
        if let OutputMode::Bars(bars) = &self.mode {
            let _ = bars.clear();
        }
    }

    /// A transfer of bytes, under way.
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

    /// A job, being followed.
    pub fn job(&self) -> JobProgress<'_> {
        JobProgress { screen: self, since: Instant::now(), bar: None, queue: None, last_line: None }
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
    /// So many bytes were through before it began: they count for the bar, and not for the rate.
    pub fn resume_at(&self, done_bytes: u64, total_bytes: u64) {
        self.set_position(done_bytes, Some(total_bytes));
        if let Some(bar) = &self.bar {
            bar.reset_eta();
        }
    }

    /// So many bytes are through.
    pub fn set_position(&self, done_bytes: u64, total_bytes: Option<u64>) {
        if let Some(bar) = &self.bar {
            if let Some(total_bytes) = total_bytes {
                bar.set_length(total_bytes);
            }
            bar.set_position(done_bytes);
        }
        if let (true, Some(total_bytes)) = (self.lines, total_bytes) {
            let tenths = done_bytes.saturating_mul(10).checked_div(total_bytes).unwrap_or(10);
            if self.printed_tenths.fetch_max(tenths, Ordering::Relaxed) < tenths {
                eprintln!("{} {} %", self.label, tenths * 10);
            }
        }
    }

    /// It is through; the bar stays as a record.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish();
        }
    }
}

/// A job as it goes: waiting, then attempts.
#[derive(Debug)]
pub struct JobProgress<'s> {
    screen: &'s Ui,
    since: Instant,
    bar: Option<ProgressBar>,
    queue: Option<ProgressBar>,
    last_line: Option<LastLine>,
}

/// What the last plain line told.
#[derive(Clone, Debug, PartialEq)]
struct LastLine {
    attempt: u32,
    stage: Option<JobStage>,
    status: JobStatus,
    tenths: u64,
}

impl JobProgress<'_> {
    /// The job's newest state.
    pub fn show(&mut self, job: &Job) {
        let percent = whole_percent(job.progress);
        let now = LastLine {
            attempt: job.attempt,
            stage: job.stage.clone(),
            status: job.status,
            tenths: percent / 10,
        };
        if self.last_line.as_ref().is_some_and(|said| said.attempt > 0 && said.attempt < now.attempt) {
            self.screen.println(&format!("Attempt {} of {}", job.attempt, job.max_attempts));
        }
        match &self.screen.mode {
            OutputMode::Bars(bars) => {
                let bars = bars.clone();
                self.draw(&bars, job, percent);
            }
            // Why a job failed is the command's last word, and said once.
            OutputMode::Lines if self.last_line.as_ref() != Some(&now) && job.status != JobStatus::Error => {
                eprintln!("{}", line(job, percent));
            }
            OutputMode::Lines | OutputMode::Quiet => {}
        }
        self.last_line = Some(now);
    }

    /// The job is over; the bars stay where it got to.
    pub fn finish(&self) {
        for bar in [&self.queue, &self.bar].into_iter().flatten().filter(|bar| !bar.is_finished()) {
            bar.abandon();
        }
    }

    fn draw(&mut self, bars: &MultiProgress, job: &Job, percent: u64) {
        if job.status == JobStatus::Pending {
            let since = self.since;
            let queue = self.queue.get_or_insert_with(|| {
                let spinner = ProgressBar::new_spinner().with_style(style(WAITING)).with_prefix("queue");
                let spinner = bars.add(spinner.with_elapsed(since.elapsed()));
                spinner.enable_steady_tick(Duration::from_millis(120));
                spinner
            });
            queue.set_message(job.message.clone().unwrap_or_else(|| "waiting for a renderer".to_owned()));
            return;
        }
        if let Some(queue) = self.queue.take() {
            queue.finish_with_message("taken by a renderer");
        }
        let bar = self.bar.get_or_insert_with(|| {
            bars.add(ProgressBar::new(100).with_style(style(PERCENT)).with_prefix("render"))
        });
        bar.set_position(percent);
        let words = job.message.as_deref().or(job.stage.as_ref().map(JobStage::as_str)).unwrap_or_default();
        bar.set_message(words.to_owned());
    }
}

/// `rendering 40 %: 210 of 600 frames`.
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

/// Servers send whole percents; whatever else comes, a bar ends at 100.
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
    fn a_line_tells_the_stage_the_percent_and_the_message() {
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
    fn nonsense_percents_stay_inside_the_bar() {
        assert_eq!([-3.0, 41.9, 250.0, f64::NAN].map(whole_percent), [0, 41, 100, 0]);
    }
}
