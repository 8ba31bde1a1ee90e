//! `reel upload`, and the upload that `reel export` begins with: taken up where an earlier one ended.
//!
//! A small file goes up in one request and starts over when it breaks; a large one goes in parts, and a
//! bookmark on disk is what a later command goes on from.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::BackoffBuilder as _;
use indicatif::HumanBytes;
use reel_client::{
    Client, CreateUpload, Error, JobId, MultipartUpload, SINGLE_PUT_MAX_BYTES, UploadResponse, UploadStatus,
    UploadToken, VideoFile,
};
use serde_json::json;

use super::clip;
use crate::args::UploadArgs;
use crate::error::CliError;
use crate::interrupt::{InterruptState, Interruptible};
use crate::resume_file::{self, ResumeFile, ResumeFileError, ResumeState};
use crate::ui::{TransferBar, Ui};

/// What is asked of an upload, beside its file.
#[derive(Debug)]
pub struct UploadOptions {
    /// Parts at a time.
    pub parallel: NonZeroUsize,
    /// Bytes of a part; else the API chooses.
    pub part_size: Option<u64>,
    /// Go on with this one, whatever the bookmark says.
    pub resume: Option<(String, UploadToken)>,
    /// The job that the video is for, unless an upload of it is under way for another.
    pub job_id: Option<JobId>,
}

impl UploadOptions {
    fn from_args(args: &UploadArgs) -> Result<Self, CliError> {
        let resume = match args.resume.as_deref() {
            Some([video_key, token]) => {
                let token = token.parse().map_err(|error| CliError::Usage(format!("--resume: {error}")))?;
                Some((video_key.clone(), token))
            }
            _ => None,
        };
        let part_size = args.part_size.map(|mib| mib * 1024 * 1024);
        Ok(Self { parallel: args.parallel.concurrency(), part_size, resume, job_id: None })
    }
}

/// A video that is there.
#[derive(Debug)]
pub struct UploadedVideo {
    /// The name under which a job finds it.
    pub video_key: String,
    /// Its length.
    pub size_bytes: u64,
    /// What was there before this command began.
    pub resumed_bytes: u64,
    /// The job that it is for, as the upload was begun.
    pub job_id: Option<JobId>,
    bookmark: Option<ResumeFile>,
}

impl UploadedVideo {
    /// The key has reached whoever needs it.
    pub fn remove_resume_file(self) {
        if let Some(bookmark) = self.bookmark {
            bookmark.remove();
        }
    }
}

/// `reel upload`.
pub async fn run(
    client: &Client,
    args: &UploadArgs,
    screen: &Ui,
    under_way: &InterruptState,
) -> Result<(), CliError> {
    let began = Instant::now();
    let wish = UploadOptions::from_args(args)?;
    if args.abort {
        return abort_upload(client, &args.video, wish.resume, screen).await;
    }
    let done = upload_file(client, &clip::open(&args.video)?, &wish, screen, under_way).await?;
    if screen.json() {
        println!(
            "{}",
            json!({"video_key": done.video_key, "size_bytes": done.size_bytes,
                "resumed_bytes": done.resumed_bytes, "seconds": began.elapsed().as_secs_f64()})
        );
    } else {
        println!("{}", done.video_key);
    }
    done.remove_resume_file();
    Ok(())
}

/// Uploads `file`, or what is missing of it.
pub async fn upload_file(
    client: &Client,
    file: &VideoFile,
    wish: &UploadOptions,
    screen: &Ui,
    under_way: &InterruptState,
) -> Result<UploadedVideo, CliError> {
    if file.size_bytes() <= SINGLE_PUT_MAX_BYTES && wish.resume.is_none() {
        return upload_small_file(client, file, wish, screen).await;
    }
    let mut bookmark = open_resume_file(client, file, screen)?;
    let found = find_resumable(client, file, wish, bookmark.as_mut(), screen).await?;
    let (state, job_id) = match found {
        Some(found) => found,
        None => (create_upload(client, file, wish).await?, wish.job_id),
    };
    if let Some(open) = &mut bookmark {
        let entry = ResumeState::new(&client.origin(), file, state.upload.clone(), job_id);
        match open.write(&entry) {
            Ok(()) => under_way.set(Interruptible::Upload { bookmark: open.path().to_owned() }),
            Err(error) => screen.println(&not_resumable_warning(&error)),
        }
    }
    let (video_key, size_bytes) = (state.upload.video_key.clone(), file.size_bytes());
    let resumed_bytes = state.uploaded_bytes();
    if resumed_bytes > 0 {
        let (there, all) = (HumanBytes(resumed_bytes), HumanBytes(size_bytes));
        screen.println(&format!("{there} of {all} are there already"));
    }
    let transfer = Arc::new(screen.transfer("upload", Some(size_bytes)));
    transfer.resume_at(resumed_bytes, size_bytes);
    let done = client.send_parts(state, file, wish.parallel, progress_callback(&transfer, size_bytes)).await;
    if let Err(error) = done {
        let bookmark = bookmark.as_ref().map(|bookmark| bookmark.path().to_owned());
        return Err(CliError::Upload { error, bookmark });
    }
    transfer.finish();
    under_way.set(Interruptible::Nothing);
    Ok(UploadedVideo { video_key, size_bytes, resumed_bytes, job_id, bookmark })
}

async fn upload_small_file(
    client: &Client,
    file: &VideoFile,
    wish: &UploadOptions,
    screen: &Ui,
) -> Result<UploadedVideo, CliError> {
    let size_bytes = file.size_bytes();
    let transfer = Arc::new(screen.transfer("upload", Some(size_bytes)));
    let report = progress_callback(&transfer, size_bytes);
    let content_type = clip::content_type(file.path());
    let video_key = client.upload_in_one_request(file, content_type, wish.job_id, report).await?;
    transfer.finish();
    Ok(UploadedVideo { video_key, size_bytes, resumed_bytes: 0, job_id: wish.job_id, bookmark: None })
}

fn progress_callback(transfer: &Arc<TransferBar>, size_bytes: u64) -> impl Fn(u64) + Send + Sync + 'static {
    let bar = Arc::clone(transfer);
    move |done_bytes| bar.set_position(done_bytes, Some(size_bytes))
}

/// `reel upload --abort`.
async fn abort_upload(
    client: &Client,
    video: &Path,
    resume: Option<(String, UploadToken)>,
    screen: &Ui,
) -> Result<(), CliError> {
    let folder = resume_file::folder().map_err(ResumeFileError::Io);
    let mut bookmark = match folder.and_then(|folder| ResumeFile::open(&folder, &client.origin(), video)) {
        Ok(bookmark) => Some(bookmark),
        Err(ResumeFileError::Locked) => return Err(locked_error(video)),
        Err(ResumeFileError::Io(_)) => None,
    };
    let entry = bookmark.as_mut().and_then(ResumeFile::read);
    let known = entry.map(|entry| (entry.upload.video_key, entry.upload.upload_id));
    let named = resume.is_some();
    let Some((video_key, id)) = resume.or_else(|| known.clone()) else {
        let sentence = format!("No upload of {} to {} is under way here.", video.display(), client.origin());
        return Err(CliError::Usage(sentence));
    };
    match insist(|| client.abort_upload(&video_key, &id)).await {
        Ok(()) => {}
        // It was thrown away before.
        Err(Error::Api(problem)) if problem.status == 404 && !named => {}
        Err(error) => return Err(error.into()),
    }
    if let Some(bookmark) = bookmark.filter(|_| known.is_some_and(|(known_key, _)| known_key == video_key)) {
        bookmark.remove();
    }
    if screen.json() {
        println!("{}", json!({"video_key": video_key, "aborted": true}));
    } else {
        println!("aborted {video_key}");
    }
    Ok(())
}

/// The upload to go on with, if there is one, and the job that it is for.
async fn find_resumable(
    client: &Client,
    file: &VideoFile,
    wish: &UploadOptions,
    bookmark: Option<&mut ResumeFile>,
    screen: &Ui,
) -> Result<Option<(UploadResponse, Option<JobId>)>, CliError> {
    if let Some((video_key, id)) = &wish.resume {
        let state = insist(|| client.upload_state(video_key, id)).await?;
        require_same_file(file, &state).await?;
        return Ok(Some((state, wish.job_id)));
    }
    let Some(entry) = bookmark.and_then(ResumeFile::read) else { return Ok(None) };
    let MultipartUpload { video_key, upload_id, .. } = &entry.upload;
    let name = file.path().display();
    if !entry.matches(file) {
        screen.println(&format!("{name} has changed since its upload began; it starts anew"));
        // What was sent is of no use to anybody. Should this fail, time throws it away.
        let _ = client.abort_upload(video_key, upload_id).await;
        return Ok(None);
    }
    match insist(|| client.upload_state(video_key, upload_id)).await {
        Ok(state) if state.upload.size_bytes == file.size_bytes() => Ok(Some((state, entry.job_id))),
        Ok(_) => Ok(None),
        Err(Error::Api(problem)) if matches!(problem.status, 403 | 404) => {
            screen.println(&format!("the earlier upload of {name} is gone; it starts anew"));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// An upload that was begun elsewhere must be of this very file.
async fn require_same_file(file: &VideoFile, state: &UploadResponse) -> Result<(), CliError> {
    let (here_bytes, there_bytes) = (file.size_bytes(), state.upload.size_bytes);
    if here_bytes != there_bytes {
        return Err(CliError::Usage(
            Error::SizeMismatch { file_bytes: here_bytes, upload_bytes: there_bytes }.to_string(),
        ));
    }
    match file.first_mismatch(state).await? {
        None => Ok(()),
        Some(part) => Err(CliError::Usage(format!(
            "{}: part {part} of the upload is of another file",
            file.path().display()
        ))),
    }
}

async fn create_upload(
    client: &Client,
    file: &VideoFile,
    wish: &UploadOptions,
) -> Result<UploadResponse, CliError> {
    let name = file.name();
    let order = CreateUpload {
        filename: &name,
        content_type: clip::content_type(file.path()),
        size_bytes: file.size_bytes(),
        job_id: wish.job_id,
        part_size: wish.part_size,
    };
    let upload = insist(|| client.create_upload(&order)).await?;
    Ok(UploadResponse { upload, status: UploadStatus::Open, parts: Vec::new() })
}

/// Without a place for it, the upload goes on and cannot be taken up again.
fn open_resume_file(client: &Client, file: &VideoFile, screen: &Ui) -> Result<Option<ResumeFile>, CliError> {
    let folder = resume_file::folder().map_err(ResumeFileError::Io);
    match folder.and_then(|folder| ResumeFile::open(&folder, &client.origin(), file.path())) {
        Ok(bookmark) => Ok(Some(bookmark)),
        Err(ResumeFileError::Locked) => Err(locked_error(file.path())),
        Err(ResumeFileError::Io(error)) => {
            screen.println(&not_resumable_warning(&error));
            Ok(None)
        }
    }
}

fn locked_error(video: &Path) -> CliError {
    CliError::Usage(format!("{}: another reel is uploading this file right now", video.display()))
}

fn not_resumable_warning(error: &std::io::Error) -> String {
    format!("should this upload be broken off, it cannot be resumed: {error}")
}

/// Repeats a call that may be repeated when it failed on the way. A refused connection is not worth
/// the wait: nothing runs there.
pub async fn insist<T, F: Future<Output = Result<T, Error>>>(call: impl Fn() -> F) -> Result<T, Error> {
    let mut pauses = PAUSES.build();
    loop {
        match call().await {
            Err(error) if error.is_transient() && !matches!(error, Error::ConnectionRefused { .. }) => {
                match pauses.next() {
                    Some(pause) => {
                        let wish = error.retry_after().unwrap_or_default().min(RETRY_AFTER_MAX);
                        tokio::time::sleep(pause.max(wish)).await;
                    }
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
/// A server that wants more than this is given up instead.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Args, Command};
    use clap::Parser as _;

    #[test]
    fn resuming_takes_a_key_and_an_id() {
        let parse = |line: &str| match Args::try_parse_from(line.split(' ')).unwrap().command {
            Command::Upload(args) => UploadOptions::from_args(&args),
            other => panic!("{other:?}"),
        };
        let options =
            parse("reel upload clip.mp4 --resume input/a/clip.mp4 u.m --parallel 2 --part-size 5").unwrap();
        assert_eq!((options.parallel.get(), options.part_size), (2, Some(5 * 1024 * 1024)));
        assert_eq!(options.resume.unwrap().0, "input/a/clip.mp4");
        assert!(parse("reel upload c --resume k ../x").is_err());
    }
}
