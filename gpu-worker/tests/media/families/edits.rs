//! Requests in which the times of a film matter most: speeds, and reels of several films.

use serde_json::json;

use reel_core::edit::JobType;

use crate::film_folder::{FilmFolder, PLAIN};
use crate::kind::Family::Edits;
use crate::kind::{Kind, Reel, Request, kind, reel};

fn plain(name: &'static str) -> Kind {
    kind(Edits, name, "plain.mp4", |films: &FilmFolder, out| films.h264(PLAIN, "", &[], out))
}

/// The whole picture at a speed, whose frames lie between frames.
fn at_speed(frames: u64) -> Reel {
    reel(30.0, frames).about().unnumbered()
}

pub fn kinds() -> Vec<Kind> {
    vec![
        plain("half-speed")
            .imitates("slow motion of 30 frames a second: the beep stays with its flash")
            .ask(Request::Speed { from_s: 0.0, to_s: 2.0, speed: 0.5 }, at_speed(120))
            .core(),
        plain("quarter-speed")
            .imitates("the same at a quarter")
            .ask(Request::Speed { from_s: 0.0, to_s: 1.5, speed: 0.25 }, at_speed(180)),
        plain("double-speed")
            .imitates("twice as fast")
            .ask(Request::Speed { from_s: 0.0, to_s: 3.0, speed: 2.0 }, at_speed(45)),
        kind(Edits, "slow-240", "fps-240.mov", |_, _| {})
            .imitates("slow motion of 240 frames a second: the film's own frames are shown")
            .pictures(480)
            .length(2.0)
            .ask(Request::Speed { from_s: 0.5, to_s: 1.0, speed: 0.25 }, reel(60.0, 120).about()),
        plain("clips-behind")
            .imitates("a reel that begins with a film that falls behind")
            // Nothing says how long its last picture lasts: the next film may begin a frame earlier.
            .ask(
                Request::Clips(&["falls-behind.mkv", "plain.mp4"]),
                reel(30.0, 330).within(4, 0.1).loose(0.05),
            ),
        plain("clips-half-rate")
            .imitates("a reel that begins with a film of uneven rate")
            .ask(Request::Clips(&["half-rate.mp4", "plain.mp4"]), reel(30.0, 180).within(2, 0.1)),
        plain("clips-240")
            .imitates("a reel that begins with 240 frames a second")
            .ask(Request::Clips(&["fps-240.mov", "plain.mp4"]), reel(60.0, 300).within(4, 0.1)),
        plain("clips-late")
            .imitates("a reel of a film whose picture starts late, and one whose sound does")
            .ask(Request::Clips(&["picture-late.mp4", "sound-late.mp4"]), reel(30.0, 213).within(4, 0.1))
            .core(),
        plain("crop-outside").imitates("a crop wholly outside the picture").refuse(
            Request::Params(
                JobType::Framing,
                json!({"crop_keyframes": [{"time": 0, "x": 400, "y": 10, "width": 64, "height": 64}],
                        "output_width": 64, "output_height": 64}),
            ),
            &["crop", "outside", "320x180"],
        ),
        plain("trim-after-end")
            .imitates("a trim that starts after the end")
            .refuse(Request::Trim { from_s: 60.0, to_s: 70.0 }, &["60", "3.00 s"]),
    ]
}
