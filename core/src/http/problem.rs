//! What a caller is told when something is refused: a closed list of codes, RFC 9457 on the wire.
//!
//! To add a code: one line in the table below, and the place that answers with it.

use crate::base::words::word_enum;
use crate::json::field_error::{FieldError, MAX_FIELD_ERRORS};
use crate::wire::problem::{ProblemJson, problem_json};

/// What follows from a problem code.
struct ProblemFacts {
    status: u16,
    title: &'static str,
}

word_enum! {
    /// Why a request was refused. A reader refuses the code of a newer version: it has no status for it.
    pub enum ProblemCode: ProblemFacts {
        /// The body is not JSON.
        NotJson = "not_json" { status: 400, title: "Body is not JSON" },
        /// The body is longer than this route takes.
        BodyTooLarge = "body_too_large" { status: 413, title: "Body too large" },
        /// The body is not JSON by its type.
        UnsupportedMediaType = "unsupported_media_type" { status: 415, title: "Unsupported media type" },
        /// The body did not arrive in time.
        RequestTimeout = "request_timeout" { status: 408, title: "Request timeout" },
        /// The body is JSON and wrong; `errors` says where.
        InvalidRequest = "invalid_request" { status: 422, title: "Invalid request" },
        /// The input video is not in the bucket.
        InputNotFound = "input_not_found" { status: 422, title: "Input video not found" },
        /// No such route.
        RouteNotFound = "route_not_found" { status: 404, title: "Not found" },
        /// The path is right and the method is not.
        MethodNotAllowed = "method_not_allowed" { status: 405, title: "Method not allowed" },
        /// No such job.
        JobNotFound = "job_not_found" { status: 404, title: "Job not found" },
        /// No such video, or none of ours.
        VideoNotFound = "video_not_found" { status: 404, title: "Video not found" },
        /// The job has no filmstrip, or not yet.
        FilmstripNotFound = "filmstrip_not_found" { status: 404, title: "Filmstrip not found" },
        /// The video is not, or no longer, the one that the request's conditions name.
        PreconditionFailed = "precondition_failed" { status: 412, title: "Precondition failed" },
        /// The video has no byte of the range that was asked for.
        RangeNotSatisfiable = "range_not_satisfiable" { status: 416, title: "Range not satisfiable" },
        /// No such project.
        ProjectNotFound = "project_not_found" { status: 404, title: "Project not found" },
        /// No such clip in the project.
        ClipNotFound = "clip_not_found" { status: 404, title: "Clip not found" },
        /// The project has no working video, or it is not in the bucket.
        /// 400, as the FastAPI backend answers.
        NoWorkingVideo = "no_working_video" { status: 400, title: "No working video" },
        /// The clip's video is not in the bucket.
        /// 400, as the FastAPI backend answers.
        SourceNotFound = "source_not_found" { status: 400, title: "Source video not found" },
        /// No such endpoint.
        WebhookNotFound = "webhook_not_found" { status: 404, title: "Webhook not found" },
        /// The job has no such delivery.
        DeliveryNotFound = "delivery_not_found" { status: 404, title: "Delivery not found" },
        /// A WebSocket route was asked without an upgrade.
        UpgradeRequired = "upgrade_required" { status: 426, title: "Upgrade required" },
        /// Authorization is missing or wrong.
        Unauthorized = "unauthorized" { status: 401, title: "Unauthorized" },
        /// The user's token does not allow this.
        InsufficientScope = "insufficient_scope" { status: 403, title: "Insufficient scope" },
        /// The token in the URL is not one of ours.
        BadToken = "bad_token" { status: 403, title: "Bad token" },
        /// A page of an origin that is not allowed sent it.
        OriginNotAllowed = "origin_not_allowed" { status: 403, title: "Origin not allowed" },
        /// The callback belongs to an attempt that another has replaced.
        StaleAttempt = "stale_attempt" { status: 409, title: "Stale attempt" },
        /// The attempt is in other hands: RunPod ran it twice.
        AlreadyClaimed = "already_claimed" { status: 409, title: "Already claimed" },
        /// The same id or key was used for another request.
        IdempotencyConflict = "idempotency_conflict" { status: 409, title: "Already used for a different request" },
        /// The job that an upload is for exists, or its video does.
        InputExists = "input_exists" { status: 409, title: "Already uploaded" },
        /// The job is in a state in which this cannot be done.
        JobState = "job_state" { status: 409, title: "Not allowed in the current state" },
        /// No such upload, or no longer.
        UploadNotFound = "upload_not_found" { status: 404, title: "Upload not found" },
        /// Parts are missing.
        UploadIncomplete = "upload_incomplete" { status: 409, title: "Parts are missing" },
        /// The upload is in a state in which this cannot be done.
        UploadState = "upload_state" { status: 409, title: "Not allowed in the current state" },
        /// The caller has done as much as one may.
        LimitReached = "limit_reached" { status: 429, title: "Limit reached" },
        /// This deployment lacks settings.
        NotConfigured = "not_configured" { status: 503, title: "Not configured" },
        /// Something we lean on did not answer in time.
        Unavailable = "unavailable" { status: 503, title: "Temporarily unavailable" },
        /// A fault of ours.
        Internal = "internal" { status: 500, title: "Internal error" },
    }
}

impl ProblemCode {
    /// HTTP status (RFC 9110).
    pub const fn status(self) -> u16 {
        self.facts().status
    }

    /// The short name of the kind of problem, the same for every occurrence.
    pub const fn title(self) -> &'static str {
        self.facts().title
    }
}

/// One refused request.
///
/// It crosses from an object to the Worker whole, but for `allow`, `invalid_token` and `limit`, which only
/// requests have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind.
    pub code: ProblemCode,
    /// One sentence a person can act on; never a secret, never a cause from inside.
    pub detail: String,
    /// Every fault of the body, for [`ProblemCode::InvalidRequest`] and [`ProblemCode::InputNotFound`].
    pub errors: Vec<FieldError>,
    /// The methods that would be right, for [`ProblemCode::MethodNotAllowed`].
    pub allow: Option<String>,
    /// Whether a user's token was sent and is not valid, for [`ProblemCode::Unauthorized`].
    pub invalid_token: bool,
    /// When to come again, for [`ProblemCode::LimitReached`].
    pub limit: Option<ReachedLimit>,
}

/// A limit that a caller has reached, and that lets it in again by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReachedLimit {
    /// Its name, as `GET /api/limits` has it.
    pub name: &'static str,
    /// How much is allowed in its window.
    pub limit: u64,
    /// Length of the window.
    pub window_s: u64,
    /// When the caller may come again.
    pub retry_after_s: u64,
}

impl ReachedLimit {
    /// The headers of the answer: `Retry-After` (RFC 9110 10.2.3), and the fields that say the same of the
    /// limit (draft-ietf-httpapi-ratelimit-headers-10).
    pub fn headers(&self) -> [(&'static str, String); 3] {
        let Self { name, limit, window_s, retry_after_s } = self;
        [
            ("retry-after", retry_after_s.to_string()),
            ("ratelimit-policy", format!("\"{name}\";q={limit};w={window_s}")),
            ("ratelimit", format!("\"{name}\";r=0;t={retry_after_s}")),
        ]
    }
}

impl Problem {
    /// A problem with its sentence.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            allow: None,
            invalid_token: false,
            limit: None,
        }
    }

    /// A wrong body: the sentence sums up, `errors` lists all faults.
    pub fn invalid(faults: Vec<FieldError>) -> Self {
        let detail = match faults.as_slice() {
            [only] if only.pointer.is_empty() => format!("The request {}.", only.detail),
            [only] => format!("{} {}.", display_pointer(&only.pointer), only.detail),
            [first, rest @ ..] => {
                let (count, more) = if rest.len() < MAX_FIELD_ERRORS {
                    (faults.len(), "")
                } else {
                    (MAX_FIELD_ERRORS, "more than ")
                };
                let (place, error) = (display_pointer(&first.pointer), &first.detail);
                format!("The request has {more}{count} errors. First: {place} {error}.")
            }
            [] => "The request is not valid.".to_owned(),
        };
        Self { errors: faults, ..Self::new(ProblemCode::InvalidRequest, detail) }
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
        Self::new(ProblemCode::Internal, "An internal error occurred. Try again in a few seconds.")
    }

    /// What `WWW-Authenticate` says (RFC 6750 3), for problems that have it.
    pub fn challenge(&self) -> Option<String> {
        let error = match self.code {
            ProblemCode::Unauthorized if self.invalid_token => "invalid_token",
            ProblemCode::Unauthorized => return Some("Bearer".to_owned()),
            ProblemCode::InsufficientScope => "insufficient_scope",
            _ => return None,
        };
        // These sentences hold no quotation mark and no backslash.
        Some(format!("Bearer error=\"{error}\", error_description=\"{}\"", self.detail))
    }

    /// The body, `application/problem+json`.
    pub fn body(&self, request_id: &str) -> String {
        problem_json(&ProblemJson {
            code: self.code.as_str(),
            title: self.code.title(),
            status: self.code.status(),
            detail: &self.detail,
            errors: &self.errors,
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
                "detail": "The request has 2 errors. First: type is required.",
                "error": "The request has 2 errors. First: type is required.",
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
            "Video input/a/a.mp4 has not been uploaded. Upload it with POST /api/videos/upload-url first."
        );
        let both = Problem::inputs_not_found(&missing);
        assert_eq!(
            both.detail,
            "2 videos have not been uploaded (the first is input/a/a.mp4). Upload them with POST /api/videos/upload-url."
        );
        assert_eq!(both.errors[1].pointer, "/params/clips/1/video_key");
        assert_eq!(both.errors[1].detail, "input/a/b.mp4 has not been uploaded");
    }

    #[test]
    fn a_single_fault_is_the_sentence() {
        let only = FieldError { pointer: "/params/crop/0".into(), detail: "is required".into() };
        assert_eq!(Problem::invalid(vec![only]).detail, "params.crop.0 is required.");
    }
}
