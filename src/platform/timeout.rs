//! Every wait has an end: bindings take no abort signal, so a wait is ended by a race.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use worker::{Delay, Error, Result};

/// The answer of a binding, or an error after `limit`. What it was doing may still happen.
pub async fn with_timeout<T>(limit: Duration, answer: impl Future<Output = Result<T>>) -> Result<T> {
    match select(pin!(answer), pin!(Delay::from(limit))).await {
        Either::Left((answer, _)) => answer,
        Either::Right(((), _)) => Err(Error::RustError("no answer in time".to_owned())),
    }
}

/// Lets time pass.
pub async fn sleep(length: Duration) {
    Delay::from(length).await;
}

/// The bucket and the index answer in milliseconds, or something is wrong with them.
pub const BINDING: Duration = Duration::from_secs(10);

/// Putting thousands of parts together takes the bucket longer than anything else.
pub const COMPLETION: Duration = Duration::from_secs(20);
