//! A public type name means one thing in the whole workspace.
//!
//! The test reads the sources of all crates. A name that is declared twice must be in `ALLOWED`, with the
//! reason why both mean the same thing or cannot have another name. See `docs/glossary.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const CRATES: &[(&str, &str)] = &[
    ("core", "core/src"),
    ("worker", "src"),
    ("client", "client/src"),
    ("media", "media/src"),
    ("gpu-worker", "gpu-worker/src"),
];

/// Names that may be declared twice: the crates of the declarations, and why.
const ALLOWED: &[(&str, &[&str], &str)] = &[
    ("CompletedUpload", &["core", "client"], "the client reads what the core writes"),
    ("FieldError", &["core", "client"], "the client reads what the core writes"),
    ("Job", &["core", "client"], "the client's view of the same job"),
    ("JobStage", &["core", "client"], "the client also takes words of newer servers"),
    ("JobStatus", &["core", "client"], "the client also takes words of newer servers"),
    ("SignedPart", &["core", "client"], "the client reads what the core writes"),
    ("Step", &["core", "core"], "the result of `apply`, of a job and of an upload"),
    ("UploadStatus", &["core", "client"], "the client reads what the core writes"),
    ("Upload", &["core", "worker"], "the class name of the Durable Object, which cannot change"),
];

#[test]
fn every_public_type_name_is_declared_once() {
    let declarations = declarations();
    let mut wrong = String::new();
    for (name, places) in declarations.iter().filter(|(_, places)| places.len() > 1) {
        let crates: Vec<&str> = places.iter().map(|(crate_name, _)| *crate_name).collect();
        if !ALLOWED.iter().any(|(allowed, of, _)| allowed == name && *of == crates.as_slice()) {
            let places: Vec<&str> = places.iter().map(|(_, place)| place.as_str()).collect();
            let _ = writeln!(wrong, "{name}: {}", places.join(", "));
        }
    }
    for (name, crates, _) in ALLOWED {
        if declarations.get(*name).is_none_or(|places| places.len() != crates.len()) {
            let _ = writeln!(wrong, "{name} is not declared in {crates:?} any more: remove it from the list");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn declarations_of_every_visibility_but_private_are_found() {
    for (line, name) in [
        ("pub struct Job {", Some("Job")),
        ("    pub(super) enum Stage<'a> {", Some("Stage")),
        ("pub(crate) type Reply = u8;", Some("Reply")),
        ("pub trait Clock: Send {", Some("Clock")),
        ("struct Private;", None),
        ("// pub struct Comment", None),
        ("pub fn structure() {", None),
    ] {
        assert_eq!(declared_type(line), name, "{line}");
    }
}

/// Every public type name with its crate and its place, in the order of [`CRATES`].
fn declarations() -> BTreeMap<String, Vec<(&'static str, String)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("core/ is in the repository");
    let mut found: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for (crate_name, folder) in CRATES {
        let mut files = Vec::new();
        collect_sources(&root.join(folder), &mut files);
        assert!(!files.is_empty(), "{folder} has no sources");
        files.sort();
        for file in files {
            let text = std::fs::read_to_string(&file).expect("a source");
            let path = file.strip_prefix(root).expect("in the repository").to_string_lossy();
            for (index, line) in text.lines().enumerate() {
                if let Some(name) = declared_type(line) {
                    let place = format!("{path}:{}", index + 1);
                    found.entry(name.to_owned()).or_default().push((*crate_name, place));
                }
            }
        }
    }
    found
}

fn collect_sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect_sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// `Name` of `pub struct Name` and the like, with any visibility but private.
fn declared_type(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("pub")?;
    let rest = match rest.strip_prefix('(') {
        Some(visibility) => visibility.split_once(')')?.1,
        None => rest,
    };
    let (keyword, rest) = rest.strip_prefix(' ')?.split_once(' ')?;
    if !["struct", "enum", "trait", "type"].contains(&keyword) {
        return None;
    }
    rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().filter(|name| !name.is_empty())
}
