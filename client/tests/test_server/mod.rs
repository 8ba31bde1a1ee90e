//! A tiny server on loopback that plays one scripted part of the API.

use axum::Router;
use reel_client::{Client, Secret};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Stops when dropped.
pub struct TestServer {
    pub origin: String,
    task: JoinHandle<()>,
}

impl TestServer {
    pub async fn start(router: Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let origin = format!("http://{}", listener.local_addr().expect("an address"));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.expect("to serve") });
        Self { origin, task }
    }

    pub fn client(&self) -> Client {
        Client::new(&self.origin, Some(Secret::new("key-of-the-api"))).expect("a client")
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}
