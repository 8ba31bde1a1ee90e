//! Clocks that do not start at zero, or start twice; picture and sound that do not start together.

use std::path::Path;

use crate::film_folder::{AAC, BT709, FilmFolder, H264, LONG, PLAIN, copy, ffmpeg, text};
use crate::kind::Family::Clocks;
use crate::kind::{Clock, Kind, Request, kind, reel};
use crate::measure::run;
use crate::patch::{patched, restamp_flv};

pub fn kinds() -> Vec<Kind> {
    let mut kinds = starts();
    kinds.extend(offsets());
    kinds.extend(jumps());
    kinds.extend(edit_lists());
    kinds
}

fn starts() -> Vec<Kind> {
    vec![
        kind(Clocks, "start-5", "start-5.mkv", |films, out| {
            copy(&films.plain(), &["-output_ts_offset", "5"], out);
        })
        .imitates("a part of a longer recording: its clock starts at 5 s")
        .whole(reel(30.0, 90).about())
        .trimmed(reel(30.0, 45).about())
        .core(),
        kind(Clocks, "start-600", "start-600.ts", |films, out| {
            copy(&films.plain(), &["-output_ts_offset", "600"], out);
        })
        .imitates("a transport stream that starts at ten minutes")
        .whole(reel(30.0, 90).about())
        .trimmed(reel(30.0, 45).about()),
        kind(Clocks, "start-3600", "start-3600.mkv", |films, out| {
            copy(&films.plain(), &["-output_ts_offset", "3600"], out);
        })
        .imitates("a part of a recording after an hour")
        .whole(reel(30.0, 90).about())
        .trimmed(reel(30.0, 45).about())
        .core(),
        kind(Clocks, "wraps", "wraps.ts", |films, out| {
            // 2^33 ticks of 90 kHz are 95,443.7 s.
            copy(&films.plain(), &["-output_ts_offset", "95441", "-muxdelay", "0"], out);
        })
        .imitates("a transport stream whose 33-bit clock wraps round in the middle")
        .whole(reel(30.0, 90).about()),
    ]
}

/// Sound and picture of a film, one of them later by this many seconds.
fn shifted(film: &Path, [picture_s, sound_s]: [&str; 2], out: &Path) {
    let mut ffmpeg = ffmpeg();
    ffmpeg.args(["-itsoffset", picture_s, "-i"]).arg(film).args(["-itsoffset", sound_s, "-i"]).arg(film);
    run(ffmpeg.args(["-map", "0:v", "-map", "1:a", "-c", "copy"]).arg(out));
}

fn offsets() -> Vec<Kind> {
    vec![
        kind(Clocks, "picture-late", "picture-late.mp4", |films, out| {
            shifted(&films.plain(), ["0.7", "0"], out);
        })
        .imitates("a phone whose microphone starts 0.7 s before its camera")
        .length(3.7)
        .beep_late(0.0)
        .sound_until(3.0)
        .whole(reel(30.0, 111).about())
        .trimmed(reel(30.0, 45).about())
        .core(),
        kind(Clocks, "picture-late-mkv", "picture-late.mkv", |films, out| {
            shifted(&films.plain(), ["0.7", "0"], out);
        })
        .imitates("the same in Matroska")
        .length(3.7)
        .sound_until(3.0)
        .whole(reel(30.0, 111).about())
        .trimmed(reel(30.0, 45).about()),
        kind(Clocks, "picture-late-uneven", "picture-late-uneven.mp4", |films, out| {
            let uneven = films.file("uneven.mp4", |out| {
                films.h264(PLAIN, "select='not(between(n,20,50)*mod(n,2))'", &[], out);
            });
            shifted(&uneven, ["0.5", "0"], out);
        })
        .imitates("the same, 0.5 s, with a rate that is not even")
        .pictures(75)
        .length(3.5)
        .sound_until(3.0)
        .whole(reel(30.0, 105).about())
        .trimmed(reel(30.0, 45).about()),
        kind(Clocks, "sound-late", "sound-late.mp4", |films, out| {
            shifted(&films.plain(), ["0", "0.4"], out);
        })
        .imitates("a camera whose microphone starts and stops 0.4 s late: the last picture stands")
        .length(3.4)
        .beep_late(0.4)
        .sound_until(3.0)
        .whole(reel(30.0, 102).about())
        .trimmed(reel(30.0, 45))
        .core(),
        kind(Clocks, "sound-late-mkv", "sound-late.mkv", |films, out| {
            shifted(&films.plain(), ["0", "0.4"], out);
        })
        .imitates("the same in Matroska")
        .beep_late(0.4)
        .sound_until(3.0)
        .length(3.4)
        .whole(reel(30.0, 102).about())
        .trimmed(reel(30.0, 45).about()),
        kind(Clocks, "sound-late-uneven", "sound-late-uneven.ts", |films, out| {
            let behind = films.file("behind-for-late.mp4", |out| {
                films.h264(LONG, "select='lt(t,5)+not(mod(n,2))'", &[], out);
            });
            shifted(&behind, ["0", "0.4"], out);
        })
        .imitates("the same in a transport stream that falls behind")
        .pictures(195)
        .length(8.4)
        .beep_late(0.4)
        .sound_until(8.0)
        .whole(reel(30.0, 252).about()),
        kind(Clocks, "sound-gap", "sound-gap.mkv", |films, out| {
            let gap = ["-af", "aselect='not(between(t,0.5,1.0))'"];
            films.encode(PLAIN, crate::film_folder::TO_BT709, &[H264, BT709, AAC, &gap], out);
        })
        .imitates("a recorder that loses half a second of sound: what follows stays in time")
        .whole(reel(30.0, 90).about())
        .trimmed(reel(30.0, 45).about()),
    ]
}

/// A transport stream of a plain film, whose clock starts at `offset_s`.
fn transport_stream(films: &FilmFolder, offset_s: &str) -> Vec<u8> {
    let file = films.file(&format!("part-{offset_s}.ts"), |out| {
        copy(&films.plain(), &["-output_ts_offset", offset_s, "-muxdelay", "0"], out);
    });
    std::fs::read(file).expect("a film")
}

fn jumps() -> Vec<Kind> {
    vec![
        kind(Clocks, "glued", "glued.ts", |films, out| {
            let both = [transport_stream(films, "100"), transport_stream(films, "0")];
            std::fs::write(out, both.concat()).expect("written");
        })
        .imitates("two recordings glued together: the second's clock starts anew")
        .pictures(180)
        .length(6.0)
        .clock(Clock::Twice)
        .whole(reel(30.0, 180).within(3, 0.12).uneven(2))
        .core(),
        kind(Clocks, "glued-forward", "glued-forward.ts", |films, out| {
            let both = [transport_stream(films, "0"), transport_stream(films, "5000")];
            std::fs::write(out, both.concat()).expect("written");
        })
        .imitates("the same, where the second's clock is more than an hour ahead")
        .pictures(180)
        .length(6.0)
        .clock(Clock::Twice)
        .whole(reel(30.0, 180).within(3, 0.12).uneven(2)),
        kind(Clocks, "stamps-double", "stamps-double.flv", |films, out| {
            restamped(films, out, |number, stamp| if number % 10 == 9 { stamp - 33 } else { stamp });
        })
        .imitates("a stream in which every tenth stamp is that of the frame before")
        .clock(Clock::Of("plain.mp4"))
        .whole(reel(30.0, 90).about().uneven(20))
        .trimmed(reel(30.0, 45).about().uneven(20)),
        kind(Clocks, "stamps-backward", "stamps-backward.flv", |films, out| {
            restamped(films, out, |number, stamp| if number % 15 == 10 { stamp - 50 } else { stamp });
        })
        .imitates("a stream in which some stamps go back by 50 ms")
        .clock(Clock::Of("plain.mp4"))
        .whole(reel(30.0, 90).about().uneven(20)),
    ]
}

fn restamped(films: &FilmFolder, out: &Path, change: fn(usize, u32) -> u32) {
    let flv = films.file("plain.flv", |out| copy(&films.plain(), &[], out));
    patched(&flv, out, |bytes| restamp_flv(bytes, change));
}

fn edit_lists() -> Vec<Kind> {
    vec![
        kind(Clocks, "copied-cut", "copied-cut.mp4", |films, out| {
            let long = films.file("long-gop.mp4", |out| films.h264(LONG, "", &["-g", "60", "-bf", "0"], out));
            let mut ffmpeg = ffmpeg();
            run(ffmpeg.args(["-ss", "3", "-i", &text(&long), "-t", "3", "-c", "copy"]).arg(out));
        })
        .imitates("a cut without encoding: frames before the cut are in the file, and hidden by an edit list")
        .clock(Clock::OwnPictures)
        .length(3.0)
        .whole(reel(30.0, 90).within(2, 0.07))
        .ask(Request::Trim { from_s: 0.5, to_s: 2.0 }, reel(30.0, 45).about()),
    ]
}
