//! The quick start of the documentation, run as it is written.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use e2e::{Options, Probe, Stack, root, run};

const KEY: &str = "the-key-of-this-test-and-of-nothing-else";

#[tokio::test]
async fn the_quick_start_makes_a_reel_as_it_is_written() {
    let guide = fs::read_to_string(root().join("docs/guides/quick-start.md")).expect("the guide");
    let script = shell_blocks(&guide);
    assert!(script.contains("/api/jobs") && script.contains("output_url"), "{script}");

    let stack =
        Stack::start(Options { vars: vec![("WORKERS_API_KEY", KEY.to_owned())], ..Options::default() }).await;
    // What a checkout has, and nothing of the machine's own settings.
    let folder = stack.folder().join("checkout");
    fs::create_dir(&folder).expect("to create a folder");
    symlink(root().join("samples"), folder.join("samples")).expect("to link the samples");
    fs::write(folder.join(".dev.vars"), format!("WORKERS_API_KEY={KEY}\n")).expect("to write .dev.vars");
    let api = stack.api_url().to_owned();
    let checkout = folder.clone();
    let told = tokio::task::spawn_blocking(move || {
        run(Command::new("bash")
            .current_dir(checkout)
            .env("REEL_API_URL", api)
            .env_remove("REEL_API_KEY")
            .args(["-euo", "pipefail", "-c", &script]))
    });
    let told = told.await.unwrap_or_else(|failure| std::panic::resume_unwind(failure.into_panic()));

    assert!(told.contains("complete 100%"), "{told}");
    let reel = Probe::of(&folder.join("reel.mp4"));
    assert_eq!((reel.width, reel.height, reel.frames), (540, 960, 132), "{reel:?}");
    assert!(reel.audio_codec.is_some(), "{reel:?}");
}

/// The blocks that say `bash`, in their order.
fn shell_blocks(guide: &str) -> String {
    let after = guide.split("```bash\n").skip(1);
    after.map(|rest| rest.split("```").next().unwrap_or_default()).collect()
}
