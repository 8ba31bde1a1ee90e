use serde_json::json;

use super::*;

fn regions(value: &Value) -> Regions {
    let mut errors = Vec::new();
    let regions = Regions::read(value, FieldContext::root(&mut errors));
    assert_eq!(errors, []);
    regions.expect("regions")
}

fn linear(regions: &Regions, seconds: f64) -> Vec<Highlight> {
    regions.at(FramePosition { frame: seconds * 10_000.0, fps: 10_000.0 }, Interpolation::Linear)
}

fn key(time: f64, x: f64, radius: f64, opacity: f64, color: &str) -> Value {
    json!({"time": time, "x": x, "y": 20, "radiusX": radius, "radiusY": 40,
           "opacity": opacity, "color": color})
}

#[test]
fn every_error_of_a_region_has_its_pointer() {
    let mut errors = Vec::new();
    let body = json!([
        {"start_frame": 9, "end_frame": 3, "x": 0, "y": 0, "radius_x": 9, "radius_y": 9},
        {"start_time": 2, "end_time": 2, "keyframes": []},
        {"start_time": 0, "end_time": 2, "keyframes": [
            {"time": 1, "x": 1, "y": 1, "radius_x": 5, "radiusY": 5, "color": "yellow"}]},
    ]);
    assert_eq!(Regions::read(&body, FieldContext::root(&mut errors)), None);
    let listed: Vec<_> = errors.iter().map(|f| (f.pointer.as_str(), f.detail.as_str())).collect();
    assert_eq!(
        listed,
        [
            ("/0/end_frame", "must not be less than start_frame"),
            ("/1/keyframes", "must have at least one keyframe"),
            ("/1/end_time", "must be after start_time"),
            ("/2/keyframes/0/radiusX", "is required"),
            ("/2/keyframes/0/color", "must be a colour such as #FFFF00"),
            ("/2/keyframes/0/radius_x", "is not a known field (did you mean \"radiusX\"?)"),
        ]
    );
    let mut errors = Vec::new();
    let mixed = json!([
        {"start_frame": 0, "end_frame": 3, "x": 0, "y": 0, "radius_x": 9, "radius_y": 9},
        {"start_time": 0, "end_time": 2, "keyframes": [key(0.0, 1.0, 2.0, 0.5, "#000000")]},
    ]);
    assert_eq!(Regions::read(&mixed, FieldContext::root(&mut errors)), None);
    assert_eq!(errors[0].pointer, "/1");
}

#[test]
fn a_moving_region_waits_at_its_first_keyframe_and_ends_at_its_last() {
    let regions = regions(&json!([{"id": "region-1", "start_time": 0.25, "end_time": 5, "keyframes": [
        key(1.0, 100.0, 50.0, 0.15, "#FFFF00"), key(2.0, 200.0, 60.0, 0.35, "#FF0000"),
    ]}]));
    assert_eq!(linear(&regions, 0.2), []);
    let before_first = linear(&regions, 0.5)[0];
    assert_eq!((before_first.center_x, before_first.radius_x, before_first.color), (100, 50, Color::YELLOW));
    let middle = linear(&regions, 1.5)[0];
    assert_eq!((middle.center_x, middle.radius_x, middle.color), (150, 55, Color::YELLOW));
    assert!((middle.fill_alpha - 0.25).abs() < 1e-12 && (middle.strength - 1.0).abs() < 1e-12);
    let last = linear(&regions, 2.0)[0];
    assert_eq!((last.center_x, last.radius_x), (200, 60));
    assert_eq!(last.color, Color { red: 255, green: 0, blue: 0 });
    assert_eq!(linear(&regions, 2.0001), []);
}

#[test]
fn only_the_first_active_moving_region_is_drawn() {
    let region = |start: f64, end: f64, x: f64| {
        json!({"start_time": start, "end_time": end,
               "keyframes": [key(0.0, x, 9.0, 0.1, "#FFFF00"), key(9.0, x, 9.0, 0.1, "#FFFF00")]})
    };
    let regions = regions(&json!([region(1.0, 3.0, 30.0), region(0.0, 2.0, 10.0)]));
    let centers = |at| linear(&regions, at).iter().map(|h| h.center_x).collect::<Vec<_>>();
    assert_eq!(centers(0.5), [10]);
    assert_eq!(centers(2.0), [10], "both ends belong to the region");
    assert_eq!(centers(2.5), [30]);
    assert_eq!(centers(3.5), Vec::<i32>::new());
}

#[test]
fn a_region_with_one_keyframe_ends_at_it() {
    let regions = regions(&json!([{"start_time": 0, "end_time": 5, "keyframes": [
        key(1.0, 100.0, 50.0, 0.15, "#FFFF00")]}]));
    assert_eq!(linear(&regions, 1.0).len(), 1);
    assert_eq!(linear(&regions, 1.1).len(), 0);
}

#[test]
fn all_active_fixed_regions_are_drawn_in_order() {
    let region = |start: u32, end: u32, x: f64| {
        json!({"start_frame": start, "end_frame": end, "x": x, "y": 5.9, "radius_x": 8.7,
               "radius_y": 16, "opacity": 0.5})
    };
    let regions = regions(&json!([region(10, 20, 90.9), region(0, 10, 10.0)]));
    let at = |frame| regions.at(FramePosition { frame, fps: 25.0 }, Interpolation::Linear);
    assert_eq!(at(10.0).iter().map(|h| h.center_x).collect::<Vec<_>>(), [90, 10]);
    assert_eq!(at(20.0).len(), 1);
    assert_eq!(at(20.5).len(), 1, "a moment of the last frame");
    assert_eq!(at(21.0).len(), 0);
    let highlight = at(15.0)[0];
    assert_eq!((highlight.center_y, highlight.radius_x, highlight.radius_y), (5, 8, 16));
    assert_eq!([highlight.strength, highlight.fill_alpha, highlight.ring_alpha], [0.5, 0.075, 0.3]);
}
