//! Repeating a call that failed.
//!
//! Invariant: only errors that may pass by themselves are retried, and every series of retries ends.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

use super::error::Error;

/// How long a call is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryPolicy {
    /// For a call that a person waits for: a few seconds. A refused connection is an error at once.
    Interactive,
    /// For a call in the middle of a transfer: about two minutes, also while nothing listens, since servers restart.
    Background,
}

impl RetryPolicy {
    const fn delays(self) -> ExponentialBuilder {
        let (max_delay, max_retries) = match self {
            Self::Interactive => (Duration::from_secs(5), 3),
            Self::Background => (Duration::from_secs(30), 9),
        };
        ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(500))
            .with_max_delay(max_delay)
            .with_max_times(max_retries)
            .with_jitter()
    }

    /// The longest `Retry-After` that is respected; the next try does not wait longer than this.
    const fn retry_after_max(self) -> Duration {
        match self {
            Self::Interactive => Duration::from_secs(30),
            Self::Background => Duration::from_mins(2),
        }
    }

    fn retries(self, error: &Error) -> bool {
        let refused = matches!(error, Error::ConnectionRefused { .. });
        error.is_transient() && !(refused && self == Self::Interactive)
    }
}

/// The growing delays between the tries of one call.
pub(crate) struct RetryBackoff {
    policy: RetryPolicy,
    delays: ExponentialBackoff,
}

impl RetryBackoff {
    pub(crate) fn new(policy: RetryPolicy) -> Self {
        Self { policy, delays: policy.delays().build() }
    }

    /// Waits until the next try, at least as long as the server asks for. Returns the error if there is no next try.
    pub(crate) async fn wait(&mut self, error: Error) -> Result<(), Error> {
        if !self.policy.retries(&error) {
            return Err(error);
        }
        let Some(delay) = self.delays.next() else { return Err(error) };
        let retry_after = error.retry_after().unwrap_or_default().min(self.policy.retry_after_max());
        tokio::time::sleep(delay.max(retry_after)).await;
        Ok(())
    }
}

/// Repeats a call as `policy` says. The call must be one that may be sent twice.
pub async fn with_retries<T, F: Future<Output = Result<T, Error>>>(
    policy: RetryPolicy,
    call: impl Fn() -> F,
) -> Result<T, Error> {
    let mut backoff = RetryBackoff::new(policy);
    loop {
        match call().await {
            Ok(value) => return Ok(value),
            Err(error) => backoff.wait(error).await?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::problem::ApiProblem;

    fn api_error(status: u16, retry_after_s: Option<u64>) -> Error {
        Error::Api(Box::new(ApiProblem { status, retry_after_s, ..ApiProblem::default() }))
    }

    #[tokio::test(start_paused = true)]
    async fn retry_after_is_a_minimum_up_to_a_limit() {
        let started_at = tokio::time::Instant::now();
        RetryBackoff::new(RetryPolicy::Background).wait(api_error(429, Some(7))).await.unwrap();
        assert_eq!(started_at.elapsed().as_secs(), 7);
        RetryBackoff::new(RetryPolicy::Background).wait(api_error(503, Some(u64::MAX))).await.unwrap();
        assert_eq!(started_at.elapsed().as_secs(), 7 + 120);
    }

    #[tokio::test(start_paused = true)]
    async fn every_series_of_retries_ends() {
        for (policy, expected_retries, seconds) in
            [(RetryPolicy::Interactive, 3, 3..12), (RetryPolicy::Background, 9, 60..300)]
        {
            let started_at = tokio::time::Instant::now();
            let mut retries = 0;
            let mut backoff = RetryBackoff::new(policy);
            while backoff.wait(api_error(503, None)).await.is_ok() {
                retries += 1;
            }
            assert_eq!(retries, expected_retries);
            assert!(seconds.contains(&started_at.elapsed().as_secs()), "{:?}", started_at.elapsed());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_waiting_cannot_help_is_not_retried() {
        assert!(RetryBackoff::new(RetryPolicy::Background).wait(api_error(404, Some(1))).await.is_err());
        let refused = || Error::ConnectionRefused { origin: "http://localhost:8787".into() };
        assert!(RetryBackoff::new(RetryPolicy::Interactive).wait(refused()).await.is_err());
        assert!(RetryBackoff::new(RetryPolicy::Background).wait(refused()).await.is_ok());
    }
}
