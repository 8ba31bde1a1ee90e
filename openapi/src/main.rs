//! Writes `openapi.json`, a JSON Schema of each job type's params, and the tables of the guide to errors.

use std::fs;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    fs::create_dir_all(root.join("schemas"))?;
    openapi::files().into_iter().try_for_each(|(path, text)| fs::write(root.join(path), text))
}
