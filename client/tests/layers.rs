//! Each folder of the crate imports only what lies below it.
//!
//! The test reads every path that starts with `crate::`, in the library and in the command, and fails with file and
//! line where one points up. Inside its folder a file may import what it likes.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::fs;
use std::path::{Path, PathBuf};

/// The modules of the library, lowest first, and what each may import.
const LIBRARY: &[(&str, &[&str])] =
    &[("api", &[]), ("transfer", &["api"]), ("watch", &["api"]), ("lib", &["api", "transfer", "watch"])];

/// The modules of the command `reel`.
const COMMAND: &[(&str, &[&str])] = &[
    ("shorthand", &[]),
    ("api_key", &[]),
    ("interrupt", &[]),
    ("resume_file", &[]),
    ("ui", &[]),
    ("args", &["shorthand"]),
    ("error", &["interrupt"]),
    ("params", &["args", "error"]),
    ("commands", &["args", "error", "interrupt", "params", "resume_file", "ui"]),
    ("main", &["api_key", "args", "commands", "error", "interrupt", "ui"]),
];

#[test]
fn no_module_imports_one_above_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for (root, modules) in [(src.clone(), LIBRARY), (src.join("bin/reel"), COMMAND)] {
        for file in rust_files(&root) {
            let inside = file.strip_prefix(&root).unwrap().to_owned();
            if inside.starts_with("bin") {
                continue;
            }
            let module = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
            let Some((_, below)) = modules.iter().find(|(name, _)| *name == module) else {
                wrong.push(format!("{}: the module {module} has no place in this list", file.display()));
                continue;
            };
            let text = fs::read_to_string(&file).unwrap();
            for (line, imported) in imports(&text) {
                if imported != module && !below.contains(&imported.as_str()) {
                    wrong.push(format!("{}:{line}: {module} may not import {imported}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The first name after each `crate::`, with its line. Comments are left out. Two forms would hide a name, and are
/// refused: a list right after `crate::`, and `super::super::`.
fn imports(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        assert!(!code.contains("crate::{") && !code.contains("super::super::"), "write it out: {line}");
        for path in code.split("crate::").skip(1) {
            let name = path.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
            found.push((index + 1, name.to_owned()));
        }
    }
    found
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files
}

#[test]
fn an_import_is_found_wherever_it_stands() {
    let text = "use crate::api::job;\n// crate::watch\nlet x = crate::transfer::file::open(crate::args::y);";
    assert_eq!(imports(text), [(1, "api".into()), (3, "transfer".into()), (3, "args".into())]);
}
