//! Python environments, made once under `target/` with the packages of a requirements file.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crate::process::{root, run};

/// The interpreter of `target/{name}`, which has what `requirements` lists; made anew when the list has
/// changed. Needs python3, 3.11 or later, with its venv module (Debian: python3-venv), and a way to `PyPI`.
pub async fn python(name: &str, requirements: &Path) -> PathBuf {
    let (folder, requirements) = (root().join("target").join(name), requirements.to_owned());
    let made = tokio::task::spawn_blocking(move || make(&folder, &requirements));
    made.await.expect("a Python")
}

fn make(folder: &Path, requirements: &Path) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let python = folder.join("bin/python");
    let wanted = std::fs::read_to_string(requirements).expect("a requirements file");
    let stamp = folder.join("requirements.installed");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return python;
    }
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder));
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r"])
        .arg(requirements));
    std::fs::write(&stamp, wanted).expect("to note what is installed");
    python
}
