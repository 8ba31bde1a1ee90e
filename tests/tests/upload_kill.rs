//! `reel upload` while it is killed, cut off and left without a server: it ends with the same bytes, and what
//! had arrived before a kill is not sent again.

use std::path::PathBuf;
use std::process::{Child, Output, Stdio};

use e2e::{BucketProxy, Options, Stack, wait_until};
use sha2::{Digest as _, Sha256};

const MIB: usize = 1024 * 1024;
/// Of every part but the last: the least that the API takes.
const PART: usize = 5 * MIB;
const LANES: usize = 4;

/// A stack with a tap in front of its bucket, and a file to upload.
struct Scene {
    stack: Stack,
    clip: PathBuf,
    bytes: Vec<u8>,
    chance: fastrand::Rng,
}

/// A running upload; SIGKILL ends it when it is dropped, also by a panic.
struct Reel(Option<Child>);

impl Drop for Reel {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // It may have ended by itself; then the test says so in other words.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Scene {
    async fn with(size: usize) -> Self {
        let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| fastrand::u64(..));
        println!("SEED={seed}");
        let mut chance = fastrand::Rng::with_seed(seed);
        let stack = Stack::start(Options { bucket_tap: true, ..Options::default() }).await;
        let mut bytes = vec![0; size];
        chance.fill(&mut bytes);
        let clip = stack.folder().join("clip.mp4");
        std::fs::write(&clip, &bytes).expect("to write the clip");
        Self { stack, clip, bytes, chance }
    }

    fn tap(&self) -> &BucketProxy {
        self.stack.bucket_tap()
    }

    fn start(&self) -> Reel {
        let mut reel = self.stack.reel();
        reel.arg("upload").arg(&self.clip);
        reel.args(["--parallel", &LANES.to_string(), "--part-size", "5"]);
        let child = reel.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("reel starts");
        Reel(Some(child))
    }

    /// Lets so many more parts arrive, then waits until so many others are half-way.
    async fn until_half_way(&self, arrived: usize, half_way: usize) {
        let target = self.tap().accepted().len() + arrived;
        self.tap().let_pass(arrived as u64);
        let what = format!("{target} parts have arrived and {half_way} are half-way");
        wait_until(&what, async || self.tap().accepted().len() == target && self.tap().stopped() >= half_way)
            .await;
    }

    /// Waits for its end, and for the same bytes in the bucket.
    async fn ends_whole(&self, mut reel: Reel) -> Output {
        let child = reel.0.take().expect("held until here");
        let output = tokio::task::spawn_blocking(|| child.wait_with_output().expect("its output"));
        let output = output.await.expect("a thread");
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{complaints}");
        let text = String::from_utf8_lossy(&output.stdout);
        let key = text.lines().last().expect("a key").trim();
        let stored = self.stack.stored(key).await.expect("the video").bytes().await.expect("its bytes");
        assert_eq!(Sha256::digest(&stored), Sha256::digest(&self.bytes));
        output
    }

    fn part_count(&self) -> usize {
        self.bytes.len().div_ceil(PART)
    }
}

#[tokio::test]
async fn ten_kills_later_the_video_is_whole_and_no_part_was_sent_twice() {
    let mut scene = Scene::with(200 * MIB + 1).await;
    for kill in 1..=10 {
        let (arrived, half_way) = (scene.chance.usize(0..=3), scene.chance.usize(1..=LANES));
        println!("kill {kill}: after {arrived} more parts, with {half_way} or more half-way");
        // Nothing passes before it is known who is killed.
        let reel = scene.start();
        scene.until_half_way(arrived, half_way).await;
        drop(reel);
        // What the dead have left in the system's buffers never arrives.
        scene.tap().let_pass(0);
        scene.tap().cut();
        wait_until("the tap is quiet", async || scene.tap().stopped() == 0).await;
    }
    let there = scene.tap().accepted().len();
    scene.tap().let_all_pass();
    let output = scene.ends_whole(scene.start()).await;
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(there == 0 || complaints.contains("already uploaded"), "{complaints}");

    let times = scene.tap().times_accepted();
    assert_eq!(times.len(), scene.part_count());
    assert!(times.values().all(|times| *times == 1), "accepted more than once: {times:?}");
    let uploads: std::collections::BTreeSet<String> =
        scene.tap().accepted().into_iter().map(|part| part.storage_id).collect();
    assert_eq!(uploads.len(), 1, "one upload from the first start to the end");
    println!("{} parts, {there} of them before the last kill, each accepted once", times.len());
}

#[tokio::test]
async fn a_network_that_drops_again_and_again_only_delays_an_upload() {
    let mut scene = Scene::with(80 * MIB + 1).await;
    scene.tap().let_pass(0);
    let reel = scene.start();
    for _ in 0..4 {
        // Something arrives in between, so that nobody has reason to give up or to wait for long.
        let (arrived, half_way) = (scene.chance.usize(1..=2), scene.chance.usize(1..=LANES));
        scene.until_half_way(arrived, half_way).await;
        // The client is back at once, so that the tap need not be seen without parts half-way.
        scene.tap().cut();
    }
    scene.tap().let_all_pass();
    scene.ends_whole(reel).await;
    assert_eq!(scene.tap().times_accepted().len(), scene.part_count());
}

#[tokio::test]
async fn a_worker_that_restarts_in_mid_upload_only_delays_it() {
    let mut scene = Scene::with(40 * MIB + 1).await;
    scene.tap().let_pass(0);
    let reel = scene.start();
    scene.until_half_way(2, 1).await;
    scene.stack.kill_worker();
    scene.tap().let_all_pass();
    scene.stack.restart_worker().await;
    scene.ends_whole(reel).await;
}
