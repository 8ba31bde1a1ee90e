//! RunPod's queue API: request bodies, and the meaning of its responses.
//!
//! The HTTP status is checked first. Then the body is read leniently: error bodies may be text, HTML, or
//! JSON whose `status` is a number. A response that proves nothing is `Unknown`, never a failure.

use serde::Serialize;
use serde_json::Value;

use crate::base::time::DurationMs;
use crate::job::error_code::ErrorCode;
use crate::job::gpu_service::{EndpointLoad, RunpodJobId, StatusReply, SubmitReply};
use crate::wire::gpu_worker::RunInput;

/// The parts of an HTTP response that are read.
#[derive(Clone, Copy, Debug)]
pub struct HttpReply<'r> {
    /// Status code.
    pub status: u16,
    /// The `Retry-After` header.
    pub retry_after: Option<&'r str>,
    /// The body, possibly truncated.
    pub body: &'r str,
}

/// Reads the response to `GET /health`. A missing counter counts as 0: RunPod documents only some of them,
/// so none is required.
pub fn parse_health(reply: HttpReply<'_>) -> Option<EndpointLoad> {
    let health: Value = serde_json::from_str(reply.body).ok().filter(|_| reply.status == 200)?;
    let (jobs, workers) = (health.get("jobs")?, health.get("workers")?);
    let count = |counters: &Value, name| counters.get(name).and_then(Value::as_u64).unwrap_or(0);
    Some(EndpointLoad {
        queued: count(jobs, "inQueue"),
        rendering: count(jobs, "inProgress"),
        starting: count(workers, "initializing"),
        ready: count(workers, "idle").max(count(workers, "ready")).saturating_add(count(workers, "running")),
    })
}

/// The body of `POST /run`.
///
/// `policy` always carries both limits in milliseconds: RunPod's defaults (10 minutes and 24 hours)
/// differ from ours, and its `ttl` covers queue and execution together.
pub fn run_request_body(
    input: &RunInput,
    webhook_url: &str,
    execution_timeout: DurationMs,
    queue_timeout: DurationMs,
) -> String {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct RunPolicy {
        execution_timeout: i64,
        ttl: i64,
    }
    #[derive(Serialize)]
    struct RunRequestBody<'b> {
        input: &'b RunInput,
        webhook: &'b str,
        policy: RunPolicy,
    }
    let policy = RunPolicy {
        execution_timeout: execution_timeout.0.max(EXECUTION_TIMEOUT_MIN_MS),
        ttl: (queue_timeout.0 + execution_timeout.0).max(TTL_MIN_MS),
    };
    serde_json::to_string(&RunRequestBody { input, webhook: webhook_url, policy }).unwrap_or_default()
}

/// Reads the response to `POST /run`.
pub fn parse_submit_reply(reply: HttpReply<'_>) -> SubmitReply {
    match reply.status {
        200..=299 => json_field(reply.body, "id")
            .as_ref()
            .and_then(Value::as_str)
            .and_then(RunpodJobId::parse)
            .map_or(SubmitReply::Unknown, SubmitReply::Accepted),
        401 | 403 | 404 => SubmitReply::Unauthorized,
        429 => SubmitReply::Busy(retry_after(reply.retry_after)),
        _ => SubmitReply::Unknown,
    }
}

/// Reads the response to `GET /status/{id}`.
pub fn parse_status_reply(reply: HttpReply<'_>) -> StatusReply {
    match reply.status {
        200..=299 => read_job(reply.body),
        401 | 403 => StatusReply::Unauthorized,
        404 if reply.body.to_ascii_lowercase().contains("endpoint not found") => StatusReply::Unauthorized,
        404 => StatusReply::NotFound,
        429 => StatusReply::Busy(retry_after(reply.retry_after)),
        _ => StatusReply::Unknown,
    }
}

/// Whether the response to `POST /cancel/{id}` means that the job is not running any more: RunPod sends 404
/// for an unknown job and 400 for one that has ended.
pub fn cancel_confirmed(status: u16) -> bool {
    matches!(status, 200..=299 | 400 | 404)
}

fn read_job(body: &str) -> StatusReply {
    let Ok(Value::Object(job)) = serde_json::from_str::<Value>(body) else { return StatusReply::Unknown };
    let status = match job.get("status") {
        Some(Value::String(word)) => word.as_str(),
        // An error body that came with HTTP 200: the number is the real status.
        Some(Value::Number(number)) if number.as_u64() == Some(404) => return StatusReply::NotFound,
        _ => return StatusReply::Unknown,
    };
    match status {
        "IN_QUEUE" => StatusReply::Queued,
        "COMPLETED" => StatusReply::Completed(
            job.get("output")
                .and_then(|output| output.get("output_video_key"))
                .and_then(Value::as_str)
                .map(str::to_owned),
        ),
        "FAILED" => StatusReply::Failed(failure(job.get("error"))),
        "CANCELLED" => StatusReply::Cancelled,
        "TIMED_OUT" => StatusReply::TimedOut,
        // IN_PROGRESS, RUNNING and unknown words: the job has not ended.
        _ => StatusReply::Running,
    }
}

/// RunPod's error text may be a traceback. It is classified and never shown.
fn failure(error: Option<&Value>) -> ErrorCode {
    let text = error.map(Value::to_string).unwrap_or_default().to_ascii_lowercase();
    if text.contains("executiontimeout exceeded") {
        ErrorCode::ExecutionTimeout
    } else if text.contains("out of memory") || text.contains("outofmemory") {
        ErrorCode::GpuOutOfMemory
    } else if text.contains("job timed out after") {
        ErrorCode::WorkerLost
    } else {
        ErrorCode::GpuError
    }
}

fn json_field(body: &str, name: &str) -> Option<Value> {
    match serde_json::from_str(body) {
        Ok(Value::Object(mut map)) => map.remove(name),
        _ => None,
    }
}

/// `Retry-After` in seconds (RFC 9110 10.2.3); RunPod does not send its date form. At most 10 minutes.
fn retry_after(header: Option<&str>) -> Option<DurationMs> {
    let seconds: i64 = header?.trim().parse().ok()?;
    Some(DurationMs::seconds(seconds.clamp(0, 600)))
}

/// RunPod's lower bounds of `policy`.
const EXECUTION_TIMEOUT_MIN_MS: i64 = 5_000;
const TTL_MIN_MS: i64 = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: &str) -> HttpReply<'_> {
        HttpReply { status, retry_after: None, body }
    }

    #[test]
    fn a_submit_is_accepted_only_with_an_id() {
        let id = RunpodJobId::parse("8f6c-u1").unwrap();
        for (status, body, meaning) in [
            (200, r#"{"id":"8f6c-u1","status":"IN_QUEUE"}"#, SubmitReply::Accepted(id)),
            (200, r#"{"status":"IN_QUEUE"}"#, SubmitReply::Unknown),
            (200, r#"{"id":"../../x"}"#, SubmitReply::Unknown),
            (200, "<html>", SubmitReply::Unknown),
            (401, "no token provided", SubmitReply::Unauthorized),
            (404, "endpoint not found", SubmitReply::Unauthorized),
            (429, "", SubmitReply::Busy(None)),
            (502, "<html>bad gateway</html>", SubmitReply::Unknown),
        ] {
            assert_eq!(parse_submit_reply(reply(status, body)), meaning, "{status} {body}");
        }
        let busy = HttpReply { status: 429, retry_after: Some("7"), body: "" };
        assert_eq!(parse_submit_reply(busy), SubmitReply::Busy(Some(DurationMs::seconds(7))));
    }

    #[test]
    fn the_http_status_is_checked_before_the_body() {
        for (status, body, meaning) in [
            (200, r#"{"status":"IN_QUEUE"}"#, StatusReply::Queued),
            (200, r#"{"status":"IN_PROGRESS","output":{"status":"success"}}"#, StatusReply::Running),
            (200, r#"{"status":"RUNNING"}"#, StatusReply::Running),
            (200, r#"{"status":"SOMETHING_NEW"}"#, StatusReply::Running),
            (200, r#"{"status":"COMPLETED"}"#, StatusReply::Completed(None)),
            (
                200,
                r#"{"status":"COMPLETED","output":{"output_video_key":"k"}}"#,
                StatusReply::Completed(Some("k".into())),
            ),
            (200, r#"{"status":"CANCELLED"}"#, StatusReply::Cancelled),
            (200, r#"{"status":"TIMED_OUT"}"#, StatusReply::TimedOut),
            (200, r#"{"status":"FAILED","error":"boom"}"#, StatusReply::Failed(ErrorCode::GpuError)),
            (
                200,
                r#"{"status":"FAILED","error":"executionTimeout exceeded"}"#,
                StatusReply::Failed(ErrorCode::ExecutionTimeout),
            ),
            (
                200,
                r#"{"status":"FAILED","error":{"m":"CUDA out of memory"}}"#,
                StatusReply::Failed(ErrorCode::GpuOutOfMemory),
            ),
            (
                200,
                r#"{"status":"FAILED","error":"job timed out after 1 retries"}"#,
                StatusReply::Failed(ErrorCode::WorkerLost),
            ),
            (200, r#"{"status":404,"title":"Not Found"}"#, StatusReply::NotFound),
            (404, r#"{"status":404,"title":"Not Found"}"#, StatusReply::NotFound),
            (404, "", StatusReply::NotFound),
            (404, "endpoint not found", StatusReply::Unauthorized),
            (401, "", StatusReply::Unauthorized),
            (200, "<html>", StatusReply::Unknown),
            (200, "{}", StatusReply::Unknown),
            (200, r#"{"status":500}"#, StatusReply::Unknown),
            (500, r#"{"status":"COMPLETED"}"#, StatusReply::Unknown),
            (503, "", StatusReply::Unknown),
        ] {
            assert_eq!(parse_status_reply(reply(status, body)), meaning, "{status} {body}");
        }
    }

    #[test]
    fn the_endpoint_load_becomes_a_queue_message() {
        let message_of = |body: &str| parse_health(reply(200, body)).map(EndpointLoad::queue_message);
        let jobs = r#""jobs":{"completed":1,"failed":5,"inProgress":2,"inQueue":12,"retried":0}"#;
        for (workers, sentence) in [
            (
                r#""idle":0,"initializing":1,"ready":0,"running":2,"throttled":3,"unhealthy":0"#,
                "Waiting for a renderer: 12 queued, 2 running",
            ),
            (r#""idle":1,"running":0"#, "Waiting for a renderer: 12 queued, 2 running"),
            (
                r#""idle":0,"initializing":1,"ready":0,"running":0,"throttled":0,"unhealthy":1"#,
                "Waiting for a renderer: one is starting",
            ),
            (
                r#""idle":0,"initializing":0,"ready":0,"running":0,"throttled":2,"unhealthy":1"#,
                "Waiting for a renderer: none is running at the moment",
            ),
        ] {
            let body = format!("{{{jobs},\"workers\":{{{workers}}}}}");
            assert_eq!(message_of(&body).as_deref(), Some(sentence), "{workers}");
        }
        for body in ["", "<html>", "{}", r#"{"jobs":{}}"#, "[]", r#"{"status":404}"#] {
            assert_eq!(message_of(body), None, "{body}");
        }
        assert_eq!(parse_health(reply(401, r#"{"jobs":{},"workers":{}}"#)), None);
    }

    #[test]
    fn both_limits_are_sent_in_milliseconds() {
        let input: RunInput = serde_json::from_str(
            r#"{"job_id":"3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50","attempt":1,"type":"overlay","input_video_key":"input/a/b.mp4","output_video_key":"output/x/1/video.mp4","params":{"effect_type":"blur"},"callback_url":"http://h/c"}"#,
        )
        .unwrap();
        let body: Value = serde_json::from_str(&run_request_body(
            &input,
            "http://h/w",
            DurationMs::minutes(10),
            DurationMs::minutes(15),
        ))
        .unwrap();
        assert_eq!(body["policy"], serde_json::json!({"executionTimeout": 600_000, "ttl": 1_500_000}));
        assert_eq!(body["webhook"], "http://h/w");
        assert_eq!(body["input"]["params"]["effect_type"], "blur");
    }
}
