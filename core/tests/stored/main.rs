//! Every form that outlives a deploy, against its golden file in `golden/`: each is written as the file
//! has it, and read back to the same value.
//!
//! Invariant: what a release has stored is read by every later one. A changed form fails here until a
//! reader of the old one exists; then the old file stays under another name and is read as well.

mod index;
mod job;
mod token;
mod upload;

#[path = "../../../tests/src/golden.rs"]
#[allow(dead_code, reason = "shared with the end-to-end tests")]
mod golden;

use std::path::Path;

use golden::GoldenFiles;

#[test]
fn every_stored_form_is_written_and_read_as_its_golden_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stored/golden");
    let mut golden = GoldenFiles::at(folder, ADVICE);
    job::pin(&mut golden);
    index::pin(&mut golden);
    upload::pin(&mut golden);
    token::pin(&mut golden);
    golden.finish();
}

const ADVICE: &str = "Objects, databases and links of the last release hold these forms. Keep a reader of the \
    old form, keep its golden file under another name, and read it here. Only then write the new form: run \
    this test once more with UPDATE_CONTRACT=1.";
