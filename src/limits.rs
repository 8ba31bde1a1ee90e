//! Limits: counts what callers do, and asks the index what owners have. What is allowed is the core's.

use std::cell::RefCell;

use reel_core::base::owner::OwnerId;
use reel_core::base::sorted_map::SortedMap;
use reel_core::base::time::{DurationMs, Timestamp};
use reel_core::config::limits::Limits;
use reel_core::http::access::Caller;
use reel_core::http::problem::Problem;
use reel_core::http::quotas::{day, request_limit, too_many_bytes, too_many_jobs};
use reel_core::http::request_counter::{Counted, RequestCounter};
use reel_core::sql::owners::{add_upload_bytes, count_open_jobs, select_upload_bytes};
use reel_core::sql::statement::SqlStatement;

use crate::api::RequestContext;
use crate::index;
use crate::platform::timeout::{BINDING, with_timeout};
use crate::platform::{clock, env};

#[derive(Default)]
struct Counts {
    requests: RequestCounter,
    refusals: RequestCounter,
    /// Whether a credential was refused here: only then is an address looked at.
    refused: bool,
    /// Open jobs of owners, and when the index was asked.
    open_jobs: SortedMap<OwnerId, (u64, Timestamp)>,
}

thread_local! {
    // Never borrowed over an await.
    static COUNTS: RefCell<Counts> = RefCell::default();
}

/// Counts a request of an authorized caller.
///
/// # Errors
/// 429 above the limit of requests in a minute.
pub async fn admit_request(context: &RequestContext<'_>) -> Result<(), Problem> {
    let Some((caller, limit)) = request_limit(&context.caller, &context.config.limits) else { return Ok(()) };
    let now = clock::now();
    let refusal = |counter: &RequestCounter| counter.refusal(&caller, Counted::Requests, limit, now);
    let used = COUNTS.with_borrow_mut(|counts| {
        let used = counts.requests.count(&caller, now);
        if used > limit { Err(refusal(&counts.requests)) } else { Ok(used) }
    })?;
    // The platform's limiter sees all isolates of a place. It has the limit of users, and whoever calls rarely
    // is not asked about.
    if context.owner().is_some()
        && used > limit / PLATFORM_ASKED_FROM
        && let Some(limiter) = env::rate_limiter(context.env)
        && let Ok(outcome) = with_timeout(BINDING, limiter.limit(caller.clone())).await
        && !outcome.success
    {
        return Err(COUNTS.with_borrow(|counts| refusal(&counts.requests)));
    }
    Ok(())
}

/// Counts a request of an authorized caller who is so far below the limit that nobody else needs to be asked.
/// Otherwise nothing is counted.
pub fn admit_at_once(caller: &Caller, limits: &Limits) -> bool {
    let Some((name, limit)) = request_limit(caller, limits) else { return true };
    let max = if caller.visibility().owner().is_some() { limit / PLATFORM_ASKED_FROM } else { limit };
    COUNTS.with_borrow_mut(|counts| counts.requests.count_up_to(&name, max, clock::now()))
}

/// Whether a credential was refused in this isolate: only then addresses are looked at.
pub fn has_refused() -> bool {
    COUNTS.with_borrow(|counts| counts.refused)
}

/// How many requests the caller has made in this minute.
pub fn requests_used(context: &RequestContext<'_>) -> u32 {
    let Some((caller, _)) = request_limit(&context.caller, &context.config.limits) else { return 0 };
    COUNTS.with_borrow(|counts| counts.requests.used(&caller, clock::now()))
}

/// Whether more credentials may be tried from this address.
///
/// # Errors
/// 429 after too many that were refused.
pub fn admit_address(address: impl FnOnce() -> String, limit: u32) -> Result<(), Problem> {
    COUNTS.with_borrow(|counts| {
        if !counts.refused {
            return Ok(());
        }
        let (address, now) = (address(), clock::now());
        if counts.refusals.used(&address, now) < limit {
            return Ok(());
        }
        Err(counts.refusals.refusal(&address, Counted::Refusals, limit, now))
    })
}

/// Counts a credential that was refused.
pub fn count_refusal(address: &str) {
    COUNTS.with_borrow_mut(|counts| {
        counts.refused = true;
        counts.refusals.count(address, clock::now());
    });
}

/// Whether an owner may have one more job. The index is asked at most every ten seconds; in between this
/// isolate counts what it creates.
///
/// # Errors
/// 429 with as many open jobs as are allowed.
pub async fn admit_job(context: &RequestContext<'_>) -> Result<(), Problem> {
    let Some(owner) = context.owner() else { return Ok(()) };
    let (limit, now) = (context.config.limits.jobs_in_flight, clock::now());
    let known = COUNTS.with_borrow(|counts| counts.open_jobs.get(&owner).copied());
    let open = match known {
        Some((open, at)) if open < u64::from(limit) && now.since(at).0 < KNOWN_FOR.0 => open,
        _ => open_jobs(context, owner).await?,
    };
    if open >= u64::from(limit) {
        return Err(too_many_jobs(limit));
    }
    COUNTS.with_borrow_mut(|counts| {
        if counts.open_jobs.len() >= OWNERS_MAX {
            counts.open_jobs.clear();
        }
        let at = known.map_or(now, |(_, at)| if now.since(at).0 < KNOWN_FOR.0 { at } else { now });
        counts.open_jobs.insert(owner, (open + 1, at));
    });
    Ok(())
}

/// How many jobs of an owner have not ended, by the index.
pub async fn open_jobs(context: &RequestContext<'_>, owner: OwnerId) -> Result<u64, Problem> {
    let since = clock::now() - OPEN_AT_MOST;
    Ok(number(context, count_open_jobs(owner, since), "count").await?.unwrap_or(0))
}

/// Counts the bytes of an upload that an owner begins.
///
/// # Errors
/// 429 when it would be more than is allowed in a day.
pub async fn admit_upload(context: &RequestContext<'_>, bytes: u64) -> Result<(), Problem> {
    let Some(owner) = context.owner() else { return Ok(()) };
    let (limit, now) = (context.config.limits.upload_bytes_per_day, clock::now());
    match number(context, add_upload_bytes(owner, day(now), bytes, limit), "bytes").await? {
        Some(_) => Ok(()),
        None => Err(too_many_bytes(limit, now)),
    }
}

/// What an owner has begun to upload today.
pub async fn uploaded_today(context: &RequestContext<'_>, owner: OwnerId) -> Result<u64, Problem> {
    let statement = select_upload_bytes(owner, day(clock::now()));
    Ok(number(context, statement, "bytes").await?.unwrap_or(0))
}

/// The number of this name in the only row, if there is one.
async fn number(
    context: &RequestContext<'_>,
    statement: SqlStatement,
    name: &str,
) -> Result<Option<u64>, Problem> {
    let database = env::database(context.env)?;
    let rows = index::query(&database, statement).await;
    let rows = rows.map_err(|cause| crate::objects::unavailable(context.subject(), "the index", &cause))?;
    let row: Option<serde_json::Value> = rows.first().and_then(|row| serde_json::from_str(row).ok());
    Ok(row.and_then(|row| row.get(name)?.as_u64()))
}

/// The platform's limiter is asked about users above this part of their limit.
const PLATFORM_ASKED_FROM: u32 = 10;
const KNOWN_FOR: DurationMs = DurationMs::seconds(10);
/// A job waits a day for an operator at most, and then for its attempts.
pub const OPEN_AT_MOST: DurationMs = DurationMs::minutes(3 * 24 * 60);
const OWNERS_MAX: usize = 10_000;
