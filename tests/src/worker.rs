//! The Worker under `wrangler dev`: its configuration, its settings, its database, its process.
//!
//! It runs a copy of build/ with a copy of wrangler.toml that has no build step: what is tested is what
//! `npm run build` made, and nobody who edits a source file meanwhile restarts it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use toml::{Table, Value};

use crate::log_check::LogCheck;
use crate::ports::free_port;
use crate::process::{Process, root, run};

/// A configured Worker, whether it runs or not.
#[derive(Debug)]
pub struct Worker {
    folder: PathBuf,
    port: u16,
    log_check: LogCheck,
}

impl Worker {
    /// Prepares `folder`: a copy of the build, the configuration, the settings; then a copy of `state` with
    /// the migrations that it lacks, or an empty database. `has_site`: whether it serves the documentation.
    pub fn prepare(
        folder: &Path,
        port: u16,
        settings: &[(String, String)],
        state: Option<&Path>,
        has_site: bool,
    ) -> Self {
        let build = root().join("build");
        assert!(build.join("index_bg.wasm").exists(), "the Worker is not built: run `npm run build` first");
        copy_folder(&build, &folder.join("build"));

        let text = fs::read_to_string(root().join("wrangler.toml")).expect("wrangler.toml");
        let mut config: Table = text.parse().expect("wrangler.toml is TOML");
        config.remove("build");
        // Most tests are not about pages, and start sooner without them.
        if !has_site {
            config.remove("assets");
        }
        for database in config.get_mut("d1_databases").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(database) = database.as_table_mut() {
                let migrations = root().join("migrations").display().to_string();
                database.insert("migrations_dir".to_owned(), Value::String(migrations));
            }
        }
        fs::write(folder.join("wrangler.toml"), config.to_string()).expect("to write wrangler.toml");

        let worker = Self { folder: folder.to_owned(), port, log_check: LogCheck::default() };
        for (name, value) in config.get("vars").and_then(Value::as_table).into_iter().flatten() {
            worker.log_check.set(name, value.as_str().unwrap_or_default());
        }
        for (name, value) in settings {
            worker.set(name, value);
        }
        match state {
            Some(state) => {
                copy_folder(state, &worker.state());
                worker.apply_migrations();
            }
            None => worker.create_database(),
        }
        worker
    }

    /// Changes a setting; the next start reads it.
    pub fn set(&self, name: &str, value: &str) {
        self.log_check.set(name, value);
        // A file and no arguments: arguments can be read by every user of the machine.
        let file = self.folder.join(SETTINGS);
        let text = fs::read_to_string(&file).unwrap_or_default();
        let others = text.lines().filter(|line| line.split('=').next() != Some(name));
        let setting = format!("{name}='{value}'");
        let lines: Vec<&str> = others.chain([setting.as_str()]).collect();
        fs::write(file, lines.join("\n")).expect("to write the settings");
    }

    /// Runs a file of SQL on the database, while the Worker is down.
    pub fn execute_sql(&self, file: &Path) {
        run(self.wrangler(&["d1", "execute", "DB", "--local", "--yes"]).arg("--file").arg(file));
    }

    /// Starts it with whatever state it has.
    pub fn start(&self) -> Process {
        let mut command =
            self.wrangler(&["dev", "--show-interactive-dev-session=false", "--log-level", "info"]);
        command
            .args(["--ip", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--inspector-port", &free_port().to_string()])
            .args(["--env-file", SETTINGS]);
        Process::start("the Worker", command, &self.log())
    }

    /// Where its output goes.
    pub fn log(&self) -> PathBuf {
        self.folder.join("worker.log")
    }

    /// What may not be in its output: no secret that it ever had, and no token.
    pub const fn log_check(&self) -> &LogCheck {
        &self.log_check
    }

    /// What wrangler keeps: the objects' storage, the database and the bucket.
    pub fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    fn wrangler(&self, args: &[&str]) -> Command {
        let bin = root().join("node_modules/.bin");
        assert!(bin.join("wrangler").exists(), "wrangler is not there: run `npm run setup` first");
        // Its Node comes first: wrangler refuses older ones.
        let mut path = OsString::from(&bin);
        if let Some(rest) = std::env::var_os("PATH") {
            path.push(":");
            path.push(rest);
        }
        let mut command = Command::new(bin.join("wrangler"));
        command
            .current_dir(&self.folder)
            .env("PATH", path)
            .env("CI", "1")
            .env("WRANGLER_SEND_METRICS", "false");
        command.args(args).arg("--persist-to").arg(self.state());
        command
    }

    fn apply_migrations(&self) {
        run(&mut self.wrangler(&["d1", "migrations", "apply", "DB", "--local"]));
    }

    /// An index with its tables. wrangler takes seconds for that, so it is done once and then copied.
    fn create_database(&self) {
        let mut migrations: Vec<String> = fs::read_dir(root().join("migrations"))
            .expect("the folder migrations")
            .map(|entry| fs::read_to_string(entry.expect("a migration").path()).expect("a migration"))
            .collect();
        migrations.sort();
        let stamp = migrations.concat();
        let template = root().join("target/e2e-database");
        let stamped = template.join("migrations.sql");
        if fs::read_to_string(&stamped).is_ok_and(|text| text == stamp) {
            copy_folder(&template.join("state"), &self.state());
            return;
        }
        self.apply_migrations();
        // Under another name first: other tests see all of it or nothing.
        let draft = template.with_extension(self.port.to_string());
        copy_folder(&self.state(), &draft.join("state"));
        fs::write(draft.join("migrations.sql"), stamp).expect("to stamp the database");
        let _ = fs::remove_dir_all(&template);
        if fs::rename(&draft, &template).is_err() {
            // Another test was quicker.
            let _ = fs::remove_dir_all(&draft);
        }
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("to create a folder");
    for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
        let entry = entry.expect("an entry of a folder");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("the type of a file").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap_or_else(|error| panic!("{}: {error}", target.display()));
        }
    }
}

const SETTINGS: &str = "settings.env";
