//! What tokens look like, and where wrangler may print one: see [`crate::LogCheck`].
//!
//! Invariant: what is allowed is allowed in wrangler's own lines about requests only, and only where a route has it.

use std::sync::LazyLock;

use regex::Regex;

/// Where tokens are, and where they may be.
#[derive(Debug)]
pub struct Places {
    /// Wrangler writes them into files, too.
    pub colors: Regex,
    request_line: Regex,
    broken_request_line: Regex,
    old_routes: Vec<Regex>,
    whole_urls: Vec<Regex>,
    /// What a token looks like, by its kind.
    pub tokens: Vec<(&'static str, Regex)>,
}

impl Places {
    /// All patterns, compiled once.
    pub fn get() -> &'static Self {
        static PLACES: LazyLock<Places> = LazyLock::new(Places::compile);
        &PLACES
    }

    fn compile() -> Self {
        let regex = |pattern: &str| Regex::new(pattern).expect("a pattern of ours");
        Self {
            colors: regex("\x1b\\[[0-9;]*m"),
            request_line: regex(REQUEST_LINE),
            broken_request_line: regex(BROKEN_REQUEST_LINE),
            old_routes: OLD_ROUTES.into_iter().map(regex).collect(),
            whole_urls: WHOLE_URLS.into_iter().map(regex).collect(),
            tokens: TOKENS.into_iter().map(|(kind, pattern)| (kind, regex(pattern))).collect(),
        }
    }

    /// What is searched for tokens in `line`, of which the secrets are `masked`: of wrangler's lines about requests, what
    /// may not be in them.
    pub fn without_allowed(&self, line: &str, masked: &str) -> String {
        let whole_urls = self.broken_request_line.is_match(line);
        if !whole_urls && !self.request_line.is_match(line) {
            return masked.to_owned();
        }
        let more = if whole_urls { self.whole_urls.as_slice() } else { &[] };
        let places = self.old_routes.iter().chain(more);
        places.fold(masked.to_owned(), |line, place| place.replace_all(&line, "$1***").into_owned())
    }
}

/// wrangler's line about a request.
const REQUEST_LINE: &str = r"^\[wrangler:\w+\] [A-Z]+ /\S* [0-9]{3} .*\([0-9.]+m?s\)$";

/// wrangler's line about a request whose client went away. It has the whole URL.
const BROKEN_REQUEST_LINE: &str = r"^\S+ \[ERROR\] Error inside ProxyWorker \([^)]*\): [A-Z]+ http://\S+";

/// The places of tokens in paths. What stands before a token is kept.
const OLD_ROUTES: [&str; 3] = [
    // Callbacks of older GPU workers.
    r"([ 0-9]/api/jobs/[^/\s]+/do/)[^/\s?]+",
    // RunPod sends no headers of ours.
    r"([ 0-9]/api/runpod/webhook/[^/\s]+/)[^/\s?]+",
    // Uploads of older clients.
    r"([ 0-9]/api/videos/multipart/)[^/\s?]+",
];

/// The places of tokens in URLs, beside those in paths.
const WHOLE_URLS: [&str; 2] = [
    // Links of older clients, and of a `<video>`, which sends no headers.
    r"([0-9]/api/\S*[?&]token=)[^&\s]*",
    // The bucket, which is another host than the Worker wherever it is deployed.
    r"([0-9]/cdn-cgi/local/r2/s3/)\S+",
];

/// What opens something, whoever has it.
const TOKENS: [(&str, &str); 7] = [
    ("a token of a job", r"\b[0-9]+\.[0-9]{9,11}\.[0-9a-f]{64}\b"),
    ("a token of an upload", r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[0-9a-f]{64}\b"),
    ("a signature of the bucket", r"(?i)X-Amz-Signature(?:=|%3D)[0-9a-f]{16,}"),
    ("a user's token", r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*)?"),
    ("the secret of a webhook", r"\bwhsec_[A-Za-z0-9+/]{16,}={0,2}"),
    ("the signature of a webhook", r"\bv1,[A-Za-z0-9+/]{43}="),
    ("a header with a key", r"(?i)\bbearer[ .][A-Za-z0-9+/=_.~-]{16,}"),
];
