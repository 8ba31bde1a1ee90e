//! An attempt fetches of a long film what it shows, and shows the same as if it had all of it.

use std::path::{Path, PathBuf};
use std::process::Command;

use axum::body::Bytes;
use gpu_worker::render::{CancelFlag, OutputFiles, RenderRequest, render};
use reel_core::edit::{Edit, JobType};
use serde_json::{Value, json};

use crate::call_log::ScriptedReply;
use crate::test_backend::TestBackend;

/// A film of a minute and more than 64 MB, with B-frames, sound, and its index where `flags` put it.
fn long_film(folder: &Path, seconds: u32, flags: &[&str]) -> PathBuf {
    let (part, film) = (folder.join("part.mp4"), folder.join("film.mp4"));
    if !part.exists() {
        let picture = "testsrc2=s=640x360:r=30:d=8,noise=alls=50:allf=t";
        ffmpeg(
            &["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", "sine=440:d=8:sample_rate=48000"],
            &[
                "-c:v",
                "libx264",
                "-preset",
                "ultrafast",
                "-b:v",
                "12M",
                "-maxrate",
                "12M",
                "-bufsize",
                "6M",
                "-bf",
                "2",
                "-g",
                "60",
                "-pix_fmt",
                "yuv420p",
                "-c:a",
                "aac",
            ],
            &part,
        );
    }
    let loops = (seconds / 8).to_string();
    let input = ["-stream_loop", &loops, "-i", part.to_str().unwrap()];
    ffmpeg(&input, &[&["-c", "copy"], flags].concat(), &film);
    film
}

fn ffmpeg(input: &[&str], output: &[&str], file: &Path) -> Vec<u8> {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-y"]).args(input).args(output).arg(file);
    let run = ffmpeg.output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    run.stdout
}

/// Every decoded sample and pixel, in short.
fn content(video: &Path) -> Vec<u8> {
    ffmpeg(&["-i", video.to_str().unwrap()], &["-f", "md5"], Path::new("-"))
}

fn two_seconds(start: f64) -> Value {
    json!({"start_time": start, "end_time": start + 2.0, "output_width": 320, "output_height": 180,
        "crop_keyframes": [{"frame": 0, "x": 0, "y": 0, "width": 640, "height": 360}]})
}

/// A backend whose storage holds the film, and the body of a request for two seconds of it.
async fn backend_with(film: &[u8], start: f64) -> TestBackend {
    let backend = TestBackend::new().await;
    backend.log.put_input(film.to_vec());
    backend.log.grant("framing", two_seconds(start));
    backend.log.grant_more(json!({"input_version": {"etag": "\"v1\"", "bytes": film.len()}}));
    backend
}

/// The film that an attempt uploaded.
async fn rendered(backend: &TestBackend) -> Bytes {
    let id = backend.emulator.run(&backend.run_request()).await;
    let job = backend.emulator.wait_until_ended(&id).await;
    assert_eq!(job["output"]["status"], "success", "{job}");
    backend.log.calls().into_iter().find(|call| call.what == "put").unwrap().body
}

/// How many bytes were asked for.
fn requested_bytes(backend: &TestBackend) -> usize {
    let gets = backend.log.calls().into_iter().filter(|call| call.what == "get");
    let bytes = |range: &str| {
        let (start, end) = range.strip_prefix("bytes=").unwrap().split_once('-').unwrap();
        end.parse::<usize>().unwrap() + 1 - start.parse::<usize>().unwrap()
    };
    gets.map(|get| get.headers.get("range").map_or(usize::MAX, |range| bytes(range.to_str().unwrap()))).sum()
}

/// What a render of the whole film has in it.
fn expected(film: &Path, start: f64) -> Vec<u8> {
    let edit = Edit::parse(JobType::Framing, &two_seconds(start).to_string()).unwrap();
    let output = film.with_file_name("expected.mp4");
    let files = OutputFiles::only(&output);
    let request = RenderRequest::new(&edit, film, &files);
    render(&request, &mut |_| {}, &CancelFlag::default()).unwrap();
    content(&output)
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_shown_of_a_long_film_is_fetched() {
    let folder = tempfile::tempdir().unwrap();
    for flags in [&["-movflags", "+faststart"][..], &[], &["-movflags", "+faststart", "-f", "mov"]] {
        let film = long_film(folder.path(), 64, flags);
        let bytes = std::fs::read(&film).unwrap();
        assert!(bytes.len() > 64 << 20, "{} bytes", bytes.len());
        for start in [0.0, 31.7, 66.0] {
            let backend = backend_with(&bytes, start).await;
            let reel = rendered(&backend).await;
            let output = folder.path().join("reel.mp4");
            std::fs::write(&output, reel).unwrap();
            assert_eq!(content(&output), expected(&film, start), "{flags:?} from {start} s");
            let requested = requested_bytes(&backend);
            assert!(requested < 30 << 20, "{requested} of {} bytes, from {start} s", bytes.len());
            let first = &backend.log.calls().into_iter().find(|call| call.what == "get").unwrap();
            assert_eq!(first.headers["if-match"], "\"v1\"");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_excerpt_survives_what_a_download_survives() {
    let folder = tempfile::tempdir().unwrap();
    let film = long_film(folder.path(), 64, &[]);
    let bytes = std::fs::read(&film).unwrap();
    let wanted = expected(&film, 31.7);
    let output = folder.path().join("reel.mp4");

    let backend = backend_with(&bytes, 31.7).await;
    backend.log.reply("get", [ScriptedReply::Half, ScriptedReply::Status(503), ScriptedReply::Half]);
    std::fs::write(&output, rendered(&backend).await).unwrap();
    assert_eq!(content(&output), wanted, "after broken connections");

    // Storage that knows no ranges, at once or later.
    let backend = backend_with(&bytes, 31.7).await;
    backend.log.reply("get", [ScriptedReply::Whole]);
    std::fs::write(&output, rendered(&backend).await).unwrap();
    assert_eq!(content(&output), wanted, "without ranges");
    assert_eq!(backend.log.count("get"), 2);

    let backend = backend_with(&bytes, 31.7).await;
    backend.log.grant_more(json!({"input_version": {"etag": "\"v0\"", "bytes": bytes.len()}}));
    let id = backend.emulator.run(&backend.run_request()).await;
    assert_eq!(backend.emulator.wait_until_ended(&id).await["status"], "FAILED");
    assert_eq!(backend.log.bodies("error")[0]["error_code"], "input_changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn fragments_other_containers_and_most_of_a_film_are_fetched_whole() {
    let folder = tempfile::tempdir().unwrap();
    for flags in [&["-movflags", "frag_keyframe+empty_moov"][..], &["-f", "matroska"]] {
        let film = long_film(folder.path(), 64, flags);
        let bytes = std::fs::read(&film).unwrap();
        let backend = backend_with(&bytes, 31.7).await;
        let output = folder.path().join("reel.mp4");
        std::fs::write(&output, rendered(&backend).await).unwrap();
        assert_eq!(content(&output), expected(&film, 31.7), "{flags:?}");
        let calls = backend.log.calls();
        assert!(
            calls.iter().any(|call| call.what == "get" && !call.headers.contains_key("range")),
            "{flags:?}"
        );
    }
}

/// `cargo test -p gpu-worker --test serve -- --ignored game`: needs 4 GB of memory and of disk.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "makes a film of 1.6 GB"]
async fn eight_seconds_of_a_game_of_1_6_gb_take_less_than_60_mb() {
    let folder = tempfile::tempdir().unwrap();
    let film = long_film(folder.path(), 1064, &[]);
    let bytes = std::fs::read(&film).unwrap();
    let backend = backend_with(&bytes, 600.0).await;
    let mut params = two_seconds(600.0);
    params["end_time"] = json!(608.0);
    backend.log.grant("framing", params);
    rendered(&backend).await;
    let requested = requested_bytes(&backend);
    println!("{requested} of {} bytes in {} requests", bytes.len(), backend.log.count("get"));
    assert!(bytes.len() > 1_500_000_000 && requested < 60_000_000);
}
