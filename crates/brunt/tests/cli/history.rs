//! The history: what it knows after runs, when it is damaged or cannot be written, and how it is pruned.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use brunt_testbed::{Answer, Routes, Server};
use brunt_verdict::baseline::{Allow, Baseline};
use rusqlite::Connection;

use crate::brunt::{Brunt, Ended};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A folder with a scenario of a server that answers at once.
fn place(server: &Server) -> Brunt {
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
    Server::start(Routes::new().otherwise(Answer::ok("x"))).expect("a server")
}

/// What brunt says in a folder.
fn brunt(place: &Brunt, arguments: &[&str]) -> Ended {
    command(place, arguments)
        .output()
        .expect("brunt starts")
        .into()
}

fn command(place: &Brunt, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_brunt"));
    command
        .args(arguments)
        .current_dir(place.folder.path())
        .env_remove("COLUMNS")
        .env("XDG_CACHE_HOME", place.path("cache"));
    command
}

fn played(place: &Brunt, arguments: &[&str]) -> Ended {
    let ended = brunt(place, &[&["run", "--headless"], arguments].concat());
    // How good they are is not these tests' business.
    assert!(matches!(ended.code, Some(0 | 1 | 3 | 5)), "{ended:?}");
    ended
}

/// The lines of a history that hold runs, each gap one space: how wide columns are depends on all rows.
fn runs(place: &Brunt, arguments: &[&str]) -> Vec<String> {
    let ended = brunt(place, &[&["history"], arguments].concat());
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
fn an_empty_history_says_what_to_do_and_makes_no_database() {
    let place = Brunt::new(&["history"]);
    for arguments in [&["history"][..], &["history", "prune", "--keep", "1"]] {
        let ended = brunt(&place, arguments);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(
            ended.stdout.contains("make one with `brunt run`"),
            "{ended:?}"
        );
    }
    assert!(!place.path("performance").exists());
}

#[test]
fn every_run_is_known_and_a_rebuild_knows_the_same() {
    let server = server();
    let place = place(&server);
    played(&place, &["p", "--label", "v1.2"]);
    played(&place, &["q"]);
    played(&place, &["p", "--out", "out"]);
    let known = runs(&place, &[]);
    assert_eq!(known.len(), 3, "{known:?}");
    assert!(
        known[0].contains("v1.2") && known[0].ends_with('s'),
        "{known:?}"
    );
    assert!(
        known[1].contains(&COMMIT[..10]) && known[1].contains(" q "),
        "{known:?}"
    );
    assert_eq!(
        runs(&place, &["--profile", "p", "--last", "1"]),
        [known[2].as_str()]
    );
    let rates = runs(&place, &["--metric", "throughput", "--request", "/b"]);
    assert!(
        rates.len() == 3 && rates[0].ends_with(" req/s"),
        "{rates:?}"
    );

    let rebuilt = brunt(&place, &["history", "--rebuild"]);
    assert!(
        rebuilt.stdout.contains("3 runs, 2 from the records"),
        "{rebuilt:?}"
    );
    assert_eq!(runs(&place, &[]), known);
    // The folders are the truth.
    let folders = place.path("performance/results");
    fs::remove_dir_all(folders.join(&entries(&folders)[0])).unwrap();
    fs::create_dir(folders.join("20200101T000000Z-p")).unwrap();
    let rebuilt = brunt(&place, &["history", "--rebuild"]);
    assert!(
        rebuilt.stderr.contains("20200101T000000Z-p is passed over"),
        "{rebuilt:?}"
    );
    assert_eq!(runs(&place, &[]), known[1..]);
}

#[test]
fn what_is_not_there_is_wrong_input_that_names_what_is() {
    let server = server();
    let place = place(&server);
    played(&place, &["p"]);
    for (arguments, part) in [
        (&["--profile", "x"][..], "there are runs of: p"),
        (&["--request", "/x"], "GET /a, POST /b"),
        (
            &["--request", "/a", "--metric", "cpu"],
            "which are those of the process; leave it out",
        ),
        (&["--metric", "p96"], "possible values"),
        (&["prune"], "--keep"),
    ] {
        let ended = brunt(&place, &[&["history"], arguments].concat());
        assert_eq!(ended.code, Some(2), "{arguments:?} {ended:?}");
        assert!(ended.stderr.contains(part), "{arguments:?} {ended:?}");
    }
}

#[test]
fn runs_that_end_at_once_are_all_known() {
    let server = server();
    let place = place(&server);
    let both: Vec<_> = (0..6)
        .map(|number| match number {
            0..4 => command(&place, &["run", "p", "--headless"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
            _ => command(&place, &["history", "--rebuild"])
                .stdout(Stdio::null())
                .spawn()
                .unwrap(),
        })
        .collect();
    for mut child in both {
        let status = brunt_testbed::wait_until(crate::brunt::BOUND, "brunt to end", || {
            child.try_wait().unwrap()
        });
        assert!(matches!(status.code(), Some(0 | 1 | 3 | 5)), "{status:?}");
    }
    assert_eq!(runs(&place, &[]).len(), 4);
    assert_eq!(runs(&place, &["--request", "/a"]).len(), 4);
}

#[test]
fn a_damaged_history_is_set_aside_and_made_again() {
    let server = server();
    let place = place(&server);
    let database = place.path("performance/brunt.db");
    played(&place, &["p"]);
    for (number, said) in [(1, "brunt.db.damaged-1"), (2, "brunt.db.damaged-2")] {
        fs::write(
            &database,
            "this is no database, whatever its name says".repeat(99),
        )
        .unwrap();
        let ended = played(&place, &["p"]);
        assert!(ended.stderr.contains(said), "{number} {ended:?}");
        assert!(
            ended.stderr.contains("brunt history --rebuild"),
            "{ended:?}"
        );
        assert_eq!(runs(&place, &[]).len(), 1);
    }
    assert_eq!(brunt(&place, &["history", "--rebuild"]).code, Some(0));
    assert_eq!(runs(&place, &[]).len(), 3);
    let beside = entries(&place.path("performance"));
    let aside = beside.iter().filter(|name| name.ends_with(".damaged-1"));
    assert_eq!(aside.count(), 1, "{beside:?}");
}

#[test]
fn damage_in_the_midst_of_a_history_is_found_when_it_is_read() {
    let place = ten_thousand();
    let database = place.path("performance/brunt.db");
    let mut bytes = fs::read(&database).unwrap();
    bytes[8 * 4096..].fill(0xaa);
    fs::write(&database, &bytes).unwrap();
    let ended = brunt(&place, &["history"]);
    assert!(
        ended
            .stderr
            .contains("set aside as performance/brunt.db.damaged-1"),
        "{ended:?}"
    );
    assert!(ended.stdout.contains("no runs are known"), "{ended:?}");
    let aside = place.path("performance/brunt.db.damaged-1");
    assert!(fs::read(aside).unwrap() == bytes, "it is kept as it was");
}

#[test]
fn a_history_of_a_newer_brunt_is_left_alone() {
    let server = server();
    let place = place(&server);
    let database = place.path("performance/brunt.db");
    played(&place, &["p"]);
    // The version is a big-endian number at byte 60: https://www.sqlite.org/fileformat.html
    let mut bytes = fs::read(&database).unwrap();
    bytes[60..64].copy_from_slice(&99u32.to_be_bytes());
    fs::write(&database, &bytes).unwrap();
    let ended = brunt(&place, &["history"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(
        ended.stderr.contains("version 99") && ended.stderr.contains("up to 1"),
        "{ended:?}"
    );
    let ended = played(&place, &["p"]);
    assert!(
        ended
            .stderr
            .contains("warning: the history does not know this run"),
        "{ended:?}"
    );
    assert_eq!(fs::read(&database).unwrap(), bytes);
    assert_eq!(entries(&place.path("performance/results")).len(), 2);
}

#[test]
fn a_history_that_cannot_be_written_takes_nothing_from_the_run() {
    let server = server();
    let with = place(&server);
    let without = place(&server);
    fs::write(
        without.path("performance"),
        "a file where the folder would be",
    )
    .unwrap();
    let codes = [&with, &without].map(|place| played(place, &["p", "--out", "out"]).code);
    assert_eq!(codes[0], codes[1]);
    let ended = played(&without, &["p", "--out", "out", "--force"]);
    assert!(
        ended
            .stderr
            .contains("warning: the history does not know this run"),
        "{ended:?}"
    );
    assert!(without.path("out/summary.json").exists());
}

#[test]
fn prune_keeps_the_runs_of_baselines() {
    let server = server();
    let place = place(&server);
    played(&place, &["p"]);
    played(&place, &["q"]);
    let results = place.path("performance/results");
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
    let folder = place.path("performance/benchmarks");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("main.json"), baseline.to_text()).unwrap();

    // Who cannot tell what a baseline needs removes nothing.
    fs::write(folder.join("torn.json"), "{\"format\": 1, ").unwrap();
    let ended = brunt(&place, &["history", "prune", "--keep", "0"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(
        ended.stderr.contains("torn.json needs") && ended.stderr.contains("move it away"),
        "{ended:?}"
    );
    assert_eq!(entries(&results), names);
    fs::remove_file(folder.join("torn.json")).unwrap();

    let ended = brunt(&place, &["history", "prune", "--keep", "0"]);
    assert!(
        ended
            .stdout
            .ends_with("1 run removed; 1 with a label or of a baseline stay\n"),
        "{ended:?}"
    );
    assert_eq!(entries(&results), names[..1]);
    assert_eq!(runs(&place, &[]).len(), 1);
}

#[test]
fn prune_removes_what_is_old_and_has_no_label() {
    let server = server();
    let place = place(&server);
    played(&place, &["p", "--label", "kept"]);
    for arguments in [&["p", "--out", "out"][..], &["p"], &["q"], &["p"]] {
        played(&place, arguments);
    }
    let known = runs(&place, &[]);
    let prune = |arguments: &[&str]| {
        let ended = brunt(&place, &[&["history", "prune"], arguments].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended.stdout
    };
    assert_eq!(
        prune(&["--keep", "0", "--older-than", "1d"]),
        "0 runs removed; 1 with a label or of a baseline stay\n"
    );
    let said = prune(&["--keep", "2", "--dry-run"]);
    assert!(
        said.contains("files in out stay") && said.contains("2 runs would be removed; 1 with"),
        "{said}"
    );
    assert_eq!(runs(&place, &[]), known);
    assert!(prune(&["--keep", "2"]).contains("2 runs removed; 1 with"));
    assert_eq!(
        runs(&place, &[]),
        [&known[0], &known[3], &known[4]].map(String::as_str)
    );
    assert_eq!(entries(&place.path("performance/results")).len(), 3);
    assert_eq!(entries(&place.path("performance/reports")).len(), 3);
    assert!(place.path("out/record.brunt").exists());
    assert!(
        prune(&["--older-than", "0s"])
            .ends_with("2 runs removed; 1 with a label or of a baseline stay\n")
    );
    let left = runs(&place, &[]);
    assert!(left.len() == 1 && left[0].contains("kept"), "{left:?}");
}

#[test]
fn no_line_is_too_wide_and_no_colour_is_honoured() {
    let server = server();
    let place = place(&server);
    played(&place, &["p", "--label", &"a long label ".repeat(20)]);
    played(&place, &["p"]);
    for columns in [80, 200] {
        let mut look = command(&place, &["history"]);
        let text = |look: &mut Command| Ended::from(look.output().unwrap()).stdout;
        look.env("COLUMNS", columns.to_string())
            .env("CLICOLOR_FORCE", "1");
        assert!(
            text(&mut look).contains('\u{1b}'),
            "colours where they are forced"
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
fn no_secret_is_ever_kept() {
    let routes = Routes::new().rule("/a", |request| {
        let is_sent = request.header("authorization") == Some("Bearer of-the-header");
        let answer = if is_sent {
            Answer::ok("x")
        } else {
            Answer::new(401)
        };
        answer.header("Set-Cookie", "session=of-the-answer")
    });
    let server = Server::start(routes).unwrap();
    let url = server.url();
    let place = Brunt::new(&["history"]).scenario(&format!(
        "host = \"{url}\"\n[data]\ntokens = [\"of-the-data\"]\n\
         [users.u]\nwait = \"5ms..10ms\"\n[[users.u.tasks]]\npost = \"/a\"\n\
         headers = {{ Authorization = \"Bearer of-the-header\", Cookie = \"session=of-the-request\", \
         X-Token = \"{{{{ pick(tokens) }}}}\" }}\n\
         json = {{ password = \"of-the-body\" }}\n\
         [profiles.p]\nusers = 2\nduration = \"300ms\"\n\
         [targets]\np50 = {{ target = \"5s\" }}\n"
    ));
    let run = command(&place, &["run", "p", "--headless", "--out", "out"])
        .env("BRUNT_TEST_TOKEN", "of-the-environment")
        .output()
        .unwrap();
    assert_eq!(runs(&place, &[]).len(), 1, "{run:?}");
    assert_eq!(
        place.summary()["total"]["failures"],
        0,
        "the secret is sent"
    );
    let database = fs::read(place.path("performance/brunt.db")).unwrap();
    let host = url.as_bytes();
    assert!(
        database.windows(host.len()).any(|part| part == host),
        "what is kept can be read"
    );
    let files = [
        "performance/brunt.db",
        "out/record.brunt",
        "out/summary.json",
        "out/report.html",
    ];
    for file in files {
        let bytes = fs::read(place.path(file)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("of-the-"), "{file}");
    }
}

/// A folder with 10,000 runs, and reports for some.
fn ten_thousand() -> Brunt {
    let place = Brunt::new(&["history"]);
    assert_eq!(brunt(&place, &["history", "--rebuild"]).code, Some(0));
    let connection = Connection::open(place.path("performance/brunt.db")).expect("a database");
    let rows = include_str!("ten-thousand-runs.sql");
    connection.execute_batch(rows).expect("rows");
    let reports = place.path("performance/reports");
    fs::create_dir(&reports).expect("a folder");
    for number in 9_990..10_000 {
        fs::write(reports.join(format!("run-{number}.html")), "a report").expect("a file");
    }
    place
}

#[test]
fn of_ten_thousand_runs_all_are_listed_and_what_changed_is_told() {
    let place = ten_thousand();
    assert_eq!(runs(&place, &["--last", "10000"]).len(), 10_000);
    assert_eq!(runs(&place, &[]).len(), 50);
    for request in [&[][..], &["--request", "GET /items/3"]] {
        let arguments = [&["history", "--last", "800"], request].concat();
        let ended = brunt(&place, &arguments);
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
fn the_page_leads_to_the_reports_that_are_there() {
    let place = ten_thousand();
    let ended = brunt(&place, &["history", "--html"]);
    assert!(
        ended
            .stdout
            .ends_with("Page: performance/reports/history.html\n"),
        "{ended:?}"
    );
    let page = fs::read_to_string(place.path("performance/reports/history.html")).unwrap();
    // A dot for each of eight metrics, and the table.
    assert_eq!(page.matches("<a href=\"run-").count(), 10 * 9);
    assert_eq!(
        page.matches("viewBox=\"0 0 14 14\"").count(),
        8,
        "the keys: the results that these runs have"
    );

    let named = brunt(
        &place,
        &[
            "history",
            "--request",
            "/items/3",
            "--html",
            "pages/one.html",
        ],
    );
    assert_eq!(named.code, Some(0), "{named:?}");
    let page = fs::read_to_string(place.path("pages/one.html")).unwrap();
    assert!(page.contains("p95 of GET /items/3") && !page.contains("<figcaption>cpu"));
    assert!(page.contains("<a href=\"../performance/reports/run-9999.html\""));
}
