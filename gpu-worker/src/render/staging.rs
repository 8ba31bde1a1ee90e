//! The output while it is being written: it gets its name only when it is whole.
//!
//! Where the file system can, the file has no name at all until then, so that even a killed
//! renderer leaves nothing behind. Elsewhere it has a hidden name, which is removed on failure.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};

use super::RenderError;

/// A file that disappears unless it is kept.
#[derive(Debug)]
pub(super) struct Staging<'p> {
    target: &'p Path,
    /// The hidden name: of the file, or to be used for a moment when a nameless one is kept.
    part: PathBuf,
    /// The nameless file, held open.
    nameless: Option<File>,
    /// Where ffmpeg finds it.
    path: PathBuf,
}

impl<'p> Staging<'p> {
    /// Opens a file in the folder of `target`; the folder must exist and take files.
    pub(super) fn beside(target: &'p Path) -> Result<Self, RenderError> {
        let Some(name) = target.file_name() else {
            return Err(RenderError::machine("The output has no file name."));
        };
        let folder =
            target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let part = hidden(folder, name);
        if let Some(file) = nameless(folder) {
            // By our own number, since the child does not inherit the open file.
            let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd()).into();
            return Ok(Self { target, part, nameless: Some(file), path });
        }
        File::create(&part)
            .map_err(|error| RenderError::machine(format!("The output cannot be written: {error}.")))?;
        Ok(Self { target, path: part.clone(), part, nameless: None })
    }

    /// Where to write.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file its name; answers its size in bytes.
    pub(super) fn keep(self) -> Result<u64, RenderError> {
        let failed = |error: std::io::Error| {
            RenderError::machine(format!("The output could not be put in place: {error}."))
        };
        if let Some(file) = &self.nameless {
            let open = format!("/proc/self/fd/{}", file.as_raw_fd());
            rustix::fs::linkat(CWD, open.as_str(), CWD, &self.part, AtFlags::SYMLINK_FOLLOW)
                .map_err(|error| failed(error.into()))?;
        }
        let bytes = std::fs::metadata(&self.part).map_err(failed)?.len();
        std::fs::rename(&self.part, self.target).map_err(failed)?;
        Ok(bytes)
    }
}

impl Drop for Staging<'_> {
    fn drop(&mut self) {
        // After `keep`, and for a nameless file, there is nothing of this name.
        let _ = std::fs::remove_file(&self.part);
    }
}

fn hidden(folder: &Path, name: &std::ffi::OsStr) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let mut part = std::ffi::OsString::from(".");
    part.push(name);
    part.push(format!(".{}-{}.part", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    folder.join(part)
}

/// A file without a name, where the file system has such and ffmpeg can reach it.
fn nameless(folder: &Path) -> Option<File> {
    if !Path::new("/proc/self/fd").is_dir() {
        return None;
    }
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::ROTH;
    rustix::fs::openat(CWD, folder, flags, mode).ok().map(File::from)
}
