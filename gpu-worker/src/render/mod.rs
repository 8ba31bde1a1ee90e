//! From videos and an edit to a reel: probe, decode, composite, encode, all at the same time.
//!
//! Invariant: memory does not grow with the length or number of the clips, and the output has its name
//! only when it is whole. Every process that is started here is gone when [`render`] returns.

mod child;
mod compose;
mod decode;
mod effect;
mod ellipse;
mod encode;
mod error;
mod gauss;
mod join;
mod mask;
mod meter;
mod order;
mod picture;
mod pipeline;
mod poster;
mod rate;
mod reel;
mod scale;
mod sound;
mod source;
mod staging;
mod table;
mod timeline;
mod title;

pub use error::RenderError;
pub use order::{Cancel, Order, Progress, Rendered};

use child::Children;
use encode::Sound;
use reel::Reel;
use reel_core::edit::Edit;
use staging::Staging;

/// Renders one order and waits for it; call it on a thread of its own.
///
/// `progress` is called on this thread, a few times a second. After `cancel` is set, ffmpeg's
/// processes are gone within a second, and nothing is left on the disk.
pub fn render(
    order: &Order<'_>,
    progress: &mut dyn FnMut(Progress),
    cancel: &Cancel,
) -> Result<Rendered, RenderError> {
    let children = Children::default();
    let outcome = pipeline::watched(&children, cancel, || attempt(order, &children, progress, cancel));
    // Whatever a killed ffmpeg complained about, the cause is the cancel.
    if cancel.is_cancelled() { Err(RenderError::cancelled()) } else { outcome }
}

fn attempt(
    order: &Order<'_>,
    children: &Children,
    progress: &mut dyn FnMut(Progress),
    cancel: &Cancel,
) -> Result<Rendered, RenderError> {
    let reel = Reel::plan(order, children)?;
    let staging = Staging::beside(order.output)?;
    let job =
        pipeline::Job { edit: order.edit, reel: &reel, sound: sound(order.edit), output: staging.path() };
    let frames = pipeline::run(&job, children, progress, cancel)?;
    let length_s = reel.rate.seconds(exact(frames));
    let poster = order.poster.map(|poster| poster::make(staging.path(), poster, length_s, children));
    if cancel.is_cancelled() {
        return Err(RenderError::cancelled());
    }
    let bytes = staging.keep()?;
    let poster = poster.map(|made| made.and_then(Staging::keep));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a length in milliseconds")]
    let duration_ms = (length_s * 1000.0).round() as u64;
    Ok(Rendered { frames, duration_ms, bytes, width: reel.size.width, height: reel.size.height, poster })
}

/// The bit rates that the app gives its overlays and framings.
fn sound(edit: &Edit) -> Option<Sound> {
    match edit {
        Edit::Overlay(_) | Edit::Annotate(_) => Some(Sound { kilobits: 192 }),
        Edit::Framing(framing) => framing.include_audio.then_some(Sound { kilobits: 256 }),
    }
}

/// A count of frames as a number to reckon with; reels are far shorter than 2^53 frames.
fn exact(frames: u64) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "far below 2^53")]
    {
        frames as f64
    }
}
