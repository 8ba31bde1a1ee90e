#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of a few hundred pictures"
)]

use super::jumps::{Break, BreakFinder, ClockKind, Repair, Shift, Track};
use super::*;

const THIRTY: FrameRate = FrameRate::whole(30);

/// Stamps at these times, each shown for a thirtieth of a second.
fn stamps(times_s: impl IntoIterator<Item = f64>) -> Vec<Stamp> {
    let stamp = |time| Stamp { shown_us: round_us(time), reordered_us: 0, duration_us: 33_333 };
    times_s.into_iter().map(stamp).collect()
}

fn clock(times_s: impl IntoIterator<Item = f64>) -> SourceClock {
    SourceClock::new(&stamps(times_s), None, FrameRate::whole(25)).expect("a clock")
}

fn sound(start_s: f64, end_s: f64) -> Span {
    Span { start_us: round_us(start_s), end_us: round_us(end_s) }
}

fn rate_of(times_s: impl IntoIterator<Item = f64>) -> String {
    clock(times_s).rate.to_string()
}

/// Which picture each sample shows, by the rule of the renderer.
fn shown(clock: &SourceClock, start_s: f64, end_s: f64, step_s: f64) -> Vec<usize> {
    let lead_s = clock.lead_s(start_s, end_s, step_s);
    let samples = ((end_s - start_s) / step_s).round() as usize;
    let picture = |k: usize| {
        let limit = start_s + k as f64 * step_s + lead_s;
        clock.pictures_us.partition_point(|time| seconds(*time) <= limit).saturating_sub(1)
    };
    (0..samples).map(picture).collect()
}

#[test]
fn the_nominal_rate_survives_what_recorders_do() {
    let frame = |n: u32| f64::from(n) / 30.0;
    let lost = |lost: fn(&u32) -> bool| (0..240).filter(move |n| !lost(n)).map(frame);
    assert_eq!(rate_of((0..90).map(frame)), "30/1", "nothing lost");
    assert_eq!(rate_of(lost(|n| n % 13 == 5)), "30/1", "every 13th frame lost");
    assert_eq!(rate_of(lost(|n| *n > 150 && n % 2 == 1)), "30/1", "half of the rate at the end");
    assert_eq!(rate_of(lost(|n| *n > 60 && n % 2 == 1)), "30/1", "half of the rate most of the time");
    assert_eq!(rate_of(lost(|n| (36..172).contains(n))), "30/1", "a pause");
    assert_eq!(rate_of((0..90).map(|n| (frame(n) * 1000.0).round() / 1000.0)), "30/1", "milliseconds");
    let jitter = |n: u32| frame(n) + f64::from(n * 7919 % 11) / 1000.0;
    assert_eq!(rate_of((0..90).map(jitter)), "30/1", "jitter");
    assert_eq!(rate_of((0..300).map(|n| f64::from(n) * 1.001 / 30.0)), "30000/1001");
    assert_eq!(rate_of((0..240).map(|n| f64::from(n) / 120.0 + f64::from(n % 3) / 30_000.0)), "120/1");
    assert_eq!(rate_of((0..3).map(f64::from)), "1/1", "a time lapse");
    assert_eq!(rate_of((0..11).map(|n| f64::from(n) / 24.0)), "24/1", "a short one");
    let film_in_video = (0..100).map(|n| f64::from(n / 2) / 12.0 + f64::from(n % 2) / 30.0);
    assert_eq!(rate_of(film_in_video), "24/1", "pictures of two and of three fields");
    let back = |n: u32| frame(n) - if n % 20 == 7 { 0.512 } else { 0.0 };
    assert_eq!(rate_of((0..90).map(back)), "30/1", "stamps that go back");
    assert_eq!(rate_of([4.0]), "25/1", "one picture has no rate of its own");
    assert_eq!(rate_of([4.0, 4.0, 4.0]), "25/1", "all at the same time");
}

#[test]
fn zero_is_the_earliest_start_and_the_end_that_of_the_last_picture() {
    let pictures = stamps((0..90).map(|n| 600.85 + f64::from(n) / 30.0));
    let film = SourceClock::new(&pictures, Some(&sound(600.0, 603.0)), THIRTY).expect("a clock");
    assert_eq!(film.zero_us, 600_000_000);
    assert!((film.length_s() - 3.85).abs() < 0.001 && (film.first_picture_s() - 0.85).abs() < 1e-6);
    let short_tail = SourceClock::new(&pictures, Some(&sound(601.0, 603.9)), THIRTY).expect("a clock");
    assert!((short_tail.length_s() - 3.0).abs() < 0.001, "{short_tail:?}");
    let long_tail = SourceClock::new(&pictures, Some(&sound(601.0, 609.0)), THIRTY).expect("a clock");
    assert!((long_tail.length_s() - 8.15).abs() < 0.001, "the last picture stands: {long_tail:?}");
}

#[test]
fn sound_less_than_a_frame_ahead_starts_with_the_picture() {
    let pictures = stamps((0..90).map(|n| f64::from(n) / 30.0));
    let lead_in =
        |start_s: f64| SourceClock::new(&pictures, Some(&sound(start_s, 3.0)), THIRTY).expect("a clock");
    let film = lead_in(-0.021);
    assert_eq!((film.zero_us, shown(&film, 0.0, film.even_length_s(), 1.0 / 30.0).len()), (0, 90));
    assert_eq!(lead_in(-0.034).zero_us, -34_000, "more than a frame");
}

#[test]
fn the_duration_of_the_last_picture_is_believed_with_reason() {
    let with_last = |duration_us: u32, sound: Option<Span>| {
        let mut pictures = stamps((0..30).map(|n| f64::from(n) / 30.0));
        pictures.last_mut().expect("a picture").duration_us = duration_us;
        SourceClock::new(&pictures, sound.as_ref(), THIRTY).expect("a clock").length_s()
    };
    let near = |found: f64, wanted: f64| assert!((found - wanted).abs() < 0.002, "{found}, not {wanted}");
    near(with_last(0, None), 1.0);
    near(with_last(33_333, None), 1.0);
    near(with_last(2_000_000, None), 29.0 / 30.0 + 2.0);
    near(with_last(4_000_000_000, None), 29.0 / 30.0 + 10.0);
    near(with_last(4_000_000_000, Some(sound(0.0, 1.0))), 1.0);
}

#[test]
fn jitter_and_uneven_starts_lose_and_double_no_picture() {
    let even = |n: u32| f64::from(n) / 30.0;
    let offsets = [0.0, 0.001, 0.007, 0.0165, 1.0 / 60.0, 0.0213, 0.85];
    for offset in offsets {
        for jitter_ms in [0.0, 1.0, 5.0] {
            let time = |n: u32| even(n) + offset + f64::from(n * 7919 % 11) / 11.0 * jitter_ms / 1000.0;
            let pictures = stamps((0..90).map(time));
            let film = SourceClock::new(&pictures, Some(&sound(0.0, 1.0)), THIRTY).expect("a clock");
            let mut shown = shown(&film, 0.0, film.even_length_s(), 1.0 / 30.0);
            let waits = shown.iter().take_while(|n| **n == 0).count();
            shown.drain(..waits.saturating_sub(1));
            assert_eq!(shown, (0..90).collect::<Vec<_>>(), "from {offset} s with {jitter_ms} ms");
            let first_s = (waits as f64 - 1.0) / 30.0;
            assert!(waits == 1 || (first_s + 1.0 / 30.0 - offset).abs() < 0.07, "{waits} at {offset}");
        }
    }
}

#[test]
fn a_halved_rate_takes_every_other_picture_and_a_raised_one_repeats_some() {
    let film = clock((0..120).map(|n| (f64::from(n) * 1000.0 / 60.0).round() / 1000.0));
    assert_eq!(shown(&film, 0.0, 2.0, 1.0 / 30.0), (0..120).step_by(2).collect::<Vec<_>>());
    let film = clock((0..50).map(|n| f64::from(n) / 25.0));
    let raised = shown(&film, 0.0, 1.0, 1.0 / 30.0);
    assert_eq!(raised.get(..7), Some(&[0, 0, 1, 2, 3, 4, 5][..]));
    let slow = clock((0..3).map(f64::from));
    let held = shown(&slow, 0.0, 3.0, 1.0 / 30.0);
    assert!(held.iter().enumerate().all(|(k, picture)| k / 30 == *picture), "{held:?}");
}

#[test]
fn a_picture_stands_until_the_next_one() {
    let film = clock((0..90).filter(|n| !(36..72).contains(n)).map(|n| f64::from(n) / 30.0));
    let shown = shown(&film, 0.0, 3.0, 1.0 / 30.0);
    assert_eq!((shown.len(), shown[35], shown[71], shown[72]), (90, 35, 35, 36));
}

#[test]
fn stamps_that_cannot_be_times_are_replaced() {
    assert_eq!(Stamp::new(None, None, Some(1)), None);
    let wild = Stamp::new(Some(95_443_000_000), Some(1_000_000), None).expect("a stamp");
    assert_eq!((wild.shown_us, wild.decoded_us()), (1_000_000, 1_000_000));
    let reordered = Stamp::new(Some(1_100_000), Some(1_000_000), Some(-5)).expect("a stamp");
    assert_eq!((reordered.decoded_us(), reordered.duration_us), (1_000_000, 0));
}

/// The breaks of a track with these times, and where it begins and ends.
fn track(times_s: &[f64]) -> (Vec<Break>, Span) {
    let mut finder = BreakFinder::default();
    let mut span = None;
    for stamp in stamps(times_s.iter().copied()) {
        finder.push(Some(&stamp));
        Span::extend(&mut span, &stamp);
    }
    (finder.breaks, span.expect("a packet"))
}

fn repair(picture_s: &[f64], sound_s: Option<&[f64]>, kind: ClockKind) -> Repair {
    let (picture, sound) = (track(picture_s), sound_s.map(track));
    let (breaks, span) = &picture;
    let sound = sound.as_ref().map(|(breaks, span)| Track { breaks, span: *span });
    Repair::new(Track { breaks, span: *span }, sound, kind)
}

/// Three seconds at thirty a second from each of these starts.
fn recordings(starts_s: &[f64]) -> Vec<f64> {
    starts_s.iter().flat_map(|start| (0..90).map(move |n| start + f64::from(n) / 30.0)).collect()
}

#[test]
fn two_recordings_in_one_file_go_on_one_frame_later_with_their_sound() {
    for second_s in [0.0, 95_448.0, 110.0] {
        let (picture, sound) = (recordings(&[100.0, second_s]), recordings(&[99.98, second_s - 0.02]));
        let repair = repair(&picture, Some(&sound), ClockKind::Broadcast);
        let [Shift { packet: 90, by_us }] = repair.picture[..] else { panic!("{repair:?}") };
        assert!((by_us - round_us(103.0 - second_s)).abs() < 100, "{second_s}: {by_us}");
        assert_eq!(repair.sound, repair.picture, "together");
    }
}

#[test]
fn a_pause_is_no_jump() {
    let paused = recordings(&[0.0, 25.0]);
    let running: Vec<f64> = (0..1000).map(|n| f64::from(n) / 30.0).collect();
    for kind in [ClockKind::Broadcast, ClockKind::Film] {
        assert!(repair(&paused, Some(&running), kind).is_empty(), "the sound goes on");
    }
    assert!(repair(&paused, Some(&paused), ClockKind::Film).is_empty(), "a recorder that paused");
    assert!(repair(&paused, None, ClockKind::Film).is_empty(), "a screen on which nothing moved");
    assert!(!repair(&paused, None, ClockKind::Broadcast).is_empty());
}

#[test]
fn sound_that_jumps_alone_goes_on_too() {
    let running: Vec<f64> = (0..1800).map(|n| f64::from(n) / 30.0).collect();
    for (second_s, by_s) in [(0.0, 53.0), (100_000.0, -99_947.0)] {
        let repair = repair(&running, Some(&recordings(&[50.0, second_s])), ClockKind::Film);
        assert_eq!((repair.picture.len(), repair.sound.len()), (0, 1), "to {second_s}");
        assert!((repair.sound[0].by_us - round_us(by_s)).abs() < 100, "to {second_s}");
    }
}

#[test]
fn sound_by_another_clock_starts_with_the_picture() {
    let repair = repair(&recordings(&[5.0]), Some(&recordings(&[7000.0])), ClockKind::Film);
    assert_eq!((repair.picture, repair.sound), (vec![], vec![Shift { packet: 0, by_us: -6_995_000_000 }]));
}

#[test]
fn any_stamps_make_a_clock_or_none() {
    let mut random = fastrand::Rng::with_seed(16);
    for _ in 0..2_000 {
        let mut time = random.f64() * 1e5;
        let mut times = Vec::new();
        for _ in 0..random.usize(0..200) {
            time += match random.u8(0..10) {
                0 => -random.f64(),
                1 => random.f64() * 100.0,
                2 => 0.0,
                _ => 1.0 / 30.0 + random.f64() / 200.0,
            };
            times.push(time);
        }
        let Some(film) = SourceClock::new(&stamps(times.clone()), None, THIRTY) else {
            assert!(times.is_empty());
            continue;
        };
        assert!(film.length_s() > 0.0 && film.even_length_s().is_finite(), "{film:?}");
        assert!(film.rate.fps() >= 0.001 && film.rate.fps() <= 1000.0, "{film:?}");
        let order = shown(&film, 0.0, film.length_s().min(20.0), 1.0 / 30.0);
        assert!(order.is_sorted(), "the order is never lost");
        for kind in [ClockKind::Broadcast, ClockKind::Film] {
            let _ = repair(&times, Some(&times), kind);
        }
    }
}
