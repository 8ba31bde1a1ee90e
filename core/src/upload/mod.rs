//! Uploads in parts: how a video is divided, what may follow what, and what is still missing.
//!
//! Invariant: the bucket's word outweighs ours. The ledger says which parts a client has confirmed; only
//! an object of the promised size makes an upload complete.

mod layout;
mod ledger;

pub use layout::{PART_MAX_COUNT, PartLayout};
pub use ledger::{
    AbortStep, CompleteReply, CompletionResult, CompletionStep, ExpiryStep, Upload, UploadRecord,
    UploadState, UploadedObject, aborted, not_found, outcome_unknown, resolve_completion,
};

/// One part as its uploader or the bucket reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfirmedPart {
    /// From 1.
    pub number: u32,
    /// What the bucket called its content; never an empty text, see [`Part::new`].
    etag: String,
}

impl ConfirmedPart {
    /// `None` for what cannot be an entity tag (RFC 9110 8.8.3). Quotes are taken off: the bucket sends
    /// them in headers and not through its binding.
    pub fn new(number: u32, etag: &str) -> Option<Self> {
        let bare = etag.trim();
        let bare = bare.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(bare);
        let clean = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\');
        ((1..=ETAG_MAX_BYTES).contains(&bare.len()) && bare.chars().all(clean))
            .then(|| Self { number, etag: bare.to_owned() })
    }

    /// Without quotes; nothing in it needs care in JSON.
    pub fn etag(&self) -> &str {
        &self.etag
    }
}

/// R2's are 32 characters of hex; wrangler's local ones are opaque and a few times as long.
const ETAG_MAX_BYTES: usize = 512;
