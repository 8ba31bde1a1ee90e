//! A page in a browser on this machine reaches the server, and gets nothing from it.

use crate::test_backend::TestBackend;

#[tokio::test(flavor = "multi_thread")]
async fn no_web_page_makes_it_fetch_an_address() {
    let backend = TestBackend::new().await;
    let run = format!("{}/run", backend.emulator.url);
    let body = backend.run_request().to_string();
    let json = ("content-type", "application/json");
    for (what, headers, status) in [
        // What a browser sends for a page of another site without asking first.
        ("a form", vec![("content-type", "text/plain"), ("origin", "https://evil.example")], 403),
        ("no origin", vec![("content-type", "text/plain")], 415),
        ("no type", vec![], 415),
        ("a sandbox", vec![json, ("origin", "null")], 403),
        ("another port", vec![json, ("origin", "http://localhost:5173")], 403),
        ("fetch metadata", vec![json, ("sec-fetch-site", "cross-site")], 403),
        ("a name that resolves here", vec![json, ("host", "evil.example")], 403),
    ] {
        let mut request = backend.emulator.client.post(&run).body(body.clone());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        assert_eq!(request.send().await.unwrap().status(), status, "{what}");
    }
    let preflight = backend.emulator.client.request(reqwest::Method::OPTIONS, &run);
    let preflight = preflight.header("origin", "https://evil.example").send().await.unwrap();
    assert_eq!(preflight.status(), 403);
    assert!(!preflight.headers().contains_key("access-control-allow-origin"));
    assert_eq!(backend.log.calls().len(), 0, "nothing was fetched");
    assert_eq!(backend.emulator.get("/health").await.1["jobs"]["inQueue"], 0);
}
