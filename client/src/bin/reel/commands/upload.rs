//! `reel upload`, and the upload that `reel export` begins with. An interrupted upload is resumed.
//!
//! A small file is sent in one request and starts over when it fails. A large one is sent in parts, and a later command
//! resumes it from a file on disk.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use indicatif::HumanBytes;
use reel_client::{
    Client, CreateUpload, Error, JobId, MultipartUpload, RetryPolicy, SINGLE_PUT_MAX_BYTES, UploadResponse,
    UploadStatus, UploadToken, VideoFile, with_retries,
};
use serde_json::json;

use super::clip;
use crate::args::UploadArgs;
use crate::error::CliError;
use crate::interrupt::{InterruptState, Interruptible};
use crate::resume_file::{ResumeFile, ResumeFileError, ResumeState};
use crate::ui::{TransferBar, Ui};

/// How a file is uploaded.
#[derive(Debug)]
pub struct UploadOptions {
    /// Parts at a time.
    pub parallel: NonZeroUsize,
    /// Size of a part in bytes; by default the API chooses.
    pub part_size: Option<u64>,
    /// The upload to resume, instead of the one in the resume file.
    pub resume: Option<(String, UploadToken)>,
    /// The job that the video is for. A resumed upload keeps the job that it was created for.
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

/// A video that was uploaded.
#[derive(Debug)]
pub struct UploadedVideo {
    /// The key under which a job finds it.
    pub video_key: String,
    /// The job that the upload was created for.
    pub job_id: Option<JobId>,
    size_bytes: u64,
    resumed_bytes: u64,
    resume_file: Option<ResumeFile>,
}

impl UploadedVideo {
    /// To be called once the key was printed or used. Until then, the same command can return it again.
    pub fn remove_resume_file(self) {
        if let Some(resume_file) = self.resume_file {
            resume_file.remove();
        }
    }
}

/// `reel upload`.
pub async fn run(
    client: &Client,
    args: &UploadArgs,
    ui: &Ui,
    interrupt: &InterruptState,
) -> Result<(), CliError> {
    let started_at = Instant::now();
    let options = UploadOptions::from_args(args)?;
    if args.abort {
        return abort_upload(client, &args.video, options.resume, ui).await;
    }
    let video = upload_file(client, &clip::open(&args.video)?, &options, ui, interrupt).await?;
    if ui.json() {
        println!(
            "{}",
            json!({"video_key": video.video_key, "size_bytes": video.size_bytes,
                "resumed_bytes": video.resumed_bytes, "seconds": started_at.elapsed().as_secs_f64()})
        );
    } else {
        println!("{}", video.video_key);
    }
    video.remove_resume_file();
    Ok(())
}

/// Uploads `file`, or the parts of it that are missing.
pub async fn upload_file(
    client: &Client,
    file: &VideoFile,
    options: &UploadOptions,
    ui: &Ui,
    interrupt: &InterruptState,
) -> Result<UploadedVideo, CliError> {
    if file.size_bytes() <= SINGLE_PUT_MAX_BYTES && options.resume.is_none() {
        return upload_small_file(client, file, options, ui).await;
    }
    let mut resume_file = open_resume_file(client, file, ui)?;
    let resumable = find_resumable(client, file, options, resume_file.as_mut(), ui).await?;
    let (state, job_id) = match resumable {
        Some(resumable) => resumable,
        None => (create_upload(client, file, options).await?, options.job_id),
    };
    if let Some(open) = &mut resume_file {
        let resume_state = ResumeState::new(&client.origin(), file, state.upload.clone(), job_id);
        match open.write(&resume_state) {
            Ok(()) => interrupt.set(Interruptible::Upload { resume_file: open.path().to_owned() }),
            Err(error) => ui.println(&not_resumable_warning(&error)),
        }
    }
    let (video_key, size_bytes) = (state.upload.video_key.clone(), file.size_bytes());
    let resumed_bytes = state.uploaded_bytes();
    if resumed_bytes > 0 {
        let (uploaded, all) = (HumanBytes(resumed_bytes), HumanBytes(size_bytes));
        ui.println(&format!("{uploaded} of {all} already uploaded"));
    }
    let bar = Arc::new(ui.transfer("upload", Some(size_bytes)));
    bar.resume_at(resumed_bytes, size_bytes);
    let sent = client.send_parts(state, file, options.parallel, progress_callback(&bar, size_bytes)).await;
    if let Err(error) = sent {
        let resume_file = resume_file.as_ref().map(|file| file.path().to_owned());
        return Err(CliError::Upload { error, resume_file });
    }
    bar.finish();
    interrupt.set(Interruptible::Nothing);
    Ok(UploadedVideo { video_key, job_id, size_bytes, resumed_bytes, resume_file })
}

async fn upload_small_file(
    client: &Client,
    file: &VideoFile,
    options: &UploadOptions,
    ui: &Ui,
) -> Result<UploadedVideo, CliError> {
    let size_bytes = file.size_bytes();
    let bar = Arc::new(ui.transfer("upload", Some(size_bytes)));
    let progress = progress_callback(&bar, size_bytes);
    let content_type = clip::content_type(file.path());
    let video_key = client.upload_in_one_request(file, &content_type, options.job_id, progress).await?;
    bar.finish();
    Ok(UploadedVideo { video_key, job_id: options.job_id, size_bytes, resumed_bytes: 0, resume_file: None })
}

fn progress_callback(bar: &Arc<TransferBar>, size_bytes: u64) -> impl Fn(u64) + Send + Sync + 'static {
    let bar = Arc::clone(bar);
    move |sent_bytes| bar.set_position(sent_bytes, Some(size_bytes))
}

/// `reel upload --abort`.
async fn abort_upload(
    client: &Client,
    video: &Path,
    resume: Option<(String, UploadToken)>,
    ui: &Ui,
) -> Result<(), CliError> {
    let mut resume_file = match ResumeFile::open(&client.origin(), video) {
        Ok(resume_file) => Some(resume_file),
        Err(ResumeFileError::Locked) => return Err(locked_error(video)),
        Err(ResumeFileError::Io(_)) => None,
    };
    let stored = resume_file.as_mut().and_then(ResumeFile::read);
    let stored = stored.map(|state| (state.upload.video_key, state.upload.upload_id));
    let named = resume.is_some();
    let Some((video_key, token)) = resume.or_else(|| stored.clone()) else {
        return Err(CliError::Usage(format!(
            "No unfinished upload of {} to {} was found on this machine.",
            video.display(),
            client.origin()
        )));
    };
    match with_retries(RetryPolicy::Interactive, || client.abort_upload(&video_key, &token)).await {
        Ok(()) => {}
        // The stored upload has expired or was aborted before.
        Err(Error::Api(problem)) if problem.status == 404 && !named => {}
        Err(error) => return Err(error.into()),
    }
    let stored_was_aborted = stored.is_some_and(|(stored_key, _)| stored_key == video_key);
    if let Some(resume_file) = resume_file.filter(|_| stored_was_aborted) {
        resume_file.remove();
    }
    if ui.json() {
        println!("{}", json!({"video_key": video_key, "aborted": true}));
    } else {
        println!("aborted {video_key}");
    }
    Ok(())
}

/// The upload to resume, if there is one, and the job that it is for.
async fn find_resumable(
    client: &Client,
    file: &VideoFile,
    options: &UploadOptions,
    resume_file: Option<&mut ResumeFile>,
    ui: &Ui,
) -> Result<Option<(UploadResponse, Option<JobId>)>, CliError> {
    if let Some((video_key, token)) = &options.resume {
        let state = with_retries(RetryPolicy::Interactive, || client.upload_state(video_key, token)).await?;
        require_same_file(file, &state).await?;
        return Ok(Some((state, options.job_id)));
    }
    let Some(stored) = resume_file.and_then(ResumeFile::read) else { return Ok(None) };
    let MultipartUpload { video_key, upload_id, .. } = &stored.upload;
    let name = file.path().display();
    if !stored.matches(file) {
        ui.println(&format!("{name} has changed since the upload started; starting over"));
        // The parts are of no use any more. If this fails, they expire.
        let _ = client.abort_upload(video_key, upload_id).await;
        return Ok(None);
    }
    match with_retries(RetryPolicy::Interactive, || client.upload_state(video_key, upload_id)).await {
        Ok(state) if state.upload.size_bytes == file.size_bytes() => Ok(Some((state, stored.job_id))),
        Ok(_) => Ok(None),
        Err(Error::Api(problem)) if matches!(problem.status, 403 | 404) => {
            ui.println(&format!("the previous upload of {name} has expired; starting over"));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// An upload that was created on another device must be of the same file.
async fn require_same_file(file: &VideoFile, state: &UploadResponse) -> Result<(), CliError> {
    let (file_bytes, upload_bytes) = (file.size_bytes(), state.upload.size_bytes);
    if file_bytes != upload_bytes {
        return Err(CliError::Usage(Error::SizeMismatch { file_bytes, upload_bytes }.to_string()));
    }
    match file.first_mismatch(state).await? {
        None => Ok(()),
        Some(part) => Err(CliError::Usage(format!(
            "{}: part {part} of the upload does not match this file",
            file.path().display()
        ))),
    }
}

async fn create_upload(
    client: &Client,
    file: &VideoFile,
    options: &UploadOptions,
) -> Result<UploadResponse, CliError> {
    let (name, content_type) = (file.name(), clip::content_type(file.path()));
    let request = CreateUpload {
        filename: &name,
        content_type: &content_type,
        size_bytes: file.size_bytes(),
        job_id: options.job_id,
        part_size: options.part_size,
    };
    let upload = with_retries(RetryPolicy::Interactive, || client.create_upload(&request)).await?;
    Ok(UploadResponse { upload, status: UploadStatus::Open, parts: Vec::new() })
}

/// If the file cannot be opened, the upload proceeds but cannot be resumed.
fn open_resume_file(client: &Client, file: &VideoFile, ui: &Ui) -> Result<Option<ResumeFile>, CliError> {
    match ResumeFile::open(&client.origin(), file.path()) {
        Ok(resume_file) => Ok(Some(resume_file)),
        Err(ResumeFileError::Locked) => Err(locked_error(file.path())),
        Err(ResumeFileError::Io(error)) => {
            ui.println(&not_resumable_warning(&error));
            Ok(None)
        }
    }
}

fn locked_error(video: &Path) -> CliError {
    CliError::Usage(format!("{}: another `reel` process is already uploading this file", video.display()))
}

fn not_resumable_warning(error: &std::io::Error) -> String {
    format!("this upload cannot be resumed if it is interrupted: {error}")
}

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
