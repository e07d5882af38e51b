//! Runs the commands of `docs/ci.md`.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use brunt_testbed::{Response, Routes, Server};

use crate::brunt::{Brunt, Ended};

const PAGE: &str = include_str!("../../../../docs/ci.md");

/// Returns the brunt commands of the page in order. A command continues on lines that begin with an option.
fn commands() -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let mut continues = false;
    for line in PAGE.lines().map(str::trim) {
        let part = line.trim_end_matches('\\').trim();
        if line.starts_with("brunt ") {
            commands.push(part.to_owned());
            continues = true;
        } else if continues && line.starts_with("--") {
            let last = commands.last_mut().expect("a command");
            *last += &format!(" {part}");
        } else {
            continues = false;
        }
    }
    commands
}

/// Writes the files that the page expects: a scenario, and a service that listens on `--port`.
fn prepare(folder: &Path) {
    let scenario = "[users.u]\nwait = \"5ms..10ms\"\n[[users.u.tasks]]\nget = \"/health\"\n\
                    [profiles.load]\nusers = 2\nduration = \"1s\"\n";
    let own = env!("CARGO_BIN_EXE_brunt");
    let service = format!("#!/bin/sh\nexec {own} agent --memory \"$@\"\n");
    for build in ["", "base", "pull-request"] {
        let folder = folder.join(build);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("brunt.toml"), scenario).unwrap();
        let file = folder.join("service");
        std::fs::write(&file, &service).unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
    }
}

fn run(command: &str, folder: &Path, url: &str) -> Ended {
    let own = Path::new(env!("CARGO_BIN_EXE_brunt")).parent().unwrap();
    let path = format!("{}:{}", own.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(folder)
        .env("PATH", path)
        .env("SERVICE_URL", url)
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .env("GITHUB_STEP_SUMMARY", folder.join("summary.md"))
        .output();
    output.unwrap().into()
}

#[test]
fn every_command_of_the_ci_page_runs_and_writes_its_files() {
    let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
    let brunt = Brunt::new(&[]);
    let folder = brunt.folder.path();
    prepare(folder);
    let mut commands = commands();
    assert_eq!(commands.len(), 5, "{commands:#?}");
    // Save the baseline before comparisons with it.
    commands.sort_by_key(|command| !command.starts_with("brunt baseline save"));
    for command in commands {
        let short = command.replace(
            "--block 5s --max-duration 10m",
            "--block 1s --max-duration 6s",
        );
        let is_comparison = command.starts_with("brunt compare");
        assert_eq!(short != command, is_comparison, "{command}");
        // Each command belongs to another pipeline.
        std::fs::remove_dir_all(folder.join("results")).ok();
        let ended = run(&short, folder, &server.url());
        // Such short runs decide neither targets nor comparisons.
        let expected = if command.contains("baseline save") {
            0
        } else {
            5
        };
        assert_eq!(ended.code, Some(expected), "{short}\n{ended:?}");
        for file in ["results/comment.md", "results/junit.xml"] {
            if command.contains(file) {
                let text = std::fs::read_to_string(folder.join(file)).unwrap();
                assert!(text.contains("p95"), "{short}\n{text}");
                std::fs::remove_file(folder.join(file)).unwrap();
            }
        }
        if command.contains("--github") {
            assert!(ended.stdout.contains("::warning title=brunt "), "{ended:?}");
            let summary = std::fs::read_to_string(folder.join("summary.md")).unwrap();
            assert!(summary.contains("| p95 |"), "{summary}");
        }
    }
}
