//! `reel export`: a clip goes up, a job is made and followed, a reel comes down.
//!
//! The job's id is chosen here before anything is sent, so that a lost answer can be asked for again
//! without making a second job, and so that the input lies under the job that owns it.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use backon::BackoffBuilder as _;
use reel_client::{Client, Error, JobId, NewJob};

use crate::args::Export;
use crate::edit;
use crate::failure::Failure;
use crate::jobs::{self, Reel};
use crate::screen::Screen;

/// Does the whole export.
pub async fn export(
    client: &Client,
    export: &Export,
    screen: &Screen,
    followed: &OnceLock<JobId>,
) -> Result<(), Failure> {
    let started = Instant::now();
    let params = edit::params(export)?;
    let resolution = edit::resolution(export, &params);
    jobs::prepare(&export.out)?;
    let (filename, size_bytes) = look_at(&export.clip)?;
    let content_type = content_type(&export.clip);
    let job_id = random_id()?;

    let target =
        insist(|| client.upload_url(&filename, content_type, Some(size_bytes), Some(job_id))).await?;
    let transfer = Arc::new(screen.transfer("upload", Some(size_bytes)));
    let bar = Arc::clone(&transfer);
    client.upload(&target, &export.clip, move |done_bytes| bar.at(done_bytes, Some(size_bytes))).await?;
    transfer.finish();

    let new_job = NewJob {
        project_id: export.project,
        kind: export.kind.into(),
        input_video_key: target.video_key,
        params,
        job_id: Some(job_id),
    };
    let job = insist(|| client.create_job(&new_job, None)).await?;
    followed.get_or_init(|| job.job_id);
    screen.say(&format!("job {}", job.job_id));

    let job = jobs::follow(client, job, screen).await?;
    let bytes = jobs::fetch(client, &job, &export.out, screen).await?;
    jobs::report(screen, &job, &Reel { out: &export.out, bytes, resolution, started });
    Ok(())
}

/// Name and size of the clip.
fn look_at(clip: &Path) -> Result<(String, u64), Failure> {
    let usage = |reason: String| Failure::Usage(format!("{}: {reason}", clip.display()));
    let metadata = std::fs::metadata(clip).map_err(|error| usage(error.to_string()))?;
    match (metadata.is_file(), metadata.len()) {
        (false, _) => Err(usage("is not a file".to_owned())),
        (true, 0) => Err(usage("is empty".to_owned())),
        (true, size_bytes) => {
            let name = clip
                .file_name()
                .map_or_else(|| "clip".to_owned(), |name| name.to_string_lossy().into_owned());
            Ok((name, size_bytes))
        }
    }
}

/// By the ending of the name; the API says which types it takes.
fn content_type(clip: &Path) -> &'static str {
    let ending = clip.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    match ending.as_deref() {
        Some("mp4" | "m4v") => "video/mp4",
        Some("mov" | "qt") => "video/quicktime",
        Some("webm") => "video/webm",
        Some("mkv") => "video/x-matroska",
        Some("avi") => "video/x-msvideo",
        Some("mpg" | "mpeg") => "video/mpeg",
        _ => "application/octet-stream",
    }
}

fn random_id() -> Result<JobId, Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::Usage(format!("the system gives no random bytes: {error}")))?;
    Ok(JobId::from_random(bytes))
}

/// Repeats a call that may be repeated when it failed on the way. A refused connection is not worth
/// the wait: nothing runs there.
async fn insist<T, F: Future<Output = Result<T, Error>>>(call: impl Fn() -> F) -> Result<T, Error> {
    let mut pauses = PAUSES.build();
    loop {
        match call().await {
            Err(error) if error.is_transient() && !matches!(error, Error::ConnectionRefused { .. }) => {
                match pauses.next() {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => return Err(error),
                }
            }
            outcome => return outcome,
        }
    }
}

const PAUSES: backon::ExponentialBuilder = backon::ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(500))
    .with_max_delay(Duration::from_secs(5))
    .with_max_times(3)
    .with_jitter();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_of_a_clip_is_told_by_its_name() {
        for (name, expected) in [
            ("a.mp4", "video/mp4"),
            ("A.MOV", "video/quicktime"),
            ("b.c.webm", "video/webm"),
            ("notes.txt", "application/octet-stream"),
            ("mp4", "application/octet-stream"),
        ] {
            assert_eq!(content_type(Path::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn a_clip_that_is_missing_empty_or_a_folder_is_wrong_usage() {
        let folder = tempfile::tempdir().unwrap();
        let empty = folder.path().join("empty.mp4");
        std::fs::write(&empty, b"").unwrap();
        for path in [folder.path(), &empty, &folder.path().join("missing.mp4")] {
            assert!(matches!(look_at(path), Err(Failure::Usage(_))), "{}", path.display());
        }
    }
}
