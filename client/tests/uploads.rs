//! Uploads in parts and in one request, to a storage that fails, loses parts and rejects URLs.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

mod fake_storage;
mod test_server;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use fake_storage::{FakeStorage, KEY, StorageFault, create_upload, video};
use reel_client::{CompletedUpload, Error, MultipartUpload, UploadResponse, UploadStatus, VideoFile};
use tempfile::TempDir;
use test_server::TestServer;

/// Ten parts, the last of them short, each in many chunks.
const PART: u64 = 1_000_000;
const SIZE: usize = 9_000_007;
const PARALLEL: NonZeroUsize = NonZeroUsize::new(3).unwrap();

struct UploadEnv {
    storage: FakeStorage,
    server: TestServer,
    folder: TempDir,
    file: VideoFile,
    bytes: Vec<u8>,
    reports: Arc<Mutex<Vec<u64>>>,
}

impl UploadEnv {
    async fn with_file(size: usize) -> Self {
        let storage = FakeStorage::new();
        let server = storage.serve().await;
        let folder = tempfile::tempdir().unwrap();
        let bytes = video(size);
        let path = folder.path().join("clip.mp4");
        std::fs::write(&path, &bytes).unwrap();
        let file = VideoFile::open(&path).unwrap();
        Self { storage, server, folder, file, bytes, reports: Arc::default() }
    }

    async fn with_upload() -> (Self, MultipartUpload) {
        let env = Self::with_file(SIZE).await;
        let upload = create_upload(&env.server, &env.file, PART).await;
        (env, upload)
    }

    fn progress(&self) -> impl Fn(u64) + Send + Sync + 'static {
        let reports = Arc::clone(&self.reports);
        move |bytes| reports.lock().unwrap().push(bytes)
    }

    async fn send(&self, state: UploadResponse) -> Result<CompletedUpload, Error> {
        self.server.client().send_parts(state, &self.file, PARALLEL, self.progress()).await
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("clip.mp4")
    }

    fn assert_complete(&self) {
        assert!(self.storage.content() == self.bytes, "the storage has the file");
    }
}

fn open(upload: MultipartUpload) -> UploadResponse {
    UploadResponse { upload, status: UploadStatus::Open, parts: Vec::new() }
}

#[tokio::test]
async fn every_part_is_signed_sent_and_confirmed_once() {
    let (env, upload) = UploadEnv::with_upload().await;
    let done = env.send(open(upload)).await.unwrap();
    assert_eq!((done.video_key.as_str(), done.size_bytes), (KEY, SIZE as u64));
    env.assert_complete();
    assert_eq!(env.storage.accepted_counts(), [1; 10]);
    let state = env.storage.state();
    assert!(state.puts_max <= PARALLEL.get(), "{} at once", state.puts_max);
    assert!(state.signed.iter().all(|batch| batch.len() <= 2 * PARALLEL.get()), "{:?}", state.signed);
    assert_eq!(state.signed.iter().flatten().count(), 10, "each is signed once: {:?}", state.signed);
    assert_eq!(state.confirms.iter().flatten().count(), 10);
    let reports = env.reports.lock().unwrap();
    assert_eq!((reports.first(), reports.last()), (Some(&0), Some(&(SIZE as u64))));
    assert!(reports.is_sorted());
}

#[tokio::test]
async fn a_resumed_upload_sends_the_missing_parts_and_its_progress_starts_at_the_others() {
    let (env, upload) = UploadEnv::with_upload().await;
    let client = env.server.client();
    // One part is rejected for good, so that the upload ends early.
    env.storage.inject(7, &[StorageFault::Status(400)]);
    let error = env.send(open(upload.clone())).await.unwrap_err();
    assert!(matches!(error, Error::Storage { status: 400, .. }), "{error}");

    let state = client.upload_state(&upload.video_key, &upload.upload_id).await.unwrap();
    let uploaded_before = state.uploaded_bytes();
    assert!(uploaded_before >= PART && state.parts.len() < 10, "{uploaded_before}");
    env.reports.lock().unwrap().clear();
    env.send(state).await.unwrap();
    env.assert_complete();
    assert_eq!(env.storage.accepted_counts(), [1; 10], "no part is sent twice");
    assert_eq!(env.reports.lock().unwrap()[0], uploaded_before);
}

#[tokio::test]
async fn parts_that_arrived_before_a_failure_are_confirmed() {
    let (env, upload) = UploadEnv::with_upload().await;
    env.storage.inject(9, &[StorageFault::Status(400)]);
    env.send(open(upload)).await.unwrap_err();
    let state = env.storage.state();
    let confirmed: Vec<u32> = state.confirms.iter().flatten().copied().collect();
    assert!((1..=6).all(|part| confirmed.contains(&part)), "{confirmed:?}");
}

#[tokio::test]
async fn failed_rejected_and_damaged_parts_are_sent_again() {
    let (env, upload) = UploadEnv::with_upload().await;
    env.storage.inject(1, &[StorageFault::Status(503), StorageFault::Broken]);
    env.storage.inject(2, &[StorageFault::WrongChecksum]);
    env.storage.inject(5, &[StorageFault::ResponseLost]);
    env.storage.inject(10, &[StorageFault::Status(429), StorageFault::Status(500)]);
    env.send(open(upload)).await.unwrap();
    env.assert_complete();
    let reports = env.reports.lock().unwrap();
    assert_eq!(reports.last(), Some(&(SIZE as u64)), "failed requests are not counted");
}

#[tokio::test]
async fn an_expired_url_is_replaced_and_one_that_never_works_is_an_error() {
    let (env, upload) = UploadEnv::with_upload().await;
    env.storage.inject(4, &[StorageFault::Status(403), StorageFault::Status(403)]);
    env.send(open(upload)).await.unwrap();
    env.assert_complete();
    assert_eq!(env.storage.state().signed.iter().flatten().filter(|part| **part == 4).count(), 3);

    let (env, upload) = UploadEnv::with_upload().await;
    env.storage.inject(4, &[StorageFault::Status(403); 3]);
    let error = env.send(open(upload)).await.unwrap_err();
    assert!(matches!(error, Error::Storage { status: 403, .. }), "{error}");
    assert!(!error.to_string().contains("Signature"), "{error}");
}

#[tokio::test]
async fn parts_that_the_server_lost_are_sent_again_before_the_upload_is_complete() {
    let (env, upload) = UploadEnv::with_upload().await;
    env.storage.state().loses_part = Some(6);
    env.send(open(upload)).await.unwrap();
    env.assert_complete();
    assert_eq!(env.storage.state().confirms.iter().flatten().count(), 11);
}

#[tokio::test]
async fn an_upload_that_was_aborted_elsewhere_fails_at_once() {
    let (env, upload) = UploadEnv::with_upload().await;
    env.storage.state().gone = true;
    let error = env.send(open(upload)).await.unwrap_err();
    assert!(matches!(&error, Error::Api(problem) if problem.code == "upload_not_found"), "{error}");
}

#[tokio::test]
async fn a_complete_upload_is_not_sent_again() {
    let (env, upload) = UploadEnv::with_upload().await;
    env.send(open(upload.clone())).await.unwrap();
    let state = env.server.client().upload_state(&upload.video_key, &upload.upload_id).await.unwrap();
    assert_eq!((state.status, state.uploaded_bytes()), (UploadStatus::Complete, SIZE as u64));
    env.send(state).await.unwrap();
    assert_eq!(env.storage.accepted_counts(), [1; 10]);
}

#[tokio::test]
async fn the_upload_of_a_file_that_changes_is_never_completed() {
    for shorter in [true, false] {
        let (env, upload) = UploadEnv::with_upload().await;
        env.storage.inject(1, &[StorageFault::Status(503)]);
        let path = env.path();
        let reports = Arc::clone(&env.reports);
        let progress = move |bytes| {
            let mut reports = reports.lock().unwrap();
            if bytes > PART && !reports.contains(&u64::MAX) {
                reports.push(u64::MAX);
                let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
                file.set_len(if shorter { 5_000_000 } else { SIZE as u64 + 1 }).unwrap();
            }
        };
        let client = env.server.client();
        let error = client.send_parts(open(upload), &env.file, PARALLEL, progress).await.unwrap_err();
        assert!(matches!(error, Error::FileChanged { .. }), "{error}");
        assert!(!env.storage.state().complete);
    }
}

#[tokio::test]
async fn a_different_file_is_detected() {
    let (env, upload) = UploadEnv::with_upload().await;
    env.storage.inject(10, &[StorageFault::Status(400)]);
    env.send(open(upload.clone())).await.unwrap_err();
    let state = env.server.client().upload_state(&upload.video_key, &upload.upload_id).await.unwrap();
    assert_eq!(env.file.first_mismatch(&state).await.unwrap(), None);
    let other = env.folder.path().join("other.mp4");
    let mut bytes = env.bytes.clone();
    bytes[2_500_000] ^= 1;
    std::fs::write(&other, bytes).unwrap();
    let other = VideoFile::open(&other).unwrap();
    assert_eq!(other.first_mismatch(&state).await.unwrap(), Some(3));
}

#[tokio::test]
async fn a_small_file_is_sent_again_with_a_new_url_if_the_old_one_was_rejected() {
    let env = UploadEnv::with_file(300_000).await;
    env.storage.inject(0, &[StorageFault::Broken, StorageFault::Status(403), StorageFault::Status(503)]);
    let client = env.server.client();
    let key = client.upload_in_one_request(&env.file, "video/mp4", None, env.progress()).await.unwrap();
    assert_eq!(key, KEY);
    let state = env.storage.state();
    assert_eq!(state.in_one_request.as_deref(), Some(env.bytes.as_slice()));
    assert_eq!(state.signed.len(), 2, "one URL, and one after it was rejected");
    assert_eq!(env.reports.lock().unwrap().last(), Some(&300_000));
}

#[tokio::test]
async fn signed_parts_of_a_wrong_size_are_an_error() {
    let (env, upload) = UploadEnv::with_upload().await;
    let wrong = MultipartUpload { part_size: PART + 1, ..upload };
    let error = env.send(open(wrong)).await.unwrap_err();
    assert!(matches!(error, Error::UnexpectedResponse { .. }), "{error}");
    assert!(env.storage.accepted_counts().is_empty());
}
