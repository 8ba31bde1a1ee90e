//! One render through the library, with an end to patience.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use gpu_worker::render::{CancelFlag, OutputFiles, RenderError, RenderRequest, RenderedVideo, render};
use reel_core::base::object_key::ObjectKey;
use reel_core::edit::{Edit, JobType};
use serde_json::Value;

/// Far more than any film here needs; a render that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(40);

pub struct Rendered {
    pub result: Result<RenderedVideo, RenderError>,
    pub took_s: f64,
    /// It was stopped because it did not end.
    pub hung: bool,
}

/// Renders `input` into `output`. Clips name the others by the key `input/x/{file name}`.
pub fn render_film(
    job_type: JobType,
    params: &Value,
    input: &Path,
    others: &[PathBuf],
    output: &Path,
) -> Rendered {
    let edit = Edit::parse(job_type, &params.to_string()).expect("valid params");
    let key = |path: &Path| format!("input/x/{}", path.file_name().expect("a name").to_string_lossy());
    let by_key: Vec<(ObjectKey, PathBuf)> = others
        .iter()
        .map(|path| (ObjectKey::parse_input(&key(path)).expect("a key"), path.clone()))
        .collect();
    let output = OutputFiles::only(output);
    let request = RenderRequest { inputs_by_key: &by_key, ..RenderRequest::new(&edit, input, &output) };
    let begun = Instant::now();
    let cancel = CancelFlag::default();
    let (ended, end) = mpsc::channel::<()>();
    let result = std::thread::scope(|scope| {
        let watchdog = cancel.clone();
        scope.spawn(move || {
            // The other side is dropped when the render ends.
            if end.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                watchdog.cancel();
            }
        });
        let result = render(&request, &mut |_| {}, &cancel).map(|output| output.main);
        drop(ended);
        result
    });
    Rendered { result, took_s: begun.elapsed().as_secs_f64(), hung: cancel.is_cancelled() }
}
