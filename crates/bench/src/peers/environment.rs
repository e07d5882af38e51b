//! The environment: the programs, a folder for what they leave, and how brunt is run.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use cargo_metadata::MetadataCommand;
use serde_json::Value;
use tempfile::TempDir;

use super::child::{self, Finished, Served};
use super::client::Client;
use crate::release;

/// What all sections share.
pub(super) struct Environment {
    pub(super) root: PathBuf,
    programs: PathBuf,
    /// Where peers are installed and built.
    pub(super) peers: PathBuf,
    pub(super) folder: TempDir,
    pub(super) pairs: u32,
    pub(super) seconds: u64,
}

impl Environment {
    pub(super) fn build(root: &Path, pairs: u32, seconds: u64) -> anyhow::Result<Self> {
        release::needed()?;
        let metadata = MetadataCommand::new()
            .current_dir(root)
            .no_deps()
            .exec()
            .context("cannot ask cargo for the target folder")?;
        Ok(Self {
            root: root.to_owned(),
            programs: release::build(root, &["brunt", "brunt-testbed"])?,
            peers: metadata.target_directory.join("peers").into(),
            folder: tempfile::tempdir().context("cannot make a folder for the runs")?,
            pairs,
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
    pub(super) fn serve(&self, arguments: &[&str]) -> anyhow::Result<Served> {
        let all = [&["null"], arguments].concat();
        Served::start(&self.testbed(), &all)
    }

    /// brunt with a scenario whose profile is `p`, as a client.
    pub(super) fn brunt_with(&self, scenario: &str) -> anyhow::Result<Client> {
        let file = self.folder.path().join("bench.toml");
        std::fs::write(&file, scenario)?;
        let out = self.out();
        let mut arguments = vec!["run".to_owned(), "p".to_owned()];
        arguments.extend(["--headless", "--seed", "1", "--host", "URL"].map(str::to_owned));
        arguments.extend(["--file".to_owned(), file.display().to_string()]);
        arguments.extend(["--out".to_owned(), out.display().to_string()]);
        // Each round takes the place of the one before.
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

    /// The folder of brunt's last run.
    pub(super) fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// Runs a client against a server; fails where not all of its requests were answered well.
    pub(super) fn run(&self, client: &Client, served: &Served) -> anyhow::Result<Finished> {
        self.run_against(client, &served.url)
    }

    /// The same where it is known by another URL.
    pub(super) fn run_against(&self, client: &Client, url: &str) -> anyhow::Result<Finished> {
        let said = self.folder.path().join("said.txt");
        let finished = child::run(&client.program, &client.arguments_for(url), &said)?;
        let is_brunt = client.name == "brunt";
        // Targets may be missed, and a run may be invalid: the client is what is at its limit here.
        let is_well = match finished.status.code() {
            Some(0) => true,
            Some(1 | 3) => is_brunt,
            _ => false,
        };
        ensure!(
            is_well && !finished.output.contains("Non-2xx"),
            "{} failed: {}\n{}",
            client.name,
            finished.status,
            finished.output
        );
        if is_brunt {
            let failures = &self.summary()?["total"]["failures"];
            ensure!(
                failures == 0,
                "{failures} requests failed: {}",
                finished.output
            );
        }
        Ok(finished)
    }

    /// What brunt's last run left.
    pub(super) fn summary(&self) -> anyhow::Result<Value> {
        let text = std::fs::read_to_string(self.out().join("summary.json"))?;
        Ok(serde_json::from_str(&text)?)
    }
}
