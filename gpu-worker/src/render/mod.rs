//! From a video and an edit to a reel: probe, decode, composite, encode, all at the same time.
//!
//! Invariant: memory does not grow with the length of the clip, and the output has its name
//! only when it is whole.

mod error;
mod order;

pub use error::RenderError;
pub use order::{Cancel, Order, Progress, Rendered};

/// Renders one order and waits for it; call it on a thread of its own.
///
/// `progress` is called on this thread, a few times a second. After `cancel` is set, ffmpeg's
/// processes are gone within a second, and nothing is left on the disk.
pub fn render(
    _order: &Order<'_>,
    _progress: &mut dyn FnMut(Progress),
    _cancel: &Cancel,
) -> Result<Rendered, RenderError> {
    Err(RenderError::internal("rendering is not built yet"))
}
