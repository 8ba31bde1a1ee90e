//! The bucket and the ledger at odds: what the bucket has is what counts.

use std::time::Duration;

use e2e::{PartUpload, Stack, bare_http, now};
use reel_core::base::object_key::ObjectKey;
use reel_core::base::time::DurationMs;
use rusty_s3::actions::{AbortMultipartUpload, CompleteMultipartUpload, S3Action as _};
use rusty_s3::{Bucket, Credentials, UrlStyle};
use serde_json::json;

const MIB: u64 = 1024 * 1024;

/// The bucket itself, past the Worker.
struct DirectBucket {
    bucket: Bucket,
    credentials: Credentials,
    key: String,
    storage_id: String,
}

impl DirectBucket {
    /// Of this upload, whose own name at the bucket is part of every URL.
    fn of(stack: &Stack, upload: &PartUpload, part_url: &str) -> Self {
        let endpoint = format!("{}/cdn-cgi/local/r2/s3", stack.api_url()).parse().expect("a URL");
        let (_, rest) = part_url.split_once("uploadId=").expect("an upload");
        Self {
            bucket: Bucket::new(endpoint, UrlStyle::Path, "reel-ballers-videos", "auto").expect("a bucket"),
            credentials: Credentials::new("local-development-key", "local-development-secret"),
            key: upload.video_key.clone(),
            storage_id: rest.split('&').next().unwrap_or_default().to_owned(),
        }
    }

    async fn complete(&self, etags: &[&str]) {
        let etags = etags.iter().map(|etag| etag.trim_matches('"'));
        let credentials = Some(&self.credentials);
        let action =
            CompleteMultipartUpload::new(&self.bucket, credentials, &self.key, &self.storage_id, etags);
        let url = action.sign(MINUTE);
        let answer = bare_http().post(url).body(action.body()).send().await.expect("an answer");
        let (status, text) = (answer.status(), answer.text().await.expect("a body"));
        assert!(status == 200 && text.contains("CompleteMultipartUploadResult"), "{status}: {text}");
    }

    async fn abort(&self) {
        let action =
            AbortMultipartUpload::new(&self.bucket, Some(&self.credentials), &self.key, &self.storage_id);
        let answer = bare_http().delete(action.sign(MINUTE)).send().await.expect("an answer");
        assert_eq!(answer.status(), 204);
    }
}

const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_completion_whose_answer_was_lost_is_found_out() {
    let stack = Stack::shared().await;
    let (upload, _) = PartUpload::begin(&stack, 6 * MIB).await;
    let first = upload.send(1, vec![1; 5 << 20]).await;
    let second = upload.send(2, vec![2; 1 << 20]).await;
    // As if the Worker had died between the bucket's answer and its own next word.
    let bucket = DirectBucket::of(&stack, &upload, &upload.url(1).await);
    bucket.complete(&[&first, &second]).await;
    let (status, complete) = upload.complete_with(&[(1, first), (2, second)]).await;
    assert_eq!((status, &complete["size_bytes"]), (200, &json!(6 * MIB)), "{complete}");
    assert_eq!(upload.complete().await, (200, complete));
    assert_eq!(upload.show().await.1["status"], "complete");
    assert_eq!(upload.abort().await.0, 409);
}

#[tokio::test]
async fn an_upload_that_the_bucket_has_dropped_is_over() {
    let stack = Stack::shared().await;
    let (upload, _) = PartUpload::begin(&stack, MIB).await;
    let etag = upload.send(1, vec![1; 1 << 20]).await;
    DirectBucket::of(&stack, &upload, &upload.url(1).await).abort().await;
    let (status, problem) = upload.complete_with(&[(1, etag)]).await;
    assert_eq!((status, &problem["code"]), (404, &json!("upload_not_found")), "{problem}");
    assert_eq!(problem["detail"], "Storage no longer has this upload. Start a new one.");
    assert_eq!(upload.show().await.0, 404);
    assert_eq!(upload.abort().await, (200, json!({"success": true})), "and a client may still clean up");
}

#[tokio::test]
async fn a_video_of_another_size_than_was_promised_is_deleted() {
    let stack = Stack::shared().await;
    let (upload, _) = PartUpload::begin(&stack, MIB).await;
    let bucket = DirectBucket::of(&stack, &upload, &upload.url(1).await);
    let key = ObjectKey::parse_input(&upload.video_key).expect("a key");
    // The Worker signs no such part.
    let size = MIB / 2;
    let url = stack.presigner().upload_part(&key, &bucket.storage_id, 1, size, DurationMs::minutes(1), now());
    let answer = bare_http().put(url).body(vec![1; 1 << 19]).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let etag = answer.headers()["etag"].to_str().expect("a text").to_owned();
    let (status, problem) = upload.complete_with(&[(1, etag)]).await;
    assert_eq!((status, &problem["code"]), (409, &json!("upload_state")), "{problem}");
    let detail = problem["detail"].as_str().expect("a sentence");
    assert!(
        detail.starts_with("The assembled file has 524288 bytes, but 1048576 were declared."),
        "{detail}"
    );
    assert!(stack.stored(&upload.video_key).await.is_none(), "nobody renders half a video");
    assert_eq!(upload.show().await.0, 404);
}
