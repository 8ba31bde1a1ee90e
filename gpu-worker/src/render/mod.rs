//! From source videos and an edit to an output video: probe, decode, composite, encode, all at the same
//! time.
//!
//! Invariant: memory does not grow with the length or number of the clips, and the output gets its name
//! only when it is complete. Every process that is started here is gone when [`render`] returns.

mod atomic_file;
mod audio;
mod compositor;
mod decoder;
mod encoder;
mod error;
mod filmstrip;
mod mixer;
mod outputs;
mod pipeline;
mod plan;
mod poster;
mod progress;
mod request;
mod run;
mod sampler;
mod slow_motion;
mod timeline;
mod title;

pub use error::RenderError;
pub use request::{CancelFlag, OutputFiles, Progress, RenderOutput, RenderRequest, RenderedVideo};
pub use run::render;
