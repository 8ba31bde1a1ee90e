//! The handler that runs in RunPod's cloud, unmodified, under the production loop of RunPod's own SDK,
//! with the Worker on the other side of a queue on loopback.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use e2e::{
    Options, Probe, Stack, bare_http, create, new_job, python, render, root, run, sample, spotlight_params,
    upload, wait_until,
};
use reel_client::{Job, JobStatus, JobType};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde_json::{Value, json};

#[tokio::test]
async fn the_sdk_completes_a_job_and_goes_on_after_one_that_fails() {
    let cloud = SdkStack::start().await;
    let client = cloud.stack.client();

    let broken = cloud.stack.folder().join("broken.mp4");
    std::fs::write(&broken, "not a video").expect("to write a file");
    let key = upload(&client, &broken).await;
    let params = spotlight_params();
    let failing = client.create_job(&new_job(JobType::Overlay, key, params), None).await.expect("a job");
    render(&client, &failing).await;
    let failing = client.job(failing.job_id).await.expect("the job");
    assert_eq!((failing.status, failing.error_code.as_deref()), (JobStatus::Error, Some("invalid_input")));
    let told = cloud.until_seen("done", &failing).await;
    assert_eq!(told["result"]["error"].as_str(), failing.error.as_deref(), "{told}");
    assert_eq!(cloud.status(&failing).await["status"], "FAILED");

    let job = create(&client, JobType::Overlay, spotlight_params()).await;
    render(&client, &job).await;
    cloud.assert_complete(&job).await;
    let told = cloud.until_seen("done", &job).await;
    let key = &told["result"]["output"]["output_video_key"];
    assert!(key.as_str().is_some_and(|key| key.contains(&job.job_id.to_string())), "{told}");
    assert_eq!(cloud.until_seen("webhook", &job).await["http"], 200);
    assert_eq!(cloud.status(&job).await["status"], "COMPLETED");
    assert!(cloud.seen().await.iter().all(|said| said["what"] != "progress"));
    cloud.until_nothing_is_left().await;
}

#[tokio::test]
async fn a_cancel_reaches_the_handler_kills_its_render_and_frees_the_worker() {
    let cloud = SdkStack::start().await;
    let client = cloud.stack.client();

    // RunPod stops it, as for an executionTimeout: the API goes on wanting it, so that only the handler
    // can be the one that ends the program.
    let stopped = cloud.long_render().await;
    let asked_at = Instant::now();
    cloud.cancel_at_runpod(&stopped).await;
    cloud.until_nothing_is_left().await;
    let took = asked_at.elapsed();
    assert!(took < STOP_LIMIT, "{took:?}");
    println!("from RunPod's cancel to the last process gone: {took:?}");
    client.cancel(stopped.job_id).await.expect("a cancelled job");

    let cancelled = cloud.long_render().await;
    let asked_at = Instant::now();
    let told = client.cancel(cancelled.job_id).await.expect("a cancelled job");
    assert_eq!((told.status, told.error_code.as_deref()), (JobStatus::Error, Some("cancelled")));
    cloud.until_seen("stop", &cancelled).await;
    cloud.until_nothing_is_left().await;
    let took = asked_at.elapsed();
    assert!(took < STOP_LIMIT, "{took:?}");
    println!("from the API's cancel to the last process gone: {took:?}");

    let next = create(&client, JobType::Overlay, spotlight_params()).await;
    render(&client, &next).await;
    cloud.assert_complete(&next).await;
    let seen = cloud.seen().await;
    for job in [&stopped, &cancelled] {
        let id = cloud.runpod_id(job).await;
        assert!(!seen.iter().any(|said| said["what"] == "done" && said["id"] == *id), "{seen:?}");
    }
}

#[tokio::test]
async fn a_result_that_the_queue_refuses_does_not_cost_the_job() {
    let cloud = SdkStack::start().await;
    let client = cloud.stack.client();
    let answer = bare_http().post(format!("{}/lose-results", cloud.queue_url)).send().await;
    assert_eq!(answer.expect("an answer").status(), 200);
    let job = create(&client, JobType::Overlay, spotlight_params()).await;
    render(&client, &job).await;
    cloud.assert_complete(&job).await;
    cloud.until_seen("done", &job).await;
    // RunPod would bill and wait on, but for the Worker the job is done: nobody needs to tell it.
    assert_eq!(cloud.status(&job).await["status"], "IN_PROGRESS");
    assert!(cloud.seen().await.iter().all(|said| said["what"] != "webhook"));
}

/// The Worker, the queue, and RunPod's SDK with our handler. The programs end before the stack's folder.
struct SdkStack {
    sdk: Program,
    _queue: Program,
    queue_url: String,
    key: &'static str,
    temporary: PathBuf,
    stack: Stack,
}

impl SdkStack {
    async fn start() -> Self {
        // The SDK that the image has: half a minute and 200 MB, once.
        let python = python("e2e-runpod", &root().join("gpu-worker/runpod/requirements.txt")).await;
        let port = free_port();
        let queue_url = format!("http://127.0.0.1:{port}");
        let (key, worker_key) = ("key-of-the-api", "key-of-the-worker");
        let vars =
            vec![("RUNPOD_ENDPOINT", format!("{queue_url}/v2/sdk")), ("RUNPOD_API_KEY", key.to_owned())];
        let stack = Stack::start(Options { vars, ..Options::default() }).await;

        let mut queue = Command::new(&python);
        queue.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("python/runpod_queue.py"));
        queue.args(["--port", &port.to_string(), "--endpoint", "sdk", "--worker-key", worker_key]);
        let queue = Program::start(queue.env("RUNPOD_API_KEY", key), &stack.folder().join("queue.log"));
        wait_until("the queue listens", async || {
            bare_http().get(format!("{queue_url}/seen")).send().await.is_ok()
        })
        .await;

        let temporary = stack.folder().join("sdk");
        std::fs::create_dir(&temporary).expect("a folder");
        let mut sdk = Command::new(&python);
        sdk.arg(root().join("gpu-worker/runpod/handler.py"))
            .current_dir(&temporary)
            .env("GPU_WORKER", Path::new(stack.reel().get_program()).with_file_name("gpu-worker"))
            .env("TMPDIR", &temporary)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("RUNPOD_WEBHOOK_GET_JOB", format!("{queue_url}/sdk/job-take/$ID?gpu=none"))
            .env(
                "RUNPOD_WEBHOOK_POST_OUTPUT",
                format!("{queue_url}/sdk/job-done/$RUNPOD_POD_ID/$ID?gpu=none"),
            )
            .env(
                "RUNPOD_WEBHOOK_POST_STREAM",
                format!("{queue_url}/sdk/job-stream/$RUNPOD_POD_ID/$ID?gpu=none"),
            )
            .env("RUNPOD_WEBHOOK_PING", format!("{queue_url}/sdk/ping/$RUNPOD_POD_ID"))
            .env("RUNPOD_PING_INTERVAL", "1000")
            .env("RUNPOD_AI_API_KEY", worker_key)
            .env("RUNPOD_POD_ID", "pod-of-the-test")
            .env("RUNPOD_LOG_LEVEL", "INFO")
            // What they look for is RunPod's machines, not ours.
            .env("RUNPOD_SKIP_AUTO_SYSTEM_CHECKS", "true")
            .env("RUNPOD_SKIP_GPU_CHECK", "true");
        let sdk = Program::start(&mut sdk, &stack.folder().join("sdk.log"));
        Self { sdk, _queue: queue, queue_url, key, temporary, stack }
    }

    /// Everything that the SDK said to the queue, and the queue to the Worker.
    async fn seen(&self) -> Vec<Value> {
        let answer = bare_http().get(format!("{}/seen", self.queue_url)).send().await.expect("an answer");
        answer.json().await.expect("a list")
    }

    /// Waits for the first of that kind about this job.
    async fn until_seen(&self, what: &str, job: &Job) -> Value {
        let id = self.runpod_id(job).await;
        let mut found = None;
        wait_until(&format!("the queue sees: {what}"), async || {
            found = self.seen().await.into_iter().find(|said| said["what"] == what && said["id"] == *id);
            found.is_some()
        })
        .await;
        found.expect("it was waited for")
    }

    /// RunPod's id of the only submit of a job.
    async fn runpod_id(&self, job: &Job) -> String {
        let seen = self.seen().await;
        let of_job = |said: &&Value| said["what"] == "run" && said["job_id"] == job.job_id.to_string();
        let submits: Vec<&Value> = seen.iter().filter(of_job).collect();
        assert_eq!(submits.len(), 1, "{seen:?}");
        submits[0]["id"].as_str().expect("an id").to_owned()
    }

    /// The job as RunPod shows it.
    async fn status(&self, job: &Job) -> Value {
        let url = format!("{}/v2/sdk/status/{}", self.queue_url, self.runpod_id(job).await);
        let answer = bare_http().get(url).bearer_auth(self.key).send().await.expect("an answer");
        answer.json().await.expect("a job")
    }

    /// Stops a job behind the Worker's back.
    async fn cancel_at_runpod(&self, job: &Job) {
        let url = format!("{}/v2/sdk/cancel/{}", self.queue_url, self.runpod_id(job).await);
        let answer = bare_http().post(url).bearer_auth(self.key).send().await.expect("an answer");
        assert_eq!(answer.status(), 200);
    }

    /// A job that the handler is in the middle of, and will be for a minute.
    async fn long_render(&self) -> Job {
        let long = self.stack.folder().join("long.mp4");
        run(Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-stream_loop", "19", "-i"])
            .arg(sample())
            .args(["-c", "copy"])
            .arg(&long));
        let client = self.stack.client();
        let key = upload(&client, &long).await;
        let params = json!({"effect_type": "blur", "crop_keyframes": null});
        let job = client.create_job(&new_job(JobType::Overlay, key, params), None).await.expect("a job");
        wait_until("ffmpeg renders", async || {
            let programs = self.programs();
            let runs = |name| programs.iter().any(|program: &Descendant| program.name == name);
            let progress = client.job(job.job_id).await.expect("the job").progress;
            runs("gpu-worker") && runs("ffmpeg") && progress > 10.0
        })
        .await;
        job
    }

    /// It completed in its first attempt, with a reel that can be fetched and plays.
    async fn assert_complete(&self, job: &Job) {
        let client = self.stack.client();
        let job = client.job(job.job_id).await.expect("the job");
        assert_eq!((job.status, job.error.as_deref(), job.attempt), (JobStatus::Complete, None, 1));
        let reel = self.stack.folder().join(format!("{}.mp4", job.job_id));
        let url = job.output_url.as_ref().expect("a complete job has an output_url");
        client.download(url, &reel, |_, _| ()).await.expect("the reel");
        let probe = Probe::of(&reel);
        assert_eq!((probe.video_codec.as_str(), probe.width, probe.height), ("h264", 1080, 1920));
        assert_eq!(probe.frames, 132);
    }

    /// What the handler has started and still lives.
    fn programs(&self) -> Vec<Descendant> {
        Descendant::all(&format!("TMPDIR={}", self.temporary.display()))
    }

    /// Waits until no render and no file of one is left.
    async fn until_nothing_is_left(&self) {
        wait_until("the handler's processes are gone", async || self.programs().is_empty()).await;
        let scratch = self.temporary.join("reel-gpu-worker");
        let names = std::fs::read_dir(&scratch).expect("the scratch folder");
        let names: Vec<_> = names.map(|entry| entry.expect("an entry").file_name()).collect();
        assert_eq!(names, ["start.lock"]);
    }
}

impl Drop for SdkStack {
    fn drop(&mut self) {
        self.sdk.kill();
        // Renders are in groups of their own; after a green test there is none.
        for program in self.programs() {
            let _ = program.pid.map(|pid| kill_process(pid, Signal::KILL));
        }
    }
}

/// A process that the handler has started, or one of its children has.
#[derive(Debug)]
struct Descendant {
    name: String,
    pid: Option<Pid>,
}

impl Descendant {
    /// All renders with this variable in their environment.
    fn all(variable: &str) -> Vec<Self> {
        let processes = std::fs::read_dir("/proc").expect("Linux");
        let of_us = |folder: &Path| {
            let environment = std::fs::read(folder.join("environ")).ok()?;
            let is_ours = environment.split(|byte| *byte == 0).any(|entry| entry == variable.as_bytes());
            let name = std::fs::read_to_string(folder.join("comm")).ok()?.trim_end().to_owned();
            let is_render = matches!(name.as_str(), "gpu-worker" | "ffmpeg" | "ffprobe");
            let pid = folder.file_name()?.to_str()?.parse().ok().and_then(Pid::from_raw);
            (is_ours && is_render).then_some(Self { name, pid })
        };
        processes.flatten().filter_map(|entry| of_us(&entry.path())).collect()
    }
}

/// A process group that ends with the test (the SDK's heartbeat is a process, too), and whose log is shown when the test fails.
struct Program {
    child: Child,
    log: PathBuf,
}

impl Program {
    fn start(command: &mut Command, log: &Path) -> Self {
        let file = std::fs::File::create(log).expect("a log file");
        let copy = file.try_clone().expect("a second handle of the log");
        let command = command.stdin(Stdio::null()).stdout(file).stderr(copy).process_group(0);
        let child = command.spawn().expect("to start Python");
        Self { child, log: log.to_owned() }
    }

    fn kill(&mut self) {
        // A group keeps its number until its leader is waited for, and no longer.
        if let (Ok(None), Some(group)) = (self.child.try_wait(), Pid::from_raw(self.child.id().cast_signed()))
        {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!(
                "--- {}\n{}",
                self.log.display(),
                std::fs::read_to_string(&self.log).unwrap_or_default()
            );
        }
    }
}

/// A port that is free now. The system gives each asker another one.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

/// From a cancel to the end of the last process. It takes a fraction of a second; the render, a minute.
const STOP_LIMIT: Duration = Duration::from_secs(5);
