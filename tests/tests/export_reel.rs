//! A reel of two uploaded videos, through the Worker: one job, one file, a chapter for each clip.

use std::process::Command;

use e2e::{Probe, Stack, bare_http, luma, new_job, render, run, sample, upload};
use reel_client::{JobStatus, JobType, MessageType};
use serde_json::{Value, json};

#[tokio::test]
async fn clips_of_two_videos_become_one_reel_with_chapters() {
    let stack = Stack::shared().await;
    let client = stack.client();
    let white = stack.folder().join("white film.mp4");
    let source = "color=white:s=1280x720:r=25:d=2";
    run(Command::new("ffmpeg")
        .args(["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p"])
        .arg(&white));
    let (own, other) = (upload(&client, &sample()).await, upload(&client, &white).await);
    let crop = json!([{"frame": 0, "x": 437, "y": 0, "width": 405, "height": 720}]);
    let params = json!({
        "clips": [
            {"crop_keyframes": crop, "end_time": 2.0, "name": "The rabbit"},
            {"crop_keyframes": crop, "video_key": other},
            {"crop_keyframes": crop, "video_key": own, "start_time": 3.0, "end_time": 4.0},
        ],
        "transition": {"type": "dissolve", "duration": 0.4},
        "output_width": 270, "output_height": 480,
    });
    let order = new_job(JobType::Framing, own, params);
    let job = client.create_job(&order, None).await.expect("a job");
    let messages = render(&client, &job).await;
    let last = messages.last().expect("messages");
    assert_eq!((last.message_type, last.job.status), (MessageType::Complete, JobStatus::Complete));

    let reel = stack.folder().join("clips.mp4");
    let url = last.job.output_url.as_ref().expect("the last message has an output_url");
    client.download(url, &reel, |_, _| ()).await.expect("the reel");
    let probe = Probe::of(&reel);
    assert_eq!((probe.width, probe.height, probe.frames), (270, 480, 50 + 50 + 25 - 2 * 10));
    assert!((probe.audio_duration - probe.duration).abs() <= 0.1, "{probe:?}");
    assert!(luma(&reel, 2.6, "270:480:0:0") > 225.0, "the white film is in the middle");
    assert!(luma(&reel, 0.5, "270:480:0:0") < 200.0 && luma(&reel, 3.9, "270:480:0:0") < 200.0);
    let text = run(Command::new("ffprobe").args(["-v", "error", "-show_chapters", "-of", "json"]).arg(&reel));
    let found: Value = serde_json::from_str(&text).expect("JSON");
    let titles: Vec<_> =
        found["chapters"].as_array().expect("chapters").iter().map(|c| c["tags"]["title"].as_str()).collect();
    assert_eq!(titles, [Some("The rabbit"), Some("white_film.mp4"), Some("bigbuckbunny.mp4")]);
}

#[tokio::test]
async fn every_video_that_is_not_in_the_bucket_is_named_where_the_request_does() {
    let stack = Stack::shared().await;
    let crop = json!([{"frame": 0, "x": 0, "y": 0, "width": 405, "height": 720}]);
    let keys = ["input/nobody/a.mp4", "input/nobody/b.mp4"];
    let clips: Vec<Value> =
        keys.iter().map(|key| json!({"crop_keyframes": crop, "video_key": key})).collect();
    let own = upload(&stack.client(), &sample()).await;
    for job_id in [Value::Null, json!("3f2b8c1e-9d4a-4c77-8a5e-0b1c2d3e4f61")] {
        let body = json!({"project_id": 7, "type": "framing", "input_video_key": own, "job_id": job_id,
            "params": {"clips": clips}});
        let request = bare_http().post(format!("{}/api/jobs", stack.api_url()));
        let answer = request.body(body.to_string()).header("content-type", "application/json").send().await;
        let answer = answer.expect("an answer");
        assert_eq!(answer.status().as_u16(), 422);
        let problem: Value = answer.json().await.expect("a problem");
        let pointers: Vec<_> = problem["errors"]
            .as_array()
            .expect("faults")
            .iter()
            .map(|fault| fault["pointer"].as_str())
            .collect();
        assert_eq!(pointers, [Some("/params/clips/0/video_key"), Some("/params/clips/1/video_key")]);
        assert_eq!(problem["code"], "input_not_found", "{problem}");
    }
}
