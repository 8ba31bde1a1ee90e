//! Everything that can go wrong on this side of the wire: a closed list, each with a sentence to act on.
//!
//! Invariant: no variant holds a URL with a query, because queries carry signatures and tokens.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use crate::api::problem::ApiProblem;

/// What a call of this crate ends in.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call failed.
#[derive(Debug, Error)]
pub enum Error {
    /// The API answered with an error of its own.
    #[error("{0}")]
    Api(Box<ApiProblem>),
    /// Nobody listens at that address.
    #[error("Nothing answers at {origin}: the connection was refused.")]
    ConnectionRefused {
        /// Scheme, host and port.
        origin: String,
    },
    /// The network failed before an answer was complete.
    #[error("{origin} could not be reached: {reason}")]
    Network {
        /// Scheme, host and port.
        origin: String,
        /// The innermost cause.
        reason: String,
    },
    /// No answer, or no byte, within the deadline.
    #[error("{origin} did not answer within {seconds} s.")]
    TimedOut {
        /// Scheme, host and port.
        origin: String,
        /// The deadline that passed.
        seconds: u64,
    },
    /// The answer is not what this version of the client understands.
    #[error("The answer to {call} was not understood: {reason}")]
    UnexpectedResponse {
        /// The call, such as `POST api/jobs`.
        call: String,
        /// What the parser says; positions only, no content.
        reason: String,
    },
    /// The object storage refused an upload or a download.
    #[error("The storage refused the {action} ({status}{}{reason})", if reason.is_empty() { "" } else { ": " })]
    Storage {
        /// `upload` or `download`.
        action: &'static str,
        /// HTTP status.
        status: u16,
        /// The storage's own code and message, when it gave one.
        reason: String,
        /// How long it wishes to be left alone, in seconds, when it says so.
        retry_after_s: Option<u64>,
    },
    /// Fewer bytes arrived than were announced, and asking again did not help.
    #[error("The download stopped at {received_bytes} of {expected_bytes} bytes; run it again to resume.")]
    Incomplete {
        /// On disk.
        received_bytes: u64,
        /// Announced by the server.
        expected_bytes: u64,
    },
    /// A local file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is not what it was when its upload began.
    #[error("{} changed while it was uploaded; run the command again to upload it as it is now.", path.display())]
    FileChanged {
        /// Which one.
        path: PathBuf,
    },
    /// The storage's checksum is not that of the bytes that were sent.
    #[error("The storage received other bytes than were sent; something on the way changes them.")]
    ChecksumMismatch,
    /// The file and the upload are not of the same size.
    #[error("The file has {file_bytes} bytes, and its upload {upload_bytes}: they do not belong together.")]
    SizeMismatch {
        /// On disk.
        file_bytes: u64,
        /// According to the API.
        upload_bytes: u64,
    },
    /// The address of the API, or one that it gave, is no http(s) URL.
    #[error("The address of {what} is not a usable http or https URL: {reason}")]
    InvalidUrl {
        /// Whose address; never the address itself.
        what: &'static str,
        /// Why not.
        reason: String,
    },
    /// TLS could not be set up, for want of certificates.
    #[error("TLS cannot be used here: {0}")]
    Tls(String),
}

impl Error {
    /// For `map_err` on file calls.
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }

    /// Sorts a failed request; `seconds` is the deadline it had.
    pub(crate) fn network(error: &reqwest::Error, origin: String, seconds: u64) -> Self {
        if error.is_timeout() {
            return Self::TimedOut { origin, seconds };
        }
        Self::connection(error, origin)
    }

    /// Sorts any failed connection by its innermost cause.
    pub(crate) fn connection(error: &(dyn std::error::Error + 'static), origin: String) -> Self {
        let mut cause = error;
        let mut refused = false;
        loop {
            refused |= cause
                .downcast_ref::<io::Error>()
                .is_some_and(|io_error| io_error.kind() == io::ErrorKind::ConnectionRefused);
            match cause.source() {
                Some(inner) => cause = inner,
                None => break,
            }
        }
        if refused {
            Self::ConnectionRefused { origin }
        } else {
            Self::Network { origin, reason: cause.to_string() }
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
            // A proxy's page in place of an answer.
            | Self::UnexpectedResponse { .. } => true,
            Self::File { .. }
            | Self::FileChanged { .. }
            | Self::SizeMismatch { .. }
            | Self::InvalidUrl { .. }
            | Self::Tls(_) => false,
        }
    }

    /// How long the server wishes to be left alone, when it says so (`Retry-After`, RFC 9110 10.2.3).
    pub fn retry_after(&self) -> Option<Duration> {
        let seconds = match self {
            Self::Api(problem) => problem.retry_after_s,
            Self::Storage { retry_after_s, .. } => *retry_after_s,
            _ => None,
        };
        seconds.map(Duration::from_secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_connection_is_told_from_other_network_faults() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let error = Error::connection(&refused, "http://localhost:8787".into());
        assert_eq!(
            error.to_string(),
            "Nothing answers at http://localhost:8787: the connection was refused."
        );
        let reset = io::Error::other("connection reset");
        let error = Error::connection(&reset, "http://localhost:8787".into());
        assert_eq!(error.to_string(), "http://localhost:8787 could not be reached: connection reset");
    }

    #[test]
    fn only_faults_that_pass_by_themselves_are_transient() {
        let refused = |status| Error::Api(Box::new(ApiProblem { status, ..ApiProblem::default() }));
        assert!(refused(503).is_transient() && refused(429).is_transient());
        assert!(!refused(404).is_transient() && !refused(422).is_transient());
        assert!(!Error::Tls("none".into()).is_transient());
    }
}
