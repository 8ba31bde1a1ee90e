//! How the command can end other than well: what is said, and with which exit code.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use reel_client::{Error, Job};
use serde_json::{Value, json};

use crate::interrupt::Interruptible;

/// Why there is no result.
#[derive(Debug)]
pub enum CliError {
    /// The job ended as an error: exit code 1.
    Job(Box<Job>),
    /// The command was called wrongly: exit code 2, as clap's own.
    Usage(String),
    /// The API, the storage or the network: exit code 3.
    Call(Error),
    /// An upload that was begun: exit code as for any other call.
    Upload {
        /// Why it stopped.
        error: Error,
        /// The file that a later command goes on from.
        bookmark: Option<PathBuf>,
    },
    /// Ctrl-C: exit code 130, as shells have it.
    Interrupted(Interruptible),
}

impl CliError {
    /// For the shell.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Job(_) => 1,
            // A local file that cannot be read or written is the caller's to mend, not the network's.
            Self::Usage(_) => 2,
            Self::Call(error) | Self::Upload { error, .. } => match error {
                Error::File { .. }
                | Error::FileChanged { .. }
                | Error::InvalidUrl { what: "the API", .. } => 2,
                _ => 3,
            },
            Self::Interrupted(_) => 130,
        })
    }

    /// For scripts.
    pub fn json(&self) -> Value {
        match self {
            Self::Job(job) => json!(job),
            Self::Call(Error::Api(problem)) => json!({"error": problem.sentence(), "problem": problem}),
            Self::Upload { error: Error::Api(problem), bookmark } => {
                json!({"error": problem.sentence(), "problem": problem, "bookmark": bookmark})
            }
            Self::Upload { error, bookmark } => json!({"error": error.to_string(), "bookmark": bookmark}),
            Self::Interrupted(stage) => {
                let (job_id, bookmark) = match stage {
                    Interruptible::Nothing => (None, None),
                    Interruptible::Upload { bookmark } => (None, Some(bookmark)),
                    Interruptible::Job(id) => (Some(id), None),
                };
                json!({"error": self.to_string(), "job_id": job_id, "bookmark": bookmark})
            }
            Self::Usage(_) | Self::Call(_) => json!({"error": self.to_string()}),
        }
    }
}

impl From<Error> for CliError {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Job(job) => {
                f.write_str(job.error.as_deref().unwrap_or("The export failed without a reason."))?;
                if let Some(code) = &job.error_code {
                    write!(f, " ({code})")?;
                }
                if job.retryable == Some(true) {
                    write!(f, "\n  To start it over: reel retry {}", job.job_id)?;
                }
                Ok(())
            }
            Self::Usage(text) => f.write_str(text),
            Self::Call(error) => {
                write!(f, "{error}")?;
                match hint(error) {
                    Some(hint) => write!(f, "\n  {hint}"),
                    None => Ok(()),
                }
            }
            Self::Upload { error, bookmark } => {
                write!(f, "{error}")?;
                match bookmark {
                    Some(bookmark) if is_resumable(error) => write!(f, "\n  {}", resume_hint(bookmark)),
                    _ => Ok(()),
                }
            }
            Self::Interrupted(Interruptible::Job(id)) => {
                write!(f, "Stopped watching; the job goes on. To follow it: reel watch {id}")
            }
            Self::Interrupted(Interruptible::Upload { bookmark }) => {
                write!(f, "Stopped. {}", resume_hint(bookmark))
            }
            Self::Interrupted(Interruptible::Nothing) => {
                f.write_str("Stopped; nothing was begun on the server.")
            }
        }
    }
}

/// Whether the same upload can still become whole.
fn is_resumable(error: &Error) -> bool {
    match error {
        Error::Api(problem) => !matches!(problem.status, 403 | 404 | 409),
        Error::FileChanged { .. } | Error::SizeMismatch { .. } => false,
        _ => true,
    }
}

/// How to go on. Key and id are not said: terminals are logged, and the two open the upload.
fn resume_hint(bookmark: &Path) -> String {
    format!(
        "What has arrived is kept for three days; the same command goes on from there.\n  \
         On another device: reel upload FILE --resume VIDEO_KEY UPLOAD_ID, as they are in {}",
        bookmark.display()
    )
}

/// What a person may try next.
fn hint(error: &Error) -> Option<&'static str> {
    match error {
        Error::ConnectionRefused { .. } => {
            Some("Is `npm run dev` running? For another address, give --api URL or set REEL_API_URL.")
        }
        Error::Api(problem) if problem.status == 401 => Some("Set WORKERS_API_KEY to the key of this API."),
        Error::Storage { status: 403, .. } => {
            Some("The signed link may have expired; run the command again.")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reel_client::{ApiProblem, FieldError};

    fn job(extra: Value) -> Box<Job> {
        let mut job =
            json!({"job_id": "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50", "type": "overlay", "status": "error"});
        if let (Some(job), Value::Object(extra)) = (job.as_object_mut(), extra) {
            job.extend(extra);
        }
        serde_json::from_value(job).unwrap()
    }

    #[test]
    fn a_failed_job_tells_why_and_whether_trying_again_can_help() {
        let failure =
            CliError::Job(job(json!({"error": "No GPU.", "error_code": "queue_timeout", "retryable": true})));
        assert_eq!(
            failure.to_string(),
            "No GPU. (queue_timeout)\n  To start it over: reel retry 3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50"
        );
        let failure = CliError::Job(job(json!({"error": "Bad video.", "error_code": "invalid_input"})));
        assert_eq!(failure.to_string(), "Bad video. (invalid_input)");
        assert_eq!(failure.json()["error_code"], json!("invalid_input"));
    }

    #[test]
    fn a_refused_connection_comes_with_the_hint_that_mends_it() {
        let failure = CliError::Call(Error::ConnectionRefused { origin: "http://localhost:8787".into() });
        assert!(failure.to_string().contains("Is `npm run dev` running?"));
    }

    #[test]
    fn an_upload_that_can_go_on_says_how_and_tells_no_capability() {
        let bookmark = || Some(PathBuf::from("/state/reel/uploads/1.json"));
        let failure = CliError::Upload {
            error: Error::TimedOut { origin: "o".into(), seconds: 60 },
            bookmark: bookmark(),
        };
        let text = failure.to_string();
        assert!(text.contains("the same command goes on") && text.contains("/state/reel"), "{text}");
        assert_eq!(failure.exit_code(), ExitCode::from(3));
        let changed = Error::FileChanged { path: "clip.mp4".into() };
        let failure = CliError::Upload { error: changed, bookmark: bookmark() };
        assert!(!failure.to_string().contains("three days"), "{failure}");
        let stopped = CliError::Interrupted(Interruptible::Upload { bookmark: "/state/1.json".into() });
        assert!(stopped.to_string().contains("the same command goes on"));
        assert_eq!(stopped.json()["bookmark"], json!("/state/1.json"));
    }

    #[test]
    fn a_problem_reaches_scripts_with_its_faults() {
        let problem = ApiProblem {
            detail: "The request has a fault.".into(),
            status: 400,
            errors: vec![FieldError { pointer: "/params".into(), detail: "is required".into() }],
            ..ApiProblem::default()
        };
        let json = CliError::Call(Error::Api(Box::new(problem))).json();
        assert_eq!(json["error"], json!("The request has a fault."));
        assert_eq!(json["problem"]["errors"][0]["pointer"], json!("/params"));
    }

    #[test]
    fn every_kind_of_end_has_its_own_exit_code() {
        let code = |failure: CliError| failure.exit_code();
        assert_eq!(code(CliError::Job(job(json!({})))), ExitCode::from(1));
        assert_eq!(code(CliError::Usage(String::new())), ExitCode::from(2));
        assert_eq!(code(CliError::Call(Error::Api(Box::default()))), ExitCode::from(3));
        assert_eq!(code(CliError::Interrupted(Interruptible::Nothing)), ExitCode::from(130));
    }
}
