//! How renders end: cancelled, killed, refused; never with a file or process left.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use gpu_worker::render::{CancelFlag, OutputFiles, RenderRequest, render};
use reel_core::edit::{Edit, JobType};
use reel_core::job::error_code::ErrorCode;

use crate::test_videos::{TestVideos, processes_at, sample};

const BLUR: &str = r#"{"highlight_regions":[{"start_frame":0,"end_frame":9000,"x":500,"y":300,"radius_x":90,
    "radius_y":150}]}"#;

/// A minute of video that takes far longer to render than any of these tests.
fn long_video(videos: &TestVideos) -> std::path::PathBuf {
    let sample = sample();
    let sample = sample.to_str().expect("text");
    videos.make_video("long.mp4", &["-stream_loop", "20", "-i", sample, "-c", "copy"])
}

#[test]
fn a_cancel_ends_the_render_and_its_processes_within_a_second() {
    let videos = TestVideos::new();
    let video = long_video(&videos);
    let edit = Edit::parse(JobType::Overlay, BLUR).expect("valid params");
    let output = OutputFiles::only(videos.path("reel.mp4"));
    let request = RenderRequest::new(&edit, &video, &output);
    let cancel = CancelFlag::default();
    let mut cancelled_at = None;
    let result = render(
        &request,
        &mut |progress| {
            if progress.frames_done > 0 && cancelled_at.is_none() {
                cancelled_at = Some(Instant::now());
                cancel.cancel();
            }
        },
        &cancel,
    );
    let took = cancelled_at.expect("some progress").elapsed();
    assert_eq!(result.expect_err("cancelled").code, ErrorCode::Cancelled);
    assert!(took < Duration::from_secs(1), "{took:?}");
    assert_eq!(processes_at(&video), Vec::<String>::new());
    assert_eq!(videos.files(), ["long.mp4"]);
}

#[test]
fn a_killed_program_takes_ffmpeg_with_it_and_leaves_no_file() {
    let videos = TestVideos::new();
    let video = long_video(&videos);
    let job = videos.path("job.json");
    std::fs::write(&job, format!(r#"{{"type":"overlay","params":{BLUR}}}"#)).expect("written");
    let mut program = Command::new(env!("CARGO_BIN_EXE_gpu-worker"));
    program.arg("render").arg(&job).arg("--in").arg(&video).arg("--out").arg(videos.path("reel.mp4"));
    let mut program = program.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("started");
    // The program itself, its decoder and its encoder.
    wait_until(|| processes_at(&video).len() >= 3);
    program.kill().expect("killed");
    program.wait().expect("reaped");
    wait_until(|| processes_at(&video).is_empty());
    assert_eq!(videos.files(), ["job.json", "long.mp4"]);
}

/// A dissolve between two long clips: two decoders and an encoder work at the same time.
fn reel_job(videos: &TestVideos, video: &std::path::Path) -> Command {
    let job = videos.path("job.json");
    let crop = r#"[{"frame":0,"x":100,"y":0,"width":405,"height":720}]"#;
    let clip = |start: f64| {
        format!(r#"{{"crop_keyframes":{crop},"start_time":{start},"end_time":{}}}"#, start + 8.0)
    };
    let clips = [clip(0.0), clip(20.0), clip(40.0)].join(",");
    let params = format!(r#"{{"clips":[{clips}],"transition":{{"type":"dissolve","duration":4}}}}"#);
    std::fs::write(&job, format!(r#"{{"type":"framing","params":{params}}}"#)).expect("written");
    let mut program = Command::new(env!("CARGO_BIN_EXE_gpu-worker"));
    program.arg("render").arg(&job).arg("--in").arg(video).arg("--out").arg(videos.path("reel.mp4"));
    program.stdout(Stdio::null()).stderr(Stdio::null());
    program
}

#[test]
fn killed_at_any_moment_it_leaves_no_process_and_no_file() {
    let videos = TestVideos::new();
    let video = long_video(&videos);
    for signal in ["KILL", "TERM", "INT", "KILL", "TERM", "KILL"] {
        let mut program = reel_job(&videos, &video).spawn().expect("started");
        // Any moment will do, from before the first process to the middle of a dissolve.
        let moment = Duration::from_millis(fastrand::u64(0..2500));
        std::thread::sleep(moment);
        let pid = program.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().expect("kill").success());
        program.wait().expect("reaped");
        wait_until(|| processes_at(&video).is_empty());
        assert_eq!(videos.files(), ["job.json", "long.mp4"], "{signal} after {moment:?}");
    }
}

#[test]
fn killed_between_two_clips_both_decoders_go() {
    let videos = TestVideos::new();
    let video = long_video(&videos);
    let mut program = reel_job(&videos, &video).spawn().expect("started");
    // The program itself, two decoders and the encoder.
    wait_until(|| processes_at(&video).len() >= 4);
    program.kill().expect("killed");
    program.wait().expect("reaped");
    wait_until(|| processes_at(&video).is_empty());
    assert_eq!(videos.files(), ["job.json", "long.mp4"]);
}

/// An `ffmpeg` that lists NVENC, logs its arguments, and runs `nvenc` when they name NVENC.
fn renders_with(nvenc: &str, listed: &str) -> String {
    let videos = TestVideos::new();
    let video = videos.numbered(10, 25);
    let folder = videos.path("bin");
    std::fs::create_dir(&folder).expect("a folder");
    let real = std::env::var("PATH").expect("a PATH");
    let script = format!(
        r#"#!/bin/sh
echo "$*" >> '{log}'
PATH='{real}'
case "$*" in
*-encoders*) echo ' V....D {listed}           H.264'; exit 0;;
*h264_nvenc*) {nvenc};;
esac
exec ffmpeg "$@"
"#,
        log = videos.path("log").display()
    );
    let tool = folder.join("ffmpeg");
    std::fs::write(&tool, script).expect("written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&tool, mode).expect("a mode");
    std::fs::write(videos.path("job.json"), r#"{"type":"overlay","params":{}}"#).expect("written");
    let mut program = Command::new(env!("CARGO_BIN_EXE_gpu-worker"));
    program.env("PATH", format!("{}:{real}", folder.display()));
    program.arg("render").arg(videos.path("job.json")).arg("--in").arg(&video);
    let output = program.arg("--out").arg(videos.path("reel.mp4")).output().expect("started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(videos.numbers(), (0..10).collect::<Vec<_>>());
    std::fs::read_to_string(videos.path("log")).expect("a log")
}

#[test]
fn nvenc_is_used_only_where_it_is_listed_and_works() {
    let reel = |log: &str, codec: &str| {
        log.lines().any(|line| line.contains("rawvideo -pix_fmt yuv420p -s") && line.contains(codec))
    };
    let trial = |log: &str| log.lines().any(|l| l.contains("color=black") && l.contains("h264_nvenc"));
    let broken = renders_with("echo 'Cannot load libcuda.so.1' >&2; exit 1", "h264_nvenc");
    assert!(trial(&broken) && reel(&broken, "libx264") && !reel(&broken, "h264_nvenc"), "{broken}");
    let absent = renders_with("exit 1", "libx264");
    assert!(!trial(&absent) && reel(&absent, "libx264"), "{absent}");
    // Its options are not libx264's, so the stand-in translates them.
    let translate = r#"for word; do shift; case "$word" in
        h264_nvenc) set -- "$@" libx264;; p4) set -- "$@" ultrafast;; -rc) set -- "$@" -g;; vbr) set -- "$@" 12;;
        -cq) set -- "$@" -crf;; -b:v) set -- "$@" -bf;; *) set -- "$@" "$word";; esac; done"#;
    let works = renders_with(translate, "h264_nvenc");
    assert!(trial(&works) && reel(&works, "h264_nvenc") && !reel(&works, "libx264"), "{works}");
}

#[test]
fn the_exit_code_tells_invalid_jobs_and_videos_apart_from_success() {
    let videos = TestVideos::new();
    let run = |job: &str, input: &std::path::Path| {
        std::fs::write(videos.path("job.json"), job).expect("written");
        let mut program = Command::new(env!("CARGO_BIN_EXE_gpu-worker"));
        program.arg("render").arg(videos.path("job.json")).arg("--in").arg(input);
        let output = program.arg("--out").arg(videos.path("reel.mp4")).output().expect("started");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let video = videos.numbered(10, 25);
    let (code, text) = run(r#"{"type":"overlay","params":{"effect_type":"spotligth","blurr":1}}"#, &video);
    assert_eq!(code, Some(3), "{text}");
    assert!(
        text.contains("/params/effect_type must be one of") && text.contains("did you mean \"spotlight\"?"),
        "{text}"
    );
    assert!(text.contains("/params/blurr is not a known field"), "{text}");
    let (code, text) = run("{", &video);
    assert_eq!((code, text.contains("not JSON")), (Some(3), true), "{text}");
    let (code, text) = run(r#"{"type":"overlay","params":{}}"#, &videos.path("job.json"));
    assert_eq!((code, text.contains("not a video")), (Some(3), true), "{text}");
    let whole = r#"{"project_id":1,"type":"overlay","input_video_key":"input/x/y.mp4","params":{}}"#;
    let (code, text) = run(whole, &video);
    assert_eq!(code, Some(0), "{text}");
    assert!(videos.path("reel.mp4").is_file());
}

/// Waits for a condition, at most a minute.
fn wait_until(condition: impl Fn() -> bool) {
    let give_up_at = Instant::now() + Duration::from_mins(1);
    while !condition() {
        assert!(Instant::now() < give_up_at, "timed out");
        std::thread::sleep(Duration::from_millis(20));
    }
}
