//! One message of a job's WebSocket.
//!
//! On the wire it is the job's JSON, where `type` names the message and `job_type` is the type of the job.

use reel_core::job::log::MessageType;
use serde::Deserialize as _;
use serde_json::Value;

use super::job::{Job, JobStatus};

/// A message about one job.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// What it reports.
    pub message_type: MessageType,
    /// Number of its log entry, one more than that of the entry before; absent from snapshots and from messages
    /// that are not stored.
    pub seq: Option<u64>,
    /// The job at that moment.
    pub job: Job,
}

impl Message {
    /// Whether it is the last message.
    pub fn is_terminal(&self) -> bool {
        matches!(self.message_type, MessageType::Complete | MessageType::Error)
    }

    /// A message made from a job that was polled.
    pub(crate) fn snapshot(job: Job) -> Self {
        let message_type = match job.status {
            JobStatus::Complete => MessageType::Complete,
            JobStatus::Error => MessageType::Error,
            JobStatus::Pending | JobStatus::Processing => MessageType::Status,
        };
        Self { message_type, seq: None, job }
    }

    /// Reads a text frame. `Ok(None)` for what is no message about the job: a pong, or a type of a newer server.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, serde_json::Error> {
        if text == "pong" {
            return Ok(None);
        }
        let mut value: Value = serde_json::from_str(text)?;
        let Some(message_type) = value.get("type").and_then(|word| MessageType::deserialize(word).ok())
        else {
            return Ok(None);
        };
        if let Some(members) = value.as_object_mut() {
            let job_type = members.remove("job_type").unwrap_or_default();
            members.insert("type".to_owned(), job_type);
        }
        let job: Job = serde_json::from_value(value)?;
        Ok(Some(Self { message_type, seq: job.seq, job }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reel_core::edit::JobType;

    const PROGRESS: &str = r#"{"type":"progress","job_type":"overlay","seq":7,"status":"processing",
        "job_id":"3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50","progress":40,"stage":"rendering"}"#;

    #[test]
    fn a_message_is_the_job_with_its_own_type_beside_the_jobs() {
        let message = Message::parse(PROGRESS).unwrap().unwrap();
        assert_eq!((message.message_type, message.seq), (MessageType::Progress, Some(7)));
        assert_eq!((message.job.job_type, message.job.status), (JobType::Overlay, JobStatus::Processing));
        assert!(!message.is_terminal());
    }

    #[test]
    fn pongs_and_unknown_types_are_skipped() {
        for text in ["pong", r#"{"type":"pong"}"#, r#"{"type":"confetti"}"#, "{}", "3"] {
            assert_eq!(Message::parse(text).unwrap(), None, "{text}");
        }
    }

    #[test]
    fn a_message_of_a_known_type_without_a_job_is_an_error() {
        for text in ["{", r#"{"type":"progress"}"#, r#"{"type":"error","job_id":3}"#] {
            assert!(Message::parse(text).is_err(), "{text}");
        }
    }
}
