//! Containers and codecs of cameras, phones and programs, old and new.

use std::path::Path;

use crate::film_folder::{AAC, BT709, FilmFolder, Master, PLAIN, TO_BT709, copy, joined};
use crate::kind::Family::Codecs;
use crate::kind::{Kind, Reel, kind, reel};

/// Three B-frames in a pyramid, and an edit list that hides the delay.
pub fn bframes(path: &Path) {
    let films = FilmFolder::new();
    let codec: &[&str] = &[
        "-c:v", "libx264", "-preset", "veryfast", "-crf", "14", "-bf", "3", "-g", "48", "-pix_fmt", "yuv420p",
    ];
    films.encode(PLAIN, TO_BT709, &[codec, BT709, AAC], path);
}

/// Old codecs lose some colour at the borders.
fn old() -> Reel {
    reel(30.0, 90).about().corners(Some(60))
}

macro_rules! encoded {
    ($name:literal, $file:literal, $($arg:literal),+ $(,)?) => {
        kind(Codecs, $name, $file, |films, out| films.encode(PLAIN, TO_BT709, &[&[$($arg),+]], out))
    };
}

pub fn kinds() -> Vec<Kind> {
    let mut kinds = new_ones();
    kinds.extend(old_ones());
    kinds
}

fn new_ones() -> Vec<Kind> {
    vec![
        kind(Codecs, "b-frames", "b-frames.mp4", |films, out| {
            let made = films.file("bframes.mp4", bframes);
            std::fs::copy(made, out).expect("copied");
        })
        .imitates("reordered frames in a pyramid")
        .has(&["has_b_frames=2"])
        .whole(reel(30.0, 90))
        .trimmed(reel(30.0, 45))
        .core(),
        kind(Codecs, "open-gop", "open-gop.ts", |films, out| {
            let codec: &[&str] = &[
                "-c:v",
                "libx264",
                "-preset",
                "veryfast",
                "-crf",
                "14",
                "-bf",
                "2",
                "-g",
                "24",
                "-x264-params",
                "open-gop=1",
                "-pix_fmt",
                "yuv420p",
            ];
            films.encode(PLAIN, TO_BT709, &[codec, BT709, AAC], out);
        })
        .imitates("a television recording with open groups of pictures")
        .whole(reel(30.0, 90).about())
        .trimmed(reel(30.0, 45).about()),
        kind(Codecs, "hevc", "hevc.mp4", |films, out| {
            let codec: &[&str] = &[
                "-c:v",
                "libx265",
                "-preset",
                "ultrafast",
                "-x265-params",
                "log-level=none:crf=14",
                "-tag:v",
                "hvc1",
                "-pix_fmt",
                "yuv420p",
            ];
            films.encode(PLAIN, TO_BT709, &[codec, BT709, AAC], out);
        })
        .imitates("HEVC of phones")
        .whole(reel(30.0, 90))
        .trimmed(reel(30.0, 45)),
        kind(Codecs, "av1", "av1.mp4", |films, out| {
            let codec: &[&str] = &["-c:v", "libsvtav1", "-preset", "12", "-crf", "20", "-pix_fmt", "yuv420p"];
            films.encode(PLAIN, TO_BT709, &[codec, BT709, AAC], out);
        })
        .imitates("AV1 of screen recorders")
        .has(&["codec_name=\"av1\""])
        .whole(reel(30.0, 90).about()),
        kind(Codecs, "vp9", "vp9.webm", |films, out| {
            let codec: &[&str] = &[
                "-c:v",
                "libvpx-vp9",
                "-deadline",
                "realtime",
                "-cpu-used",
                "8",
                "-b:v",
                "1M",
                "-c:a",
                "libopus",
            ];
            films.encode(PLAIN, TO_BT709, &[codec, BT709], out);
        })
        .imitates("VP9 with Opus, with its index")
        .whole(reel(30.0, 90).about())
        .trimmed(reel(30.0, 45).about()),
        kind(Codecs, "prores", "prores.mov", |films, out| {
            let filters = "scale=out_color_matrix=bt709:out_range=tv,format=yuv422p10le";
            films.encode(PLAIN, filters, &[&["-c:v", "prores", "-c:a", "pcm_s16le"], BT709], out);
        })
        .imitates("ProRes of cameras and editors")
        .has(&["codec_name=\"prores\""])
        .whole(reel(30.0, 90))
        .trimmed(reel(30.0, 45)),
        kind(Codecs, "h264-intra", "intra.mov", |films, out| films.h264(PLAIN, "", &["-g", "1"], out))
            .imitates("key frames only")
            .whole(reel(30.0, 90)),
        kind(Codecs, "one-key-frame", "one-key.mp4", |films, out| {
            films.h264(Master::new(30, 8000), "", &["-g", "9999", "-movflags", "+faststart"], out);
        })
        .imitates("one key frame in 8 s")
        .pictures(240)
        .length(8.0)
        .trimmed(reel(30.0, 45)),
        kind(Codecs, "flv", "flv.flv", |films, out| copy(&films.plain(), &[], out))
            .imitates("a saved RTMP stream")
            .whole(reel(30.0, 90).about())
            .trimmed(reel(30.0, 45).about()),
        kind(Codecs, "mxf", "mxf.mxf", |films, out| {
            let codec: &[&str] =
                &["-c:v", "mpeg2video", "-q:v", "2", "-bf", "0", "-pix_fmt", "yuv422p", "-c:a", "pcm_s16le"];
            films.encode(Master::new(25, 3000), &joined("scale=320:176"), &[codec], out);
        })
        .imitates("a broadcast camera's MXF")
        .pictures(75)
        .whole(reel(25.0, 75).about().size(320, 176).corners(Some(60))),
    ]
}

fn old_ones() -> Vec<Kind> {
    vec![
        encoded!("mjpeg-avi", "mjpeg.avi", "-c:v", "mjpeg", "-q:v", "3", "-c:a", "pcm_s16le")
            .imitates("a small camera's Motion JPEG in AVI")
            .whole(old())
            .trimmed(reel(30.0, 45).about().corners(Some(60))),
        encoded!(
            "xvid-avi",
            "xvid.avi",
            "-c:v",
            "mpeg4",
            "-q:v",
            "2",
            "-bf",
            "2",
            "-vtag",
            "XVID",
            "-c:a",
            "libmp3lame"
        )
        .imitates("MPEG-4 with B-frames and MP3 in AVI")
        .whole(old().within(2, 0.1)),
        encoded!("wmv", "wmv.wmv", "-c:v", "wmv2", "-q:v", "2", "-c:a", "wmav2")
            .imitates("Windows Media, whose clock starts 46 ms before anything decodes")
            .length(3.043)
            .beep_late(0.043)
            .whole(old().within(2, 0.08).loose(0.08))
            .trimmed(reel(30.0, 45).about().corners(Some(60)).loose(0.08)),
        encoded!(
            "sorenson-flv",
            "sorenson.flv",
            "-c:v",
            "flv",
            "-q:v",
            "2",
            "-c:a",
            "libmp3lame",
            "-ar",
            "44100"
        )
        .imitates("an old Flash video")
        .whole(old()),
        encoded!("mpeg-ps", "mpeg-ps.mpg", "-c:v", "mpeg2video", "-q:v", "2", "-c:a", "mp2", "-f", "vob")
            .imitates("a DVD recorder's MPEG-2")
            .whole(old())
            .trimmed(reel(30.0, 45).about().corners(Some(60))),
        encoded!("mpeg2-ts", "mpeg2.ts", "-c:v", "mpeg2video", "-q:v", "2", "-bf", "2", "-c:a", "ac3")
            .imitates("a television recording: MPEG-2 and AC-3")
            .whole(old()),
        encoded!("theora", "theora.ogv", "-c:v", "libtheora", "-q:v", "9", "-c:a", "libvorbis")
            .imitates("Theora and Vorbis in Ogg")
            .whole(old()),
        kind(Codecs, "3gp", "3gp.3gp", |films, out| {
            let codec: &[&str] = &["-c:v", "h263", "-q:v", "2", "-c:a", "aac", "-ar", "16000", "-ac", "1"];
            films.encode(PLAIN, &joined("scale=352:288,setsar=12/11"), &[codec], out);
        })
        .imitates("a phone of long ago: H.263 in 3GP")
        .whole(old().size(384, 288)),
    ]
}
