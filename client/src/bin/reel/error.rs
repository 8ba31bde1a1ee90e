//! Why the command failed: the sentence, the JSON and the exit code.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use reel_client::{Error, Job};
use serde_json::{Value, json};

use crate::interrupt::Interruptible;

/// Why the command failed.
#[derive(Debug)]
pub enum CliError {
    /// The job failed or was cancelled: exit code 1.
    Job(Box<Job>),
    /// The command was used wrongly: exit code 2, as clap's own errors.
    Usage(String),
    /// The API, the storage or the network failed: exit code 3.
    Call(Error),
    /// An upload failed after it was created: exit code as for any other call.
    Upload {
        /// The cause.
        error: Error,
        /// The file that the same command resumes from.
        resume_file: Option<PathBuf>,
    },
    /// Ctrl-C: exit code 130, as in shells.
    Interrupted(Interruptible),
}

impl CliError {
    /// For the shell.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Job(_) => 1,
            Self::Usage(_) => 2,
            Self::Call(error) | Self::Upload { error, .. } => match error {
                // These are up to the caller, not to the network.
                Error::File { .. } | Error::FileChanged { .. } | Error::InvalidBaseUrl(_) => 2,
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
            Self::Upload { error: Error::Api(problem), resume_file } => {
                json!({"error": problem.sentence(), "problem": problem, "bookmark": resume_file})
            }
            Self::Upload { error, resume_file } => {
                json!({"error": error.to_string(), "bookmark": resume_file})
            }
            Self::Interrupted(state) => {
                let (job_id, resume_file) = match state {
                    Interruptible::Nothing => (None, None),
                    Interruptible::Upload { resume_file } => (None, Some(resume_file)),
                    Interruptible::Job(id) => (Some(id), None),
                };
                json!({"error": self.to_string(), "job_id": job_id, "bookmark": resume_file})
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
                f.write_str(job.error.as_deref().unwrap_or("The export failed; the server gave no reason."))?;
                if let Some(code) = &job.error_code {
                    write!(f, " ({code})")?;
                }
                if job.retryable == Some(true) {
                    write!(f, "\n  To retry: reel retry {}", job.job_id)?;
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
            Self::Upload { error, resume_file } => {
                write!(f, "{error}")?;
                match resume_file {
                    Some(resume_file) if is_resumable(error) => {
                        write!(f, "\n  {}", resume_hint(resume_file))
                    }
                    _ => Ok(()),
                }
            }
            Self::Interrupted(Interruptible::Job(id)) => {
                write!(f, "Stopped watching; the job is still running. To follow it: reel watch {id}")
            }
            Self::Interrupted(Interruptible::Upload { resume_file }) => {
                write!(f, "Stopped. {}", resume_hint(resume_file))
            }
            Self::Interrupted(Interruptible::Nothing) => {
                f.write_str("Stopped before anything was created on the server.")
            }
        }
    }
}

/// Whether the same upload can still be completed.
fn is_resumable(error: &Error) -> bool {
    match error {
        Error::Api(problem) => !matches!(problem.status, 403 | 404 | 409),
        Error::FileChanged { .. } | Error::SizeMismatch { .. } => false,
        _ => true,
    }
}

/// Key and id are not printed: terminals are logged, and both together permit to write to the upload.
fn resume_hint(resume_file: &Path) -> String {
    format!(
        "Uploaded parts are kept for three days. Run the same command again to resume.\n  \
         To resume on another device: reel upload FILE --resume VIDEO_KEY UPLOAD_ID (both values are in {})",
        resume_file.display()
    )
}

/// What a person may try next.
fn hint(error: &Error) -> Option<&'static str> {
    match error {
        Error::ConnectionRefused { .. } => {
            Some("Is `npm run dev` running? For another address, use --api URL or set REEL_API_URL.")
        }
        Error::Api(problem) if problem.status == 401 => {
            Some("Set REEL_API_KEY to the key of this API, or use --key. On a laptop it is in .dev.vars.")
        }
        Error::Storage { status: 403, .. } => Some("The signed URL may have expired. Run the command again."),
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
    fn a_failed_job_shows_why_and_whether_a_retry_can_help() {
        let error =
            CliError::Job(job(json!({"error": "No GPU.", "error_code": "queue_timeout", "retryable": true})));
        assert_eq!(
            error.to_string(),
            "No GPU. (queue_timeout)\n  To retry: reel retry 3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50"
        );
        let error = CliError::Job(job(json!({"error": "Bad video.", "error_code": "invalid_input"})));
        assert_eq!(error.to_string(), "Bad video. (invalid_input)");
        assert_eq!(error.json()["error_code"], json!("invalid_input"));
    }

    #[test]
    fn a_refused_connection_comes_with_a_hint() {
        let error = CliError::Call(Error::ConnectionRefused { origin: "http://localhost:8787".into() });
        assert!(error.to_string().contains("Is `npm run dev` running?"));
    }

    #[test]
    fn a_resumable_upload_shows_how_and_nothing_that_permits_to_use_it() {
        let resume_file = || Some(PathBuf::from("/state/reel/uploads/1.json"));
        let timed_out = Error::TimedOut { origin: "o".into(), seconds: 60 };
        let error = CliError::Upload { error: timed_out, resume_file: resume_file() };
        let text = error.to_string();
        assert!(
            text.contains("Run the same command again to resume") && text.contains("/state/reel"),
            "{text}"
        );
        assert_eq!(error.exit_code(), ExitCode::from(3));

        let changed = Error::FileChanged { path: "clip.mp4".into() };
        let error = CliError::Upload { error: changed, resume_file: resume_file() };
        assert!(!error.to_string().contains("three days"), "{error}");

        let stopped = CliError::Interrupted(Interruptible::Upload { resume_file: "/state/1.json".into() });
        assert!(stopped.to_string().contains("Run the same command again to resume"));
        assert_eq!(stopped.json()["bookmark"], json!("/state/1.json"));
    }

    #[test]
    fn scripts_get_a_problem_with_its_field_errors() {
        let problem = ApiProblem {
            detail: "The request has an error.".into(),
            status: 400,
            errors: vec![FieldError { pointer: "/params".into(), detail: "is required".into() }],
            ..ApiProblem::default()
        };
        let json = CliError::Call(Error::Api(Box::new(problem))).json();
        assert_eq!(json["error"], json!("The request has an error."));
        assert_eq!(json["problem"]["errors"][0]["pointer"], json!("/params"));
    }

    #[test]
    fn each_sort_of_error_has_its_exit_code() {
        let code = |error: CliError| error.exit_code();
        assert_eq!(code(CliError::Job(job(json!({})))), ExitCode::from(1));
        assert_eq!(code(CliError::Usage(String::new())), ExitCode::from(2));
        assert_eq!(code(CliError::Call(Error::Api(Box::default()))), ExitCode::from(3));
        assert_eq!(code(CliError::Interrupted(Interruptible::Nothing)), ExitCode::from(130));
    }
}
