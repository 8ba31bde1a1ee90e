//! Uploads in parts as a client does them, without a client: each step by itself, so that tests can do
//! them wrongly, twice, or not at all.

use std::time::Duration;

use reel_core::base::base_url::BaseUrl;
use reel_core::base::object_key::ObjectKey;
use reel_core::base::time::{DurationMs, Timestamp};
use reel_core::s3::Presigner;
use reqwest::{Client, Method, Response, Url};
use serde_json::{Value, json};

use crate::flow::bare_http;
use crate::stack::Stack;

/// An upload that the Worker knows.
#[derive(Clone, Debug)]
pub struct PartUpload {
    http: Client,
    api: String,
    /// The key that the video will have.
    pub video_key: String,
    /// The capability.
    pub upload_id: String,
}

impl PartUpload {
    /// Begins an upload of so many bytes, in parts of 5 MiB; gives what the Worker answered, too.
    pub async fn begin(stack: &Stack, size_bytes: u64) -> (Self, Value) {
        let body = json!({"filename": "match.mp4", "content_type": "video/mp4", "size_bytes": size_bytes,
            "part_size": 5 * 1024 * 1024});
        let (status, created) = Self::try_begin(stack, &body).await;
        assert_eq!(status, 201, "{created}");
        let text =
            |name: &str| created[name].as_str().unwrap_or_else(|| panic!("{name}: {created}")).to_owned();
        (Self::known(stack, &text("video_key"), &text("upload_id")), created)
    }

    /// Asks for an upload with whatever body.
    pub async fn try_begin(stack: &Stack, body: &Value) -> (u16, Value) {
        let url = format!("{}/api/videos/multipart", stack.api_url());
        read(bare_http().post(url).json(body).send().await.expect("an answer")).await
    }

    /// An upload of which only key and id are known, as on another device.
    pub fn known(stack: &Stack, video_key: &str, upload_id: &str) -> Self {
        Self {
            http: bare_http(),
            api: stack.api_url().to_owned(),
            video_key: video_key.to_owned(),
            upload_id: upload_id.to_owned(),
        }
    }

    /// Any request about it: status and body.
    pub async fn ask(&self, method: Method, rest: &str, body: Option<&Value>) -> (u16, Value) {
        let url = format!("{}/api/videos/multipart/{}{rest}", self.api, self.upload_id);
        let url = Url::parse_with_params(&url, [("video_key", &self.video_key)]).expect("a URL");
        let mut request = self.http.request(method, url);
        if let Some(body) = body {
            request = request.json(body);
        }
        read(request.send().await.expect("an answer")).await
    }

    /// `POST .../parts`.
    pub async fn sign(&self, numbers: &[u32]) -> (u16, Value) {
        self.ask(Method::POST, "/parts", Some(&json!({ "part_numbers": numbers }))).await
    }

    /// A URL for one part.
    pub async fn url(&self, number: u32) -> String {
        let (status, signed) = self.sign(&[number]).await;
        assert_eq!(status, 200, "{signed}");
        signed["parts"][0]["url"].as_str().expect("a URL").to_owned()
    }

    /// Signs and sends one part, and gives the tag that the bucket answered.
    pub async fn send(&self, number: u32, bytes: Vec<u8>) -> String {
        let answer = self.http.put(self.url(number).await).body(bytes).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "part {number}");
        answer.headers()["etag"].to_str().expect("a text").to_owned()
    }

    /// `PUT .../parts`.
    pub async fn confirm(&self, parts: &[(u32, String)]) -> (u16, Value) {
        self.ask(Method::PUT, "/parts", Some(&json!({ "parts": listed(parts) }))).await
    }

    /// `GET .../parts`.
    pub async fn show(&self) -> (u16, Value) {
        self.ask(Method::GET, "/parts", None).await
    }

    /// `POST .../complete`, of what was confirmed.
    pub async fn complete(&self) -> (u16, Value) {
        self.ask(Method::POST, "/complete", None).await
    }

    /// `POST .../complete`, with these parts.
    pub async fn complete_with(&self, parts: &[(u32, String)]) -> (u16, Value) {
        self.ask(Method::POST, "/complete", Some(&json!({ "parts": listed(parts) }))).await
    }

    /// `DELETE`.
    pub async fn abort(&self) -> (u16, Value) {
        self.ask(Method::DELETE, "", None).await
    }
}

impl Stack {
    /// What lies in the bucket under this key, got past the Worker's API; `None` for nothing.
    pub async fn stored(&self, key: &str) -> Option<Response> {
        let key = ObjectKey::parse_video(key).expect("a key");
        let url = self.presigner().get(&key, None, DurationMs::minutes(60), now());
        // The time for all of its bytes, which may be gigabytes.
        let request = bare_http().get(url).timeout(Duration::from_mins(30));
        let answer = request.send().await.expect("an answer");
        match answer.status().as_u16() {
            200 => Some(answer),
            404 => None,
            status => panic!("{status} to a download from the bucket"),
        }
    }

    /// Signs as the Worker does, with whatever a test wants to be different.
    pub fn presigner(&self) -> Presigner {
        let endpoint = format!("{}/cdn-cgi/local/r2/s3", self.api_url());
        let endpoint = BaseUrl::parse(&endpoint).expect("a URL");
        let text = str::to_owned;
        let signer = Presigner::new(
            &endpoint,
            "reel-ballers-videos",
            text("local-development-key"),
            text("local-development-secret"),
        );
        signer.expect("a bucket with a plain name")
    }
}

/// The time, for signatures.
pub fn now() -> Timestamp {
    let since = std::time::UNIX_EPOCH.elapsed().expect("a clock after 1970");
    Timestamp(i64::try_from(since.as_millis()).expect("a time before the sun dies"))
}

fn listed(parts: &[(u32, String)]) -> Vec<Value> {
    parts.iter().map(|(number, etag)| json!({"part_number": number, "etag": etag})).collect()
}

async fn read(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    (status, answer.json().await.expect("a JSON body"))
}
