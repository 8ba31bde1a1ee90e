//! What can happen to an upload: requests of clients, answers of the bucket, the alarm.

use crate::upload::ConfirmedPart;

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadEvent {
    /// A client wants URLs to send parts to.
    SignRequested {
        /// Who is answered.
        caller: CallerId,
        /// Which parts.
        part_numbers: Vec<u32>,
    },
    /// A client has sent parts.
    PartsConfirmed {
        /// Who is answered.
        caller: CallerId,
        /// Which parts.
        parts: Vec<ConfirmedPart>,
    },
    /// A client wants to know what has arrived.
    ShowRequested {
        /// Who is answered.
        caller: CallerId,
    },
    /// A client has sent the last parts, and wants the video.
    CompleteRequested {
        /// Who is answered.
        caller: CallerId,
        /// Parts that are confirmed by the same request.
        parts: Vec<ConfirmedPart>,
    },
    /// A client gives the upload up.
    AbortRequested {
        /// Who is answered.
        caller: CallerId,
    },
    /// Answer to `ListParts`.
    PartsListed {
        /// The call that is answered.
        call: CallId,
        /// `None` when the bucket did not say.
        page: Option<PartPage>,
    },
    /// Answer to `CheckObject`.
    ObjectChecked {
        /// The call that is answered.
        call: CallId,
        /// What is there.
        found: UploadedObject,
    },
    /// Answer to `CompleteInBucket`.
    CompleteReplied {
        /// The call that is answered.
        call: CallId,
        /// What the bucket said.
        reply: CompleteReply,
    },
    /// Answer to `AbortInBucket`.
    AbortReplied {
        /// The call that is answered.
        call: CallId,
        /// The bucket has dropped the parts, or knows of none. Otherwise it may or may not have.
        done: bool,
    },
    /// Answer to `DeleteObject`.
    ObjectDeleted {
        /// The call that is answered.
        call: CallId,
        /// It is gone. Otherwise it may or may not be.
        done: bool,
    },
    /// The object's alarm fired.
    AlarmFired,
    /// `Forget` failed: everything is still stored.
    ForgetFailed,
}

/// One request that waits for an answer. The shell numbers them; no two have the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallerId(pub u32);

/// One call to the bucket: an answer with another id than the awaited one comes too late, or twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallId(pub(super) u32);

/// A page of the parts that the bucket has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartPage {
    /// In order of their numbers.
    pub parts: Vec<ListedPart>,
    /// Where the next page begins, when there is one.
    pub next_marker: Option<u32>,
}

/// A part that the bucket has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedPart {
    /// Number and etag.
    pub part: ConfirmedPart,
    /// How many bytes have arrived.
    pub size_bytes: u64,
}

/// What the bucket answered to a completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompleteReply {
    /// It has assembled the parts, or nobody knows: no answer in time, or an error of its own.
    PerhapsDone,
    /// It knows no such upload: completed before, aborted, or older than a week.
    Gone,
    /// It has other parts than were confirmed.
    WrongParts,
}

/// What lies at the upload's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadedObject {
    /// An object that this upload made.
    Ours {
        /// Its length.
        size_bytes: u64,
        /// Its entity tag.
        etag: String,
    },
    /// Nothing of this upload's.
    NotOurs,
    /// The bucket did not answer.
    Unknown,
}
