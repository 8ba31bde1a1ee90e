//! What a client does about each problem code and about each reason of a failed job, and which codes each route may
//! answer with.

#![allow(clippy::enum_glob_use, reason = "a table of codes")]

use reel_core::http::access::Credential;
use reel_core::http::problem::ProblemCode::{self, *};
use reel_core::http::route::Route;
use reel_core::job::error_code::ErrorCode;

use crate::operations::{Body, Operation};

/// What a client does about it, as a sentence.
pub const fn remedy(code: ProblemCode) -> &'static str {
    match code {
        NotJson => "Send JSON in UTF-8; the sentence says where the text breaks off.",
        BodyTooLarge => "Send a smaller body. Videos go to the bucket, not through the API.",
        UnsupportedMediaType => "Say `Content-Type: application/json`, without a content encoding.",
        RequestTimeout => "Send the request again on a better connection.",
        InvalidRequest => "Correct every place that `errors` names, then send it again.",
        InputNotFound => "Upload the videos that `errors` names, then create the job again.",
        RouteNotFound => "Check the path: the reference at `/docs` has all of them.",
        MethodNotAllowed => "Use a method of the header `Allow`.",
        JobNotFound => "Check the id. A job of somebody else looks like one that does not exist.",
        VideoNotFound => "Check the key. Only videos that a job names can be downloaded.",
        FilmstripNotFound => "Ask for a filmstrip in the job's params, and wait until the job is complete.",
        PreconditionFailed => "Start the download over: the video was replaced.",
        RangeNotSatisfiable => "Ask for bytes that exist; `Content-Range` says how many there are.",
        ProjectNotFound => "Create the project with PUT first.",
        ClipNotFound => "Create the clip with PUT first.",
        NoWorkingVideo => "Give the project a working video first.",
        SourceNotFound => "Upload the clip's video again.",
        WebhookNotFound => "Check the id against `GET /api/webhooks`.",
        DeliveryNotFound => "Check the id against `GET /api/jobs/{job_id}/deliveries`.",
        UpgradeRequired => "Open this path as a WebSocket.",
        Unauthorized => "Send a valid key or token as `Authorization: Bearer`.",
        InsufficientScope => "Use a token with the scope that the sentence names.",
        BadToken => "Fetch the job or begin the upload again for a new link.",
        OriginNotAllowed => "Add the page's origin to `ALLOWED_ORIGINS`.",
        StaleAttempt => "Stop: another attempt has taken over.",
        AlreadyClaimed => "Stop: another worker runs this attempt.",
        IdempotencyConflict => "Use a new key or id for another request.",
        InputExists => "Use a new `job_id`, or leave it out.",
        JobState => "Fetch the job: the sentence says which state it is in.",
        UploadNotFound => "Begin the upload again.",
        UploadIncomplete => "Send the parts that the sentence names, then complete the upload.",
        UploadState => "Fetch the upload's parts: it is complete, aborted or being completed.",
        LimitReached => "Wait as long as `Retry-After` says, then try again.",
        NotConfigured => "Tell the operator: settings are missing.",
        Unavailable => "Try again in a few seconds.",
        Internal => "Try again in a few seconds, and report the `request_id` if it stays.",
    }
}

/// What a client does about a job that has failed, as a sentence.
pub const fn job_remedy(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::Cancelled => "Nothing: somebody asked for it.",
        ErrorCode::InvalidInput => {
            "Show `error`, which says what is wrong. Correct the edit or the file, and create a new job."
        }
        ErrorCode::InputChanged => "Create a new job.",
        ErrorCode::InputsTooLarge => "Create a new job with fewer or smaller videos.",
        ErrorCode::GpuError => "Retry. If it fails again, tell the operator the job's id.",
        ErrorCode::GpuOutOfMemory => "Create a new job with a smaller output size or a shorter clip.",
        ErrorCode::GpuUnreachable => "Retry in a few minutes.",
        ErrorCode::GpuUnauthorized => {
            "Tell the operator that RunPod refuses the key, and retry when it is replaced."
        }
        ErrorCode::QueueTimeout => "Retry later: no renderer was free.",
        ErrorCode::ExecutionTimeout => "Create a new job with a shorter clip or a smaller output size.",
        ErrorCode::WorkerLost | ErrorCode::OutputMissing => "Retry.",
        ErrorCode::Internal => "Retry. If it fails again, report the job's id.",
    }
}

/// The codes with which this operation may answer.
pub fn codes(operation: &Operation, route: &Route<'_>, method: &str) -> Vec<ProblemCode> {
    let mut codes: Vec<ProblemCode> = operation.problems.to_vec();
    if *route == Route::Health {
        return codes;
    }
    codes.extend([NotConfigured, Unavailable, Internal]);
    let accepts = route.accepts();
    for credential in &accepts {
        match credential {
            Credential::Nothing => {}
            Credential::ApiKey => codes.extend([Unauthorized, LimitReached]),
            // 422: `On-Behalf-Of` may be no subject.
            Credential::User(_) => {
                codes.extend([Unauthorized, InsufficientScope, LimitReached, InvalidRequest]);
            }
            Credential::CallbackToken(_, None) => codes.extend([BadToken, Unauthorized]),
            Credential::WatchToken(_)
            | Credential::CallbackToken(_, Some(_))
            | Credential::WebhookToken(..) => {
                codes.push(BadToken);
            }
            Credential::UploadToken(_) => codes.extend([BadToken, Unauthorized, InsufficientScope]),
        }
    }
    if method != "get" {
        codes.extend([OriginNotAllowed]);
    }
    match operation.body {
        Body::None => {}
        Body::Json(_) | Body::OptionalJson(_) => {
            codes.extend([NotJson, BodyTooLarge, UnsupportedMediaType, RequestTimeout, InvalidRequest]);
        }
    }
    if !operation.query.is_empty() {
        codes.push(InvalidRequest);
    }
    codes.sort_by_key(|code| (code.status(), code.as_str()));
    codes.dedup();
    codes
}
