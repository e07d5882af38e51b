//! Help, `check`, `schema`, `init`, `monitor`, `agent`, and invalid input.

use brunt_testbed::{KillOnDrop, Response, Routes, Server};
use serde_json::Value;

use crate::brunt::Brunt;

#[test]
fn help_of_every_command_matches_its_snapshot() {
    for command in [
        "",
        "run",
        "check",
        "schema",
        "init",
        "import",
        "import curl",
        "import har",
        "import openapi",
        "history",
        "history prune",
        "baseline",
        "baseline save",
        "baseline compare",
        "compare",
        "report",
        "monitor",
        "agent",
    ] {
        let arguments: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let ended = Brunt::new(&arguments).run();
        assert_eq!(ended.code, Some(0));
        insta::assert_snapshot!(format!("help {command}").trim(), ended.stdout);
    }
}

#[test]
fn check_prints_profiles_and_classes() {
    let ended = Brunt::new(&["check"]).shipped().run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    insta::assert_snapshot!("check", ended.stdout);
}

/// Ten users with a think time of two seconds, for five minutes: 1,500 requests, or 5 per second.
const SMALL: &str = r#"
host = "http://127.0.0.1:1"
[users.visitor]
wait = "1s..3s"
[[users.visitor.tasks]]
get = "/"
[[users.guest.tasks]]
get = "/guest"
[profiles.load]
users = 10
duration = "5m"
classes = ["visitor"]
[profiles.more]
users = 40
duration = "5m"
classes = ["visitor"]
targets = ["error_rate"]
[targets]
throughput = { target = "100/s", critical = "20/s" }
error_rate = { target = "0.1%" }
[request_targets."/guest"]
p95 = { target = "200ms" }
"#;

#[test]
fn check_warns_of_undecidable_targets_with_a_remedy() {
    let ended = Brunt::new(&["check"]).scenario(SMALL).run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let warnings: Vec<&str> = ended
        .stdout
        .lines()
        .filter_map(|line| line.trim().strip_prefix("warning: "))
        .collect();
    assert_eq!(
        warnings,
        [
            "throughput cannot be decided: over 100 req/s needs an offered load of 110 req/s (10 % headroom), but this load offers 5.03; use 220 users \
             (-u 220, now 10)",
            "error rate cannot be decided: an error rate under 0.1 % needs about 3,000 requests, but this load sends \
             about 1,500; run for 10m (-t 10m, now 5m) or use 20 users (-u 20, now 10)",
            "p95 of /guest cannot be decided: no user of this load sends such a request; include the users and tasks \
             that do",
        ]
    );
}

#[test]
fn search_prints_the_maximum_number_of_logins_and_starts_few() {
    let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
    let scenario = "[targets]\np95 = { critical = \"1s\" }\n[users.u]\non_start = [{ post = \"/login\" }]\n\
                    [[users.u.tasks]]\nget = \"/\"\n[profiles.p]\nsearch = {}\nduration = \"2s\"\n";
    let note =
        "users start as arrivals need them, 4000 at most; each runs on_start before its first task";
    let url = server.url();
    let brunt = Brunt::new(&["run", "p", "--out", "out", "--host", &url]).scenario(scenario);
    let checked = brunt.also(&["check"]);
    assert!(
        checked.stdout.contains(&format!("    {note}\n")),
        "{checked:?}"
    );
    let ended = brunt.run();
    assert!(
        ended.stderr.contains(&format!("note: {note}\n")),
        "{ended:?}"
    );
    let logins = server.counts().by_path["/login"];
    assert!((2..=40).contains(&logins), "{logins}");
    assert!(
        !ended.stdout.contains("the load was not generated"),
        "{ended:?}"
    );
}

#[test]
fn too_short_min_duration_is_refused() {
    let set = |length: &str| format!("verdict.min_duration={length}");
    let check = |length: &str| {
        let brunt = Brunt::new(&["check", "--set", &set(length)]);
        brunt.scenario(SMALL).run()
    };
    assert_eq!(check("5s").code, Some(0));
    let refused = check("1s");
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("must be 2s or more"), "{refused:?}");
}

#[test]
fn schema_is_a_json_schema_with_descriptions() {
    let ended = Brunt::new(&["schema"]).run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let schema: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    let host = &schema["properties"]["host"]["description"];
    assert!(
        host.as_str().is_some_and(|text| text.contains("Base URL")),
        "{host}"
    );
}

#[test]
fn set_options_override_environment_and_file() {
    let brunt = Brunt::new(&[
        "check",
        "--set",
        "users.normal.wait=7s",
        "--set",
        "host=http://set",
    ])
    .shipped();
    let ended = brunt.run_with(&[
        ("BRUNT__USERS__NORMAL__WAIT", "6s"),
        ("BRUNT__USERS__BURST__WAIT", "5s"),
    ]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for part in [
        "normal: 33.3 % of the users, wait 7s",
        "burst: 33.3 % of the users, wait 5s",
        "http://set/",
    ] {
        assert!(ended.stdout.contains(part), "{ended:?}");
    }
    let wrong = brunt.run_with(&[("BRUNT__USERS__BURST__WAIT", "soon")]);
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert!(
        wrong.stderr.contains("BRUNT__USERS__BURST__WAIT=soon"),
        "{wrong:?}"
    );
}

#[test]
fn scenario_file_includes_others() {
    let brunt = Brunt::new(&["check"]).scenario(
        "include = [\"parts/users.toml\"]\n[profiles.load]\nusers = 3\nduration = \"1m\"\n",
    );
    std::fs::create_dir(brunt.path("parts")).unwrap();
    let users = "host = \"http://a\"\n[[users.visitor.tasks]]\nget = \"/\"\n";
    std::fs::write(brunt.path("parts/users.toml"), users).unwrap();
    let ended = brunt.run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stdout.contains("http://a/") && ended.stdout.contains("visitor"),
        "{ended:?}"
    );
}

#[test]
fn init_writes_a_valid_scenario_and_overwrites_nothing() {
    let brunt = Brunt::new(&["init"]);
    assert_eq!(brunt.run().code, Some(0));
    let again = brunt.run();
    assert_eq!(again.code, Some(2));
    assert!(again.stderr.contains("it already exists"), "{again:?}");
    let text = std::fs::read_to_string(brunt.path("brunt.toml")).unwrap();
    let checked = Brunt::new(&["check"]).scenario(&text).run();
    assert_eq!(checked.code, Some(0), "{checked:?}");
}

#[test]
fn invalid_input_exits_with_2_and_names_the_remedy() {
    let cases: [(&[&str], &str); 9] = [
        (&["run", "laod"], "did you mean `load`"),
        (&["run", "--file", "none.toml"], "brunt init"),
        (&["run", "--classes", "norml"], "did you mean `normal`"),
        (&["run", "-t", "soon"], "like 500ms"),
        (&["run", "-t", "0s"], "more than 0s"),
        (&["run", "-u", "0"], "0 is not in"),
        (&["run", "-r", "-1"], "unexpected argument"),
        (&["run", "--host", "localhost"], "http://localhost:8000"),
        (&["run", "--pid", "999999999"], "embedded agent"),
    ];
    for (arguments, part) in cases {
        let ended = Brunt::new(arguments).shipped().run();
        assert_eq!(ended.code, Some(2), "{arguments:?} {ended:?}");
        assert!(ended.stderr.contains(part), "{arguments:?} {ended:?}");
    }
}

#[test]
fn scenario_error_names_the_line_and_column() {
    let ended = Brunt::new(&["run"]).scenario("hots = \"http://x\"\n").run();
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("brunt.toml:1:1"), "{ended:?}");
    assert!(ended.stderr.contains("did you mean `host`"), "{ended:?}");
}

#[test]
fn monitor_writes_a_row_per_interval() {
    let brunt = Brunt::new(&[
        "monitor",
        "-t",
        "700ms",
        "--interval",
        "200ms",
        "-o",
        "m.csv",
    ]);
    let ended = brunt.run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let text = std::fs::read_to_string(brunt.path("m.csv")).unwrap();
    let mut lines = text.lines();
    let first = "timestamp,cpu_percent,memory_percent,memory_mb,disk_read_mb,disk_write_mb,\
                 network_sent_mb,network_recv_mb,";
    assert!(
        lines.next().is_some_and(|line| line.starts_with(first)),
        "{text}"
    );
    let rows: Vec<&str> = lines.collect();
    assert_eq!(rows.len(), 3, "{text}");
    for row in rows {
        let memory: f64 = row.split(',').nth(3).unwrap().parse().unwrap();
        assert!(memory > 1.0, "{row}");
    }
}

#[test]
fn monitor_reads_a_process() {
    let sleeper = std::process::Command::new("sleep")
        .arg("60")
        .spawn()
        .unwrap();
    let sleeper = KillOnDrop::new(sleeper);
    let id = sleeper.id().to_string();
    let brunt = Brunt::new(&[
        "monitor",
        "-t",
        "300ms",
        "--interval",
        "100ms",
        "--pid",
        &id,
        "-o",
        "m.csv",
    ]);
    let ended = brunt.run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let text = std::fs::read_to_string(brunt.path("m.csv")).unwrap();
    let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
    let row: Vec<&str> = text.lines().nth(1).unwrap().split(',').collect();
    let cell = |name: &str| row[header.iter().position(|column| *column == name).unwrap()];
    assert_eq!(
        (cell("process_threads"), cell("process_processes")),
        ("1", "1"),
        "{text}"
    );
}

#[test]
fn agent_serves_at_the_printed_address_and_exits_with_its_input() {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::process::{Command, Stdio};
    let mut agent = Command::new(env!("CARGO_BIN_EXE_brunt"))
        .args(["agent", "--port", "0", "--memory", "--until-stdin-closes"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(agent.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line.trim().strip_prefix("serving at http://").unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream
        .write_all(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let body = response.split("\r\n\r\n").nth(1).unwrap();
    let health: Value = serde_json::from_str(body).unwrap();
    assert!(health["agent_id"].is_string(), "{response}");
    drop(agent.stdin.take());
    let status = brunt_testbed::wait_until(crate::brunt::BOUND, "the agent to end", || {
        agent.try_wait().unwrap()
    });
    assert_eq!(status.code(), Some(0));
}

#[test]
fn agent_with_a_used_port_or_an_unusable_file_is_invalid_input() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let used = port.local_addr().unwrap().port().to_string();
    let ended = Brunt::new(&["agent", "--memory", "--port", &used]).run();
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let message = format!("cannot listen on 127.0.0.1:{used}");
    assert!(ended.stderr.contains(&message), "{ended:?}");
    let ended = Brunt::new(&["agent", "--port", "0", "--db", "none/agent.db"]).run();
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(
        ended.stderr.contains("choose another file with --db"),
        "{ended:?}"
    );
}
