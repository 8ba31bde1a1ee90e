//! What an upload is refused for: by the bucket, where the signature says so, and by the Worker elsewhere.

use e2e::{PartUpload, Stack, bare_http, now};
use reel_core::base::object_key::ObjectKey;
use reel_core::base::time::DurationMs;
use reqwest::Method;
use serde_json::{Value, json};

const MIB: u64 = 1024 * 1024;

async fn put(url: &str, content_type: Option<&str>, bytes: usize) -> u16 {
    let mut request = bare_http().put(url).body(vec![7; bytes]);
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    request.send().await.expect("an answer").status().as_u16()
}

fn elsewhere(url: &str) -> String {
    let other = url.replace("match.mp4", "other.mp4");
    assert_ne!(other, url);
    other
}

#[tokio::test]
async fn the_bucket_takes_only_what_was_signed() {
    let stack = Stack::shared().await;
    let ask = json!({"filename": "match.mp4", "content_type": "video/mp4", "size_bytes": 1000});
    let target: Value = bare_http()
        .post(format!("{}/api/videos/upload-url", stack.api_url()))
        .json(&ask)
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    let url = target["upload_url"].as_str().expect("a URL");
    let key = ObjectKey::parse_input(target["video_key"].as_str().expect("a key")).expect("a key");
    let presigner = stack.presigner();
    let signed_at = |time| presigner.put(&key, "video/mp4", Some(1000), DurationMs::minutes(10), time);
    for (what, url, content_type, bytes, status) in [
        ("another type", url.to_owned(), Some("video/webm"), 1000, 403),
        ("no type", url.to_owned(), None, 1000, 403),
        ("another size", url.to_owned(), Some("video/mp4"), 1001, 403),
        ("nothing", url.to_owned(), Some("video/mp4"), 0, 403),
        ("another key", elsewhere(url), Some("video/mp4"), 1000, 403),
        (
            "a longer lifetime",
            url.replace("X-Amz-Expires=3600", "X-Amz-Expires=7200"),
            Some("video/mp4"),
            1000,
            403,
        ),
        ("an expired URL", signed_at(now() + DurationMs::minutes(-60)), Some("video/mp4"), 1000, 403),
        ("the same in time", signed_at(now()), Some("video/mp4"), 1000, 200),
        ("what was signed", url.to_owned(), Some("video/mp4"), 1000, 200),
    ] {
        assert_eq!(put(&url, content_type, bytes).await, status, "{what}");
    }
}

#[tokio::test]
async fn the_bucket_takes_only_parts_that_were_signed() {
    let stack = Stack::shared().await;
    // The last part is small: a bucket that refuses a large one hangs up before it has all of it.
    let (upload, _) = PartUpload::begin(&stack, 10 * MIB + 1000).await;
    let (other, _) = PartUpload::begin(&stack, 10 * MIB + 1000).await;
    let url = upload.url(3).await;
    let storage_id = |url: &str| {
        let (_, rest) = url.split_once("uploadId=").expect("an upload");
        rest.split('&').next().unwrap_or_default().to_owned()
    };
    let foreign = url.replace(&storage_id(&url), &storage_id(&other.url(3).await));
    assert_ne!(foreign, url);
    let number = |number: &str| url.replace("partNumber=3", &format!("partNumber={number}"));
    let presigner = stack.presigner();
    let key = ObjectKey::parse_input(&upload.video_key).expect("a key");
    let id = storage_id(&url);
    let signed_at = |time| presigner.upload_part(&key, &id, 3, 1000, DurationMs::minutes(10), time);
    for (what, url, bytes, status) in [
        ("a byte less", url.clone(), 999, 403),
        ("a byte more", url.clone(), 1001, 403),
        ("another number", number("1"), 1000, 403),
        ("number 0", number("0"), 1000, 403),
        ("number 10,001", number("10001"), 1000, 403),
        ("another key", elsewhere(&url), 1000, 403),
        ("another upload", foreign, 1000, 403),
        ("an expired URL", signed_at(now() + DurationMs::minutes(-60)), 1000, 403),
        ("the same in time", signed_at(now()), 1000, 200),
        ("what was signed", url.clone(), 1000, 200),
    ] {
        assert_eq!(put(&url, None, bytes).await, status, "{what}");
    }
}

#[tokio::test]
async fn part_numbers_are_those_of_the_file() {
    let stack = Stack::shared().await;
    let (upload, created) = PartUpload::begin(&stack, 12_000_000).await;
    assert_eq!(created["part_count"], 3);
    let (status, problem) = upload.sign(&[1, 0, 4, 10_001]).await;
    assert_eq!(
        (status, pointers(&problem)),
        (422, vec!["/part_numbers/1", "/part_numbers/2", "/part_numbers/3"])
    );
    assert_eq!(upload.sign(&[]).await.0, 422);
    assert_eq!(upload.sign(&[1; 101]).await.0, 422);
    let parts = [(0, "\"a\"".to_owned()), (4, "\"a\"".to_owned()), (10_001, String::new())];
    for (status, problem) in [upload.confirm(&parts).await, upload.complete_with(&parts).await] {
        let expected =
            ["/parts/0/part_number", "/parts/1/part_number", "/parts/2/part_number", "/parts/2/etag"];
        assert_eq!((status, pointers(&problem)), (422, expected.to_vec()), "{problem}");
    }
    let (_, shown) = upload.show().await;
    assert_eq!(shown["parts"], json!([]), "nothing of it was kept");
}

fn pointers(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().expect("faults");
    errors.iter().map(|fault| fault["pointer"].as_str().expect("a pointer")).collect()
}

#[tokio::test]
async fn an_upload_is_opened_by_its_own_id_and_key_only() {
    let stack = Stack::shared().await;
    let (upload, _) = PartUpload::begin(&stack, 12_000_000).await;
    let (other, _) = PartUpload::begin(&stack, 12_000_000).await;
    let (uuid, mac) = upload.upload_id.split_once('.').expect("an id and a MAC");
    let (other_uuid, other_mac) = other.upload_id.split_once('.').expect("an id and a MAC");
    let forged = format!("{uuid}.{}", mac.replace(|c: char| c.is_ascii_digit(), "0"));
    let key = upload.video_key.as_str();
    for (what, video_key, upload_id) in [
        ("the id of another upload", key, other.upload_id.as_str()),
        ("the key of another upload", other.video_key.as_str(), upload.upload_id.as_str()),
        ("a forged MAC", key, &forged),
        ("the MAC of another upload", key, &format!("{uuid}.{other_mac}")),
        ("the name of another upload", key, &format!("{other_uuid}.{mac}")),
        ("no MAC", key, uuid),
        ("an empty MAC", key, &format!("{uuid}.")),
        ("no id", key, &format!(".{mac}")),
        ("no key", "", &upload.upload_id),
        ("a path that climbs", "input/../output/x/video.mp4", &upload.upload_id),
        ("a result of a job", "output/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50/1/video.mp4", &upload.upload_id),
        ("a key with a control character", &format!("{key}\u{0}"), &upload.upload_id),
        ("a key in another script", &key.replace('m', "\u{ff4d}"), &upload.upload_id),
    ] {
        let wrong = PartUpload::known(&stack, video_key, upload_id);
        let body = json!({"part_numbers": [1]});
        for (status, problem) in [
            wrong.show().await,
            wrong.ask(Method::POST, "/parts", Some(&body)).await,
            wrong.confirm(&[(1, "\"a\"".into())]).await,
            wrong.complete().await,
            wrong.abort().await,
        ] {
            assert_eq!((status, &problem["code"]), (403, &json!("bad_token")), "{what}: {problem}");
        }
    }
    assert_eq!(upload.show().await.0, 200, "and it is untouched");
}

#[tokio::test]
async fn whatever_the_name_the_key_is_a_plain_one_of_its_own() {
    let stack = Stack::shared().await;
    let create = async |filename: &str| {
        let body = json!({"filename": filename, "content_type": "video/mp4", "size_bytes": 9});
        PartUpload::try_begin(&stack, &body).await
    };
    for (filename, name) in [
        ("../../output/x/1/video.mp4", "video.mp4"),
        ("..\\..\\boot.mp4", "boot.mp4"),
        ("a\u{202e}4pm.exe", "a_4pm.exe"),
        ("\u{ff0e}\u{ff0e}\u{2215}etc", "etc"),
        ("матч.mp4", "video.mp4"),
        ("a b?x=1&y#z%2e%2e.mp4", "a_b_x_1_y_z_2e_2e.mp4"),
        ("..", "video"),
    ] {
        let (status, created) = create(filename).await;
        assert_eq!(status, 201, "{filename:?}: {created}");
        let key = created["video_key"].as_str().expect("a key");
        let segments: Vec<&str> = key.split('/').collect();
        assert!(matches!(segments.as_slice(), ["input", _, last] if *last == name), "{filename:?}: {key}");
    }
    for filename in ["", "a\r\nx-evil: 1.mp4", "a\u{0}.mp4", &"a".repeat(256)] {
        let (status, problem) = create(filename).await;
        assert_eq!((status, pointers(&problem)), (422, vec!["/filename"]), "{filename:?}");
    }
}

#[tokio::test]
async fn what_is_too_large_is_told_where_to_go() {
    let stack = Stack::shared().await;
    let ask = async |path: &str, size: u64| {
        let body = json!({"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": size});
        let url = format!("{}/api/videos/{path}", stack.api_url());
        let answer = bare_http().post(url).json(&body).send().await.expect("an answer");
        (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON"))
    };
    // R2 takes 5 MiB less than the 5 GiB of S3 in one request.
    let most = (5 << 30) - (5 << 20);
    assert_eq!(ask("upload-url", most).await.0, 200);
    let (status, problem) = ask("upload-url", most + 1).await;
    assert_eq!((status, pointers(&problem)), (422, vec!["/size_bytes"]));
    assert!(problem["detail"].as_str().is_some_and(|text| text.contains("POST /api/videos/multipart")));
    assert_eq!(ask("multipart", 10_000_000_001).await.0, 422);
}
