//! What services do with users as a whole: read the audit log, revoke the tokens of one user, erase one user.

use reel_core::base::id::JobId;
use reel_core::base::owner::{OwnerId, Visibility};
use reel_core::http::problem::Problem;
use reel_core::http::requests::audit::owner_of_path;
use reel_core::objects::job::{JobCommand, JobReply};
use reel_core::sql::audit::AuditQuery;
use reel_core::sql::owners::{
    delete_rows_of, revoke_tokens as revoke_tokens_of, select_jobs_of, select_open_jobs_of,
};
use worker::Include;

use super::jobs::unavailable;
use super::projects::ask;
use super::{HandlerResponse, RequestContext};
use crate::limits::OPEN_AT_MOST;
use crate::objects::call_job;
use crate::platform::http::HttpResponse;
use crate::platform::timeout::{BINDING, with_timeout};
use crate::platform::{clock, env};
use crate::users::note_revocation;

/// `GET /api/audit`.
pub async fn audit(context: &RequestContext<'_>) -> Result<HandlerResponse, Problem> {
    let query = AuditQuery::parse(context.call.query_string(), &context.config.id_key)?;
    let rows = ask(context, vec![query.select_statement()]).await?.pop().unwrap_or_default();
    Ok(HandlerResponse::Answer(HttpResponse::json(200, query.page_json(rows))))
}

/// `DELETE /api/owners/{subject}`: jobs with their files, uploads, then rows. One request does a bounded
/// part; `done` says whether all is gone, and a repeated request goes on.
pub async fn delete(context: &RequestContext<'_>, subject: &str) -> Result<HandlerResponse, Problem> {
    let owner = owner_of_path(subject, &context.config.id_key)?;
    context.set_changed(owner.to_string());
    // Rows first: they name files, and what is named is not deleted with its job.
    let removed = ask(context, delete_rows_of(owner)).await?;
    let count = |index: usize| removed.get(index).map_or(0, Vec::len);
    let (jobs, all_jobs) = delete_jobs(context, owner).await?;
    let (videos, all_videos) = if all_jobs { delete_uploads(context, owner).await? } else { (0, false) };
    let body = serde_json::json!({
        "done": all_jobs && all_videos,
        "removed": { "jobs": jobs, "videos": videos, "projects": count(0), "clips": count(2) },
    });
    Ok(HandlerResponse::Answer(HttpResponse::json(200, body.to_string())))
}

/// `POST /api/owners/{subject}/revoke-tokens`: no token that the user has is accepted any more, links to the
/// user's open jobs are worth nothing, and open sockets are closed, for the newest jobs up to
/// [`REVOKED_JOBS_MAX`]; the links of others end within the hour. It may be repeated.
pub async fn revoke_tokens(context: &RequestContext<'_>, subject: &str) -> Result<HandlerResponse, Problem> {
    let owner = owner_of_path(subject, &context.config.id_key)?;
    context.set_changed(owner.to_string());
    let now = clock::now();
    ask(context, vec![revoke_tokens_of(owner, now)]).await?;
    note_revocation(owner, now);
    let open = select_open_jobs_of(owner, now - OPEN_AT_MOST, REVOKED_JOBS_MAX);
    let rows = ask(context, vec![open]).await?.pop().unwrap_or_default();
    let revoke = JobCommand::RevokeLinks { of_users: true };
    for id in rows.iter().filter_map(|row| row.parse::<JobId>().ok()) {
        call_job(context.env, id, context.subject(), Visibility::Owner(owner), &revoke).await?;
    }
    let body = serde_json::json!({ "revoked_at": now.iso(), "open_jobs": rows.len() });
    Ok(HandlerResponse::Answer(HttpResponse::json(200, body.to_string())))
}

/// Cancels and deletes jobs; answers how many, and whether these were all.
async fn delete_jobs(context: &RequestContext<'_>, owner: OwnerId) -> Result<(usize, bool), Problem> {
    let rows = ask(context, vec![select_jobs_of(owner, JOBS_PER_REQUEST)]).await?.pop().unwrap_or_default();
    let found = rows.len();
    let mut deleted = 0;
    for id in rows.iter().filter_map(|row| row.parse::<JobId>().ok()) {
        let command = |command| async move {
            call_job(context.env, id, context.subject(), Visibility::Owner(owner), &command).await
        };
        // A job that has ended already refuses this, which is as good.
        command(JobCommand::Cancel).await?;
        match command(JobCommand::Delete).await? {
            JobReply::Deleted => deleted += 1,
            // The sweep removes a row without a job.
            JobReply::NotFound => {}
            reply => {
                reply.into_body()?;
            }
        }
    }
    Ok((deleted, found < usize::try_from(JOBS_PER_REQUEST).unwrap_or(0)))
}

/// Deletes what the owner has uploaded; answers how much, and whether that was all.
async fn delete_uploads(context: &RequestContext<'_>, owner: OwnerId) -> Result<(usize, bool), Problem> {
    let bucket = env::videos(context.env)?;
    let listing = bucket
        .list()
        .prefix(format!("input/{owner}/"))
        .limit(UPLOADS_PER_REQUEST)
        .include(Vec::<Include>::new())
        .execute();
    let page = with_timeout(BINDING, listing).await;
    let page = page.map_err(|cause| unavailable(context, "the bucket", &cause))?;
    let keys: Vec<String> = page.objects().iter().map(worker::Object::key).collect();
    let count = keys.len();
    if count > 0 {
        let deletion = with_timeout(BINDING, bucket.delete_multiple(keys)).await;
        deletion.map_err(|cause| unavailable(context, "the bucket", &cause))?;
    }
    Ok((count, !page.truncated()))
}

/// Each is two requests to an object; a Worker may make 1,000.
const JOBS_PER_REQUEST: u32 = 100;
/// Each is one request to an object.
const REVOKED_JOBS_MAX: u32 = 900;
/// What R2 deletes at once.
const UPLOADS_PER_REQUEST: u32 = 1_000;
