//! One render from request to finished files.

use super::atomic_file::AtomicFile;
use super::plan::RenderPlan;
use super::{
    CancelFlag, OutputFiles, Progress, RenderError, RenderOutput, RenderRequest, RenderedVideo, filmstrip,
    pipeline, poster,
};
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
    let targets: Vec<&OutputFiles> = std::iter::once(request.output).chain(request.renditions).collect();
    if targets.len() != plan.outputs.len() {
        return Err(RenderError::machine("An output of the edit has no file; this is a bug."));
    }
    let files: Vec<AtomicFile<'_>> =
        targets.iter().map(|target| AtomicFile::create(&target.video)).collect::<Result<_, _>>()?;
    let paths: Vec<_> = files.iter().map(AtomicFile::path).collect();
    let frames = pipeline::run(request.edit, &plan, &paths, processes, progress, cancel)?;
    let length_s = plan.rate.duration_s(frames);
    let mut made = Vec::with_capacity(files.len());
    for (file, target) in files.iter().zip(&targets) {
        let poster = target.poster.as_deref();
        let poster = poster.map(|poster| poster::make(file.path(), poster, length_s, processes));
        made.push((FinishedVideo::read(file.path(), processes)?, poster));
    }
    let sheet = match (request.filmstrip, files.first(), made.first()) {
        (Some(sheet), Some(main), Some((video, _))) => {
            Some(filmstrip::make(main.path(), video, sheet, processes))
        }
        _ => None,
    };
    if cancel.is_cancelled() {
        return Err(RenderError::cancelled());
    }
    let mut videos = Vec::with_capacity(files.len());
    for (file, (video, poster)) in files.into_iter().zip(made) {
        videos.push(named(file, video, poster)?);
    }
    let filmstrip = sheet.map(|sheet| sheet.and_then(|(file, layout)| file.commit().map(|_bytes| layout)));
    let mut videos = videos.into_iter();
    let Some(main) = videos.next() else {
        return Err(RenderError::machine("The render has no output; this is a bug."));
    };
    Ok(RenderOutput { main, renditions: videos.collect(), filmstrip })
}

/// Gives an output and its poster their names.
fn named(
    file: AtomicFile<'_>,
    video: FinishedVideo,
    poster: Option<Result<AtomicFile<'_>, RenderError>>,
) -> Result<RenderedVideo, RenderError> {
    let bytes = file.commit()?;
    let poster = poster.map(|made| made.and_then(AtomicFile::commit));
    let FinishedVideo { width, height, rate, frames, duration_ms } = video;
    Ok(RenderedVideo { frames, fps: rate.fps(), duration_ms, bytes, width, height, poster })
}
