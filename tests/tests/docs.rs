//! The documentation as it is served: in a real Chromium, and beside the API.

use std::collections::BTreeSet;
use std::fs;

use e2e::{Options, Stack, bare_http, browse, root};
use serde_json::{Value, json};

#[tokio::test]
async fn the_reference_and_every_guide_work_in_a_browser() {
    let stack = Stack::start(Options { site: true, ..Options::default() }).await;
    let told = browse("docs.mjs", json!({"api": stack.api_url()})).await;

    assert_eq!(told["faults"], json!([]), "violations of the CSP, and errors of pages");
    assert_eq!(told["dead"], json!([]), "links that lead nowhere");
    assert!(told["links"].as_u64().is_some_and(|links| links > 500), "{}", told["links"]);
    let pages = told["pages"].as_array().expect("pages");
    for page in pages.iter().filter(|page| !page["title"].is_null()) {
        assert_eq!(page["h1"], 1, "{page}");
    }
    let found: BTreeSet<&str> = pages.iter().filter_map(|page| page["path"].as_str()).collect();
    for guide in fs::read_dir(root().join("docs/guides")).expect("the guides") {
        let file = guide.expect("a guide").file_name().into_string().expect("a name");
        let path = format!("/docs/{}", file.trim_end_matches(".md"));
        assert!(found.contains(path.as_str()), "no link leads to {path}");
    }
    assert_eq!(told["health"]["status"], 200, "{}", told["health"]);
    assert!(
        told["health"]["body"].as_str().is_some_and(|body| body.contains("\"ok\"")),
        "{}",
        told["health"]
    );
    let document: Value = serde_json::from_str(&committed("openapi.json")).expect("JSON");
    assert_eq!(told["cors"], document["info"]["version"], "a page of another origin reads the document");
}

#[tokio::test]
async fn files_are_served_with_strict_headers_and_every_other_path_is_the_workers() {
    let stack = Stack::start(Options { site: true, ..Options::default() }).await;
    let get = async |path: &str| {
        bare_http().get(format!("{}{path}", stack.api_url())).send().await.expect("an answer")
    };

    for (path, kind) in [
        ("/docs", "text/html; charset=utf-8"),
        ("/docs/quick-start", "text/html; charset=utf-8"),
        ("/docs/quick-start.md", "text/markdown; charset=utf-8"),
        ("/llms.txt", "text/plain; charset=utf-8"),
        ("/llms-full.txt", "text/plain; charset=utf-8"),
        ("/openapi.json", "application/json"),
        ("/schemas/framing.json", "application/json"),
    ] {
        let answer = get(path).await;
        let header = |name: &str| {
            answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        assert_eq!((answer.status().as_u16(), header("content-type").as_str()), (200, kind), "{path}");
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{path}");
        let is_data = !path.starts_with("/docs");
        assert_eq!(header("access-control-allow-origin"), if is_data { "*" } else { "" }, "{path}");
    }
    for file in ["openapi.json", "schemas/overlay.json", "schemas/framing.json", "schemas/annotate.json"] {
        let served = get(&format!("/{file}")).await.text().await.expect("a body");
        assert!(served == committed(file), "{file} is served as another text than the committed one");
    }
    let full = get("/llms-full.txt").await.text().await.expect("a body");
    for part in ["# Quick start", "## POST /api/jobs", "### CreateOverlayJob"] {
        assert!(full.contains(part), "llms-full.txt lacks {part}");
    }

    let map = get("/llms.txt").await.text().await.expect("a body");
    let addresses: Vec<&str> = map.split("](/").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    assert!(addresses.len() > 10, "{map}");
    for address in addresses {
        assert_eq!(get(&format!("/{address}")).await.status(), 200, "llms.txt names {address}");
    }

    // What is no file reaches the Worker.
    assert_eq!(get("/health").await.status(), 200);
    for path in ["/", "/docs/no-such-page", "/openapi.yaml", "/api/nothing", "/_headers"] {
        let answer = get(path).await;
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{path}");
        let problem: Value = answer.json().await.expect("JSON");
        assert_eq!(problem["code"], "route_not_found", "{path}");
    }
}

fn committed(file: &str) -> String {
    fs::read_to_string(root().join(file)).expect("a committed file")
}
