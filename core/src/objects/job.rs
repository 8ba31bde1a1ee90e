//! Commands to a job's object, and its replies.
//!
//! Invariant: a caller learns everything from the reply. What an outcome means depends on who asked: a
//! client reads the job, a GPU worker reads whether to go on, RunPod reads that it was heard.

use serde::{Deserialize, Serialize};

use super::reader::Reader;
use super::reply::{PROBLEM, join, problem_from_text, problem_to_text, split};
use crate::base::owner::Visibility;
use crate::edit::JobType;
use crate::http::problem::{Problem, ProblemCode};
use crate::job::effect::Outcome;
use crate::job::event::{JobEvent, Report};
use crate::job::spec::JobSpec;
use crate::job::state::Job;
use crate::job::status::JobStatus;
use crate::wire::gpu_worker::CallbackResponse;

/// What the Worker asks of a job's object. Not stored: both ends are of one deploy, but for the moment in
/// which one is replaced; then an unreadable command is answered as a problem, and its sender repeats it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobCommand {
    /// Take this job, or reply with the one that is here if it is the same.
    Create {
        /// What is asked for.
        spec: JobSpec,
        /// Whether all of its inputs are in the bucket. Otherwise only an existing job is replied with.
        inputs_found: bool,
    },
    /// Reply with the job JSON, if it is of this type.
    Get {
        /// Any type, when it is not given.
        job_type: Option<JobType>,
        /// Who reads it.
        #[serde(default)]
        reader: Reader,
    },
    /// Say whether this key is the job's result or its poster, and which version of it was verified.
    HasOutput {
        /// The key, under the job's own prefix.
        key: String,
        /// Who reads it.
        #[serde(default)]
        reader: Reader,
    },
    /// Reply with the log entries after this one.
    Events {
        /// Number of the last entry that the caller has.
        after: u64,
        /// Who reads them.
        #[serde(default)]
        reader: Reader,
    },
    /// Take a GPU worker's callback; its token was good for this attempt.
    Callback {
        /// The token's attempt.
        attempt: u32,
        /// What it reports.
        report: Report,
    },
    /// Take RunPod's webhook.
    Webhook {
        /// The token's attempt.
        attempt: u32,
    },
    /// Compare the index row, which has this version.
    Reconcile {
        /// The row's version.
        version: u64,
    },
    /// Delete the job, with its files.
    Delete,
    /// Stop it.
    Cancel,
    /// Start it over.
    Retry,
    /// Make every link to it useless, and close the sockets that one opened.
    RevokeLinks {
        /// Whether sockets that a user's token opened are closed too.
        #[serde(default)]
        of_users: bool,
    },
}

impl JobCommand {
    /// The command of a caller who sees so much, as one text, see [`super::reply`].
    ///
    /// # Errors
    /// 500, which no command gives.
    pub fn to_text(&self, visibility: Visibility) -> Result<String, Problem> {
        let json = serde_json::to_string(self).map_err(|_| Problem::internal())?;
        Ok(join(&visibility.to_word(), &json))
    }

    /// Reads what [`JobCommand::to_text`] wrote; `None` for anything else.
    pub fn from_text(text: &str) -> Option<(Visibility, Self)> {
        let (visibility, json) = split(text)?;
        Some((Visibility::from_word(visibility)?, serde_json::from_str(json).ok()?))
    }
}

/// What a job's object replies. JSON in it is written for the client and passes the Worker unread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobReply {
    /// What the caller asked for, as JSON: the job, its entries, what a claimed attempt needs, or whether a report
    /// changed anything.
    Json(String),
    /// The key is the job's result or its poster; the tag that was verified, empty if none was kept.
    HasOutput(String),
    /// The key is neither.
    HasNoOutput,
    /// The job is deleted.
    Deleted,
    /// The object holds no job. Only the object itself can say so.
    NotFound,
    /// The job does not exist, and its inputs are not in the bucket: it was not created.
    InputsMissing,
    /// It was refused, or something failed.
    Problem(Problem),
}

impl JobReply {
    /// As one text, see [`super::reply`].
    pub fn to_text(&self) -> String {
        match self {
            Self::Json(json) => join("json", json),
            Self::HasOutput(etag) => join("has_output", etag),
            Self::HasNoOutput => join("has_no_output", ""),
            Self::Deleted => join("deleted", ""),
            Self::NotFound => join("not_found", ""),
            Self::InputsMissing => join("inputs_missing", ""),
            Self::Problem(problem) => problem_to_text(problem),
        }
    }

    /// Reads what [`JobReply::to_text`] wrote; `None` for anything else.
    pub fn from_text(text: &str) -> Option<Self> {
        let (word, rest) = split(text)?;
        Some(match word {
            "json" => Self::Json(rest.to_owned()),
            "has_output" => Self::HasOutput(rest.to_owned()),
            "has_no_output" => Self::HasNoOutput,
            "deleted" => Self::Deleted,
            "not_found" => Self::NotFound,
            "inputs_missing" => Self::InputsMissing,
            PROBLEM => Self::Problem(problem_from_text(rest)?),
            _ => return None,
        })
    }

    /// The body of the HTTP response to a client.
    ///
    /// # Errors
    /// The problem that the client gets instead.
    pub fn into_body(self) -> Result<String, Problem> {
        match self {
            Self::Json(json) => Ok(json),
            Self::Deleted => Ok(r#"{"success":true}"#.to_owned()),
            Self::NotFound => Err(Problem::job_not_found()),
            Self::Problem(problem) => Err(problem),
            // Their callers ask for them by name; nobody else gets them.
            Self::HasOutput(_) | Self::HasNoOutput | Self::InputsMissing => Err(Problem::internal()),
        }
    }
}

/// What an object does with a [`JobCommand::Create`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Creation {
    /// The same job is here: reply with it.
    Existing,
    /// Nothing is here: create it.
    New,
    /// Refuse.
    Refused(JobReply),
}

/// Decides a creation. A repeated request finds its job even when the inputs are gone by now.
pub fn creation(existing: Option<&JobSpec>, spec: &JobSpec, inputs_found: bool) -> Creation {
    match existing {
        Some(existing) if existing.same_request(spec) => Creation::Existing,
        Some(_) => Creation::Refused(JobReply::Problem(idempotency_conflict())),
        None if inputs_found => Creation::New,
        None => Creation::Refused(JobReply::InputsMissing),
    }
}

/// Who sent an event, and so what the reply looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyTo {
    /// A client of the API, or the sweep. It reads the job.
    Client,
    /// A GPU worker that claims this attempt. It reads what it needs to render.
    Claimant {
        /// The attempt.
        attempt: u32,
        /// Whether it can put an object on condition that there is none yet.
        conditional_put: bool,
    },
    /// A GPU worker that reports on this attempt. It reads whether to go on.
    Worker {
        /// The attempt.
        attempt: u32,
    },
    /// RunPod. It reads nothing but the status.
    Runpod,
}

/// An event that a command stands for, and who sent it.
pub fn event_of(command: JobCommand) -> Option<(JobEvent, ReplyTo)> {
    Some(match command {
        JobCommand::Callback { attempt, report } => {
            let caller = match report {
                Report::Claim { conditional_put, .. } => ReplyTo::Claimant { attempt, conditional_put },
                Report::Progress { .. } | Report::Complete { .. } | Report::Error { .. } => {
                    ReplyTo::Worker { attempt }
                }
            };
            (JobEvent::CallbackReceived { attempt, report }, caller)
        }
        JobCommand::Webhook { attempt } => (JobEvent::WebhookReceived { attempt }, ReplyTo::Runpod),
        JobCommand::Reconcile { version } => {
            (JobEvent::IndexReconciled { version: Some(version) }, ReplyTo::Client)
        }
        JobCommand::Cancel => (JobEvent::CancelRequested, ReplyTo::Client),
        JobCommand::Retry => (JobEvent::RetryRequested, ReplyTo::Client),
        JobCommand::RevokeLinks { .. } => (JobEvent::RevokeLinksRequested, ReplyTo::Client),
        JobCommand::Create { .. }
        | JobCommand::Get { .. }
        | JobCommand::HasOutput { .. }
        | JobCommand::Events { .. }
        | JobCommand::Delete => return None,
    })
}

/// What the sender of an event is replied, once its effects are done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The job JSON.
    Job,
    /// The claim response of this attempt.
    Claim {
        /// The attempt.
        attempt: u32,
        /// Whether its claimant can put an object on condition that there is none yet.
        conditional_put: bool,
    },
    /// A response to a callback or a webhook.
    Received(CallbackResponse),
    /// A problem.
    Problem(Problem),
}

/// Decides the answer from who asked, what came of it, and the job afterwards: whether a result was really
/// there is known only then.
pub fn answer(caller: ReplyTo, outcome: Outcome, job: &Job) -> Answer {
    let received =
        |applied, retrying| Answer::Received(CallbackResponse { success: true, applied, retrying });
    match (caller, outcome) {
        (_, Outcome::Stale) => Answer::Problem(Problem::new(
            ProblemCode::StaleAttempt,
            "This attempt has been superseded by a newer one. Stop: its output will not be used.",
        )),
        (_, Outcome::AlreadyClaimed) => Answer::Problem(Problem::new(
            ProblemCode::AlreadyClaimed,
            "This attempt is already claimed by another worker. Stop.",
        )),
        (_, Outcome::WrongStatus(status)) => Answer::Problem(wrong_status(status)),
        (ReplyTo::Client, Outcome::Applied | Outcome::Retrying | Outcome::Ignored) => Answer::Job,
        (ReplyTo::Claimant { attempt, conditional_put }, Outcome::Applied) => {
            Answer::Claim { attempt, conditional_put }
        }
        (ReplyTo::Worker { attempt }, Outcome::Applied | Outcome::Retrying) => {
            received(true, Some(job.attempt != attempt))
        }
        (ReplyTo::Claimant { .. } | ReplyTo::Runpod, Outcome::Applied | Outcome::Retrying) => {
            received(true, None)
        }
        (ReplyTo::Claimant { .. } | ReplyTo::Worker { .. } | ReplyTo::Runpod, Outcome::Ignored) => {
            received(false, None)
        }
    }
}

fn wrong_status(status: JobStatus) -> Problem {
    let sentence = match status {
        JobStatus::Complete => {
            "The job is already complete and cannot be cancelled or retried. Create a new job to render again."
        }
        JobStatus::Pending | JobStatus::Processing => "The job is still running. Cancel it before retrying.",
        JobStatus::Error => "The job has failed. Retry it first.",
    };
    Problem::new(ProblemCode::JobState, sentence)
}

fn idempotency_conflict() -> Problem {
    Problem::new(
        ProblemCode::IdempotencyConflict,
        "This job_id or Idempotency-Key was already used for a different request. Use a new one.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::JobId;
    use crate::base::object_key::ObjectKey;
    use crate::base::owner::OwnerId;
    use crate::base::time::{DurationMs, Timestamp};
    use crate::job::companions::WantedCompanions;
    use crate::json::field_error::FieldError;
    use serde_json::value::RawValue;

    fn spec(project_id: i64) -> JobSpec {
        JobSpec {
            id: JobId::from_random([9; 16]),
            owner: None,
            project_id,
            job_type: JobType::Overlay,
            input_key: ObjectKey::parse_input("input/a/b.mp4").unwrap(),
            extra_inputs: Vec::new(),
            input_versions: Vec::new(),
            params: RawValue::from_string("{}".into()).unwrap(),
            execution_timeout: DurationMs::minutes(10),
            companions: WantedCompanions::default(),
            labels: None,
            created_at: Timestamp(1),
            export: None,
        }
    }

    fn job() -> Job {
        Job::new(JobId::from_random([9; 16]), Timestamp(1))
    }

    #[test]
    fn every_reply_crosses_whole() {
        let mut problem =
            Problem::invalid(vec![FieldError { pointer: "/a".into(), detail: "is wrong".into() }]);
        problem.allow = Some("GET, POST".to_owned());
        for reply in [
            JobReply::Json("{\"a\":\"\\n\"}".into()),
            JobReply::HasOutput("\"abc\"".into()),
            JobReply::HasOutput(String::new()),
            JobReply::HasNoOutput,
            JobReply::Deleted,
            JobReply::NotFound,
            JobReply::InputsMissing,
            JobReply::Problem(Problem::new(ProblemCode::JobState, "No.")),
        ] {
            assert_eq!(JobReply::from_text(&reply.to_text()), Some(reply.clone()), "{reply:?}");
        }
        let crossed = JobReply::from_text(&JobReply::Problem(problem.clone()).to_text());
        let Some(JobReply::Problem(crossed)) = crossed else { panic!("a problem") };
        assert_eq!(
            (crossed.code, crossed.detail, crossed.errors),
            (problem.code, problem.detail, problem.errors)
        );
        for text in
            ["", "job", "404\n", "problem\n{}", "problem\n{\"code\":\"no_such_code\",\"detail\":\"\"}"]
        {
            assert_eq!(JobReply::from_text(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_command_crosses_with_what_its_caller_sees() {
        for visibility in [Visibility::All, Visibility::Owner(OwnerId::new([7; 8]))] {
            let asked = JobCommand::Events { after: 3, reader: Reader::Owner };
            let text = asked.to_text(visibility).unwrap();
            let Some((seen, JobCommand::Events { after: 3, .. })) = JobCommand::from_text(&text) else {
                panic!("{text}")
            };
            assert_eq!(seen, visibility);
        }
        for text in ["", "all", "all\n{}", "0\n\"cancel\"", "\"cancel\""] {
            assert!(JobCommand::from_text(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn only_the_object_itself_says_that_there_is_no_job() {
        assert_eq!(JobReply::NotFound.into_body().unwrap_err().code, ProblemCode::JobNotFound);
        for reply in [JobReply::HasOutput(String::new()), JobReply::HasNoOutput, JobReply::InputsMissing] {
            assert_eq!(reply.into_body().unwrap_err().code, ProblemCode::Internal);
        }
    }

    #[test]
    fn a_repeated_request_finds_its_job_even_without_its_inputs() {
        assert_eq!(creation(None, &spec(7), true), Creation::New);
        assert_eq!(creation(None, &spec(7), false), Creation::Refused(JobReply::InputsMissing));
        assert_eq!(creation(Some(&spec(7)), &spec(7), false), Creation::Existing);
        let Creation::Refused(JobReply::Problem(problem)) = creation(Some(&spec(8)), &spec(7), true) else {
            panic!("a conflict")
        };
        assert_eq!(problem.code, ProblemCode::IdempotencyConflict);
        let of_another = JobSpec { owner: Some(OwnerId::new([1; 8])), ..spec(7) };
        let conflict = creation(Some(&of_another), &spec(7), true);
        assert!(matches!(conflict, Creation::Refused(JobReply::Problem(_))), "their job is not shown");
    }

    #[test]
    fn each_caller_hears_what_it_asked_for() {
        let (client, claimant, worker, runpod) = (
            ReplyTo::Client,
            ReplyTo::Claimant { attempt: 1, conditional_put: true },
            ReplyTo::Worker { attempt: 1 },
            ReplyTo::Runpod,
        );
        let received =
            |applied, retrying| Answer::Received(CallbackResponse { success: true, applied, retrying });
        for (caller, outcome, expected) in [
            (client, Outcome::Applied, Answer::Job),
            (client, Outcome::Ignored, Answer::Job),
            (claimant, Outcome::Applied, Answer::Claim { attempt: 1, conditional_put: true }),
            (claimant, Outcome::Ignored, received(false, None)),
            (worker, Outcome::Applied, received(true, Some(false))),
            (worker, Outcome::Retrying, received(true, Some(false))),
            (worker, Outcome::Ignored, received(false, None)),
            (runpod, Outcome::Applied, received(true, None)),
            (runpod, Outcome::Ignored, received(false, None)),
        ] {
            assert_eq!(answer(caller, outcome, &job()), expected, "{caller:?} {outcome:?}");
        }
        let mut next = job();
        next.attempt = 2;
        assert_eq!(answer(worker, Outcome::Retrying, &next), received(true, Some(true)));
        for caller in [client, claimant, worker, runpod] {
            for (outcome, code) in [
                (Outcome::Stale, ProblemCode::StaleAttempt),
                (Outcome::AlreadyClaimed, ProblemCode::AlreadyClaimed),
                (Outcome::WrongStatus(JobStatus::Complete), ProblemCode::JobState),
            ] {
                assert!(
                    matches!(answer(caller, outcome, &job()), Answer::Problem(problem) if problem.code == code)
                );
            }
        }
    }
}
