//! A body of each kind, as a client sends it.

use serde_json::{Value, json};

/// An example of this schema, if it is a request's body.
pub fn example(schema: &str) -> Option<Value> {
    let video = "input/3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f50/match.mp4";
    let part = json!({"part_number": 1, "etag": "\"d41d8cd98f00b204e9800998ecf8427e\""});
    let crop = json!([
        {"time": 0, "x": 120, "y": 0, "width": 405, "height": 720},
        {"time": 2.5, "x": 310, "y": 0, "width": 405, "height": 720}
    ]);
    let overlay = json!({
        "effect_type": "spotlight",
        "highlight_regions": [{"start_time": 0, "end_time": 3, "keyframes": [
            {"time": 0, "x": 640, "y": 380, "radiusX": 60, "radiusY": 120},
            {"time": 3, "x": 700, "y": 360, "radiusX": 60, "radiusY": 120}
        ]}],
        "outputs": [{"name": "feed", "preset": "square_1080"}]
    });
    let framing = json!({
        "crop_keyframes": crop, "output_width": 1080, "output_height": 1920, "start_time": 0, "end_time": 6,
        "segments": [{"start": 0, "end": 4}, {"start": 4, "end": 6, "speed": 0.5}]
    });
    let annotate = json!({
        "clips": [{"start_time": 12.5, "end_time": 19, "name": "The goal", "rating": 5, "tags": ["goal"]}]
    });
    let reel = json!({
        "clips": [{"crop_keyframes": crop}, {"crop_keyframes": crop, "video_key": video, "name": "The second half"}],
        "transition": {"type": "dissolve", "duration": 0.5}
    });
    let job = |job_type: &str, params: &Value| json!({"project_id": 7, "type": job_type, "input_video_key": video, "params": params});
    let with_project = |params: &Value, more: Value| {
        let mut body = params.clone();
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        body
    };
    Some(match schema {
        "OverlayParams" => overlay,
        "FramingParams" | "ClipFraming" => framing,
        "ReelFraming" => reel,
        "AnnotateParams" => annotate,
        "CreateJob" | "CreateOverlayJob" => job("overlay", &overlay),
        "CreateBatch" => json!({"jobs": [job("overlay", &overlay), job("framing", &framing)]}),
        "CreateFramingJob" => job("framing", &framing),
        "CreateAnnotateJob" => job("annotate", &annotate),
        "CreateUploadUrl" => {
            json!({"filename": "match.mp4", "content_type": "video/mp4", "size_bytes": 48_213_004})
        }
        "CreateUpload" => {
            json!({"filename": "match.mov", "content_type": "video/quicktime", "size_bytes": 2_147_483_648_u64})
        }
        "SignParts" => json!({"part_numbers": [1, 2, 3]}),
        "ConfirmParts" | "CompleteUpload" => json!({"parts": [part]}),
        "ExportOverlay" => with_project(&overlay, json!({"project_id": 7})),
        "ExportFraming" => with_project(&framing, json!({"project_id": 7, "clip_index": 0})),
        "PutProject" => json!({"name": "Saturday's match", "working_video_key": video}),
        "PutClip" => json!({"video_key": video, "start_time": 12.5, "end_time": 19, "name": "The goal"}),
        "CreateWebhook" => {
            json!({"url": "https://hooks.example.com/reels", "event_types": ["job.complete", "job.error"]})
        }
        "UpdateWebhook" => json!({"enabled": true}),
        "CreateToken" => json!({"subject": "user-1", "scopes": ["read"], "expires_in_s": 600}),
        _ => return None,
    })
}
