//! Temporary files of attempts: one directory for each process, one directory in it for each attempt.
//!
//! Invariant: a directory is removed by the process that made it or, when that process was killed, by the
//! next one that starts. A file lock protects the directory of a live process; the system drops the lock
//! with the process, however it ends.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The directory of this process. Dropping it removes it.
#[derive(Debug)]
pub(crate) struct Scratch {
    directory: PathBuf,
    lock_path: PathBuf,
    _lock: File,
}

/// The directory of one attempt. Dropping it removes it and everything in it.
#[derive(Debug)]
pub(super) struct JobScratch(PathBuf);

impl Scratch {
    /// Makes the directory of this process under `root`, and removes those of killed processes.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        // Two processes that start at once must not remove each other's new directory.
        let start = File::create(root.join("start.lock"))?;
        start.lock()?;
        remove_leftovers(root)?;
        let name = format!("run-{}-{:08x}", std::process::id(), fastrand::u32(..));
        let lock_path = root.join(format!("{name}.lock"));
        let lock = File::create(&lock_path)?;
        lock.lock()?;
        let directory = root.join(name);
        fs::create_dir(&directory)?;
        Ok(Self { directory, lock_path, _lock: lock })
    }

    /// A new, empty directory for one attempt.
    pub(super) fn job(&self, id: &str) -> io::Result<JobScratch> {
        let directory = self.directory.join(format!("{id}-{:08x}", fastrand::u32(..)));
        fs::create_dir(&directory)?;
        Ok(JobScratch(directory))
    }

    /// Removes the directory now; later attempts fail.
    pub(crate) fn remove(&self) {
        // The next process removes what could not be removed here.
        let _ = fs::remove_dir_all(&self.directory);
        let _ = fs::remove_file(&self.lock_path);
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.remove();
    }
}

impl JobScratch {
    /// How much this process may still write here.
    pub(super) fn free_bytes(&self) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(&self.0)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    /// A file in this directory.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for JobScratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn remove_leftovers(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let lock_path = entry?.path();
        let is_process = lock_path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("run-"));
        if !is_process || lock_path.extension().is_none_or(|extension| extension != "lock") {
            continue;
        }
        // A lock that is free belongs to no live process.
        if File::open(&lock_path).is_ok_and(|lock| lock.try_lock().is_ok()) {
            let directory = lock_path.with_extension("");
            match fs::remove_dir_all(&directory) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => fs::remove_file(&lock_path)?,
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(root: &Path) -> Vec<String> {
        let entries = fs::read_dir(root).unwrap();
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_job_leaves_nothing_behind() {
        let root = tempfile::tempdir().unwrap();
        let scratch = Scratch::open(root.path()).unwrap();
        let job = scratch.job("abc-u1").unwrap();
        fs::write(job.file("input.mp4"), b"x").unwrap();
        drop(job);
        assert_eq!(fs::read_dir(&scratch.directory).unwrap().count(), 0);
        drop(scratch);
        assert_eq!(names(root.path()), ["start.lock"]);
    }

    #[test]
    fn leftovers_of_killed_processes_are_removed_and_live_ones_are_not_touched() {
        let root = tempfile::tempdir().unwrap();
        let live = Scratch::open(root.path()).unwrap();
        fs::create_dir_all(root.path().join("run-1-dead/job")).unwrap();
        fs::write(root.path().join("run-1-dead/job/input.mp4"), b"x").unwrap();
        File::create(root.path().join("run-1-dead.lock")).unwrap();
        let second = Scratch::open(root.path()).unwrap();
        assert!(live.directory.exists());
        assert!(second.directory.exists());
        assert!(!names(root.path()).iter().any(|name| name.contains("dead")), "{:?}", names(root.path()));
    }
}
