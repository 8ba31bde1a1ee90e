//! The client of one API, and its calls about jobs.
//!
//! Invariant: the API key is sent to the API's own routes and nowhere else; [`Client::is_api_url`] decides.

use std::sync::Arc;
use std::time::Duration;

use reel_core::base::id::JobId;
use reel_core::base::secret::Secret;
use reqwest::{Method, RequestBuilder, Response};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt as _;
use serde::de::DeserializeOwned;
use url::Url;

use super::error::{Error, root_cause};
use super::job::{CreateJob, Job, JobFilter, JobPage};
use super::problem::ApiProblem;

/// The API at one address, with one key. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) base_url: Url,
    pub(crate) api_key: Option<Secret>,
}

impl Client {
    /// A client of the API at `base_url`, such as `http://localhost:8787`.
    pub fn new(base_url: &str, api_key: Option<Secret>) -> Result<Self, Error> {
        let base_url = parse_base_url(base_url)?;
        let tls = tls_config(&base_url)?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("reel-client/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Error::Tls(root_cause(&error)))?;
        Ok(Self { http, tls: Arc::new(tls), base_url, api_key })
    }

    /// Scheme, host and port of the API.
    pub fn origin(&self) -> String {
        origin_of(&self.base_url)
    }

    /// Creates a job. With `job_id` or an idempotency key, sending it again returns the same job.
    pub async fn create_job(&self, job: &CreateJob, idempotency_key: Option<&str>) -> Result<Job, Error> {
        self.call(Method::POST, &["api", "jobs"], |request| match idempotency_key {
            Some(key) => request.header("idempotency-key", key).json(job),
            None => request.json(job),
        })
        .await
    }

    /// The job as it is now.
    pub async fn job(&self, id: JobId) -> Result<Job, Error> {
        self.call(Method::GET, &["api", "jobs", &id.to_string()], |request| request).await
    }

    /// One page of jobs, newest first.
    pub async fn jobs(&self, filter: &JobFilter) -> Result<JobPage, Error> {
        let mut url = self.url(&["api", "jobs"])?;
        url.query_pairs_mut().extend_pairs(filter.query());
        self.send_for_json(self.with_api_key(self.http.get(url)), "GET api/jobs").await
    }

    /// Cancels a job. Cancelling a job that already failed changes nothing.
    pub async fn cancel(&self, id: JobId) -> Result<Job, Error> {
        self.call(Method::POST, &["api", "jobs", &id.to_string(), "cancel"], |request| request).await
    }

    /// Starts a failed job over.
    pub async fn retry(&self, id: JobId) -> Result<Job, Error> {
        self.call(Method::POST, &["api", "jobs", &id.to_string(), "retry"], |request| request).await
    }

    /// Deletes a job that has ended, with its input and its outputs.
    pub async fn delete(&self, id: JobId) -> Result<(), Error> {
        let url = self.url(&["api", "jobs", &id.to_string()])?;
        self.send(self.with_api_key(self.http.delete(url))).await.map(drop)
    }

    /// Whether `url` is a route of this API, so that the API key may be sent to it. `ws` counts as `http` and `wss`
    /// as `https`. A presigned URL on the same host is no route of the API.
    pub(crate) fn is_api_url(&self, url: &Url) -> bool {
        let server = |url: &Url| {
            let tls = matches!(url.scheme(), "https" | "wss");
            (tls, url.host_str().map(str::to_owned), url.port_or_known_default())
        };
        let routes = format!("{}api/", self.base_url.path());
        server(url) == server(&self.base_url) && url.path().starts_with(&routes)
    }

    /// Adds the API key, if there is one.
    pub(crate) fn with_api_key(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.api_key {
            Some(key) => request.bearer_auth(key.reveal()),
            None => request,
        }
    }

    /// Calls a route of the API and reads the JSON of its response.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        build: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<T, Error> {
        let call = format!("{method} {}", path.join("/"));
        let request = self.with_api_key(self.http.request(method, self.url(path)?));
        self.send_for_json(build(request), &call).await
    }

    /// Sends a request and reads the JSON of its response; `call` names the request in an error.
    pub(crate) async fn send_for_json<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        call: &str,
    ) -> Result<T, Error> {
        let response = self.send(request).await?;
        let body = response.bytes().await.map_err(|error| self.network_error(&error))?;
        serde_json::from_slice(&body)
            .map_err(|error| Error::UnexpectedResponse { call: call.to_owned(), reason: error.to_string() })
    }

    /// Sends a request. A status other than success becomes an [`ApiProblem`].
    async fn send(&self, request: RequestBuilder) -> Result<Response, Error> {
        let response =
            request.timeout(CALL_TIMEOUT).send().await.map_err(|error| self.network_error(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let headers = response.headers().clone();
        let body = response.bytes().await.map_err(|error| self.network_error(&error))?;
        Err(Error::Api(Box::new(ApiProblem::parse(status, &headers, &body))))
    }

    fn network_error(&self, error: &reqwest::Error) -> Error {
        Error::network(error, self.origin(), CALL_TIMEOUT)
    }

    pub(crate) fn url(&self, path: &[&str]) -> Result<Url, Error> {
        self.base_url.join(&path.join("/")).map_err(|error| Error::InvalidBaseUrl(error.to_string()))
    }
}

/// Scheme, host and port: the part of a URL that may be shown.
pub(crate) fn origin_of(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// The result ends in `/`, so that a path can be joined to it, whatever prefix it has.
fn parse_base_url(text: &str) -> Result<Url, Error> {
    let mut url = Url::parse(text.trim()).map_err(|error| Error::InvalidBaseUrl(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        let reason = "it must begin with http:// or https:// and name a host";
        return Err(Error::InvalidBaseUrl(reason.to_owned()));
    }
    url.set_query(None);
    url.set_fragment(None);
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

/// Ring and the system's certificates. On a machine without certificates, such as a container, plain http works.
fn tls_config(base_url: &Url) -> Result<ClientConfig, Error> {
    let tls_error = |error: rustls::Error| Error::Tls(error.to_string());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = || {
        ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(tls_error)
    };
    match builder()?.with_platform_verifier() {
        Ok(verified) => Ok(verified.with_no_client_auth()),
        Err(_) if base_url.scheme() == "http" => {
            Ok(builder()?.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
        }
        Err(error) => Err(tls_error(error)),
    }
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The API answers in milliseconds; half a minute allows for cold starts and bad networks.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_keeps_its_prefix_and_needs_no_slash() {
        for (base_url, expected) in [
            ("http://localhost:8787", "http://localhost:8787/api/jobs"),
            ("http://localhost:8787/", "http://localhost:8787/api/jobs"),
            ("https://example.org/reels?x=1", "https://example.org/reels/api/jobs"),
        ] {
            let client = Client::new(base_url, None).unwrap();
            assert_eq!(client.url(&["api", "jobs"]).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn an_invalid_base_url_is_refused_with_a_reason() {
        for invalid in ["", "localhost:8787", "ftp://x", "http://", "file:///etc/passwd"] {
            assert!(matches!(Client::new(invalid, None), Err(Error::InvalidBaseUrl(_))), "{invalid}");
        }
    }

    #[test]
    fn the_key_goes_only_to_routes_of_the_api() {
        let client = Client::new("https://api.example.org/", None).unwrap();
        let is_api_url = |text| client.is_api_url(&Url::parse(text).unwrap());
        assert!(is_api_url("wss://api.example.org/api/jobs/x/ws"));
        assert!(is_api_url("https://api.example.org:443/api/videos/download/x"));
        assert!(!is_api_url("https://api.example.org/bucket/x?X-Amz-Signature=abc"));
        assert!(!is_api_url("wss://elsewhere.example.org/api/jobs/x/ws"));
        assert!(!is_api_url("ws://api.example.org/api/jobs/x/ws"));
    }

    #[test]
    fn a_client_can_be_printed_without_its_key() {
        let client = Client::new("http://localhost:8787", Some(Secret::new("s3cret"))).unwrap();
        assert!(!format!("{client:?}").contains("s3cret"));
    }
}
