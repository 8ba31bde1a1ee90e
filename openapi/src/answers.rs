//! Answers that the Worker writes without a type of their own: rows of the index, counts and acknowledgements.
//!
//! Nothing is made from these types but their schemas. Every recorded exchange of `tests/contract` is checked
//! against them, so that a member that appears, goes or changes its kind is noticed.

#![allow(dead_code, reason = "the fields are read by the derive alone")]
#![allow(clippy::struct_field_names, reason = "names of the wire")]

use reel_core::base::id::JobId;
use reel_core::edit::JobType;
use reel_core::job::status::JobStatus;
use reel_core::webhook::delivery::DeliveryFault;
use reel_core::webhook::event_type::WebhookEventType;
use schemars::{JsonSchema, SchemaGenerator};

/// Where a video is sent, and how.
#[derive(JsonSchema)]
struct UploadUrl {
    /// For one PUT. A capability: whoever has it may write this video.
    #[schemars(extend("format" = "uri"))]
    upload_url: String,
    /// Names the video in jobs, projects and clips.
    video_key: String,
    /// The method to use.
    #[schemars(extend("const" = "PUT"))]
    method: String,
    /// Headers that are part of the signature. They must be sent as they are.
    headers: UploadHeaders,
    /// When the URL stops working.
    #[schemars(extend("format" = "date-time"))]
    expires_at: String,
}

/// Headers of an upload.
#[derive(JsonSchema)]
struct UploadHeaders {
    /// The type that counts: the one that was sent, or the one that the file's name tells.
    #[serde(rename = "content-type")]
    content_type: String,
}

/// What became of each job of a batch, in the order of the request.
#[derive(JsonSchema)]
struct BatchAnswer {
    results: Vec<BatchResult>,
}

/// One of them: a job, or the problem that kept it from being created.
#[derive(JsonSchema)]
struct BatchResult {
    /// The HTTP status that the job alone would have got.
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<JobRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<ProblemRef>,
}

/// What a job would make. What its params do not say is null: nothing has opened the video.
#[derive(JsonSchema)]
struct DryRun {
    #[schemars(extend("const" = true))]
    dry_run: bool,
    #[serde(rename = "type")]
    job_type: JobType,
    output: DryRunOutput,
    /// How many outputs beside the main one.
    further_outputs: u64,
    /// From a video of 1080 lines at 30 frames a second to the largest that may come, without a GPU.
    estimated_render_ms: Option<Range>,
    /// The same in dollars, at the price of a common GPU.
    estimated_cost_usd: Option<Range>,
    /// How long one attempt may take.
    execution_timeout_ms: u64,
}

/// The video that a job would make.
#[derive(JsonSchema)]
struct DryRunOutput {
    width: Option<u32>,
    height: Option<u32>,
    fps: Option<f64>,
    frames: Option<f64>,
    duration_ms: Option<f64>,
}

/// From the least to the most.
#[derive(JsonSchema)]
struct Range {
    least: f64,
    most: f64,
}

/// The stored events of a job.
#[derive(JsonSchema)]
struct JobEvents {
    /// In their order.
    events: Vec<JobMessageRef>,
    /// The `seq` of the newest one, for `after`.
    seq: u64,
}

/// Refers to schemas that stand elsewhere.
macro_rules! references {
    ($($name:ident => $schema:literal,)+) => {
        $(
            struct $name;

            impl JsonSchema for $name {
                fn schema_name() -> std::borrow::Cow<'static, str> {
                    stringify!($name).into()
                }

                fn inline_schema() -> bool {
                    true
                }

                fn json_schema(_: &mut SchemaGenerator) -> schemars::Schema {
                    schemars::json_schema!({ "$ref": concat!("#/components/schemas/", $schema) })
                }
            }
        )+
    };
}

references! {
    JobRef => "Job",
    JobMessageRef => "JobMessage",
    ProblemRef => "Problem",
}

/// It is done.
#[derive(JsonSchema)]
struct Success {
    #[schemars(extend("const" = true))]
    success: bool,
}

/// Whether RunPod's webhook has changed anything.
#[derive(JsonSchema)]
struct WebhookReceipt {
    #[schemars(extend("const" = true))]
    success: bool,
    /// Whether the job still waits for this attempt.
    applied: bool,
}

/// A job, as short as the FastAPI backend says it.
#[derive(JsonSchema)]
struct ExportStarted {
    job_id: JobId,
    status: JobStatus,
    /// The path of its socket, with a token that opens it.
    websocket_url: String,
}

/// The exports that have not ended.
#[derive(JsonSchema)]
struct ActiveExports {
    exports: Vec<ActiveExport>,
}

/// One of them. Members that the FastAPI backend has and this API does not fill are null.
#[derive(JsonSchema)]
struct ActiveExport {
    job_id: JobId,
    project_id: i64,
    project_name: Option<String>,
    #[serde(rename = "type")]
    export_type: JobType,
    status: JobStatus,
    error: Option<String>,
    output_video_id: (),
    output_filename: (),
    #[schemars(extend("format" = "date-time"))]
    created_at: String,
    #[schemars(extend("format" = "date-time"))]
    started_at: Option<String>,
    #[schemars(extend("format" = "date-time"))]
    completed_at: Option<String>,
}

/// A project.
#[derive(JsonSchema)]
struct Project {
    /// As the client numbers it.
    id: i64,
    name: Option<String>,
    /// The video that its overlays are made of.
    working_video_key: Option<String>,
    #[schemars(extend("format" = "date-time"))]
    created_at: String,
    #[schemars(extend("format" = "date-time"))]
    updated_at: String,
}

/// A page of projects, newest first.
#[derive(JsonSchema)]
struct ProjectPage {
    projects: Vec<Project>,
    /// The `cursor` of the next page; null on the last one.
    next_cursor: Option<String>,
}

/// A clip of a project.
#[derive(JsonSchema)]
struct Clip {
    project_id: i64,
    /// From 0 to 999.
    clip_index: u32,
    /// The video it is cut from.
    video_key: String,
    /// Where it starts, in seconds of the video.
    start_time: Option<f64>,
    /// Where it ends.
    end_time: Option<f64>,
    name: Option<String>,
}

/// A project's clips, in the order of their index.
#[derive(JsonSchema)]
struct Clips {
    clips: Vec<Clip>,
}

/// A token for one end user (names as in RFC 6749 5.1).
#[derive(JsonSchema)]
struct Token {
    /// Sent as `Authorization: Bearer`.
    token: String,
    #[schemars(extend("const" = "Bearer"))]
    token_type: String,
    #[schemars(extend("format" = "date-time"))]
    expires_at: String,
    /// How long it is valid.
    expires_in_s: u64,
    /// The user it is for.
    subject: String,
    /// What it allows.
    #[schemars(extend("items" = {"type": "string", "enum": ["read", "write"]}))]
    scopes: Vec<String>,
}

/// The caller's webhooks.
#[derive(JsonSchema)]
struct Webhooks {
    webhooks: Vec<Webhook>,
}

/// A server that hears of jobs.
#[derive(JsonSchema)]
struct Webhook {
    #[schemars(extend("format" = "uuid"))]
    webhook_id: String,
    #[schemars(extend("format" = "uri"))]
    url: String,
    /// What it hears of.
    event_types: Vec<WebhookEventType>,
    description: Option<String>,
    /// Whether anything is sent to it.
    enabled: bool,
    /// Its first failure since its last success.
    #[schemars(extend("format" = "date-time"))]
    failing_since: Option<String>,
    /// When it was switched off.
    #[schemars(extend("format" = "date-time"))]
    disabled_at: Option<String>,
    /// Why: by its owner, after five days of failures, or because it answered 410.
    #[schemars(extend("enum" = ["switched_off", "failing", "gone", null]))]
    disabled_reason: Option<String>,
    /// Until then deliveries are signed with the secret before, too.
    #[schemars(extend("format" = "date-time"))]
    previous_secret_valid_until: Option<String>,
    #[schemars(extend("format" = "date-time"))]
    created_at: String,
    #[schemars(extend("format" = "date-time"))]
    updated_at: String,
    /// What deliveries are signed with. Shown once: when the webhook is made, and when its secret is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

/// What came of a test event.
#[derive(JsonSchema)]
struct WebhookTest {
    /// Whether the receiver answered with 2xx.
    delivered: bool,
    /// The HTTP status of its answer.
    status: Option<u16>,
    /// Why it was not delivered.
    #[schemars(extend("enum" = fault_words()))]
    error: Option<String>,
    duration_ms: u64,
}

/// The secret of deliveries to `webhook_url`.
#[derive(JsonSchema)]
struct WebhookUrlSecret {
    /// `whsec_` and base64.
    secret: String,
}

/// Each event of a job at each webhook that hears of it.
#[derive(JsonSchema)]
struct Deliveries {
    deliveries: Vec<Delivery>,
}

/// An event on its way to a webhook.
#[derive(JsonSchema)]
struct Delivery {
    delivery_id: String,
    job_id: JobId,
    /// Null for the job's own `webhook_url`.
    #[schemars(extend("format" = "uuid"))]
    webhook_id: Option<String>,
    #[serde(rename = "type")]
    event_type: WebhookEventType,
    /// The `seq` of the event.
    seq: u64,
    #[schemars(extend("enum" = ["pending", "sending", "delivered", "failed"]))]
    status: String,
    /// Attempts so far.
    attempts: u32,
    #[schemars(extend("format" = "date-time"))]
    last_attempt_at: Option<String>,
    /// The HTTP status of the last attempt, if there was an answer.
    last_status: Option<u16>,
    /// Why the last attempt failed.
    #[schemars(extend("enum" = fault_words()))]
    last_error: Option<String>,
    /// When it is tried again.
    #[schemars(extend("format" = "date-time"))]
    next_attempt_at: Option<String>,
}

fn fault_words() -> Vec<Option<&'static str>> {
    DeliveryFault::ALL.iter().map(|fault| Some(fault.as_str())).chain([None]).collect()
}

/// The caller's limits, and what of them is used.
#[derive(JsonSchema)]
struct Limits {
    /// Requests of the caller.
    requests: RequestLimit,
    /// Sockets that one job may have.
    sockets_per_job: Limit,
    /// How often one job may be retried by hand.
    retries_by_hand: Limit,
    /// Jobs that have not ended. Only of an end user.
    #[serde(skip_serializing_if = "Option::is_none")]
    jobs_in_flight: Option<UsedLimit>,
    /// Open sockets. Only of an end user.
    #[serde(skip_serializing_if = "Option::is_none")]
    sockets: Option<SocketLimit>,
    /// Bytes that may be uploaded in a day (UTC). Only of an end user.
    #[serde(skip_serializing_if = "Option::is_none")]
    upload_bytes: Option<ByteLimit>,
}

/// Requests in a window of time.
#[derive(JsonSchema)]
struct RequestLimit {
    /// Null for a caller without one.
    limit: Option<u64>,
    /// Length of the window.
    window_s: u64,
    /// In the place that has answered; others count on their own.
    used: u64,
}

/// A number that may not be exceeded.
#[derive(JsonSchema)]
struct Limit {
    limit: u64,
}

/// A limit with what is used of it.
#[derive(JsonSchema)]
struct UsedLimit {
    limit: u64,
    used: u64,
}

/// Sockets of one user.
#[derive(JsonSchema)]
struct SocketLimit {
    limit: u64,
    limit_per_job: u64,
}

/// Bytes in a window of time.
#[derive(JsonSchema)]
struct ByteLimit {
    limit: u64,
    window_s: u64,
    used: u64,
    #[schemars(extend("format" = "date-time"))]
    resets_at: String,
}

/// A page of the audit log, newest first.
#[derive(JsonSchema)]
struct AuditPage {
    entries: Vec<AuditEntry>,
    /// The `cursor` of the next page; null on the last one.
    next_cursor: Option<String>,
}

/// Who changed what.
#[derive(JsonSchema)]
struct AuditEntry {
    #[schemars(extend("format" = "date-time"))]
    at: String,
    /// The request's name in the logs.
    request_id: String,
    /// The name of a service's key, `user`, or `uploader` for the holder of an upload.
    caller: String,
    /// A fingerprint of the end user that the caller is, or acts for.
    owner: Option<String>,
    /// Method and path.
    route: String,
    /// The id of what was changed.
    target: String,
    /// The HTTP status of the answer.
    status: u16,
}

/// Tokens and links of a user that are worth nothing now.
#[derive(JsonSchema)]
struct RevokedTokens {
    #[schemars(extend("format" = "date-time"))]
    revoked_at: String,
    /// Jobs that had not ended.
    open_jobs: u64,
}

/// What one request has erased of a user.
#[derive(JsonSchema)]
struct ErasedOwner {
    /// Whether all is gone. Repeat the request until it is.
    done: bool,
    removed: ErasedCounts,
}

/// How much of each kind.
#[derive(JsonSchema)]
struct ErasedCounts {
    jobs: u64,
    videos: u64,
    projects: u64,
    clips: u64,
}

/// An API that works.
#[derive(JsonSchema)]
struct Health {
    #[schemars(extend("const" = "ok"))]
    status: String,
    /// The environment's name.
    env: String,
    /// Release and revision.
    version: String,
    /// Whether renders can start.
    runpod: bool,
    /// Whether callers must show a key.
    api_key: bool,
    /// In development without a key: what that means.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
}

/// An API that lacks settings.
#[derive(JsonSchema)]
struct NotConfigured {
    #[schemars(extend("const" = "not_configured"))]
    status: String,
    version: String,
    /// Which ones, for those who may know.
    detail: String,
}

/// Adds every type to the generator's definitions.
pub fn add(generator: &mut SchemaGenerator) {
    generator.subschema_for::<UploadUrl>();
    generator.subschema_for::<BatchAnswer>();
    generator.subschema_for::<DryRun>();
    generator.subschema_for::<JobEvents>();
    generator.subschema_for::<Success>();
    generator.subschema_for::<WebhookReceipt>();
    generator.subschema_for::<ExportStarted>();
    generator.subschema_for::<ActiveExports>();
    generator.subschema_for::<ProjectPage>();
    generator.subschema_for::<Clips>();
    generator.subschema_for::<Token>();
    generator.subschema_for::<Limits>();
    generator.subschema_for::<Webhooks>();
    generator.subschema_for::<WebhookTest>();
    generator.subschema_for::<WebhookUrlSecret>();
    generator.subschema_for::<Deliveries>();
    generator.subschema_for::<AuditPage>();
    generator.subschema_for::<RevokedTokens>();
    generator.subschema_for::<ErasedOwner>();
    generator.subschema_for::<Health>();
    generator.subschema_for::<NotConfigured>();
}
