//! `brunt baseline`: save, list, show, compare and delete.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;
use std::time::Duration;

use brunt_record::{Ending, Header, NameId, RunRecord, Sample, SecondRecorder, StoppedBy};
use brunt_testbed::{Response, Routes, Server};
use serde_json::Value;

use crate::brunt::{Brunt, read_json};

/// Duration of a run with enough blocks, in seconds.
const RUN_S: u32 = 24;
const MAIN: &str = "performance/benchmarks/main.json";

fn scenario(host: &str) -> String {
    format!(
        "host = \"{host}\"\n[users.u]\nwait = \"10ms..20ms\"\n[[users.u.tasks]]\nget = \"/\"\n\
         [profiles.load]\nusers = 4\nduration = \"1s\"\n[profiles.other]\nusers = 1\nduration = \"1s\"\n\
         [profiles.stress]\nsearch = {{}}\nduration = \"1m\"\n"
    )
}

/// Directory with a scenario of a server and a short run, and the header of its record.
fn after_a_run(server: &Server) -> (Brunt, Header) {
    let brunt = Brunt::new(&["run", "load", "--headless"]).scenario(&scenario(&server.url()));
    let ended = brunt.run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let results = brunt.path("performance/results");
    let folder = std::fs::read_dir(results).unwrap().next().unwrap().unwrap();
    let bytes = std::fs::read(folder.path().join("record.brunt")).unwrap();
    let record = brunt_record::file::read(bytes.as_slice()).unwrap();
    (brunt, record.header)
}

fn server_with_delay(delay_ms: u64) -> Server {
    let response = Response::ok("x").delayed(Duration::from_millis(delay_ms));
    Server::start(Routes::new().otherwise(response)).unwrap()
}

/// Writes a run in which every request took about this long.
fn write_run(brunt: &Brunt, run_id: &str, header: &Header, took_us: u64) {
    let mut header = header.clone();
    run_id.clone_into(&mut header.run_id);
    header.load.stages[0].seconds = f64::from(RUN_S);
    let mut record = RunRecord::new(header);
    let mut recorder = SecondRecorder::new(&record.header.names);
    for second in 0..RUN_S {
        recorder.start(second);
        recorder.counts_mut().users = Some(4);
        for at in 0..200u64 {
            recorder.record(&sample(
                u64::from(second) * 1_000_000 + at * 4_500,
                took_us + at % 7,
            ));
        }
        record.timeline.merge(&recorder.to_snapshot()).unwrap();
    }
    let ms = u64::from(RUN_S) * 1_000;
    record.ending = Some(Ending {
        stopped_by: StoppedBy::Finished,
        load_ended_ms: ms,
        ended_ms: ms,
        stop_reason: None,
        missed_targets: Vec::new(),
        unavailable: brunt_record::Unavailable::default(),
    });
    let folder = brunt.path("performance/results").join(run_id);
    std::fs::create_dir_all(&folder).unwrap();
    let file = std::fs::File::create(folder.join("record.brunt")).unwrap();
    brunt_record::file::write(&record, file).unwrap();
}

fn sample(intended_us: u64, took_us: u64) -> Sample {
    let at = |us: u64| us * 1_000;
    Sample {
        name: NameId(0),
        intended_ns: at(intended_us),
        dispatched_ns: at(intended_us),
        sent_ns: Some(at(intended_us)),
        first_byte_ns: Some(at(intended_us + took_us)),
        done_ns: at(intended_us + took_us),
        connect_ns: None,
        tls_ns: None,
        generator_stall_ns: 0,
        failure: None,
        wire_requests: 1,
        bytes_sent: 100,
        bytes_received: 100,
    }
}

fn rewrite(file: &Path, change: impl Fn(&mut Value)) {
    let mut baseline = read_json(file);
    change(&mut baseline);
    std::fs::write(file, baseline.to_string()).unwrap();
}

#[test]
fn baseline_is_saved_listed_shown_compared_and_deleted() {
    let server = server_with_delay(0);
    let (brunt, header) = after_a_run(&server);
    let none = brunt.also(&["baseline", "list"]);
    assert!(none.stdout.contains("no baselines"), "{none:?}");
    // Later than the actual run.
    for (run, took_us) in [
        ("99990101-1", 5_000),
        ("99990101-2", 5_020),
        ("99990101-3", 4_990),
    ] {
        write_run(&brunt, run, &header, took_us);
    }
    let runs = ["99990101-1", "99990101-2", "99990101-3"];
    let arguments = [&["baseline", "save", "main"], &runs[..]].concat();
    let saved = brunt.also(&arguments);
    assert_eq!(saved.code, Some(0), "{saved:?}");
    assert!(saved.stdout.contains("saved 3 runs") && saved.stdout.contains(MAIN));
    assert!(!saved.stderr.contains("noise between runs"), "{saved:?}");
    let text = std::fs::read_to_string(brunt.path(MAIN)).unwrap();
    assert!(text.len() < 20_000, "{} bytes", text.len());
    let list = brunt.also(&["baseline", "list"]);
    assert!(
        list.stdout.contains("main") && list.stdout.contains('3'),
        "{list:?}"
    );
    let shown = brunt.also(&["baseline", "show", "main"]);
    assert!(
        shown.stdout.contains("99990101-2") && shown.stdout.contains("5.0"),
        "{shown:?}"
    );

    for (took_us, code, part) in [
        (5_050, 0, "same"),
        (6_000, 1, "Worse than baseline `main`: "),
        (4_000, 0, "better"),
    ] {
        write_run(&brunt, "99990102-4", &header, took_us);
        let ended = brunt.also(&["baseline", "compare", "main", "--out", "out"]);
        assert_eq!(ended.code, Some(code), "{took_us}: {ended:?}");
        assert!(ended.stdout.contains(part), "{ended:?}");
        let found = &brunt.summary()["findings"];
        let is_reported = found[0]["kind"] == "regression";
        assert_eq!(is_reported, code == 1, "{found}");
    }
    let tolerant = brunt.also(&[
        "baseline",
        "compare",
        "main",
        "99990102-4",
        "--tolerance",
        "50%",
    ]);
    assert!(tolerant.stdout.contains("The same as"), "{tolerant:?}");

    assert_eq!(brunt.also(&["baseline", "delete", "main"]).code, Some(0));
    let gone = brunt.also(&["baseline", "show", "main"]);
    assert_eq!(gone.code, Some(2), "{gone:?}");
    assert!(gone.stderr.contains("brunt baseline save main"), "{gone:?}");
}

#[test]
fn baseline_of_one_run_warns_and_runs_option_adds_runs() {
    let server = server_with_delay(0);
    let (brunt, header) = after_a_run(&server);
    write_run(&brunt, "99990101-1", &header, 5_000);
    let one = brunt.also(&["baseline", "save", "main"]);
    assert_eq!(one.code, Some(0), "{one:?}");
    let weakness = "the noise between runs is unknown";
    let remedy = "`brunt baseline save main --runs 3`";
    for part in [weakness, remedy] {
        assert!(one.stderr.contains(part), "{one:?}");
    }
    // A fifth slower, but not enough runs to be called worse.
    write_run(&brunt, "99990102-2", &header, 6_000);
    let compared = brunt.also(&["baseline", "compare", "main", "--out", "out"]);
    assert_eq!(compared.code, Some(5), "{compared:?}");
    let flat = compared.stdout.split_whitespace().collect::<Vec<_>>();
    assert!(flat.join(" ").contains(weakness), "{compared:?}");
    let found = &brunt.summary()["comparison"];
    assert_eq!(found["outcome"], "not_enough_data");
    let rows = found["rows"].as_array().unwrap();
    let p50 = rows.iter().find(|row| row["metric"] == "p50").unwrap();
    assert!(
        p50["ratio"].as_f64().is_some_and(|ratio| ratio > 1.19),
        "{p50}"
    );
    assert_eq!(
        (&p50["interval"], &p50["outcome"]),
        (&Value::Null, &"not_enough_data".into())
    );
    let never = brunt.also(&["baseline", "compare", "main", "--fail-on", "never"]);
    assert_eq!(never.code, Some(0), "{never:?}");
    // The warning is printed before the load and in the result.
    let run = brunt.also(&["run", "load", "--headless", "--baseline", "main"]);
    assert_eq!(run.code, Some(5), "{run:?}");
    let (before, _) = run.stderr.split_once("brunt load:").unwrap();
    assert!(
        before.contains(weakness) && before.contains(remedy),
        "{run:?}"
    );
    let flat = run.stdout.split_whitespace().collect::<Vec<_>>();
    assert!(flat.join(" ").contains(weakness), "{run:?}");
    let made = brunt.also(&["baseline", "save", "main", "--runs", "3", "--headless"]);
    assert_eq!(made.code, Some(0), "{made:?}");
    assert_eq!(
        read_json(&brunt.path(MAIN))["runs"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
}

#[test]
fn run_worse_than_its_baseline_fails_in_every_output() {
    let server = server_with_delay(8);
    let (brunt, header) = after_a_run(&server);
    let runs = ["99990101-1", "99990101-2", "99990101-3"];
    for run in runs {
        write_run(&brunt, run, &header, 2_000);
    }
    let arguments = [&["baseline", "save", "main"], &runs[..]].concat();
    assert_eq!(brunt.also(&arguments).code, Some(0));
    let ended = brunt.also(&[
        "run",
        "load",
        "-t",
        "22s",
        "--headless",
        "--out",
        "out",
        "--baseline",
        "main",
        "--junit",
        "ci/brunt.xml",
        "--markdown",
        "ci/brunt.md",
        "--github",
    ]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended.stdout.contains("Worse than baseline `main`"),
        "{ended:?}"
    );
    assert!(
        ended
            .stdout
            .contains("::error title=brunt load%3A p50 compared with baseline main")
    );
    let summary = brunt.summary();
    assert_eq!(summary["comparison"]["outcome"], "worse");
    assert_eq!(summary["findings"][0]["kind"], "regression");
    let read = |name: &str| std::fs::read_to_string(brunt.path(name)).unwrap();
    assert!(read("ci/brunt.xml").contains("<failure message=\"worse: "));
    assert!(read("ci/brunt.md").contains("| p50 |"));
    assert!(read("out/report.html").contains("Compared with the baseline"));
}

#[test]
fn incompatible_conditions_are_refused_before_the_load() {
    type Case = (&'static str, fn(&mut Value));
    let server = server_with_delay(0);
    let (brunt, header) = after_a_run(&server);
    write_run(&brunt, "99990101-1", &header, 5_000);
    assert_eq!(brunt.also(&["baseline", "save", "main"]).code, Some(0));
    let file = brunt.path(MAIN);
    let before = server.counts().requests;
    let run = ["run", "load", "--headless", "--baseline", "main"];
    let changes: [Case; 3] = [
        ("cores: 77 in the baseline", |baseline| {
            baseline["conditions"]["machine"]["cores"] = 77.into();
        }),
        ("scenario hash", |baseline| {
            baseline["conditions"]["scenario_hash"] = "0".into();
        }),
        ("processor: a in the baseline", |baseline| {
            baseline["conditions"]["machine"]["cpu_model"] = "a".into();
        }),
    ];
    for (part, change) in changes {
        rewrite(&file, change);
        let refused = brunt.also(&run);
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.stderr.contains(part), "{refused:?}");
        assert!(refused.stderr.contains("--allow-mismatch"), "{refused:?}");
    }
    assert_eq!(server.counts().requests, before, "no load");
    let forced = brunt.also(&[&run[..], &["--allow-mismatch"]].concat());
    assert!(forced.stderr.contains("note: cores: 77"), "{forced:?}");
    // A run of a second is too short.
    assert_eq!(forced.code, Some(5), "{forced:?}");
    assert!(
        forced.stdout.contains("not enough data to compare"),
        "{forced:?}"
    );
}

#[test]
fn minor_differences_are_noted_and_another_profile_is_refused() {
    let server = server_with_delay(0);
    let (brunt, header) = after_a_run(&server);
    write_run(&brunt, "99990101-1", &header, 5_000);
    assert_eq!(brunt.also(&["baseline", "save", "main"]).code, Some(0));
    rewrite(&brunt.path(MAIN), |baseline| {
        baseline["conditions"]["brunt_version"] = "0.0.1".into();
        baseline["conditions"]["machine"]["system"] = "Linux 2.6".into();
    });
    let compared = brunt.also(&["baseline", "compare", "main"]);
    // One run is not enough.
    assert_eq!(compared.code, Some(5), "{compared:?}");
    for part in [
        "brunt: `0.0.1` in the baseline",
        "system: Linux 2.6 in the baseline",
    ] {
        assert!(compared.stderr.contains(part), "{compared:?}");
    }
    let other = brunt.also(&["run", "other", "--headless", "--baseline", "main"]);
    assert_eq!(other.code, Some(2), "{other:?}");
    assert!(
        other.stderr.contains("profile: `load` in the baseline"),
        "{other:?}"
    );
}

#[test]
fn invalid_input_names_the_remedy() {
    let server = server_with_delay(0);
    let (brunt, header) = after_a_run(&server);
    write_run(&brunt, "99990101-1", &header, 5_000);
    brunt.also(&["baseline", "save", "main"]);
    std::fs::write(
        brunt.path("performance/benchmarks/new.json"),
        "{\"format\": 9}",
    )
    .unwrap();
    std::fs::write(brunt.path("performance/benchmarks/bad.json"), "[]").unwrap();
    for (arguments, part) in [
        (
            &["baseline", "show", "mian"][..],
            "available: bad, main, new",
        ),
        (&["baseline", "show", "new"], "use a newer version"),
        (&["baseline", "show", "bad"], "it has no `format`"),
        (
            &["baseline", "save", "../x"],
            "invalid baseline name `../x`",
        ),
        (
            &["baseline", "save", "x", "nowhere"],
            "unknown run `nowhere`",
        ),
        (
            &[
                "baseline",
                "save",
                "x",
                "--runs",
                "3",
                "--profile",
                "stress",
            ],
            "is a search",
        ),
        (&["baseline", "save", "x", "-t", "5s"], "require --runs N"),
        (&["baseline", "save", "x", "--profile", "load"], "--runs"),
        (
            &["baseline", "compare", "main", "--tolerance", "5"],
            "such as 5%",
        ),
        (
            &["run", "load", "--tolerance", "5%"],
            "--tolerance requires --baseline",
        ),
        (
            &["run", "all", "--baseline", "main"],
            "--baseline requires a single profile",
        ),
        (
            &["run", "load", "--baseline", "mian"],
            "available: bad, main, new",
        ),
    ] {
        let ended = brunt.also(arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?} {ended:?}");
        assert!(ended.stderr.contains(part), "{arguments:?} {ended:?}");
    }
}
