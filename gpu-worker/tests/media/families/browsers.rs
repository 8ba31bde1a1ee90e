//! What `MediaRecorder` and muxers in web pages leave: no length, no index, fragments, headers that are wrong.

use crate::film_folder::{AAC, BT709, FilmFolder, H264, LONG, PLAIN, TO_BT709, copy, piped, words};
use crate::kind::Family::Browsers;
use crate::kind::{Kind, Request, kind, reel};
use crate::patch::{patched, set_media_length, set_movie_length, track_box};

const VP8: &[&str] = &["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "-8", "-b:v", "2M"];
const VP9: &[&str] = &["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M"];
const OPUS: &[&str] = &["-c:a", "libopus", "-ar", "48000"];
const LIVE: &[&str] = &["-f", "webm", "-live", "1"];
const FRAGMENTS: &str = "frag_keyframe+empty_moov+default_base_moof";

/// Encodes to a pipe, as a browser writes.
fn record(
    films: &FilmFolder,
    master: crate::film_folder::Master,
    filters: &str,
    codecs: &[&[&str]],
    out: &std::path::Path,
) {
    let mut input = films.master(master);
    input.extend(words(&["-map", "0:v", "-map", "1:a", "-ac", "2", "-vf"]));
    input.push(format!("{filters},{TO_BT709}"));
    input.extend(words(&["-fps_mode", "passthrough"]));
    piped(&input, &codecs.concat(), out);
}

fn live_vp8(films: &FilmFolder, out: &std::path::Path) {
    // Every 13th frame is lost, and stamps tremble.
    let filters = "settb=1/1000,setpts='PTS+mod(N*5,8)',select='not(eq(mod(n,13),7))'";
    record(films, PLAIN, filters, &[VP8, OPUS, LIVE], out);
}

pub fn kinds() -> Vec<Kind> {
    let mut kinds = recordings();
    kinds.extend(fragments());
    kinds.extend(lying_headers());
    kinds
}

fn recordings() -> Vec<Kind> {
    vec![
        kind(Browsers, "recorder-vp8", "recorder-vp8.webm", live_vp8)
            .imitates("MediaRecorder: no length, no index, lost frames, stamps that tremble")
            .pictures(83)
            .whole(reel(30.0, 90).about().uneven(3))
            .trimmed(reel(30.0, 45).about().uneven(3))
            .core(),
        kind(Browsers, "recorder-falls-behind", "recorder-behind.webm", |films, out| {
            record(films, LONG, "select='lt(t,5)+not(mod(n,2))'", &[VP8, OPUS, LIVE], out);
        })
        .imitates("the same, 8 s, that falls behind after 5 s")
        .pictures(195)
        .length(8.0)
        .whole(reel(30.0, 240).about())
        .trimmed(reel(30.0, 45).about()),
        kind(Browsers, "recorder-vp9", "recorder-vp9.webm", |films, out| {
            record(films, PLAIN, "settb=1/1000", &[VP9, OPUS, LIVE], out);
        })
        .imitates("MediaRecorder with VP9, whole")
        .whole(reel(30.0, 90).about()),
        kind(Browsers, "recorder-h264-mkv", "recorder-h264.mkv", |films, out| {
            let live: &[&str] = &["-f", "matroska", "-live", "1"];
            record(films, PLAIN, "select='not(eq(mod(n,20),9))'", &[H264, BT709, OPUS, live], out);
        })
        .imitates("MediaRecorder of Chrome with H.264 in Matroska, lost frames")
        .pictures(85)
        .whole(reel(30.0, 90).about()),
        kind(Browsers, "recorder-silent", "recorder-silent.webm", |films, out| {
            let mut input = films.master(PLAIN);
            input.extend(words(&["-map", "0:v", "-vf", TO_BT709]));
            piped(&input, &[VP8, LIVE].concat(), out);
        })
        .imitates("a recording of a canvas, without sound")
        .streams("v:0", "")
        .whole(reel(30.0, 90).about().silent()),
        kind(Browsers, "recorder-in-reel", "recorder-vp8.webm", live_vp8)
            .imitates("a film without a length as a clip of a reel")
            .pictures(83)
            .ask(
                Request::Clips(&["recorder-vp8.webm", "plain.mp4"]),
                reel(30.0, 180).within(2, 0.1).uneven(3),
            ),
    ]
}

fn fragments() -> Vec<Kind> {
    vec![
        kind(Browsers, "fragments", "fragments.mp4", |films, out| {
            films.h264(PLAIN, "", &["-movflags", FRAGMENTS, "-g", "30"], out);
        })
        .imitates("MediaRecorder's MP4: fragments of a second")
        .whole(reel(30.0, 90).about())
        .trimmed(reel(30.0, 45).about())
        .core(),
        kind(Browsers, "fragments-late-second", "fragments-late.mp4", |films, out| {
            let late = "settb=1/90000,setpts='PTS+gt(N,0)*1890'";
            films.h264(LONG, late, &["-movflags", FRAGMENTS, "-g", "30"], out);
        })
        .imitates("the same, 8 s, whose first picture stands 21 ms longer, so that the average is 29.9")
        .pictures(240)
        .length(8.02)
        // ffmpeg's fragments begin with the lead-in of the sound, two frames before the first picture.
        .whole(reel(30.0, 240).within(2, 0.1)),
        kind(Browsers, "fragments-opus", "fragments-opus.mp4", |films, out| {
            let rest: &[&str] = &["-strict", "-2", "-movflags", FRAGMENTS, "-g", "10"];
            films.encode(PLAIN, TO_BT709, &[H264, BT709, OPUS, rest], out);
        })
        .imitates("Chrome's MP4 with Opus, fragments of a third of a second")
        .whole(reel(30.0, 90).about()),
        kind(Browsers, "fragments-piped", "fragments-piped.mp4", |films, out| {
            let rest: &[&str] = &["-g", "15", "-movflags", FRAGMENTS, "-f", "mp4"];
            record(films, PLAIN, "select='not(eq(mod(n,10),4))'", &[H264, BT709, AAC, rest], out);
        })
        .imitates("fragments with lost frames, written to a stream")
        .pictures(81)
        .whole(reel(30.0, 90).about()),
        kind(Browsers, "segment", "segment.mp4", |films, out| {
            let rest = ["-movflags", FRAGMENTS, "-g", "30", "-output_ts_offset", "5"];
            copy(&films.plain(), &rest, out);
        })
        .imitates("a saved part of a live stream: fragments whose clock starts at 5 s")
        .whole(reel(30.0, 90).about())
        .trimmed(reel(30.0, 45).about()),
    ]
}

fn lying_headers() -> Vec<Kind> {
    vec![
        kind(Browsers, "media-header-short", "media-short.mp4", |films, out| {
            patched(&films.plain(), out, |bytes| set_media_length(bytes, 0, 3000));
        })
        .imitates("a page's muxer that writes the picture's length in the wrong unit: 0.2 s")
        .whole(reel(30.0, 90))
        .trimmed(reel(30.0, 45))
        .core(),
        kind(Browsers, "media-header-long", "media-long.mp4", |films, out| {
            patched(&films.plain(), out, |bytes| set_media_length(bytes, 0, 15_360_000));
        })
        .imitates("the same the other way: 1,000 s")
        .whole(reel(30.0, 90))
        .trimmed(reel(30.0, 45)),
        kind(Browsers, "movie-header-long", "movie-long.mp4", |films, out| {
            patched(&films.plain(), out, |bytes| set_movie_length(bytes, 1_000_000));
        })
        .imitates("a movie header that says 1,000 s")
        .whole(reel(30.0, 90))
        .trimmed(reel(30.0, 45)),
        kind(Browsers, "movie-header-zero", "movie-zero.mp4", |films, out| {
            patched(&films.plain(), out, |bytes| {
                set_movie_length(bytes, 0);
                set_media_length(bytes, 0, 0);
                set_media_length(bytes, 1, 0);
            });
        })
        .imitates("a muxer that never went back to write any length")
        .whole(reel(30.0, 90))
        .trimmed(reel(30.0, 45)),
        kind(Browsers, "no-edit-list", "no-edit-list.mp4", |films, out| {
            let bframes = films.file("bframes.mp4", super::codecs::bframes);
            patched(&bframes, out, |bytes| {
                let edts = track_box(bytes, 0, &["edts"]);
                bytes[edts.start + 4..edts.start + 8].copy_from_slice(b"free");
            });
        })
        .imitates("a muxer that reorders frames without the edit list that hides the delay")
        .whole(reel(30.0, 90).within(3, 0.1)),
    ]
}
