//! What each route is for. The paths and methods are the core's list; what stands here is only what people read,
//! which body goes in and which answer comes out.

#![allow(clippy::enum_glob_use, reason = "a table of codes")]

use reel_core::http::problem::ProblemCode::{self, *};

/// One method of one path.
pub struct Operation {
    /// Its name in generated clients.
    pub id: &'static str,
    /// Its part of the document.
    pub tag: &'static str,
    /// A few words.
    pub summary: &'static str,
    /// All that a caller must know.
    pub description: &'static str,
    /// Query parameters, by their names in [`crate::parameters`].
    pub query: &'static [&'static str],
    /// Request headers, by their names there.
    pub headers: &'static [&'static str],
    /// What is sent.
    pub body: Body,
    /// What comes back when all is well.
    pub answers: &'static [(u16, Answer)],
    /// The codes that are its own, beside those that follow from its credentials, body and query.
    pub problems: &'static [ProblemCode],
    /// Kept for clients that know no better way.
    pub is_deprecated: bool,
}

/// A request's body: the name of its schema.
#[derive(Clone, Copy)]
pub enum Body {
    /// There is none.
    None,
    /// JSON.
    Json(&'static str),
    /// JSON, or nothing.
    OptionalJson(&'static str),
}

/// The body of an answer.
#[derive(Clone, Copy)]
pub enum Answer {
    /// JSON of this schema.
    Json(&'static str),
    /// A video or a picture.
    Bytes,
    /// A file for a player.
    WebVtt,
    /// A WebSocket with messages of this schema.
    Socket(&'static str),
    /// Nothing.
    Empty,
}

/// The parts of the document, in its order.
pub const TAGS: [(&str, &str); 10] = [
    ("Uploads", "Videos go straight to the bucket: by one PUT, or in parts that can be resumed."),
    ("Jobs", "An export: created, followed, cancelled, tried again, deleted."),
    ("Watching", "News of a job as it happens."),
    ("Webhooks", "News of jobs at a server of the user's own, as Standard Webhooks has them."),
    ("Downloads", "What was made."),
    ("Projects", "Projects and their clips, for clients that keep them here."),
    ("Exports", "The export routes of the FastAPI backend."),
    ("Users", "Tokens, limits and the audit log."),
    ("Renderer", "For the GPU worker. No other client calls these."),
    ("Operation", "Whether the API works."),
];

const NONE: Operation = Operation {
    id: "",
    tag: "",
    summary: "",
    description: "",
    query: &[],
    headers: &[],
    body: Body::None,
    answers: &[],
    problems: &[],
    is_deprecated: false,
};

/// The answer to every report but a claim.
const RECEIPT: &[(u16, Answer)] = &[(200, Answer::Json("CallbackResponse"))];

/// The operation of a method and a path of the core's list; `None` when somebody has added one there and not here.
#[allow(clippy::too_many_lines, reason = "a table: one entry an operation")]
pub fn operation(method: &str, path: &str) -> Option<Operation> {
    let uploads = Operation { tag: "Uploads", ..NONE };
    let jobs = Operation { tag: "Jobs", ..NONE };
    let watching = Operation { tag: "Watching", ..NONE };
    let webhooks = Operation { tag: "Webhooks", ..NONE };
    let projects = Operation { tag: "Projects", ..NONE };
    let exports = Operation { tag: "Exports", ..NONE };
    let users = Operation { tag: "Users", ..NONE };
    let renderer = Operation { tag: "Renderer", ..NONE };
    Some(match (method, path) {
        ("post", "/api/videos/upload-url") => Operation {
            id: "createUploadUrl",
            summary: "Get a URL to upload a video to",
            description: "PUT the video to `upload_url` with exactly the `headers` of the answer, within an hour. \
                `content_type` is what the browser says, and its parameters are dropped. Without one, or with \
                `application/octet-stream`, the name of the file decides.",
            body: Body::Json("CreateUploadUrl"),
            answers: &[(200, Answer::Json("UploadUrl"))],
            problems: &[InputExists],
            ..uploads
        },
        ("post", "/api/videos/multipart") => Operation {
            id: "createUpload",
            summary: "Begin an upload in parts",
            description: "`upload_id` with its `video_key` is a capability: the following requests take both, and no \
                API key. An upload of an end user also asks for that user's token. It is aborted by itself after \
                three days.",
            body: Body::Json("CreateUpload"),
            answers: &[(201, Answer::Json("UploadJson"))],
            problems: &[InputExists],
            ..uploads
        },
        ("post", "/api/videos/multipart/{upload_id}/parts") => Operation {
            id: "signParts",
            summary: "Get URLs for parts",
            description: "Each URL is for one PUT of exactly that part's size, within an hour.",
            body: Body::Json("SignParts"),
            answers: &[(200, Answer::Json("SignedParts"))],
            problems: &[UploadNotFound, UploadState],
            ..uploads
        },
        ("put", "/api/videos/multipart/{upload_id}/parts") => Operation {
            id: "confirmParts",
            summary: "Say which parts were sent",
            description: "With the ETag that the storage answered, so that an upload goes on after a reload without \
                sending them again.",
            body: Body::Json("ConfirmParts"),
            answers: &[(200, Answer::Json("ConfirmedParts"))],
            problems: &[UploadNotFound, UploadState],
            ..uploads
        },
        ("get", "/api/videos/multipart/{upload_id}/parts") => Operation {
            id: "getUpload",
            summary: "See what has arrived",
            description: "Also parts that were sent and never confirmed, where the storage can list them.",
            answers: &[(200, Answer::Json("UploadJson"))],
            problems: &[UploadNotFound],
            ..uploads
        },
        ("post", "/api/videos/multipart/{upload_id}/complete") => Operation {
            id: "completeUpload",
            summary: "Put the parts together",
            description: "A repeated request gets the same answer. 409 names the parts that are missing.",
            body: Body::OptionalJson("CompleteUpload"),
            answers: &[(200, Answer::Json("CompletedUpload"))],
            problems: &[UploadNotFound, UploadIncomplete, UploadState],
            ..uploads
        },
        ("delete", "/api/videos/multipart/{upload_id}") => Operation {
            id: "abortUpload",
            summary: "Abort an upload",
            description: "What has arrived is deleted.",
            answers: &[(200, Answer::Json("Success"))],
            problems: &[UploadNotFound, UploadState],
            ..uploads
        },
        ("post", "/api/jobs") => Operation {
            id: "createJob",
            summary: "Create an export job",
            description: "With an `Idempotency-Key` or a `job_id`, the same request gets the same job and another one \
                gets 409, so that a request whose answer was lost can be sent again. With `dry_run=true` everything is \
                checked, nothing is created, and the answer says what the job would make.",
            query: &["dry_run"],
            headers: &["Idempotency-Key"],
            body: Body::Json("CreateJob"),
            answers: &[(200, Answer::Json("DryRun")), (201, Answer::Json("Job"))],
            problems: &[InputNotFound, IdempotencyConflict],
            ..jobs
        },
        ("post", "/api/jobs/batch") => Operation {
            id: "createJobs",
            summary: "Create several jobs",
            description: "Up to fifty, each with its own answer: what is wrong with one keeps no other from being created. \
                With an `Idempotency-Key` the whole request can be sent again.",
            headers: &["Idempotency-Key"],
            body: Body::Json("CreateBatch"),
            answers: &[(200, Answer::Json("BatchAnswer"))],
            ..jobs
        },
        ("get", "/api/jobs") => Operation {
            id: "listJobs",
            summary: "List jobs",
            description: "Newest first, from the index: without progress and params, and a moment behind.",
            query: &["project_id", "status", "type", "label", "limit", "cursor"],
            answers: &[(200, Answer::Json("JobPage"))],
            ..jobs
        },
        ("get", "/api/jobs/{job_id}") => Operation {
            id: "getJob",
            summary: "Get a job",
            description: "The holder of a link reads it without keys and params.",
            answers: &[(200, Answer::Json("Job"))],
            problems: &[JobNotFound],
            ..jobs
        },
        ("delete", "/api/jobs/{job_id}") => Operation {
            id: "deleteJob",
            summary: "Delete an ended job",
            description: "With its outputs, and with its input unless another job uses it. A file that a project or a \
                clip names stays.",
            answers: &[(200, Answer::Json("Success"))],
            problems: &[JobNotFound, JobState],
            ..jobs
        },
        ("post", "/api/jobs/{job_id}/cancel") => Operation {
            id: "cancelJob",
            summary: "Cancel a job",
            description: "It is stopped at RunPod, too.",
            answers: &[(200, Answer::Json("Job"))],
            problems: &[JobNotFound, JobState],
            ..jobs
        },
        ("post", "/api/jobs/{job_id}/retry") => Operation {
            id: "retryJob",
            summary: "Start a failed job over",
            description: "A limited number of times.",
            answers: &[(200, Answer::Json("Job"))],
            problems: &[JobNotFound, JobState, LimitReached],
            ..jobs
        },
        ("post", "/api/jobs/{job_id}/revoke-links") => Operation {
            id: "revokeLinks",
            summary: "Make every link to a job worthless",
            description: "Sockets that a link has opened are closed with 1008.",
            answers: &[(200, Answer::Json("Job"))],
            problems: &[JobNotFound],
            ..jobs
        },
        ("get", "/api/jobs/{job_id}/events") => Operation {
            id: "listJobEvents",
            summary: "Read the stored events of a job",
            description: "The same messages as on the socket, after `after`.",
            query: &["after"],
            answers: &[(200, Answer::Json("JobEvents"))],
            problems: &[JobNotFound],
            ..watching
        },
        ("get", "/api/jobs/{job_id}/ws") => Operation {
            id: "watchJob",
            summary: "Follow a job",
            description: "A WebSocket. A `status` message with the whole job comes first, then each change; with `after` \
                every stored event after it. Stored messages have a `seq` without gaps; progress in between has \
                none. The socket is closed with 1000 after the last message, with 1008 when its link was revoked, \
                with 4404 when no such job was created within 30 seconds, and with 4429 when its client sends more \
                than a message a second. `{\"type\": \"ping\"}` is answered by `{\"type\": \"pong\"}`.",
            query: &["after"],
            answers: &[(101, Answer::Socket("JobMessage"))],
            problems: &[UpgradeRequired, JobNotFound, InvalidRequest, OriginNotAllowed],
            ..watching
        },
        ("get", "/ws/export/{job_id}") => Operation {
            id: "watchExport",
            summary: "Follow a job, as clients of the FastAPI backend do",
            description: "The messages are the job's JSON with `projectId`; `type` is the job's type.",
            query: &["after"],
            answers: &[(101, Answer::Socket("LegacyMessage"))],
            problems: &[UpgradeRequired, JobNotFound, InvalidRequest, OriginNotAllowed],
            ..watching
        },
        ("get", "/api/jobs/{job_id}/filmstrip.vtt") => Operation {
            id: "getFilmstrip",
            tag: "Downloads",
            summary: "Get the filmstrip of a job for a player",
            description: "WebVTT: which part of the job's filmstrip shows which moment. Its URLs are good for an hour.",
            answers: &[(200, Answer::WebVtt)],
            problems: &[JobNotFound, FilmstripNotFound],
            ..NONE
        },
        ("get", "/api/videos/download/{key...}") => Operation {
            id: "downloadVideo",
            tag: "Downloads",
            summary: "Download a video or a picture",
            description: "An input, a result or a picture of a job, whole or by `Range`. `filename` names it, and \
                `inline=1` is for a `<video>`. Results also open with the `token` of their job's `websocket_url`.",
            query: &["filename", "inline"],
            headers: &["Range", "If-None-Match"],
            answers: &[(200, Answer::Bytes), (206, Answer::Bytes), (304, Answer::Empty)],
            problems: &[VideoNotFound, PreconditionFailed, RangeNotSatisfiable],
            ..NONE
        },
        ("get", "/api/webhooks") => Operation {
            id: "listWebhooks",
            summary: "List webhooks",
            description: "The caller's own, oldest first, without their secrets.",
            answers: &[(200, Answer::Json("Webhooks"))],
            ..webhooks
        },
        ("post", "/api/webhooks") => Operation {
            id: "createWebhook",
            summary: "Register a webhook",
            description: "An end user's webhook hears of that user's jobs, a service's of every job. The answer has \
                its `secret`, which no other answer shows.",
            body: Body::Json("CreateWebhook"),
            answers: &[(201, Answer::Json("Webhook"))],
            ..webhooks
        },
        ("get", "/api/webhooks/{webhook_id}") => Operation {
            id: "getWebhook",
            summary: "Get a webhook",
            description: "Whether it is on, and since when it fails.",
            answers: &[(200, Answer::Json("Webhook"))],
            problems: &[WebhookNotFound],
            ..webhooks
        },
        ("put", "/api/webhooks/{webhook_id}") => Operation {
            id: "updateWebhook",
            summary: "Change a webhook",
            description: "What is left out stays. `enabled` switches it off, or on again after it was switched off.",
            body: Body::Json("UpdateWebhook"),
            answers: &[(200, Answer::Json("Webhook"))],
            problems: &[WebhookNotFound],
            ..webhooks
        },
        ("delete", "/api/webhooks/{webhook_id}") => Operation {
            id: "deleteWebhook",
            summary: "Delete a webhook",
            description: "Nothing more is sent to it, also not what waits.",
            answers: &[(200, Answer::Json("Success"))],
            problems: &[WebhookNotFound],
            ..webhooks
        },
        ("post", "/api/webhooks/{webhook_id}/rotate-secret") => Operation {
            id: "rotateWebhookSecret",
            summary: "Give a webhook a new secret",
            description: "For 24 hours deliveries are signed with both secrets, so that the receiver can be changed \
                meanwhile. A second rotation within that time makes the first secret worthless.",
            answers: &[(200, Answer::Json("Webhook"))],
            problems: &[WebhookNotFound],
            ..webhooks
        },
        ("post", "/api/webhooks/{webhook_id}/test") => Operation {
            id: "testWebhook",
            summary: "Send a test event",
            description: "A `webhook.test` event is sent at once, and the answer says what came back.",
            answers: &[(200, Answer::Json("WebhookTest"))],
            problems: &[WebhookNotFound],
            ..webhooks
        },
        ("get", "/api/webhook-url-secret") => Operation {
            id: "getWebhookUrlSecret",
            summary: "Get the secret of `webhook_url`",
            description: "Deliveries to the `webhook_url` of the caller's jobs are signed with it.",
            answers: &[(200, Answer::Json("WebhookUrlSecret"))],
            ..webhooks
        },
        ("get", "/api/jobs/{job_id}/deliveries") => Operation {
            id: "listDeliveries",
            summary: "See what has become of a job's events",
            description: "Each event at each webhook that hears of it, in the order of the events. An end user does \
                not see those of services.",
            answers: &[(200, Answer::Json("Deliveries"))],
            problems: &[JobNotFound],
            ..webhooks
        },
        ("post", "/api/jobs/{job_id}/deliveries/{delivery_id}/redeliver") => Operation {
            id: "redeliver",
            summary: "Deliver an event once more",
            description: "With the same `webhook-id`, tried for another day. One that waits is sent at once.",
            answers: &[(200, Answer::Json("Delivery"))],
            problems: &[JobNotFound, DeliveryNotFound],
            ..webhooks
        },
        ("get", "/api/projects") => Operation {
            id: "listProjects",
            summary: "List projects",
            description: "Newest first.",
            query: &["limit", "cursor"],
            answers: &[(200, Answer::Json("ProjectPage"))],
            ..projects
        },
        ("get", "/api/projects/{project_id}") => Operation {
            id: "getProject",
            summary: "Get a project",
            description: "As it was last put.",
            answers: &[(200, Answer::Json("Project"))],
            problems: &[ProjectNotFound],
            ..projects
        },
        ("put", "/api/projects/{project_id}") => Operation {
            id: "putProject",
            summary: "Create or change a project",
            description: "What is left out stays, and `null` clears.",
            body: Body::Json("PutProject"),
            answers: &[(200, Answer::Json("Project")), (201, Answer::Json("Project"))],
            problems: &[InputNotFound],
            ..projects
        },
        ("get", "/api/projects/{project_id}/clips") => Operation {
            id: "listClips",
            summary: "List the clips of a project",
            description: "In the order of their index.",
            answers: &[(200, Answer::Json("Clips"))],
            problems: &[ProjectNotFound],
            ..projects
        },
        ("get", "/api/projects/{project_id}/clips/{clip_index}") => Operation {
            id: "getClip",
            summary: "Get a clip",
            description: "As it was last put.",
            answers: &[(200, Answer::Json("Clip"))],
            problems: &[ClipNotFound],
            ..projects
        },
        ("put", "/api/projects/{project_id}/clips/{clip_index}") => Operation {
            id: "putClip",
            summary: "Create or replace a clip",
            description: "The whole clip each time.",
            body: Body::Json("PutClip"),
            answers: &[(200, Answer::Json("Clip")), (201, Answer::Json("Clip"))],
            problems: &[ProjectNotFound, InputNotFound],
            ..projects
        },
        ("delete", "/api/projects/{project_id}/clips/{clip_index}") => Operation {
            id: "deleteClip",
            summary: "Delete a clip",
            description: "Its video stays.",
            answers: &[(200, Answer::Json("Success"))],
            problems: &[ClipNotFound],
            ..projects
        },
        ("get", "/api/exports/active") => Operation {
            id: "listActiveExports",
            summary: "List the exports that have not ended",
            description: "With the names of their projects.",
            answers: &[(200, Answer::Json("ActiveExports"))],
            ..exports
        },
        ("post", "/api/export/overlay") => Operation {
            id: "exportOverlay",
            summary: "Export an overlay of a project's working video",
            description: "The params of an overlay, beside the project.",
            body: Body::Json("ExportOverlay"),
            answers: &[(200, Answer::Json("ExportStarted"))],
            problems: &[ProjectNotFound, NoWorkingVideo, InputNotFound, IdempotencyConflict],
            ..exports
        },
        ("post", "/api/export/framing") => Operation {
            id: "exportFraming",
            summary: "Export a framing of a project's clip",
            description: "The params of a framing, beside the project and the clip. It is trimmed as the clip is, unless \
                the request trims. With `set_working_video` its result becomes the project's working video.",
            body: Body::Json("ExportFraming"),
            answers: &[(200, Answer::Json("Job"))],
            problems: &[ClipNotFound, SourceNotFound, InputNotFound, IdempotencyConflict],
            ..exports
        },
        ("get", "/api/export/overlay/{job_id}" | "/api/export/framing/{job_id}") => Operation {
            id: if path.contains("overlay") { "getOverlayExport" } else { "getFramingExport" },
            summary: "Get an export of this type",
            description: "A job of another type is not found here.",
            answers: &[(200, Answer::Json("Job"))],
            problems: &[JobNotFound],
            ..exports
        },
        ("get", "/api/limits") => Operation {
            id: "getLimits",
            summary: "See the caller's limits",
            description: "And what of them is used. Who reaches one gets 429 with `Retry-After`.",
            answers: &[(200, Answer::Json("Limits"))],
            ..users
        },
        ("get", "/api/audit") => Operation {
            id: "listAudit",
            summary: "Read the audit log",
            description: "By a service: who changed what, newest first.",
            query: &["subject", "limit", "cursor"],
            answers: &[(200, Answer::Json("AuditPage"))],
            ..users
        },
        ("post", "/api/owners/{subject}/revoke-tokens") => Operation {
            id: "revokeTokens",
            summary: "Make every token of a user worthless",
            description: "By a service. It holds everywhere within a minute. Links to the user's open jobs are worth \
                nothing, and their sockets are closed with 1008. Tokens issued a second later are accepted.",
            answers: &[(200, Answer::Json("RevokedTokens"))],
            problems: &[InvalidRequest],
            ..users
        },
        ("delete", "/api/owners/{subject}") => Operation {
            id: "eraseOwner",
            summary: "Erase a user",
            description: "By a service: jobs, files, projects and clips. One request does a part; repeat it until `done`.",
            answers: &[(200, Answer::Json("ErasedOwner"))],
            problems: &[InvalidRequest],
            ..users
        },
        ("post", "/api/tokens") => Operation {
            id: "createToken",
            summary: "Make a token for an end user",
            description: "By a service that has no identity provider.",
            body: Body::Json("CreateToken"),
            answers: &[(201, Answer::Json("Token"))],
            ..users
        },
        ("post", path)
            if path.starts_with("/api/jobs/{job_id}/attempt/") || path.contains("/do/{token}/") =>
        {
            let is_deprecated = path.contains("/do/");
            let callback = |id, legacy_id, summary, description, body, answer| Operation {
                id: if is_deprecated { legacy_id } else { id },
                summary,
                description,
                body,
                answers: answer,
                problems: &[JobNotFound, StaleAttempt, AlreadyClaimed],
                is_deprecated,
                ..NONE
            };
            let operation = match path.rsplit('/').next()? {
                "claim" => callback(
                    "claimAttempt",
                    "claimAttemptByPath",
                    "Take an attempt",
                    "The answer has fresh URLs for everything that the attempt reads and writes.",
                    Body::OptionalJson("ClaimRequest"),
                    &[(200, Answer::Json("ClaimResponse"))],
                ),
                "progress" => callback(
                    "reportProgress",
                    "reportProgressByPath",
                    "Say how far it is",
                    "A sign of life.",
                    Body::Json("ProgressReport"),
                    RECEIPT,
                ),
                "complete" => callback(
                    "reportComplete",
                    "reportCompleteByPath",
                    "Say that the video is in the bucket",
                    "The API looks by itself whether it is.",
                    Body::Json("CompleteReport"),
                    RECEIPT,
                ),
                "error" => callback(
                    "reportError",
                    "reportErrorByPath",
                    "Say that the attempt failed",
                    "Whether another follows depends on the code.",
                    Body::Json("ErrorReport"),
                    RECEIPT,
                ),
                _ => return None,
            };
            Operation { tag: renderer.tag, ..operation }
        }
        ("post", "/api/runpod/webhook/{job_id}/{token}") => Operation {
            id: "runpodWebhook",
            summary: "RunPod says that an attempt has ended",
            description: "A reason to ask RunPod, never the truth: the body is not read.",
            answers: &[(200, Answer::Json("WebhookReceipt"))],
            problems: &[JobNotFound],
            ..renderer
        },
        ("get", "/health" | "/api/health") => Operation {
            id: if path == "/health" { "getHealth" } else { "getApiHealth" },
            tag: "Operation",
            summary: "See whether the API works",
            description: "503 while a setting is missing; with the API key it says which.",
            answers: &[(200, Answer::Json("Health")), (503, Answer::Json("NotConfigured"))],
            ..NONE
        },
        _ => return None,
    })
}
