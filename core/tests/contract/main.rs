//! The JSON that this crate writes, compared with the golden files in `tests/contract/shapes/`.
//!
//! Ids and clock are fixed, so each file is what a client would see. What the Worker adds (headers, paths,
//! the order of messages) is compared by the end-to-end test of the same name.

mod gpu;
mod job;
mod problems;

#[path = "../../../tests/src/golden.rs"]
#[allow(dead_code, reason = "shared with the end-to-end tests")]
mod golden;

use std::path::Path;

use golden::GoldenFiles;
use serde_json::Value;

#[test]
fn every_shape_equals_its_golden_file() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("core/ lies in the repository");
    let mut golden = GoldenFiles::of(repository, "shapes");
    job::pin(&mut golden);
    gpu::pin(&mut golden);
    problems::pin(&mut golden);
    golden.finish();
}

#[test]
fn the_folder_has_no_other_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/contract");
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder of the golden files")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["README.md", "exchanges", "shapes"]);
}

/// Indented JSON.
fn pretty(json: &str) -> String {
    let value: Value = serde_json::from_str(json).expect("JSON");
    serde_json::to_string_pretty(&value).expect("JSON")
}
