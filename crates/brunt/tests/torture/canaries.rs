//! Canaries: secrets that are told from all else, in every place that a scenario, the environment, the command line and a
//! service have for them, played against a service that repeats what it gets. None may come out of brunt anywhere.

mod aviary;
mod encodings;
mod finder;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;

use brunt_testbed::{Answer, Request, Routes, Server, wait_until};

use crate::brunt::{BOUND, Brunt, Ended, children};
use crate::trials::Promise;

use aviary::{Aviary, CONTROL};
use encodings::{encoded, from_base64};
use finder::{Finder, files};

/// A run with all that it can leave.
const RUN: [&str; 14] = [
    "run",
    "load",
    "--headless",
    "--out",
    "out",
    "--github",
    "--junit",
    "junit.xml",
    "--markdown",
    "table.md",
    "--jsonl",
    "lines.jsonl",
    "--locust-csv",
    "locust",
];

/// What else brunt makes of a scenario or a run.
const MADE: [&[&str]; 14] = [
    &["check"],
    &["check", "--try"],
    &["report", "out"],
    &["report", "out", "--html"],
    &["report", "out", "--json"],
    &["report", "out", "--markdown"],
    &["report", "out", "--junit"],
    &["report", "out", "--csv", "tables"],
    &["report", "out", "--locust-csv", "again"],
    &["history"],
    &["history", "--json"],
    &["baseline", "save", "main", "out"],
    &["baseline", "show", "main"],
    &["baseline", "compare", "main", "--out", "compared"],
];

/// Where examples are shown.
const CONTROLLED: [&str; 6] = [
    "1: out/report.html",
    "1: out/failures.csv",
    "1: the record",
    "2: the record",
    "on_start: out/summary.json",
    "1: check --try: stdout",
];

#[test]
fn no_secret_reaches_any_output() {
    let promise = Promise {
        says: "no secret of the environment, the settings, the data, the command line or the service reaches an output",
        how: "canaries in over 40 places, a service that repeats them in 5 encodings; one process and two; all forms of report",
        short: 1,
        long: 5,
        bound: std::time::Duration::from_mins(4),
    };
    promise.hold(|number, _| {
        let aviary = Aviary::new(number);
        let server = Server::start(service(&aviary)).map_err(|error| error.to_string())?;
        let mut outputs = BTreeMap::new();
        for processes in ["1", "2"] {
            play(&aviary, &server, processes, &mut outputs)?;
        }
        for setting in ["setup", "on_start"] {
            play_failing_start(&aviary, &server, setting, &mut outputs);
        }
        refuse(&aviary, &server, &mut outputs);
        judge(&aviary, &outputs)
    });
}

/// Repeats what it got, as the first part of the path says.
fn service(aviary: &Aviary) -> Routes {
    let birds = aviary.of_service();
    Routes::new().otherwise_rule(move |request| {
        let mut parts = request.path().split('/').skip(1);
        match parts.next().unwrap_or_default() {
            "echo" => {
                let way = parts.next().unwrap_or_default();
                Answer::new(400).body(encoded(way, &payload(request)))
            }
            "cut" => {
                let padding = parts.next().and_then(|count| count.parse().ok());
                let body = " ".to_owned() + &".".repeat(padding.unwrap_or(0)) + &payload(request);
                Answer::new(500).body(body)
            }
            "login" => {
                let body = serde_json::json!({
                    "token": birds["extracted"], "value": birds["used as bearer"],
                });
                let page = format!("<input name=\"csrf\" value=\"{}\">", birds["of a page"]);
                Answer::ok(format!("{body}\n{page}")).header(
                    "Set-Cookie",
                    &format!("visitor={}; Path=/", birds["of a cookie"]),
                )
            }
            "json" => Answer::ok(
                serde_json::json!({
                    "token": birds["extracted"], "value": birds["used as bearer"],
                })
                .to_string(),
            ),
            "cookies" => Answer::ok("x").header(
                "Set-Cookie",
                &format!("jar={}; Path=/", birds["of the jar"]),
            ),
            "bad-login" => Answer::new(401)
                .body(serde_json::json!({"access_token": birds["in an error"]}).to_string()),
            "bad-cookie" => Answer::new(403)
                .header(
                    "Set-Cookie",
                    &format!("sid={}; Path=/", birds["set by an error"]),
                )
                .body(format!("the session is {}", birds["set by an error"])),
            "away" => {
                let token = encoded("percent", &birds["of a redirect"]);
                Answer::redirect(302, &format!("/echo/raw?access_token={token}"))
            }
            "elsewhere" => {
                let token = encoded("percent", &birds["of a redirect"]);
                Answer::redirect(302, &format!("http://elsewhere.invalid/?token={token}"))
            }
            _ => Answer::new(404).body("nothing here"),
        }
    })
}

/// The target, those header fields that say something, and the body.
fn payload(request: &Request) -> String {
    const QUIET: [&str; 6] = [
        "host",
        "user-agent",
        "accept",
        "content-type",
        "content-length",
        "connection",
    ];
    let mut payload = format!("{}\n", request.target);
    for (name, value) in &request.headers {
        if !QUIET.contains(&name.to_ascii_lowercase().as_str()) {
            payload += &format!("{name}: {value}\n");
        }
        if let Some(credentials) = value.strip_prefix("Basic ") {
            payload += &format!("({})\n", from_base64(credentials));
        }
    }
    payload + &String::from_utf8_lossy(&request.body)
}

type Outputs = BTreeMap<String, Vec<u8>>;

/// Plays the scenario, and makes everything of it that brunt can make.
fn play(
    aviary: &Aviary,
    server: &Server,
    processes: &str,
    outputs: &mut Outputs,
) -> Result<(), String> {
    let assignment = format!("headers.X-Secret-Key={}", aviary.value("of --set"));
    let set = ["--set", assignment.as_str()];
    let brunt = Brunt::new(&[]).scenario(&aviary.scenario(&server.url()));
    aviary.write_data(&brunt.path("people.csv"));
    let mut keep = |what: &str, ended: Ended| {
        let key = format!("{processes}: {what}");
        outputs.insert(format!("{key}: stdout"), ended.stdout.into_bytes());
        outputs.insert(format!("{key}: stderr"), ended.stderr.into_bytes());
    };
    let run = [&RUN[..], &["--processes", processes], &set].concat();
    let mut command = brunt.command_of(&run);
    command
        .envs(aviary.variables())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().map_err(|error| error.to_string())?;
    if processes != "1" {
        keep("the workers' command lines", lines_of_workers(child.id()));
    }
    let played = child
        .wait_with_output()
        .map_err(|error| error.to_string())?;
    let played = Ended::from(played);
    if !brunt.path("out/report.html").exists() {
        return Err(format!("there is no report: {played:?}"));
    }
    keep("run", played);
    for arguments in MADE {
        let mut command = brunt.command_of(arguments);
        command.envs(aviary.variables());
        if arguments[0] == "check" {
            command.args(set);
        }
        let output = command.output().map_err(|error| error.to_string())?;
        keep(&arguments.join(" "), output.into());
    }
    let record = brunt.record().ok_or("there is no record")?;
    let record = format!("{record:?}").into_bytes();
    outputs.insert(format!("{processes}: the record"), record);
    for (name, bytes) in files(brunt.folder.path(), &["brunt.toml", "people.csv"]) {
        outputs.insert(format!("{processes}: {name}"), bytes);
    }
    Ok(())
}

/// The command lines of a run's two workers, as everybody on the machine can read them.
fn lines_of_workers(id: u32) -> Ended {
    let workers = wait_until(BOUND, "the workers", || {
        Some(children(id)).filter(|workers| workers.len() == 2)
    });
    let line = |id: &u32| std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    let lines: Vec<u8> = workers.iter().flat_map(line).collect();
    let lines = String::from_utf8_lossy(&lines).into_owned();
    assert!(lines.contains("worker"), "{lines:?}");
    Ended {
        code: None,
        stdout: lines,
        stderr: String::new(),
    }
}

/// What users or the set-up begin with fails, which is the reason of the run's end.
fn play_failing_start(aviary: &Aviary, server: &Server, setting: &str, outputs: &mut Outputs) {
    let brunt = Brunt::new(&["run", "load", "--headless", "--out", "out", "--github"])
        .scenario(&aviary.failing_start(&server.url(), setting));
    let mut command = brunt.command();
    command.envs(aviary.variables());
    let ended: Ended = command.output().expect("brunt starts").into();
    let reason = brunt.record().and_then(|record| record.ending?.stop_reason);
    assert!(
        reason.is_some_and(|reason| reason.contains(CONTROL)),
        "{setting}: {ended:?}"
    );
    outputs.insert(format!("{setting}: stdout"), ended.stdout.into_bytes());
    outputs.insert(format!("{setting}: stderr"), ended.stderr.into_bytes());
    for (name, bytes) in files(brunt.folder.path(), &["brunt.toml"]) {
        outputs.insert(format!("{setting}: {name}"), bytes);
    }
}

/// What is wrong is said without secrets, too.
fn refuse(aviary: &Aviary, server: &Server, outputs: &mut Outputs) {
    let word = aviary.value("of a wrong option");
    let in_url = encoded("percent", &word);
    let scenario = aviary.scenario(&server.url());
    let broken = [
        scenario.replace("spawn_rate = 100", "spawn_rote = 100"),
        format!(
            "{scenario}\n[[users.u.tasks]]\nget = 1\nauth = {{ bearer = {} }}\n",
            aviary.quoted("in a broken file")
        ),
        format!(
            "{scenario}\n[wrong]\npassword = {}\nx = \n",
            aviary.quoted("in a broken file")
        ),
        format!(
            "{scenario}\n[[users.u.tasks]]\nget = 'x?access_token={}'\n",
            aviary.value("in a broken path")
        ),
    ];
    let urls = [
        format!("http://ann:{in_url}@localhost:1"),
        format!("htp://ann:{in_url}@localhost:1"),
        format!("u=https://ann:{in_url}@localhost:1"),
        format!("nobody=http://localhost:1/?access_token={in_url}"),
        format!("http://localhost:1/?access_token={in_url}"),
    ];
    let mut tries: Vec<(String, Vec<String>)> = broken
        .into_iter()
        .map(|text| (text, vec!["check".to_owned()]))
        .collect();
    for url in urls {
        let arguments = ["check", "--try", "--host", &url].map(str::to_owned);
        tries.push((scenario.clone(), arguments.into()));
    }
    let assignments = [
        format!("users..password={word}"),
        format!("users.u.password={word}"),
        format!("profiles.load.access_token={word}"),
    ];
    for assignment in assignments {
        let arguments = ["check", "--set", &assignment].map(str::to_owned);
        tries.push((scenario.clone(), arguments.into()));
    }
    for (number, (text, arguments)) in tries.into_iter().enumerate() {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let brunt = Brunt::new(&arguments).scenario(&text);
        aviary.write_data(&brunt.path("people.csv"));
        let variables = aviary.variables();
        let variables: Vec<(&str, &str)> = variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let ended = brunt.run_with(&variables);
        assert_ne!(ended.code, Some(0), "{number}: {ended:?}");
        outputs.insert(
            format!("mistake {number}: stderr"),
            ended.stderr.into_bytes(),
        );
        outputs.insert(
            format!("mistake {number}: stdout"),
            ended.stdout.into_bytes(),
        );
    }
}

/// Looks for the canaries in all that came out.
fn judge(aviary: &Aviary, outputs: &Outputs) -> Result<(), String> {
    let control = Finder::new(CONTROL);
    let shown = outputs
        .iter()
        .filter(|(_, bytes)| control.find(bytes).is_some());
    let shown: Vec<&str> = shown.map(|(place, _)| place.as_str()).collect();
    for place in CONTROLLED {
        assert!(
            shown.contains(&place),
            "the finder finds nothing in {place}, only in {shown:?}"
        );
    }
    let mut found = Vec::new();
    for (source, finder) in aviary.finders() {
        for (place, bytes) in outputs {
            if let Some(excerpt) = finder.find(bytes) {
                found.push(format!("{source} in {place}: {excerpt}"));
            }
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(folder.join("canaries"), found.join("\n")).ok();
    found.truncate(40);
    Err(found.join("\n"))
}
