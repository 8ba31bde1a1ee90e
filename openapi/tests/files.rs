//! The committed files are what the code says.

use std::fs;
use std::path::Path;

#[test]
fn the_committed_document_is_what_the_code_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for (path, text) in openapi::files() {
        let committed = fs::read_to_string(root.join(&path)).unwrap_or_default();
        // Whole files in a message help nobody.
        assert!(committed == text, "{path} is stale: run `npm run openapi` and read the difference");
    }
}
