//! Where an upload was when its command ended: a small file for each video that is on its way.
//!
//! Invariants: a bookmark opens its upload to whoever reads it, so only its owner can (mode 0600, in a folder
//! of mode 0700); while one command holds a bookmark, no other can. Of what has arrived it knows nothing: that
//! the server tells.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use md5::{Digest as _, Md5};
use reel_client::{JobId, MultipartUpload, VideoFile};
use serde::{Deserialize, Serialize};

/// The bookmark of one video at one API, in this command's hands.
#[derive(Debug)]
pub struct ResumeFile {
    path: PathBuf,
    file: File,
    keep: bool,
}

/// What a bookmark says.
#[derive(Debug, Serialize, Deserialize)]
pub struct ResumeState {
    /// The API's address.
    pub api: String,
    /// The video's canonical path.
    pub video: PathBuf,
    /// Its length then.
    pub video_bytes: u64,
    /// When it had been written to last, in nanoseconds since 1970.
    pub video_modified_ns: u64,
    /// The job that it is for.
    #[serde(default)]
    pub job_id: Option<JobId>,
    /// The upload.
    pub upload: MultipartUpload,
}

impl ResumeState {
    /// An entry about an upload of `video` as it is now.
    pub fn new(api: &str, video: &VideoFile, upload: MultipartUpload, job_id: Option<JobId>) -> Self {
        Self {
            api: api.to_owned(),
            video: canonical(video.path()),
            video_bytes: video.size_bytes(),
            video_modified_ns: modified_ns(video),
            job_id,
            upload,
        }
    }

    /// Whether the video is what it was.
    pub fn matches(&self, video: &VideoFile) -> bool {
        (self.video_bytes, self.video_modified_ns) == (video.size_bytes(), modified_ns(video))
    }
}

/// Why there is no bookmark.
#[derive(Debug)]
pub enum ResumeFileError {
    /// Another command is sending this video.
    Locked,
    /// There is no place for it.
    Io(io::Error),
}

impl ResumeFile {
    /// Opens the bookmark of `video` at `api` in `folder`, empty when there is none.
    pub fn open(folder: &Path, api: &str, video: &Path) -> Result<Self, ResumeFileError> {
        make_private(folder).map_err(ResumeFileError::Io)?;
        let path = folder.join(name(api, video));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(ResumeFileError::Io)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(ResumeFileError::Locked),
            Err(TryLockError::Error(error)) => return Err(ResumeFileError::Io(error)),
        }
        let kept = file.metadata().is_ok_and(|metadata| metadata.len() > 0);
        Ok(Self { path, file, keep: kept })
    }

    /// What it says; nothing when it is empty, or was torn by a power cut.
    pub fn read(&mut self) -> Option<ResumeState> {
        let mut text = String::new();
        self.file.rewind().ok()?;
        self.file.read_to_string(&mut text).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Keeps `entry` and nothing else.
    pub fn write(&mut self, entry: &ResumeState) -> io::Result<()> {
        let text = serde_json::to_vec(entry)?;
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(&text)?;
        self.keep = true;
        self.file.sync_all()
    }

    /// Throws it away.
    pub fn remove(mut self) {
        self.keep = false;
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for ResumeFile {
    fn drop(&mut self) {
        if !self.keep {
            // While it is still locked. One that stays behind is asked about, and is of no use then.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// `$XDG_STATE_HOME/reel/uploads`, by default `~/.local/state/reel/uploads` (XDG Base Directory Specification
/// 0.8, which says that other than absolute paths do not count).
pub fn folder() -> io::Result<PathBuf> {
    let absolute =
        |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
    let state = state.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "HOME is not set"))?;
    Ok(state.join("reel/uploads"))
}

fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn canonical(video: &Path) -> PathBuf {
    fs::canonicalize(video).unwrap_or_else(|_| video.to_owned())
}

fn modified_ns(video: &VideoFile) -> u64 {
    // Nanoseconds since 1970 fit until the year 2554.
    u64::try_from(video.modified_ns()).unwrap_or(u64::MAX)
}

/// One name for one video at one API. No secret depends on it: it only has to be short and the same again.
fn name(api: &str, video: &Path) -> String {
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

    #[test]
    fn a_bookmark_is_found_again_by_the_same_video_and_api_only() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("state/uploads");
        let clip = scratch.path().join("clip.mp4");
        fs::write(&clip, b"video").unwrap();
        let video = VideoFile::open(&clip).unwrap();
        let mut bookmark = ResumeFile::open(&folder, "http://one", &clip).unwrap();
        assert!(bookmark.read().is_none());
        bookmark.write(&ResumeState::new("http://one", &video, upload(), None)).unwrap();
        bookmark.write(&ResumeState::new("http://one", &video, upload(), None)).unwrap();
        drop(bookmark);

        let indirect = folder.join("../../clip.mp4");
        let mut found = ResumeFile::open(&folder, "http://one", &indirect).unwrap();
        let entry = found.read().unwrap();
        assert!(entry.matches(&video));
        assert_eq!(entry.upload, upload());
        let mut other = ResumeFile::open(&folder, "http://two", &clip).unwrap();
        assert!(other.read().is_none());
        drop(other);

        fs::write(&clip, b"another video").unwrap();
        assert!(!entry.matches(&VideoFile::open(&clip).unwrap()));
        found.remove();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "nothing is left behind");
    }

    #[test]
    fn two_commands_cannot_send_the_same_video_at_once() {
        let scratch = tempfile::tempdir().unwrap();
        let clip = scratch.path().join("clip.mp4");
        fs::write(&clip, b"video").unwrap();
        let held = ResumeFile::open(scratch.path(), "http://one", &clip).unwrap();
        assert!(matches!(
            ResumeFile::open(scratch.path(), "http://one", &clip),
            Err(ResumeFileError::Locked)
        ));
        drop(held);
        assert!(ResumeFile::open(scratch.path(), "http://one", &clip).is_ok());
    }

    #[cfg(unix)]
    #[test]
    fn a_bookmark_is_for_its_owners_eyes() {
        use std::os::unix::fs::PermissionsExt as _;
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("uploads");
        let bookmark = ResumeFile::open(&folder, "http://one", scratch.path()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(bookmark.path())), (0o700, 0o600));
    }

    /// What earlier versions of `reel` wrote must stay readable, or an upload that was begun before an update
    /// starts over. Another form needs a reader of this one first.
    #[test]
    fn the_stored_form_is_read_and_written_as_before() {
        let scratch = tempfile::tempdir().unwrap();
        for stored in [
            include_str!("../../../tests/stored/resume_file.json"),
            include_str!("../../../tests/stored/resume_file_without_job.json"),
        ] {
            let mut bookmark =
                ResumeFile::open(scratch.path(), "http://one", Path::new("/videos/clip.mp4")).unwrap();
            fs::write(bookmark.path(), stored).unwrap();
            let entry = bookmark.read().unwrap();
            bookmark.write(&entry).unwrap();
            assert_eq!(fs::read_to_string(bookmark.path()).unwrap(), stored);
            bookmark.remove();
        }
        let name = name("http://localhost:8787", Path::new("/videos/clip.mp4"));
        assert_eq!(name, "52ff236799118927b89b49d865c45a00.json", "under another name it is not found again");
    }

    #[test]
    fn a_torn_bookmark_is_none() {
        let scratch = tempfile::tempdir().unwrap();
        let clip = scratch.path().join("clip.mp4");
        let mut bookmark = ResumeFile::open(scratch.path(), "http://one", &clip).unwrap();
        fs::write(bookmark.path(), b"{\"api\": \"htt").unwrap();
        assert!(bookmark.read().is_none());
    }
}
