//! How renders end: cancelled, killed, refused; never with something left behind.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use gpu_worker::render::{Cancel, Order, render};
use reel_core::edit::{Edit, JobKind};
use reel_core::job::code::ErrorCode;

use crate::studio::{Studio, processes_at, sample};

const BLUR: &str = r#"{"highlight_regions":[{"start_frame":0,"end_frame":9000,"x":500,"y":300,"radius_x":90,
    "radius_y":150}]}"#;

/// A minute of film that takes far longer to render than any of these tests.
fn long_film(studio: &Studio) -> std::path::PathBuf {
    let sample = sample();
    let sample = sample.to_str().expect("text");
    studio.film("long.mp4", &["-stream_loop", "20", "-i", sample, "-c", "copy"])
}

#[test]
fn a_cancel_ends_the_render_and_its_processes_within_a_second() {
    let studio = Studio::open();
    let film = long_film(&studio);
    let edit = Edit::parse(JobKind::Overlay, BLUR).expect("valid params");
    let output = studio.path("reel.mp4");
    let order = Order { edit: &edit, input: &film, named: &[], output: &output, poster: None };
    let cancel = Cancel::default();
    let mut asked = None;
    let result = render(
        &order,
        &mut |progress| {
            if progress.frames_done > 0 && asked.is_none() {
                asked = Some(Instant::now());
                cancel.cancel();
            }
        },
        &cancel,
    );
    let took = asked.expect("some progress").elapsed();
    assert_eq!(result.expect_err("cancelled").code, ErrorCode::Cancelled);
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(processes_at(&film), Vec::<String>::new());
    assert_eq!(studio.files(), ["long.mp4"]);
}

#[test]
fn a_killed_program_takes_ffmpeg_with_it_and_leaves_no_file() {
    let studio = Studio::open();
    let film = long_film(&studio);
    let job = studio.path("job.json");
    std::fs::write(&job, format!(r#"{{"type":"overlay","params":{BLUR}}}"#)).expect("written");
    let mut program = Command::new(env!("CARGO_BIN_EXE_gpu-worker"));
    program.arg("render").arg(&job).arg("--in").arg(&film).arg("--out").arg(studio.path("reel.mp4"));
    let mut program = program.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("started");
    // The program itself, its decoder and its encoder.
    until(|| processes_at(&film).len() >= 3);
    program.kill().expect("killed");
    program.wait().expect("reaped");
    until(|| processes_at(&film).is_empty());
    assert_eq!(studio.files(), ["job.json", "long.mp4"]);
}

#[test]
fn the_command_tells_by_its_exit_code_who_is_at_fault() {
    let studio = Studio::open();
    let run = |job: &str, input: &std::path::Path| {
        std::fs::write(studio.path("job.json"), job).expect("written");
        let mut program = Command::new(env!("CARGO_BIN_EXE_gpu-worker"));
        program.arg("render").arg(studio.path("job.json")).arg("--in").arg(input);
        let output = program.arg("--out").arg(studio.path("reel.mp4")).output().expect("started");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let film = studio.numbered(10, 25);
    let (code, text) = run(r#"{"type":"overlay","params":{"effect_type":"spotligth","blurr":1}}"#, &film);
    assert_eq!(code, Some(3), "{text}");
    assert!(
        text.contains("/params/effect_type must be one of") && text.contains("did you mean \"spotlight\"?"),
        "{text}"
    );
    assert!(text.contains("/params/blurr is not a known field"), "{text}");
    let (code, text) = run("{", &film);
    assert_eq!((code, text.contains("not JSON")), (Some(3), true), "{text}");
    let (code, text) = run(r#"{"type":"overlay","params":{}}"#, &studio.path("job.json"));
    assert_eq!((code, text.contains("not a video")), (Some(3), true), "{text}");
    let whole = r#"{"project_id":1,"type":"overlay","input_video_key":"input/x/y.mp4","params":{}}"#;
    let (code, text) = run(whole, &film);
    assert_eq!(code, Some(0), "{text}");
    assert!(studio.path("reel.mp4").is_file());
}

/// Waits for a condition; a minute is the end of patience on a busy machine.
fn until(condition: impl Fn() -> bool) {
    let patience = Instant::now() + Duration::from_mins(1);
    while !condition() {
        assert!(Instant::now() < patience, "it never came true");
        std::thread::sleep(Duration::from_millis(20));
    }
}
