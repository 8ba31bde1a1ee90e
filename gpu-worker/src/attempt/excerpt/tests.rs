#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::Path;
use std::process::Command;

use super::*;

/// A film made by ffmpeg, and its index.
fn film(folder: &Path, args: &[&str]) -> (Vec<u8>, Vec<u8>) {
    let file = folder.join("film.mp4");
    let mut ffmpeg = Command::new("ffmpeg");
    let picture = "testsrc=s=128x64:r=30:d=20";
    ffmpeg.args(["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", picture]);
    ffmpeg.args(["-f", "lavfi", "-i", "sine=440:d=20:sample_rate=48000", "-pix_fmt", "yuv420p"]);
    assert!(ffmpeg.args(args).arg(&file).status().unwrap().success());
    let bytes = std::fs::read(&file).unwrap();
    let moov = boxes::children(&bytes).find(|(name, _)| name == b"moov").unwrap().1.to_vec();
    (bytes, moov)
}

/// Time, place and size of each packet, as ffprobe finds them.
fn packets(folder: &Path) -> Vec<(f64, Range<u64>)> {
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args(["-v", "error", "-show_entries", "packet=pts_time,pos,size", "-of", "csv=p=0"]);
    let run = ffprobe.arg(folder.join("film.mp4")).output().unwrap();
    let text = String::from_utf8(run.stdout).unwrap();
    let packet = |line: &str| {
        let mut fields = line.split(',');
        let time = fields.next().unwrap().parse().unwrap();
        let size: u64 = fields.next().unwrap().parse().unwrap();
        let place = fields.next().unwrap().parse().unwrap();
        (time, place..place + size)
    };
    // ffprobe leaves empty lines where a packet has side data.
    text.lines().filter(|line| line.len() > 2).map(packet).collect()
}

#[test]
fn every_packet_of_a_stretch_is_named_and_few_others() {
    const H264: [&str; 8] = ["-c:v", "libx264", "-g", "45", "-bf", "3", "-c:a", "aac"];
    let layouts: [&[&str]; 5] = [
        &["-f", "mp4"],
        &["-f", "mov", "-c:a", "pcm_s16le"],
        &["-f", "mp4", "-output_ts_offset", "0.7"],
        &["-f", "mp4", "-movflags", "+faststart", "-an"],
        &["-f", "mp4", "-c:v", "mjpeg", "-bf", "0"],
    ];
    for layout in layouts {
        let folder = tempfile::tempdir().unwrap();
        let (bytes, moov) = film(folder.path(), &[&H264[..], layout].concat());
        let index = FilmIndex::parse(&moov).unwrap();
        for (from, to) in [(0.0, 1.0), (9.0, 11.5), (17.0, f64::INFINITY), (-3.0, 2.0)] {
            let ranges = merged(index.byte_ranges(from..to).unwrap(), bytes.len() as u64);
            let is_named = |packet: &Range<u64>| {
                ranges.iter().any(|range| range.start <= packet.start && packet.end <= range.end)
            };
            for (time, packet) in packets(folder.path()) {
                let within = time >= from && time <= to;
                assert!(!within || is_named(&packet), "{layout:?} {from} to {to}: {time} at {packet:?}");
            }
        }
        let all: u64 =
            index.byte_ranges(0.0..30.0).unwrap().iter().map(|range| range.end - range.start).sum();
        let some: u64 =
            index.byte_ranges(9.0..11.0).unwrap().iter().map(|range| range.end - range.start).sum();
        assert!(some < all / 3, "{layout:?}: {some} of {all}");
    }
}

#[test]
fn an_index_that_does_not_name_everything_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (_, moov) = film(folder.path(), &["-c:v", "libx264", "-c:a", "aac"]);
    assert!(FilmIndex::parse(&moov).is_some());
    let renamed = |name: &[u8; 4]| {
        let mut moov = moov.clone();
        let place = moov.windows(4).position(|window| window == name).unwrap();
        moov[place..place + 4].copy_from_slice(b"none");
        moov
    };
    for name in [b"mvhd", b"stsz", b"stts", b"stsc", b"stco", b"mdhd", b"hdlr"] {
        assert!(FilmIndex::parse(&renamed(name)).is_none(), "{}", String::from_utf8_lossy(name));
    }
    let (_, fragmented) = film(folder.path(), &["-c:v", "libx264", "-movflags", "frag_keyframe+empty_moov"]);
    assert!(FilmIndex::parse(&fragmented).is_none());
}

#[test]
fn no_index_can_do_harm() {
    let folder = tempfile::tempdir().unwrap();
    let (_, moov) = film(folder.path(), &["-c:v", "libx264", "-bf", "2", "-c:a", "aac"]);
    let mut random = fastrand::Rng::with_seed(16);
    for _ in 0..3000 {
        let mut moov = moov.clone();
        for _ in 0..random.usize(1..6) {
            let place = random.usize(..moov.len());
            moov[place] = if random.bool() { random.u8(..) } else { 0xFF };
        }
        moov.truncate(random.usize(moov.len() / 2..moov.len() * 2));
        if let Some(index) = FilmIndex::parse(&moov)
            && let Some(parts) = parts(&index, &[3.0..5.0, 9.0..f64::INFINITY], 1 << 30)
        {
            assert!(parts.iter().all(|part| part.start < part.end && part.end <= 1 << 30));
        }
    }
}

#[test]
fn parts_that_are_close_to_each_other_are_one_request() {
    let merged =
        merged(vec![90 << 20..91 << 20, 0..100, 50..200, 300..400, 95 << 20..200 << 20, 7..7], 100 << 20);
    assert_eq!(merged, [0..400, 90 << 20..91 << 20, 95 << 20..100 << 20]);
}
