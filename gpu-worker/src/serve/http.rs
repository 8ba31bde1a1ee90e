//! The one HTTP client of the server.

use std::time::Duration;

use reqwest::Client;
use reqwest::redirect::Policy;

/// A client for callbacks, transfers and webhooks.
///
/// It follows no redirect, since its URLs are capabilities that belong to one host, and uses no
/// proxy of the environment, since its peers are on loopback.
///
/// # Errors
/// When the system has no TLS root certificates.
pub fn client() -> reqwest::Result<Client> {
    // A provider that somebody else has installed does as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .connect_timeout(Duration::from_secs(10))
        .redirect(Policy::none())
        .no_proxy()
        .user_agent(concat!("gpu-worker/", env!("CARGO_PKG_VERSION")))
        .build()
}
