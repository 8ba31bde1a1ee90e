//! What a caller is told when something is refused: a closed list of codes, RFC 9457 on the wire.
//!
//! Three kinds of client read one body (design.md 2): `detail` for FastAPI's, `error` for the plan's,
//! `errors` with pointers for ours.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::json::field_error::{FieldError, MAX_FAULTS};
use crate::wire::problem::{ProblemJson, problem_json};

/// Why a request was refused. The word on the wire, the status and the retry advice come with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProblemCode {
    /// The body is not JSON.
    NotJson,
    /// The body is longer than this route takes.
    BodyTooLarge,
    /// The body is JSON and wrong; `errors` says where.
    InvalidRequest,
    /// The input video is not in the bucket.
    InputNotFound,
    /// Nothing lives at this path.
    RouteNotFound,
    /// The path is right and the method is not.
    MethodNotAllowed,
    /// No such job.
    JobNotFound,
    /// No such video, or none of ours.
    VideoNotFound,
    /// The video is not, or no longer, the one that the request's conditions name.
    PreconditionFailed,
    /// The video has no byte of the range that was asked for.
    RangeNotSatisfiable,
    /// No such project.
    ProjectNotFound,
    /// No such clip in the project.
    ClipNotFound,
    /// The project has no working video, or it is not in the bucket.
    NoWorkingVideo,
    /// The clip's video is not in the bucket.
    SourceNotFound,
    /// A WebSocket route was asked without an upgrade.
    UpgradeRequired,
    /// Authorization is missing or wrong.
    Unauthorized,
    /// The token in the URL is not one of ours.
    BadToken,
    /// The callback belongs to an attempt that another has replaced.
    StaleAttempt,
    /// The attempt is in other hands: RunPod ran it twice.
    AlreadyClaimed,
    /// The same id or key was used for another request.
    IdempotencyConflict,
    /// The job is in a state in which this cannot be done.
    JobState,
    /// No such upload, or no longer.
    UploadNotFound,
    /// Parts are missing.
    UploadIncomplete,
    /// The upload is in a state in which this cannot be done.
    UploadState,
    /// This deployment lacks settings.
    NotConfigured,
    /// Something we lean on did not answer in time.
    Unavailable,
    /// A fault of ours.
    Internal,
}

impl ProblemCode {
    /// Every code.
    pub const ALL: [Self; 27] = [
        Self::NotJson,
        Self::BodyTooLarge,
        Self::InvalidRequest,
        Self::InputNotFound,
        Self::RouteNotFound,
        Self::MethodNotAllowed,
        Self::JobNotFound,
        Self::VideoNotFound,
        Self::PreconditionFailed,
        Self::RangeNotSatisfiable,
        Self::ProjectNotFound,
        Self::ClipNotFound,
        Self::NoWorkingVideo,
        Self::SourceNotFound,
        Self::UpgradeRequired,
        Self::Unauthorized,
        Self::BadToken,
        Self::StaleAttempt,
        Self::AlreadyClaimed,
        Self::IdempotencyConflict,
        Self::JobState,
        Self::UploadNotFound,
        Self::UploadIncomplete,
        Self::UploadState,
        Self::NotConfigured,
        Self::Unavailable,
        Self::Internal,
    ];

    /// The code of a word; `None` for a word that this version does not know.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.as_str() == word)
    }

    /// Its word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::BodyTooLarge => "body_too_large",
            Self::InvalidRequest => "invalid_request",
            Self::InputNotFound => "input_not_found",
            Self::RouteNotFound => "route_not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::JobNotFound => "job_not_found",
            Self::VideoNotFound => "video_not_found",
            Self::PreconditionFailed => "precondition_failed",
            Self::RangeNotSatisfiable => "range_not_satisfiable",
            Self::ProjectNotFound => "project_not_found",
            Self::ClipNotFound => "clip_not_found",
            Self::NoWorkingVideo => "no_working_video",
            Self::SourceNotFound => "source_not_found",
            Self::UpgradeRequired => "upgrade_required",
            Self::Unauthorized => "unauthorized",
            Self::BadToken => "bad_token",
            Self::StaleAttempt => "stale_attempt",
            Self::AlreadyClaimed => "already_claimed",
            Self::IdempotencyConflict => "idempotency_conflict",
            Self::JobState => "job_state",
            Self::UploadNotFound => "upload_not_found",
            Self::UploadIncomplete => "upload_incomplete",
            Self::UploadState => "upload_state",
            Self::NotConfigured => "not_configured",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }

    /// HTTP status (RFC 9110).
    pub const fn status(self) -> u16 {
        match self {
            // 400 for a video that is missing behind a project: the seed's backend answers so.
            Self::NotJson | Self::NoWorkingVideo | Self::SourceNotFound => 400,
            Self::Unauthorized => 401,
            Self::BadToken => 403,
            Self::RouteNotFound
            | Self::JobNotFound
            | Self::ProjectNotFound
            | Self::ClipNotFound
            | Self::VideoNotFound
            | Self::UploadNotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::StaleAttempt
            | Self::AlreadyClaimed
            | Self::IdempotencyConflict
            | Self::JobState
            | Self::UploadIncomplete
            | Self::UploadState => 409,
            Self::PreconditionFailed => 412,
            Self::BodyTooLarge => 413,
            Self::RangeNotSatisfiable => 416,
            Self::InvalidRequest | Self::InputNotFound => 422,
            Self::UpgradeRequired => 426,
            Self::Internal => 500,
            Self::NotConfigured | Self::Unavailable => 503,
        }
    }

    /// The short name of the kind of problem, the same for every occurrence.
    pub const fn title(self) -> &'static str {
        match self {
            Self::NotJson => "Body is not JSON",
            Self::BodyTooLarge => "Body too large",
            Self::InvalidRequest => "Invalid request",
            Self::InputNotFound => "Input video not found",
            Self::RouteNotFound => "Not found",
            Self::MethodNotAllowed => "Method not allowed",
            Self::JobNotFound => "Job not found",
            Self::VideoNotFound => "Video not found",
            Self::PreconditionFailed => "Precondition failed",
            Self::RangeNotSatisfiable => "Range not satisfiable",
            Self::ProjectNotFound => "Project not found",
            Self::ClipNotFound => "Clip not found",
            Self::NoWorkingVideo => "No working video",
            Self::SourceNotFound => "Source video not found",
            Self::UpgradeRequired => "Upgrade required",
            Self::Unauthorized => "Unauthorized",
            Self::BadToken => "Bad token",
            Self::StaleAttempt => "Stale attempt",
            Self::AlreadyClaimed => "Already claimed",
            Self::IdempotencyConflict => "Used for another request",
            Self::JobState | Self::UploadState => "Not possible in this state",
            Self::UploadNotFound => "Upload not found",
            Self::UploadIncomplete => "Parts are missing",
            Self::NotConfigured => "Not configured",
            Self::Unavailable => "Temporarily unavailable",
            Self::Internal => "Internal error",
        }
    }
}

impl Serialize for ProblemCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ProblemCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Self::from_word(&word).ok_or_else(|| serde::de::Error::custom("an unknown problem code"))
    }
}

/// One refused request.
///
/// It crosses from an object to the Worker whole, but for `allow`, which only routes have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind.
    pub code: ProblemCode,
    /// One sentence a person can act on; never a secret, never a cause from inside.
    pub detail: String,
    /// Every fault of the body, for [`Code::InvalidRequest`] and [`Code::InputNotFound`].
    pub faults: Vec<FieldError>,
    /// The methods that would be right, for [`Code::MethodNotAllowed`].
    #[serde(skip)]
    pub allow: Option<&'static str>,
}

impl Problem {
    /// A problem with its sentence.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), faults: Vec::new(), allow: None }
    }

    /// A wrong body: the sentence sums up, `errors` lists all faults.
    pub fn invalid(faults: Vec<FieldError>) -> Self {
        let detail = match faults.as_slice() {
            [only] if only.pointer.is_empty() => format!("The request {}.", only.detail),
            [only] => format!("{} {}.", display_pointer(&only.pointer), only.detail),
            [first, rest @ ..] => {
                let (count, more) =
                    if rest.len() < MAX_FAULTS { (faults.len(), "") } else { (MAX_FAULTS, "more than ") };
                let (place, fault) = (display_pointer(&first.pointer), &first.detail);
                format!("The request has {more}{count} faults; the first: {place} {fault}.")
            }
            [] => "The request is not valid.".to_owned(),
        };
        Self { code: ProblemCode::InvalidRequest, detail, faults, allow: None }
    }

    /// Something that the request needs did not answer in time: the cause is logged where it happened.
    pub fn unavailable() -> Self {
        Self::new(
            ProblemCode::Unavailable,
            "The service is temporarily unavailable. Try again in a few seconds.",
        )
    }

    /// A fault of ours: the cause is logged where it happened, not told.
    pub fn internal() -> Self {
        Self::new(ProblemCode::Internal, "Something went wrong on our side; try again in a moment.")
    }

    /// The body, `application/problem+json`.
    pub fn body(&self, request_id: &str) -> String {
        problem_json(&ProblemJson {
            code: self.code.as_str(),
            title: self.code.title(),
            status: self.code.status(),
            detail: &self.detail,
            errors: &self.faults,
            request_id,
        })
    }
}

/// `/params/crop/0/x` as a person reads it: `params.crop.0.x`.
fn display_pointer(pointer: &str) -> String {
    if pointer.is_empty() { "The body".to_owned() } else { pointer.trim_start_matches('/').replace('/', ".") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::object_key::ObjectKey;

    #[test]
    fn one_body_serves_three_kinds_of_client() {
        let fault = |p: &str, d: &str| FieldError { pointer: p.into(), detail: d.into() };
        let problem =
            Problem::invalid(vec![fault("/type", "is required"), fault("/params/x", "must be a number")]);
        let body: serde_json::Value = serde_json::from_str(&problem.body("r-1")).unwrap();
        assert_eq!(
            body,
            serde_json::json!({
                "type": "https://reelballers.com/problems/invalid_request",
                "title": "Invalid request",
                "status": 422,
                "detail": "The request has 2 faults; the first: type is required.",
                "error": "The request has 2 faults; the first: type is required.",
                "code": "invalid_request",
                "errors": [
                    {"pointer": "/type", "detail": "is required"},
                    {"pointer": "/params/x", "detail": "must be a number"}
                ],
                "request_id": "r-1"
            })
        );
    }

    #[test]
    fn every_missing_video_is_named_where_the_request_does() {
        let keys = ["input/a/a.mp4", "input/a/b.mp4"].map(|key| ObjectKey::parse_input(key).unwrap());
        let missing =
            [("/input_video_key".to_owned(), &keys[0]), ("/params/clips/1/video_key".to_owned(), &keys[1])];
        let one = Problem::inputs_not_found(&missing[..1]);
        assert_eq!(
            one.detail,
            "The video input/a/a.mp4 is not in the bucket; upload it with POST /api/videos/upload-url first."
        );
        let both = Problem::inputs_not_found(&missing);
        assert_eq!(
            both.detail,
            "2 videos are not in the bucket, input/a/a.mp4 first; upload them with POST /api/videos/upload-url."
        );
        assert_eq!(both.faults[1].pointer, "/params/clips/1/video_key");
        assert_eq!(both.faults[1].detail, "input/a/b.mp4 is not in the bucket");
    }

    #[test]
    fn a_single_fault_is_the_sentence() {
        let only = FieldError { pointer: "/params/crop/0".into(), detail: "is required".into() };
        assert_eq!(Problem::invalid(vec![only]).detail, "params.crop.0 is required.");
    }
}
