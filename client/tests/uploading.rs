//! Uploads in parts and in one request, with a storage that breaks, forgets and refuses.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod fake_storage;
mod test_server;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use fake_storage::{FakeStorage, KEY, StorageFault, begin, video};
use reel_client::{CompletedUpload, Error, MultipartUpload, Result, UploadResponse, UploadStatus, VideoFile};
use tempfile::TempDir;
use test_server::TestServer;

/// Ten parts, the last of them short, each in many chunks.
const PART: u64 = 1_000_000;
const SIZE: usize = 9_000_007;
const LANES: NonZeroUsize = NonZeroUsize::new(3).unwrap();

struct UploadEnv {
    bucket: FakeStorage,
    server: TestServer,
    folder: TempDir,
    file: VideoFile,
    bytes: Vec<u8>,
    seen: Arc<Mutex<Vec<u64>>>,
}

impl UploadEnv {
    async fn of(size: usize) -> Self {
        let bucket = FakeStorage::new();
        let server = bucket.serve().await;
        let folder = tempfile::tempdir().unwrap();
        let bytes = video(size);
        let path = folder.path().join("clip.mp4");
        std::fs::write(&path, &bytes).unwrap();
        let file = VideoFile::open(&path).unwrap();
        Self { bucket, server, folder, file, bytes, seen: Arc::default() }
    }

    async fn begun() -> (Self, MultipartUpload) {
        let scene = Self::of(SIZE).await;
        let upload = begin(&scene.server, &scene.file, PART).await;
        (scene, upload)
    }

    fn progress(&self) -> impl Fn(u64) + Send + Sync + 'static {
        let seen = Arc::clone(&self.seen);
        move |bytes| seen.lock().unwrap().push(bytes)
    }

    async fn send(&self, state: UploadResponse) -> Result<CompletedUpload> {
        self.server.client().send_parts(state, &self.file, LANES, self.progress()).await
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("clip.mp4")
    }

    fn assert_whole(&self) {
        assert!(self.bucket.content() == self.bytes, "the bucket holds the file");
    }
}

fn fresh(upload: MultipartUpload) -> UploadResponse {
    UploadResponse { upload, status: UploadStatus::Open, parts: Vec::new() }
}

#[tokio::test]
async fn every_part_is_sent_once_signed_just_before_and_confirmed() {
    let (scene, upload) = UploadEnv::begun().await;
    let done = scene.send(fresh(upload)).await.unwrap();
    assert_eq!((done.video_key.as_str(), done.size_bytes), (KEY, SIZE as u64));
    scene.assert_whole();
    assert_eq!(scene.bucket.accepted_counts(), [1; 10]);
    let inside = scene.bucket.state();
    assert!(inside.puts_at_most <= LANES.get(), "{} at once", inside.puts_at_most);
    assert!(inside.signed.iter().all(|batch| batch.len() <= 2 * LANES.get()), "{:?}", inside.signed);
    assert_eq!(inside.signed.iter().flatten().count(), 10, "each is signed once: {:?}", inside.signed);
    assert_eq!(inside.confirms.iter().flatten().count(), 10);
    let seen = scene.seen.lock().unwrap();
    assert_eq!((seen.first(), seen.last()), (Some(&0), Some(&(SIZE as u64))));
    assert!(seen.is_sorted());
}

#[tokio::test]
async fn a_resumed_upload_sends_what_is_missing_and_starts_its_bar_at_what_is_there() {
    let (scene, upload) = UploadEnv::begun().await;
    let client = scene.server.client();
    // An upload that ends early: its last part is refused for good.
    scene.bucket.inject(7, &[StorageFault::Status(400)]);
    let error = scene.send(fresh(upload.clone())).await.unwrap_err();
    assert!(matches!(error, Error::Storage { status: 400, .. }), "{error}");

    let state = client.upload_state(&upload.video_key, &upload.upload_id).await.unwrap();
    let there = state.uploaded_bytes();
    assert!(there >= PART && state.parts.len() < 10, "{there}");
    scene.seen.lock().unwrap().clear();
    scene.send(state).await.unwrap();
    scene.assert_whole();
    assert_eq!(scene.bucket.accepted_counts(), [1; 10], "no part is sent twice");
    assert_eq!(scene.seen.lock().unwrap()[0], there);
}

#[tokio::test]
async fn what_arrived_before_an_upload_failed_is_confirmed() {
    let (scene, upload) = UploadEnv::begun().await;
    scene.bucket.inject(9, &[StorageFault::Status(400)]);
    scene.send(fresh(upload)).await.unwrap_err();
    let inside = scene.bucket.state();
    let confirmed: Vec<u32> = inside.confirms.iter().flatten().copied().collect();
    assert!((1..=6).all(|part| confirmed.contains(&part)), "{confirmed:?}");
}

#[tokio::test]
async fn parts_that_break_are_refused_or_arrive_altered_are_sent_again() {
    let (scene, upload) = UploadEnv::begun().await;
    scene.bucket.inject(1, &[StorageFault::Status(503), StorageFault::Broken]);
    scene.bucket.inject(2, &[StorageFault::WrongChecksum]);
    scene.bucket.inject(5, &[StorageFault::AnswerLost]);
    scene.bucket.inject(10, &[StorageFault::Status(429), StorageFault::Status(500)]);
    scene.send(fresh(upload)).await.unwrap();
    scene.assert_whole();
    let seen = scene.seen.lock().unwrap();
    assert_eq!(seen.last(), Some(&(SIZE as u64)), "what broke is not counted");
}

#[tokio::test]
async fn a_link_that_has_expired_is_replaced_and_one_that_never_works_is_an_error() {
    let (scene, upload) = UploadEnv::begun().await;
    scene.bucket.inject(4, &[StorageFault::Status(403), StorageFault::Status(403)]);
    scene.send(fresh(upload)).await.unwrap();
    scene.assert_whole();
    assert_eq!(scene.bucket.state().signed.iter().flatten().filter(|part| **part == 4).count(), 3);

    let (scene, upload) = UploadEnv::begun().await;
    scene.bucket.inject(4, &[StorageFault::Status(403); 3]);
    let error = scene.send(fresh(upload)).await.unwrap_err();
    assert!(matches!(error, Error::Storage { status: 403, .. }), "{error}");
    assert!(!error.to_string().contains("Signature"), "{error}");
}

#[tokio::test]
async fn parts_that_the_server_lost_are_sent_again_before_it_is_called_complete() {
    let (scene, upload) = UploadEnv::begun().await;
    scene.bucket.state().loses = Some(6);
    scene.send(fresh(upload)).await.unwrap();
    scene.assert_whole();
    assert_eq!(scene.bucket.state().confirms.iter().flatten().count(), 11);
}

#[tokio::test]
async fn an_upload_that_was_thrown_away_meanwhile_is_an_error_at_once() {
    let (scene, upload) = UploadEnv::begun().await;
    scene.bucket.state().gone = true;
    let error = scene.send(fresh(upload)).await.unwrap_err();
    assert!(matches!(&error, Error::Api(problem) if problem.code == "upload_not_found"), "{error}");
}

#[tokio::test]
async fn a_complete_upload_is_not_sent_again() {
    let (scene, upload) = UploadEnv::begun().await;
    scene.send(fresh(upload.clone())).await.unwrap();
    let state = scene.server.client().upload_state(&upload.video_key, &upload.upload_id).await.unwrap();
    assert_eq!((state.status, state.uploaded_bytes()), (UploadStatus::Complete, SIZE as u64));
    scene.send(state).await.unwrap();
    assert_eq!(scene.bucket.accepted_counts(), [1; 10]);
}

#[tokio::test]
async fn a_file_that_changes_meanwhile_is_never_completed() {
    for shorter in [true, false] {
        let (scene, upload) = UploadEnv::begun().await;
        scene.bucket.inject(1, &[StorageFault::Status(503)]);
        let path = scene.path();
        let seen = Arc::clone(&scene.seen);
        let progress = move |bytes| {
            let mut seen = seen.lock().unwrap();
            if bytes > PART && !seen.contains(&u64::MAX) {
                seen.push(u64::MAX);
                let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
                file.set_len(if shorter { 5_000_000 } else { SIZE as u64 + 1 }).unwrap();
            }
        };
        let client = scene.server.client();
        let error = client.send_parts(fresh(upload), &scene.file, LANES, progress).await.unwrap_err();
        assert!(matches!(error, Error::FileChanged { .. }), "{error}");
        assert!(!scene.bucket.state().complete);
    }
}

#[tokio::test]
async fn another_file_is_told_from_the_one_that_was_begun() {
    let (scene, upload) = UploadEnv::begun().await;
    scene.bucket.inject(10, &[StorageFault::Status(400)]);
    scene.send(fresh(upload.clone())).await.unwrap_err();
    let state = scene.server.client().upload_state(&upload.video_key, &upload.upload_id).await.unwrap();
    assert_eq!(scene.file.first_mismatch(&state).await.unwrap(), None);
    let other = scene.folder.path().join("other.mp4");
    let mut bytes = scene.bytes.clone();
    bytes[2_500_000] ^= 1;
    std::fs::write(&other, bytes).unwrap();
    let other = VideoFile::open(&other).unwrap();
    assert_eq!(other.first_mismatch(&state).await.unwrap(), Some(3));
}

#[tokio::test]
async fn a_small_file_that_breaks_is_sent_again_with_a_fresh_link_when_it_must_be() {
    let scene = UploadEnv::of(300_000).await;
    scene.bucket.inject(0, &[StorageFault::Broken, StorageFault::Status(403), StorageFault::Status(503)]);
    let client = scene.server.client();
    let key = client.upload_in_one_request(&scene.file, "video/mp4", None, scene.progress()).await.unwrap();
    assert_eq!(key, KEY);
    let inside = scene.bucket.state();
    assert_eq!(inside.small.as_deref(), Some(scene.bytes.as_slice()));
    assert_eq!(inside.signed.len(), 2, "one link, and one after it was refused");
    assert_eq!(scene.seen.lock().unwrap().last(), Some(&300_000));
}

#[tokio::test]
async fn parts_of_another_size_than_was_asked_for_are_refused() {
    let (scene, upload) = UploadEnv::begun().await;
    let wrong = MultipartUpload { part_size: PART + 1, ..upload };
    let error = scene.send(fresh(wrong)).await.unwrap_err();
    assert!(matches!(error, Error::UnexpectedResponse { .. }), "{error}");
    assert!(scene.bucket.accepted_counts().is_empty());
}
