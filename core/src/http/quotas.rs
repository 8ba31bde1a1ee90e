//! What an owner may have at once and in a day, and the answers of `GET /api/limits`.

use serde_json::json;

use crate::base::time::Timestamp;
use crate::config::limits::Limits;
use crate::http::access::Caller;
use crate::http::problem::{Problem, ProblemCode, ReachedLimit};
use crate::job::state::Job;

/// What of a caller's limits is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitUsage {
    /// Requests in this minute, in the isolate that was asked.
    pub requests: u32,
    /// Jobs that have not ended; `None` for a service, which has no such limit.
    pub jobs_in_flight: Option<u64>,
    /// Bytes that were begun to be uploaded today; `None` for a service.
    pub upload_bytes: Option<u64>,
}

/// The name under which a caller's requests are counted, and how many it may make in a minute. `None` for
/// callers whose link is the limit.
pub fn request_limit(caller: &Caller, limits: &Limits) -> Option<(String, u32)> {
    match caller {
        Caller::User(_, owner) | Caller::Service { acting_for: Some(owner), .. } => {
            Some((owner.to_string(), limits.requests_per_minute))
        }
        // No owner's name has a colon.
        Caller::Service { name, acting_for: None } => {
            Some((format!("service:{name}"), limits.service_requests_per_minute))
        }
        Caller::Anyone | Caller::Watcher(_) | Caller::Attempt(_) | Caller::Uploader(_) => None,
    }
}

/// The answer of `GET /api/limits`.
pub fn limits_json(caller: &Caller, limits: &Limits, usage: &LimitUsage, now: Timestamp) -> String {
    let requests = request_limit(caller, limits).map(|(_, limit)| limit);
    let mut json = json!({
        "requests": { "limit": requests, "window_s": 60, "used": usage.requests },
        "sockets_per_job": { "limit": limits.sockets_per_job },
        "retries_by_hand": { "limit": limits.retries_by_hand },
    });
    if let (Some(used), Some(json)) = (usage.jobs_in_flight, json.as_object_mut()) {
        json.insert("jobs_in_flight".to_owned(), json!({ "limit": limits.jobs_in_flight, "used": used }));
        let (limit, per_job) = (limits.sockets_per_owner, limits.sockets_of_owner_per_job());
        json.insert("sockets".to_owned(), json!({ "limit": limit, "limit_per_job": per_job }));
    }
    if let (Some(used), Some(json)) = (usage.upload_bytes, json.as_object_mut()) {
        let resets_at = Timestamp((day(now) + 1) * DAY_MS).iso();
        let limit = limits.upload_bytes_per_day;
        let bytes =
            json!({ "limit": limit, "window_s": DAY_MS / 1000, "used": used, "resets_at": resets_at });
        json.insert("upload_bytes".to_owned(), bytes);
    }
    json.to_string()
}

/// The day of a moment: days since 1970 (UTC).
pub const fn day(now: Timestamp) -> i64 {
    now.0.div_euclid(DAY_MS)
}

/// An owner has as many open jobs as one may have.
pub fn too_many_jobs(limit: u32) -> Problem {
    let detail =
        format!("You have {limit} exports in progress, which is the limit. Wait until one has ended.");
    let limit = ReachedLimit { name: "jobs_in_flight", limit: limit.into(), window_s: 60, retry_after_s: 60 };
    Problem { limit: Some(limit), ..Problem::new(ProblemCode::LimitReached, detail) }
}

/// An upload would be more than an owner may send in a day.
pub fn too_many_bytes(limit: u64, now: Timestamp) -> Problem {
    let left_ms = (day(now) + 1) * DAY_MS - now.0;
    let retry_after_s = u64::try_from(left_ms).unwrap_or(0).div_ceil(1000);
    let detail = format!(
        "This upload would exceed the {limit} bytes that you may send in a day. Try again tomorrow (UTC)."
    );
    let limit =
        ReachedLimit { name: "upload_bytes", limit, window_s: DAY_MS.unsigned_abs() / 1000, retry_after_s };
    Problem { limit: Some(limit), ..Problem::new(ProblemCode::LimitReached, detail) }
}

/// Whether a job may be retried by hand once more.
///
/// # Errors
/// 429 when it was as often as is allowed; waiting does not help.
pub fn admit_retry(job: &Job, limits: &Limits) -> Result<(), Problem> {
    if job.retries_by_hand < limits.retries_by_hand {
        return Ok(());
    }
    let limit = limits.retries_by_hand;
    Err(Problem::new(
        ProblemCode::LimitReached,
        format!("This export was retried {limit} times, which is the limit. Create a new one."),
    ))
}

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::id::JobId;
    use crate::base::owner::OwnerId;

    const NOW: Timestamp = Timestamp(1_769_850_300_250);

    fn service(acting_for: Option<OwnerId>) -> Caller {
        Caller::Service { name: "web".to_owned(), acting_for }
    }

    #[test]
    fn a_service_that_acts_for_a_user_has_the_limit_of_the_user() {
        let limits = Limits::STANDARD;
        let owner = OwnerId::new([7; 8]);
        assert_eq!(request_limit(&service(Some(owner)), &limits), Some((owner.to_string(), 600)));
        assert_eq!(request_limit(&service(None), &limits), Some(("service:web".to_owned(), 60_000)));
        assert_eq!(request_limit(&Caller::Attempt(1), &limits), None);
    }

    #[test]
    fn limits_are_shown_with_what_is_used() {
        let usage = LimitUsage { requests: 3, jobs_in_flight: Some(2), upload_bytes: Some(5) };
        let json = |usage| -> serde_json::Value {
            serde_json::from_str(&limits_json(&service(None), &Limits::STANDARD, usage, NOW)).unwrap()
        };
        let owned = json(&usage);
        assert_eq!((&owned["requests"]["used"], &owned["jobs_in_flight"]["used"]), (&3.into(), &2.into()));
        assert_eq!(owned["upload_bytes"]["resets_at"], "2026-02-01T00:00:00.000Z");
        assert_eq!(json(&LimitUsage::default()).get("jobs_in_flight"), None);
    }

    #[test]
    fn a_day_ends_at_midnight() {
        let problem = too_many_bytes(10, NOW);
        let retry_after_s = i64::try_from(problem.limit.unwrap().retry_after_s).unwrap();
        assert_eq!(day(Timestamp(NOW.0 + retry_after_s * 1000)), day(NOW) + 1);
        assert_eq!(day(Timestamp(NOW.0 + (retry_after_s - 1) * 1000)), day(NOW));
    }

    #[test]
    fn a_job_is_retried_by_hand_a_limited_number_of_times() {
        let limits = Limits { retries_by_hand: 2, ..Limits::STANDARD };
        let mut job = Job::new(JobId::from_random([9; 16]), NOW);
        for retries in [0, 1] {
            job.retries_by_hand = retries;
            assert!(admit_retry(&job, &limits).is_ok());
        }
        job.retries_by_hand = 2;
        assert_eq!(admit_retry(&job, &limits).unwrap_err().code.status(), 429);
    }
}
