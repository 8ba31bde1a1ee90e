//! Storage that is not ours takes our presigned URLs for what they say, and for nothing else.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod storage;

use reel_core::base::object_key::ObjectKey;
use reel_core::base::time::{DurationMs, Timestamp};
use reel_core::s3::{ListPartsError, parse_list_parts};
use reqwest::{Response, StatusCode};
use sha2::{Digest, Sha256};

use storage::{Storage, now};

const MIB: usize = 1 << 20;
const HOUR: DurationMs = DurationMs::minutes(60);
const MP4: &str = "video/mp4";

#[tokio::test(flavor = "multi_thread")]
async fn what_was_put_comes_back_whole_in_ranges_and_under_its_name() {
    let storage = Storage::start().await;
    let (key, film) = (key("clip.mp4"), film(100_000));
    for size_bytes in [None, Some(100_000)] {
        let url = storage.presigner.put(&key, MP4, size_bytes, HOUR, now());
        assert_eq!(storage.put(&url, Some(MP4), film.clone()).await.status(), 200, "{size_bytes:?}");
    }

    let plain = storage.http.get(storage.presigner.get(&key, None, HOUR, now())).send().await.unwrap();
    assert_eq!((plain.status(), header(&plain, "content-type")), (StatusCode::OK, MP4));
    assert_eq!(plain.bytes().await.unwrap(), film);

    let url = storage.presigner.get(&key, Some("Jürgen's гол.mp4"), HOUR, now());
    let named = storage.http.get(url).header("range", "bytes=10-19").send().await.unwrap();
    assert_eq!(named.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(header(&named, "content-range"), "bytes 10-19/100000");
    let disposition = "attachment; filename=\"J_rgen's ___.mp4\"; \
        filename*=UTF-8''J%C3%BCrgen%27s%20%D0%B3%D0%BE%D0%BB.mp4";
    assert_eq!(header(&named, "content-disposition"), disposition);
    assert_eq!(named.bytes().await.unwrap(), film.get(10..20).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_else_is_accepted() {
    let storage = Storage::start().await;
    let (own, foreign, film) = (key("clip.mp4"), key("other.mp4"), film(1000));
    let sign = |now| storage.presigner.put(&own, MP4, Some(1000), HOUR, now);
    let good = sign(now());
    let elsewhere = good.replacen("clip.mp4", "other.mp4", 1);
    let longer = good.replacen("X-Amz-Expires=3600", "X-Amz-Expires=7200", 1);
    let (head, last) = good.split_at(good.len() - 1);
    let bent = format!("{head}{}", if last == "0" { "1" } else { "0" });
    let expired = sign(Timestamp(now().0 - 2 * HOUR.0));
    for (what, url, content_type, body) in [
        ("another type", &good, Some("video/webm"), film.clone()),
        ("no type", &good, None, film.clone()),
        ("a byte more", &good, Some(MP4), self::film(1001)),
        ("a byte less", &good, Some(MP4), self::film(999)),
        ("nothing", &good, Some(MP4), Vec::new()),
        ("another key", &elsewhere, Some(MP4), film.clone()),
        ("a longer life", &longer, Some(MP4), film.clone()),
        ("a changed signature", &bent, Some(MP4), film.clone()),
        ("an expired URL", &expired, Some(MP4), film.clone()),
    ] {
        assert_eq!(storage.put(url, content_type, body).await.status(), StatusCode::FORBIDDEN, "{what}");
    }
    for key in [&own, &foreign] {
        let url = storage.presigner.get(key, None, HOUR, now());
        assert_eq!(storage.http.get(url).send().await.unwrap().status(), StatusCode::NOT_FOUND, "{key}");
    }

    assert_eq!(storage.put(&good, Some(MP4), film).await.status(), 200, "the same URL, used rightly");
    assert_eq!(storage.http.get(&good).send().await.unwrap().status(), StatusCode::FORBIDDEN, "reading");
    assert_eq!(storage.http.delete(&good).send().await.unwrap().status(), StatusCode::FORBIDDEN, "deleting");
    let get = storage.presigner.get(&own, None, DurationMs::seconds(1), Timestamp(now().0 - 60_000));
    assert_eq!(
        storage.http.get(get).send().await.unwrap().status(),
        StatusCode::FORBIDDEN,
        "reading too late"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_is_taken_for_its_number_size_and_upload_only() {
    let storage = Storage::start().await;
    let key = key("clip.mp4");
    let upload = storage.create_multipart(key.as_str()).await;
    let other = storage.create_multipart(key.as_str()).await;
    let sign = |part, size| storage.presigner.upload_part(&key, &upload, part, size, HOUR, now());
    let good = sign(1, 1000);
    for (what, url, size) in [
        ("a byte more", good.clone(), 1001),
        ("another part", good.replacen("partNumber=1", "partNumber=2", 1), 1000),
        ("another upload", good.replacen(&upload, &other, 1), 1000),
    ] {
        assert_eq!(storage.put(&url, None, film(size)).await.status(), StatusCode::FORBIDDEN, "{what}");
    }
    // Its signature holds; that there is no such part is the storage's word.
    let refused = storage.put(&sign(10_001, 1000), None, film(1000)).await;
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);

    for part in [1, 10_000] {
        assert_eq!(storage.put(&sign(part, 1000), None, film(1000)).await.status(), 200, "{part}");
    }
    let url = storage.presigner.list_parts(&key, &upload, None, HOUR, now());
    let list = storage.http.get(&url).send().await.unwrap();
    assert_eq!(list.status(), StatusCode::OK);
    let xml = list.text().await.unwrap();
    assert!(xml.contains("<PartNumber>10000</PartNumber>") && xml.contains("<Size>1000</Size>"), "{xml}");
    // This storage leaves the ETags out, without which a part cannot be completed.
    assert_eq!(parse_list_parts(&xml), Err(ListPartsError::BadPart));
    let with_etags = xml.replace("</PartNumber>", "</PartNumber><ETag>&quot;e&quot;</ETag>");
    let mut numbers: Vec<_> =
        parse_list_parts(&with_etags).unwrap().parts.iter().map(|part| part.part_number).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 10_000]);

    let marked = storage.presigner.list_parts(&key, &upload, Some(1000), HOUR, now());
    assert_eq!(storage.http.get(&marked).send().await.unwrap().status(), StatusCode::OK);
    let forged = marked.replacen("marker=1000", "marker=1", 1);
    assert_eq!(storage.http.get(forged).send().await.unwrap().status(), StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_every_size_arrive_as_they_were() {
    let storage = Storage::start().await;
    for (size, part_size) in [(1, 5 * MIB), (5 * MIB - 1, 5 * MIB), (5 * MIB, 5 * MIB), (200 * MIB, 16 * MIB)]
    {
        let key = key(&format!("{size}.mp4"));
        let upload = storage.create_multipart(key.as_str()).await;
        let (mut sent, mut etags) = (Sha256::new(), Vec::new());
        for (part, at) in (1..).zip((0..size).step_by(part_size)) {
            let body = noise(part, part_size.min(size - at));
            sent.update(&body);
            let length = u64::try_from(body.len()).unwrap();
            let url = storage.presigner.upload_part(&key, &upload, part, length, HOUR, now());
            let answer = storage.put(&url, None, body).await;
            assert_eq!(answer.status(), 200, "part {part} of {size} bytes");
            etags.push(header(&answer, "etag").to_owned());
        }
        storage.complete_multipart(key.as_str(), &upload, &etags).await;
        let url = storage.presigner.get(&key, None, HOUR, now());
        let mut answer = storage.http.get(url).send().await.unwrap().error_for_status().unwrap();
        let (mut got, mut got_bytes) = (Sha256::new(), 0);
        while let Some(chunk) = answer.chunk().await.unwrap() {
            got_bytes += chunk.len();
            got.update(&chunk);
        }
        assert_eq!((got_bytes, got.finalize()), (size, sent.finalize()), "{size} bytes");
    }
}

fn key(name: &str) -> ObjectKey {
    ObjectKey::parse_input(&format!("input/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50/{name}")).unwrap()
}

fn film(size: usize) -> Vec<u8> {
    noise(0, size)
}

fn noise(seed: u32, size: usize) -> Vec<u8> {
    let mut bytes = vec![0; size];
    fastrand::Rng::with_seed(u64::from(seed)).fill(&mut bytes);
    bytes
}

fn header<'r>(answer: &'r Response, name: &str) -> &'r str {
    answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
