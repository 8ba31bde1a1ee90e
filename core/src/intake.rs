//! Requests at the door: bytes in, a typed request or every fault out.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::edit::{Edit, JobType};
use crate::fault::{FieldContext, ObjectReader, integer, one_of, text};
use crate::id::JobId;
use crate::job::code::ErrorCode;
use crate::job::event::Report;
use crate::object_key::ObjectKey;
use crate::problem::{Problem, ProblemCode};
use crate::runpod::RunpodJobId;
use crate::wire::gpu::WorkerStage;

/// `POST /api/jobs`.
#[derive(Clone, Debug)]
pub struct CreateJobRequest {
    /// The app's project.
    pub project_id: i64,
    /// What to render.
    pub job_type: JobType,
    /// The video in the bucket.
    pub input_key: ObjectKey,
    /// The other videos that the edit names, each once, with the number of the first clip that does.
    pub clip_videos: Vec<(usize, ObjectKey)>,
    /// The edit in canonical spelling: keys sorted, no blanks.
    pub params: Box<RawValue>,
    /// An id that the client chose.
    pub job_id: Option<JobId>,
}

/// `POST /api/videos/upload-url`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadUrlRequest {
    /// As the user calls it.
    pub filename: String,
    /// A video type, in lower case.
    pub content_type: String,
    /// The exact size, if it is known; at most what one request may carry.
    pub size_bytes: Option<u64>,
    /// The job it is for, if the client has one in mind.
    pub job_id: Option<JobId>,
}

impl CreateJobRequest {
    /// Reads and checks a body; the params are validated by the rules of the job's kind.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        read_body(body, |body, at| {
            let mut fields = ObjectReader::open(body, at)?;
            let project_id = fields.required("project_id", integer(1..=ID_MAX));
            let kind = fields.required("type", one_of(JobType::WORDS));
            let input_key = fields.required("input_video_key", ObjectKey::input_field);
            let job_id = fields.optional("job_id", job_id);
            let params = fields.required("params", |params, at| match kind {
                Some(kind) => Edit::read(kind, params, at).map(|edit| (params, Some(edit))),
                // Without a kind nothing can be said about them; the missing kind is the fault.
                None => Some((params, None)),
            });
            fields.finish();
            let (input_key, (params, edit)) = (input_key?, params?);
            Some(Self {
                clip_videos: edit.map(|edit| edit.clip_videos(&input_key)).unwrap_or_default(),
                project_id: project_id?,
                job_type: kind?,
                input_key,
                params: RawValue::from_string(params.to_string()).ok()?,
                job_id: job_id?,
            })
        })
    }

    /// Every video that the job reads, with its place in the request; its own input first.
    pub fn inputs(&self) -> impl Iterator<Item = (String, &ObjectKey)> {
        let named = self.clip_videos.iter();
        let named = named.map(|(clip, key)| (format!("/params/clips/{clip}/video_key"), key));
        std::iter::once(("/input_video_key".to_owned(), &self.input_key)).chain(named)
    }
}

impl UploadUrlRequest {
    /// Reads and checks a body.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        read_body(body, |body, at| {
            let mut fields = ObjectReader::open(body, at)?;
            let filename = fields.required("filename", filename);
            let content_type = fields.required("content_type", video_type);
            let size_bytes = fields.optional("size_bytes", single_put_size);
            let job_id = fields.optional("job_id", job_id);
            fields.finish();
            Some(Self {
                filename: filename?,
                content_type: content_type?,
                size_bytes: size_bytes?.and_then(|size| u64::try_from(size).ok()),
                job_id: job_id?,
            })
        })
    }
}

/// Which callback a body belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallbackKind {
    /// `/claim`.
    Claim,
    /// `/progress`.
    Progress,
    /// `/complete`.
    Complete,
    /// `/error`.
    Error,
}

impl CallbackKind {
    /// Reads a GPU worker's report. Lenient where the plan's first worker is: unknown fields are ignored,
    /// texts are cut, an unknown stage or code counts as none.
    pub fn parse(self, job: JobId, body: &[u8]) -> Result<Report, Problem> {
        if self == Self::Claim && body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Report::Claim { runpod_job_id: None });
        }
        read_body(body, |body, mut at| {
            if !body.is_object() {
                return at.reject("must be an object");
            }
            let known = |name: &str| body.get(name).filter(|value| !value.is_null());
            match self {
                Self::Claim => Some(Report::Claim {
                    runpod_job_id: known("runpod_job_id")
                        .and_then(Value::as_str)
                        .and_then(RunpodJobId::parse),
                }),
                Self::Progress => {
                    let Some(progress) = known("progress").and_then(Value::as_f64) else {
                        return at.child("progress").reject("is required and must be a number from 0 to 100");
                    };
                    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
                    let percent = progress.clamp(0.0, 100.0) as u8;
                    Some(Report::Progress {
                        percent,
                        message: known("message").and_then(Value::as_str).map(one_line),
                        stage: known("stage").and_then(WorkerStage::deserialize_lenient),
                    })
                }
                Self::Complete => {
                    let key = |name| known(name).and_then(Value::as_str);
                    let key = |name| key(name).map(|key| ObjectKey::parse_output_of(job, key));
                    match key("output_video_key") {
                        Some(Ok(result)) => Some(Report::Complete {
                            key: result,
                            // A wrong place of the picture must not cost the video.
                            poster: key("poster_key").and_then(Result::ok),
                            bytes: known("output_bytes").and_then(Value::as_u64),
                        }),
                        Some(Err(_)) => {
                            at.child("output_video_key").reject(format!("must lie under output/{job}/"))
                        }
                        None => at.child("output_video_key").reject("is required"),
                    }
                }
                Self::Error => {
                    let code = known("error_code")
                        .and_then(Value::as_str)
                        .and_then(|word| ErrorCode::ALL.into_iter().find(|code| code.as_str() == word))
                        .unwrap_or(ErrorCode::GpuError);
                    let sentence = known("error").and_then(Value::as_str).map(one_line);
                    Some(Report::Error {
                        code,
                        sentence: sentence
                            .filter(|sentence| !sentence.is_empty())
                            .unwrap_or_else(|| code.default_message().to_owned()),
                        retryable: known("should_retry").and_then(Value::as_bool).unwrap_or(true),
                    })
                }
            }
        })
    }
}

impl WorkerStage {
    fn deserialize_lenient(value: &Value) -> Option<Self> {
        match value.as_str()? {
            "starting" => Some(Self::Starting),
            "downloading" => Some(Self::Downloading),
            "rendering" => Some(Self::Rendering),
            "uploading" => Some(Self::Uploading),
            _ => None,
        }
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

/// Reads a body as JSON, with every fault at once.
pub(crate) fn read_body<T>(
    body: &[u8],
    read: impl FnOnce(&Value, FieldContext<'_>) -> Option<T>,
) -> Result<T, Problem> {
    let not_json = |error: &dyn std::fmt::Display| {
        Problem::new(ProblemCode::NotJson, format!("The body is not valid JSON: {error}."))
    };
    // One reader for all JSON: that of bytes would be the same code a second time.
    let text = std::str::from_utf8(body).map_err(|error| not_json(&error))?;
    let value: Value = serde_json::from_str(text).map_err(|error| not_json(&error))?;
    let mut faults = Vec::new();
    let read = read(&value, FieldContext::root(&mut faults));
    match read {
        Some(read) if faults.is_empty() => Ok(read),
        _ => Err(Problem::invalid(faults)),
    }
}

pub(crate) fn job_id(value: &Value, mut at: FieldContext<'_>) -> Option<JobId> {
    let parsed = value.as_str().and_then(|text| text.parse().ok());
    parsed.or_else(|| at.reject(crate::id::ParseIdError.to_string()))
}

pub(crate) fn filename(value: &Value, at: FieldContext<'_>) -> Option<String> {
    text(255)(value, at).map(str::to_owned)
}

/// The size of an upload by a single PUT.
fn single_put_size(value: &Value, mut at: FieldContext<'_>) -> Option<i64> {
    match integer(1..=UPLOAD_MAX_BYTES)(value, at.reborrow())? {
        size if size > PUT_MAX_BYTES => at.reject(format!(
            "must be at most {PUT_MAX_BYTES} (5 GiB less 5 MiB) for a single request; send larger files in parts, see POST /api/videos/multipart"
        )),
        size => Some(size),
    }
}

/// `video/...`, without parameters: it becomes part of a signature.
pub(crate) fn video_type(value: &Value, mut at: FieldContext<'_>) -> Option<String> {
    let Value::String(text) = value else { return at.reject("must be a string") };
    let lower = text.trim().to_ascii_lowercase();
    let subtype = lower.strip_prefix("video/").unwrap_or_default();
    let token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
    if (1..=60).contains(&subtype.len()) && subtype.chars().all(token) {
        Some(lower)
    } else {
        at.reject("must be a video type such as video/mp4 or video/quicktime")
    }
}

/// One line of at most 500 characters, for messages that people see.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect::<String>().trim().to_owned()
}

/// Whole numbers that JavaScript and D1 hold exactly.
pub(crate) const ID_MAX: i64 = (1 << 53) - 1;

/// One PUT: R2 takes 5 MiB less than the 5 GiB of S3.
const PUT_MAX_BYTES: i64 = 5115 * 1024 * 1024;

/// 10 GB (design.md 3).
pub const UPLOAD_MAX_BYTES: i64 = 10_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const JOB: &str = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50";

    fn pointers(problem: &Problem) -> Vec<&str> {
        problem.faults.iter().map(|fault| fault.pointer.as_str()).collect()
    }

    #[test]
    fn the_plans_create_body_parses() {
        let body = json!({"project_id": 1, "type": "overlay", "input_video_key": "input/abc/working_video.mp4",
            "params": {"highlight_regions": [{"start_frame": 0, "end_frame": 60, "x": 540, "y": 960,
            "radius_x": 80, "radius_y": 160, "opacity": 1.0, "color": "#ffffff"}], "effect_type": "blur",
            "crop_keyframes": null, "output_width": 1080, "output_height": 1920}});
        let new = CreateJobRequest::parse(body.to_string().as_bytes()).unwrap();
        assert_eq!((new.project_id, new.job_type, new.job_id), (1, JobType::Overlay, None));
    }

    #[test]
    fn every_video_of_a_reel_is_an_input_once_and_has_its_place() {
        let clip = |key: Option<&str>| json!({"video_key": key, "crop_keyframes": [{"frame": 0, "x": 0, "y": 0, "width": 9, "height": 9}]});
        let clips = [None, Some("input/b/b.mp4"), Some("input/a/a.mp4"), Some("input/b/b.mp4")].map(clip);
        let body = json!({"project_id": 1, "type": "framing", "input_video_key": "input/a/a.mp4",
            "params": {"clips": clips}});
        let new = CreateJobRequest::parse(body.to_string().as_bytes()).unwrap();
        let inputs: Vec<_> = new.inputs().map(|(pointer, key)| (pointer, key.as_str())).collect();
        assert_eq!(
            inputs,
            [
                ("/input_video_key".to_owned(), "input/a/a.mp4"),
                ("/params/clips/1/video_key".to_owned(), "input/b/b.mp4"),
            ]
        );
    }

    #[test]
    fn every_fault_of_a_create_is_named_at_once() {
        let body = json!({"project_id": "7", "type": "overlays", "input_video_key": "../x", "job_id": 5, "extra": 1});
        let problem = CreateJobRequest::parse(body.to_string().as_bytes()).unwrap_err();
        assert_eq!(
            pointers(&problem),
            ["/project_id", "/type", "/input_video_key", "/job_id", "/params", "/extra"]
        );
        assert!(problem.faults[1].detail.contains("did you mean \"overlay\"?"), "{problem:?}");
    }

    #[test]
    fn text_that_is_not_json_says_where() {
        let problem = CreateJobRequest::parse(b"{\"project_id\": 1,}").unwrap_err();
        assert_eq!(problem.code, ProblemCode::NotJson);
        assert!(problem.detail.contains("line 1 column"), "{}", problem.detail);
        assert_eq!(CreateJobRequest::parse(b"\xff\xfe").unwrap_err().code, ProblemCode::NotJson);
    }

    #[test]
    fn equal_edits_have_equal_text() {
        let spell = |params: &str| {
            let body = format!(
                r#"{{"project_id":1,"type":"overlay","input_video_key":"input/a/b.mp4","params":{params}}}"#
            );
            CreateJobRequest::parse(body.as_bytes()).unwrap().params.get().to_owned()
        };
        assert_eq!(
            spell(r#"{"effect_type":"blur","highlight_regions":[]}"#),
            spell(r#"{ "highlight_regions" : [], "effect_type" : "blur" }"#)
        );
    }

    #[test]
    fn only_videos_are_uploaded() {
        let parse = |body: Value| UploadUrlRequest::parse(body.to_string().as_bytes());
        let good = parse(json!({"filename": "a.mp4", "content_type": "video/MP4", "job_id": null})).unwrap();
        assert_eq!((good.content_type.as_str(), good.size_bytes), ("video/mp4", None));
        for (body, at) in [
            (json!({"filename": "a.mp4", "content_type": "image/png"}), "/content_type"),
            (json!({"filename": "a.mp4", "content_type": "video/"}), "/content_type"),
            (json!({"filename": "a.mp4", "content_type": "video/mp4; codecs=x"}), "/content_type"),
            (json!({"filename": "a.mp4", "content_type": "video/mp4\r\nx: y"}), "/content_type"),
            (json!({"filename": "", "content_type": "video/mp4"}), "/filename"),
            (json!({"filename": "a", "content_type": "video/mp4", "size_bytes": 0}), "/size_bytes"),
            (
                json!({"filename": "a", "content_type": "video/mp4", "size_bytes": 10_000_000_001_i64}),
                "/size_bytes",
            ),
            (
                json!({"filename": "a", "content_type": "video/mp4", "size_bytes": 5_363_466_241_i64}),
                "/size_bytes",
            ),
            (json!({"filename": "a", "content_type": "video/mp4", "job_id": "x"}), "/job_id"),
        ] {
            assert_eq!(pointers(&parse(body.clone()).unwrap_err()), [at], "{body}");
        }
        let large =
            |size: i64| parse(json!({"filename": "a", "content_type": "video/mp4", "size_bytes": size}));
        assert!(large(5_363_466_240).is_ok());
        assert!(large(5_363_466_241).unwrap_err().detail.contains("POST /api/videos/multipart"));
    }

    #[test]
    fn reports_of_the_plans_worker_and_of_ours_are_understood() {
        let job: JobId = JOB.parse().unwrap();
        let parse = |callback: CallbackKind, body: Value| callback.parse(job, body.to_string().as_bytes());
        assert_eq!(CallbackKind::Claim.parse(job, b""), Ok(Report::Claim { runpod_job_id: None }));
        assert_eq!(
            parse(
                CallbackKind::Progress,
                json!({"progress": 42.9, "message": "Go", "stage": "rendering", "more": 1})
            ),
            Ok(Report::Progress {
                percent: 42,
                message: Some("Go".into()),
                stage: Some(WorkerStage::Rendering)
            })
        );
        assert_eq!(
            parse(CallbackKind::Progress, json!({"progress": 1e9, "stage": "dancing"})),
            Ok(Report::Progress { percent: 100, message: None, stage: None })
        );
        assert!(parse(CallbackKind::Progress, json!({"progress": "42"})).is_err());
        assert!(
            parse(CallbackKind::Complete, json!({"output_video_key": format!("output/{JOB}/video.mp4")}))
                .is_ok()
        );
        assert!(
            parse(CallbackKind::Complete, json!({"output_video_key": "output/other/video.mp4"})).is_err()
        );
        let (key, poster) = (format!("output/{JOB}/1/video.mp4"), format!("output/{JOB}/1/poster.jpg"));
        let (key_, poster_) = (
            ObjectKey::parse_output_of(job, &key).unwrap(),
            ObjectKey::parse_output_of(job, &poster).unwrap(),
        );
        let complete = |poster, bytes| {
            parse(
                CallbackKind::Complete,
                json!({"output_video_key": key, "poster_key": poster, "output_bytes": bytes}),
            )
        };
        assert_eq!(
            complete(json!(poster), json!(7)),
            Ok(Report::Complete { key: key_.clone(), poster: Some(poster_), bytes: Some(7) })
        );
        for (poster, bytes) in [(json!(null), json!(null)), (json!("output/other/x.jpg"), json!("7"))] {
            assert_eq!(
                complete(poster, bytes),
                Ok(Report::Complete { key: key_.clone(), poster: None, bytes: None }),
                "what is wrong beside the video does not cost the video"
            );
        }
        assert_eq!(
            parse(CallbackKind::Error, json!({"error": "ValueError: x", "should_retry": true})),
            Ok(Report::Error {
                code: ErrorCode::GpuError,
                sentence: "ValueError: x".into(),
                retryable: true
            })
        );
    }
}
