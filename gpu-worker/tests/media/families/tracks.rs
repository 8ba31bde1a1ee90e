//! Files with more streams than one picture and one sound.

use std::path::Path;

use crate::film_folder::{AAC, BT709, FilmFolder, H264, PLAIN, TO_BT709, copy, ffmpeg, text};
use crate::kind::Family::Tracks;
use crate::kind::{Kind, kind, reel};
use crate::measure::run;
use crate::patch::{patched, rename_codec, set_handler};

pub fn kinds() -> Vec<Kind> {
    let mut kinds = pictures();
    kinds.extend(sounds());
    kinds.extend(others());
    kinds
}

/// ffmpeg with a plain film as its first input.
fn from_plain(films: &FilmFolder, inputs: &[&str], rest: &[&str], out: &Path) {
    let mut ffmpeg = ffmpeg();
    run(ffmpeg.args(["-i", &text(&films.plain())]).args(inputs).args(rest).arg(out));
}

const SILENCE: &[&str] = &["-f", "lavfi", "-t", "3", "-i", "anullsrc=r=48000:cl=stereo"];

fn pictures() -> Vec<Kind> {
    vec![
        kind(Tracks, "preview-first", "preview-first.mkv", |films, out| {
            let small = [
                "-filter_complex",
                "[0:v]scale=160:90,negate[small]",
                "-map",
                "[small]",
                "-map",
                "0:v",
                "-map",
                "0:a",
            ];
            let codecs = ["-c:v:0", "mjpeg", "-pix_fmt:v:0", "yuvj420p", "-c:v:1", "copy", "-c:a", "copy"];
            let marks = ["-disposition:v:0", "0", "-disposition:v:1", "default"];
            from_plain(films, &[], &[&small[..], &codecs, &marks].concat(), out);
        })
        .imitates("a drone or 360 camera: a small preview is the first picture, the real one is the default")
        .streams("v:1", "a:0")
        .whole(reel(30.0, 90).about())
        .trimmed(reel(30.0, 45).about())
        .core(),
        kind(Tracks, "small-first", "small-first.mkv", |films, out| {
            let small = [
                "-filter_complex",
                "[0:v]scale=160:90,negate[small]",
                "-map",
                "[small]",
                "-map",
                "0:v",
                "-map",
                "0:a",
            ];
            let codecs = ["-c:v:0", "libx264", "-preset:v:0", "ultrafast", "-c:v:1", "copy", "-c:a", "copy"];
            let marks = ["-disposition:v:0", "default", "-disposition:v:1", "default"];
            from_plain(films, &[], &[&small[..], &codecs, &marks].concat(), out);
        })
        .imitates("two pictures that are both marked as default: the larger one")
        .streams("v:1", "a:0")
        .whole(reel(30.0, 90).about()),
        kind(Tracks, "thumbnail-first", "thumbnail-first.mov", |films, out| {
            let still = [
                "-filter_complex",
                "[0:v]trim=end_frame=1,scale=160:90[still]",
                "-map",
                "[still]",
                "-map",
                "0:v",
                "-map",
                "0:a",
            ];
            let codecs = ["-c:v:0", "mjpeg", "-pix_fmt:v:0", "yuvj420p", "-c:v:1", "copy", "-c:a", "copy"];
            let marks = ["-disposition:v:0", "0", "-disposition:v:1", "default"];
            from_plain(films, &[], &[&still[..], &codecs, &marks].concat(), out);
        })
        .imitates("a camera that writes a still before its film")
        .streams("v:1", "a:0")
        .whole(reel(30.0, 90)),
        kind(Tracks, "cover", "cover.mp4", |films, out| {
            let cover = ["-f", "lavfi", "-i", "color=purple:s=600x600:d=0.04"];
            let rest = [
                "-map",
                "0",
                "-map",
                "1:v",
                "-c",
                "copy",
                "-c:v:1",
                "png",
                "-disposition:v:1",
                "attached_pic",
            ];
            from_plain(films, &cover, &rest, out);
        })
        .imitates("a film with a cover picture")
        .has(&["disposition.attached_pic=1"])
        .whole(reel(30.0, 90))
        .core(),
    ]
}

fn sounds() -> Vec<Kind> {
    vec![
        kind(Tracks, "second-default", "second-default.mp4", |films, out| {
            let rest = [
                &["-map", "0:v", "-map", "1:a", "-map", "0:a", "-c:v", "copy"],
                AAC,
                &["-disposition:a:0", "0", "-disposition:a:1", "default"],
            ];
            from_plain(films, SILENCE, &rest.concat(), out);
        })
        .imitates("a screen recorder with two sound tracks: the first is silent, the second is the default")
        .streams("v:0", "a:1")
        .whole(reel(30.0, 90)),
        kind(Tracks, "first-silent", "first-silent.mkv", |films, out| {
            let rest = [
                &["-map", "0:v", "-map", "1:a", "-map", "0:a", "-c:v", "copy"],
                AAC,
                &["-disposition:a:0", "default", "-disposition:a:1", "0"],
            ];
            from_plain(films, SILENCE, &rest.concat(), out);
        })
        .imitates("the same, where the silent one is the default: nothing is heard of it")
        .streams("v:0", "a:1")
        .whole(reel(30.0, 90).about())
        .trimmed(reel(30.0, 45).about())
        .core(),
        kind(Tracks, "four-mono", "four-mono.mov", |films, out| {
            let split = "[1:a]asplit[x][y];[x]volume=0,asplit[a][c];[y]asplit[b][d]";
            let mut ffmpeg = ffmpeg();
            ffmpeg.args(films.master(PLAIN)).args(["-filter_complex", split, "-vf", TO_BT709, "-map", "0:v"]);
            ffmpeg.args([
                "-map",
                "[a]",
                "-map",
                "[b]",
                "-map",
                "[c]",
                "-map",
                "[d]",
                "-disposition:a",
                "default",
            ]);
            run(ffmpeg.args([H264, BT709, &["-c:a", "pcm_s16le"]].concat()).arg(out));
        })
        .imitates("a broadcast camera: four mono tracks, the first and third without a microphone")
        .streams("v:0", "a:1")
        .whole(reel(30.0, 90))
        .core(),
        kind(Tracks, "eight-channels", "eight-channels.mov", |films, out| {
            films.encode(
                PLAIN,
                TO_BT709,
                &[H264, BT709, &["-c:a", "pcm_s16le", "-af", "pan=8c|c5=c0", "-ac", "8"]],
                out,
            );
        })
        .imitates("a field recorder: eight discrete channels, the microphone in the sixth")
        .whole(reel(30.0, 90))
        .core(),
        kind(Tracks, "surround", "surround.mkv", |films, out| {
            films.encode(
                PLAIN,
                TO_BT709,
                &[H264, BT709, &["-c:a", "ac3", "-af", "pan=5.1|FC=c0", "-ac", "6"]],
                out,
            );
        })
        .imitates("5.1 with the voice in the middle")
        .whole(reel(30.0, 90).about()),
        kind(Tracks, "mono", "mono.mp4", |films, out| {
            films.encode(PLAIN, TO_BT709, &[H264, BT709, AAC, &["-ac", "1"]], out);
        })
        .imitates("one channel")
        .whole(reel(30.0, 90)),
        kind(Tracks, "spatial-before", "spatial-before.mov", |films, out| {
            let two = films.file("two-sounds.mov", |out| {
                let rest = [&["-map", "0:v", "-map", "1:a", "-map", "0:a", "-c:v", "copy"], AAC];
                from_plain(
                    films,
                    &["-f", "lavfi", "-t", "3", "-i", "sine=330,aformat=channel_layouts=quad"],
                    &rest.concat(),
                    out,
                );
            });
            patched(&two, out, |bytes| rename_codec(bytes, 1, &[("mp4a", "apac"), ("esds", "dapa")]));
        })
        .imitates("a phone's spatial sound, which nothing here decodes, before its AAC")
        .streams("v:0", "a:1")
        .whole(reel(30.0, 90))
        .trimmed(reel(30.0, 45))
        .core(),
        kind(Tracks, "spatial-only", "spatial-only.mov", |films, out| {
            let mov = films.file("plain.mov", |out| copy(&films.plain(), &[], out));
            patched(&mov, out, |bytes| rename_codec(bytes, 1, &[("mp4a", "apac"), ("esds", "dapa")]));
        })
        .imitates("a film whose only sound cannot be decoded")
        .streams("v:0", "")
        .whole(reel(30.0, 90).silent()),
    ]
}

fn others() -> Vec<Kind> {
    vec![
        kind(Tracks, "timecode", "timecode.mov", |films, out| {
            copy(&films.plain(), &["-timecode", "10:00:00:00"], out);
        })
        .imitates("a camera with a timecode track")
        .has(&["codec_tag_string=\"tmcd\""])
        .whole(reel(30.0, 90)),
        kind(Tracks, "telemetry", "telemetry.mp4", |films, out| {
            let with_text = films.file("with-text.mp4", |out| {
                let lines = films.file("lines.srt", |path| {
                    std::fs::write(path, "1\n00:00:00,000 --> 00:00:02,000\n48.1 11.5\n").expect("written");
                });
                from_plain(
                    films,
                    &["-i", &text(&lines)],
                    &["-map", "0", "-map", "1", "-c", "copy", "-c:s", "mov_text"],
                    out,
                );
            });
            patched(&with_text, out, |bytes| {
                set_handler(bytes, 2, "meta");
                rename_codec(bytes, 2, &[("tx3g", "gpmd")]);
            });
        })
        .imitates("an action camera with a track of its position")
        .has(&["codec_type=\"data\""])
        .whole(reel(30.0, 90)),
        kind(Tracks, "subtitles", "subtitles.mkv", |films, out| {
            let lines = films.file("titles.srt", |path| {
                std::fs::write(path, "1\n00:00:00,000 --> 00:00:02,000\nGoal\n").expect("written");
            });
            from_plain(
                films,
                &["-i", &text(&lines)],
                &["-map", "1", "-map", "0", "-c", "copy", "-c:s", "srt"],
                out,
            );
        })
        .imitates("a film with subtitles, which are not drawn")
        .whole(reel(30.0, 90).about()),
    ]
}
