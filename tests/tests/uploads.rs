//! Uploads straight to the bucket: what was sent is what lies there, whatever happens on the way.

use e2e::{BucketProxy, Options, PartUpload, Stack, bare_http, wait_until};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const MIB: u64 = 1024 * 1024;

/// Bytes that no two parts have in common.
fn noise(size_bytes: u64) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(size_bytes).expect("a file that fits in memory")];
    fastrand::Rng::with_seed(size_bytes).fill(&mut bytes);
    bytes
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The SHA-256 of what lies in the bucket.
async fn stored_sha256(stack: &Stack, key: &str) -> [u8; 32] {
    sha256(&stack.stored(key).await.expect("an object").bytes().await.expect("its bytes"))
}

/// The bytes of one part, of 5 MiB or the rest.
fn part(file: &[u8], number: u32) -> Vec<u8> {
    let chunk = file.chunks(5 * 1024 * 1024).nth(number as usize - 1);
    chunk.expect("a part of this file").to_vec()
}

/// Sends these parts and confirms each.
async fn send_all(upload: &PartUpload, file: &[u8], numbers: impl IntoIterator<Item = u32>) {
    for number in numbers {
        let etag = upload.send(number, part(file, number)).await;
        let (status, answer) = upload.confirm(&[(number, etag)]).await;
        assert_eq!(status, 200, "{answer}");
    }
}

fn tapped() -> Options {
    Options { bucket_tap: true, ..Options::default() }
}

#[tokio::test]
async fn a_file_of_one_byte_goes_up_by_a_single_put() {
    let stack = Stack::shared().await;
    let file = stack.folder().join("one.mp4");
    std::fs::write(&file, [7]).expect("a file");
    let key = e2e::upload(&stack.client(), &file).await;
    assert_eq!(stored_sha256(&stack, &key).await, sha256(&[7]));
}

#[tokio::test]
async fn files_in_parts_lie_in_the_bucket_as_they_were() {
    let stack = Stack::shared().await;
    for (size, parts) in [(1, 1), (5 * MIB - 1, 1), (5 * MIB, 1), (5 * MIB + 1, 2), (200 * MIB, 40)] {
        let file = noise(size);
        let (upload, created) = PartUpload::begin(&stack, size).await;
        assert_eq!((&created["part_count"], &created["size_bytes"]), (&json!(parts), &json!(size)));
        send_all(&upload, &file, 1..=parts).await;
        let (status, complete) = upload.complete().await;
        assert_eq!((status, &complete["size_bytes"]), (200, &json!(size)), "{complete}");
        assert_eq!(complete["video_key"], upload.video_key);
        assert_eq!(stored_sha256(&stack, &upload.video_key).await, sha256(&file), "{size} bytes");
        let head = stack.stored(&upload.video_key).await.expect("an object");
        assert_eq!(head.headers()["content-type"], "video/mp4");
    }
}

#[tokio::test]
async fn a_worker_that_is_killed_in_mid_upload_goes_on_where_it_was() {
    let mut stack = Stack::start(Options::default()).await;
    let file = noise(12 * MIB);
    let (upload, _) = PartUpload::begin(&stack, 12 * MIB).await;
    send_all(&upload, &file, [2]).await;
    stack.kill_worker();
    stack.restart_worker().await;
    // Another device, with nothing but key and id.
    let upload = PartUpload::known(&stack, &upload.video_key, &upload.upload_id);
    let (status, shown) = upload.show().await;
    assert_eq!((status, &shown["status"], numbers(&shown)), (200, &json!("open"), vec![2]), "{shown}");
    send_all(&upload, &file, [1, 3]).await;
    assert_eq!(upload.complete().await.0, 200);
    stack.kill_worker();
    stack.restart_worker().await;
    assert_eq!(upload.complete().await.0, 200, "a second completion, of another instance");
    assert_eq!(stored_sha256(&stack, &upload.video_key).await, sha256(&file));
}

/// The part numbers of an answer to `GET .../parts`.
fn numbers(shown: &Value) -> Vec<u64> {
    let parts = shown["parts"].as_array().expect("a list of parts");
    parts.iter().map(|part| part["part_number"].as_u64().expect("a number")).collect()
}

#[tokio::test]
async fn parts_that_arrived_and_were_never_confirmed_are_found() {
    let stack = Stack::start(tapped()).await;
    let tap: &BucketProxy = stack.bucket_tap();
    tap.answer_lists(Some(2));
    let file = noise(24 * MIB);
    let (upload, _) = PartUpload::begin(&stack, 24 * MIB).await;
    send_all(&upload, &file, [4]).await;
    for number in [1, 2, 5] {
        upload.send(number, part(&file, number)).await;
    }
    let (_, shown) = upload.show().await;
    assert_eq!(numbers(&shown), [1, 2, 4, 5]);
    assert_eq!(shown["parts"][3]["size_bytes"], json!(4 * MIB));
    assert_eq!(tap.lists_asked(), 2, "two pages of two");
    assert_eq!(tap.times_accepted().into_values().max(), Some(1), "nothing was sent twice");

    // What was found is confirmed: the bucket may fall silent.
    tap.answer_lists(None);
    send_all(&upload, &file, [3]).await;
    assert_eq!(numbers(&upload.show().await.1), [1, 2, 3, 4, 5]);
    assert_eq!(tap.lists_asked(), 2, "all are known: nobody asks");
    assert_eq!(upload.complete().await.0, 200);
    assert_eq!(stored_sha256(&stack, &upload.video_key).await, sha256(&file));

    // A bucket that cannot list is asked once an isolate.
    let (upload, _) = PartUpload::begin(&stack, 24 * MIB).await;
    send_all(&upload, &file, [1]).await;
    for _ in 0..3 {
        assert_eq!(numbers(&upload.show().await.1), [1]);
    }
    assert_eq!(tap.lists_asked(), 3);
}

#[tokio::test]
async fn completing_is_done_once_however_often_it_is_asked() {
    let stack = Stack::shared().await;
    let file = noise(11 * MIB);
    let (upload, _) = PartUpload::begin(&stack, 11 * MIB).await;
    send_all(&upload, &file, [1]).await;
    let (status, problem) = upload.complete().await;
    assert_eq!((status, &problem["code"]), (409, &json!("upload_incomplete")));
    let detail = problem["detail"].as_str().expect("a sentence");
    assert!(detail.starts_with("2 parts are missing: 2, 3."), "{detail}");

    // Uppy gives the parts with the completion.
    let mut parts = Vec::new();
    for number in [2, 3] {
        parts.push((number, upload.send(number, part(&file, number)).await));
    }
    let asked = futures_util::future::join_all((0..5).map(|_| upload.complete_with(&parts))).await;
    let (_, first) = asked[0].clone();
    for (status, answer) in asked {
        assert_eq!((status, &answer), (200, &first));
    }
    assert_eq!(upload.complete().await, (200, first));
    assert_eq!(stored_sha256(&stack, &upload.video_key).await, sha256(&file));

    let (status, shown) = upload.show().await;
    assert_eq!((status, &shown["status"], numbers(&shown)), (200, &json!("complete"), vec![1, 2, 3]));
    assert_eq!(upload.confirm(&parts).await, (200, json!({"confirmed": 3})), "late, and no news");
    for (status, problem) in
        [upload.abort().await, upload.sign(&[1]).await, upload.confirm(&[(1, "\"other\"".into())]).await]
    {
        assert_eq!((status, &problem["code"]), (409, &json!("upload_state")), "{problem}");
    }
    assert!(stack.stored(&upload.video_key).await.is_some(), "and the video is still there");
}

#[tokio::test]
async fn wrong_etags_are_told_and_can_be_set_right() {
    let stack = Stack::shared().await;
    let file = noise(6 * MIB);
    let (upload, _) = PartUpload::begin(&stack, 6 * MIB).await;
    send_all(&upload, &file, [1]).await;
    let etag = upload.send(2, part(&file, 2)).await;
    let (status, problem) = upload.complete_with(&[(2, "\"d41d8cd98f00b204e9800998ecf8427e\"".into())]).await;
    assert_eq!((status, &problem["code"]), (409, &json!("upload_state")), "{problem}");
    let (status, complete) = upload.complete_with(&[(2, etag)]).await;
    assert_eq!(status, 200, "{complete}");
    assert_eq!(stored_sha256(&stack, &upload.video_key).await, sha256(&file));
}

#[tokio::test]
async fn an_aborted_upload_is_gone_here_and_at_the_bucket() {
    let stack = Stack::shared().await;
    let file = noise(6 * MIB);
    let (upload, _) = PartUpload::begin(&stack, 6 * MIB).await;
    send_all(&upload, &file, [1]).await;
    let url = upload.url(2).await;
    for _ in 0..2 {
        assert_eq!(upload.abort().await, (200, json!({"success": true})));
    }
    for (status, problem) in
        [upload.show().await, upload.sign(&[2]).await, upload.complete().await, upload.confirm(&[]).await]
    {
        assert_eq!((status, &problem["code"]), (404, &json!("upload_not_found")), "{problem}");
    }
    assert_eq!(put(&url, part(&file, 2)).await, 404);
}

async fn put(url: &str, bytes: Vec<u8>) -> StatusCode {
    bare_http().put(url).body(bytes).send().await.expect("an answer").status()
}

#[tokio::test]
async fn an_abandoned_upload_is_aborted_when_its_time_is_over() {
    // Three days are 26 s at this speed.
    let vars = vec![("CLOCK_SPEED", "10000".to_owned())];
    let stack = Stack::start(Options { vars, ..Options::default() }).await;
    let file = noise(6 * MIB);
    let (upload, created) = PartUpload::begin(&stack, 6 * MIB).await;
    let storage_url = upload.url(2).await;
    send_all(&upload, &file, [1]).await;
    assert!(created["expires_at"].as_str().is_some_and(|time| time.ends_with('Z')), "{created}");

    wait_until("the upload is forgotten", async || upload.show().await.0 == 404).await;
    let (status, problem) = upload.complete().await;
    assert_eq!((status, &problem["code"]), (404, &json!("upload_not_found")));
    assert!(problem["detail"].as_str().is_some_and(|text| text.contains("Start a new one")), "{problem}");
    assert_eq!(put(&storage_url, part(&file, 2)).await, 404, "the bucket takes no more parts");
    assert!(stack.stored(&upload.video_key).await.is_none());
}

/// The largest file of all: what the ledger writes for it, and how many requests it takes.
#[tokio::test]
async fn ten_gigabytes_cost_a_row_a_part() {
    let stack = Stack::shared().await;
    let body = json!({"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 10_000_000_000_i64});
    let (_, created) = PartUpload::try_begin(&stack, &body).await;
    let text = |name: &str| created[name].as_str().expect("a text").to_owned();
    let upload = PartUpload::known(&stack, &text("video_key"), &text("upload_id"));
    let count = u32::try_from(created["part_count"].as_u64().expect("a count")).expect("a small count");
    assert_eq!((count, &created["part_size"]), (597, &json!(16 * MIB)));

    let all: Vec<u32> = (1..=count).collect();
    let mut requests = 1;
    for numbers in all.chunks(100) {
        let (status, signed) = upload.sign(numbers).await;
        assert_eq!((status, signed["parts"].as_array().map(Vec::len)), (200, Some(numbers.len())));
        requests += 1;
    }
    for numbers in all.chunks(10) {
        let parts: Vec<(u32, String)> =
            numbers.iter().map(|number| (*number, format!("\"{number:032x}\""))).collect();
        for repeated in 0..2 {
            let (status, answer) = upload.confirm(&parts).await;
            assert_eq!((status, &answer["confirmed"]), (200, &json!(numbers.last())), "{repeated}");
        }
        requests += 1;
    }
    let (_, shown) = upload.show().await;
    assert_eq!(numbers(&shown).len(), 597);
    // The object counts what each of its writes wrote, and complains when it is not a row a part.
    assert!(!stack.worker_log().contains("an upload wrote"), "see the Worker's log");
    println!("{count} parts: {requests} requests before the completion, one row a part");
    assert_eq!(upload.abort().await.0, 200);
}

/// What browsers say of a video, the name of its file, and the type that it is stored as.
const TYPES: [(&str, &str, &str); 7] = [
    ("video/webm;codecs=vp8,opus", "recording", "video/webm"),
    ("video/mp4; codecs=\"avc1\"", "clip.mp4", "video/mp4"),
    ("video/x-matroska;codecs=avc1", "clip.mkv", "video/x-matroska"),
    ("", "clip.mkv", "video/x-matroska"),
    ("", "00017.MTS", "video/mp2t"),
    ("application/octet-stream", "clip.mp4", "video/mp4"),
    ("text/vnd.trolltech.linguist", "match.ts", "video/mp2t"),
];

#[tokio::test]
async fn a_type_with_parameters_or_none_goes_up_in_one_piece() {
    let stack = Stack::shared().await;
    for (said, name, kept) in TYPES {
        let body = json!({"filename": name, "content_type": said, "size_bytes": 7});
        let url = format!("{}/api/videos/upload-url", stack.api_url());
        let answer = bare_http().post(url).json(&body).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{body}");
        let target: Value = answer.json().await.expect("JSON");
        assert_eq!(target["headers"], json!({"content-type": kept}), "{body}");
        let put = bare_http().put(target["upload_url"].as_str().expect("a URL"));
        let put = put.header("content-type", kept).body("7 bytes").send().await.expect("an answer");
        assert_eq!(put.status(), StatusCode::OK, "{body}");
        let stored = stack.stored(target["video_key"].as_str().expect("a key")).await.expect("an object");
        assert_eq!(stored.headers()["content-type"], kept, "{body}");
    }
}

#[tokio::test]
async fn a_type_with_parameters_or_none_goes_up_in_parts() {
    let stack = Stack::shared().await;
    for (said, name, kept) in TYPES {
        let body = json!({"filename": name, "content_type": said, "size_bytes": 7});
        let (status, created) = PartUpload::try_begin(&stack, &body).await;
        assert_eq!(status, 201, "{body}: {created}");
        let text = |name: &str| created[name].as_str().expect("a text");
        let upload = PartUpload::known(&stack, text("video_key"), text("upload_id"));
        send_all(&upload, b"7 bytes", [1]).await;
        assert_eq!(upload.complete().await.0, 200, "{body}");
        let stored = stack.stored(&upload.video_key).await.expect("an object");
        assert_eq!(stored.headers()["content-type"], kept, "{body}");
    }
}

#[tokio::test]
async fn a_file_that_nothing_calls_a_video_is_refused_with_what_to_send() {
    let stack = Stack::shared().await;
    for (said, name) in [
        (json!(""), "notes.txt"),
        (json!(null), "clip"),
        (json!("application/octet-stream"), "setup.exe"),
        (json!("video/mp4; codecs"), "clip.mp4"),
        (json!("image/png"), "clip.mp4"),
    ] {
        let body = json!({"filename": name, "content_type": said, "size_bytes": 7});
        let (status, problem) = PartUpload::try_begin(&stack, &body).await;
        assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!("/content_type")), "{body}");
        let detail = problem["errors"][0]["detail"].as_str().expect("a sentence");
        assert!(detail.contains("such as video/mp4") && detail.contains(".mov"), "{detail}");
    }
}
