//! Every deadline of a job and of an upload, in one place (design.md 4).

use crate::base::time::DurationMs;

/// How long things may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Silence of a working renderer before RunPod is asked about it.
    pub heartbeat_timeout: DurationMs,
    /// A dispatch without any sign before RunPod is asked about it.
    pub first_heartbeat_timeout: DurationMs,
    /// Pause before the second question about the same job; doubles up to `poll_backoff_max`.
    pub poll_backoff: DurationMs,
    /// Longest pause between two questions.
    pub poll_backoff_max: DurationMs,
    /// Longest wait for one answer about a job.
    pub status_request_timeout: DurationMs,
    /// Longest wait for the answer to a submit.
    pub submit_request_timeout: DurationMs,
    /// A submit without a known outcome is taken as unanswered after this: the object died on the way.
    pub submit_reply_timeout: DurationMs,
    /// Pause before a refused submit is tried again; doubles up to `submit_backoff_max`.
    pub submit_backoff: DurationMs,
    /// Longest pause between two submits.
    pub submit_backoff_max: DurationMs,
    /// Pause between submits while RunPod refuses our key: an operator must act.
    pub unauthorized_backoff: DurationMs,
    /// How long a job waits for that operator.
    pub unauthorized_timeout: DurationMs,
    /// From the first submit to the first sign of a worker.
    pub queue_timeout: DurationMs,
    /// From the first sign of a worker to its end; sent to RunPod as well.
    pub execution_timeout: DurationMs,
    /// A 404 this soon after the submit means nothing: RunPod's stores lag behind.
    pub not_found_grace: DurationMs,
    /// Pause before the second attempt; four times as long before the third.
    pub attempt_backoff: DurationMs,
    /// State is kept at least this often while only the percentage moves.
    pub persist_interval: DurationMs,
    /// Pause before a result is looked for again when the bucket did not answer.
    pub check_output_backoff: DurationMs,
    /// How long the bucket may fail to answer.
    pub check_output_timeout: DurationMs,
    /// Pause before an errand (a cancel, an index row) is tried again; doubles up to `poll_backoff_max`.
    pub outbox_backoff: DurationMs,
    /// How long an upload in parts may take; R2 itself gives up after a week.
    pub upload_ttl: DurationMs,
    /// How long a watcher may wait for a job that does not exist yet: the app opens its socket first.
    pub early_subscriber_timeout: DurationMs,
}

impl Timeouts {
    /// Production.
    pub const STANDARD: Self = Self {
        heartbeat_timeout: DurationMs::seconds(60),
        first_heartbeat_timeout: DurationMs::seconds(30),
        poll_backoff: DurationMs::seconds(10),
        poll_backoff_max: DurationMs::seconds(60),
        status_request_timeout: DurationMs::seconds(3),
        submit_request_timeout: DurationMs::seconds(10),
        submit_reply_timeout: DurationMs::seconds(20),
        submit_backoff: DurationMs::seconds(5),
        submit_backoff_max: DurationMs::seconds(60),
        unauthorized_backoff: DurationMs::seconds(60),
        unauthorized_timeout: DurationMs::minutes(24 * 60),
        queue_timeout: DurationMs::minutes(15),
        execution_timeout: DurationMs::minutes(10),
        not_found_grace: DurationMs::seconds(150),
        attempt_backoff: DurationMs::seconds(2),
        persist_interval: DurationMs::seconds(10),
        check_output_backoff: DurationMs::seconds(2),
        check_output_timeout: DurationMs::minutes(5),
        outbox_backoff: DurationMs::seconds(5),
        upload_ttl: DurationMs::minutes(3 * 24 * 60),
        early_subscriber_timeout: DurationMs::seconds(30),
    };

    /// The same, so many times as fast: for tests against the real thing. Waits for answers stay as
    /// they are, since the network does not speed up.
    #[must_use]
    pub fn scaled_by(self, times: i64) -> Self {
        let faster = |span: DurationMs| DurationMs((span.0 / times.max(1)).max(1));
        Self {
            heartbeat_timeout: faster(self.heartbeat_timeout),
            first_heartbeat_timeout: faster(self.first_heartbeat_timeout),
            poll_backoff: faster(self.poll_backoff),
            poll_backoff_max: faster(self.poll_backoff_max),
            status_request_timeout: self.status_request_timeout,
            submit_request_timeout: self.submit_request_timeout,
            submit_reply_timeout: self.submit_reply_timeout,
            submit_backoff: faster(self.submit_backoff),
            submit_backoff_max: faster(self.submit_backoff_max),
            unauthorized_backoff: faster(self.unauthorized_backoff),
            unauthorized_timeout: faster(self.unauthorized_timeout),
            queue_timeout: faster(self.queue_timeout),
            execution_timeout: faster(self.execution_timeout),
            not_found_grace: faster(self.not_found_grace),
            attempt_backoff: faster(self.attempt_backoff),
            persist_interval: faster(self.persist_interval),
            check_output_backoff: faster(self.check_output_backoff),
            check_output_timeout: faster(self.check_output_timeout),
            outbox_backoff: faster(self.outbox_backoff),
            upload_ttl: faster(self.upload_ttl),
            early_subscriber_timeout: faster(self.early_subscriber_timeout),
        }
    }
}

/// Attempts in all before a job fails; a retry by hand grants as many again.
pub const MAX_ATTEMPTS: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::backoff::{exponential_backoff, with_jitter};

    #[test]
    fn pauses_double_up_to_their_limit() {
        let pause = |tries| exponential_backoff(DurationMs::seconds(5), tries, DurationMs::seconds(60)).0;
        assert_eq!([0, 1, 2, 3, 4, 99].map(pause), [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
    }

    #[test]
    fn jitter_stays_within_a_quarter() {
        for chance in 0..200 {
            assert!((750..=1250).contains(&with_jitter(DurationMs(1000), chance).0));
        }
    }
}
