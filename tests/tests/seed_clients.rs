//! The Python client that the migration describes, unchanged, gets the answers it expects.

use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::{Stack, root, run, sample};

/// A Python with the pinned httpx, made once.
fn python() -> PathBuf {
    let folder = root().join("target/e2e-python");
    let python = folder.join("bin/python");
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/requirements.txt");
    let wanted = std::fs::read_to_string(&requirements).expect("requirements.txt");
    let stamp = folder.join("requirements.installed");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return python;
    }
    // Needs python3 with its venv module (Debian: python3-venv).
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
    run(Command::new(&python)
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
        .arg(&requirements));
    std::fs::write(&stamp, wanted).expect("to note what is installed");
    python
}

#[tokio::test]
async fn the_seeds_python_client_creates_reads_and_uploads_as_it_always_did() {
    let python = python();
    let stack = Stack::shared().await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/seed_clients.py");
    let mut command = Command::new(python);
    command.arg(script).arg(stack.api_url()).arg(sample());
    let said = tokio::task::spawn_blocking(move || run(&mut command)).await.expect("the script ends");
    assert!(said.contains("all answers are the seed's"), "{said}");
}
