//! What is refused, and how it is said.

use e2e::{ExchangeRecorder, Request, Stack};
use serde_json::json;

use crate::export::create_overlay;
use crate::{NOBODY, OVERLAY};

pub async fn walk(_stack: &Stack, scribe: &mut ExchangeRecorder) {
    let get = |path: &str| Request::new(format!("GET {path}"));
    let create = || Request::new("POST /api/jobs");

    scribe.ask("refused-without-key", get("/api/jobs").anonymous()).await;
    let wrong = get("/api/jobs").header("authorization", "Bearer another-key");
    scribe.ask("refused-wrong-key", wrong).await;
    let forged = get("/api/jobs").header("authorization", "Bearer eyJhbGciOiJub25lIn0.e30.");
    scribe.ask("refused-user-token", forged).await;
    let request = json!({"subject": "user-1", "scopes": ["read"], "expires_in_s": 600});
    scribe.ask("token-create", Request::new("POST /api/tokens").json(request)).await;
    let wrong = json!({"subject": "", "scopes": ["reed"], "expires_in_s": 1, "expires_in": 60});
    scribe.ask("token-create-refused", Request::new("POST /api/tokens").json(wrong)).await;
    scribe.ask("refused-path", get("/api/nothing")).await;
    scribe.ask("refused-method", Request::new("PATCH /api/jobs").json(json!({}))).await;
    scribe.ask("refused-id", get("/api/jobs/not-an-id")).await;
    scribe.ask("refused-socket-without-upgrade", get(&format!("/api/jobs/{OVERLAY}/ws"))).await;
    scribe.ask("refused-after", get(&format!("/api/jobs/{OVERLAY}/events?after=-1"))).await;
    scribe.ask("refused-list", get("/api/jobs?staus=done&limit=0")).await;

    scribe.ask("refused-not-json", create().text(r#"{"project_id": 1,}"#)).await;
    scribe.ask("refused-too-large", create().text(" ".repeat((1 << 20) + 1))).await;
    let wrong = json!({"project_id": 0, "type": "overlays", "input_video_key": "../etc/passwd",
        "params": {}, "jobid": 1});
    scribe.ask("refused-create", create().json(wrong)).await;
    let mut wrong = create_overlay();
    wrong["job_id"] = json!(NOBODY);
    wrong["params"]["effect_type"] = json!("spotligth");
    wrong["params"]["highlight_regions"][0]["radius_x"] = json!(0);
    scribe.ask("refused-params", create().json(wrong)).await;
    let mut missing = create_overlay();
    missing["job_id"] = json!(NOBODY);
    missing["input_video_key"] = json!(format!("input/{NOBODY}/missing.mp4"));
    scribe.ask("refused-input", create().json(missing)).await;
    let key = create().json(create_overlay()).header("idempotency-key", "x".repeat(256));
    scribe.ask("refused-idempotency-key", key).await;
    let upload = json!({"filename": "", "content_type": "image/png", "size_bytes": 0, "job_id": "x"});
    scribe.ask("refused-upload", Request::new("POST /api/videos/upload-url").json(upload)).await;
    let forged = format!("POST /api/jobs/{OVERLAY}/do/1.9999999999.{}/complete", "0".repeat(64));
    scribe.ask("refused-token", Request::new(forged).json(json!({})).anonymous()).await;

    let preflight = |origin: &str| {
        let request = Request::new("OPTIONS /api/jobs").anonymous().header("origin", origin);
        request.header("access-control-request-method", "POST")
    };
    scribe.ask("preflight", preflight("https://app.example")).await;
    scribe.ask("preflight-of-a-stranger", preflight("https://evil.example")).await;
}
