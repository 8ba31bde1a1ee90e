//! The seed's export routes: a project and an edit in, a job of the project's own video out.
//!
//! Invariant: the job is an ordinary one. Only its input, and a clip's trim, are looked up.

use crate::sql::exports::{select_clip_video, select_working_video};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

use crate::base::hex::hex;
use crate::base::id::JobId;
use crate::base::object_key::ObjectKey;
use crate::edit::{Edit, JobType};
use crate::http::problem::Problem;
use crate::http::requests::body::{job_id, read_body};
use crate::http::requests::jobs::CreateJobRequest;
use crate::job::spec::ProjectExport;
use crate::json::field_error::FieldContext;
use crate::json::reader::{ObjectReader, boolean, integer};
use crate::project::ID_MAX;
use crate::sql::statement::SqlStatement;

/// The kinds of job that a project has videos for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportType {
    /// Of its working video.
    Overlay,
    /// Of one of its clips.
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

    /// What a body has beside the params of the job.
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
    kind: ExportType,
    project_id: i64,
    clip_index: i64,
    job_id: Option<JobId>,
    set_working_video: bool,
    params: Map<String, Json>,
}

impl ExportRequest {
    /// Reads and checks a body: the params of the job lie beside `project_id`, as in the seed.
    pub fn parse(kind: ExportType, body: &[u8]) -> Result<Self, Problem> {
        read_body(body, |body, at| {
            let mut fields = ObjectReader::open(body, at)?;
            let project_id = fields.required("project_id", integer(1..=ID_MAX));
            let job_id = fields.optional("job_id", job_id);
            let set_working_video = match kind {
                ExportType::Overlay => Some(None),
                ExportType::Framing => fields.optional("set_working_video", boolean),
            };
            if kind == ExportType::Framing && !fields.has("clip_index") {
                fields.at().child("clip_index").reject::<()>("is required");
            }
            // This reader reports the members that neither of the two knows.
            Edit::read(kind.job(), body, fields.at().reborrow().with_known_fields(kind.own_fields()))?;
            let mut params = body.as_object()?.clone();
            params.retain(|name, _| !kind.own_fields().contains(&name.as_str()));
            apply_defaults(kind, &mut params);
            Some(Self {
                kind,
                project_id: project_id?,
                clip_index: params.get("clip_index").and_then(whole).unwrap_or_default(),
                job_id: job_id?,
                set_working_video: set_working_video?.unwrap_or(false),
                params,
            })
        })
    }

    /// The statement that finds the video; [`ExportRequest::into_job`] reads its row.
    pub fn video_query(&self) -> SqlStatement {
        match self.kind {
            ExportType::Overlay => select_working_video(self.project_id),
            ExportType::Framing => select_clip_video(self.project_id, self.clip_index),
        }
    }

    /// The job, now that its video is known.
    ///
    /// # Errors
    /// 404 without a project or clip, 400 when it has no video; 422 when a trim that the request gives and
    /// the clip's do not fit together.
    pub fn into_job(mut self, row: Option<&String>) -> Result<(CreateJobRequest, ProjectExport), Problem> {
        let asked = self.fingerprint();
        let (unknown, empty) = match self.kind {
            ExportType::Overlay => (Problem::project_not_found(), Problem::no_working_video()),
            ExportType::Framing => (Problem::clip_not_found(), Problem::source_not_found()),
        };
        let row: Json = row.and_then(|row| serde_json::from_str(row).ok()).ok_or(unknown)?;
        let key = row.get("video_key").and_then(Json::as_str);
        let input_key = key.and_then(|key| ObjectKey::parse_video(key).ok()).ok_or(empty)?;
        let mut params = std::mem::take(&mut self.params);
        if self.kind == ExportType::Framing {
            apply_clip_trim(&mut params, &row)?;
        }
        let params = Json::Object(params);
        // Checked before; here only its videos matter.
        let edit = Edit::read(self.kind.job(), &params, FieldContext::root(&mut Vec::new()));
        let params = RawValue::from_string(params.to_string()).map_err(|_| Problem::internal())?;
        let new = CreateJobRequest {
            clip_videos: edit.map(|edit| edit.clip_videos(&input_key)).unwrap_or_default(),
            project_id: self.project_id,
            job_type: self.kind.job(),
            input_key,
            params,
            job_id: self.job_id,
        };
        Ok((new, ProjectExport { request_fingerprint: asked, set_working_video: self.set_working_video }))
    }

    /// The same for equal requests, whatever the project is by then: 128 bits of SHA-256.
    fn fingerprint(&self) -> String {
        let params = Json::Object(self.params.clone());
        let text =
            format!("{} {} {} {params}", self.kind.job().as_str(), self.project_id, self.set_working_video);
        let mut hash = hex(&Sha256::digest(text.as_bytes()));
        hash.truncate(32);
        hash
    }
}

/// What the seed's overlay answers, out of the job JSON.
pub fn overlay_answer(job: &str) -> String {
    let job: Json = serde_json::from_str(job).unwrap_or_default();
    let of = |name| job.get(name).cloned().unwrap_or_default();
    let mut answer = Map::new();
    for name in ["job_id", "status", "websocket_url"] {
        answer.insert(name.to_owned(), of(name));
    }
    Json::Object(answer).to_string()
}

/// The seed's defaults, where a member is left out or `null`.
fn apply_defaults(kind: ExportType, params: &mut Map<String, Json>) {
    let mut fill = |name: &str, value: Json| {
        if params.get(name).is_none_or(Json::is_null) {
            params.insert(name.to_owned(), value);
        }
    };
    fill("output_width", 1080.into());
    fill("output_height", 1920.into());
    if kind == ExportType::Overlay {
        fill("highlight_regions", Json::Array(Vec::new()));
        fill("effect_type", "blur".into());
        fill("crop_keyframes", Json::Null);
    }
}

/// The clip's trim, where the request gives none of its own.
fn apply_clip_trim(params: &mut Map<String, Json>, clip: &Json) -> Result<(), Problem> {
    // Several clips in one job are trimmed each on its own.
    if params.get("clips").is_some_and(|clips| !clips.is_null()) {
        return Ok(());
    }
    let mut both = [false; 2];
    for (name, own) in ["start_time", "end_time"].into_iter().zip(&mut both) {
        *own = params.get(name).is_some_and(|time| !time.is_null());
        if !*own {
            params.insert(name.to_owned(), clip.get(name).cloned().unwrap_or_default());
        }
    }
    if both == [true, false] || both == [false, true] {
        let mut faults = Vec::new();
        let params = Json::Object(params.clone());
        Edit::read(JobType::Framing, &params, FieldContext::root(&mut faults));
        if !faults.is_empty() {
            return Err(Problem::invalid(faults));
        }
    }
    Ok(())
}

/// It was checked to be whole already; `3.0` is whole too.
fn whole(value: &Json) -> Option<i64> {
    let mut ignored = Vec::new();
    integer(0..=ID_MAX)(value, FieldContext::root(&mut ignored))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::problem::ProblemCode;
    use serde_json::json;

    fn parse(kind: ExportType, body: &Json) -> Result<ExportRequest, Problem> {
        ExportRequest::parse(kind, body.to_string().as_bytes())
    }

    fn framing() -> Json {
        json!({"project_id": 7, "clip_index": 2,
            "crop_keyframes": [{"frame": 0, "x": 1, "y": 2, "width": 405, "height": 720}]})
    }

    fn params(new: &CreateJobRequest) -> Json {
        serde_json::from_str(new.params.get()).unwrap()
    }

    fn pointers(problem: &Problem) -> Vec<&str> {
        problem.faults.iter().map(|fault| fault.pointer.as_str()).collect()
    }

    const CLIP_ROW: &str = r#"{"video_key":"input/a/source.mp4","start_time":1.5,"end_time":9.0}"#;

    #[test]
    fn the_seeds_overlay_becomes_the_job_that_its_backend_created() {
        let request = parse(ExportType::Overlay, &json!({"project_id": 7})).unwrap();
        let row = r#"{"video_key":"output/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50/1/video.mp4"}"#.to_owned();
        let (new, export) = request.into_job(Some(&row)).unwrap();
        assert_eq!((new.project_id, new.job_type, export.set_working_video), (7, JobType::Overlay, false));
        assert_eq!(new.input_key.as_str(), "output/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50/1/video.mp4");
        assert_eq!(
            params(&new),
            json!({"highlight_regions": [], "effect_type": "blur", "crop_keyframes": null,
                "output_width": 1080, "output_height": 1920})
        );
    }

    #[test]
    fn the_seeds_framing_takes_its_trim_from_the_clip() {
        let (new, _) =
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
        assert_eq!(params(&new), expected);
    }

    #[test]
    fn a_trim_of_the_request_goes_before_the_clips_and_must_fit_it() {
        let mut body = framing();
        body["start_time"] = json!(8);
        let row = CLIP_ROW.to_owned();
        let (new, _) = parse(ExportType::Framing, &body).unwrap().into_job(Some(&row)).unwrap();
        assert_eq!((&params(&new)["start_time"], &params(&new)["end_time"]), (&json!(8), &json!(9.0)));
        body["start_time"] = json!(12);
        let problem = parse(ExportType::Framing, &body).unwrap().into_job(Some(&row)).unwrap_err();
        assert_eq!((problem.code, pointers(&problem)), (ProblemCode::InvalidRequest, vec!["/end_time"]));
    }

    #[test]
    fn what_a_project_lacks_is_told_in_the_seeds_words() {
        let empty = r#"{"video_key":null}"#.to_owned();
        for (kind, body, row, status, sentence) in [
            (ExportType::Overlay, json!({"project_id": 1}), None, 404, "Project not found"),
            (ExportType::Overlay, json!({"project_id": 1}), Some(&empty), 400, "No working video found"),
            (ExportType::Framing, framing(), None, 404, "Clip not found"),
            (ExportType::Framing, framing(), Some(&empty), 400, "Source video not found"),
        ] {
            let problem = parse(kind, &body).unwrap().into_job(row).unwrap_err();
            assert_eq!((problem.code.status(), problem.detail.as_str()), (status, sentence));
        }
    }

    #[test]
    fn every_fault_is_named_at_the_top_level() {
        let body = json!({"effect_type": "spotligth", "job_id": 5, "clip_index": 1, "projectid": 2});
        let problem = parse(ExportType::Overlay, &body).unwrap_err();
        assert_eq!(
            pointers(&problem),
            ["/project_id", "/job_id", "/effect_type", "/clip_index", "/projectid"]
        );
        assert!(problem.faults[4].detail.contains("did you mean \"project_id\"?"), "{problem:?}");
        let problem = parse(ExportType::Framing, &json!({"set_working_video": 1})).unwrap_err();
        assert_eq!(
            pointers(&problem),
            ["/project_id", "/set_working_video", "/clip_index", "/crop_keyframes"]
        );
        let problem = parse(ExportType::Framing, &json!([])).unwrap_err();
        assert_eq!(pointers(&problem), [""]);
    }

    #[test]
    fn equal_requests_are_the_same_whatever_the_project_is_by_then() {
        let order = |body: &Json, row: &str| {
            let (_, export) = parse(ExportType::Framing, body).unwrap().into_job(Some(&row.into())).unwrap();
            export.request_fingerprint
        };
        let first = order(&framing(), CLIP_ROW);
        assert_eq!(first, order(&framing(), &CLIP_ROW.replace("9.0", "8.0")));
        let mut other = framing();
        other["set_working_video"] = true.into();
        assert_ne!(first, order(&other, CLIP_ROW));
        other["set_working_video"] = false.into();
        assert_eq!(first, order(&other, CLIP_ROW));
        other["clip_index"] = 3.into();
        assert_ne!(first, order(&other, CLIP_ROW));
    }

    #[test]
    fn an_overlay_answers_what_the_seeds_model_has() {
        let job = r#"{"job_id":"x","status":"pending","websocket_url":"/ws","params":{}}"#;
        assert_eq!(overlay_answer(job), r#"{"job_id":"x","status":"pending","websocket_url":"/ws"}"#);
    }
}
