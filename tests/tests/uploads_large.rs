//! A file as large as sources really are, through wrangler's local bucket: run by hand, since it writes
//! gigabytes. It tells workerd's memory, which stays level while parts are sent. On the way back it grows, by a
//! presigned GET as by the Worker's own route, so in what both have in common: the local bucket.
//! `cargo test -p e2e --test uploads_large -- --ignored --nocapture` (`GIB=3`)

use std::time::{Duration, Instant};

use e2e::{Options, PartUpload, Stack, bare_http};
use serde_json::json;
use sha2::{Digest as _, Sha256};

const MIB: u64 = 1024 * 1024;
/// Parts in flight at once, as uploaders do it.
const PARALLEL: usize = 4;

/// What workerd holds now, and the most it ever held, in MiB: of its two processes (wrangler has a proxy in
/// front) the larger. Linux only.
fn memory(stack: &Stack) -> (u64, u64) {
    let group = stack.worker_group().to_string();
    let mut largest = None;
    for entry in std::fs::read_dir("/proc").expect("the processes").flatten() {
        let read = |name: &str| std::fs::read_to_string(entry.path().join(name)).unwrap_or_default();
        // pid (comm) state ppid pgrp
        let stat = read("stat");
        let Some((_, fields)) = stat.split_once("(workerd) ") else { continue };
        if fields.split(' ').nth(2) != Some(&group) {
            continue;
        }
        let status = read("status");
        let kib = |name: &str| -> u64 {
            let line = status.lines().find(|line| line.starts_with(name)).expect("a line of its memory");
            line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).expect("a number")
        };
        largest = largest.max(Some((kib("VmRSS") / 1024, kib("VmHWM") / 1024)));
    }
    largest.unwrap_or_else(|| panic!("no workerd in the group {group}"))
}

fn part(number: u32, size_bytes: u64) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(size_bytes).expect("a part fits in memory")];
    fastrand::Rng::with_seed(number.into()).fill(&mut bytes);
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "gigabytes: run it by hand"]
async fn a_file_of_gigabytes_lies_in_the_bucket_as_it_was() {
    let gib: u64 = std::env::var("GIB").map_or(3, |text| text.parse().expect("GIB is a number"));
    let size = gib * 1024 * MIB;
    let stack = Stack::start(Options::default()).await;
    let body = json!({"filename": "match.mp4", "content_type": "video/mp4", "size_bytes": size});
    let (status, created) = PartUpload::try_begin(&stack, &body).await;
    assert_eq!(status, 201, "{created}");
    let text = |name: &str| created[name].as_str().expect("a text");
    let upload = PartUpload::known(&stack, text("video_key"), text("upload_id"));
    let count = u32::try_from(created["part_count"].as_u64().expect("a count")).expect("a count");
    let part_size = created["part_size"].as_u64().expect("a size");
    println!("{gib} GiB in {count} parts; workerd before: {:?} MiB (now, peak)", memory(&stack));

    let mut sent = Sha256::new();
    let start = Instant::now();
    let numbers: Vec<u32> = (1..=count).collect();
    for batch in numbers.chunks(PARALLEL) {
        let parts: Vec<(u32, Vec<u8>)> = batch
            .iter()
            .map(|number| (*number, part(*number, part_size.min(size - u64::from(number - 1) * part_size))))
            .collect();
        for (_, bytes) in &parts {
            sent.update(bytes);
        }
        let etags = futures_util::future::join_all(
            parts.into_iter().map(async |(number, bytes)| (number, upload.send(number, bytes).await)),
        );
        let (status, answer) = upload.confirm(&etags.await).await;
        assert_eq!(status, 200, "{answer}");
    }
    let sending = start.elapsed();
    println!("workerd after the parts: {:?} MiB", memory(&stack));
    let completing = Instant::now();
    let (status, complete) = upload.complete().await;
    assert_eq!((status, &complete["size_bytes"]), (200, &json!(size)), "{complete}");
    let rate = size / MIB * 1000 / u64::try_from(sending.as_millis()).expect("a short while").max(1);
    println!(
        "sent in {sending:.1?} ({rate} MiB/s, noise and its hash included), completed in {:.1?}",
        completing.elapsed()
    );

    // Only what a job or project names is handed out.
    let project = bare_http().put(format!("{}/api/projects/1", stack.api_url()));
    let named = project.json(&json!({"working_video_key": upload.video_key})).send().await;
    assert_eq!(named.expect("an answer").status(), 201);
    let mut stored = Sha256::new();
    let video = format!("{}/api/videos/download/{}", stack.api_url(), upload.video_key);
    let download = bare_http().get(video).timeout(Duration::from_mins(30));
    let mut answer = download.send().await.expect("an answer").error_for_status().expect("the video");
    while let Some(chunk) = answer.chunk().await.expect("its bytes") {
        stored.update(&chunk);
    }
    assert_eq!(stored.finalize(), sent.finalize());
    println!("workerd after the download: {:?} MiB", memory(&stack));
}
