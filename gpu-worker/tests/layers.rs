//! The folders of `gpu-worker/src` form layers: each imports only folders of a lower layer. So the attempt,
//! which runs in production, knows nothing of the emulator, and ffmpeg's arguments are built in one folder.

use std::path::{Path, PathBuf};

/// Each folder with its layer. Folders of one layer do not import each other.
const LAYERS: &[(&str, u8)] =
    &[("cli", 6), ("emulator", 5), ("attempt", 4), ("render", 3), ("ffmpeg", 2), ("media", 1)];

#[test]
fn every_folder_imports_only_lower_layers() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for (folder, layer) in LAYERS {
        let files = sources(&src.join(folder));
        assert!(!files.is_empty(), "src/{folder} has no sources");
        for file in files {
            let text = std::fs::read_to_string(&file).expect("a source file");
            for (index, line) in
                text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
            {
                for (imported, of_layer) in LAYERS {
                    let upward = of_layer >= layer && imported != folder;
                    if upward && line.contains(&format!("crate::{imported}::")) {
                        wrong.push(format!("{}:{}: {folder} imports {imported}", file.display(), index + 1));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "imports that point upwards:\n{}", wrong.join("\n"));
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder of the sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
