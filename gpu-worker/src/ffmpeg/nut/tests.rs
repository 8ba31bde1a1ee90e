use std::process::Command;

use super::*;

/// Four grey frames of 16x16, at the times of `setpts`, as ffmpeg writes them.
fn written_by_ffmpeg(setpts: &str, options: &[&str]) -> Vec<u8> {
    let source = format!("color=gray:s=16x16:r=30,settb=1/90000,setpts={setpts},format=gray");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-nostdin", "-v", "error", "-copyts", "-f", "lavfi", "-i", &source, "-frames:v", "4"]);
    ffmpeg.args(["-fps_mode", "passthrough", "-enc_time_base", "1:90000", "-c:v", "rawvideo"]);
    ffmpeg.args(["-avoid_negative_ts", "disabled", "-f", "nut"]).args(options).arg("pipe:1");
    let output = ffmpeg.output().expect("ffmpeg is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

const NO_SYNCPOINTS: &[&str] = &["-strict", "experimental", "-syncpoints", "none", "-write_index", "0"];

fn times(bytes: &[u8]) -> Result<Vec<i64>, NutError> {
    let mut reader = NutReader::open(bytes)?;
    let mut frame = [0; 256];
    let mut times = Vec::new();
    while let Some(time) = reader.next_frame(&mut frame)? {
        times.push(time);
    }
    Ok(times)
}

#[test]
fn the_times_of_frames_come_through_with_and_without_syncpoints() {
    let uneven = "'90000*(5+N*N)'";
    for options in [NO_SYNCPOINTS, &[]] {
        let bytes = written_by_ffmpeg(uneven, options);
        let read = times(&bytes).expect("times");
        assert_eq!(read, [5_000_000, 6_000_000, 9_000_000, 14_000_000], "{options:?}");
    }
    let late = written_by_ffmpeg("'90000*95448+N*3003'", NO_SYNCPOINTS);
    assert_eq!(
        times(&late).expect("times"),
        [95_448_000_000, 95_448_033_367, 95_448_066_733, 95_448_100_100]
    );
}

#[test]
fn the_bytes_of_a_frame_come_through() {
    let bytes = written_by_ffmpeg("PTS", NO_SYNCPOINTS);
    let mut reader = NutReader::open(bytes.as_slice()).expect("a header");
    let mut frame = [0; 256];
    reader.next_frame(&mut frame).expect("a frame");
    assert!(frame.iter().all(|byte| (120..136).contains(byte)), "{frame:?}");
}

#[test]
fn a_frame_of_another_size_is_an_error() {
    let bytes = written_by_ffmpeg("PTS", NO_SYNCPOINTS);
    let mut reader = NutReader::open(bytes.as_slice()).expect("a header");
    let error = reader.next_frame(&mut [0; 255]).expect_err("another size");
    assert!(matches!(error, NutError::FrameSize { expected: 255, found: 256 }), "{error}");
}

#[test]
fn a_stream_may_end_anywhere() {
    let bytes = written_by_ffmpeg("PTS", NO_SYNCPOINTS);
    for length in 0..bytes.len() {
        match times(&bytes[..length]) {
            Ok(times) => assert!(times.len() < 4, "cut at {length}"),
            Err(error) => assert!(matches!(error, NutError::Truncated), "cut at {length}: {error}"),
        }
    }
}

#[test]
fn no_garbage_makes_it_panic() {
    let whole = written_by_ffmpeg("PTS", &[]);
    let mut random = fastrand::Rng::with_seed(16);
    for _ in 0..20_000 {
        let mut bytes = whole.clone();
        for _ in 0..random.usize(1..8) {
            let at = random.usize(0..bytes.len().min(600));
            if let Some(byte) = bytes.get_mut(at) {
                *byte = random.u8(..);
            }
        }
        let _ = times(&bytes);
    }
}

#[test]
fn signed_numbers_alternate() {
    assert_eq!([0, 1, 2, 3, 4].map(signed), [0, 1, -1, 2, -2]);
}
