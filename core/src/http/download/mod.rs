//! Downloads: what a request for a stored video asks for, and what it is answered with.
//!
//! Invariant: nothing here knows the bucket. [`Conditions`] says what to look at first, and decides
//! once size, tag and date are known.

mod condition;
mod disposition;
mod range;

pub use crate::base::content_disposition::DispositionType;
pub use condition::{Conditions, DownloadDecision, ObjectMeta, ReadPlan};
pub use disposition::{Disposition, cache_control, served_type};
pub use range::{ByteRange, RangeRequest};
