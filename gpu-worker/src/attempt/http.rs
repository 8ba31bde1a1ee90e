//! The one HTTP client of the process, and how responses of failing servers are read.

use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};

/// A client for callbacks, transfers and webhooks.
///
/// It follows no redirect, because its URLs are capabilities that belong to one host, and uses no
/// proxy of the environment, because in development its peers are on loopback.
pub(super) fn client() -> reqwest::Result<Client> {
    // An error means that a provider is installed already, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .connect_timeout(Duration::from_secs(10))
        .redirect(Policy::none())
        .no_proxy()
        .user_agent(concat!("gpu-worker/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Whether the same request may succeed later.
pub(super) fn is_transient(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
        )
}

/// The body of a response; `None` when it is longer than `max_bytes`, of which no more is read.
pub(super) async fn read_bounded(
    mut response: Response,
    max_bytes: usize,
) -> reqwest::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if chunk.len() > max_bytes - body.len() {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// `Retry-After` in seconds, at most [`MAX_RETRY_AFTER`].
pub(super) fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse::<u64>().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
}

/// No server may make a paid GPU wait for an hour.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(30);
