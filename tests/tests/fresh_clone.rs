//! A developer's first minute: `git clone`, `npm ci`, `npx wrangler dev --port N`, and nothing set.
//!
//! The clone shares `node_modules`, the tools and the compiler's output with this checkout, so that it takes
//! seconds. The keys, the database and the addresses are its own.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::{LogCheck, Process, RawSocket, bare_http, free_port, programs, root, run, sample, wait_until};
use reel_client::{Client, JobId, JobStatus, Secret};
use reel_core::config::Setting;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

#[tokio::test]
async fn a_plain_wrangler_dev_in_a_fresh_clone_works_on_any_port_with_nothing_set() {
    let mut clone = Clone::start().await;

    // The keys lie in an ignored file that only this user can read, and without the key nothing opens.
    let keys = clone.folder().join(".dev.vars");
    assert_eq!(fs::metadata(&keys).expect(".dev.vars").permissions().mode() & 0o077, 0);
    run(Command::new("git").current_dir(clone.folder()).args(["check-ignore", "--quiet", ".dev.vars"]));
    let (status, refusal) = clone.call(Method::GET, "/api/jobs", None, None).await;
    assert_eq!(status, 401);
    assert!(refusal["detail"].as_str().is_some_and(|detail| detail.contains(".dev.vars")), "{refusal}");
    clone.assert_that_strangers_are_refused().await;

    // Upload and create, at this port.
    let body = json!({"filename": "clip.mp4", "content_type": "video/mp4"});
    let (status, target) =
        clone.call(Method::POST, "/api/videos/upload-url", Some(&clone.key), Some(&body)).await;
    assert_eq!(status, 200, "{target}");
    let url = target["upload_url"].as_str().expect("a URL");
    assert!(url.starts_with(&format!("{}/cdn-cgi/local/r2/s3/", clone.api_url)), "{url}");
    let put = bare_http().put(url).header("content-type", "video/mp4");
    let put = put.body(fs::read(sample()).expect("the sample")).send().await.expect("an answer");
    assert_eq!(put.status(), 200);

    let client = Client::new(&clone.api_url, Some(Secret::new(&clone.key))).expect("a client");
    let input = target["video_key"].as_str().expect("a key");
    let params = fs::read_to_string(clone.folder().join("samples/framing.json")).expect("params");
    let params: Value = serde_json::from_str(&params).expect("JSON");
    let body = json!({"project_id": 1, "type": "framing", "input_video_key": input, "params": params});
    let (status, job) = clone.call(Method::POST, "/api/jobs", Some(&clone.key), Some(&body)).await;
    assert_eq!(status, 201, "{job}");
    let id: JobId = job["job_id"].as_str().and_then(|id| id.parse().ok()).expect("an id");

    // The job says what is missing and what to do, and waits for it: by reading and by socket.
    wait_until("the job says that no GPU endpoint is set", async || {
        let job = client.job(id).await.expect("the job");
        job.message.is_some_and(|message| message.contains("No GPU endpoint is set"))
    })
    .await;
    let waiting = client.job(id).await.expect("the job");
    assert_eq!(waiting.status, JobStatus::Pending);
    let message = waiting.message.expect("a message");
    assert!(message.contains("RUNPOD_ENDPOINT") && message.contains("npm run dev"), "{message}");
    let (status, page) = clone.call(Method::GET, "/api/jobs", Some(&clone.key), None).await;
    assert_eq!(
        (status.as_u16(), page["jobs"][0]["job_id"].as_str()),
        (200, job["job_id"].as_str()),
        "{page}"
    );

    let path = waiting.websocket_url.as_ref().expect("a job names its socket").reveal();
    let socket = RawSocket::open_at(&clone.api_url, path).await.expect("the socket opens");

    // `reel` in the clone finds the key by itself.
    let listed = clone.reel(&["list", "--json"]).await;
    assert!(listed.contains(&id.to_string()), "{listed}");
    let cancelled = client.cancel(id).await.expect("to cancel");
    assert_eq!(cancelled.status, JobStatus::Error);
    let heard = socket.listen().await;
    let first = heard.messages.first().expect("a message");
    assert_eq!(first["message"], message.as_str(), "{heard:?}");
    assert_eq!(heard.close_code, Some(1000));

    // A second start keeps the keys: what was handed out stays valid.
    let before = fs::read_to_string(&keys).expect(".dev.vars");
    clone.restart(&[]).await;
    assert_eq!(fs::read_to_string(&keys).expect(".dev.vars"), before);
    assert_eq!(client.job(id).await.expect("the job").status, JobStatus::Error);

    // A database that nobody gave its tables says which command does.
    clone.restart(&["--persist-to", "elsewhere"]).await;
    let (status, problem) = clone.call(Method::GET, "/api/jobs", Some(&clone.key), None).await;
    assert_eq!((status.as_u16(), problem["code"].as_str()), (503, Some("not_configured")), "{problem}");
    let detail = problem["detail"].as_str().expect("a sentence");
    assert!(detail.contains("npx wrangler d1 migrations apply DB --local"), "{detail}");
}

/// A checkout of its own, and the server in it.
struct Clone {
    server: Option<Process>,
    port: u16,
    api_url: String,
    key: String,
    // After the server that writes into it.
    folder: TempDir,
}

impl Clone {
    async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("reel-clone-").tempdir().expect("a temporary folder");
        copy_checkout(&root(), folder.path());
        let port = free_port();
        let api_url = format!("http://127.0.0.1:{port}");
        let mut clone = Self { server: None, port, api_url, key: String::new(), folder };
        clone.restart(&[]).await;
        let settings = fs::read_to_string(clone.folder().join(".dev.vars")).expect(".dev.vars");
        let key = settings.lines().find_map(|line| line.strip_prefix("WORKERS_API_KEY="));
        key.expect("a key in .dev.vars").clone_into(&mut clone.key);
        clone
    }

    fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// `npx wrangler dev --port N`, until it answers.
    async fn restart(&mut self, args: &[&str]) {
        self.server = None;
        let mut command = Command::new("npx");
        command.args(["wrangler", "dev", "--port", &self.port.to_string()]).args(args);
        // Two servers at once want the same port for their inspectors; a developer has one server.
        command.args(["--inspector-port", &free_port().to_string()]);
        let mut process =
            Process::start("wrangler dev", self.bare(command), &self.folder().join("wrangler.log"));
        let (http, health) = (bare_http(), format!("{}/health", self.api_url));
        wait_until("a plain `wrangler dev` answers /health with 200", async || {
            process.assert_alive();
            matches!(http.get(&health).send().await, Ok(answer) if answer.status() == 200)
        })
        .await;
        self.server = Some(process);
    }

    /// In the clone, with no setting in the environment.
    fn bare(&self, mut command: Command) -> Command {
        command.current_dir(self.folder()).env("CI", "1").env("WRANGLER_SEND_METRICS", "false");
        for setting in Setting::ALL {
            command.env_remove(setting.as_str());
        }
        command.env_remove("REEL_API_KEY").env_remove("REEL_API_URL");
        command
    }

    async fn reel(&self, args: &[&str]) -> String {
        // Connections of this test are looked after meanwhile.
        let program = tokio::task::spawn_blocking(|| programs().join("reel")).await.expect("a program");
        let mut command = self.bare(Command::new(program));
        command.args(args).env("REEL_API_URL", &self.api_url);
        tokio::task::spawn_blocking(move || run(&mut command)).await.expect("the program ends")
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<&Value>,
    ) -> (StatusCode, Value) {
        let mut request = bare_http().request(method, format!("{}{path}", self.api_url));
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.expect("an answer");
        (answer.status(), answer.json().await.unwrap_or_default())
    }

    /// The dev server lets a header replace address and host, and the Worker cannot tell. So the key is what
    /// keeps a page of another site out, and a foreign host is refused even with the key.
    async fn assert_that_strangers_are_refused(&self) {
        let url = format!("{}/api/jobs", self.api_url);
        for (name, value) in [
            ("mf-original-url", format!("http://localhost:{}/api/jobs", self.port)),
            ("mf-original-url", "http://127.0.0.1:1/api/jobs".to_owned()),
            ("authorization", "Bearer local-development-key".to_owned()),
        ] {
            let answer = bare_http().get(&url).header(name, &value).send().await.expect("an answer");
            assert_eq!(answer.status(), 401, "{name}: {value}");
        }
        for (name, value) in [
            ("host", "evil.example"),
            ("host", "localhost.evil.example"),
            ("mf-original-url", "http://evil.example/api/jobs"),
        ] {
            let request = bare_http().get(&url).bearer_auth(&self.key).header(name, value);
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status(), 503, "{name}: {value}");
            let problem: Value = answer.json().await.expect("a problem");
            assert_eq!(problem["code"], "not_configured");
        }
    }
}

impl Drop for Clone {
    fn drop(&mut self) {
        let server = self.server.take();
        if std::thread::panicking() {
            if let Some(server) = server {
                eprintln!("--- wrangler dev\n{}---", server.log());
            }
            return;
        }
        drop(server);
        // As every test with a stack does.
        let check = LogCheck::default();
        let settings = fs::read_to_string(self.folder().join(".dev.vars")).expect(".dev.vars");
        for (name, value) in settings.lines().filter_map(|line| line.split_once('=')) {
            check.set(name, value.trim());
        }
        let searched = check.search(&self.folder().join("wrangler.log"), &[]);
        searched.unwrap_or_else(|leaks| panic!("{leaks}"));
    }
}

/// What `git clone` gives, with what is not committed yet, and the links that stand for `npm ci` and the build.
fn copy_checkout(from: &Path, to: &Path) {
    let list = run(Command::new("git").current_dir(from).args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]));
    for name in list.split('\0').filter(|name| !name.is_empty()) {
        let (source, target) = (from.join(name), to.join(name));
        // A file that was removed and not committed is still in the list.
        if !source.is_file() {
            continue;
        }
        fs::create_dir_all(target.parent().expect("a folder")).expect("to create a folder");
        fs::copy(&source, &target).unwrap_or_else(|error| panic!("{}: {error}", target.display()));
    }
    run(Command::new("git").current_dir(to).args(["init", "--quiet"]));
    for shared in ["node_modules", ".tools", "target"] {
        symlink(from.join(shared), to.join(shared)).expect("to link a folder");
    }
    let build: Vec<PathBuf> = files_of(&from.join("build"));
    fs::create_dir(to.join("build")).expect("to create a folder");
    for file in build {
        fs::copy(&file, to.join("build").join(file.file_name().expect("a name"))).expect("to copy the build");
    }
}

fn files_of(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the Worker is not built: run `npm run build` first");
    entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_file()).collect()
}
