//! The shapes that this core puts on the wire, against their pins in `tests/contract/shapes/`.
//!
//! Ids and clock are fixed, so each file is what a client would see. What the Worker adds around them
//! (headers, paths, the order of an export) is pinned by the end-to-end test of the same name.

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
fn every_shape_is_as_pinned() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("core/ lies in the repository");
    let mut golden = GoldenFiles::of(repository, "shapes");
    job::pin(&mut golden);
    gpu::pin(&mut golden);
    problems::pin(&mut golden);
    golden.finish();
}

#[test]
fn no_pin_lies_where_no_test_looks() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/contract");
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder of the pins")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["README.md", "exchanges", "shapes"]);
}

/// JSON as people read it.
fn pretty(json: &str) -> String {
    let value: Value = serde_json::from_str(json).expect("JSON");
    serde_json::to_string_pretty(&value).expect("JSON")
}
