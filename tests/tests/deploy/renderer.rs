//! A GPU worker in the test's hands, and the requests of everybody else.

use e2e::{Stack, bare_http};
use reqwest::Method;
use serde_json::{Value, json};

/// Any request to the Worker: status and body.
pub async fn ask(stack: &Stack, method: Method, path: &str, body: Option<&Value>) -> (u16, Value) {
    let mut request = bare_http().request(method, format!("{}{path}", stack.api_url()));
    if let Some(body) = body {
        request = request.json(body);
    }
    let answer = request.send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("a JSON body"))
}

/// A `GET` that must succeed.
pub async fn get(stack: &Stack, path: &str) -> Value {
    let (status, body) = ask(stack, Method::GET, path, None).await;
    assert_eq!(status, 200, "GET {path}: {body}");
    body
}

/// The index's row of every job, by the job's id.
pub async fn rows(stack: &Stack) -> Vec<Value> {
    let page = get(stack, "/api/jobs?limit=100").await;
    assert_eq!(page["next_cursor"], Value::Null, "all jobs are on one page");
    page["jobs"].as_array().expect("jobs").clone()
}

/// Whoever has the callbacks of an attempt.
#[derive(Clone, Debug)]
pub struct Renderer<'s> {
    stack: &'s Stack,
    /// Path below the Worker's address; a capability.
    pub callback: String,
    /// RunPod's name of its job.
    pub gpu_job: String,
}

impl<'s> Renderer<'s> {
    /// Works for the Worker with what it was once given.
    pub fn new(stack: &'s Stack, callback: &str, gpu_job: &str) -> Self {
        Self { stack, callback: callback.to_owned(), gpu_job: gpu_job.to_owned() }
    }

    /// Takes the attempt, and gives what it is granted.
    pub async fn claim(&self) -> Value {
        let (status, grant) = self.post("claim", &json!({"runpod_job_id": self.gpu_job})).await;
        assert_eq!((status, &grant["applied"]), (200, &json!(true)), "{grant}");
        grant
    }

    /// Tells how far it is.
    pub async fn progress(&self, percent: u32, stage: &str) {
        let message = format!("{stage} at {percent} %");
        self.report("progress", &json!({"progress": percent, "stage": stage, "message": message})).await;
    }

    /// Puts a result, and perhaps a picture of it, where the grant says.
    pub async fn put(&self, grant: &Value, reel: &[u8], poster: Option<&[u8]>) {
        let poster = poster.map(|bytes| (&grant["poster"], bytes));
        for (target, bytes) in [(&grant["output"], reel)].into_iter().chain(poster) {
            let text = |name: &str| target[name].as_str().expect("a grant has URLs").to_owned();
            let request = bare_http().put(text("url")).header("content-type", text("content_type"));
            assert_eq!(request.body(bytes.to_vec()).send().await.expect("an answer").status(), 200);
        }
    }

    /// Says that its result is there.
    pub async fn complete(&self, grant: &Value, reel: &[u8]) {
        let report = json!({"output_video_key": grant["output"]["key"], "output_bytes": reel.len()});
        self.report("complete", &report).await;
    }

    /// Gives the attempt up.
    pub async fn fail(&self, may_retry: bool) {
        let report = json!({"error": "CUDA error: device-side assert.", "error_code": "gpu_error",
            "should_retry": may_retry});
        self.report("error", &report).await;
    }

    /// Any report: status and body.
    pub async fn post(&self, what: &str, body: &Value) -> (u16, Value) {
        ask(self.stack, Method::POST, &format!("{}/{what}", self.callback), Some(body)).await
    }

    async fn report(&self, what: &str, body: &Value) {
        let (status, receipt) = self.post(what, body).await;
        assert_eq!((status, &receipt["success"]), (200, &json!(true)), "{what}: {receipt}");
    }
}

/// Takes away, wherever it is, what is made for each reader anew.
pub fn without_links(told: &mut Value) {
    match told {
        Value::Object(members) => {
            members.retain(|name, _| !LINKS.contains(&name.as_str()));
            members.values_mut().for_each(without_links);
        }
        Value::Array(values) => values.iter_mut().for_each(without_links),
        _ => {}
    }
}

/// URLs, and what the reading itself has cost.
const LINKS: [&str; 4] = ["output_url", "poster_url", "websocket_url", "usage"];
