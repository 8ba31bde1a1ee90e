//! `POST /api/jobs`: the body and the `Idempotency-Key` header.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::base::id::JobId;
use crate::base::object_key::ObjectKey;
use crate::edit::{Edit, JobType, input_key};
use crate::http::problem::{Problem, ProblemCode};
use crate::http::requests::body::{job_id, read_body};
use crate::http::requests::webhooks::webhook_url;
use crate::job::companions::WantedCompanions;
use crate::job::execution_timeout::Workload;
use crate::job::labels::Labels;
use crate::json::field_error::{FieldContext, FieldError};
use crate::json::reader::{ObjectReader, integer, one_of};
use crate::project::ID_MAX;
use crate::webhook::address::Reach;

/// `POST /api/jobs`.
#[derive(Clone, Debug)]
pub struct CreateJobRequest {
    /// The frontend's project.
    pub project_id: i64,
    /// What to render.
    pub job_type: JobType,
    /// The video in the bucket.
    pub input_key: ObjectKey,
    /// The videos of clips other than the input: each once, with the index of the first clip that uses it.
    pub clip_videos: Vec<(usize, ObjectKey)>,
    /// What the edit asks of a renderer.
    pub workload: Option<Workload>,
    /// Which files its output has beside the video and the poster.
    pub companions: WantedCompanions,
    /// The edit as canonical JSON: keys sorted, no spaces.
    pub params: Box<RawValue>,
    /// The edit, when it is of use before the job exists.
    pub edit: Option<Edit>,
    /// The id that the client chose, if it did.
    pub job_id: Option<JobId>,
    /// What the client notes on it.
    pub labels: Option<Labels>,
    /// A URL that hears of the job's events.
    pub webhook_url: Option<String>,
}

impl CreateJobRequest {
    /// Reads and checks a body. The job type decides how the params are checked.
    pub fn parse(body: &[u8], reach: Reach) -> Result<Self, Problem> {
        read_body(body, |body, at| Self::read(body, at, reach))
    }

    /// Reads and checks a body that is JSON.
    pub(crate) fn read(body: &Value, at: FieldContext<'_>, reach: Reach) -> Option<Self> {
        let mut fields = ObjectReader::open(body, at)?;
        let project_id = fields.required("project_id", integer(1..=ID_MAX));
        let job_type = fields.required("type", one_of(JobType::WORDS));
        let input_key = fields.required("input_video_key", input_key);
        let job_id = fields.optional("job_id", job_id);
        let labels = fields.optional("labels", Labels::read);
        let webhook_url = fields.optional("webhook_url", webhook_url(reach));
        let params = fields.required("params", |params, at| match job_type {
            Some(job_type) => Edit::read(job_type, params, at).map(|edit| (params, Some(edit))),
            // Without a job type the params cannot be checked; the missing type is the error.
            None => Some((params, None)),
        });
        fields.finish();
        let (input_key, (params, edit)) = (input_key?, params?);
        Some(Self {
            workload: edit.as_ref().map(Workload::of),
            companions: edit.as_ref().map(WantedCompanions::of).unwrap_or_default(),
            clip_videos: edit.as_ref().map(|edit| edit.clip_videos(&input_key)).unwrap_or_default(),
            edit,
            project_id: project_id?,
            job_type: job_type?,
            input_key,
            params: RawValue::from_string(params.to_string()).ok()?,
            job_id: job_id?,
            labels: labels?.flatten(),
            webhook_url: webhook_url?,
        })
    }

    /// Every video that the job reads, with its pointer in the request; the job's own input first.
    pub fn inputs(&self) -> impl Iterator<Item = (String, &ObjectKey)> {
        let clip_videos = self.clip_videos.iter();
        let clip_videos = clip_videos.map(|(clip, key)| (format!("/params/clips/{clip}/video_key"), key));
        std::iter::once(("/input_video_key".to_owned(), &self.input_key)).chain(clip_videos)
    }
}

/// Checks an `Idempotency-Key` header: 1 to 255 printable ASCII characters.
pub fn idempotency_key(header: &str) -> Result<&str, Problem> {
    let key = header.trim();
    if (1..=255).contains(&key.len()) && key.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
        Ok(key)
    } else {
        Err(Problem::new(
            ProblemCode::InvalidRequest,
            "The Idempotency-Key header must have 1 to 255 printable ASCII characters.",
        ))
    }
}

/// Whether a request is only to be checked: `?dry_run=true`.
///
/// # Errors
/// 422 for any other value.
pub fn is_dry_run(query: Option<&str>) -> Result<bool, Problem> {
    match query {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => {
            let detail = "must be true or false".to_owned();
            Err(Problem::invalid(vec![FieldError { pointer: "/dry_run".to_owned(), detail }]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pointers(problem: &Problem) -> Vec<&str> {
        problem.errors.iter().map(|error| error.pointer.as_str()).collect()
    }

    #[test]
    fn a_body_with_an_overlay_is_read() {
        let body = json!({"project_id": 1, "type": "overlay", "input_video_key": "input/abc/working_video.mp4",
            "params": {"highlight_regions": [{"start_frame": 0, "end_frame": 60, "x": 540, "y": 960,
            "radius_x": 80, "radius_y": 160, "opacity": 1.0, "color": "#ffffff"}], "effect_type": "blur",
            "crop_keyframes": null, "output_width": 1080, "output_height": 1920}});
        let request = CreateJobRequest::parse(body.to_string().as_bytes(), Reach::Public).unwrap();
        assert_eq!((request.project_id, request.job_type, request.job_id), (1, JobType::Overlay, None));
    }

    #[test]
    fn every_video_of_a_reel_is_listed_once_with_its_pointer() {
        let clip = |key: Option<&str>| json!({"video_key": key, "crop_keyframes": [{"frame": 0, "x": 0, "y": 0, "width": 9, "height": 9}]});
        let clips = [None, Some("input/b/b.mp4"), Some("input/a/a.mp4"), Some("input/b/b.mp4")].map(clip);
        let body = json!({"project_id": 1, "type": "framing", "input_video_key": "input/a/a.mp4",
            "params": {"clips": clips}});
        let request = CreateJobRequest::parse(body.to_string().as_bytes(), Reach::Public).unwrap();
        let inputs: Vec<_> = request.inputs().map(|(pointer, key)| (pointer, key.as_str())).collect();
        assert_eq!(
            inputs,
            [
                ("/input_video_key".to_owned(), "input/a/a.mp4"),
                ("/params/clips/1/video_key".to_owned(), "input/b/b.mp4"),
            ]
        );
    }

    #[test]
    fn every_error_of_a_body_has_its_pointer() {
        let body = json!({"project_id": "7", "type": "overlays", "input_video_key": "../x", "job_id": 5, "extra": 1});
        let problem = CreateJobRequest::parse(body.to_string().as_bytes(), Reach::Public).unwrap_err();
        assert_eq!(
            pointers(&problem),
            ["/project_id", "/type", "/input_video_key", "/job_id", "/params", "/extra"]
        );
        assert!(problem.errors[1].detail.contains("did you mean \"overlay\"?"), "{problem:?}");
    }

    #[test]
    fn for_invalid_json_the_position_is_given() {
        let problem = CreateJobRequest::parse(b"{\"project_id\": 1,}", Reach::Public).unwrap_err();
        assert_eq!(problem.code, ProblemCode::NotJson);
        assert!(problem.detail.contains("line 1 column"), "{}", problem.detail);
        assert_eq!(
            CreateJobRequest::parse(b"\xff\xfe", Reach::Public).unwrap_err().code,
            ProblemCode::NotJson
        );
    }

    #[test]
    fn equal_edits_have_equal_params() {
        let canonical = |params: &str| {
            let body = format!(
                r#"{{"project_id":1,"type":"overlay","input_video_key":"input/a/b.mp4","params":{params}}}"#
            );
            CreateJobRequest::parse(body.as_bytes(), Reach::Public).unwrap().params.get().to_owned()
        };
        assert_eq!(
            canonical(r#"{"effect_type":"blur","highlight_regions":[]}"#),
            canonical(r#"{ "highlight_regions" : [], "effect_type" : "blur" }"#)
        );
    }
}
