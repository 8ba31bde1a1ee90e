//! What must be done, as data: the shell runs effects after the commit and reports back with an event.

use crate::base::time::Timestamp;
use crate::upload::event::{CallId, CallerId};
use crate::upload::{ConfirmedPart, Upload};

/// Something to do. Each has its own timeout in the shell, and each is safe to do twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadEffect {
    /// Ask the bucket which parts it has; answered by `PartsListed`.
    ListParts {
        /// Goes into the answer.
        call: CallId,
        /// Where the page begins; `None` for the first.
        marker: Option<u32>,
    },
    /// Look for the object at the upload's key; answered by `ObjectChecked`.
    CheckObject {
        /// Goes into the answer.
        call: CallId,
    },
    /// Make the bucket assemble the confirmed parts; answered by `CompleteReplied`.
    CompleteInBucket {
        /// Goes into the answer.
        call: CallId,
    },
    /// Make the bucket drop the parts; answered by `AbortReplied`.
    AbortInBucket {
        /// Goes into the answer.
        call: CallId,
    },
    /// Delete the object at the upload's key; answered by `ObjectDeleted`.
    DeleteObject {
        /// Goes into the answer.
        call: CallId,
    },
    /// Delete everything that is stored here; answered by `ForgetFailed`, or not at all.
    Forget,
}

/// What a caller is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadOutcome {
    /// It is done.
    Done(UploadDone),
    /// It is not.
    Refused(UploadRefusal),
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadDone {
    /// These parts may be sent.
    Signable {
        /// Which.
        part_numbers: Vec<u32>,
    },
    /// The parts are recorded.
    Confirmed,
    /// The upload may be shown.
    Shown,
    /// The video is in the bucket.
    Completed {
        /// Its entity tag.
        etag: String,
    },
    /// The upload is aborted.
    Aborted,
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadRefusal {
    /// It takes no parts: it is being completed.
    BeingCompleted,
    /// It takes no parts: it is complete.
    AlreadyComplete,
    /// It cannot be aborted: it is complete.
    CannotAbortComplete,
    /// It is aborted.
    Aborted,
    /// It cannot be completed yet.
    PartsMissing {
        /// How many.
        count: usize,
        /// The first of them: enough to act on.
        first: Vec<u32>,
    },
    /// The assembled object had another size than was declared, and was deleted.
    WrongSize {
        /// Its size.
        stored_bytes: u64,
    },
    /// The bucket has neither the parts nor the object.
    LostByStorage,
    /// The bucket has other parts than were confirmed.
    PartsDiffer,
    /// Confirmed parts got other etags too often.
    TooManyChanges,
    /// The bucket has not answered: it may be done or not.
    OutcomeUnknown,
}

/// The answer of [`apply`](crate::upload::step::apply): the new upload and what follows from it.
///
/// The shell writes `new_parts` and the record (when `persist`), and sets the alarm, all without a pause
/// in between. Then it sends `replies` and runs `effects`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Step {
    /// The upload afterwards.
    pub upload: Upload,
    /// Whether its record must be written.
    pub persist: bool,
    /// Parts to write: one row each.
    pub new_parts: Vec<ConfirmedPart>,
    /// When the alarm must be set to; `None` leaves it as it is.
    pub alarm: Option<Timestamp>,
    /// What to do.
    pub effects: Vec<UploadEffect>,
    /// Who is told what. Every caller is told once.
    pub replies: Vec<(CallerId, UploadOutcome)>,
}
