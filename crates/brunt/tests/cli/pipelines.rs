//! What `docs/ci.md` tells pipelines to run, is run.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use brunt_testbed::{Answer, Routes, Server};

use crate::brunt::{Brunt, Ended};

const PAGE: &str = include_str!("../../../../docs/ci.md");

/// The commands of brunt in the page's files, in order: one goes on in lines that begin with an option.
fn commands() -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in PAGE.lines().map(str::trim) {
        let part = line.trim_end_matches('\\').trim();
        if line.starts_with("brunt ") {
            commands.push(part.to_owned());
            goes_on = true;
        } else if goes_on && line.starts_with("--") {
            let last = commands.last_mut().expect("a command that goes on");
            *last += &format!(" {part}");
        } else {
            goes_on = false;
        }
    }
    commands
}

/// What the page leaves to its reader: a scenario, and a service that serves at `--port`.
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
fn every_command_of_the_page_runs_and_leaves_its_files() {
    let server = Server::start(Routes::new().otherwise(Answer::ok("x"))).unwrap();
    let brunt = Brunt::new(&[]);
    let folder = brunt.folder.path();
    prepare(folder);
    let mut commands = commands();
    assert_eq!(commands.len(), 5, "{commands:#?}");
    // The baseline is made before it is compared with.
    commands.sort_by_key(|command| !command.starts_with("brunt baseline save"));
    for command in commands {
        let short = command.replace(
            "--block 5s --max-duration 10m",
            "--block 1s --max-duration 6s",
        );
        let is_comparison = command.starts_with("brunt compare");
        assert_eq!(short != command, is_comparison, "{command}");
        // Each is of a pipeline of its own.
        std::fs::remove_dir_all(folder.join("results")).ok();
        let ended = run(&short, folder, &server.url());
        // Of so short a time nothing can be known beside a baseline, or of two builds.
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
