//! Embeds the revision that a deploy names, so that `/health` tells which code answers.

fn main() {
    println!("cargo::rerun-if-env-changed=REVISION");
    let revision = std::env::var("REVISION").unwrap_or_else(|_| "local".to_owned());
    println!("cargo::rustc-env=REVISION={revision}");
}
