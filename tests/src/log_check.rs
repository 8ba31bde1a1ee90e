//! Whether a log holds what nobody may read there: a secret of the settings, or a token of any kind.
//!
//! Invariants: what is found is never shown, only its kind and its line without it. A log that cannot be read, or that
//! is not the one of a Worker that has run, fails as a secret does: a check that sees nothing proves nothing.
//!
//! A secret may be nowhere. A token may be in two kinds of line, which no deployment prints: wrangler's own about the
//! path of each request that it serves, and about the URL of one that its client broke off. Even in them, a token may only
//! be where a route for older clients has it; and a signature, where wrangler is the bucket.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::token_places::Places;

/// The secrets of one Worker, from all settings that it ever had.
#[derive(Debug, Default)]
pub struct LogCheck {
    secrets: Mutex<Vec<Secret>>,
}

#[derive(Debug)]
struct Secret {
    setting: String,
    text: String,
}

/// What was found in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// Such as `the setting SIGNING_KEY` or `a user's token`.
    pub kind: String,
    /// Its line, with `***` in place of everything that is searched for.
    pub line: String,
}

impl LogCheck {
    /// A setting that the Worker gets. From now on its value may be in no log, if it is a secret.
    pub fn set(&self, setting: &str, value: &str) {
        if !SECRET_SETTINGS.contains(&setting) {
            return;
        }
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        for text in keys_of(setting, value) {
            let known = secrets.iter().any(|secret| secret.text == text);
            // What is shorter is refused by the Worker: it protects nothing, and would be found in any word.
            if text.len() >= SECRET_MIN_BYTES && !known {
                secrets.push(Secret { setting: setting.to_owned(), text: text.to_owned() });
            }
        }
    }

    /// How many secrets it looks for.
    pub fn secrets(&self) -> usize {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// What the text holds of secrets and tokens, line by line.
    pub fn leaks(&self, log: &str) -> Vec<Leak> {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        let mut secrets: Vec<(String, String)> = secrets
            .iter()
            .map(|secret| (format!("the setting {}", secret.setting), secret.text.clone()))
            .collect();
        // A part of another would leave the rest of it.
        secrets.sort_by_key(|(_, text)| std::cmp::Reverse(text.len()));
        let places = Places::get();
        let mut leaks = Vec::new();
        for line in log.lines() {
            let line = places.colors.replace_all(line, "");
            let spellings = secrets.iter().flat_map(|(kind, text)| {
                [text.clone(), percent_encoded(text)].map(|spelling| (kind.clone(), spelling))
            });
            let (mut kinds, mut masked) = (Vec::<String>::new(), line.clone().into_owned());
            for (kind, spelling) in spellings {
                if masked.contains(&spelling) {
                    kinds.push(kind);
                    masked = masked.replace(&spelling, "***");
                }
            }
            let searched = places.without_allowed(&line, &masked);
            for (kind, pattern) in &places.tokens {
                if pattern.is_match(&searched) {
                    kinds.push((*kind).to_owned());
                }
                masked = pattern.replace_all(&masked, "***").into_owned();
            }
            leaks.extend(kinds.into_iter().map(|kind| Leak { kind, line: masked.clone() }));
        }
        leaks
    }

    /// Searches the log of a Worker that has run, and those of what ran beside it. The sentence names what was found.
    pub fn search(&self, worker_log: &Path, other_logs: &[&Path]) -> Result<(), String> {
        if self.secrets() == 0 {
            return Err("the log was not searched: this Worker has no secrets to look for".to_owned());
        }
        let read = |path: &Path| {
            let bytes = std::fs::read(path);
            bytes
                .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
                .map_err(|error| format!("the log {} was not searched: {error}", path.display()))
        };
        let log = read(worker_log)?;
        if !log.contains(WORKER_READY) {
            return Err(format!(
                "{} is not the log of a Worker that has run: it lacks \"{WORKER_READY}\"",
                worker_log.display()
            ));
        }
        let mut leaks = self.leaks(&log);
        for path in other_logs {
            leaks.extend(self.leaks(&read(path)?));
        }
        if leaks.is_empty() {
            return Ok(());
        }
        let mut sentence = format!("a log holds {} that it must not hold:", count(leaks.len()));
        for Leak { kind, line } in leaks.iter().take(LEAKS_SHOWN) {
            let _ = write!(sentence, "\n  {kind}: {line}");
        }
        Err(sentence)
    }
}

/// The keys in the value of a setting: two settings take several, and one of them `name:key`.
fn keys_of<'v>(setting: &str, value: &'v str) -> Vec<&'v str> {
    let several = matches!(setting, "WORKERS_API_KEY" | "SIGNING_KEY");
    let keys = if several { value.split(',').map(str::trim).collect() } else { vec![value] };
    let named = setting == "WORKERS_API_KEY";
    let key = |text: &'v str| text.split_once(':').filter(|_| named).map_or(text, |(_, key)| key);
    keys.into_iter().map(key).collect()
}

fn count(leaks: usize) -> String {
    if leaks == 1 { "something".to_owned() } else { format!("{leaks} things") }
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    reel_core::base::percent::encode(text, false, &mut encoded);
    encoded
}

/// Settings whose values are secrets.
const SECRET_SETTINGS: [&str; 6] =
    ["WORKERS_API_KEY", "SIGNING_KEY", "ID_KEY", "RUNPOD_API_KEY", "R2_SECRET_ACCESS_KEY", "AUTH_JWT_SECRET"];
const SECRET_MIN_BYTES: usize = 16;
const LEAKS_SHOWN: usize = 20;
/// What wrangler writes once it serves.
const WORKER_READY: &str = "Ready on http://";

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "a-key-of-32-bytes-or-more-0123456789";
    const MAC: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    const UPLOAD: &str = "01010101-0101-4101-8101-010101010101";

    fn check() -> LogCheck {
        let check = LogCheck::default();
        check.set("WORKERS_API_KEY", &format!("web-2:{KEY},web-1:another/key of+32 bytes"));
        check.set("PUBLIC_URL", "http://127.0.0.1:8787/as/long/as/a/key");
        check
    }

    fn kinds(line: &str) -> Vec<String> {
        check().leaks(line).into_iter().map(|leak| leak.kind).collect()
    }

    #[test]
    fn each_kind_is_found_named_and_not_shown() {
        let jwt = format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.{}", "A".repeat(43));
        for (secret, kind) in [
            (KEY.to_owned(), "the setting WORKERS_API_KEY"),
            ("another/key of+32 bytes".to_owned(), "the setting WORKERS_API_KEY"),
            ("another%2Fkey%20of%2B32%20bytes".to_owned(), "the setting WORKERS_API_KEY"),
            (format!("0.1769850300.{MAC}"), "a token of a job"),
            (format!("{UPLOAD}.{MAC}"), "a token of an upload"),
            (format!("X-Amz-Signature={MAC}"), "a signature of the bucket"),
            (format!("X-Amz-Signature%3D{MAC}"), "a signature of the bucket"),
            (jwt, "a user's token"),
            ("Bearer 0123456789abcdef".to_owned(), "a header with a key"),
        ] {
            let line = format!("{{\"event\":\"x\",\"detail\":\"it says {secret} here\"}}");
            let leaks = check().leaks(&format!("first\n{line}\nlast"));
            let masked = "{\"event\":\"x\",\"detail\":\"it says *** here\"}".to_owned();
            assert_eq!(leaks, [Leak { kind: kind.to_owned(), line: masked }]);
        }
        assert_eq!(kinds("http://127.0.0.1:8787/as/long/as/a/key and eyJ and 1.2.ab"), [""; 0]);
    }

    #[test]
    fn wrangler_may_print_a_token_where_an_old_route_has_it_and_nowhere_else() {
        let token = format!("1.1769850300.{MAC}");
        let line = |path: &str| format!("[wrangler:info] GET {path} 200 OK (3ms)");
        for path in [
            format!("/api/jobs/{UPLOAD}/do/{token}/claim"),
            format!("/api/runpod/webhook/{UPLOAD}/{token}"),
            format!("/api/videos/multipart/{UPLOAD}.{MAC}/parts"),
        ] {
            assert_eq!(kinds(&line(&path)), [""; 0], "{path}");
            assert_ne!(kinds(&format!("{{\"detail\":\"{path}\"}}")), [""; 0], "in no line of ours: {path}");
        }
        for path in [
            format!("/api/jobs/{UPLOAD}/ws?token={token}"),
            format!("/api/jobs/{UPLOAD}/attempt/{token}"),
            format!("/api/videos/download/{UPLOAD}.{MAC}"),
            format!("/cdn-cgi/local/r2/s3/b/a.mp4?X-Amz-Signature={MAC}"),
        ] {
            assert_eq!(kinds(&line(&path)).len(), 1, "{path}");
        }
        let broken = |url: &str| {
            format!(
                "✘ [ERROR] Error inside ProxyWorker (the affected request failed; the dev server continues): PUT {url}"
            )
        };
        let bucket = format!("/cdn-cgi/local/r2/s3/b/input/a/b.mp4?partNumber=1&X-Amz-Signature={MAC}");
        for path in [&bucket, &format!("/api/jobs/{UPLOAD}/ws?after=0&token={token}")] {
            assert_eq!(kinds(&broken(&format!("http://127.0.0.1:8787{path}"))), [""; 0], "{path}");
            assert_ne!(kinds(&format!("✘ [ERROR] Uncaught Error: http://127.0.0.1:8787{path}")), [""; 0]);
        }
        assert_eq!(kinds(&broken(&format!("http://127.0.0.1:8787/api/jobs?after={token}"))).len(), 1);
        assert_eq!(kinds(&broken(&format!("http://127.0.0.1:8787{bucket}&key={KEY}"))).len(), 1);
        // A secret of the settings may be nowhere.
        assert_eq!(kinds(&line(&format!("/api/jobs/{UPLOAD}/do/{KEY}/claim"))).len(), 1);
        let colored = format!("[wrangler:info]\u{1b}[1m GET\u{1b}[0m /x/{token} \u{1b}[32m200 OK (3ms)");
        assert_eq!(kinds(&colored).len(), 1);
    }

    #[test]
    fn a_log_that_was_not_searched_is_a_failure() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("worker.log");
        let search = |check: &LogCheck| check.search(&log, &[]);
        assert!(search(&check()).is_err_and(|why| why.contains("was not searched")), "there is no log");
        std::fs::write(&log, "nothing yet").expect("to write");
        assert!(search(&check()).is_err_and(|why| why.contains("not the log of a Worker")));
        std::fs::write(&log, format!("[wrangler:info] {WORKER_READY}127.0.0.1:1\n")).expect("to write");
        assert_eq!(search(&check()), Ok(()));
        assert!(search(&LogCheck::default()).is_err_and(|why| why.contains("no secrets to look for")));
        let beside = folder.path().join("gpu-worker.log");
        assert!(check().search(&log, &[&beside]).is_err_and(|why| why.contains("was not searched")));
        std::fs::write(&beside, KEY).expect("to write");
        let why = check().search(&log, &[&beside]).expect_err("the key is in it");
        assert_eq!(why, "a log holds something that it must not hold:\n  the setting WORKERS_API_KEY: ***");
    }
}
