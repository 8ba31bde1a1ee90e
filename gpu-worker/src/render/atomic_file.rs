//! A file that gets its name only when it is complete.
//!
//! Where the file system supports it, the file has no name until then, so that even a killed renderer
//! leaves nothing behind. Elsewhere it has a hidden name, which is removed on failure.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};

use super::RenderError;

/// A file that disappears unless it is committed.
#[derive(Debug)]
pub(super) struct AtomicFile<'p> {
    target: &'p Path,
    /// The hidden name; an unnamed file has it only during the commit.
    hidden_path: PathBuf,
    /// The unnamed file, held open.
    tmpfile: Option<File>,
    /// Where ffmpeg writes to.
    path: PathBuf,
}

impl<'p> AtomicFile<'p> {
    /// Opens a file in the folder of `target`, which must exist and be writable.
    pub(super) fn create(target: &'p Path) -> Result<Self, RenderError> {
        let Some(name) = target.file_name() else {
            return Err(RenderError::machine("The output has no file name."));
        };
        let folder =
            target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let hidden_path = hidden_path(folder, name);
        if let Some(file) = open_tmpfile(folder) {
            // By our own process id, because the child does not inherit the open file.
            let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()).into();
            return Ok(Self { target, hidden_path, tmpfile: Some(file), path });
        }
        File::create(&hidden_path)
            .map_err(|error| RenderError::machine(format!("The output cannot be written: {error}.")))?;
        Ok(Self { target, path: hidden_path.clone(), hidden_path, tmpfile: None })
    }

    /// Where to write.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file its name; returns its size in bytes.
    pub(super) fn commit(self) -> Result<u64, RenderError> {
        let failed = |error: std::io::Error| {
            RenderError::machine(format!("The output could not be put in place: {error}."))
        };
        if let Some(file) = &self.tmpfile {
            let open = format!("/proc/self/fd/{}", file.as_raw_fd());
            rustix::fs::linkat(CWD, open.as_str(), CWD, &self.hidden_path, AtFlags::SYMLINK_FOLLOW)
                .map_err(|error| failed(error.into()))?;
        }
        let bytes = std::fs::metadata(&self.hidden_path).map_err(failed)?.len();
        std::fs::rename(&self.hidden_path, self.target).map_err(failed)?;
        Ok(bytes)
    }
}

impl Drop for AtomicFile<'_> {
    fn drop(&mut self) {
        // After `commit`, and for an unnamed file, there is nothing of this name.
        let _ = std::fs::remove_file(&self.hidden_path);
    }
}

fn hidden_path(folder: &Path, name: &std::ffi::OsStr) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let mut hidden_name = std::ffi::OsString::from(".");
    hidden_name.push(name);
    hidden_name.push(format!(".{}-{}.part", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    folder.join(hidden_name)
}

/// An unnamed file, where the file system supports it and ffmpeg can reach it.
fn open_tmpfile(folder: &Path) -> Option<File> {
    if !Path::new("/proc/self/fd").is_dir() {
        return None;
    }
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::ROTH;
    rustix::fs::openat(CWD, folder, flags, mode).ok().map(File::from)
}
