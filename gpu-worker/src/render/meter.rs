//! Progress, measured.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Progress;
use super::exact;

/// Turns a count of frames into progress, a few times a second.
pub(super) struct Meter {
    total: Option<u64>,
    /// When how many frames were done, over the last seconds.
    marks: VecDeque<(Instant, u64)>,
    told: Instant,
}

impl Meter {
    const TELL_EVERY: Duration = Duration::from_millis(200);
    const WINDOW: Duration = Duration::from_secs(4);

    pub(super) fn new(total: Option<u64>) -> Self {
        let now = Instant::now();
        Self { total, marks: [(now, 0)].into(), told: now }
    }

    /// News, when it is time for some.
    pub(super) fn tick(&mut self, frames: u64) -> Option<Progress> {
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

    /// The end.
    pub(super) fn last(&mut self, frames: u64) -> Progress {
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
