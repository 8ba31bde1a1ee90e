//! The folders of `src` are layers, and each imports only the layers below it.
//!
//! Reads the `crate::` paths of every source file; a path up fails with its file and line.

use std::path::{Path, PathBuf};

/// Each folder with the folders that it may import.
const LAYERS: &[(&str, &[&str])] = &[
    ("ffmpeg", &[]),
    ("render", &["ffmpeg"]),
    ("attempt", &["render"]),
    ("emulator", &["attempt", "render"]),
    // The binary, which imports the library by its name.
    ("cli", &[]),
];

#[test]
fn no_layer_imports_a_layer_above_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut violations = Vec::new();
    for (layer, allowed) in LAYERS {
        let files = source_files(&src.join(layer));
        assert!(!files.is_empty(), "src/{layer} has no files");
        for file in files {
            let text = std::fs::read_to_string(&file).expect("a source file");
            for (line, imported) in crate_paths(&text) {
                if imported != *layer && !allowed.contains(&imported) {
                    violations.push(format!("{}:{line}: {layer} imports {imported}", file.display()));
                }
            }
        }
    }
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

#[test]
fn every_folder_is_a_layer() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in std::fs::read_dir(src).expect("src").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_layer = LAYERS.iter().any(|(layer, _)| *layer == name);
        assert!(is_layer || ["lib.rs", "main.rs"].contains(&name.as_str()), "src/{name} is no layer");
    }
}

/// The line and the first segment of each path that starts with `crate::`, outside of comments.
fn crate_paths(text: &str) -> Vec<(usize, &str)> {
    let mut paths = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let code = line.split("//").next().unwrap_or_default();
        for rest in code.split("crate::").skip(1) {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            paths.push((number, &rest[..end]));
        }
    }
    paths
}

fn source_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(source_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
