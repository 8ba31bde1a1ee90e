//! Files that hold what is on the wire. A test renders each shape anew and compares; whoever changes one
//! on purpose runs the test with `UPDATE_CONTRACT=1` and reads the difference in the commit.
//!
//! Invariant: a folder holds exactly what its test renders, neither more nor less. The core's own test
//! includes this file too, so it knows nothing of the rest of this crate.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

use similar::{ChangeTag, TextDiff};

/// The pins of one test, all compared before it fails.
#[derive(Debug)]
pub struct GoldenFiles {
    folder: PathBuf,
    rendered: BTreeSet<String>,
    differences: String,
    update: bool,
    advice: &'static str,
}

impl GoldenFiles {
    /// A folder below `tests/contract/`.
    pub fn of(repository: &Path, folder: &str) -> Self {
        Self::at(repository.join("tests/contract").join(folder), WIRE)
    }

    /// Any folder; `advice` is what to do when a file differs.
    pub fn at(folder: PathBuf, advice: &'static str) -> Self {
        let update = env::var_os("UPDATE_CONTRACT").is_some();
        Self { folder, rendered: BTreeSet::new(), differences: String::new(), update, advice }
    }

    /// Compares one file with what was rendered now, or writes it when that is wanted.
    pub fn pin(&mut self, name: &str, now: &str) {
        assert!(self.rendered.insert(name.to_owned()), "{name} is rendered twice");
        let file = self.folder.join(name);
        let now = format!("{}\n", now.trim_end());
        let pinned = fs::read_to_string(&file).unwrap_or_default();
        if pinned == now {
            return;
        }
        if self.update {
            fs::create_dir_all(&self.folder).expect("to make the folder of the pins");
            fs::write(&file, now).expect("to write a pin");
            return;
        }
        let _ = writeln!(self.differences, "--- {}", file.display());
        for change in TextDiff::from_lines(&pinned, &now).iter_all_changes() {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            let _ = write!(self.differences, "{sign} {}", change.value());
        }
        self.differences.push('\n');
    }

    /// Fails when anything differs, or when a file is there that nothing renders.
    pub fn finish(mut self) {
        let files = fs::read_dir(&self.folder).expect("the folder of the pins");
        for file in files {
            let path = file.expect("an entry of the folder").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if self.rendered.contains(&name) {
                continue;
            }
            if self.update {
                fs::remove_file(&path).expect("to remove a pin");
            } else {
                let _ = writeln!(self.differences, "--- {} is rendered by no test", path.display());
            }
        }
        assert!(
            self.differences.is_empty(),
            "golden files differ (- golden, + now):\n{}\n{}",
            self.differences,
            self.advice
        );
    }
}

const WIRE: &str = "Clients read these shapes. If the change is meant, accept it: run this test once more with \
    UPDATE_CONTRACT=1, read `git diff tests/contract`, and say it in CHANGELOG.md.";
