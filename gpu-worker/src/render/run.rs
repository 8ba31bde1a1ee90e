//! One render from request to finished files.

use super::atomic_file::AtomicFile;
use super::plan::RenderPlan;
use super::{CancelFlag, Progress, RenderError, RenderOutput, RenderRequest, pipeline, poster};
use crate::ffmpeg::finished::FinishedVideo;
use crate::ffmpeg::process::ProcessGroup;

/// Renders one request and waits for it; call it on a thread of its own.
///
/// `progress` is called on this thread, a few times a second. After `cancel` is set, ffmpeg's
/// processes are gone within a second, and nothing is left on the disk.
pub fn render(
    request: &RenderRequest<'_>,
    progress: &mut dyn FnMut(Progress),
    cancel: &CancelFlag,
) -> Result<RenderOutput, RenderError> {
    let processes = ProcessGroup::default();
    let result = pipeline::with_cancel_watch(&processes, cancel, || {
        render_files(request, &processes, progress, cancel)
    });
    // Whatever error a killed ffmpeg caused, the reason is the cancellation.
    if cancel.is_cancelled() { Err(RenderError::cancelled()) } else { result }
}

fn render_files(
    request: &RenderRequest<'_>,
    processes: &ProcessGroup,
    progress: &mut dyn FnMut(Progress),
    cancel: &CancelFlag,
) -> Result<RenderOutput, RenderError> {
    let plan = RenderPlan::new(request, processes)?;
    let output = AtomicFile::create(request.output)?;
    let frames = pipeline::run(request.edit, &plan, output.path(), processes, progress, cancel)?;
    let length_s = plan.rate.duration_s(frames);
    let poster = request.poster.map(|poster| poster::make(output.path(), poster, length_s, processes));
    if cancel.is_cancelled() {
        return Err(RenderError::cancelled());
    }
    let made = FinishedVideo::read(output.path(), processes)?;
    let bytes = output.commit()?;
    let poster = poster.map(|made| made.and_then(AtomicFile::commit));
    let FinishedVideo { width, height, rate, frames, duration_ms } = made;
    Ok(RenderOutput { frames, fps: rate.fps(), duration_ms, bytes, width, height, poster })
}
