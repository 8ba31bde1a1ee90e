//! Uploads straight to the bucket, as clients do them.

use e2e::{Options, Stack, sample, upload};

#[tokio::test]
async fn a_signature_holds_through_the_tap() {
    let stack = Stack::start(Options { bucket_tap: true, ..Options::default() }).await;
    let key = upload(&stack.client(), &sample()).await;
    assert!(key.ends_with("/bigbuckbunny.mp4"), "{key}");
}
