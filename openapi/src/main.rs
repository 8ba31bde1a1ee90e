//! Writes `openapi.json` and a JSON Schema of each job type's params.

use std::fs;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    fs::create_dir_all(root.join("schemas"))?;
    openapi::files().into_iter().try_for_each(|(path, text)| fs::write(root.join(path), text))
}
