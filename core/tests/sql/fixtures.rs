//! Jobs, projects and requests that the tests write rows from.

use reel_core::base::id::JobId;
use reel_core::base::object_key::ObjectKey;
use reel_core::base::owner::{OwnerId, Visibility};
use reel_core::base::time::{DurationMs, Timestamp};
use reel_core::edit::JobType;
use reel_core::job::companions::{Companions, WantedCompanions};
use reel_core::job::error_code::ErrorCode;
use reel_core::job::snapshot::{JobFailure, JobOutput, Snapshot};
use reel_core::job::spec::{JobSpec, ProjectExport};
use reel_core::job::state::Job;
use reel_core::job::status::JobStatus;
use reel_core::project::{ClipId, ProjectId, PutClipRequest, PutProjectRequest};
use reel_core::sql::jobs::upsert_job;
use serde_json::value::RawValue;

use crate::database::Database;

/// An end user.
pub const ALICE: Visibility = Visibility::Owner(OwnerId::new([0xa1; 8]));

/// Another.
pub const BOB: Visibility = Visibility::Owner(OwnerId::new([0xb0; 8]));

/// Ids are in the order of their numbers.
pub fn job_id(number: u8) -> JobId {
    JobId::from_random([number; 16])
}

/// A job of project 7 that was created at its own number.
pub fn spec(number: u8) -> JobSpec {
    JobSpec {
        id: job_id(number),
        owner: None,
        project_id: 7,
        job_type: JobType::Overlay,
        input_key: key("input/a/clip.mp4"),
        extra_inputs: Vec::new(),
        input_versions: Vec::new(),
        params: RawValue::from_string("{}".into()).expect("JSON"),
        execution_timeout: DurationMs::minutes(10),
        companions: WantedCompanions::default(),
        labels: None,
        created_at: Timestamp(i64::from(number)),
        export: None,
    }
}

/// A job whose result becomes its project's working video.
pub fn export(number: u8, project_id: i64) -> JobSpec {
    let export = ProjectExport { request_fingerprint: "x".into(), set_working_video: true };
    JobSpec { project_id, job_type: JobType::Framing, export: Some(export), ..spec(number) }
}

pub fn pending() -> Snapshot {
    Job::new(job_id(1), Timestamp(1)).snapshot()
}

pub fn processing() -> Snapshot {
    Snapshot { status: JobStatus::Processing, started_at: Some(Timestamp(3000)), ..pending() }
}

pub fn complete(number: u8, at: i64) -> Snapshot {
    let output = JobOutput {
        key: output_key(number),
        bytes: 1_048_576,
        poster: Some(ObjectKey::poster(job_id(number), 1).as_str().to_owned()),
        media: None,
        companions: Companions::default(),
    };
    Snapshot {
        status: JobStatus::Complete,
        completed_at: Some(Timestamp(at)),
        output: Some(output),
        ..processing()
    }
}

pub fn failed() -> Snapshot {
    let failure =
        JobFailure { code: ErrorCode::GpuError, sentence: "It broke: \"x\", 'y' \u{1f3c0}.".into() };
    Snapshot {
        status: JobStatus::Error,
        completed_at: Some(Timestamp(4000)),
        failure: Some(failure),
        ..processing()
    }
}

pub fn output_key(number: u8) -> String {
    ObjectKey::output(job_id(number), 1).as_str().to_owned()
}

pub fn key(text: &str) -> ObjectKey {
    ObjectKey::parse_video(text).expect("a key")
}

pub fn project_id(number: i64) -> ProjectId {
    ProjectId::parse(&number.to_string()).expect("an id")
}

pub fn clip_id(project: i64, index: i64) -> ClipId {
    ClipId::parse(project_id(project), &index.to_string()).expect("an id")
}

pub fn put_project(body: &str) -> PutProjectRequest {
    PutProjectRequest::parse(body.as_bytes()).expect("a body")
}

pub fn put_clip(body: &str) -> PutClipRequest {
    PutClipRequest::parse(body.as_bytes()).expect("a body")
}

impl Database {
    /// Writes the first version of a job's row.
    pub fn add_job(&self, spec: &JobSpec, snapshot: &Snapshot) {
        self.run_all(&upsert_job(spec, snapshot, 1));
    }
}
