//! What the Worker asks its objects, and what they answer. Internal: both sides are always one release,
//! and none of this is stored.

pub mod upload;
