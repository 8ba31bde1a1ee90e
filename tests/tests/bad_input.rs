//! Everything that can be wrong with a request, each answered by a problem body that names every fault.

use e2e::{SharedStack, Stack, bare_http, sample, spotlight_params, upload};
use reqwest::{Body, Method};
use serde_json::{Value, json};

/// What came back: the status and the problem's body.
struct Answer {
    status: u16,
    content_type: String,
    body: Value,
}

async fn send(stack: &SharedStack, method: Method, path: &str, body: impl Into<Body>) -> Answer {
    let request = bare_http().request(method, format!("{}{path}", stack.api_url()));
    let request = request.header("content-type", "application/json").body(body);
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    let content_type =
        answer.headers().get("content-type").map(|value| value.to_str().expect("text").to_owned());
    let body = answer.json().await.expect("a JSON body");
    Answer { status, content_type: content_type.unwrap_or_default(), body }
}

async fn create(stack: &SharedStack, body: impl Into<Body>) -> Answer {
    send(stack, Method::POST, "/api/jobs", body).await
}

impl Answer {
    /// Panics unless it is a whole problem of this kind, with faults at exactly these places.
    fn assert_problem(&self, status: u16, code: &str, pointers: &[&str]) {
        let body = &self.body;
        assert_eq!((self.status, body["status"].as_u64()), (status, Some(status.into())), "{body}");
        assert!(self.content_type.starts_with("application/problem+json"), "{}", self.content_type);
        assert_eq!(body["code"], code, "{body}");
        let found: Vec<&str> = body["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|fault| {
                assert!(!fault["detail"].as_str().unwrap_or_default().is_empty(), "{body}");
                fault["pointer"].as_str().expect("a pointer")
            })
            .collect();
        assert_eq!(found, pointers, "{body}");
        let sentence = body["detail"].as_str().expect("a sentence");
        assert!(!sentence.is_empty() && body["error"] == sentence, "{body}");
        assert!(
            body["title"].is_string() && body["type"].is_string() && body["request_id"].is_string(),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_body_that_is_not_json_is_told_where_it_breaks() {
    let stack = Stack::shared().await;
    for path in ["/api/jobs", "/api/videos/upload-url"] {
        let answer = send(&stack, Method::POST, path, r#"{"project_id": 1,}"#).await;
        answer.assert_problem(400, "not_json", &[]);
        assert!(
            answer.body["detail"].as_str().is_some_and(|text| text.contains("line 1 column")),
            "{}",
            answer.body
        );
    }
    create(&stack, "").await.assert_problem(400, "not_json", &[]);
    create(&stack, &b"\xff\xfe"[..]).await.assert_problem(400, "not_json", &[]);
}

#[tokio::test]
async fn wrong_types_and_missing_fields_are_all_named_at_once() {
    let stack = Stack::shared().await;
    let body = json!({"project_id": "7", "type": 3, "input_video_key": null, "job_id": 5});
    let answer = create(&stack, body.to_string()).await;
    answer.assert_problem(
        422,
        "invalid_request",
        &["/project_id", "/type", "/input_video_key", "/job_id", "/params"],
    );
    create(&stack, "[]").await.assert_problem(422, "invalid_request", &[""]);
}

#[tokio::test]
async fn an_unknown_type_and_an_unknown_field_come_with_what_was_probably_meant() {
    let stack = Stack::shared().await;
    let body = json!({"project_id": 7, "type": "overlays", "input_video_key": "input/a/b.mp4", "params": {}, "job_idd": 1});
    let answer = create(&stack, body.to_string()).await;
    answer.assert_problem(422, "invalid_request", &["/type", "/job_idd"]);
    let detail =
        |index: usize| answer.body["errors"][index]["detail"].as_str().unwrap_or_default().to_owned();
    assert!(detail(0).contains("did you mean \"overlay\"?"), "{}", answer.body);
    assert!(detail(1).contains("did you mean \"job_id\"?"), "{}", answer.body);
}

#[tokio::test]
async fn every_fault_inside_the_params_is_named_with_its_place() {
    let stack = Stack::shared().await;
    let mut params = spotlight_params();
    params["highlight_regions"][0]["radius_x"] = json!("wide");
    params["crop_keyframes"][0]["width"] = json!(-5);
    params["output_width"] = json!(1081);
    params["effect"] = json!("blur");
    let body =
        json!({"project_id": 7, "type": "overlay", "input_video_key": "input/a/b.mp4", "params": params});
    let answer = create(&stack, body.to_string()).await;
    let mut pointers: Vec<&str> = answer.body["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|fault| fault["pointer"].as_str())
        .collect();
    pointers.sort_unstable();
    assert_eq!(
        pointers,
        [
            "/params/crop_keyframes/0/width",
            "/params/effect",
            "/params/highlight_regions/0/radius_x",
            "/params/output_width"
        ],
        "{}",
        answer.body
    );
    assert_eq!((answer.status, &answer.body["code"]), (422, &json!("invalid_request")));
}

#[tokio::test]
async fn an_input_that_is_not_in_the_bucket_is_refused_before_anything_is_created() {
    let stack = Stack::shared().await;
    let key = "input/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50/missing.mp4";
    let job_id = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f51";
    let body = json!({"project_id": 7, "type": "overlay", "input_video_key": key, "params": spotlight_params(), "job_id": job_id});
    let answer = create(&stack, body.to_string()).await;
    assert_eq!((answer.status, &answer.body["code"]), (422, &json!("input_not_found")), "{}", answer.body);
    let answer = send(&stack, Method::GET, &format!("/api/jobs/{job_id}"), "").await;
    answer.assert_problem(404, "job_not_found", &[]);
}

#[tokio::test]
async fn a_job_that_nobody_made_is_not_found() {
    let stack = Stack::shared().await;
    for id in ["3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f52", "not-an-id", "%00"] {
        let answer = send(&stack, Method::GET, &format!("/api/jobs/{id}"), "").await;
        answer.assert_problem(404, "job_not_found", &[]);
        assert_eq!(answer.body["detail"], "Job not found");
    }
}

#[tokio::test]
async fn a_body_of_two_mebibytes_is_too_large() {
    let stack = Stack::shared().await;
    let body = json!({"project_id": 7, "type": "overlay", "filler": "x".repeat(2 << 20)}).to_string();
    create(&stack, body).await.assert_problem(413, "body_too_large", &[]);
}

#[tokio::test]
async fn a_callback_with_a_wrong_token_changes_nothing() {
    let stack = Stack::shared().await;
    let client = stack.client();
    let key = upload(&client, &sample()).await;
    let new_job = e2e::new_job(reel_client::JobType::Overlay, key, spotlight_params());
    let job = client.create_job(&new_job, None).await.expect("a job");
    let stranger = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f53";
    for id in [job.job_id.to_string().as_str(), stranger] {
        for token in [
            "x",
            "1.9999999999999.00",
            "1.9999999999999.0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ] {
            let path = format!("/api/jobs/{id}/do/{token}/complete");
            let body = json!({"output_video_key": format!("output/{id}/1/video.mp4")}).to_string();
            send(&stack, Method::POST, &path, body).await.assert_problem(403, "bad_token", &[]);
        }
    }
    let job = client.job(job.job_id).await.expect("the job");
    assert_eq!(job.output_video_key, None);
    // Nothing is left running for the next test.
    e2e::render(&client, &job).await;
}

#[tokio::test]
async fn a_file_that_is_no_video_is_not_taken_for_upload() {
    let stack = Stack::shared().await;
    let body =
        json!({"filename": "", "content_type": "image/png", "size_bytes": 10_000_000_001_i64, "job_id": "x"});
    let answer = send(&stack, Method::POST, "/api/videos/upload-url", body.to_string()).await;
    answer.assert_problem(422, "invalid_request", &["/filename", "/content_type", "/size_bytes", "/job_id"]);
}

#[tokio::test]
async fn an_upload_of_another_type_or_size_than_was_signed_is_refused_by_the_storage() {
    let stack = Stack::shared().await;
    let client = stack.client();
    let size_bytes = sample().metadata().expect("the sample").len();
    let other_type =
        client.upload_url("clip.mp4", "video/quicktime", Some(size_bytes), None).await.expect("a URL");
    let http = bare_http();
    for (content_type, body, expected) in
        [("video/quicktime", "not as long", 403), ("text/html", "not as long", 403)]
    {
        let request =
            http.put(other_type.upload_url.reveal()).header("content-type", content_type).body(body);
        let status = request.send().await.expect("an answer").status().as_u16();
        assert_eq!(status, expected, "{content_type}");
    }
}

#[tokio::test]
async fn a_path_or_a_method_that_does_not_exist_is_said_so() {
    let stack = Stack::shared().await;
    send(&stack, Method::GET, "/api/nothing", "").await.assert_problem(404, "route_not_found", &[]);
    send(&stack, Method::DELETE, "/api/videos/upload-url", "").await.assert_problem(
        405,
        "method_not_allowed",
        &[],
    );
}

#[tokio::test]
async fn an_open_api_answers_to_this_machine_only() {
    let stack = Stack::shared().await;
    let url = format!("{}/api/jobs", stack.api_url());
    let answer = bare_http().get(url).header("host", "api.example.org").send().await.expect("an answer");
    assert_eq!(answer.status(), 503);
    let problem: Value = answer.json().await.expect("a problem");
    assert_eq!(problem["code"], "not_configured");
}
