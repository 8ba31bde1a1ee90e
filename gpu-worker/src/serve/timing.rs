//! Every wait of the server in one place, so that tests can shorten them.

use std::time::Duration;

use tokio::time::Instant;

use super::submission::PolicyFloor;

/// How long the server waits for what. The default is RunPod's behaviour, as far as it is known.
#[derive(Clone, Debug)]
pub struct Timing {
    /// When each try of a webhook is made, counted from the job's end.
    pub webhook_tries: Vec<Duration>,
    /// How long one try of a webhook may take.
    pub webhook_timeout: Duration,
    /// How long a claim is tried while the API does not answer.
    pub claim_patience: Duration,
    /// How long a final report is tried while the API does not answer: the render is done
    /// and paid for, so much longer than a claim.
    pub report_patience: Duration,
    /// How long one claim or report may take.
    pub call_timeout: Duration,
    /// How long one progress report may take: it is worth nothing when it is late.
    pub progress_timeout: Duration,
    /// The least distance between two progress reports of the same stage.
    pub progress_interval: Duration,
    /// First and longest pause between two tries of anything.
    pub backoff: (Duration, Duration),
    /// How long a transfer may stand still, and how long it is tried while it fails.
    pub transfer_patience: Duration,
    /// The smallest policy that a job may name.
    pub policy_floor: PolicyFloor,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            webhook_tries: [0, 5, 20].map(Duration::from_secs).to_vec(),
            webhook_timeout: Duration::from_secs(10),
            claim_patience: Duration::from_mins(2),
            report_patience: Duration::from_mins(10),
            call_timeout: Duration::from_secs(10),
            progress_timeout: Duration::from_secs(5),
            progress_interval: Duration::from_secs(2),
            backoff: (Duration::from_millis(250), Duration::from_secs(5)),
            transfer_patience: Duration::from_mins(1),
            policy_floor: PolicyFloor::default(),
        }
    }
}

/// Growing pauses with jitter, until patience runs out.
///
/// Patience counts from the first failure: a try that took long before it failed costs nothing.
#[derive(Debug)]
pub struct Backoff {
    next: Duration,
    longest: Duration,
    patience: Duration,
    give_up_at: Option<Instant>,
}

impl Backoff {
    /// For one thing that is tried until it works or `patience` has run out.
    pub fn new(timing: &Timing, patience: Duration) -> Self {
        let (next, longest) = timing.backoff;
        Self { next, longest, patience, give_up_at: None }
    }

    /// Sleeps before the next try; `false` when patience has run out.
    ///
    /// `at_least` is what the other side asked for (`Retry-After`).
    pub async fn pause(&mut self, at_least: Option<Duration>) -> bool {
        let Some(pause) = self.next_pause(at_least, Instant::now()) else { return false };
        tokio::time::sleep(pause).await;
        true
    }

    fn next_pause(&mut self, at_least: Option<Duration>, now: Instant) -> Option<Duration> {
        // Between half and all of it: many workers that fail together must not return together.
        let jittered = self.next.mul_f64(0.5 + fastrand::f64() / 2.0);
        let pause = jittered.max(at_least.unwrap_or_default());
        self.next = (self.next * 2).min(self.longest);
        let give_up_at = *self.give_up_at.get_or_insert(now + self.patience);
        (now + pause < give_up_at).then_some(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_with_patience() {
        let start = Instant::now();
        let patience = Duration::from_mins(2);
        let mut backoff = Backoff::new(&Timing::default(), patience);
        let (mut now, mut pauses) = (start, Vec::new());
        while let Some(pause) = backoff.next_pause(None, now) {
            now += pause;
            pauses.push(pause);
        }
        assert!(now - start < patience);
        assert!(now - start >= Duration::from_secs(115), "{:?}", now - start);
        assert!(pauses[0] <= Duration::from_millis(250));
        assert!(pauses.iter().all(|pause| *pause <= Duration::from_secs(5)));
        assert!((24..60).contains(&pauses.len()), "{pauses:?}");
    }

    #[test]
    fn the_other_side_may_ask_for_a_longer_pause() {
        let mut backoff = Backoff::new(&Timing::default(), Duration::from_mins(2));
        let asked = Duration::from_secs(30);
        assert_eq!(backoff.next_pause(Some(asked), Instant::now()), Some(asked));
    }
}
