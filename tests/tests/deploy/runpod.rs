//! RunPod, as far as a script says: it holds no jobs, it only answers.

use std::sync::{Arc, Mutex, PoisonError};

use e2e::RecordedRequest;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A status and a body; `None` never answers.
pub type Answer = Option<(u16, Value)>;

/// A running stand-in; it ends with the runtime of its test.
pub struct RunPod {
    /// For `RUNPOD_ENDPOINT`.
    pub endpoint: String,
    asked: Arc<Mutex<Vec<RecordedRequest>>>,
}

impl RunPod {
    /// Listens on a free port.
    pub async fn start(script: impl Fn(&RecordedRequest) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let asked: Arc<Mutex<Vec<RecordedRequest>>> = Arc::default();
        let (script, heard) = (Arc::new(script), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((caller, _)) = listener.accept().await {
                let (script, heard) = (Arc::clone(&script), Arc::clone(&heard));
                tokio::spawn(async move { serve(caller, &*script, &heard).await });
            }
        });
        Self { endpoint: format!("http://127.0.0.1:{port}/v2/local"), asked }
    }

    /// All that it was asked.
    pub fn asked(&self) -> Vec<RecordedRequest> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The last submit of this job.
    pub fn submit_of(&self, job: &str) -> Option<Value> {
        let mut submits =
            self.asked().into_iter().filter(|asked| asked.what == "run").map(|asked| asked.body);
        submits.rfind(|body| body["input"]["job_id"] == job)
    }
}

/// One request, one answer.
async fn serve(
    mut caller: TcpStream,
    script: &impl Fn(&RecordedRequest) -> Answer,
    heard: &Mutex<Vec<RecordedRequest>>,
) {
    let mut bytes = Vec::new();
    let asked = loop {
        if let Some((asked, _)) = RecordedRequest::first_in(&bytes) {
            break asked;
        }
        if !matches!(caller.read_buf(&mut bytes).await, Ok(1..)) {
            return;
        }
    };
    let answer = script(&asked);
    heard.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
    let Some((status, body)) = answer else { return std::future::pending().await };
    let body = body.to_string();
    let start = format!("HTTP/1.1 {status} -\r\ncontent-type: application/json\r\nconnection: close");
    let text = format!("{start}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    // Who has hung up needs no answer.
    let _ = caller.write_all(text.as_bytes()).await;
}
