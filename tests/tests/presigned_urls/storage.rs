//! s3s-fs on loopback: storage that is not ours, and that checks every signature.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper_util::rt::TokioIo;
use reel_core::base::base_url::BaseUrl;
use reel_core::base::time::Timestamp;
use reel_core::s3::Presigner;
use reqwest::Response;
use rusty_s3::actions::CreateMultipartUpload;
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const BUCKET: &str = "reel-ballers-videos";
const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const MINUTE: Duration = Duration::from_mins(1);

/// A server with one bucket, ended with the test.
pub struct Storage {
    /// Knows the server's access key.
    pub presigner: Presigner,
    /// Sends what the URLs allow, or not.
    pub http: reqwest::Client,
    bucket: Bucket,
    credentials: Credentials,
    serving: JoinHandle<()>,
    _files: TempDir,
}

impl Storage {
    pub async fn start() -> Self {
        let files = tempfile::tempdir().unwrap();
        std::fs::create_dir(files.path().join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(FileSystem::new(files.path()).unwrap());
        builder.set_auth(SimpleAuth::from_single(KEY_ID, SECRET));
        let service = builder.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let http = hyper::server::conn::http1::Builder::new();
                    // A client that was refused hangs up in the middle of its body.
                    let _ended = http.serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        let endpoint = BaseUrl::parse(&origin).unwrap();
        Self {
            presigner: Presigner::new(&endpoint, BUCKET, KEY_ID.to_owned(), SECRET.to_owned()).unwrap(),
            http: e2e::bare_http(),
            bucket: Bucket::new(origin.parse().unwrap(), UrlStyle::Path, BUCKET, "auto").unwrap(),
            credentials: Credentials::new(KEY_ID, SECRET),
            serving,
            _files: files,
        }
    }

    /// Begins a multipart upload, as the Worker's binding does.
    pub async fn create_multipart(&self, key: &str) -> String {
        let url = self.bucket.create_multipart_upload(Some(&self.credentials), key).sign(MINUTE);
        let answer = self.http.post(url).send().await.unwrap().error_for_status().unwrap();
        CreateMultipartUpload::parse_response(&answer.text().await.unwrap()).unwrap().upload_id().to_owned()
    }

    /// Ends a multipart upload.
    pub async fn complete_multipart(&self, key: &str, upload_id: &str, etags: &[String]) {
        let etags = etags.iter().map(String::as_str);
        let action = self.bucket.complete_multipart_upload(Some(&self.credentials), key, upload_id, etags);
        let url = action.sign(MINUTE);
        let answer = self.http.post(url).body(action.body()).send().await.unwrap();
        answer.error_for_status().unwrap();
    }

    pub async fn put(&self, url: &str, content_type: Option<&str>, body: Vec<u8>) -> Response {
        let request = self.http.put(url).body(body);
        let typed = match content_type {
            Some(content_type) => request.header("content-type", content_type),
            None => request,
        };
        typed.send().await.unwrap()
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The time by this machine's clock.
#[expect(clippy::disallowed_methods, reason = "the server looks at the same clock")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp(i64::try_from(since.as_millis()).unwrap())
}
