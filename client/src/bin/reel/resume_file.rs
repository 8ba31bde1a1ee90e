//! The state of an unfinished upload on disk: one small file for each video and API.
//!
//! Invariants: a resume file permits whoever reads it to use the upload, so only its owner can (mode 0600, in a
//! directory of mode 0700); while one command has it open, no other can open it. It does not say which parts have
//! arrived: the server does.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use md5::{Digest as _, Md5};
use reel_client::{JobId, MultipartUpload, VideoFile};
use serde::{Deserialize, Serialize};

/// The open and locked resume file of one video at one API.
#[derive(Debug)]
pub struct ResumeFile {
    path: PathBuf,
    file: File,
    /// Whether it stays on disk when it is dropped.
    keep: bool,
}

/// The content of a resume file. Its JSON is pinned by the files in `tests/stored`.
#[derive(Debug, Serialize, Deserialize)]
pub struct ResumeState {
    /// Origin of the API.
    pub api: String,
    /// The video's canonical path.
    pub video: PathBuf,
    /// The video's size when the upload started.
    pub video_bytes: u64,
    /// When the video had last been modified, in nanoseconds since 1970.
    pub video_modified_ns: u64,
    /// The job that the upload was created for.
    pub job_id: Option<JobId>,
    /// The upload.
    pub upload: MultipartUpload,
}

impl ResumeState {
    /// The state of an upload of `video` as it is now.
    pub fn new(api: &str, video: &VideoFile, upload: MultipartUpload, job_id: Option<JobId>) -> Self {
        Self {
            api: api.to_owned(),
            video: canonical(video.path()),
            video_bytes: video.size_bytes(),
            video_modified_ns: video.modified_ns(),
            job_id,
            upload,
        }
    }

    /// Whether the video is unchanged since the upload started.
    pub fn matches(&self, video: &VideoFile) -> bool {
        (self.video_bytes, self.video_modified_ns) == (video.size_bytes(), video.modified_ns())
    }
}

/// Why a resume file cannot be opened.
#[derive(Debug)]
pub enum ResumeFileError {
    /// Another command has it open.
    Locked,
    /// It cannot be created or read.
    Io(io::Error),
}

impl From<io::Error> for ResumeFileError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl ResumeFile {
    /// Opens the resume file of `video` at `api`; it is empty if there was none.
    pub fn open(api: &str, video: &Path) -> Result<Self, ResumeFileError> {
        Self::open_in(&folder()?, api, video)
    }

    fn open_in(folder: &Path, api: &str, video: &Path) -> Result<Self, ResumeFileError> {
        create_private(folder)?;
        let path = folder.join(file_name(api, video));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ResumeFileError::Locked),
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let keep = file.metadata().is_ok_and(|metadata| metadata.len() > 0);
        Ok(Self { path, file, keep })
    }

    /// Its content; `None` if it is empty or damaged, for example by a power cut.
    pub fn read(&mut self) -> Option<ResumeState> {
        let mut text = String::new();
        self.file.rewind().ok()?;
        self.file.read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Replaces its content.
    pub fn write(&mut self, state: &ResumeState) -> io::Result<()> {
        let text = serde_json::to_vec(state)?;
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(&text)?;
        self.keep = true;
        self.file.sync_all()
    }

    /// Deletes it.
    pub fn remove(mut self) {
        self.keep = false;
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for ResumeFile {
    fn drop(&mut self) {
        if !self.keep {
            // While it is still locked. If this fails, the file is read again later and the server refuses the upload.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// `$XDG_STATE_HOME/reel/uploads`, by default `~/.local/state/reel/uploads`. The XDG Base Directory Specification 0.8
/// says to ignore paths that are not absolute.
fn folder() -> io::Result<PathBuf> {
    let absolute =
        |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
    let state = state.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "HOME is not set"))?;
    Ok(state.join("reel/uploads"))
}

fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn canonical(video: &Path) -> PathBuf {
    fs::canonicalize(video).unwrap_or_else(|_| video.to_owned())
}

/// One name for one video at one API. It has to be short and always the same; no secret depends on it.
fn file_name(api: &str, video: &Path) -> String {
    use std::fmt::Write as _;
    let mut digest = Md5::new();
    digest.update(api);
    digest.update([0]);
    digest.update(canonical(video).as_os_str().as_encoded_bytes());
    digest.finalize().iter().fold(String::new(), |mut name, byte| {
        let _ = write!(name, "{byte:02x}");
        name
    }) + ".json"
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn upload() -> MultipartUpload {
        serde_json::from_value(json!({"video_key": "input/a/clip.mp4", "upload_id": "u.m", "size_bytes": 5,
            "part_size": 5, "part_count": 1}))
        .unwrap()
    }

    /// What earlier versions of `reel` wrote must stay readable, or an upload that was started before an update starts
    /// over. A changed form needs a reader of this one first.
    #[test]
    fn the_stored_form_is_read_and_written_as_before() {
        let scratch = tempfile::tempdir().unwrap();
        let video = Path::new("/videos/clip.mp4");
        for stored in [
            include_str!("../../../tests/stored/resume_file.json"),
            include_str!("../../../tests/stored/resume_file_without_job.json"),
        ] {
            let mut resume_file = ResumeFile::open_in(scratch.path(), "http://one", video).unwrap();
            fs::write(resume_file.path(), stored).unwrap();
            let state = resume_file.read().unwrap();
            resume_file.write(&state).unwrap();
            assert_eq!(fs::read_to_string(resume_file.path()).unwrap(), stored);
            resume_file.remove();
        }
        let name = file_name("http://localhost:8787", video);
        assert_eq!(name, "52ff236799118927b89b49d865c45a00.json", "under another name it is not found again");
    }

    #[test]
    fn a_resume_file_is_found_again_for_the_same_video_and_api_only() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("state/uploads");
        let clip = scratch.path().join("clip.mp4");
        fs::write(&clip, b"video").unwrap();
        let video = VideoFile::open(&clip).unwrap();
        let mut resume_file = ResumeFile::open_in(&folder, "http://one", &clip).unwrap();
        assert!(resume_file.read().is_none());
        resume_file.write(&ResumeState::new("http://one", &video, upload(), None)).unwrap();
        resume_file.write(&ResumeState::new("http://one", &video, upload(), None)).unwrap();
        drop(resume_file);

        let indirect = folder.join("../../clip.mp4");
        let mut found = ResumeFile::open_in(&folder, "http://one", &indirect).unwrap();
        let state = found.read().unwrap();
        assert!(state.matches(&video));
        assert_eq!(state.upload, upload());
        let mut other = ResumeFile::open_in(&folder, "http://two", &clip).unwrap();
        assert!(other.read().is_none());
        drop(other);

        fs::write(&clip, b"another video").unwrap();
        assert!(!state.matches(&VideoFile::open(&clip).unwrap()));
        found.remove();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "nothing is left");
    }

    #[test]
    fn two_commands_cannot_upload_the_same_video_at_once() {
        let scratch = tempfile::tempdir().unwrap();
        let clip = scratch.path().join("clip.mp4");
        fs::write(&clip, b"video").unwrap();
        let open = || ResumeFile::open_in(scratch.path(), "http://one", &clip);
        let first = open().unwrap();
        assert!(matches!(open(), Err(ResumeFileError::Locked)));
        drop(first);
        assert!(open().is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_can_read_a_resume_file() {
        use std::os::unix::fs::PermissionsExt as _;
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("uploads");
        let resume_file = ResumeFile::open_in(&folder, "http://one", scratch.path()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(resume_file.path())), (0o700, 0o600));
    }

    #[test]
    fn a_damaged_resume_file_is_ignored() {
        let scratch = tempfile::tempdir().unwrap();
        let clip = scratch.path().join("clip.mp4");
        let mut resume_file = ResumeFile::open_in(scratch.path(), "http://one", &clip).unwrap();
        fs::write(resume_file.path(), b"{\"api\": \"htt").unwrap();
        assert!(resume_file.read().is_none());
    }
}
