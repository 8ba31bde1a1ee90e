//! The wasm traps in the middle of a call: whoever waits is answered, and the next request finds everything.
//!
//! No panic can be reached from outside, so that the entry module of this Worker is changed: two commands lead an
//! object to an address outside of its memory, one of them while its caller waits.

use e2e::{Options, Stack, bare_http, create, spotlight_params, wait_until};
use futures_util::{SinkExt as _, StreamExt as _};
use reel_client::JobType;
use reqwest::Method;
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::protocol::Message as Frame;

/// What an object is asked in the entry module.
const ASK: &str = "return this.#call((object) => object.ask(text));";

/// The same, but that a cancel traps at once and a retry traps after its caller has begun to wait.
const TRAP: &str = r#"
const trap = (object) => Object.getPrototypeOf(object).ask.call({ __wbg_ptr: 0x7ffffff0 }, text);
if (text.endsWith('"cancel"')) return this.#call(trap);
// The wasm holds what settles its promises.
const late = (object) => new Promise((resolve) => setTimeout(() => (globalThis.held = resolve, trap(object)), 50));
if (text.endsWith('"retry"')) return this.#call(late);
return this.#call((object) => object.ask(text));
"#;

#[tokio::test]
async fn a_trap_costs_its_own_request_and_nothing_that_is_stored() {
    let mut stack = Stack::start(Options::default()).await;
    stack.play(&json!({"fake_render_ms": 300_000})).await;
    stack.kill_worker();
    let entry = stack.folder().join("build/entry.mjs");
    let text = std::fs::read_to_string(&entry).expect("the entry module");
    assert!(text.contains(ASK), "the entry module asks objects in another way now");
    std::fs::write(&entry, text.replace(ASK, TRAP)).expect("to change the entry module");
    stack.restart_worker().await;

    let client = stack.client();
    let job = create(&client, JobType::Overlay, spotlight_params()).await;
    let other = create(&client, JobType::Overlay, spotlight_params()).await;
    let url = |path: &str| format!("{}/api/jobs/{}{path}", stack.api_url(), job.job_id);
    let ask = async |method: Method, path: &str| {
        let answer = bare_http().request(method, url(path)).send().await.expect("an answer");
        (answer.status().as_u16(), answer.json::<Value>().await.unwrap_or_default())
    };
    let socket = format!("{}/api/jobs/{}/ws", stack.api_url().replace("http", "ws"), other.job_id);
    let (mut socket, _) = connect_async(socket).await.expect("a socket");

    for trap in ["/cancel", "/retry"] {
        for _ in 0..2 {
            let (status, problem) = ask(Method::POST, trap).await;
            assert_eq!((status, &problem["code"]), (503, &json!("unavailable")), "{trap}: {problem}");
            let (status, found) = ask(Method::GET, "").await;
            assert_eq!((status, &found["job_id"]), (200, &json!(job.job_id)), "{trap}: {found}");
            assert_ne!(found["status"], "error", "{found}");
        }
    }
    // The other job's object had its memory in the same instance; its socket is the runtime's.
    socket.send(Frame::text(r#"{"type":"subscribe"}"#)).await.expect("to say");
    let mut snapshots = 0;
    wait_until("the socket of another job answers", async || {
        snapshots += usize::from(socket.next().await.is_some_and(|frame| frame.is_ok()));
        snapshots > 1
    })
    .await;
    let all = bare_http().get(format!("{}/api/jobs", stack.api_url())).send().await.expect("an answer");
    assert_eq!(all.json::<Value>().await.expect("JSON")["jobs"].as_array().map(Vec::len), Some(2));
}
