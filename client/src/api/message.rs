//! One message of a job's socket.
//!
//! On the wire it is the job's JSON with `type` naming the message and `job_type` the job's kind.

use serde_json::Value;

use crate::api::job::Job;

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageType {
    /// Where the job stands.
    Status,
    /// It moved.
    Progress,
    /// It is over, and the result is there.
    Complete,
    /// It is over, without a result.
    Error,
}

/// A message about one job.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// What it says.
    pub message_type: MessageType,
    /// Number of the stored event, strictly +1 from one to the next;
    /// absent from snapshots and from ticks that nobody stores.
    pub seq: Option<u64>,
    /// The job as it was at that moment.
    pub job: Job,
}

impl Message {
    /// Whether the job is over.
    pub fn is_terminal(&self) -> bool {
        matches!(self.message_type, MessageType::Complete | MessageType::Error)
    }

    /// A message made of what `GET` tells, for when no socket is to be had.
    pub(crate) fn snapshot(job: Job) -> Self {
        let kind = match job.status {
            crate::api::job::JobStatus::Complete => MessageType::Complete,
            crate::api::job::JobStatus::Error => MessageType::Error,
            crate::api::job::JobStatus::Pending | crate::api::job::JobStatus::Processing => {
                MessageType::Status
            }
        };
        Self { message_type: kind, seq: None, job }
    }

    /// Reads a text frame. `Ok(None)` for what does not concern the job: pongs, and kinds of a newer server.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, serde_json::Error> {
        if text == "pong" {
            return Ok(None);
        }
        let mut value: Value = serde_json::from_str(text)?;
        let kind = match value.get("type").and_then(Value::as_str) {
            Some("status") => MessageType::Status,
            Some("progress") => MessageType::Progress,
            Some("complete") => MessageType::Complete,
            Some("error") => MessageType::Error,
            _ => return Ok(None),
        };
        if let Some(members) = value.as_object_mut() {
            let job_kind = members.remove("job_type").unwrap_or_default();
            members.insert("type".to_owned(), job_kind);
        }
        let job: Job = serde_json::from_value(value)?;
        Ok(Some(Self { message_type: kind, seq: job.seq, job }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::job::JobStatus;
    use reel_core::edit::JobKind;

    const PROGRESS: &str = r#"{"type":"progress","job_type":"overlay","seq":7,"status":"processing",
        "job_id":"3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50","progress":40,"stage":"rendering"}"#;

    #[test]
    fn a_message_is_the_job_with_its_own_type_beside_the_jobs() {
        let message = Message::parse(PROGRESS).unwrap().unwrap();
        assert_eq!((message.message_type, message.seq), (MessageType::Progress, Some(7)));
        assert_eq!((message.job.job_type, message.job.status), (JobKind::Overlay, JobStatus::Processing));
        assert!(!message.is_terminal());
    }

    #[test]
    fn pongs_and_unknown_kinds_are_passed_over() {
        for text in ["pong", r#"{"type":"pong"}"#, r#"{"type":"confetti"}"#, "{}", "3"] {
            assert_eq!(Message::parse(text).unwrap(), None, "{text}");
        }
    }

    #[test]
    fn a_message_that_claims_a_kind_and_is_no_job_is_a_fault() {
        for text in ["{", r#"{"type":"progress"}"#, r#"{"type":"error","job_id":3}"#] {
            assert!(Message::parse(text).is_err(), "{text}");
        }
    }
}
