//! Jobs: parse, ask the job's object, answer.

use reel_core::base::id::JobId;
use reel_core::base::object_key::ObjectKey;
use reel_core::base::object_version::ObjectVersion;
use reel_core::http::access::{KeyAccess, key_access};
use reel_core::http::filmstrip::filmstrip_vtt;
use reel_core::http::problem::{Problem, ProblemCode};
use reel_core::http::problems::missing_inputs_problem;
use reel_core::http::requests::batch::{BatchRequest, batch_json, key_of_job};
use reel_core::http::requests::jobs::{CreateJobRequest, idempotency_key, is_dry_run};
use reel_core::http::subprotocol::OfferedProtocols;
use reel_core::job::estimate::dry_run_json;
use reel_core::job::execution_timeout::EXECUTION_TIMEOUT_MIN;
use reel_core::job::spec::{JobSpec, ProjectExport};
use reel_core::objects::job::{JobCommand, JobReply};
use reel_core::objects::job_view::RESULT_URL_LIFETIME;
use reel_core::objects::subscribe::{SocketProtocol, SubscribeRequest};
use reel_core::objects::webhook_delivery::reach;
use reel_core::sql::jobs::{JobListQuery, JobRow};
use reel_core::wire::job_list::to_page_json;

use super::{HandlerResponse, RequestContext};
use crate::index;
use crate::limits;
use crate::objects::{call_job, subscribe_to_job};
use crate::platform::bucket::{Head, heads};
use crate::platform::http::HttpResponse;
use crate::platform::{clock, env};

/// `POST /api/jobs`.
pub async fn create(context: &RequestContext<'_>) -> Result<HandlerResponse, Problem> {
    let named_by_key = job_id_from_idempotency_key(context)?;
    let is_dry_run = is_dry_run(context.call.query("dry_run"))?;
    let body = context.call.body(BODY_MAX_BYTES).await?;
    let new = CreateJobRequest::parse(&body, reach(&context.config))?;
    if is_dry_run {
        return dry_run(context, &new).await;
    }
    let body = create_job(context, new, None, named_by_key).await?;
    Ok(HandlerResponse::Answer(HttpResponse::json(201, body)))
}

/// Checks all that [`create_job`] checks, and says what the job would make.
async fn dry_run(context: &RequestContext<'_>, new: &CreateJobRequest) -> Result<HandlerResponse, Problem> {
    let (found, missing) = find_inputs(context, new).await?;
    if !missing.is_empty() {
        return Err(Problem::inputs_not_found(&missing));
    }
    limits::admit_job(context).await?;
    let edit = new.edit.as_ref().ok_or_else(Problem::internal)?;
    let input_bytes = found.iter().map(|version| version.bytes).sum();
    let body = dry_run_json(edit, input_bytes);
    Ok(HandlerResponse::Answer(HttpResponse::json(200, body)))
}

/// `POST /api/jobs/batch`: one after the other, so that each counts for the limits of the next.
pub async fn create_batch(context: &RequestContext<'_>) -> Result<HandlerResponse, Problem> {
    let key = context.call.header("idempotency-key");
    let key = key.as_deref().map(idempotency_key).transpose()?;
    let batch = BatchRequest::parse(&context.call.body(BATCH_MAX_BYTES).await?, reach(&context.config))?;
    let owner = context.owner().map(|owner| owner.to_string());
    let (mut answers, mut created) = (Vec::with_capacity(batch.jobs.len()), Vec::new());
    for (index, job) in batch.jobs.into_iter().enumerate() {
        let id = |key| context.config.id_key.derive_job_id(owner.as_deref(), &key_of_job(key, index));
        answers.push(match job {
            Ok(job) => create_job(context, job, None, key.map(id)).await,
            Err(problem) => Err(problem),
        });
        created.push(context.changed.take());
    }
    context.set_changed(created.join(" ").trim().to_owned());
    Ok(HandlerResponse::Answer(HttpResponse::json(200, batch_json(&answers, context.request_id))))
}

/// The job that an `Idempotency-Key` stands for.
pub fn job_id_from_idempotency_key(context: &RequestContext<'_>) -> Result<Option<JobId>, Problem> {
    let key = context.call.header("idempotency-key");
    let key = key.as_deref().map(idempotency_key).transpose()?;
    let owner = context.owner().map(|owner| owner.to_string());
    Ok(key.map(|key| context.config.id_key.derive_job_id(owner.as_deref(), key)))
}

/// Hands a new job to its object, and gives the job JSON.
pub async fn create_job(
    context: &RequestContext<'_>,
    new: CreateJobRequest,
    export: Option<ProjectExport>,
    named_by_key: Option<JobId>,
) -> Result<String, Problem> {
    // In development the job waits and says so.
    if context.config.runpod.is_none() && !context.config.development {
        return Err(Problem::new(
            ProblemCode::NotConfigured,
            "Exports are disabled: RUNPOD_ENDPOINT is not configured.",
        ));
    }
    let named = new.job_id.or(named_by_key);
    let id = named.unwrap_or_else(clock::job_id);
    let (input_versions, missing) = find_inputs(context, &new).await?;
    let input_bytes = input_versions.iter().map(|version| version.bytes).sum();
    let execution_timeout =
        new.workload.as_ref().map_or(EXECUTION_TIMEOUT_MIN, |work| work.execution_timeout(input_bytes));
    let spec = JobSpec {
        id,
        owner: context.owner(),
        project_id: new.project_id,
        job_type: new.job_type,
        input_key: new.input_key.clone(),
        extra_inputs: new.clip_videos.iter().map(|(_, key)| key.clone()).collect(),
        input_versions,
        params: new.params.clone(),
        execution_timeout,
        companions: new.companions.clone(),
        labels: new.labels.clone(),
        webhook_url: new.webhook_url.clone(),
        created_at: clock::now(),
        export,
    };
    let refusal = match missing.as_slice() {
        [] => limits::admit_job(context).await.err(),
        missing => Some(missing_inputs_problem(&spec, missing)),
    };
    if named.is_none()
        && let Some(refusal) = refusal
    {
        return Err(refusal);
    }
    context.set_changed(id.to_string());
    let may_begin = refusal.is_none();
    let command = JobCommand::Create { spec, inputs_found: may_begin };
    match (call_job(context.env, id, context.subject(), context.visibility(), &command).await?, refusal) {
        // The object knows only that it must not begin; here it is known why.
        (JobReply::InputsMissing, Some(refusal)) => Err(refusal),
        (reply, _) => reply.into_body(),
    }
}

/// What each video of a job is now, and those that are not there.
async fn find_inputs<'n>(
    context: &RequestContext<'_>,
    new: &'n CreateJobRequest,
) -> Result<(Vec<ObjectVersion>, Vec<(String, &'n ObjectKey)>), Problem> {
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    // One after the other: nearly every job has one, and a reel's few take milliseconds each.
    for input in new.inputs() {
        match find_usable(context, input.1).await? {
            Some(version) => found.push(version),
            None => missing.push(input),
        }
    }
    Ok((found, missing))
}

/// What a video is now, if it is there for the caller. Of another owner's the bucket is not asked, and of a
/// result only the version counts that was verified.
pub async fn find_usable(
    context: &RequestContext<'_>,
    key: &ObjectKey,
) -> Result<Option<ObjectVersion>, Problem> {
    match key_access(key, context.visibility()) {
        KeyAccess::Granted => find_in_bucket(context, key).await,
        KeyAccess::Hidden => Ok(None),
        KeyAccess::OutputOf(job) => {
            let Some(verified) = verified_etag(context, job, key).await? else { return Ok(None) };
            let found = find_in_bucket(context, key).await?;
            Ok(found.filter(|found| verified.is_empty() || found.etag == verified))
        }
    }
}

/// The tag that was verified, if the caller sees this job and it made this file; empty if none was kept.
pub async fn verified_etag(
    context: &RequestContext<'_>,
    job: JobId,
    key: &ObjectKey,
) -> Result<Option<String>, Problem> {
    let command = JobCommand::HasOutput { key: key.as_str().to_owned(), reader: context.reader() };
    match call_job(context.env, job, context.subject(), context.visibility(), &command).await? {
        JobReply::HasOutput(etag) => Ok(Some(etag)),
        JobReply::Problem(problem) => Err(problem),
        _ => Ok(None),
    }
}

/// What an object is now, if it is there.
pub async fn find_in_bucket(
    context: &RequestContext<'_>,
    key: &ObjectKey,
) -> Result<Option<ObjectVersion>, Problem> {
    let unavailable = |cause: worker::Error| unavailable(context, "the bucket", &cause);
    match heads(context.env, &[key.as_str()]).await.map_err(unavailable)?.pop() {
        Some(Head::Found(etag, bytes)) => Ok(Some(ObjectVersion { etag, bytes })),
        Some(Head::Missing) => Ok(None),
        Some(Head::Failed(cause)) => Err(unavailable(cause.into())),
        None => Err(Problem::internal()),
    }
}

/// `GET /api/jobs`.
pub async fn list(context: &RequestContext<'_>) -> Result<HandlerResponse, Problem> {
    let listing = JobListQuery::parse(context.call.query_string())?;
    let database = env::database(context.env)?;
    let rows = index::query(&database, listing.select_statement(context.visibility())).await;
    let rows = rows.map_err(|cause| unavailable(context, "the index", &cause))?;
    let rows = JobRow::parse_all(&rows).map_err(|_| Problem::internal())?;
    let page = to_page_json(&listing, rows, &context.config.presigner, RESULT_URL_LIFETIME, clock::now());
    Ok(HandlerResponse::Answer(HttpResponse::json(200, page)))
}

/// `GET /api/jobs/{id}/ws` and `GET /ws/export/{id}`.
pub async fn subscribe(
    context: &RequestContext<'_>,
    id: JobId,
    protocol: SocketProtocol,
) -> Result<HandlerResponse, Problem> {
    if !context.call.wants_websocket() {
        return Err(Problem::new(
            ProblemCode::UpgradeRequired,
            "This endpoint requires a WebSocket upgrade. To poll instead, use GET /api/jobs/{id}.",
        ));
    }
    let request = SubscribeRequest {
        protocol,
        after: parse_after(context)?,
        visibility: context.visibility(),
        reader: context.reader(),
    };
    let offered = context.call.header("sec-websocket-protocol");
    let answer_subprotocol = offered.is_some_and(|offered| OfferedProtocols::parse(&offered).ours);
    let socket = subscribe_to_job(context.env, id, context.subject(), request, answer_subprotocol).await?;
    Ok(HandlerResponse::Raw(socket))
}

/// Sends a command to a job's object and answers with what it replied.
pub async fn command(
    context: &RequestContext<'_>,
    id: JobId,
    command: &JobCommand,
) -> Result<HandlerResponse, Problem> {
    let reply = call_job(context.env, id, context.subject(), context.visibility(), command).await?;
    let body = reply.into_body()?;
    Ok(HandlerResponse::Answer(HttpResponse::json(200, body)))
}

/// `GET /api/jobs/{id}/filmstrip.vtt`.
pub async fn filmstrip(context: &RequestContext<'_>, id: JobId) -> Result<HandlerResponse, Problem> {
    let command = JobCommand::Get { job_type: None, reader: context.reader() };
    let reply = call_job(context.env, id, context.subject(), context.visibility(), &command).await?;
    filmstrip_vtt(&reply.into_body()?).map(|vtt| HandlerResponse::Answer(HttpResponse::vtt(vtt)))
}

/// `?after=N`, the number of the last event that the caller has.
pub fn parse_after(context: &RequestContext<'_>) -> Result<Option<u64>, Problem> {
    context
        .call
        .query("after")
        .map(|text| {
            text.parse().map_err(|_| {
                Problem::new(
                    ProblemCode::InvalidRequest,
                    "The query parameter `after` must be an integer: the `seq` of the last event you received.",
                )
            })
        })
        .transpose()
}

/// Something did not answer: logged once, told as a pause.
pub(super) fn unavailable(context: &RequestContext<'_>, what: &str, cause: &worker::Error) -> Problem {
    crate::objects::unavailable(context.subject(), what, cause)
}

/// 1 MiB.
pub const BODY_MAX_BYTES: usize = 1024 * 1024;
/// Edits of many jobs are small; those with ten thousand keyframes come one by one.
const BATCH_MAX_BYTES: usize = 4 * 1024 * 1024;
