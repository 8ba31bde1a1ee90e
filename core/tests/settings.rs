//! The table of settings against the two other places that list them for people and for the runner.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use reel_core::config::Setting;

fn read(file: &str) -> String {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("core/ lies in the repository").join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The words in capitals that stand between two `quote`s.
fn names(text: &str, quote: char) -> BTreeSet<String> {
    let is_name = |word: &&str| {
        word.starts_with(|c: char| c.is_ascii_uppercase())
            && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
    };
    text.split(quote).filter(is_name).map(str::to_owned).collect()
}

fn table() -> BTreeSet<String> {
    Setting::ALL.map(|setting| setting.as_str().to_owned()).into()
}

#[test]
fn the_page_of_settings_lists_every_setting_and_no_other() {
    let page = read("docs/settings.md");
    // The first cell of each row.
    let cells: String = page.lines().filter_map(|line| line.strip_prefix("| ")?.split('|').next()).collect();
    assert_eq!(names(&cells, '`'), table());
}

#[test]
fn the_runner_hands_every_setting_to_the_worker() {
    let script = read("scripts/worker-settings.mjs");
    let list = script.split("SETTINGS = [").nth(1).and_then(|rest| rest.split(']').next());
    assert_eq!(names(list.expect("the list of settings"), '"'), table());
}
