//! The export routes of the FastAPI backend: a request names a project and an edit, and becomes a job of the
//! project's own video.
//!
//! Invariant: the job is an ordinary one. Only its input, and a clip's trim, come from the project.

use serde_json::value::RawValue;
use serde_json::{Map, Value as Json, json};
use sha2::{Digest, Sha256};

use crate::base::hex::hex;
use crate::base::id::JobId;
use crate::base::object_key::ObjectKey;
use crate::base::owner::OwnerId;
use crate::edit::{Edit, FrameSize, JobType};
use crate::http::problem::Problem;
use crate::http::requests::body::{job_id, read_body};
use crate::http::requests::jobs::CreateJobRequest;
use crate::job::companions::WantedCompanions;
use crate::job::execution_timeout::Workload;
use crate::job::spec::ProjectExport;
use crate::json::field_error::FieldContext;
use crate::json::reader::{ObjectReader, boolean, integer};
use crate::project::ID_MAX;
use crate::sql::exports::{select_clip_video, select_working_video};
use crate::sql::statement::SqlStatement;

/// The job types that a project has videos for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportType {
    /// Renders its working video.
    Overlay,
    /// Renders one of its clips.
    Framing,
}

impl ExportType {
    /// The kind of job.
    pub const fn job(self) -> JobType {
        match self {
            Self::Overlay => JobType::Overlay,
            Self::Framing => JobType::Framing,
        }
    }

    /// The fields of a body that are not params of the job.
    const fn own_fields(self) -> &'static [&'static str] {
        match self {
            Self::Overlay => &["project_id", "job_id"],
            Self::Framing => &["project_id", "job_id", "set_working_video"],
        }
    }
}

/// `POST /api/export/overlay` or `.../framing`.
#[derive(Clone, Debug, PartialEq)]
pub struct ExportRequest {
    export_type: ExportType,
    project_id: i64,
    clip_index: i64,
    job_id: Option<JobId>,
    set_working_video: bool,
    params: Map<String, Json>,
}

impl ExportRequest {
    /// Reads and checks a body. The params of the job are on the same level as `project_id`.
    pub fn parse(export_type: ExportType, body: &[u8]) -> Result<Self, Problem> {
        read_body(body, |body, at| Self::read(body, at, export_type))
    }

    /// Reads and checks a body that is JSON.
    pub(crate) fn read(body: &Json, at: FieldContext<'_>, export_type: ExportType) -> Option<Self> {
        let mut fields = ObjectReader::open(body, at)?;
        let project_id = fields.required("project_id", integer(1..=ID_MAX));
        let job_id = fields.optional("job_id", job_id);
        let set_working_video = match export_type {
            ExportType::Overlay => Some(None),
            ExportType::Framing => fields.optional("set_working_video", boolean),
        };
        if export_type == ExportType::Framing {
            fields.at().describe(|| json!({"required": ["clip_index"]}));
            if !fields.has("clip_index") {
                fields.at().child("clip_index").reject::<()>("is required");
            }
        }
        // This reader also reports the members that are unknown to both readers.
        let at_params = fields.at().reborrow().with_known_fields(export_type.own_fields());
        Edit::read(export_type.job(), body, at_params)?;
        let mut params = body.as_object()?.clone();
        params.retain(|name, _| !export_type.own_fields().contains(&name.as_str()));
        apply_defaults(export_type, &mut params);
        Some(Self {
            export_type,
            project_id: project_id?,
            clip_index: params.get("clip_index").and_then(whole).unwrap_or_default(),
            job_id: job_id?,
            set_working_video: set_working_video?.unwrap_or(false),
            params,
        })
    }

    /// The statement that finds the video; [`ExportRequest::into_job`] reads its row.
    pub fn video_query(&self, owner: Option<OwnerId>) -> SqlStatement {
        match self.export_type {
            ExportType::Overlay => select_working_video(owner, self.project_id),
            ExportType::Framing => select_clip_video(owner, self.project_id, self.clip_index),
        }
    }

    /// Makes the job from the row of its video.
    ///
    /// # Errors
    /// 404 without a project or clip, 400 when it has no video, 422 when the request's trim and the clip's
    /// contradict each other.
    pub fn into_job(mut self, row: Option<&String>) -> Result<(CreateJobRequest, ProjectExport), Problem> {
        let request_fingerprint = self.fingerprint();
        let (not_found, no_video) = match self.export_type {
            ExportType::Overlay => (Problem::project_not_found(), Problem::no_working_video()),
            ExportType::Framing => (Problem::clip_not_found(), Problem::source_not_found()),
        };
        let row: Json = row.and_then(|row| serde_json::from_str(row).ok()).ok_or(not_found)?;
        let key = row.get("video_key").and_then(Json::as_str);
        let input_key = key.and_then(|key| ObjectKey::parse_video(key).ok()).ok_or(no_video)?;
        let mut params = std::mem::take(&mut self.params);
        if self.export_type == ExportType::Framing {
            apply_clip_trim(&mut params, &row)?;
        }
        let params = Json::Object(params);
        // The edit was checked before; here only its videos are needed.
        let edit = Edit::read(self.export_type.job(), &params, FieldContext::root(&mut Vec::new()));
        let params = RawValue::from_string(params.to_string()).map_err(|_| Problem::internal())?;
        let request = CreateJobRequest {
            workload: edit.as_ref().map(Workload::of),
            companions: edit.as_ref().map(WantedCompanions::of).unwrap_or_default(),
            clip_videos: edit.as_ref().map(|edit| edit.clip_videos(&input_key)).unwrap_or_default(),
            edit,
            project_id: self.project_id,
            job_type: self.export_type.job(),
            input_key,
            params,
            job_id: self.job_id,
            labels: None,
            webhook_url: None,
        };
        Ok((request, ProjectExport { request_fingerprint, set_working_video: self.set_working_video }))
    }

    /// Equal for equal requests, even if the project has changed in between: 128 bits of SHA-256. Jobs of release
    /// 0.1.0 have the size of a reel in theirs when none was named, so it counts as named here.
    fn fingerprint(&self) -> String {
        let mut params = self.params.clone();
        if !names_a_size(&params) {
            params.insert("output_width".to_owned(), FrameSize::REEL.width.into());
            params.insert("output_height".to_owned(), FrameSize::REEL.height.into());
        }
        let params = Json::Object(params);
        let text = format!(
            "{} {} {} {params}",
            self.export_type.job().as_str(),
            self.project_id,
            self.set_working_video
        );
        let mut hash = hex(&Sha256::digest(text.as_bytes()));
        hash.truncate(32);
        hash
    }
}

/// The response of the FastAPI backend to an overlay export, made from the job JSON.
pub fn overlay_answer(job: &str) -> String {
    let job: Json = serde_json::from_str(job).unwrap_or_default();
    let member = |name| job.get(name).cloned().unwrap_or_default();
    let mut response = Map::new();
    for name in ["job_id", "status", "websocket_url"] {
        response.insert(name.to_owned(), member(name));
    }
    Json::Object(response).to_string()
}

/// The defaults of the FastAPI backend, for members that are missing or `null`. A size that is half named is not
/// filled: its other side follows from the picture. Without a crop, an overlay keeps the size of its video.
fn apply_defaults(export_type: ExportType, params: &mut Map<String, Json>) {
    let is_missing = |name: &str| params.get(name).is_none_or(Json::is_null);
    let crops = export_type == ExportType::Framing || !is_missing("crop_keyframes");
    let sized = names_a_size(params);
    let mut set_default = |name: &str, value: Json| {
        if params.get(name).is_none_or(Json::is_null) {
            params.insert(name.to_owned(), value);
        }
    };
    if crops && !sized {
        set_default("output_width", FrameSize::REEL.width.into());
        set_default("output_height", FrameSize::REEL.height.into());
    }
    if export_type == ExportType::Overlay {
        set_default("highlight_regions", Json::Array(Vec::new()));
        set_default("effect_type", "blur".into());
        set_default("crop_keyframes", Json::Null);
    }
}

fn names_a_size(params: &Map<String, Json>) -> bool {
    ["output_width", "output_height", "preset"]
        .iter()
        .any(|name| params.get(*name).is_some_and(|side| !side.is_null()))
}

/// Takes start and end from the clip where the request has none.
fn apply_clip_trim(params: &mut Map<String, Json>, clip: &Json) -> Result<(), Problem> {
    // In a job of several clips each has its own trim.
    if params.get("clips").is_some_and(|clips| !clips.is_null()) {
        return Ok(());
    }
    let mut from_request = [false; 2];
    for (name, own) in ["start_time", "end_time"].into_iter().zip(&mut from_request) {
        *own = params.get(name).is_some_and(|time| !time.is_null());
        if !*own {
            params.insert(name.to_owned(), clip.get(name).cloned().unwrap_or_default());
        }
    }
    if from_request[0] != from_request[1] {
        let mut errors = Vec::new();
        let params = Json::Object(params.clone());
        Edit::read(JobType::Framing, &params, FieldContext::root(&mut errors));
        if !errors.is_empty() {
            return Err(Problem::invalid(errors));
        }
    }
    Ok(())
}

/// A number that was checked to be whole before; `3.0` is whole, too.
fn whole(value: &Json) -> Option<i64> {
    let mut ignored = Vec::new();
    integer(0..=ID_MAX)(value, FieldContext::root(&mut ignored))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::problem::ProblemCode;

    fn parse(export_type: ExportType, body: &Json) -> Result<ExportRequest, Problem> {
        ExportRequest::parse(export_type, body.to_string().as_bytes())
    }

    fn framing() -> Json {
        json!({"project_id": 7, "clip_index": 2,
            "crop_keyframes": [{"frame": 0, "x": 1, "y": 2, "width": 405, "height": 720}]})
    }

    fn params(request: &CreateJobRequest) -> Json {
        serde_json::from_str(request.params.get()).unwrap()
    }

    fn pointers(problem: &Problem) -> Vec<&str> {
        problem.errors.iter().map(|error| error.pointer.as_str()).collect()
    }

    const CLIP_ROW: &str = r#"{"video_key":"input/a/source.mp4","start_time":1.5,"end_time":9.0}"#;

    #[test]
    fn an_overlay_export_becomes_a_job_of_the_working_video() {
        let export_request = parse(ExportType::Overlay, &json!({"project_id": 7})).unwrap();
        let row = r#"{"video_key":"output/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50/1/video.mp4"}"#.to_owned();
        let (request, export) = export_request.into_job(Some(&row)).unwrap();
        assert_eq!(
            (request.project_id, request.job_type, export.set_working_video),
            (7, JobType::Overlay, false)
        );
        assert_eq!(request.input_key.as_str(), "output/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50/1/video.mp4");
        assert_eq!(
            params(&request),
            json!({"highlight_regions": [], "effect_type": "blur", "crop_keyframes": null})
        );
    }

    #[test]
    fn a_framing_export_takes_its_trim_from_the_clip() {
        let (request, _) =
            parse(ExportType::Framing, &framing()).unwrap().into_job(Some(&CLIP_ROW.into())).unwrap();
        let mut expected = framing();
        expected.as_object_mut().unwrap().remove("project_id");
        for (name, value) in [
            ("output_width", json!(1080)),
            ("output_height", json!(1920)),
            ("start_time", json!(1.5)),
            ("end_time", json!(9.0)),
        ] {
            expected[name] = value;
        }
        assert_eq!(params(&request), expected);
    }

    #[test]
    fn a_size_that_is_half_named_is_not_filled() {
        let mut body = framing();
        body["output_width"] = json!(640);
        let (request, _) =
            parse(ExportType::Framing, &body).unwrap().into_job(Some(&CLIP_ROW.into())).unwrap();
        assert_eq!(
            (&params(&request)["output_width"], params(&request).get("output_height")),
            (&json!(640), None)
        );
    }

    #[test]
    fn a_trim_in_the_request_replaces_the_clips() {
        let mut body = framing();
        body["start_time"] = json!(8);
        let row = CLIP_ROW.to_owned();
        let (request, _) = parse(ExportType::Framing, &body).unwrap().into_job(Some(&row)).unwrap();
        assert_eq!(
            (&params(&request)["start_time"], &params(&request)["end_time"]),
            (&json!(8), &json!(9.0))
        );
        body["start_time"] = json!(12);
        let problem = parse(ExportType::Framing, &body).unwrap().into_job(Some(&row)).unwrap_err();
        assert_eq!((problem.code, pointers(&problem)), (ProblemCode::InvalidRequest, vec!["/end_time"]));
    }

    #[test]
    fn what_a_project_lacks_is_said_in_the_fastapi_backends_words() {
        let without_video = r#"{"video_key":null}"#.to_owned();
        for (export_type, body, row, status, detail) in [
            (ExportType::Overlay, json!({"project_id": 1}), None, 404, "Project not found"),
            (
                ExportType::Overlay,
                json!({"project_id": 1}),
                Some(&without_video),
                400,
                "No working video found",
            ),
            (ExportType::Framing, framing(), None, 404, "Clip not found"),
            (ExportType::Framing, framing(), Some(&without_video), 400, "Source video not found"),
        ] {
            let problem = parse(export_type, &body).unwrap().into_job(row).unwrap_err();
            assert_eq!((problem.code.status(), problem.detail.as_str()), (status, detail));
        }
    }

    #[test]
    fn every_error_points_to_the_top_level() {
        let body = json!({"effect_type": "spotligth", "job_id": 5, "clip_index": 1, "projectid": 2});
        let problem = parse(ExportType::Overlay, &body).unwrap_err();
        assert_eq!(
            pointers(&problem),
            ["/project_id", "/job_id", "/effect_type", "/clip_index", "/projectid"]
        );
        assert!(problem.errors[4].detail.contains("did you mean \"project_id\"?"), "{problem:?}");
        let problem = parse(ExportType::Framing, &json!({"set_working_video": 1})).unwrap_err();
        assert_eq!(
            pointers(&problem),
            ["/project_id", "/set_working_video", "/clip_index", "/crop_keyframes"]
        );
        let problem = parse(ExportType::Framing, &json!([])).unwrap_err();
        assert_eq!(pointers(&problem), [""]);
    }

    #[test]
    fn equal_requests_have_equal_fingerprints_even_if_the_project_has_changed() {
        let fingerprint = |body: &Json, row: &str| {
            let (_, export) = parse(ExportType::Framing, body).unwrap().into_job(Some(&row.into())).unwrap();
            export.request_fingerprint
        };
        let first = fingerprint(&framing(), CLIP_ROW);
        assert_eq!(first, fingerprint(&framing(), &CLIP_ROW.replace("9.0", "8.0")));
        let mut other = framing();
        other["set_working_video"] = true.into();
        assert_ne!(first, fingerprint(&other, CLIP_ROW));
        other["set_working_video"] = false.into();
        assert_eq!(first, fingerprint(&other, CLIP_ROW));
        other["clip_index"] = 3.into();
        assert_ne!(first, fingerprint(&other, CLIP_ROW));
    }

    #[test]
    fn an_overlay_export_without_a_size_repeats_one_of_release_0_1_0() {
        let body = json!({"project_id": 7, "effect_type": "spotlight"});
        let export = parse(ExportType::Overlay, &body).unwrap();
        let text = r#"overlay 7 false {"crop_keyframes":null,"effect_type":"spotlight","highlight_regions":[],"output_height":1920,"output_width":1080}"#;
        assert_eq!(export.fingerprint(), hex(&Sha256::digest(text.as_bytes()))[..32]);
    }

    #[test]
    fn an_overlay_response_has_the_fastapi_backends_fields() {
        let job = r#"{"job_id":"x","status":"pending","websocket_url":"/ws","params":{}}"#;
        assert_eq!(overlay_answer(job), r#"{"job_id":"x","status":"pending","websocket_url":"/ws"}"#);
    }
}
