//! Where the key of the API comes from: `--key` or `REEL_API_KEY`, then `WORKERS_API_KEY`, and for an API on
//! this machine the `.dev.vars` of the checkout, where development keeps it.
//!
//! Invariant: a key from a file is sent to this machine only.

use std::path::{Path, PathBuf};

use reel_client::Secret;
use reel_core::auth::service_keys::first_key;
use url::{Host, Url};

/// The key, if there is one. An empty one that was given means: none.
pub fn find(given: Option<Secret>, api: &str) -> Option<Secret> {
    let key = given.or_else(|| {
        // The setting of the server, which may list several.
        std::env::var(SETTING).ok().map(|keys| Secret::new(first_key(&keys)))
    });
    let key = key.or_else(|| is_this_machine(api).then(|| in_dev_vars(&places())).flatten());
    key.filter(|key| !key.reveal().is_empty())
}

fn is_this_machine(api: &str) -> bool {
    let url = Url::parse(api.trim()).ok();
    match url.as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The folder this runs in and those above it, then those above the program: `target/debug` lies in the
/// checkout that it was built in.
fn places() -> Vec<PathBuf> {
    let starts = [std::env::current_dir(), std::env::current_exe()];
    starts.iter().flatten().flat_map(|start| start.ancestors()).map(Path::to_owned).collect()
}

fn in_dev_vars(places: &[PathBuf]) -> Option<Secret> {
    // Other projects have a `.dev.vars`, too: ours lies beside its example and has this setting.
    let texts = places.iter().filter(|place| place.join(".dev.vars.example").is_file());
    let mut texts = texts.filter_map(|place| std::fs::read_to_string(place.join(".dev.vars")).ok());
    texts.find_map(|text| setting(&text).map(|keys| Secret::new(first_key(&keys))))
}

/// The value of the setting in a file of `NAME=value` lines.
fn setting(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once('=')?;
        let name = name.trim();
        if name.strip_prefix("export ").map_or(name, str::trim) != SETTING {
            return None;
        }
        let value = value.trim();
        let quoted = value.chars().next().filter(|first| matches!(first, '\'' | '"' | '`'));
        match quoted.and_then(|mark| value.get(1..)?.split(mark).next()) {
            Some(inner) => Some(inner.to_owned()),
            None => value.split_whitespace().next().map(str::to_owned),
        }
    })
}

const SETTING: &str = "WORKERS_API_KEY";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_from_a_file_goes_to_this_machine_only() {
        for api in ["http://localhost:8787", "http://127.0.0.1:1/", "http://[::1]:8787", "https://localhost"]
        {
            assert!(is_this_machine(api), "{api}");
        }
        for api in
            ["https://api.example", "http://localhost.evil.example", "http://10.0.0.1", "", "localhost"]
        {
            assert!(!is_this_machine(api), "{api}");
        }
    }

    #[test]
    fn the_key_of_the_nearest_checkout_is_read() {
        let root = tempfile::tempdir().unwrap();
        let (checkout, other) = (root.path().to_owned(), root.path().join("other"));
        std::fs::create_dir(&other).unwrap();
        std::fs::write(other.join(".dev.vars"), "WORKERS_API_KEY=of-another-project\n").unwrap();
        let places = [other, checkout.clone()];
        assert!(in_dev_vars(&places).is_none());
        std::fs::write(checkout.join(".dev.vars.example"), "").unwrap();
        let found = |text: &str| {
            std::fs::write(checkout.join(".dev.vars"), text).unwrap();
            in_dev_vars(&places).map(|key| key.reveal().to_owned())
        };
        for (text, key) in [
            ("# x\nWORKERS_API_KEY=abc\n", Some("abc")),
            ("SIGNING_KEY=s\nexport WORKERS_API_KEY = 'web:abc,old:def' # mine\n", Some("abc")),
            ("WORKERS_API_KEY=abc # mine", Some("abc")),
            ("#WORKERS_API_KEY=abc\nMY_WORKERS_API_KEY=abc\nWORKERS_API_KEY=\n", None),
        ] {
            assert_eq!(found(text).as_deref(), key, "{text}");
        }
    }
}
