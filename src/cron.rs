//! The scheduled sweep: finds rows whose object disagrees, and inputs that nobody needs any more.
//!
//! Invariant: it decides nothing about jobs. It shows an object its row; the object knows what is true.

use reel_core::auth::revocation::REVOCATIONS_KEPT;
use reel_core::base::owner::Visibility;
use reel_core::base::time::{DurationMs, Timestamp};
use reel_core::http::problem::Problem;
use reel_core::http::quotas::day;
use reel_core::job::retention::input_expired;
use reel_core::objects::job::JobCommand;
use reel_core::objects::log_event::{LogEvent, LogSubject};
use reel_core::objects::reconcile::{RowAction, row_action};
use reel_core::sql::audit::delete_audit_entries;
use reel_core::sql::jobs::{OpenJobRow, delete_job, select_open_jobs};
use reel_core::sql::owners::{delete_revocations, delete_upload_bytes};
use reel_core::sql::references::select_inputs_in_use;
use worker::{Env, Include, Result};

use crate::index;
use crate::objects::call_job;
use crate::platform::log::log;
use crate::platform::timeout::{BINDING, with_timeout};
use crate::platform::{clock, env};

/// One run. Each part is bounded, so that the next run goes on where this one stopped.
pub async fn run(env: &Env) {
    if let Err(problem) = reconcile_open_jobs(env).await {
        log(LogSubject::Sweep, LogEvent::SweepFailed, &format!("reconciling rows: {}", problem.detail));
    }
    if let Err(problem) = forget(env).await {
        log(LogSubject::Sweep, LogEvent::SweepFailed, &format!("forgetting: {}", problem.detail));
    }
    if let Err(problem) = expire_inputs(env).await {
        log(LogSubject::Sweep, LogEvent::SweepFailed, &format!("expiring inputs: {}", problem.detail));
    }
}

/// Removes lines of the audit log that are older than the setting, counts of earlier days, and revocations of
/// tokens that have ended.
async fn forget(env: &Env) -> std::result::Result<(), Problem> {
    let (database, now) = (env::database(env)?, clock::now());
    let kept = DurationMs::minutes(i64::from(env::config(env)?.limits.audit_days) * 24 * 60);
    let old = vec![
        delete_audit_entries(now - kept, ROWS_PER_RUN * 10),
        delete_upload_bytes(day(now)),
        delete_revocations(now - REVOCATIONS_KEPT),
    ];
    logged("the index", index::write(&database, old)).await.map(|_| ())
}

/// Shows every job that has been open for a while its row; that wakes an object that was left asleep too.
async fn reconcile_open_jobs(env: &Env) -> std::result::Result<(), Problem> {
    let database = env::database(env)?;
    let open = select_open_jobs(clock::now() - RECONCILE_AFTER, ROWS_PER_RUN);
    let rows = logged("the index", index::query(&database, open)).await?;
    let mut removed = 0;
    for OpenJobRow { id, version } in rows.iter().filter_map(|row| OpenJobRow::parse(row)) {
        let command = JobCommand::Reconcile { version };
        let asked = with_timeout(BINDING, async {
            Ok(row_action(&call_job(env, id, LogSubject::Sweep, Visibility::All, &command).await))
        });
        match asked.await.unwrap_or(RowAction::AskAgain) {
            RowAction::Remove => {
                logged("the index", index::write(&database, delete_job(id))).await?;
                removed += 1;
            }
            RowAction::Keep | RowAction::AskAgain => {}
        }
    }
    if !rows.is_empty() {
        let detail = format!("{} rows of open jobs, {removed} without a job removed", rows.len());
        log(LogSubject::Sweep, LogEvent::RowsReconciled, &detail);
    }
    Ok(())
}

/// Deletes inputs older than their retention. It looks at one page from a random place on: over the
/// runs every key comes up, and no run takes long.
async fn expire_inputs(env: &Env) -> std::result::Result<(), Problem> {
    let (bucket, database) = (env::videos(env)?, env::database(env)?);
    let from = format!("input/{}", clock::job_id().to_string().get(..4).unwrap_or_default());
    let page =
        bucket.list().prefix("input/").start_after(from).limit(PAGE).include(Vec::<Include>::new()).execute();
    let now = clock::now();
    let mut expired = Vec::new();
    for object in logged("the bucket", page).await?.objects() {
        let uploaded = i64::try_from(object.uploaded().as_millis()).unwrap_or(i64::MAX);
        if !input_expired(Timestamp(uploaded), now) {
            continue;
        }
        expired.push(object.key());
    }
    if expired.is_empty() {
        return Ok(());
    }
    let in_use = index::query(&database, select_inputs_in_use(expired.clone()));
    let in_use = logged("the index", in_use).await?;
    expired.retain(|key| !in_use.contains(key));
    if expired.is_empty() {
        return Ok(());
    }
    log(LogSubject::Sweep, LogEvent::InputsExpired, &format!("{} inputs deleted", expired.len()));
    logged("the bucket", bucket.delete_multiple(expired)).await
}

async fn logged<T>(what: &str, answer: impl Future<Output = Result<T>>) -> std::result::Result<T, Problem> {
    with_timeout(BINDING, answer).await.map_err(|cause| {
        log(LogSubject::Sweep, LogEvent::SweepFailed, &format!("{what} did not answer: {cause}"));
        Problem::internal()
    })
}

/// A job's own alarm needs no help before that.
const RECONCILE_AFTER: DurationMs = DurationMs::minutes(5);
/// Requests to objects in one run; a Worker may make 1,000.
const ROWS_PER_RUN: u32 = 200;
/// A page of the bucket's listing.
const PAGE: u32 = 200;
