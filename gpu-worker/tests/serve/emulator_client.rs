//! The server under test as its client sees it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::test_backend::TIMEOUT;

/// The server under test, as its caller sees it.
#[derive(Clone)]
pub struct EmulatorClient {
    pub url: String,
    pub client: reqwest::Client,
}

impl EmulatorClient {
    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let request = self.client.post(format!("{}{path}", self.url)).body(body.to_string());
        read(request.header("content-type", "application/json")).await
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        read(self.client.get(format!("{}{path}", self.url))).await
    }

    /// Submits a job and returns its id.
    pub async fn run(&self, request: &Value) -> String {
        let (status, answer) = self.post("/run", request).await;
        assert_eq!((status, &answer["status"]), (200, &json!("IN_QUEUE")), "{answer}");
        answer["id"].as_str().unwrap().to_owned()
    }

    pub async fn status(&self, id: &str) -> Value {
        self.get(&format!("/status/{id}")).await.1
    }

    /// Waits until the job has one of these statuses.
    pub async fn wait_for_status(&self, id: &str, wanted: &[&str]) -> Value {
        let found = async {
            loop {
                let job = self.status(id).await;
                if job["status"].as_str().is_some_and(|status| wanted.contains(&status)) {
                    return job;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(TIMEOUT, found).await.unwrap_or_else(|_| panic!("never {wanted:?}"))
    }

    pub async fn wait_until_ended(&self, id: &str) -> Value {
        self.wait_for_status(id, &["COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"]).await
    }

    /// Waits until no worker is busy.
    pub async fn wait_until_idle(&self) -> Value {
        let found = async {
            loop {
                let health = self.get("/health").await.1;
                if health["workers"]["running"] == 0 {
                    return health;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(TIMEOUT, found).await.expect("a worker stays busy")
    }
}

async fn read(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}
