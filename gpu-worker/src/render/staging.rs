//! The output while it is being written: it gets its name only when it is whole.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::RenderError;

/// A file beside the output that disappears unless it is kept.
#[derive(Debug)]
pub(super) struct Staging<'p> {
    target: &'p Path,
    part: PathBuf,
}

impl<'p> Staging<'p> {
    /// Names the part file; the folder must exist and take files.
    pub(super) fn beside(target: &'p Path) -> Result<Self, RenderError> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let Some(name) = target.file_name() else {
            return Err(RenderError::machine("The output has no file name."));
        };
        let mut part = std::ffi::OsString::from(".");
        part.push(name);
        part.push(format!(".{}-{}.part", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        let staging = Self { target, part: target.with_file_name(part) };
        std::fs::File::create(&staging.part)
            .map_err(|error| RenderError::machine(format!("The output cannot be written: {error}.")))?;
        Ok(staging)
    }

    /// Where to write.
    pub(super) fn path(&self) -> &Path {
        &self.part
    }

    /// Gives the file its name; answers its size in bytes.
    pub(super) fn keep(self) -> Result<u64, RenderError> {
        let failed = |error| RenderError::machine(format!("The output could not be put in place: {error}."));
        let bytes = std::fs::metadata(&self.part).map_err(failed)?.len();
        std::fs::rename(&self.part, self.target).map_err(failed)?;
        Ok(bytes)
    }
}

impl Drop for Staging<'_> {
    fn drop(&mut self) {
        // After `keep` there is nothing of this name.
        let _ = std::fs::remove_file(&self.part);
    }
}
