//! Which parts of a video an edit shows.

use std::ops::Range;

use reel_core::base::object_key::ObjectKey;
use reel_core::edit::{Clip, Edit};

/// The parts of the video at `key` that the output shows, in seconds; `None` for all of it. `is_main` says that
/// clips without a key mean this video.
pub(super) fn shown_s(edit: &Edit, key: &ObjectKey, is_main: bool) -> Option<Vec<Range<f64>>> {
    let parts: Vec<Range<f64>> = match edit {
        Edit::Overlay(_) => return None,
        Edit::Framing(framing) => {
            let is_shown = |clip: &&Clip| clip.video_key.as_ref().map_or(is_main, |named| named == key);
            framing.clips.iter().filter(is_shown).flat_map(of_clip).collect()
        }
        Edit::Annotate(annotate) => {
            annotate.clips.iter().map(|clip| clip.start_time..clip.end_time).collect()
        }
    };
    let is_bounded = |part: &Range<f64>| part.start > 0.0 || part.end.is_finite();
    (!parts.is_empty() && parts.iter().all(is_bounded)).then_some(parts)
}

fn of_clip(clip: &Clip) -> Vec<Range<f64>> {
    let trim = clip.start_time.unwrap_or(0.0)..clip.end_time.unwrap_or(f64::INFINITY);
    if clip.segments.is_empty() {
        return vec![trim];
    }
    let segment =
        |segment: &reel_core::edit::Segment| segment.start.max(trim.start)..segment.end.min(trim.end);
    clip.segments.iter().map(segment).filter(|part| part.start < part.end).collect()
}

#[cfg(test)]
mod tests {
    use reel_core::edit::JobType;

    use super::*;

    fn shown(kind: JobType, params: &str, key: &str, is_main: bool) -> Option<Vec<Range<f64>>> {
        let edit = Edit::parse(kind, params).expect("valid params");
        shown_s(&edit, &ObjectKey::parse_input(key).expect("a key"), is_main)
    }

    #[test]
    fn a_trim_and_segments_bound_what_is_shown() {
        let keys = r#""crop_keyframes":[{"frame":0,"x":0,"y":0,"width":9,"height":9}]"#;
        let framing =
            |rest: &str| shown(JobType::Framing, &format!("{{{keys}{rest}}}"), "input/a/b.mp4", true);
        assert_eq!(framing(""), None);
        assert_eq!(framing(r#","start_time":3,"end_time":5"#), Some(vec![3.0..5.0]));
        assert_eq!(framing(r#","start_time":3"#), Some(vec![3.0..f64::INFINITY]));
        let segments = r#","start_time":3,"segments":[{"start":0,"end":2},{"start":2,"end":4},{"start":8,"end":9,"speed":0.5}]"#;
        assert_eq!(framing(segments), Some(vec![3.0..4.0, 8.0..9.0]));
    }

    #[test]
    fn every_clip_of_a_compilation_is_shown() {
        let params = r#"{"clips":[{"start_time":2,"end_time":3,"name":"a","rating":3},{"start_time":70,"end_time":75,"name":"b","rating":3}]}"#;
        assert_eq!(shown(JobType::Annotate, params, "input/a/b.mp4", true), Some(vec![2.0..3.0, 70.0..75.0]));
    }
}
