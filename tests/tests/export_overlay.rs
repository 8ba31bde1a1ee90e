//! A highlighted reel, from a clip on disk to a reel on disk.

use e2e::{Probe, RawSocket, Stack, create, luma, sample, spotlight_params};
use reel_client::{JobStage, JobStatus, JobType};

#[tokio::test]
async fn a_spotlight_overlay_becomes_a_vertical_reel_and_its_story_is_told_without_gaps() {
    let stack = Stack::shared().await;
    let client = stack.client();
    let job = create(&client, JobType::Overlay, spotlight_params()).await;
    assert_eq!((job.status, job.job_type, job.project_id), (JobStatus::Pending, JobType::Overlay, 7));

    let heard = RawSocket::open(&stack, &job).await.listen().await;
    heard.assert_whole();
    assert_eq!(heard.close_code, Some(1000));
    let last = heard.messages.last().expect("messages");
    assert_eq!(
        (&last["type"], &last["status"], &last["progress"]),
        (&"complete".into(), &"complete".into(), &100.into())
    );
    assert_eq!(last["job_type"], "overlay");

    let job = client.job(job.job_id).await.expect("the job");
    assert_eq!((job.status, job.stage.clone(), job.attempt), (JobStatus::Complete, Some(JobStage::Done), 1));
    assert!(job.completed_at.is_some() && job.error.is_none());

    let reel = stack.folder().join("overlay.mp4");
    let url = job.output_url.as_ref().expect("a complete job has an output_url");
    let bytes = client.download(url, &reel, |_, _| ()).await.expect("the reel");
    assert_eq!(Some(bytes), job.output_bytes);
    let probe = Probe::of(&reel);
    assert_eq!((probe.video_codec.as_str(), probe.width, probe.height), ("h264", 1080, 1920));
    assert_eq!((probe.frames, probe.audio_codec.as_deref()), (132, Some("aac")));
    assert!((probe.duration - 5.28).abs() <= 0.04, "{probe:?}");

    // Outside of the ellipse the picture is at 0.3 of its light; inside it is as it was.
    let corner = luma(&reel, 2.0, "1080:200:0:0") / luma(&sample(), 2.0, "405:75:437:0");
    let middle = luma(&reel, 2.0, "160:160:460:880") / luma(&sample(), 2.0, "60:60:610:330");
    assert!((0.25..0.35).contains(&corner), "the corner is at {corner} of its light");
    assert!((0.93..1.07).contains(&middle), "the middle is at {middle} of its light");
}

#[tokio::test]
async fn a_blur_overlay_without_a_crop_keeps_the_size_of_the_clip() {
    let stack = Stack::shared().await;
    let client = stack.client();
    let params = serde_json::json!({
        "highlight_regions": [{"start_frame": 0, "end_frame": 60, "x": 640, "y": 360, "radius_x": 80, "radius_y": 160}],
        "effect_type": "blur", "crop_keyframes": null
    });
    let job = create(&client, JobType::Overlay, params).await;
    let messages = e2e::render(&client, &job).await;
    let last = &messages.last().expect("messages").job;
    assert_eq!((last.status, last.error.as_deref()), (JobStatus::Complete, None));

    let reel = stack.folder().join("blur.mp4");
    let url = last.output_url.as_ref().expect("the last message has an output_url");
    client.download(url, &reel, |_, _| ()).await.expect("the reel");
    let probe = Probe::of(&reel);
    assert_eq!((probe.width, probe.height, probe.frames), (1280, 720, 132));
}
