//! What a job would make, and how long that would take, from its params alone.
//!
//! Invariant: what the params do not say is unknown, not guessed: nothing has opened the videos.

use serde_json::{Value, json};

use crate::base::time::DurationMs;
use crate::edit::{Edit, FrameSize, Framing, Transition};
use crate::job::execution_timeout::Workload;

/// The answer of a dry run.
pub fn dry_run_json(edit: &Edit, input_bytes: u64) -> String {
    let workload = Workload::of(edit);
    let (size, duration_s, fps) = match edit {
        // Where a crop lies inside the picture, the picture does not matter.
        Edit::Overlay(overlay) => {
            let size = overlay.output.resolve(UNKNOWN).filter(|_| overlay.crop.is_some() || is_whole(edit));
            let of_crop = overlay.crop.as_ref().and_then(|_| overlay.output_size(UNKNOWN));
            (of_crop.or(size), None, None)
        }
        Edit::Framing(framing) => {
            (Some(framing.output_size(|_| UNKNOWN)), reel_s(framing), framing.target_fps)
        }
        Edit::Annotate(annotate) => {
            let seconds = annotate.clips.iter().map(|clip| clip.end_time - clip.start_time).sum();
            (None, Some(seconds), None)
        }
    };
    let known = |value: Option<f64>| value.map_or(Value::Null, |value| json!(value));
    let render_s = duration_s.map(|_| workload.render_s());
    let range = |of: &dyn Fn(f64) -> f64| match render_s {
        Some((least, most)) => json!({"least": of(least), "most": of(most)}),
        None => Value::Null,
    };
    let DurationMs(timeout_ms) = workload.execution_timeout(input_bytes);
    json!({
        "dry_run": true,
        "type": edit.job_type(),
        "output": {
            "width": size.map(|size| size.width),
            "height": size.map(|size| size.height),
            "fps": known(fps),
            "frames": known(duration_s.zip(fps).map(|(seconds, fps)| (seconds * fps).round())),
            "duration_ms": known(duration_s.map(|seconds| (seconds * 1000.0).round())),
        },
        "further_outputs": edit.renditions().len(),
        "estimated_render_ms": range(&|seconds| (seconds * 1000.0).round()),
        "estimated_cost_usd": range(&|seconds| (seconds * GPU_USD_PER_S * 1e6).round() / 1e6),
        "execution_timeout_ms": timeout_ms,
    })
    .to_string()
}

/// Whether the size of an overlay without a crop follows from its params alone.
fn is_whole(edit: &Edit) -> bool {
    let Edit::Overlay(overlay) = edit else { return false };
    let other = FrameSize { width: UNKNOWN.height / 2, height: UNKNOWN.width };
    overlay.output.resolve(UNKNOWN) == overlay.output.resolve(other)
}

/// The length of a reel whose clips all name their end.
fn reel_s(framing: &Framing) -> Option<f64> {
    let clip_s = |clip: &crate::edit::Clip| -> Option<f64> {
        let (start, end) = (clip.start_time.unwrap_or(0.0), clip.end_time.unwrap_or(f64::INFINITY));
        if clip.segments.is_empty() {
            return end.is_finite().then_some(end - start);
        }
        let shown = |segment: &crate::edit::Segment| {
            (segment.end.min(end) - segment.start.max(start)).max(0.0) / segment.speed
        };
        Some(clip.segments.iter().map(shown).sum())
    };
    let total: f64 = framing.clips.iter().map(clip_s).sum::<Option<f64>>()?;
    let joints = f64::from(u32::try_from(framing.clips.len().saturating_sub(1)).unwrap_or(0));
    Some(match framing.transition {
        Transition::Dissolve { seconds } => (total - joints * seconds).max(0.0),
        Transition::Cut | Transition::Fade { .. } => total,
    })
}

/// What a second of a GPU with 24 GB is taken to cost, in dollars: a guide, since RunPod's prices change.
const GPU_USD_PER_S: f64 = 0.000_19;
/// A picture that every crop lies inside of.
const UNKNOWN: FrameSize = FrameSize { width: 16_384, height: 16_384 };

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::JobType;

    fn dry_run(job_type: JobType, params: &Value) -> Value {
        let edit = Edit::parse(job_type, &params.to_string()).unwrap();
        serde_json::from_str(&dry_run_json(&edit, 50_000_000)).unwrap()
    }

    fn crop() -> Value {
        json!([{"time": 0, "x": 0, "y": 0, "width": 405, "height": 720}])
    }

    #[test]
    fn a_framing_that_names_its_end_is_known() {
        let params = json!({"crop_keyframes": crop(), "start_time": 1, "end_time": 7, "target_fps": 30,
            "segments": [{"start": 1, "end": 5}, {"start": 5, "end": 9, "speed": 0.5}]});
        let answer = dry_run(JobType::Framing, &params);
        assert_eq!(
            answer["output"],
            json!({"width": 810, "height": 1440, "fps": 30.0, "frames": 240.0, "duration_ms": 8000.0})
        );
        let (least, most) = (&answer["estimated_render_ms"]["least"], &answer["estimated_render_ms"]["most"]);
        assert!(least.as_f64() > Some(1000.0) && least.as_f64() < most.as_f64(), "{answer}");
        assert!(answer["estimated_cost_usd"]["most"].as_f64() > Some(0.0), "{answer}");
    }

    #[test]
    fn what_the_params_do_not_say_is_unknown() {
        let answer = dry_run(JobType::Overlay, &json!({"output_width": 640}));
        assert_eq!(
            answer["output"],
            json!({"width": null, "height": null, "fps": null, "frames": null, "duration_ms": null})
        );
        assert_eq!(answer["estimated_render_ms"], Value::Null);
        let sized = dry_run(JobType::Overlay, &json!({"preset": "square_1080"}));
        assert_eq!((&sized["output"]["width"], &sized["output"]["height"]), (&json!(1080), &json!(1080)));
        let cropped = dry_run(JobType::Overlay, &json!({"crop_keyframes": crop()}));
        assert_eq!(cropped["output"]["height"], 1920);
        let open = dry_run(JobType::Framing, &json!({"crop_keyframes": crop()}));
        assert_eq!(open["output"]["duration_ms"], Value::Null);
    }

    #[test]
    fn a_dissolve_overlaps_and_a_fade_does_not() {
        let clip = json!({"crop_keyframes": crop(), "end_time": 4});
        let of = |transition: Value| {
            let params = json!({"clips": [clip, clip, clip], "transition": transition});
            dry_run(JobType::Framing, &params)["output"]["duration_ms"].clone()
        };
        assert_eq!(of(json!({"type": "dissolve", "duration": 1})), json!(10_000.0));
        assert_eq!(of(json!({"type": "fade", "duration": 1})), json!(12_000.0));
        let clips = json!({"clips": [{"start_time": 3, "end_time": 5.5, "name": "x", "rating": 3}]});
        assert_eq!(dry_run(JobType::Annotate, &clips)["output"]["duration_ms"], json!(2500.0));
    }
}
