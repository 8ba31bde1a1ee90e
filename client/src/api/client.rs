//! The API's calls, one method each: build the request, send it with a deadline, read the answer.
//!
//! Invariant: the API key goes to the API's own origin and nowhere else.

use std::sync::Arc;
use std::time::Duration;

use reel_core::id::JobId;
use reqwest::{Method, RequestBuilder, Response};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::Url;

use crate::api::error::{Error, Result};
use crate::api::job::{CreateJob, Job, JobFilter, JobPage};
use crate::api::problem::ApiProblem;
use crate::api::secret::Secret;
use crate::api::uploads::UploadTarget;

/// The API at one address, with one key. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) base_url: Url,
    pub(crate) api_key: Option<Secret>,
}

/// What `GET /health` says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// `ok` when the API can serve.
    pub status: String,
    /// The environment's name.
    #[serde(default)]
    pub env: Option<String>,
    /// The Worker's version.
    #[serde(default)]
    pub version: Option<String>,
    /// Everything else it says, such as which parts are configured.
    #[serde(flatten)]
    pub parts: Map<String, Value>,
}

impl Client {
    /// A client of the API at `base_url`, such as `http://localhost:8787`.
    pub fn new(base_url: &str, api_key: Option<Secret>) -> Result<Self> {
        let base = parse_base_url(base_url)?;
        let tls = tls_config(&base)?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("reel-client/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Error::Tls(root_cause(&error)))?;
        Ok(Self { http, tls: Arc::new(tls), base_url: base, api_key })
    }

    /// Where the API is: scheme, host and port.
    pub fn origin(&self) -> String {
        origin_of(&self.base_url)
    }

    /// Whether the API is up and what it has configured.
    pub async fn health(&self) -> Result<Health> {
        self.call(Method::GET, &["health"], |request| request).await
    }

    /// Asks where to put a video. `size_bytes`, when given, is signed: the upload must have exactly that size.
    pub async fn upload_url(
        &self,
        filename: &str,
        content_type: &str,
        size_bytes: Option<u64>,
        job_id: Option<JobId>,
    ) -> Result<UploadTarget> {
        let mut body = json!({"filename": filename, "content_type": content_type});
        if let Some(size_bytes) = size_bytes {
            body["size_bytes"] = size_bytes.into();
        }
        if let Some(job_id) = job_id {
            body["job_id"] = job_id.to_string().into();
        }
        self.call(Method::POST, &["api", "videos", "upload-url"], |request| request.json(&body)).await
    }

    /// Creates a job. With `job_id` or an idempotency key, sending it again gives the same job.
    pub async fn create_job(&self, job: &CreateJob, idempotency_key: Option<&str>) -> Result<Job> {
        self.call(Method::POST, &["api", "jobs"], |request| match idempotency_key {
            Some(key) => request.header("idempotency-key", key).json(job),
            None => request.json(job),
        })
        .await
    }

    /// The job as it is now.
    pub async fn job(&self, id: JobId) -> Result<Job> {
        self.call(Method::GET, &["api", "jobs", &id.to_string()], |request| request).await
    }

    /// One page of jobs, newest first.
    pub async fn jobs(&self, filter: &JobFilter) -> Result<JobPage> {
        let mut url = self.url(&["api", "jobs"])?;
        {
            let mut query = url.query_pairs_mut();
            if let Some(project_id) = filter.project_id {
                query.append_pair("project_id", &project_id.to_string());
            }
            if let Some(status) = filter.status {
                query.append_pair("status", status.as_str());
            }
            if let Some(kind) = filter.job_type {
                query.append_pair("type", kind.as_str());
            }
            if let Some(limit) = filter.limit {
                query.append_pair("limit", &limit.to_string());
            }
            if let Some(cursor) = &filter.cursor {
                query.append_pair("cursor", cursor);
            }
        }
        let request = self.with_api_key(self.http.get(url));
        self.send_for_json(request, "GET api/jobs").await
    }

    /// Cancels a job; cancelling one that already failed changes nothing.
    pub async fn cancel(&self, id: JobId) -> Result<Job> {
        self.call(Method::POST, &["api", "jobs", &id.to_string(), "cancel"], |request| request).await
    }

    /// Starts a failed job over.
    pub async fn retry(&self, id: JobId) -> Result<Job> {
        self.call(Method::POST, &["api", "jobs", &id.to_string(), "retry"], |request| request).await
    }

    /// Deletes a job that is over, with its input and its outputs.
    pub async fn delete(&self, id: JobId) -> Result<()> {
        let url = self.url(&["api", "jobs", &id.to_string()])?;
        self.send(self.with_api_key(self.http.delete(url))).await.map(drop)
    }

    /// Adds the key, when there is one.
    pub(crate) fn with_api_key(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.api_key {
            Some(key) => request.bearer_auth(key.reveal()),
            None => request,
        }
    }

    /// Sends a request and takes a success; anything else becomes the server's [`Problem`].
    async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let network = |error: reqwest::Error| Error::network(&error, self.origin(), CALL_TIMEOUT.as_secs());
        let response = request.timeout(CALL_TIMEOUT).send().await.map_err(network)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let headers = response.headers().clone();
        let body = response.bytes().await.map_err(network)?;
        Err(Error::Api(Box::new(ApiProblem::parse(status, &headers, &body))))
    }

    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        fill: impl FnOnce(RequestBuilder) -> RequestBuilder,
    ) -> Result<T> {
        let call = format!("{method} {}", path.join("/"));
        let request = self.with_api_key(self.http.request(method, self.url(path)?));
        self.send_for_json(fill(request), &call).await
    }

    pub(crate) async fn send_for_json<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
        call: &str,
    ) -> Result<T> {
        let response = self.send(request).await?;
        let body = response
            .bytes()
            .await
            .map_err(|error| Error::network(&error, self.origin(), CALL_TIMEOUT.as_secs()))?;
        serde_json::from_slice(&body)
            .map_err(|error| Error::UnexpectedResponse { call: call.to_owned(), reason: error.to_string() })
    }

    pub(crate) fn url(&self, path: &[&str]) -> Result<Url> {
        self.base_url
            .join(&path.join("/"))
            .map_err(|error| Error::InvalidUrl { what: "the API", reason: error.to_string() })
    }
}

/// Scheme, host and port: what may be shown of any URL.
pub(crate) fn origin_of(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// The end of a chain of causes says most and, unlike its head, names no URL.
pub(crate) fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// Ends in `/`, so that a path can be joined to it whatever prefix it has.
fn parse_base_url(text: &str) -> Result<Url> {
    let bad = |reason: String| Error::InvalidUrl { what: "the API", reason };
    let mut url = Url::parse(text.trim()).map_err(|error| bad(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(bad("it must begin with http:// or https:// and name a host".to_owned()));
    }
    url.set_query(None);
    url.set_fragment(None);
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

/// Ring and the system's certificates. Without certificates, plain http (a laptop, a container) still works.
fn tls_config(base: &Url) -> Result<ClientConfig> {
    let broken = |error: rustls::Error| Error::Tls(error.to_string());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = || {
        ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(broken)
    };
    match builder()?.with_platform_verifier() {
        Ok(verified) => Ok(verified.with_no_client_auth()),
        Err(_) if base.scheme() == "http" => {
            Ok(builder()?.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
        }
        Err(error) => Err(broken(error)),
    }
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The API answers in milliseconds; half a minute is for cold starts and bad networks.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_prefix_and_needs_no_slash() {
        for (given, expected) in [
            ("http://localhost:8787", "http://localhost:8787/api/jobs"),
            ("http://localhost:8787/", "http://localhost:8787/api/jobs"),
            ("https://example.org/reels?x=1", "https://example.org/reels/api/jobs"),
        ] {
            let client = Client::new(given, None).unwrap();
            assert_eq!(client.url(&["api", "jobs"]).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn an_address_that_is_no_url_is_refused_with_a_reason() {
        for bad in ["", "localhost:8787", "ftp://x", "http://", "file:///etc/passwd"] {
            assert!(matches!(Client::new(bad, None), Err(Error::InvalidUrl { .. })), "{bad}");
        }
    }

    #[test]
    fn a_client_can_be_printed_without_its_key() {
        let client = Client::new("http://localhost:8787", Some(Secret::new("s3cret"))).unwrap();
        assert!(!format!("{client:?}").contains("s3cret"));
    }
}
