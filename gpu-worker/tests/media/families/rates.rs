//! Frames at any rate, and frames that are not where a constant rate would put them.

use crate::film_folder::{AAC, BT709, FilmFolder, H264, LONG, Master, PLAIN, TO_BT709, copy};
use crate::kind::Family::Rates;
use crate::kind::{Kind, kind, reel};

/// A recorder that falls behind: every second frame is missing after 5 s, which no look at the first seconds
/// tells.
const FALLS_BEHIND: &str = "select='lt(t,5)+not(mod(n,2))'";

pub fn kinds() -> Vec<Kind> {
    let mut kinds = constant();
    kinds.extend(uneven());
    kinds
}

fn constant() -> Vec<Kind> {
    vec![
        kind(Rates, "plain", "plain.mp4", |films, out| films.h264(PLAIN, "", &[], out))
            .imitates("an ordinary film")
            .whole(reel(30.0, 90))
            .trimmed(reel(30.0, 45))
            .core(),
        kind(Rates, "plain-long", "plain-long.mp4", |films, out| films.h264(LONG, "", &[], out))
            .imitates("the same, 8 s")
            .pictures(240)
            .length(8.0)
            .whole(reel(30.0, 240)),
        kind(Rates, "silent", "silent.mp4", |films, out| copy(&films.plain(), &["-an"], out))
            .imitates("a film without a sound track")
            .streams("v:0", "")
            .whole(reel(30.0, 90).silent())
            .trimmed(reel(30.0, 45).silent()),
        kind(Rates, "fps-1", "fps-1.mp4", |films, out| films.h264(Master::new(1, 4000), "", &[], out))
            .imitates("a time lapse of one frame a second, with sound; any even rate is right")
            .pictures(4)
            .length(4.0)
            .whole(reel(1.0, 4).any_rate(4.0))
            .trimmed(reel(1.0, 1).any_rate(1.5))
            .core(),
        constant_kind("fps-24", "fps-24.mp4", |films, out| films.h264(Master::new(24, 3000), "", &[], out))
            .imitates("a camera at the rate of cinemas")
            .pictures(72)
            .whole(reel(24.0, 72))
            .trimmed(reel(24.0, 36)),
        constant_kind("fps-23.976", "fps-23976.mov", |films, out| {
            films.h264(Master::ntsc(24, 3003), "", &[], out);
        })
        .imitates("the same on American cameras")
        .pictures(72)
        .length(3.003)
        .whole(reel(24000.0 / 1001.0, 72))
        .trimmed(reel(24000.0 / 1001.0, 36)),
        constant_kind("fps-25", "fps-25.mp4", |films, out| films.h264(Master::new(25, 3000), "", &[], out))
            .imitates("a European camera")
            .pictures(75)
            .whole(reel(25.0, 75))
            .trimmed(reel(25.0, 38).about()),
        constant_kind("fps-29.97", "fps-2997.mov", |films, out| {
            films.h264(Master::ntsc(30, 8008), "", &[], out);
        })
        .imitates("an American camera, 8 s")
        .pictures(240)
        .length(8.008)
        .whole(reel(30000.0 / 1001.0, 240))
        .trimmed(reel(30000.0 / 1001.0, 45)),
        constant_kind("fps-50", "fps-50.mp4", |films, out| films.h264(Master::new(50, 3000), "", &[], out))
            .imitates("a European action camera")
            .pictures(150)
            .whole(reel(50.0, 150))
            .trimmed(reel(50.0, 75)),
        constant_kind("fps-59.94", "fps-5994.mp4", |films, out| {
            films.h264(Master::ntsc(60, 3003), "", &[], out);
        })
        .imitates("an American action camera")
        .pictures(180)
        .length(3.003)
        .whole(reel(60000.0 / 1001.0, 180))
        .trimmed(reel(60000.0 / 1001.0, 90)),
        constant_kind("fps-60", "fps-60.mp4", |films, out| films.h264(Master::new(60, 3000), "", &[], out))
            .imitates("a phone at 60")
            .pictures(180)
            .whole(reel(60.0, 180))
            .trimmed(reel(60.0, 90))
            .core(),
        constant_kind("fps-120", "fps-120.mov", |films, out| {
            films.h264(Master::new(120, 2000), "", &["-video_track_timescale", "600"], out);
        })
        .imitates("a phone's slow motion at 120, in ticks of 1/600 s")
        .pictures(240)
        .length(2.0)
        .whole(reel(60.0, 120))
        .trimmed(reel(60.0, 90)),
        constant_kind("fps-240", "fps-240.mov", |films, out| {
            films.h264(Master::new(240, 2000), "", &["-video_track_timescale", "600"], out);
        })
        .imitates("a phone's slow motion at 240: each second frame stands a tick longer")
        .pictures(480)
        .length(2.0)
        .whole(reel(60.0, 120))
        .trimmed(reel(60.0, 90))
        .core(),
    ]
}

fn constant_kind(name: &'static str, file: &'static str, make: fn(&FilmFolder, &std::path::Path)) -> Kind {
    kind(Rates, name, file, make)
}

fn uneven() -> Vec<Kind> {
    vec![
        kind(Rates, "half-rate", "half-rate.mp4", |films, out| {
            films.h264(PLAIN, "select='not(between(n,31,62)*mod(n,2))'", &[], out);
        })
        .imitates("a screen recorder that halves its rate for a second")
        .pictures(74)
        .whole(reel(30.0, 90))
        .trimmed(reel(30.0, 45))
        .core(),
        kind(Rates, "gap", "gap.mp4", |films, out| {
            films.h264(PLAIN, "select='not(between(n,40,64))'", &[], out);
        })
        .imitates("a screen recorder that writes nothing while nothing moves")
        .pictures(65)
        .whole(reel(30.0, 90))
        .trimmed(reel(30.0, 45))
        .core(),
        kind(Rates, "gap-at-start", "gap-at-start.mp4", |films, out| {
            films.h264(PLAIN, "select='not(between(n,1,29))'", &[], out);
        })
        .imitates("the same, whose first picture stands for a second")
        .pictures(61)
        .whole(reel(30.0, 90))
        .trimmed(reel(30.0, 45)),
        kind(Rates, "one-lost", "one-lost.mp4", |films, out| {
            films.h264(PLAIN, "select='not(eq(n,50))'", &[], out);
        })
        .imitates("a phone that lost one frame: the header says 29.67")
        .pictures(89)
        .whole(reel(30.0, 90))
        .trimmed(reel(30.0, 45))
        .core(),
        kind(Rates, "low-light", "low-light.mp4", |films, out| {
            // From frame 55 on, four of five frames, a quarter longer each.
            let filter = "select='lt(n,55)+mod(n,5)',settb=1/90000,\
                setpts='if(lt(PTS,165000),PTS,165000+floor((PTS-165000)/15000)*15000+floor(mod(PTS-165000,15000)/3000-1)*3750)'";
            films.h264(PLAIN, filter, &["-enc_time_base", "1/90000"], out);
        })
        .imitates("a phone that goes from 30 to 24 when it gets dark")
        .pictures(83)
        .whole(reel(30.0, 90).about().uneven(12)),
        kind(Rates, "jitter", "jitter.mkv", |films, out| {
            films.h264(PLAIN, "settb=1/1000,setpts='PTS+mod(N*7,9)-4+5'", &[], out);
        })
        .imitates("a capture whose stamps tremble by 4 ms")
        .whole(reel(30.0, 90).about().uneven(3))
        .trimmed(reel(30.0, 45).about().uneven(3))
        .core(),
        kind(Rates, "falls-behind-mkv", "falls-behind.mkv", |films, out| films.h264(LONG, FALLS_BEHIND, &[], out))
            .imitates("a recorder that falls behind after 5 s, in Matroska")
            .pictures(195)
            .length(8.0)
            .whole(reel(30.0, 240).about())
            .trimmed(reel(30.0, 45))
            .core(),
        kind(Rates, "falls-behind-ts", "falls-behind.ts", |films, out| films.h264(LONG, FALLS_BEHIND, &[], out))
            .imitates("the same in a transport stream")
            .pictures(195)
            .length(8.0)
            .whole(reel(30.0, 240).about()),
        kind(Rates, "falls-behind-mp4", "falls-behind.mp4", |films, out| films.h264(LONG, FALLS_BEHIND, &[], out))
            .imitates("the same in MP4")
            .pictures(195)
            .length(8.0)
            .whole(reel(30.0, 240).about()),
        kind(Rates, "falls-behind-avi", "falls-behind.avi", |films, out| {
            let mjpeg = ["-c:v", "mjpeg", "-q:v", "3", "-pix_fmt", "yuvj420p", "-c:a", "pcm_s16le"];
            films.encode(LONG, FALLS_BEHIND, &[&mjpeg], out);
        })
        .imitates("the same by a capture card: AVI has no times, lost frames are empty chunks")
        .pictures(195)
        .length(8.0)
        .whole(reel(30.0, 240).about().corners(None)),
        kind(Rates, "25-in-60", "25-in-60.mp4", |films, out| {
            films.h264(Master::new(25, 3000), "fps=60:round=down", &[], out);
        })
        .imitates("a screen recording at 60 of a film of 25")
        .pictures(180)
        .whole(reel(60.0, 180).uneven(60)),
        kind(Rates, "picture-ends-early", "ends-early.mp4", |films, out| {
            films.h264(PLAIN, "trim=end_frame=70", &[], out);
        })
        .imitates("a camera whose sound runs on after the last picture, which stands until then")
        .pictures(70)
        .whole(reel(30.0, 90))
        .trimmed(reel(30.0, 45)),
        kind(Rates, "sound-ends-early", "sound-ends-early.mkv", |films, out| {
            films.encode(PLAIN, TO_BT709, &[H264, BT709, AAC, &["-af", "atrim=end=1.5"]], out);
        })
        .imitates("a recorder whose sound stops half-way")
        .sound_until(1.5)
        .whole(reel(30.0, 90).about()),
    ]
}
