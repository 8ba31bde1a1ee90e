//! Accidents in the middle of a render: the job still ends, once, and truly.

use e2e::{
    END_DEADLINE, Options, Probe, RawSocket, Stack, create, new_job, spotlight_params, upload, wait_until,
};
use futures_util::StreamExt as _;
use reel_client::{Job, JobStatus, JobType, MessageType};

/// Creates an overlay job and waits until a good part of it is rendered.
async fn half_rendered(stack: &Stack) -> Job {
    let client = stack.client();
    let job = create(&client, JobType::Overlay, spotlight_params()).await;
    let mut messages = client.watch(&job, 0);
    let found = tokio::time::timeout(END_DEADLINE, async {
        while let Some(message) = messages.next().await {
            let job = message.expect("a message").job;
            assert!(!job.status.is_terminal(), "the job was over before the accident could happen");
            if job.status == JobStatus::Processing && job.progress >= 20.0 {
                return job;
            }
        }
        panic!("the stream ended before the job");
    });
    found.await.expect("the render gets under way")
}

async fn assert_a_whole_reel(stack: &Stack, job: &Job) {
    assert_eq!((job.status, job.error.as_deref()), (JobStatus::Complete, None));
    let reel = stack.folder().join("reel.mp4");
    let url = job.output_url.as_ref().expect("a complete job has an output_url");
    stack.client().download(url, &reel, |_, _| ()).await.expect("the reel");
    let probe = Probe::of(&reel);
    assert_eq!((probe.width, probe.height, probe.frames), (1080, 1920, 132));
}

#[tokio::test]
async fn a_gpu_worker_that_dies_in_mid_render_costs_an_attempt_and_not_the_job() {
    let mut stack = Stack::start(Options::fast_clock()).await;
    let job = half_rendered(&stack).await;
    stack.kill_gpu();
    stack.restart_gpu().await;

    let heard = RawSocket::open(&stack, &job).await.listen().await;
    heard.assert_whole();
    assert_eq!(heard.close_code, Some(1000));
    let job = stack.client().job(job.job_id).await.expect("the job");
    assert!(job.attempt > 1, "the first attempt died: {}", job.attempt);
    assert_a_whole_reel(&stack, &job).await;
}

#[tokio::test]
async fn a_worker_that_is_killed_in_mid_render_comes_back_and_ends_the_job() {
    let mut stack = Stack::start(Options::fast_clock()).await;
    let job = half_rendered(&stack).await;
    let client = stack.client();
    // This watcher lives through it: its socket breaks, and it comes back by itself.
    let before = job.seq.unwrap_or(0);
    let followed = job.clone();
    let watcher = tokio::spawn(async move {
        client.watch(&followed, before).map(|message| message.expect("a message")).collect::<Vec<_>>().await
    });
    stack.kill_worker();
    stack.restart_worker().await;

    let messages =
        tokio::time::timeout(END_DEADLINE, watcher).await.expect("the job ends").expect("the watcher");
    let last = messages.last().expect("messages");
    assert_eq!(last.message_type, MessageType::Complete);
    let numbers: Vec<u64> = messages.iter().filter_map(|message| message.seq).collect();
    assert!(
        numbers.windows(2).all(|pair| pair[0] + 1 == pair[1]),
        "nothing lost, nothing twice: {numbers:?}"
    );
    assert_a_whole_reel(&stack, &last.job).await;
}

#[tokio::test]
async fn a_file_that_ffmpeg_cannot_read_ends_the_job_with_a_sentence_and_no_second_attempt() {
    let stack = Stack::shared().await;
    let client = stack.client();
    let clip = stack.folder().join("broken.mp4");
    std::fs::write(&clip, b"this was never a video").expect("a file");
    let key = upload(&client, &clip).await;
    let job =
        client.create_job(&new_job(JobType::Overlay, key, spotlight_params()), None).await.expect("a job");
    let messages = e2e::render(&client, &job).await;
    let last = messages.last().expect("messages");
    assert_eq!((last.message_type, last.job.status), (MessageType::Error, JobStatus::Error));
    assert_eq!(
        (last.job.error_code.as_deref(), last.job.retryable, last.job.attempt),
        (Some("invalid_input"), Some(false), 1)
    );
    let sentence = last.job.error.as_deref().expect("a sentence");
    assert!(sentence.len() > 20 && sentence.ends_with('.') && !sentence.contains("/tmp"), "{sentence}");

    // The command says the same, with exit code 1.
    let output = stack.reel().args(["watch", &job.job_id.to_string()]).output().expect("the command runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains(sentence) && stderr.contains("invalid_input"), "{stderr}");
}

#[tokio::test]
async fn a_command_that_is_interrupted_leaves_the_job_going_and_says_how_to_follow_it() {
    let stack = Stack::shared().await;
    let log = stack.folder().join("interrupted.log");
    let mut command = stack.reel();
    command.args(["export", "--type", "framing", "--crop", "0:437,0,405,720", "--out"]);
    command.arg(stack.folder().join("interrupted.mp4")).arg(e2e::sample());
    command.stderr(std::fs::File::create(&log).expect("a log"));
    let mut child = command.spawn().expect("the command runs");
    let said = || std::fs::read_to_string(&log).unwrap_or_default();
    wait_until("the command has a job", async || said().contains("job ")).await;
    let pid = rustix::process::Pid::from_raw(child.id().cast_signed()).expect("a process id");
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("to interrupt it");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));

    let (_, rest) =
        said().split_once("reel watch ").map(|(a, b)| (a.to_owned(), b.to_owned())).expect("a hint");
    let id = rest.split_whitespace().next().expect("an id").parse().expect("a job id");
    let job = stack.client().job(id).await.expect("the job goes on");
    let messages = e2e::render(&stack.client(), &job).await;
    assert_eq!(messages.last().expect("messages").message_type, MessageType::Complete);
}
