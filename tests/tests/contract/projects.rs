//! Projects, their clips, and the export routes of the FastAPI backend.

use e2e::{ExchangeRecorder, Request, Stack};
use serde_json::json;

use crate::{OVERLAY, submitted};

pub async fn walk(stack: &Stack, scribe: &mut ExchangeRecorder) {
    let overlay = || Request::new("POST /api/export/overlay");
    let framing = || Request::new("POST /api/export/framing");
    let video = format!("input/{OVERLAY}/working_video.mp4");
    let crop = json!([{"frame": 0, "x": 100.5, "y": 0.0, "width": 405.0, "height": 720.0}]);

    scribe.ask("export-overlay-without-project", overlay().json(json!({"project_id": 9}))).await;
    let put = |path: &str| Request::new(format!("PUT /api/projects/9{path}"));
    scribe.ask("project-put", put("").json(json!({"name": "Great Goal"}))).await;
    scribe.ask("export-overlay-without-video", overlay().json(json!({"project_id": 9}))).await;
    let missing = json!({"working_video_key": format!("input/{OVERLAY}/missing.mp4")});
    scribe.ask("project-put-refused", put("").json(missing)).await;
    scribe.ask("project-put-again", put("").json(json!({"working_video_key": video}))).await;
    scribe.ask("project", Request::new("GET /api/projects/9")).await;
    scribe.ask("projects", Request::new("GET /api/projects")).await;

    let body = json!({"project_id": 9, "clip_index": 0, "crop_keyframes": crop});
    scribe.ask("export-framing-without-clip", framing().json(body.clone())).await;
    let clip = json!({"video_key": video, "start_time": 1.0, "end_time": 4.5, "name": "First half"});
    scribe.ask("clip-put", put("/clips/0").json(clip)).await;
    let wrong = json!({"video_key": video, "start_time": 4.5, "end_time": 4.5});
    scribe.ask("clip-put-refused", put("/clips/0").json(wrong)).await;
    scribe.ask("clip", Request::new("GET /api/projects/9/clips/0")).await;
    scribe.ask("clips", Request::new("GET /api/projects/9/clips")).await;

    let mut asked = body;
    asked["job_id"] = json!(FRAMING);
    scribe.ask("export-framing", framing().json(asked)).await;
    submitted(stack, scribe, FRAMING, 1).await;
    let seed = json!({
        "project_id": 9, "job_id": HIGHLIGHT,
        "highlight_regions": [{"start_frame": 0, "end_frame": 60, "x": 540.0, "y": 960.0,
            "radius_x": 80.0, "radius_y": 160.0, "opacity": 1.0, "color": "#ffffff"}],
        "effect_type": "blur", "crop_keyframes": null, "output_width": 1080, "output_height": 1920
    });
    scribe.ask("export-overlay", overlay().json(seed)).await;
    submitted(stack, scribe, HIGHLIGHT, 1).await;
    scribe.ask("export-status", Request::new(format!("GET /api/export/overlay/{HIGHLIGHT}"))).await;
    let other_kind = Request::new(format!("GET /api/export/framing/{HIGHLIGHT}"));
    scribe.ask("export-status-of-the-other-kind", other_kind).await;
    let wrong = json!({"project_id": 9, "effect_type": "spotligth", "output_width": 1081});
    scribe.ask("export-overlay-refused", overlay().json(wrong)).await;
    let active = Request::new("GET /api/exports/active");
    e2e::wait_until("the index knows both", async || {
        let active: serde_json::Value = scribe.send(&active).await.json().await.expect("JSON");
        active["exports"].as_array().is_some_and(|exports| exports.len() == 2)
    })
    .await;
    scribe.ask("exports-active", active).await;
    for id in [FRAMING, HIGHLIGHT] {
        scribe.send(&Request::new(format!("POST /api/jobs/{id}/cancel"))).await;
    }
    scribe.ask("clip-delete", Request::new("DELETE /api/projects/9/clips/0")).await;
}

const FRAMING: &str = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f53";
const HIGHLIGHT: &str = "3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f54";
