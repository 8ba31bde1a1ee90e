//! What an upload is: its record, its confirmed parts, and the storage calls that are under way.

use crate::base::object_key::ObjectKey;
use crate::base::sorted_map::SortedMap;
use crate::base::time::Timestamp;
use crate::upload::PartLayout;
use crate::upload::event::{CallId, CallerId, CompleteReply};

/// What is stored about an upload, besides its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRecord {
    /// Where the video goes.
    pub key: ObjectKey,
    /// The bucket's id of the multipart upload; clients never see it as such.
    pub storage_id: String,
    /// Its parts.
    pub plan: PartLayout,
    /// How often a confirmed part got another etag. Each time is a written row, so that there is an end to it.
    pub etag_changes: u32,
    /// When it is aborted if it is not complete, and then forgotten.
    pub expires_at: Timestamp,
    /// Where it stands.
    pub state: UploadState,
}

/// Where an upload stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadState {
    /// Parts may come.
    Open,
    /// The bucket was asked to assemble the parts, and its answer is not known.
    Completing,
    /// The video is in the bucket.
    Complete {
        /// The object's entity tag.
        etag: String,
    },
    /// Aborted: the bucket holds none of its parts.
    Aborted,
}

/// One part as its uploader or the bucket reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfirmedPart {
    /// From 1.
    pub number: u32,
    /// Never empty, see [`ConfirmedPart::new`].
    etag: String,
}

/// An upload, as its object holds it in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The stored record.
    pub record: UploadRecord,
    /// Etags of the confirmed parts; stored too.
    parts: SortedMap<u32, String>,
    /// Not stored: a call dies with the object's memory, and so does the connection of everyone who
    /// waits for it.
    pub(super) calls: StorageCalls,
}

/// Storage calls that are under way, and who waits for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct StorageCalls {
    last_id: u32,
    /// At most one task changes anything in the bucket at a time.
    pub task: Option<Task>,
    /// Requests that are answered when the task ends.
    pub waiting: Vec<(CallerId, Goal)>,
    pub listing: Option<Listing>,
}

/// A sequence of storage calls with one goal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Task {
    pub goal: Goal,
    /// Started by the alarm: afterwards the upload is forgotten.
    pub expires: bool,
    pub call: CallId,
    pub pending: PendingCall,
}

/// What a task, or a request that waits for it, is to achieve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    Complete,
    Abort,
}

/// The storage call that a task waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PendingCall {
    CheckObject(Check),
    Complete,
    Abort,
    DeleteWrongSize { stored_bytes: u64 },
}

/// Why the object is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// An earlier completion may have succeeded.
    BeforeCompletion,
    /// This one may have, whatever the bucket said.
    AfterCompletion(CompleteReply),
    /// A completion may have come before the abort.
    AfterAbort,
}

/// The bucket is asked, page by page, for parts that were sent and never confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listing {
    pub call: CallId,
    pub pages: u32,
    pub callers: Vec<CallerId>,
    /// Confirmed by clients since the listing began: these are newer than what it says.
    pub confirmed_since: Vec<u32>,
}

impl ConfirmedPart {
    /// The longest entity tag, with its quotes.
    pub(crate) const ETAG_MAX: usize = ETAG_MAX_BYTES + 2;

    /// `None` for what cannot be an entity tag (RFC 9110 8.8.3). Quotes are taken off: the bucket sends
    /// them in headers and not through its binding.
    pub fn new(number: u32, etag: &str) -> Option<Self> {
        let bare = etag.trim();
        let bare = bare.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(bare);
        let clean = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\');
        ((1..=ETAG_MAX_BYTES).contains(&bare.len()) && bare.chars().all(clean))
            .then(|| Self { number, etag: bare.to_owned() })
    }

    /// Without quotes; nothing in it needs escaping in JSON.
    pub fn etag(&self) -> &str {
        &self.etag
    }
}

impl Upload {
    /// An upload as storage has it, with no call under way.
    pub fn new(record: UploadRecord, parts: impl IntoIterator<Item = ConfirmedPart>) -> Self {
        let mut upload = Self { record, parts: SortedMap::default(), calls: StorageCalls::default() };
        upload.record_parts(parts);
        upload
    }

    /// The confirmed parts in their order: number, etag, length.
    pub fn parts(&self) -> impl Iterator<Item = (u32, &str, u64)> {
        let plan = self.record.plan;
        self.parts
            .iter()
            .filter_map(move |(number, etag)| Some((*number, etag.as_str(), plan.bytes_of(*number)?)))
    }

    /// How many parts are confirmed.
    pub fn confirmed(&self) -> usize {
        self.parts.len()
    }

    /// The parts that are not confirmed.
    pub fn missing(&self) -> impl Iterator<Item = u32> {
        (1..=self.record.plan.part_count()).filter(|number| self.parts.get(number).is_none())
    }

    /// Whether every part is confirmed.
    pub fn has_all(&self) -> bool {
        self.missing().next().is_none()
    }

    /// Those of the given parts that are new or have another etag. The last word on a part counts.
    pub(super) fn new_parts(&self, given: impl IntoIterator<Item = ConfirmedPart>) -> Vec<ConfirmedPart> {
        let mut latest = SortedMap::default();
        for part in given {
            latest.insert(part.number, part.etag);
        }
        latest
            .into_entries()
            .filter(|(number, etag)| self.parts.get(number) != Some(etag))
            .map(|(number, etag)| ConfirmedPart { number, etag })
            .collect()
    }

    /// Those of the new parts that are confirmed already, with another etag.
    pub(super) fn changes_among(&self, news: &[ConfirmedPart]) -> u32 {
        let known = news.iter().filter(|part| self.parts.get(&part.number).is_some()).count();
        u32::try_from(known).unwrap_or(u32::MAX)
    }

    /// How many confirmed parts may still get another etag.
    pub(super) fn changes_left(&self) -> u32 {
        (self.record.plan.part_count() + SPARE_ETAG_CHANGES).saturating_sub(self.record.etag_changes)
    }

    pub(super) fn record_parts(&mut self, parts: impl IntoIterator<Item = ConfirmedPart>) {
        for part in parts {
            self.parts.insert(part.number, part.etag);
        }
    }
}

impl StorageCalls {
    /// An id that no call of this memory has had.
    pub fn next_id(&mut self) -> CallId {
        self.last_id = self.last_id.wrapping_add(1);
        CallId(self.last_id)
    }
}

/// Beside one change of each part: a client that sends everything again gets through.
const SPARE_ETAG_CHANGES: u32 = 100;
/// R2's are 32 characters of hex; wrangler's local ones are opaque and a few times as long.
const ETAG_MAX_BYTES: usize = 512;
