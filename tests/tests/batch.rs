//! Several jobs in one request, jobs by their labels, and a job that is only checked.

use e2e::{Options, Stack, bare_http, sample, spotlight_params, upload};
use reel_client::Client;
use serde_json::{Value, json};

struct Api {
    stack: Stack,
    video: String,
}

impl Api {
    async fn start() -> Self {
        let stack = Stack::start(Options::default()).await;
        let client = Client::new(stack.api_url(), None).expect("a client");
        let video = upload(&client, &sample()).await;
        Self { stack, video }
    }

    fn job(&self, labels: &Value) -> Value {
        json!({"project_id": 7, "type": "overlay", "input_video_key": self.video, "params": spotlight_params(), "labels": labels})
    }

    async fn post(&self, path: &str, key: Option<&str>, body: &Value) -> (u16, Value) {
        let request = bare_http().post(format!("{}{path}", self.stack.api_url())).json(body);
        let request = match key {
            Some(key) => request.header("idempotency-key", key),
            None => request,
        };
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    }

    async fn get(&self, path: &str) -> Value {
        let answer =
            bare_http().get(format!("{}{path}", self.stack.api_url())).send().await.expect("an answer");
        answer.json().await.expect("JSON")
    }
}

#[tokio::test]
async fn a_batch_is_answered_job_by_job_and_can_be_sent_again() {
    let api = Api::start().await;
    let mut wrong = api.job(&json!({}));
    wrong["input_video_key"] = json!("input/no/such.mp4");
    let batch = json!({"jobs": [api.job(&json!({"team": "U12"})), wrong, api.job(&json!({"team": "U14"}))]});

    let (status, first) = api.post("/api/jobs/batch", Some("saturday"), &batch).await;
    assert_eq!(status, 200, "{first}");
    let statuses = |answer: &Value| -> Vec<u64> {
        let results = answer["results"].as_array().expect("results");
        results.iter().filter_map(|result| result["status"].as_u64()).collect()
    };
    assert_eq!(statuses(&first), [201, 422, 201], "{first}");
    assert_eq!(first["results"][1]["problem"]["code"], "input_not_found");
    assert_eq!(first["results"][0]["job"]["labels"], json!({"team": "U12"}));

    let (_, again) = api.post("/api/jobs/batch", Some("saturday"), &batch).await;
    let ids = |answer: &Value| [0, 2].map(|index| answer["results"][index]["job"]["job_id"].clone());
    assert_eq!(ids(&again), ids(&first), "the same request gets the same jobs");
    let swapped = json!({"jobs": [batch["jobs"][2], batch["jobs"][1], batch["jobs"][0]]});
    let (_, conflict) = api.post("/api/jobs/batch", Some("saturday"), &swapped).await;
    assert_eq!(statuses(&conflict), [409, 422, 409], "{conflict}");

    let listed = api.get("/api/jobs?label=team:U12").await;
    let jobs = listed["jobs"].as_array().expect("jobs");
    assert_eq!(jobs.len(), 1, "{listed}");
    assert_eq!((&jobs[0]["job_id"], &jobs[0]["labels"]), (&ids(&first)[0], &json!({"team": "U12"})));
    assert_eq!(api.get("/api/jobs?label=team:U13").await["jobs"], json!([]));
}

#[tokio::test]
async fn a_dry_run_checks_everything_and_creates_nothing() {
    let api = Api::start().await;
    let framing = json!({"project_id": 7, "type": "framing", "input_video_key": api.video, "params": {
        "crop_keyframes": [{"time": 0, "x": 0, "y": 0, "width": 405, "height": 720}],
        "start_time": 0, "end_time": 2, "target_fps": 30, "preset": "portrait_720"
    }});
    let (status, answer) = api.post("/api/jobs?dry_run=true", None, &framing).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(
        answer["output"],
        json!({"width": 720, "height": 1280, "fps": 30.0, "frames": 60.0, "duration_ms": 2000.0})
    );
    assert_eq!(answer["dry_run"], true);
    assert!(answer["estimated_render_ms"]["most"].as_f64() > answer["estimated_render_ms"]["least"].as_f64());

    let mut wrong = framing.clone();
    wrong["params"]["end_time"] = json!(0);
    let (status, problem) = api.post("/api/jobs?dry_run=true", None, &wrong).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/params/end_time")));
    wrong["params"]["end_time"] = json!(2);
    wrong["input_video_key"] = json!("input/no/such.mp4");
    let (status, problem) = api.post("/api/jobs?dry_run=true", None, &wrong).await;
    assert_eq!((status, &problem["code"]), (422, &json!("input_not_found")));
    let (status, problem) = api.post("/api/jobs?dry_run=yes", None, &framing).await;
    assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/dry_run")));
    assert_eq!(api.get("/api/jobs").await["jobs"], json!([]), "nothing was created");
}
