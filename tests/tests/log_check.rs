//! The check that every test with a Worker ends with: a secret or a token that was put into a log fails the test, by
//! name, and is not shown.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use e2e::{Options, PooledStack, Stack, bare_http};
use serde_json::json;

const API_KEY: &str = "the-api-key-of-this-test-0123456789";

/// How the test of this stack ends.
fn end_of(stack: Stack) -> Result<(), String> {
    let ended = catch_unwind(AssertUnwindSafe(|| drop(stack)));
    ended.map_err(|why| why.downcast_ref::<String>().expect("a sentence").clone())
}

fn write_to_log(stack: &Stack, line: &str) {
    let log = stack.folder().join("worker.log");
    let mut log = std::fs::File::options().append(true).open(log).expect("the log");
    writeln!(log, "{line}").expect("to write a line");
}

async fn start() -> Stack {
    let vars = vec![("WORKERS_API_KEY", API_KEY.to_owned())];
    Stack::start(Options { vars, ..Options::default() }).await
}

#[tokio::test]
async fn a_test_ends_well_when_its_log_is_clean_and_fails_when_a_request_puts_the_key_into_it() {
    let stack = start().await;
    let get = |path: &str| bare_http().get(format!("{}{path}", stack.api_url())).bearer_auth(API_KEY).send();
    assert_eq!(get("/api/jobs").await.expect("an answer").status(), 200);
    stack.assert_logs_hold_no_secrets();
    // By wrangler itself, as it prints every path.
    assert_eq!(get(&format!("/no/such/route/{API_KEY}")).await.expect("an answer").status(), 404);
    e2e::wait_until("wrangler prints it", async || stack.worker_log().contains("/no/such/route")).await;
    let why = end_of(stack).expect_err("the log holds the key");
    assert!(why.contains("the setting WORKERS_API_KEY: "), "{why}");
    assert!(why.contains("GET /no/such/route/*** 404") && !why.contains(API_KEY), "{why}");
}

#[tokio::test]
async fn a_secret_that_was_set_later_and_a_token_of_any_kind_fail_too() {
    let stack = start().await;
    let mac = "0123456789abcdef".repeat(4);
    let later = "a-signing-key-that-was-set-later-0123456789";
    stack.set("SIGNING_KEY", &format!("{later},another-key-0123456789abcdef0123456789"));
    write_to_log(&stack, &format!("{{\"event\":\"x\",\"detail\":\"{later}\"}}"));
    write_to_log(&stack, &format!("{{\"event\":\"y\",\"detail\":\"http://x/do/1.1769850300.{mac}/claim\"}}"));
    write_to_log(&stack, "{\"event\":\"z\",\"detail\":\"eyJhbGciOiJI.eyJzdWIiOiJh.c2lnbmF0dXJl\"}");
    let why = end_of(stack).expect_err("the log holds them");
    let lines: Vec<&str> = why.lines().collect();
    assert_eq!(
        lines,
        [
            "a log holds 3 things that it must not hold:",
            "  the setting SIGNING_KEY: {\"event\":\"x\",\"detail\":\"***\"}",
            "  a token of a job: {\"event\":\"y\",\"detail\":\"http://x/do/***/claim\"}",
            "  a user's token: {\"event\":\"z\",\"detail\":\"***\"}",
        ]
    );
}

#[tokio::test]
async fn a_log_that_is_gone_fails_and_so_does_one_of_a_stack_that_is_lent() {
    let stack = start().await;
    std::fs::remove_file(stack.folder().join("worker.log")).expect("to remove the log");
    let why = end_of(stack).expect_err("there is no log");
    assert!(why.contains("was not searched"), "{why}");

    let lent = PooledStack::playing(&json!({"fake_render_ms": 1})).await;
    write_to_log(&lent, "X-Amz-Signature=0123456789abcdef0123456789abcdef");
    let why = catch_unwind(AssertUnwindSafe(|| drop(lent))).expect_err("the log holds a signature");
    assert!(why.downcast_ref::<String>().is_some_and(|why| why.contains("a signature of the bucket: ***")));
}
