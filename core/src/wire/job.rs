//! The job JSON: one shape for `GET`, both WebSocket dialects and the event log.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::base::id::JobId;
use crate::edit::JobType;
use crate::job::error_code::ErrorCode;
use crate::job::log::MessageType;
use crate::job::snapshot::Snapshot;
use crate::job::spec::JobSpec;
use crate::job::status::{JobStage, JobStatus};
use crate::job::usage::Usage;

/// Who reads the JSON: the word `type` means two things to them (design.md 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobFormat {
    /// `GET /api/jobs/{id}`: `type` is the job's kind.
    Plain,
    /// `/api/jobs/{id}/ws` and the event log: `type` is the message's kind, `job_type` the job's.
    Message(MessageType),
    /// `/ws/export/{id}`: as plain, with `projectId` beside `project_id`.
    Legacy,
}

/// URLs that are made for the reader of this moment, and never stored.
#[derive(Clone, Copy, Debug)]
pub struct JobUrls<'l> {
    /// Presigned GET of the result, when there is one.
    pub output_url: Option<&'l str>,
    /// Presigned GET of its picture, when there is one.
    pub poster_url: Option<&'l str>,
    /// Path of the socket, with a watch token when the API is closed.
    pub websocket_url: &'l str,
}

/// How much of the job a reader is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobDetail {
    /// Everything, with what it has cost: `GET` and the snapshot.
    Record(Usage),
    /// Everything of the job.
    Whole,
    /// Without `params`, which never change and may be long: messages between the snapshots.
    Change,
}

/// A job as JSON text. `seq` is left out of messages that are not stored.
pub fn job_json(
    order: &JobSpec,
    face: &Snapshot,
    seq: Option<u64>,
    links: JobUrls<'_>,
    dialect: JobFormat,
    extent: JobDetail,
) -> String {
    let failure = face.failure.as_ref();
    let output = face.output.as_ref();
    let json = JobJson {
        kind: match dialect {
            JobFormat::Plain | JobFormat::Legacy => order.job_type.as_str(),
            JobFormat::Message(kind) => kind.as_str(),
        },
        job_type: matches!(dialect, JobFormat::Message(_)).then_some(order.job_type),
        seq,
        job_id: order.id,
        id: order.id,
        project_id: order.project_id,
        project_id_camel: (dialect == JobFormat::Legacy).then_some(order.project_id),
        status: face.status,
        stage: face.stage,
        progress: face.progress,
        message: &face.message,
        attempt: face.attempt,
        max_attempts: face.max_attempts,
        retry_count: face.attempt.saturating_sub(1),
        input_video_key: order.input_key.as_str(),
        output_video_key: output.map(|output| output.key.as_str()),
        output_bytes: output.map(|output| output.bytes),
        output_url: links.output_url,
        poster_url: links.poster_url,
        params: (extent != JobDetail::Change).then_some(&*order.params),
        usage: match extent {
            JobDetail::Record(usage) => Some(usage),
            JobDetail::Whole | JobDetail::Change => None,
        },
        error: failure.map(|failure| failure.sentence.as_str()),
        error_code: failure.map(|failure| failure.code),
        retryable: failure.map(|failure| failure.code.retryable()),
        created_at: order.created_at.iso(),
        started_at: face.started_at.map(crate::base::time::Timestamp::iso),
        completed_at: face.completed_at.map(crate::base::time::Timestamp::iso),
        runpod_job_id: face.runpod_job_id.as_deref(),
        websocket_url: links.websocket_url,
    };
    serde_json::to_string(&json).unwrap_or_default()
}

#[derive(Serialize)]
struct JobJson<'j> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    job_type: Option<JobType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    job_id: JobId,
    id: JobId,
    project_id: i64,
    #[serde(rename = "projectId", skip_serializing_if = "Option::is_none")]
    project_id_camel: Option<i64>,
    status: JobStatus,
    stage: JobStage,
    progress: u8,
    message: &'j str,
    attempt: u32,
    max_attempts: u32,
    retry_count: u32,
    input_video_key: &'j str,
    output_video_key: Option<&'j str>,
    output_bytes: Option<u64>,
    output_url: Option<&'j str>,
    poster_url: Option<&'j str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    params: Option<&'j RawValue>,
    error: Option<&'j str>,
    error_code: Option<ErrorCode>,
    retryable: Option<bool>,
    created_at: String,
    started_at: Option<String>,
    completed_at: Option<String>,
    runpod_job_id: Option<&'j str>,
    websocket_url: &'j str,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::object_key::ObjectKey;
    use crate::base::time::Timestamp;
    use crate::job::state::Job;
    use serde_json::{Value, json};

    fn order() -> JobSpec {
        JobSpec {
            id: "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50".parse().unwrap(),
            project_id: 7,
            job_type: JobType::Overlay,
            input_key: ObjectKey::parse_input("input/abc/clip.mp4").unwrap(),
            extra_inputs: Vec::new(),
            params: RawValue::from_string(r#"{"effect_type":"blur"}"#.into()).unwrap(),
            created_at: Timestamp(1_769_850_300_250),
            export: None,
        }
    }

    fn rendered(dialect: JobFormat, extent: JobDetail) -> Value {
        let order = order();
        let face = Job::new(order.id, order.created_at).snapshot();
        let links = JobUrls { output_url: None, poster_url: None, websocket_url: "/api/jobs/x/ws" };
        serde_json::from_str(&job_json(&order, &face, Some(1), links, dialect, extent)).unwrap()
    }

    #[test]
    fn a_fresh_job_is_pinned() {
        assert_eq!(
            rendered(
                JobFormat::Plain,
                JobDetail::Record(Usage { object_rows: 4, d1_rows: 5, requests: 1, alarms: 0 })
            ),
            json!({
                "type": "overlay", "seq": 1,
                "job_id": "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50",
                "id": "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50",
                "project_id": 7, "status": "pending", "stage": "queued", "progress": 0,
                "message": "Waiting for a renderer", "attempt": 1, "max_attempts": 3, "retry_count": 0,
                "input_video_key": "input/abc/clip.mp4", "output_video_key": null, "output_bytes": null,
                "output_url": null, "poster_url": null, "params": {"effect_type": "blur"},
                "error": null, "error_code": null, "retryable": null,
                "created_at": "2026-01-31T09:05:00.250Z", "started_at": null, "completed_at": null,
                "runpod_job_id": null, "websocket_url": "/api/jobs/x/ws",
                "usage": {"object_rows": 4, "d1_rows": 5, "requests": 1, "alarms": 0}
            })
        );
    }

    #[test]
    fn the_word_type_means_two_things() {
        let message = rendered(JobFormat::Message(MessageType::Progress), JobDetail::Change);
        assert_eq!((&message["type"], &message["job_type"]), (&json!("progress"), &json!("overlay")));
        assert_eq!(message.get("params"), None);
        let legacy = rendered(JobFormat::Legacy, JobDetail::Whole);
        assert_eq!((&legacy["type"], &legacy["projectId"]), (&json!("overlay"), &json!(7)));
    }
}
