//! Measures the progress of a render.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::Progress;

/// Turns a count of frames into progress, a few times a second.
pub(super) struct ProgressMeter {
    total: Option<u64>,
    note: Option<&'static str>,
    /// When how many frames were done, over the last seconds.
    samples: VecDeque<(Instant, u64)>,
    last_update_at: Instant,
}

impl ProgressMeter {
    const UPDATE_INTERVAL: Duration = Duration::from_millis(200);
    const WINDOW: Duration = Duration::from_secs(4);

    pub(super) fn new(total: Option<u64>, note: Option<&'static str>) -> Self {
        let now = Instant::now();
        Self { total, note, samples: [(now, 0)].into(), last_update_at: now }
    }

    /// The progress, when the last update is long enough ago.
    pub(super) fn tick(&mut self, frames: u64) -> Option<Progress> {
        let now = Instant::now();
        if now - self.last_update_at < Self::UPDATE_INTERVAL {
            return None;
        }
        self.last_update_at = now;
        self.samples.push_back((now, frames));
        while self.samples.len() > 2
            && self.samples.get(1).is_some_and(|(then, _)| now - *then > Self::WINDOW)
        {
            self.samples.pop_front();
        }
        Some(self.progress(now, frames))
    }

    /// The progress at the end.
    pub(super) fn finish(&mut self, frames: u64) -> Progress {
        self.total = Some(frames);
        self.progress(Instant::now(), frames)
    }

    #[allow(clippy::cast_precision_loss, reason = "an output has far fewer than 2^53 frames")]
    fn progress(&self, now: Instant, frames: u64) -> Progress {
        let (then, before) = self.samples.front().copied().unwrap_or((now, frames));
        let seconds = (now - then).as_secs_f64();
        let rate = if seconds > 0.0 { frames.saturating_sub(before) as f64 / seconds } else { 0.0 };
        let left = self.total.map(|total| total.saturating_sub(frames) as f64);
        Progress {
            frames_done: frames,
            frames_total: self.total,
            note: self.note,
            frames_per_second: rate,
            seconds_left: left.filter(|_| rate > 0.0).map(|left| left / rate),
        }
    }
}
