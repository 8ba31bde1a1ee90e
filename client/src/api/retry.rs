//! Trying again what failed on the way.
//!
//! Invariant: only faults that pass by themselves are tried again, and every series of tries ends.

use std::time::Duration;

use backon::BackoffBuilder as _;

use crate::api::error::{Error, Result};

/// One series of tries, with longer and longer pauses: about two minutes in all.
pub(crate) struct RetryBackoff(backon::ExponentialBackoff);

impl RetryBackoff {
    pub(crate) fn new() -> Self {
        Self(PAUSES.build())
    }

    /// Waits until it is time for another try, as long as the server wishes when it says so. Gives the error
    /// back when another try is of no use, or was the last.
    pub(crate) async fn wait(&mut self, error: Error) -> Result<()> {
        if !error.is_transient() {
            return Err(error);
        }
        let Some(pause) = self.0.next() else { return Err(error) };
        let wish = error.retry_after().unwrap_or_default().min(RETRY_AFTER_MAX);
        tokio::time::sleep(pause.max(wish)).await;
        Ok(())
    }
}

/// Repeats a call that may be repeated, also while nothing listens: servers restart.
pub(crate) async fn with_retries<T, F: Future<Output = Result<T>>>(call: impl Fn() -> F) -> Result<T> {
    let mut patience = RetryBackoff::new();
    loop {
        match call().await {
            Ok(value) => return Ok(value),
            Err(error) => patience.wait(error).await?,
        }
    }
}

const PAUSES: backon::ExponentialBuilder = backon::ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(500))
    .with_max_delay(Duration::from_secs(30))
    .with_max_times(9)
    .with_jitter();
/// A server that wants more than this is given up instead.
const RETRY_AFTER_MAX: Duration = Duration::from_mins(2);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::problem::ApiProblem;

    fn refused(status: u16, retry_after_s: Option<u64>) -> Error {
        Error::Api(Box::new(ApiProblem { status, retry_after_s, ..ApiProblem::default() }))
    }

    #[tokio::test(start_paused = true)]
    async fn the_servers_wish_is_a_pause_at_least() {
        let began = tokio::time::Instant::now();
        RetryBackoff::new().wait(refused(429, Some(7))).await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 7);
        RetryBackoff::new().wait(refused(503, Some(u64::MAX))).await.unwrap();
        assert_eq!(began.elapsed().as_secs(), 7 + 120);
    }

    #[tokio::test(start_paused = true)]
    async fn a_series_of_tries_lasts_minutes_and_ends() {
        let began = tokio::time::Instant::now();
        let mut tries = 0;
        let mut patience = RetryBackoff::new();
        while patience.wait(refused(503, None)).await.is_ok() {
            tries += 1;
        }
        assert_eq!(tries, 9);
        assert!((60..300).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    }

    #[tokio::test]
    async fn what_nobody_can_wait_for_is_not_tried_again() {
        assert!(RetryBackoff::new().wait(refused(404, Some(1))).await.is_err());
    }
}
