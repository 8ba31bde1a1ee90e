//! Every wait of an attempt in one place, so that tests can shorten them.

use std::time::Duration;

use tokio::time::Instant;

/// How long an attempt waits for what.
#[derive(Clone, Debug)]
pub struct WorkerTimeouts {
    /// How long a claim is retried while the API does not answer.
    pub claim_retry_timeout: Duration,
    /// How long a final report is retried while the API does not answer. Much longer than a claim,
    /// because the render is done and paid for.
    pub report_retry_timeout: Duration,
    /// How long one claim or final report may take.
    pub call_timeout: Duration,
    /// How long one progress report may take; a late one is worth nothing.
    pub progress_timeout: Duration,
    /// The shortest interval between two progress reports of the same stage.
    pub progress_interval: Duration,
    /// First pause between two tries; each later one is twice as long.
    pub retry_backoff: Duration,
    /// Longest pause between two tries.
    pub retry_backoff_max: Duration,
    /// How long a transfer may stall, and how long it is retried while it fails.
    pub transfer_stall_timeout: Duration,
}

impl Default for WorkerTimeouts {
    fn default() -> Self {
        Self {
            claim_retry_timeout: Duration::from_mins(2),
            report_retry_timeout: Duration::from_mins(10),
            call_timeout: Duration::from_secs(10),
            progress_timeout: Duration::from_secs(5),
            progress_interval: Duration::from_secs(2),
            retry_backoff: Duration::from_millis(250),
            retry_backoff_max: Duration::from_secs(5),
            transfer_stall_timeout: Duration::from_mins(1),
        }
    }
}

/// Growing pauses with jitter, until the retry timeout.
///
/// The timeout counts from the first failure: a try that took long before it failed costs nothing.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
    max: Duration,
    retry_timeout: Duration,
    give_up_at: Option<Instant>,
}

impl Backoff {
    pub(super) fn new(timeouts: &WorkerTimeouts, retry_timeout: Duration) -> Self {
        let WorkerTimeouts { retry_backoff, retry_backoff_max, .. } = *timeouts;
        Self { next: retry_backoff, max: retry_backoff_max, retry_timeout, give_up_at: None }
    }

    /// Sleeps before the next try; `false` when the retry timeout has passed.
    ///
    /// `at_least` is what the server asked for (`Retry-After`).
    pub(super) async fn wait(&mut self, at_least: Option<Duration>) -> bool {
        let Some(pause) = self.next_pause(at_least, Instant::now()) else { return false };
        tokio::time::sleep(pause).await;
        true
    }

    fn next_pause(&mut self, at_least: Option<Duration>, now: Instant) -> Option<Duration> {
        // Between half and all of it: many workers that fail together must not return together.
        let jittered = self.next.mul_f64(0.5 + fastrand::f64() / 2.0);
        let pause = jittered.max(at_least.unwrap_or_default());
        self.next = (self.next * 2).min(self.max);
        let give_up_at = *self.give_up_at.get_or_insert(now + self.retry_timeout);
        (now + pause < give_up_at).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_with_the_retry_timeout() {
        let start = Instant::now();
        let retry_timeout = Duration::from_mins(2);
        let mut backoff = Backoff::new(&WorkerTimeouts::default(), retry_timeout);
        let (mut now, mut pauses) = (start, Vec::new());
        while let Some(pause) = backoff.next_pause(None, now) {
            now += pause;
            pauses.push(pause);
        }
        assert!(now - start < retry_timeout);
        assert!(now - start >= Duration::from_secs(115), "{:?}", now - start);
        assert!(pauses[0] <= Duration::from_millis(250));
        assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(5)));
        assert!((24..60).contains(&pauses.len()), "{pauses:?}");
    }

    #[test]
    fn the_server_may_ask_for_a_longer_pause() {
        let mut backoff = Backoff::new(&WorkerTimeouts::default(), Duration::from_mins(2));
        let asked = Duration::from_secs(30);
        assert_eq!(backoff.next_pause(Some(asked), Instant::now()), Some(asked));
    }
}
