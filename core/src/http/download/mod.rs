//! Downloads of stored videos: conditions, ranges, and the headers of the response.
//!
//! Invariant: nothing here accesses the bucket. [`Conditions`] says what to read first, and decides the
//! response once size, `ETag` and date are known.

mod condition;
mod disposition;
mod range;

pub use crate::base::content_disposition::DispositionType;
pub use condition::{Conditions, DownloadDecision, ObjectMeta, ReadPlan};
pub use disposition::{Disposition, cache_control, disposition_of, served_type};
pub use range::{ByteRange, RangeRequest};
