//! Requests that ask one job's object and nothing else, and that come most often: reading a job, and the reports
//! of its GPU worker. Some ask nobody. The entry module waits for them, so that they cost no future in the wasm.
//!
//! Invariant: nothing is refused here. Whatever is wrong with a request, or needs more than the object, goes the
//! long way, which has the sentence for it.

use super::job::JobCommand;
use super::reader::Reader;
use crate::base::id::JobId;
use crate::base::owner::Visibility;
use crate::http::access::Caller;
use crate::http::requests::callbacks::{CallbackKind, REPORT_MAX_BYTES};
use crate::http::route::Route;

/// What the entry module does next for a request, as the lines of a text: the word, the request's id, the job's
/// id or a status, and the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirectStep {
    /// `answer`: answer with this JSON; the third line is the status.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The JSON.
        body: String,
    },
    /// `ask`: ask the job's object this command.
    Ask {
        /// The job.
        job: JobId,
        /// The command's text.
        command: String,
    },
    /// `read`: read the body, and hand it to [`ReportTicket::command`] with the rest of the text.
    Read {
        /// The job.
        job: JobId,
        /// What is already known of the report.
        ticket: ReportTicket,
    },
}

/// A report whose sender was authorized and whose body was not read yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportTicket {
    /// The attempt of the sender's token.
    pub attempt: u32,
    /// What the body says.
    pub kind: CallbackKind,
}

impl DirectStep {
    /// Whether requests of this route may go directly; for all others nothing more needs to be looked at.
    pub const fn is_for(route: &Route<'_>) -> bool {
        matches!(route, Route::Health | Route::Job(_) | Route::Callback(..))
    }

    /// The first step of an authorized request. `None` when it goes the long way, as a report does whose length
    /// is unknown or too large.
    pub fn first(route: &Route<'_>, caller: &Caller, content_length: Option<usize>) -> Option<Self> {
        match (route, caller) {
            (Route::Job(id), _) => {
                let command = JobCommand::Get { job_type: None, reader: Reader::of(caller) };
                Some(Self::Ask { job: *id, command: command.to_text(caller.visibility()).ok()? })
            }
            (Route::Callback(id, _, kind), Caller::Attempt(attempt))
                if content_length.is_some_and(|length| length <= REPORT_MAX_BYTES) =>
            {
                let ticket = ReportTicket { attempt: *attempt, kind: *kind };
                Some(Self::Read { job: *id, ticket })
            }
            _ => None,
        }
    }

    /// The lines for the entry module.
    pub fn to_text(&self, request_id: &str) -> String {
        match self {
            Self::Answer { status, body } => format!("answer\n{request_id}\n{status}\n{body}"),
            Self::Ask { job, command } => format!("ask\n{request_id}\n{job}\n{command}"),
            Self::Read { job, ticket } => format!("read\n{request_id}\n{job}\n{}", ticket.to_text()),
        }
    }
}

impl ReportTicket {
    fn to_text(self) -> String {
        format!("{} {}", self.attempt, self.kind.as_str())
    }

    /// Reads what [`DirectStep::to_text`] wrote last.
    pub fn from_text(text: &str) -> Option<Self> {
        let (attempt, kind) = text.split_once(' ')?;
        Some(Self { attempt: attempt.parse().ok()?, kind: CallbackKind::from_word(kind)? })
    }

    /// The text of the command that this report is; `None` for a body that is not right.
    pub fn command(self, job: JobId, body: &[u8]) -> Option<String> {
        let report = self.kind.parse(job, body).ok()?;
        JobCommand::Callback { attempt: self.attempt, report }.to_text(Visibility::All).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: &str = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50";

    fn first(method: &str, path: &str, caller: &Caller, length: Option<usize>) -> Option<DirectStep> {
        DirectStep::first(&Route::parse(method, path).unwrap(), caller, length)
    }

    #[test]
    fn a_read_asks_at_once() {
        let service = Caller::Service { name: "web".to_owned(), acting_for: None };
        let step = first("GET", &format!("/api/jobs/{JOB}"), &service, None).unwrap();
        let text = step.to_text("00ff");
        let command = text.strip_prefix(&format!("ask\n00ff\n{JOB}\n")).unwrap();
        assert!(matches!(JobCommand::from_text(command), Some((Visibility::All, JobCommand::Get { .. }))));
    }

    #[test]
    fn a_report_is_read_first_if_it_says_that_it_is_short() {
        let path = format!("/api/jobs/{JOB}/attempt/progress");
        let attempt = Caller::Attempt(3);
        for length in [None, Some(REPORT_MAX_BYTES + 1)] {
            assert_eq!(first("POST", &path, &attempt, length), None);
        }
        let step = first("POST", &path, &attempt, Some(40)).unwrap();
        assert_eq!(step.to_text("00ff"), format!("read\n00ff\n{JOB}\n3 progress"));
        let ticket = ReportTicket::from_text("3 progress").unwrap();
        assert_eq!(step, DirectStep::Read { job: JOB.parse().unwrap(), ticket });
        let command = ticket.command(JOB.parse().unwrap(), br#"{"progress":40}"#).unwrap();
        let Some((Visibility::All, JobCommand::Callback { attempt: 3, .. })) =
            JobCommand::from_text(&command)
        else {
            panic!("{command}")
        };
        for wrong in ["", "{}", "[1]"] {
            assert_eq!(ticket.command(JOB.parse().unwrap(), wrong.as_bytes()), None, "{wrong}");
        }
        for wrong in ["", "3", "x progress", "3 dance"] {
            assert_eq!(ReportTicket::from_text(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_answer_is_sent_as_it_is() {
        let step = DirectStep::Answer { status: 200, body: "{}".to_owned() };
        assert_eq!(step.to_text("00ff"), "answer\n00ff\n200\n{}");
    }

    #[test]
    fn everything_else_goes_the_long_way() {
        let service = Caller::Service { name: "web".to_owned(), acting_for: None };
        for (method, path) in [("POST", "/api/jobs"), ("GET", "/api/jobs"), ("GET", "/health")] {
            assert_eq!(first(method, path, &service, Some(1)), None, "{method} {path}");
        }
        for (method, path) in [("POST", "/api/jobs"), ("GET", "/api/jobs"), ("POST", "/api/tokens")] {
            assert!(!DirectStep::is_for(&Route::parse(method, path).unwrap()), "{method} {path}");
        }
    }
}
