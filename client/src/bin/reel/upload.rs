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
    Client, Error, JobId, NewUpload, SINGLE_PUT_MAX_BYTES, Upload, UploadId, UploadState, UploadStatus,
    VideoFile,
};
use serde_json::json;

use crate::args;
use crate::bookmark::{self, Bookmark, Entry, Unavailable};
use crate::clip;
use crate::failure::Failure;
use crate::screen::{Screen, Transfer};
use crate::under_way::{Stage, UnderWay};

/// What is asked of an upload, beside its file.
#[derive(Debug)]
pub struct Wish {
    /// Parts at a time.
    pub parallel: NonZeroUsize,
    /// Bytes of a part; else the API chooses.
    pub part_size: Option<u64>,
    /// Go on with this one, whatever the bookmark says.
    pub resume: Option<(String, UploadId)>,
    /// The job that the video is for, unless an upload of it is under way for another.
    pub job_id: Option<JobId>,
}

/// A video that is there.
#[derive(Debug)]
pub struct Uploaded {
    /// The name under which a job finds it.
    pub video_key: String,
    /// Its length.
    pub size_bytes: u64,
    /// What was there before this command began.
    pub resumed_bytes: u64,
    /// The job that it is for, as the upload was begun.
    pub job_id: Option<JobId>,
    bookmark: Option<Bookmark>,
}

impl Uploaded {
    /// The key has reached whoever needs it.
    pub fn forget(self) {
        if let Some(bookmark) = self.bookmark {
            bookmark.remove();
        }
    }
}

/// `reel upload`.
pub async fn run(
    client: &Client,
    command: args::Upload,
    screen: &Screen,
    under_way: &UnderWay,
) -> Result<(), Failure> {
    let began = Instant::now();
    let (video, abort) = (command.video.clone(), command.abort);
    let wish = command.into_wish()?;
    if abort {
        return throw_away(client, &video, wish.resume, screen).await;
    }
    let done = send(client, &clip::open(&video)?, &wish, screen, under_way).await?;
    if screen.json() {
        println!(
            "{}",
            json!({"video_key": done.video_key, "size_bytes": done.size_bytes,
                "resumed_bytes": done.resumed_bytes, "seconds": began.elapsed().as_secs_f64()})
        );
    } else {
        println!("{}", done.video_key);
    }
    done.forget();
    Ok(())
}

/// Uploads `file`, or what is missing of it.
pub async fn send(
    client: &Client,
    file: &VideoFile,
    wish: &Wish,
    screen: &Screen,
    under_way: &UnderWay,
) -> Result<Uploaded, Failure> {
    if file.size_bytes() <= SINGLE_PUT_MAX_BYTES && wish.resume.is_none() {
        return send_small(client, file, wish, screen).await;
    }
    let mut bookmark = open_bookmark(client, file, screen)?;
    let found = find(client, file, wish, bookmark.as_mut(), screen).await?;
    let (state, job_id) = match found {
        Some(found) => found,
        None => (create(client, file, wish).await?, wish.job_id),
    };
    if let Some(open) = &mut bookmark {
        let entry = Entry::new(&client.origin(), file, state.upload.clone(), job_id);
        match open.write(&entry) {
            Ok(()) => under_way.set(Stage::Upload { bookmark: open.path().to_owned() }),
            Err(error) => screen.say(&unresumable(&error)),
        }
    }
    let (video_key, size_bytes) = (state.upload.video_key.clone(), file.size_bytes());
    let resumed_bytes = state.arrived_bytes();
    if resumed_bytes > 0 {
        let (there, all) = (HumanBytes(resumed_bytes), HumanBytes(size_bytes));
        screen.say(&format!("{there} of {all} are there already"));
    }
    let transfer = Arc::new(screen.transfer("upload", Some(size_bytes)));
    transfer.begin_at(resumed_bytes, size_bytes);
    let done = client.send_parts(state, file, wish.parallel, reporter(&transfer, size_bytes)).await;
    if let Err(error) = done {
        let bookmark = bookmark.as_ref().map(|bookmark| bookmark.path().to_owned());
        return Err(Failure::Upload { error, bookmark });
    }
    transfer.finish();
    under_way.set(Stage::Nothing);
    Ok(Uploaded { video_key, size_bytes, resumed_bytes, job_id, bookmark })
}

async fn send_small(
    client: &Client,
    file: &VideoFile,
    wish: &Wish,
    screen: &Screen,
) -> Result<Uploaded, Failure> {
    let size_bytes = file.size_bytes();
    let transfer = Arc::new(screen.transfer("upload", Some(size_bytes)));
    let report = reporter(&transfer, size_bytes);
    let content_type = clip::content_type(file.path());
    let video_key = client.upload_small(file, content_type, wish.job_id, report).await?;
    transfer.finish();
    Ok(Uploaded { video_key, size_bytes, resumed_bytes: 0, job_id: wish.job_id, bookmark: None })
}

fn reporter(transfer: &Arc<Transfer>, size_bytes: u64) -> impl Fn(u64) + Send + Sync + 'static {
    let bar = Arc::clone(transfer);
    move |done_bytes| bar.at(done_bytes, Some(size_bytes))
}

/// `reel upload --abort`.
async fn throw_away(
    client: &Client,
    video: &Path,
    resume: Option<(String, UploadId)>,
    screen: &Screen,
) -> Result<(), Failure> {
    let folder = bookmark::folder().map_err(Unavailable::NoPlace);
    let mut bookmark = match folder.and_then(|folder| Bookmark::open(&folder, &client.origin(), video)) {
        Ok(bookmark) => Some(bookmark),
        Err(Unavailable::Busy) => return Err(busy(video)),
        Err(Unavailable::NoPlace(_)) => None,
    };
    let entry = bookmark.as_mut().and_then(Bookmark::read);
    let known = entry.map(|entry| (entry.upload.video_key, entry.upload.upload_id));
    let named = resume.is_some();
    let Some((video_key, id)) = resume.or_else(|| known.clone()) else {
        let sentence = format!("No upload of {} to {} is under way here.", video.display(), client.origin());
        return Err(Failure::Usage(sentence));
    };
    match insist(|| client.abort_upload(&video_key, &id)).await {
        Ok(()) => {}
        // It was thrown away before.
        Err(Error::Refused(problem)) if problem.status == 404 && !named => {}
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
async fn find(
    client: &Client,
    file: &VideoFile,
    wish: &Wish,
    bookmark: Option<&mut Bookmark>,
    screen: &Screen,
) -> Result<Option<(UploadState, Option<JobId>)>, Failure> {
    if let Some((video_key, id)) = &wish.resume {
        let state = insist(|| client.upload_state(video_key, id)).await?;
        belongs(file, &state).await?;
        return Ok(Some((state, wish.job_id)));
    }
    let Some(entry) = bookmark.and_then(Bookmark::read) else { return Ok(None) };
    let Upload { video_key, upload_id, .. } = &entry.upload;
    let name = file.path().display();
    if !entry.is_of(file) {
        screen.say(&format!("{name} has changed since its upload began; it starts anew"));
        // What was sent is of no use to anybody. Should this fail, time throws it away.
        let _ = client.abort_upload(video_key, upload_id).await;
        return Ok(None);
    }
    match insist(|| client.upload_state(video_key, upload_id)).await {
        Ok(state) if state.upload.size_bytes == file.size_bytes() => Ok(Some((state, entry.job_id))),
        Ok(_) => Ok(None),
        Err(Error::Refused(problem)) if matches!(problem.status, 403 | 404) => {
            screen.say(&format!("the earlier upload of {name} is gone; it starts anew"));
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// An upload that was begun elsewhere must be of this very file.
async fn belongs(file: &VideoFile, state: &UploadState) -> Result<(), Failure> {
    let (here_bytes, there_bytes) = (file.size_bytes(), state.upload.size_bytes);
    if here_bytes != there_bytes {
        return Err(Failure::Usage(Error::WrongSize { here_bytes, there_bytes }.to_string()));
    }
    match file.first_difference(state).await? {
        None => Ok(()),
        Some(part) => Err(Failure::Usage(format!(
            "{}: part {part} of the upload is of another file",
            file.path().display()
        ))),
    }
}

async fn create(client: &Client, file: &VideoFile, wish: &Wish) -> Result<UploadState, Failure> {
    let name = file.name();
    let order = NewUpload {
        filename: &name,
        content_type: clip::content_type(file.path()),
        size_bytes: file.size_bytes(),
        job_id: wish.job_id,
        part_size: wish.part_size,
    };
    let upload = insist(|| client.create_upload(&order)).await?;
    Ok(UploadState { upload, status: UploadStatus::Open, parts: Vec::new() })
}

/// Without a place for it, the upload goes on and cannot be taken up again.
fn open_bookmark(client: &Client, file: &VideoFile, screen: &Screen) -> Result<Option<Bookmark>, Failure> {
    let folder = bookmark::folder().map_err(Unavailable::NoPlace);
    match folder.and_then(|folder| Bookmark::open(&folder, &client.origin(), file.path())) {
        Ok(bookmark) => Ok(Some(bookmark)),
        Err(Unavailable::Busy) => Err(busy(file.path())),
        Err(Unavailable::NoPlace(error)) => {
            screen.say(&unresumable(&error));
            Ok(None)
        }
    }
}

fn busy(video: &Path) -> Failure {
    Failure::Usage(format!("{}: another reel is uploading this file right now", video.display()))
}

fn unresumable(error: &std::io::Error) -> String {
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
