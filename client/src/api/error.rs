//! Why a call failed: a closed list, each with a sentence that a person can act on.
//!
//! Invariant: no variant holds a URL with a query, because queries carry signatures and tokens.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error as ThisError;

use super::problem::ApiProblem;

/// Why a call failed.
#[derive(Debug, ThisError)]
pub enum Error {
    /// The API answered with an error.
    #[error("{0}")]
    Api(Box<ApiProblem>),
    /// Nothing listens at that address.
    #[error("Could not connect to {origin}: connection refused.")]
    ConnectionRefused {
        /// Scheme, host and port.
        origin: String,
    },
    /// The connection failed before the response was complete.
    #[error("Could not reach {origin}: {reason}")]
    Network {
        /// Scheme, host and port.
        origin: String,
        /// The innermost cause.
        reason: String,
    },
    /// No response, or no further byte of it, within the timeout.
    #[error("{origin} did not answer within {seconds} s.")]
    TimedOut {
        /// Scheme, host and port.
        origin: String,
        /// The timeout.
        seconds: u64,
    },
    /// This version of the client cannot read the response.
    #[error("Unexpected response to {call}: {reason}")]
    UnexpectedResponse {
        /// The call, such as `POST api/jobs`.
        call: String,
        /// What the parser says: positions, no content.
        reason: String,
    },
    /// The object storage refused an upload or a download.
    #[error("The storage refused the {action} ({status}{}{reason})", if reason.is_empty() { "" } else { ": " })]
    Storage {
        /// `upload` or `download`.
        action: &'static str,
        /// HTTP status.
        status: u16,
        /// Code and message of the storage; empty when it sent none.
        reason: String,
        /// The value of `Retry-After`.
        retry_after_s: Option<u64>,
    },
    /// A download ended early, and resuming it did not help.
    #[error(
        "The download stopped at {received_bytes} of {expected_bytes} bytes. Run the command again to resume."
    )]
    Incomplete {
        /// Bytes on disk.
        received_bytes: u64,
        /// Bytes that the server announced.
        expected_bytes: u64,
    },
    /// A local file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file was changed or replaced during its upload.
    #[error("{} changed during the upload. Run the command again to upload the new version.", path.display())]
    FileChanged {
        /// The file.
        path: PathBuf,
    },
    /// The storage's checksum is not that of the bytes that were sent.
    #[error("Checksum mismatch: the storage received different bytes than were sent.")]
    ChecksumMismatch,
    /// The file and the upload have different sizes.
    #[error(
        "The file has {file_bytes} bytes, but the upload was created for {upload_bytes}: it is not the same file."
    )]
    SizeMismatch {
        /// Bytes on disk.
        file_bytes: u64,
        /// Bytes according to the API.
        upload_bytes: u64,
    },
    /// The URL that the client was created with is not usable.
    #[error("The URL of the API is not a valid http or https URL: {0}")]
    InvalidBaseUrl(String),
    /// A URL that the API returned is not usable.
    #[error("The API returned a URL of {what} that is not valid: {reason}")]
    InvalidUrl {
        /// Whose URL; never the URL itself.
        what: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// TLS could not be set up, usually because there are no certificates.
    #[error("Could not set up TLS: {0}")]
    Tls(String),
}

impl Error {
    /// For `map_err` on file calls.
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    /// A failed HTTP request that had this timeout.
    pub(crate) fn network(error: &reqwest::Error, origin: String, timeout: Duration) -> Self {
        if error.is_timeout() {
            return Self::timed_out(origin, timeout);
        }
        Self::connection(error, origin)
    }

    pub(crate) const fn timed_out(origin: String, timeout: Duration) -> Self {
        Self::TimedOut { origin, seconds: timeout.as_secs() }
    }

    /// A failed connection, sorted by the causes of `error`.
    pub(crate) fn connection(error: &(dyn std::error::Error + 'static), origin: String) -> Self {
        let refused = causes(error).any(|cause| {
            cause.downcast_ref::<io::Error>().is_some_and(|io| io.kind() == io::ErrorKind::ConnectionRefused)
        });
        if refused {
            Self::ConnectionRefused { origin }
        } else {
            Self::Network { origin, reason: root_cause(error) }
        }
    }

    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Api(problem) => matches!(problem.status, 408 | 425 | 429 | 500..),
            Self::Storage { status, .. } => matches!(status, 408 | 429 | 500..),
            Self::ConnectionRefused { .. }
            | Self::Network { .. }
            | Self::TimedOut { .. }
            | Self::Incomplete { .. }
            | Self::ChecksumMismatch
            // A proxy's page instead of the API's response.
            | Self::UnexpectedResponse { .. } => true,
            Self::File { .. }
            | Self::FileChanged { .. }
            | Self::SizeMismatch { .. }
            | Self::InvalidBaseUrl(_)
            | Self::InvalidUrl { .. }
            | Self::Tls(_) => false,
        }
    }

    /// How long the server asks to wait before the next try (`Retry-After`, RFC 9110 10.2.3).
    pub fn retry_after(&self) -> Option<Duration> {
        let seconds = match self {
            Self::Api(problem) => problem.retry_after_s,
            Self::Storage { retry_after_s, .. } => *retry_after_s,
            _ => None,
        };
        seconds.map(Duration::from_secs)
    }
}

/// The innermost cause of an error. It says most and, unlike the outer ones, names no URL.
pub(crate) fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
    causes(error).last().map_or_else(String::new, ToString::to_string)
}

/// The error itself, then each cause below it.
fn causes<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'e (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_connection_is_told_from_other_network_errors() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let error = Error::connection(&refused, "http://localhost:8787".into());
        assert_eq!(error.to_string(), "Could not connect to http://localhost:8787: connection refused.");
        let reset = io::Error::other("connection reset");
        let error = Error::connection(&reset, "http://localhost:8787".into());
        assert_eq!(error.to_string(), "Could not reach http://localhost:8787: connection reset");
    }

    #[test]
    fn only_errors_that_pass_by_themselves_are_transient() {
        let api = |status| Error::Api(Box::new(ApiProblem { status, ..ApiProblem::default() }));
        assert!(api(503).is_transient() && api(429).is_transient());
        assert!(!api(404).is_transient() && !api(422).is_transient());
        assert!(!Error::Tls("none".into()).is_transient());
    }
}
