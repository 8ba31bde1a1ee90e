//! Every timeout, interval and backoff of a job and of an upload.

use crate::base::time::DurationMs;
use crate::job::execution_timeout::EXECUTION_TIMEOUT_MIN;
use crate::webhook::retry::WINDOW;

/// How long things may take, and how long to wait before the next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Without a heartbeat for this long, RunPod is polled.
    pub heartbeat_timeout: DurationMs,
    /// Without any heartbeat for this long after the submit, RunPod is polled.
    pub first_heartbeat_timeout: DurationMs,
    /// Jobs that began in the same second are polled over this time.
    pub poll_spread: DurationMs,
    /// Between two polls while RunPod says that the job is in its queue, or more.
    pub queued_poll_pause: DurationMs,
    /// Pause before the second poll; doubles up to `poll_backoff_max`.
    pub poll_backoff: DurationMs,
    /// Longest pause between two polls.
    pub poll_backoff_max: DurationMs,
    /// Longest wait for the reply to a poll.
    pub status_request_timeout: DurationMs,
    /// Longest wait for the reply to a submit.
    pub submit_request_timeout: DurationMs,
    /// A submit without a recorded reply counts as failed after this time: the object stopped in between.
    pub submit_reply_timeout: DurationMs,
    /// Pause before a rejected submit is repeated; doubles up to `submit_backoff_max`.
    pub submit_backoff: DurationMs,
    /// Longest pause between two submits.
    pub submit_backoff_max: DurationMs,
    /// Pause between submits while RunPod rejects the API key. An operator must replace it.
    pub unauthorized_backoff: DurationMs,
    /// How long a job waits for a valid API key.
    pub unauthorized_timeout: DurationMs,
    /// From the submit to the first heartbeat.
    pub queue_timeout: DurationMs,
    /// From the first heartbeat to the end of the attempt; also sent to RunPod. A job's own is at least as long
    /// ([`Timeouts::for_job`]).
    pub execution_timeout: DurationMs,
    /// A 404 this soon after the submit is ignored: RunPod may not know the job yet.
    pub not_found_grace: DurationMs,
    /// Pause before the second attempt; four times as long before the third.
    pub attempt_backoff: DurationMs,
    /// While only the percentage changes, the job is written this often.
    pub persist_interval: DurationMs,
    /// Pause before the output is checked again if the bucket did not reply.
    pub check_output_backoff: DurationMs,
    /// How long the bucket may not reply.
    pub check_output_timeout: DurationMs,
    /// Pause before a cancel or an index write is repeated; doubles up to `poll_backoff_max`.
    pub outbox_backoff: DurationMs,
    /// Lifetime of the presigned URLs that a GPU worker gets: longer than any attempt may take.
    pub worker_url_lifetime: DurationMs,
    /// How long after that a PUT may still land that began in time; also the pause before a sweep is repeated.
    pub late_put_grace: DurationMs,
    /// Lifetime of a multipart upload; R2's own limit is a week.
    pub upload_ttl: DurationMs,
    /// How long a subscriber may wait for a job that does not exist yet: the frontend opens its socket first.
    pub early_subscriber_timeout: DurationMs,
    /// How long the delivery of an event to a webhook is tried.
    pub webhook_window: DurationMs,
}

impl Timeouts {
    /// The timeouts of production.
    pub const STANDARD: Self = Self {
        heartbeat_timeout: DurationMs::seconds(60),
        first_heartbeat_timeout: DurationMs::seconds(30),
        poll_spread: DurationMs::seconds(30),
        queued_poll_pause: DurationMs::seconds(30),
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
        execution_timeout: EXECUTION_TIMEOUT_MIN,
        not_found_grace: DurationMs::seconds(150),
        attempt_backoff: DurationMs::seconds(2),
        persist_interval: DurationMs::seconds(10),
        check_output_backoff: DurationMs::seconds(2),
        check_output_timeout: DurationMs::minutes(5),
        outbox_backoff: DurationMs::seconds(5),
        worker_url_lifetime: DurationMs::minutes(60),
        late_put_grace: DurationMs::minutes(30),
        upload_ttl: DurationMs::minutes(3 * 24 * 60),
        early_subscriber_timeout: DurationMs::seconds(30),
        webhook_window: WINDOW,
    };

    /// The timeouts of one job, whose attempts may take `execution_timeout` by the clock of production.
    #[must_use]
    pub fn for_job(self, execution_timeout: DurationMs) -> Self {
        let (own, standard) = (self.execution_timeout.0, Self::STANDARD.execution_timeout.0);
        let scaled = |duration: DurationMs| DurationMs(duration.0.saturating_mul(own) / standard);
        Self {
            execution_timeout: scaled(execution_timeout),
            // A PUT begins at the end of the attempt.
            worker_url_lifetime: self
                .worker_url_lifetime
                .max(scaled(DurationMs(execution_timeout.0.saturating_add(LAST_PUT.0)))),
            ..self
        }
    }

    /// The same timeouts, divided by `factor`, for tests. Request timeouts stay, since the network does not
    /// become faster.
    #[must_use]
    pub fn scaled_by(self, factor: i64) -> Self {
        let scaled = |duration: DurationMs| DurationMs((duration.0 / factor.max(1)).max(1));
        Self {
            heartbeat_timeout: scaled(self.heartbeat_timeout),
            first_heartbeat_timeout: scaled(self.first_heartbeat_timeout),
            poll_spread: scaled(self.poll_spread),
            queued_poll_pause: scaled(self.queued_poll_pause),
            poll_backoff: scaled(self.poll_backoff),
            poll_backoff_max: scaled(self.poll_backoff_max),
            status_request_timeout: self.status_request_timeout,
            submit_request_timeout: self.submit_request_timeout,
            submit_reply_timeout: self.submit_reply_timeout,
            submit_backoff: scaled(self.submit_backoff),
            submit_backoff_max: scaled(self.submit_backoff_max),
            unauthorized_backoff: scaled(self.unauthorized_backoff),
            unauthorized_timeout: scaled(self.unauthorized_timeout),
            queue_timeout: scaled(self.queue_timeout),
            execution_timeout: scaled(self.execution_timeout),
            not_found_grace: scaled(self.not_found_grace),
            attempt_backoff: scaled(self.attempt_backoff),
            persist_interval: scaled(self.persist_interval),
            check_output_backoff: scaled(self.check_output_backoff),
            check_output_timeout: scaled(self.check_output_timeout),
            outbox_backoff: scaled(self.outbox_backoff),
            worker_url_lifetime: scaled(self.worker_url_lifetime),
            late_put_grace: scaled(self.late_put_grace),
            upload_ttl: scaled(self.upload_ttl),
            early_subscriber_timeout: scaled(self.early_subscriber_timeout),
            webhook_window: scaled(self.webhook_window),
        }
    }
}

/// How long the upload of an output may take.
const LAST_PUT: DurationMs = DurationMs::minutes(30);

/// Attempts before a job fails. A client's retry allows as many again.
pub const MAX_ATTEMPTS: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::backoff::{exponential_backoff, with_jitter};
    use crate::job::execution_timeout::EXECUTION_TIMEOUT_MAX;

    #[test]
    fn a_backoff_doubles_up_to_its_maximum() {
        let pause = |tries| exponential_backoff(DurationMs::seconds(5), tries, DurationMs::seconds(60)).0;
        assert_eq!([0, 1, 2, 3, 4, 99].map(pause), [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
    }

    #[test]
    fn a_longer_attempt_has_urls_for_as_long_and_runs_on_the_same_clock() {
        let standard = Timeouts::STANDARD;
        assert_eq!(standard.for_job(EXECUTION_TIMEOUT_MIN), standard);
        let long = standard.for_job(EXECUTION_TIMEOUT_MAX);
        assert_eq!(long.execution_timeout, EXECUTION_TIMEOUT_MAX);
        assert_eq!(long.worker_url_lifetime, DurationMs::minutes(90));
        assert_eq!(long.queue_timeout, standard.queue_timeout);
        let fast = standard.scaled_by(20).for_job(EXECUTION_TIMEOUT_MAX);
        assert_eq!(
            (fast.execution_timeout, fast.worker_url_lifetime),
            (DurationMs::minutes(3), DurationMs(270_000))
        );
    }

    #[test]
    fn jitter_stays_within_a_quarter() {
        for jitter_seed in 0..200 {
            assert!((750..=1250).contains(&with_jitter(DurationMs(1000), jitter_seed).0));
        }
    }
}
