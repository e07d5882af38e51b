//! `brunt history`: its content after runs, damaged and read-only databases, and pruning.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use brunt_testbed::{Response, Routes, Server};
use brunt_verdict::baseline::{Allow, Baseline};
use rusqlite::Connection;

use crate::brunt::{Brunt, Ended};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// Directory with a scenario for a server that responds at once.
fn workspace(server: &Server) -> Brunt {
    let brunt = Brunt::new(&["history"]).scenario(&format!(
        "host = \"{}\"\n[users.u]\nwait = \"5ms..10ms\"\n\
         [[users.u.tasks]]\nget = \"/a\"\n[[users.u.tasks]]\npost = \"/b\"\n\
         [profiles.p]\nusers = 2\nduration = \"300ms\"\n\
         [profiles.q]\nusers = 1\nduration = \"300ms\"\n\
         [targets]\np50 = {{ target = \"5s\" }}\n",
        server.url()
    ));
    let git = brunt.path(".git");
    fs::create_dir(&git).expect("a folder");
    fs::write(git.join("HEAD"), COMMIT).expect("a file");
    brunt
}

fn server() -> Server {
    Server::start(Routes::new().otherwise(Response::ok("x"))).expect("a server")
}

/// Runs brunt in a directory.
fn brunt(workspace: &Brunt, arguments: &[&str]) -> Ended {
    command(workspace, arguments)
        .output()
        .expect("brunt starts")
        .into()
}

fn command(workspace: &Brunt, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_brunt"));
    command
        .args(arguments)
        .current_dir(workspace.folder.path())
        .env_remove("COLUMNS")
        .env("XDG_CACHE_HOME", workspace.path("cache"));
    command
}

fn run_profile(workspace: &Brunt, arguments: &[&str]) -> Ended {
    let ended = brunt(workspace, &[&["run", "--headless"], arguments].concat());
    // The verdict is irrelevant here.
    assert!(matches!(ended.code, Some(0 | 1 | 3 | 5)), "{ended:?}");
    ended
}

/// Lines of a history that list runs, with single spaces: the width of columns depends on all rows.
fn runs(workspace: &Brunt, arguments: &[&str]) -> Vec<String> {
    let ended = brunt(workspace, &[&["history"], arguments].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines = ended.stdout.lines();
    lines
        .filter(|line| line.starts_with("20"))
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect()
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| {
            let name = entry.expect("an entry").file_name();
            name.into_string().expect("text")
        })
        .collect();
    names.sort();
    names
}

#[test]
fn history_without_runs_names_the_next_step_and_creates_no_database() {
    let workspace = Brunt::new(&["history"]);
    for arguments in [&["history"][..], &["history", "prune", "--keep", "1"]] {
        let ended = brunt(&workspace, arguments);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(
            ended.stdout.contains("start one with `brunt run`"),
            "{ended:?}"
        );
    }
    assert!(!workspace.path("performance").exists());
}

#[test]
fn history_lists_every_run_before_and_after_a_rebuild() {
    let server = server();
    let workspace = workspace(&server);
    run_profile(&workspace, &["p", "--label", "v1.2"]);
    run_profile(&workspace, &["q"]);
    run_profile(&workspace, &["p", "--out", "out"]);
    let listed = runs(&workspace, &[]);
    assert_eq!(listed.len(), 3, "{listed:?}");
    assert!(
        listed[0].contains("v1.2") && listed[0].ends_with('s'),
        "{listed:?}"
    );
    assert!(
        listed[1].contains(&COMMIT[..10]) && listed[1].contains(" q "),
        "{listed:?}"
    );
    assert_eq!(
        runs(&workspace, &["--profile", "p", "--last", "1"]),
        [listed[2].as_str()]
    );
    let rates = runs(&workspace, &["--metric", "throughput", "--request", "/b"]);
    assert!(
        rates.len() == 3 && rates[0].ends_with(" req/s"),
        "{rates:?}"
    );

    let rebuilt = brunt(&workspace, &["history", "--rebuild"]);
    assert!(
        rebuilt.stdout.contains("3 runs, 2 of them with a record"),
        "{rebuilt:?}"
    );
    assert_eq!(runs(&workspace, &[]), listed);
    // The directories decide which runs exist.
    let folders = workspace.path("performance/results");
    fs::remove_dir_all(folders.join(&entries(&folders)[0])).unwrap();
    fs::create_dir(folders.join("20200101T000000Z-p")).unwrap();
    let rebuilt = brunt(&workspace, &["history", "--rebuild"]);
    assert!(
        rebuilt
            .stderr
            .contains("skipped performance/results/20200101T000000Z-p"),
        "{rebuilt:?}"
    );
    assert_eq!(runs(&workspace, &[]), listed[1..]);
}

#[test]
fn unknown_profile_request_and_metric_are_rejected_with_the_available_ones() {
    let server = server();
    let workspace = workspace(&server);
    run_profile(&workspace, &["p"]);
    for (arguments, part) in [
        (&["--profile", "x"][..], "available profiles: p"),
        (
            &["--request", "/x"],
            "unknown request `/x`; available: GET /a, POST /b",
        ),
        (
            &["--request", "/a", "--metric", "cpu"],
            "which are measured for the process; omit it",
        ),
        (&["--metric", "p96"], "possible values"),
        (&["prune"], "--keep"),
    ] {
        let ended = brunt(&workspace, &[&["history"], arguments].concat());
        assert_eq!(ended.code, Some(2), "{arguments:?} {ended:?}");
        assert!(ended.stderr.contains(part), "{arguments:?} {ended:?}");
    }
}

#[test]
fn runs_that_end_simultaneously_are_all_listed() {
    let server = server();
    let workspace = workspace(&server);
    let children: Vec<_> = (0..6)
        .map(|number| match number {
            0..4 => command(&workspace, &["run", "p", "--headless"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
            _ => command(&workspace, &["history", "--rebuild"])
                .stdout(Stdio::null())
                .spawn()
                .unwrap(),
        })
        .collect();
    for mut child in children {
        let status = brunt_testbed::wait_until(crate::brunt::BOUND, "brunt to end", || {
            child.try_wait().unwrap()
        });
        assert!(matches!(status.code(), Some(0 | 1 | 3 | 5)), "{status:?}");
    }
    assert_eq!(runs(&workspace, &[]).len(), 4);
    assert_eq!(runs(&workspace, &["--request", "/a"]).len(), 4);
}

#[test]
fn damaged_database_is_renamed_and_recreated() {
    let server = server();
    let workspace = workspace(&server);
    let database = workspace.path("performance/brunt.db");
    run_profile(&workspace, &["p"]);
    for (number, name) in [(1, "brunt.db.damaged-1"), (2, "brunt.db.damaged-2")] {
        fs::write(
            &database,
            "this is not a database, whatever its name".repeat(99),
        )
        .unwrap();
        let ended = run_profile(&workspace, &["p"]);
        assert!(ended.stderr.contains(name), "{number} {ended:?}");
        assert!(
            ended.stderr.contains("brunt history --rebuild"),
            "{ended:?}"
        );
        assert_eq!(runs(&workspace, &[]).len(), 1);
    }
    assert_eq!(brunt(&workspace, &["history", "--rebuild"]).code, Some(0));
    assert_eq!(runs(&workspace, &[]).len(), 3);
    let names = entries(&workspace.path("performance"));
    let renamed = names.iter().filter(|name| name.ends_with(".damaged-1"));
    assert_eq!(renamed.count(), 1, "{names:?}");
}

#[test]
fn damage_inside_the_database_is_found_on_read() {
    let workspace = ten_thousand();
    let database = workspace.path("performance/brunt.db");
    let mut bytes = fs::read(&database).unwrap();
    bytes[8 * 4096..].fill(0xaa);
    fs::write(&database, &bytes).unwrap();
    let ended = brunt(&workspace, &["history"]);
    assert!(
        ended
            .stderr
            .contains("renamed to performance/brunt.db.damaged-1"),
        "{ended:?}"
    );
    assert!(
        ended.stdout.contains("no runs in this directory yet"),
        "{ended:?}"
    );
    let renamed = workspace.path("performance/brunt.db.damaged-1");
    assert!(fs::read(renamed).unwrap() == bytes, "unchanged");
}

#[test]
fn database_of_a_newer_brunt_is_not_changed() {
    let server = server();
    let workspace = workspace(&server);
    let database = workspace.path("performance/brunt.db");
    run_profile(&workspace, &["p"]);
    // The version is a big-endian number at byte 60: https://www.sqlite.org/fileformat.html
    let mut bytes = fs::read(&database).unwrap();
    bytes[60..64].copy_from_slice(&99u32.to_be_bytes());
    fs::write(&database, &bytes).unwrap();
    let ended = brunt(&workspace, &["history"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(
        ended.stderr.contains("version 99") && ended.stderr.contains("up to 1"),
        "{ended:?}"
    );
    let ended = run_profile(&workspace, &["p"]);
    assert!(
        ended
            .stderr
            .contains("warning: this run is not in the history"),
        "{ended:?}"
    );
    assert_eq!(fs::read(&database).unwrap(), bytes);
    assert_eq!(entries(&workspace.path("performance/results")).len(), 2);
}

#[test]
fn run_succeeds_if_the_history_cannot_be_written() {
    let server = server();
    let with = workspace(&server);
    let without = workspace(&server);
    fs::write(
        without.path("performance"),
        "a file instead of the directory",
    )
    .unwrap();
    let codes =
        [&with, &without].map(|workspace| run_profile(workspace, &["p", "--out", "out"]).code);
    assert_eq!(codes[0], codes[1]);
    let ended = run_profile(&without, &["p", "--out", "out", "--force"]);
    assert!(
        ended
            .stderr
            .contains("warning: this run is not in the history"),
        "{ended:?}"
    );
    assert!(without.path("out/summary.json").exists());
}

#[test]
fn prune_keeps_the_runs_of_baselines() {
    let server = server();
    let workspace = workspace(&server);
    run_profile(&workspace, &["p"]);
    run_profile(&workspace, &["q"]);
    let results = workspace.path("performance/results");
    let names = entries(&results);
    let record = fs::File::open(results.join(&names[0]).join("record.brunt")).unwrap();
    let record = brunt_record::file::read(record).unwrap();
    let baseline = Baseline::of(
        "main",
        &[record],
        Allow {
            invalid: true,
            mismatch: true,
        },
    )
    .unwrap();
    let folder = workspace.path("performance/benchmarks");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("main.json"), baseline.to_text()).unwrap();

    // If a baseline is unreadable, nothing is deleted.
    fs::write(folder.join("torn.json"), "{\"format\": 1, ").unwrap();
    let ended = brunt(&workspace, &["history", "prune", "--keep", "0"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(
        ended
            .stderr
            .contains("torn.json, so its runs cannot be kept")
            && ended.stderr.contains("move it elsewhere"),
        "{ended:?}"
    );
    assert_eq!(entries(&results), names);
    fs::remove_file(folder.join("torn.json")).unwrap();

    let ended = brunt(&workspace, &["history", "prune", "--keep", "0"]);
    assert!(
        ended
            .stdout
            .ends_with("1 run deleted; kept 1 that is labeled or in a baseline\n"),
        "{ended:?}"
    );
    assert_eq!(entries(&results), names[..1]);
    assert_eq!(runs(&workspace, &[]).len(), 1);
}

#[test]
fn prune_deletes_old_runs_without_a_label() {
    let server = server();
    let workspace = workspace(&server);
    run_profile(&workspace, &["p", "--label", "kept"]);
    for arguments in [&["p", "--out", "out"][..], &["p"], &["q"], &["p"]] {
        run_profile(&workspace, arguments);
    }
    let listed = runs(&workspace, &[]);
    let prune = |arguments: &[&str]| {
        let ended = brunt(&workspace, &[&["history", "prune"], arguments].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended.stdout
    };
    assert_eq!(
        prune(&["--keep", "0", "--older-than", "1d"]),
        "0 runs deleted; kept 1 that is labeled or in a baseline\n"
    );
    let text = prune(&["--keep", "2", "--dry-run"]);
    assert!(
        text.contains("(its files in out are not deleted)")
            && text.contains("2 runs would be deleted; kept 1"),
        "{text}"
    );
    assert_eq!(runs(&workspace, &[]), listed);
    assert!(prune(&["--keep", "2"]).contains("2 runs deleted; kept 1"));
    assert_eq!(
        runs(&workspace, &[]),
        [&listed[0], &listed[3], &listed[4]].map(String::as_str)
    );
    assert_eq!(entries(&workspace.path("performance/results")).len(), 3);
    assert_eq!(entries(&workspace.path("performance/reports")).len(), 3);
    assert!(workspace.path("out/record.brunt").exists());
    assert!(
        prune(&["--older-than", "0s"])
            .ends_with("2 runs deleted; kept 1 that is labeled or in a baseline\n")
    );
    let left = runs(&workspace, &[]);
    assert!(left.len() == 1 && left[0].contains("kept"), "{left:?}");
}

#[test]
fn history_fits_the_width_and_honors_no_color() {
    let server = server();
    let workspace = workspace(&server);
    run_profile(&workspace, &["p", "--label", &"a long label ".repeat(20)]);
    run_profile(&workspace, &["p"]);
    for columns in [80, 200] {
        let mut look = command(&workspace, &["history"]);
        let text = |look: &mut Command| Ended::from(look.output().unwrap()).stdout;
        look.env("COLUMNS", columns.to_string())
            .env("CLICOLOR_FORCE", "1");
        assert!(
            text(&mut look).contains('\u{1b}'),
            "colors if they are forced"
        );
        look.env_remove("CLICOLOR_FORCE").env("NO_COLOR", "1");
        let plain = text(&mut look);
        assert!(!plain.contains('\u{1b}'), "{plain}");
        assert!(
            plain.lines().all(|line| line.chars().count() <= columns),
            "{plain}"
        );
        assert!(plain.contains("p95, run by run"), "{plain}");
    }
}

#[test]
fn history_and_run_files_contain_no_secret() {
    let routes = Routes::new().rule("/a", |request| {
        let is_sent = request.header("authorization") == Some("Bearer of-the-header");
        let response = if is_sent {
            Response::ok("x")
        } else {
            Response::new(401)
        };
        response.header("Set-Cookie", "session=of-the-response")
    });
    let server = Server::start(routes).unwrap();
    let url = server.url();
    let workspace = Brunt::new(&["history"]).scenario(&format!(
        "host = \"{url}\"\n[data]\ntokens = [\"of-the-data\"]\n\
         [users.u]\nwait = \"5ms..10ms\"\n[[users.u.tasks]]\npost = \"/a\"\n\
         headers = {{ Authorization = \"Bearer of-the-header\", Cookie = \"session=of-the-request\", \
         X-Token = \"{{{{ pick(tokens) }}}}\" }}\n\
         json = {{ password = \"of-the-body\" }}\n\
         [profiles.p]\nusers = 2\nduration = \"300ms\"\n\
         [targets]\np50 = {{ target = \"5s\" }}\n"
    ));
    let run = command(&workspace, &["run", "p", "--headless", "--out", "out"])
        .env("BRUNT_TEST_TOKEN", "of-the-environment")
        .output()
        .unwrap();
    assert_eq!(runs(&workspace, &[]).len(), 1, "{run:?}");
    assert_eq!(
        workspace.summary()["total"]["failures"],
        0,
        "the secret is sent"
    );
    let database = fs::read(workspace.path("performance/brunt.db")).unwrap();
    let host = url.as_bytes();
    assert!(
        database.windows(host.len()).any(|part| part == host),
        "the database is readable"
    );
    let files = [
        "performance/brunt.db",
        "out/record.brunt",
        "out/summary.json",
        "out/report.html",
    ];
    for file in files {
        let bytes = fs::read(workspace.path(file)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("of-the-"), "{file}");
    }
}

/// Directory with 10,000 runs, and reports of ten.
fn ten_thousand() -> Brunt {
    let workspace = Brunt::new(&["history"]);
    assert_eq!(brunt(&workspace, &["history", "--rebuild"]).code, Some(0));
    let connection = Connection::open(workspace.path("performance/brunt.db")).expect("a database");
    let rows = include_str!("ten-thousand-runs.sql");
    connection.execute_batch(rows).expect("rows");
    let reports = workspace.path("performance/reports");
    fs::create_dir(&reports).expect("a folder");
    for number in 9_990..10_000 {
        fs::write(reports.join(format!("run-{number}.html")), "a report").expect("a file");
    }
    workspace
}

#[test]
fn ten_thousand_runs_are_listed_with_their_change_points() {
    let workspace = ten_thousand();
    assert_eq!(runs(&workspace, &["--last", "10000"]).len(), 10_000);
    assert_eq!(runs(&workspace, &[]).len(), 50);
    for request in [&[][..], &["--request", "GET /items/3"]] {
        let arguments = [&["history", "--last", "800"], request].concat();
        let ended = brunt(&workspace, &arguments);
        assert_eq!(
            ended.stdout.matches("- since 2026-11-21").count(),
            4,
            "{ended:?}"
        );
        assert!(
            ended
                .stdout
                .contains("(release 9800): 15.5 ms, before 10.5 ms")
        );
    }
}

#[test]
fn page_links_to_the_reports_that_exist() {
    let workspace = ten_thousand();
    let ended = brunt(&workspace, &["history", "--html"]);
    assert!(
        ended
            .stdout
            .ends_with("Page: performance/reports/history.html\n"),
        "{ended:?}"
    );
    let page = fs::read_to_string(workspace.path("performance/reports/history.html")).unwrap();
    // A point in each of eight charts, and a row of the table.
    assert_eq!(page.matches("<a href=\"run-").count(), 10 * 9);
    assert_eq!(
        page.matches("viewBox=\"0 0 14 14\"").count(),
        8,
        "a legend of the results of these runs"
    );

    let named = brunt(
        &workspace,
        &[
            "history",
            "--request",
            "/items/3",
            "--html",
            "pages/one.html",
        ],
    );
    assert_eq!(named.code, Some(0), "{named:?}");
    let page = fs::read_to_string(workspace.path("pages/one.html")).unwrap();
    assert!(page.contains("p95 of GET /items/3") && !page.contains("<figcaption>cpu"));
    assert!(page.contains("<a href=\"../performance/reports/run-9999.html\""));
}
