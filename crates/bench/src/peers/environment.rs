//! The environment of the benchmarks: release builds, a temporary folder, and runs of clients.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use cargo_metadata::MetadataCommand;
use serde_json::Value;
use tempfile::TempDir;

use super::child::{self, ClientRun, NullServer};
use super::client::Client;
use crate::release;

/// Programs, folders and options that all sections share.
pub(super) struct Environment {
    pub(super) root: PathBuf,
    programs: PathBuf,
    /// Folder in which other load generators are installed and built.
    pub(super) peers: PathBuf,
    /// Temporary folder for scenarios and results.
    pub(super) folder: TempDir,
    pub(super) rounds: u32,
    /// Duration of each run, in seconds.
    pub(super) seconds: u64,
}

impl Environment {
    /// Checks the requirements and builds brunt and the testbed.
    pub(super) fn build(root: &Path, rounds: u32, seconds: u64) -> anyhow::Result<Self> {
        release::check_requirements()?;
        let metadata = MetadataCommand::new()
            .current_dir(root)
            .no_deps()
            .exec()
            .context("cannot get the target folder from cargo")?;
        Ok(Self {
            root: root.to_owned(),
            programs: release::build(root, &["brunt", "brunt-testbed"])?,
            peers: metadata.target_directory.join("peers").into(),
            folder: tempfile::tempdir().context("cannot create a temporary folder")?,
            rounds,
            seconds,
        })
    }

    pub(super) fn brunt(&self) -> PathBuf {
        self.programs.join("brunt")
    }

    pub(super) fn testbed(&self) -> PathBuf {
        self.programs.join("testbed")
    }

    /// Starts a null server.
    pub(super) fn serve(&self, arguments: &[&str]) -> anyhow::Result<NullServer> {
        let all = [&["null"], arguments].concat();
        NullServer::start(&self.testbed(), &all)
    }

    /// brunt as a client that runs the profile `p` of a scenario.
    pub(super) fn brunt_with(&self, scenario: &str) -> anyhow::Result<Client> {
        let file = self.folder.path().join("bench.toml");
        std::fs::write(&file, scenario)?;
        let out = self.out();
        let mut arguments = vec!["run".to_owned(), "p".to_owned()];
        arguments.extend(["--headless", "--seed", "1", "--host", "URL"].map(str::to_owned));
        arguments.extend(["--file".to_owned(), file.display().to_string()]);
        arguments.extend(["--out".to_owned(), out.display().to_string()]);
        // Each round overwrites the results of the previous one.
        arguments.push("--force".to_owned());
        Ok(Client {
            name: "brunt",
            version: crate::machine::output(
                &self.root,
                &self.brunt().display().to_string(),
                &["--version"],
            )?,
            program: self.brunt(),
            arguments,
            goal: None,
        })
    }

    /// Folder with the results of brunt's last run.
    pub(super) fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// Runs a client against a server.
    ///
    /// # Errors
    ///
    /// If the client cannot be run, fails, or reports failed requests.
    pub(super) fn run(&self, client: &Client, server: &NullServer) -> anyhow::Result<ClientRun> {
        self.run_against(client, &server.url)
    }

    /// Like [`Self::run`], with a URL of the caller's.
    pub(super) fn run_against(&self, client: &Client, url: &str) -> anyhow::Result<ClientRun> {
        let log = self.folder.path().join("client.log");
        let run = child::run(&client.program, &client.arguments_for(url), &log)?;
        let is_brunt = client.name == "brunt";
        // brunt may miss its targets (1) or report an invalid run (3), since the benchmark saturates the client.
        let succeeded = match run.status.code() {
            Some(0) => true,
            Some(1 | 3) => is_brunt,
            _ => false,
        };
        ensure!(
            succeeded && !run.output.contains("Non-2xx"),
            "{} failed: {}\n{}",
            client.name,
            run.status,
            run.output
        );
        if is_brunt {
            let failures = &self.summary()?["total"]["failures"];
            ensure!(failures == 0, "{failures} requests failed: {}", run.output);
        }
        Ok(run)
    }

    /// `summary.json` of brunt's last run.
    pub(super) fn summary(&self) -> anyhow::Result<Value> {
        let text = std::fs::read_to_string(self.out().join("summary.json"))?;
        Ok(serde_json::from_str(&text)?)
    }
}
