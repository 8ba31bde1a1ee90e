//! The job JSON: one shape for `GET`, both socket protocols and the event log.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::base::id::JobId;
use crate::base::time::DurationMs;
use crate::edit::JobType;
use crate::job::companions::{Companions, FilmstripFile, RenditionFile};
use crate::job::error_code::ErrorCode;
use crate::job::filmstrip::FilmstripLayout;
use crate::job::labels::Labels;
use crate::job::log::MessageType;
use crate::job::output_media::OutputMedia;
use crate::job::snapshot::Snapshot;
use crate::job::spec::JobSpec;
use crate::job::status::{JobStage, JobStatus};
use crate::job::usage::Usage;

/// Who reads the JSON. The member `type` means different things to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobFormat {
    /// `GET /api/jobs/{id}`: `type` is the job's type.
    Resource,
    /// `/api/jobs/{id}/ws` and the event log: `type` is the message's type, `job_type` the job's.
    Message(MessageType),
    /// `/ws/export/{id}`: as `Plain`, with `projectId` as well as `project_id`.
    Legacy,
}

/// URLs that are made for one response and never stored.
#[derive(Clone, Copy, Debug)]
pub struct JobUrls<'u> {
    /// Presigned GET of the output, if there is one.
    pub output_url: Option<&'u str>,
    /// Presigned GET of its poster, if there is one.
    pub poster_url: Option<&'u str>,
    /// Of each rendition, in the order of the snapshot's.
    pub renditions: &'u [RenditionUrls],
    /// Presigned GET of the filmstrip, if there is one.
    pub filmstrip_url: Option<&'u str>,
    /// Path of its `WebVTT`, with a watch token if the API requires a key.
    pub filmstrip_vtt_url: &'u str,
    /// Path of the socket, with a watch token if the API requires a key.
    pub websocket_url: &'u str,
}

/// Presigned GETs of one rendition.
#[derive(Clone, Debug, Default)]
pub struct RenditionUrls {
    /// Of its video.
    pub output: Option<String>,
    /// Of its poster, if there is one.
    pub poster: Option<String>,
}

/// How much of the job the JSON has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobDetail {
    /// The whole job with its usage: for `GET` and the first message of a socket.
    WithUsage(Usage),
    /// The whole job without its usage.
    Full,
    /// Without usage and `params`: params never change and may be long, so later messages leave them out.
    WithoutParams,
    /// For whoever holds a link to the job: also without keys of the bucket and RunPod's id, since a link may be
    /// in many hands. Who knows a key may have a bucket copy what it names.
    WithoutKeys,
}

impl JobDetail {
    const fn has_params(self) -> bool {
        match self {
            Self::WithUsage(_) | Self::Full => true,
            Self::WithoutParams | Self::WithoutKeys => false,
        }
    }

    const fn has_keys(self) -> bool {
        match self {
            Self::WithUsage(_) | Self::Full | Self::WithoutParams => true,
            Self::WithoutKeys => false,
        }
    }
}

/// A job as JSON text. Messages that are not stored have no `seq`.
pub fn job_json(
    spec: &JobSpec,
    snapshot: &Snapshot,
    seq: Option<u64>,
    urls: JobUrls<'_>,
    format: JobFormat,
    detail: JobDetail,
) -> String {
    let failure = snapshot.failure.as_ref();
    let output = snapshot.output.as_ref();
    let json = JobJson {
        type_name: match format {
            JobFormat::Resource | JobFormat::Legacy => spec.job_type.as_str(),
            JobFormat::Message(message_type) => message_type.as_str(),
        },
        job_type: matches!(format, JobFormat::Message(_)).then_some(spec.job_type),
        seq,
        job_id: spec.id,
        id: spec.id,
        project_id: spec.project_id,
        project_id_camel: (format == JobFormat::Legacy).then_some(spec.project_id),
        status: snapshot.status,
        stage: snapshot.stage,
        progress: snapshot.progress,
        message: &snapshot.message,
        attempt: snapshot.attempt,
        max_attempts: snapshot.max_attempts,
        retry_count: snapshot.attempt.saturating_sub(1),
        execution_timeout_ms: spec.execution_timeout,
        input_video_key: detail.has_keys().then_some(spec.input_key.as_str()),
        output_video_key: detail.has_keys().then(|| output.map(|output| output.key.as_str())),
        output_bytes: output.map(|output| output.bytes),
        output: output.and_then(|output| OutputJson::new(output.media, Some(output.bytes))),
        output_url: urls.output_url,
        poster_url: urls.poster_url,
        outputs: output.map(|output| rendition_list(&output.companions, urls, detail)).unwrap_or_default(),
        filmstrip: output.and_then(|output| FilmstripJson::new(output.companions.filmstrip.as_ref()?, urls)),
        params: detail.has_params().then_some(&*spec.params),
        labels: spec.labels.as_ref().filter(|_| detail.has_keys()).map(Labels::json),
        usage: match detail {
            JobDetail::WithUsage(usage) => Some(usage),
            JobDetail::Full | JobDetail::WithoutParams | JobDetail::WithoutKeys => None,
        },
        error: failure.map(|failure| failure.sentence.as_str()),
        error_code: failure.map(|failure| failure.code),
        retryable: failure.map(|failure| failure.code.retryable()),
        created_at: spec.created_at.iso(),
        started_at: snapshot.started_at.map(crate::base::time::Timestamp::iso),
        completed_at: snapshot.completed_at.map(crate::base::time::Timestamp::iso),
        runpod_job_id: detail.has_keys().then_some(snapshot.runpod_job_id.as_deref()),
        websocket_url: urls.websocket_url,
    };
    serde_json::to_string(&json).unwrap_or_default()
}

/// An export job.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema), schemars(rename = "Job"))]
#[derive(Serialize)]
#[allow(clippy::option_option, reason = "a member may be null or left out")]
pub(crate) struct JobJson<'j> {
    /// What is rendered. In a message, the kind of the message.
    #[serde(rename = "type")]
    #[cfg_attr(feature = "describe", schemars(with = "JobType"))]
    type_name: &'static str,
    /// In a message, what is rendered.
    #[serde(skip_serializing_if = "Option::is_none")]
    job_type: Option<JobType>,
    /// The number of the newest stored event. Progress between two events has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    seq: Option<u64>,
    /// The job.
    job_id: JobId,
    /// The same id.
    id: JobId,
    /// The project it belongs to.
    project_id: i64,
    /// The same number, for clients of the FastAPI backend's socket.
    #[serde(rename = "projectId", skip_serializing_if = "Option::is_none")]
    project_id_camel: Option<i64>,
    /// Where it is.
    status: JobStatus,
    /// Where it is, in more detail.
    stage: JobStage,
    /// Percent, from 0 to 100.
    #[cfg_attr(feature = "describe", schemars(range(max = 100)))]
    progress: u8,
    /// What happens now, as a sentence.
    message: &'j str,
    /// The number of the attempt, from 1.
    attempt: u32,
    /// How many attempts are made at most.
    max_attempts: u32,
    /// Attempts before this one.
    retry_count: u32,
    /// How long one attempt may take.
    execution_timeout_ms: DurationMs,
    /// The video it reads. Left out for the holder of a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    input_video_key: Option<&'j str>,
    /// The video it made; null until then. Left out for the holder of a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    output_video_key: Option<Option<&'j str>>,
    /// The length of the video it made.
    output_bytes: Option<u64>,
    /// What was made; null until then, and when its renderer did not say.
    output: Option<OutputJson>,
    /// A GET of the video it made. Good for an hour.
    #[cfg_attr(feature = "describe", schemars(extend("format" = "uri")))]
    output_url: Option<&'j str>,
    /// A GET of a picture of it. Good for an hour.
    #[cfg_attr(feature = "describe", schemars(extend("format" = "uri")))]
    poster_url: Option<&'j str>,
    /// The further outputs. Left out by a job without any, and until it is complete.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    outputs: Vec<RenditionJson<'j>>,
    /// A sheet of small pictures, when the job was asked for one.
    #[serde(skip_serializing_if = "Option::is_none")]
    filmstrip: Option<FilmstripJson<'j>>,
    /// The edit, as it was sent. Messages after the first leave it out, and so does a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "describe", schemars(with = "Option<serde_json::Map<String, serde_json::Value>>"))]
    params: Option<&'j RawValue>,
    /// What its creator has noted on it. Left out without any, and for the holder of a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "describe", schemars(with = "Option<std::collections::BTreeMap<String, String>>"))]
    labels: Option<&'j RawValue>,
    /// Why it failed, as a sentence.
    error: Option<&'j str>,
    /// Why it failed, for programs.
    error_code: Option<ErrorCode>,
    /// Whether another attempt may help.
    retryable: Option<bool>,
    /// When it was created.
    #[cfg_attr(feature = "describe", schemars(extend("format" = "date-time")))]
    created_at: String,
    /// When a renderer took it.
    #[cfg_attr(feature = "describe", schemars(extend("format" = "date-time")))]
    started_at: Option<String>,
    /// When it ended.
    #[cfg_attr(feature = "describe", schemars(extend("format" = "date-time")))]
    completed_at: Option<String>,
    /// RunPod's name of the attempt. Left out for the holder of a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    runpod_job_id: Option<Option<&'j str>>,
    /// The path of its socket, with a token that opens it.
    websocket_url: &'j str,
    /// What it has cost so far, in the units that Cloudflare bills.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
}

/// What a video is, read from the file that was made.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema), schemars(rename = "OutputMedia"))]
#[derive(Serialize)]
struct OutputJson {
    /// Pixels across.
    width: u32,
    /// Pixels down.
    height: u32,
    /// Frames a second.
    fps: f64,
    /// Frames in all.
    frames: u64,
    /// Its length in time.
    duration_ms: u64,
    /// Its length in the bucket.
    bytes: u64,
}

impl OutputJson {
    fn new(media: Option<OutputMedia>, bytes: Option<u64>) -> Option<Self> {
        let OutputMedia { width, height, fps, frames, duration_ms } = media?;
        Some(Self { width, height, fps, frames, duration_ms, bytes: bytes? })
    }
}

/// One of the edit's `outputs`, with the members that the main output has in the job itself.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema), schemars(rename = "JobOutput"))]
#[derive(Serialize)]
struct RenditionJson<'j> {
    /// As the edit calls it.
    name: &'j str,
    /// Left out for a holder of a link.
    #[serde(skip_serializing_if = "Option::is_none")]
    output_video_key: Option<&'j str>,
    /// The length of the video.
    output_bytes: Option<u64>,
    /// What the video is.
    output: Option<OutputJson>,
    /// A GET of the video. Good for an hour.
    #[cfg_attr(feature = "describe", schemars(extend("format" = "uri")))]
    output_url: Option<&'j str>,
    /// A GET of a picture of it. Good for an hour.
    #[cfg_attr(feature = "describe", schemars(extend("format" = "uri")))]
    poster_url: Option<&'j str>,
}

fn rendition_list<'j>(
    companions: &'j Companions,
    urls: JobUrls<'j>,
    detail: JobDetail,
) -> Vec<RenditionJson<'j>> {
    let urls = urls.renditions.iter().map(Some).chain(std::iter::repeat(None));
    let json = |(file, urls): (&'j RenditionFile, Option<&'j RenditionUrls>)| RenditionJson {
        name: file.name.as_str(),
        output_video_key: detail.has_keys().then_some(file.key.as_str()),
        output_bytes: file.bytes,
        output: OutputJson::new(file.media, file.bytes),
        output_url: urls.and_then(|urls| urls.output.as_deref()),
        poster_url: urls.and_then(|urls| urls.poster.as_deref()),
    };
    companions.renditions.iter().zip(urls).map(json).collect()
}

/// A sheet of small pictures: where it is, which part shows what, and how it is divided.
#[cfg_attr(feature = "describe", derive(schemars::JsonSchema), schemars(rename = "Filmstrip"))]
#[derive(Serialize)]
struct FilmstripJson<'j> {
    /// A GET of the sheet. Good for an hour.
    #[cfg_attr(feature = "describe", schemars(extend("format" = "uri")))]
    url: &'j str,
    /// The path of its `WebVTT` file, for players.
    vtt_url: &'j str,
    /// Pixels across of one picture.
    tile_width: u32,
    /// Pixels down of one picture.
    tile_height: u32,
    /// Pictures in a row.
    columns: u32,
    /// Pictures in all.
    tiles: u32,
    /// Time between two pictures.
    interval_ms: u64,
}

impl<'j> FilmstripJson<'j> {
    fn new(file: &FilmstripFile, urls: JobUrls<'j>) -> Option<Self> {
        let FilmstripLayout { tile_width, tile_height, columns, tiles, interval_ms } = file.layout;
        let (url, vtt_url) = (urls.filmstrip_url?, urls.filmstrip_vtt_url);
        Some(Self { url, vtt_url, tile_width, tile_height, columns, tiles, interval_ms })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::object_key::ObjectKey;
    use crate::base::time::Timestamp;
    use crate::job::companions::WantedCompanions;
    use crate::job::state::Job;
    use serde_json::{Value, json};

    fn spec() -> JobSpec {
        JobSpec {
            id: "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50".parse().unwrap(),
            owner: None,
            project_id: 7,
            job_type: JobType::Overlay,
            input_key: ObjectKey::parse_input("input/abc/clip.mp4").unwrap(),
            extra_inputs: Vec::new(),
            input_versions: Vec::new(),
            params: RawValue::from_string(r#"{"effect_type":"blur"}"#.into()).unwrap(),
            execution_timeout: DurationMs::minutes(10),
            companions: WantedCompanions::default(),
            labels: None,
            created_at: Timestamp(1_769_850_300_250),
            export: None,
        }
    }

    fn json_of(format: JobFormat, detail: JobDetail) -> Value {
        let spec = spec();
        let snapshot = Job::new(spec.id, spec.created_at).snapshot();
        let urls = JobUrls {
            output_url: None,
            poster_url: None,
            renditions: &[],
            filmstrip_url: None,
            filmstrip_vtt_url: "",
            websocket_url: "/api/jobs/x/ws",
        };
        serde_json::from_str(&job_json(&spec, &snapshot, Some(1), urls, format, detail)).unwrap()
    }

    #[test]
    fn the_json_of_a_new_job_does_not_change() {
        assert_eq!(
            json_of(
                JobFormat::Resource,
                JobDetail::WithUsage(Usage { object_rows: 4, d1_rows: 5, requests: 1, alarms: 0 })
            ),
            json!({
                "type": "overlay", "seq": 1,
                "job_id": "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50",
                "id": "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50",
                "project_id": 7, "status": "pending", "stage": "queued", "progress": 0,
                "message": "Waiting for a renderer", "attempt": 1, "max_attempts": 3, "retry_count": 0,
                "execution_timeout_ms": 600_000,
                "input_video_key": "input/abc/clip.mp4", "output_video_key": null, "output_bytes": null, "output": null,
                "output_url": null, "poster_url": null, "params": {"effect_type": "blur"},
                "error": null, "error_code": null, "retryable": null,
                "created_at": "2026-01-31T09:05:00.250Z", "started_at": null, "completed_at": null,
                "runpod_job_id": null, "websocket_url": "/api/jobs/x/ws",
                "usage": {"object_rows": 4, "d1_rows": 5, "requests": 1, "alarms": 0}
            })
        );
    }

    #[test]
    fn a_holder_of_a_link_reads_neither_keys_nor_params() {
        for format in [JobFormat::Resource, JobFormat::Message(MessageType::Progress), JobFormat::Legacy] {
            let (linked, full) = (json_of(format, JobDetail::WithoutKeys), json_of(format, JobDetail::Full));
            for name in ["input_video_key", "output_video_key", "params", "runpod_job_id", "usage"] {
                assert_eq!(linked.get(name), None, "{name}");
            }
            assert!(!linked.to_string().contains("input/"), "{linked}");
            let mut rest = full;
            for name in ["input_video_key", "output_video_key", "params", "runpod_job_id"] {
                assert!(rest.as_object_mut().unwrap().remove(name).is_some(), "{name}");
            }
            assert_eq!(linked, rest, "everything else is there");
        }
    }

    #[test]
    fn type_is_the_message_type_or_the_job_type() {
        let message = json_of(JobFormat::Message(MessageType::Progress), JobDetail::WithoutParams);
        assert_eq!((&message["type"], &message["job_type"]), (&json!("progress"), &json!("overlay")));
        assert_eq!(message.get("params"), None);
        let legacy = json_of(JobFormat::Legacy, JobDetail::Full);
        assert_eq!((&legacy["type"], &legacy["projectId"]), (&json!("overlay"), &json!(7)));
    }
}
