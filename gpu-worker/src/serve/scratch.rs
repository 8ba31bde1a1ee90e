//! The disk space of running jobs: one folder per server run, one folder in it per job.
//!
//! Invariant: a folder is removed by the process that made it, or, when that process died,
//! by the next one that starts; a live server's folder is protected by a file lock, which
//! the system drops with its process, however it ends.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The folder of this server run. Dropping it removes it.
#[derive(Debug)]
pub struct Scratch {
    folder: PathBuf,
    lock_path: PathBuf,
    _lock: File,
}

/// The folder of one run of one job. Dropping it removes it and all that is in it.
#[derive(Debug)]
pub struct JobScratch(PathBuf);

impl Scratch {
    /// Makes this run's folder under `root`, after removing what dead runs have left there.
    pub fn open(root: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        // Two servers that start at once must not take each other's new folder for a dead one's.
        let start = File::create(root.join("start.lock"))?;
        start.lock()?;
        remove_dead_runs(root)?;
        let name = format!("run-{}-{:08x}", std::process::id(), fastrand::u32(..));
        let lock_path = root.join(format!("{name}.lock"));
        let lock = File::create(&lock_path)?;
        lock.lock()?;
        let folder = root.join(name);
        fs::create_dir(&folder)?;
        Ok(Self { folder, lock_path, _lock: lock })
    }

    /// A fresh, empty folder for one run of a job.
    pub fn job(&self, id: &str, run: u64) -> io::Result<JobScratch> {
        let folder = self.folder.join(format!("{id}-{run}-{:08x}", fastrand::u32(..)));
        fs::create_dir(&folder)?;
        Ok(JobScratch(folder))
    }

    /// Removes this run's folder now; jobs that come later find no place.
    pub fn remove(&self) {
        // Nothing can be done about a failure here: the next start sweeps.
        let _ = fs::remove_dir_all(&self.folder);
        let _ = fs::remove_file(&self.lock_path);
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.remove();
    }
}

impl JobScratch {
    /// A file in this folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for JobScratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn remove_dead_runs(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let lock_path = entry?.path();
        let is_run = lock_path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("run-"));
        if !is_run || lock_path.extension().is_none_or(|extension| extension != "lock") {
            continue;
        }
        // A lock that can be had belongs to nobody alive.
        if File::open(&lock_path).is_ok_and(|lock| lock.try_lock().is_ok()) {
            let folder = lock_path.with_extension("");
            match fs::remove_dir_all(&folder) {
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

    struct Root(PathBuf);

    impl Root {
        fn new() -> Self {
            Self(std::env::temp_dir().join(format!("reel-scratch-test-{:016x}", fastrand::u64(..))))
        }

        fn names(&self) -> Vec<String> {
            let names = fs::read_dir(&self.0).unwrap();
            names.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
        }
    }

    impl Drop for Root {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_job_leaves_nothing_behind() {
        let root = Root::new();
        let scratch = Scratch::open(&root.0).unwrap();
        let job = scratch.job("abc-u1", 1).unwrap();
        fs::write(job.file("input.mp4"), b"x").unwrap();
        drop(job);
        assert_eq!(fs::read_dir(&scratch.folder).unwrap().count(), 0);
        drop(scratch);
        assert_eq!(root.names(), ["start.lock"]);
    }

    #[test]
    fn the_leftovers_of_a_dead_run_are_removed_and_a_live_run_is_not_touched() {
        let root = Root::new();
        let live = Scratch::open(&root.0).unwrap();
        fs::create_dir_all(root.0.join("run-1-dead/job")).unwrap();
        fs::write(root.0.join("run-1-dead/job/input.mp4"), b"x").unwrap();
        File::create(root.0.join("run-1-dead.lock")).unwrap();
        let second = Scratch::open(&root.0).unwrap();
        assert!(live.folder.exists());
        assert!(second.folder.exists());
        assert!(!root.names().iter().any(|name| name.contains("dead")), "{:?}", root.names());
    }
}
