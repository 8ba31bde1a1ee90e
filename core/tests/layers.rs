//! The folders of `core/src` form layers: each imports only folders of a lower layer.
//!
//! The test reads every `crate::…` path of the sources, in `use` lines and in the middle of code, in tests
//! too. Comments do not count.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Each folder (or file) of `core/src` with its layer. Folders of one layer do not import each other.
const LAYERS: &[(&str, u8)] = &[
    ("objects", 8), // typed commands between the Worker and its Durable Objects
    ("http", 7),
    ("config", 6),
    ("wire", 6),   // JSON that others read
    ("stored", 5), // JSON that only we read back
    ("sql", 4),
    ("s3", 4),
    ("auth", 4),
    ("job", 3),
    ("upload", 3),
    ("project", 3),
    ("edit", 3),
    ("json", 2),
    ("webhook", 2),
    ("base", 1),
];

/// Imports within one layer that are meant to stay, one way only.
const SAME_LAYER: &[(&str, &str)] = &[("job", "edit")];

/// Imports that still point upwards. The list may only shrink: an entry that is no longer needed fails, too.
const EXCEPTIONS: &[(&str, &str)] = &[];

#[test]
fn every_folder_imports_only_lower_layers() {
    let mut wrong = String::new();
    let mut needed = BTreeSet::new();
    for file in sources() {
        let text = read(&file);
        let from = folder(&file);
        let Some(own) = layer(&from) else {
            let _ = writeln!(wrong, "{file}: folder {from} has no layer in this test");
            continue;
        };
        for (number, to) in imports(&text) {
            let allowed = match layer(&to) {
                _ if to == from => true,
                Some(layer) => layer < own || SAME_LAYER.contains(&(from.as_str(), to.as_str())),
                None => false,
            };
            let exception = EXCEPTIONS.iter().find(|entry| **entry == (file.as_str(), to.as_str()));
            match (allowed, exception) {
                (true, _) => {}
                (false, Some(entry)) => drop(needed.insert(*entry)),
                (false, None) => {
                    let _ = writeln!(wrong, "core/src/{file}:{number}: folder {from} imports {to}");
                }
            }
        }
        for number in climbs(&text) {
            let _ = writeln!(wrong, "core/src/{file}:{number}: write the path from `crate::`");
        }
    }
    for entry in EXCEPTIONS.iter().filter(|entry| !needed.contains(*entry)) {
        let _ = writeln!(wrong, "{entry:?} is no longer needed: remove the exception");
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn the_job_names_no_type_of_the_wire_or_of_http() {
    let foreign: BTreeSet<String> = sources()
        .iter()
        .filter(|file| file.starts_with("wire/") || file.starts_with("http/"))
        .flat_map(|file| read(file).lines().filter_map(declared_type).collect::<Vec<_>>())
        .collect();
    assert!(foreign.contains("ClaimResponse") && foreign.contains("ProblemCode"), "{foreign:?}");
    let mut wrong = String::new();
    for file in sources().into_iter().filter(|file| file.starts_with("job/")) {
        for (index, line) in read(&file).lines().enumerate() {
            for word in words(code(line)).filter(|word| foreign.contains(*word)) {
                let _ = writeln!(wrong, "core/src/{file}:{}: the job names {word}", index + 1);
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn imports_are_found_in_use_lines_and_in_code() {
    let text = "use crate::base::id::JobId;\n\
        // crate::http does not count here\n\
        let at = crate::json::reader::text(5); let x = \"\"; crate::wire::job::job_json();\n\
        use crate::{edit, sql::jobs::{JobRow, Cursor}};\n";
    let found = imports(text).into_iter().map(|(number, to)| format!("{number} {to}")).collect::<Vec<_>>();
    assert_eq!(found, ["1 base", "3 json", "3 wire", "4 several folders at once"]);
    assert_eq!(climbs("use super::super::http;\nuse super::Job;\n"), [1]);
}

fn layer(folder: &str) -> Option<u8> {
    LAYERS.iter().find(|(name, _)| *name == folder).map(|(_, layer)| *layer)
}

/// `job` of `job/step/mod.rs`, `config` of `config.rs`.
fn folder(file: &str) -> String {
    file.split('/').next().unwrap_or(file).trim_end_matches(".rs").to_owned()
}

/// The folders that a source names after `crate::`, each with its line. A group (`crate::{…}`) counts as a
/// folder without a layer, so it fails: one `use` a folder is what this test reads.
fn imports(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for path in code(line).split("crate::").skip(1) {
            let to = first_word(path).unwrap_or_else(|| "several folders at once".to_owned());
            found.push((index + 1, to));
        }
    }
    found
}

/// Lines whose path climbs more than one module: it may leave its folder unseen.
fn climbs(text: &str) -> Vec<usize> {
    let climbing = text.lines().enumerate().filter(|(_, line)| code(line).contains("super::super::"));
    climbing.map(|(index, _)| index + 1).collect()
}

/// `Name` of `pub struct Name` and its like.
fn declared_type(line: &str) -> Option<String> {
    let rest = line.trim_start().strip_prefix("pub ")?;
    let rest = ["struct ", "enum ", "trait ", "type "].iter().find_map(|word| rest.strip_prefix(word))?;
    first_word(rest)
}

fn first_word(text: &str) -> Option<String> {
    words(text).next().filter(|word| text.starts_with(*word)).map(str::to_owned)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// A line without its comment. A `//` in a string cuts too much: nothing is imported behind one.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

/// Every source below `core/src` but its root, as a path from there.
fn sources() -> Vec<String> {
    let root = root();
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let below = path.strip_prefix(&root).expect("below the root");
                files.push(below.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    files.retain(|file| file != "lib.rs");
    files.sort();
    assert!(files.len() > 50, "{files:?}");
    files
}

fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).expect("a source")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}
