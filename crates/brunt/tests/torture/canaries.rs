//! Canaries: unique secrets in every place of a scenario, the environment, the command line and responses, in runs against a
//! service that echoes its requests. No output of brunt may contain one.

mod encodings;
mod finder;
mod secrets;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use brunt_testbed::{Request, Response, Routes, Server, wait_until};

use crate::brunt::{BOUND, Brunt, Ended, children};
use crate::trials::Promise;

use encodings::{encoded, from_base64};
use finder::{Finder, files};
use secrets::{CONTROL, CONTROL_NAME, Canaries};

/// A run with every kind of output; exporters and their addresses are added.
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

/// Further commands with the scenario or the run.
const COMMANDS: [&[&str]; 14] = [
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

/// Outputs with examples of failures, which must contain [`CONTROL`].
const OUTPUTS_WITH_EXAMPLES: [&str; 6] = [
    "1: out/report.html",
    "1: out/failures.csv",
    "1: the record",
    "2: the record",
    "on_start: out/summary.json",
    "1: check --try: stdout",
];

/// Live exports, which must contain [`CONTROL_NAME`].
const LIVE_EXPORTS: [&str; 6] = [
    "1: OTLP",
    "1: Prometheus",
    "1: lines.jsonl",
    "2: OTLP",
    "2: Prometheus",
    "2: lines.jsonl",
];

#[test]
fn no_secret_reaches_any_output() {
    let promise = Promise {
        says: "no secret from the environment, settings, data, command line or service appears in an output",
        how: "canaries in over 40 places, a service that echoes them in 5 encodings; one and two processes; all report formats \
              and live exports",
        short: 1,
        long: 5,
        bound: std::time::Duration::from_mins(4),
    };
    promise.hold(|number, _| {
        let canaries = Canaries::new(number);
        let server = Server::start(service(&canaries)).map_err(|error| error.to_string())?;
        let mut outputs = BTreeMap::new();
        for processes in ["1", "2"] {
            run_and_collect(&canaries, &server, processes, &mut outputs)?;
        }
        for setting in ["setup", "on_start"] {
            run_failing_start(&canaries, &server, setting, &mut outputs);
        }
        run_invalid_inputs(&canaries, &server, &mut outputs);
        check(&canaries, &outputs)
    });
}

/// Service that echoes requests; the first path segment selects the kind of response.
fn service(canaries: &Canaries) -> Routes {
    let secrets = canaries.of_service();
    Routes::new().otherwise_rule(move |request| {
        let mut parts = request.path().split('/').skip(1);
        match parts.next().unwrap_or_default() {
            "echo" => {
                let encoding = parts.next().unwrap_or_default();
                Response::new(400).body(encoded(encoding, &payload(request)))
            }
            "cut" => {
                let padding = parts.next().and_then(|count| count.parse().ok());
                let body = " ".to_owned() + &".".repeat(padding.unwrap_or(0)) + &payload(request);
                Response::new(500).body(body)
            }
            "login" => {
                let body = serde_json::json!({
                    "token": secrets["extracted"], "value": secrets["used as bearer"],
                });
                let page = format!("<input name=\"csrf\" value=\"{}\">", secrets["of a page"]);
                Response::ok(format!("{body}\n{page}")).header(
                    "Set-Cookie",
                    &format!("visitor={}; Path=/", secrets["of a cookie"]),
                )
            }
            "json" => Response::ok(
                serde_json::json!({
                    "token": secrets["extracted"], "value": secrets["used as bearer"],
                })
                .to_string(),
            ),
            "cookies" => Response::ok("x").header(
                "Set-Cookie",
                &format!("jar={}; Path=/", secrets["of the jar"]),
            ),
            "bad-login" => Response::new(401)
                .body(serde_json::json!({"access_token": secrets["in an error"]}).to_string()),
            "bad-cookie" => Response::new(403)
                .header(
                    "Set-Cookie",
                    &format!("sid={}; Path=/", secrets["set by an error"]),
                )
                .body(format!("the session is {}", secrets["set by an error"])),
            "away" => {
                let token = encoded("percent", &secrets["of a redirect"]);
                Response::redirect(302, &format!("/echo/raw?access_token={token}"))
            }
            "elsewhere" => {
                let token = encoded("percent", &secrets["of a redirect"]);
                Response::redirect(302, &format!("http://elsewhere.invalid/?token={token}"))
            }
            _ => Response::new(404).body("nothing here"),
        }
    })
}

/// Target, header fields except standard ones, and body.
fn payload(request: &Request) -> String {
    const STANDARD: [&str; 6] = [
        "host",
        "user-agent",
        "accept",
        "content-type",
        "content-length",
        "connection",
    ];
    let mut payload = format!("{}\n", request.target);
    for (name, value) in &request.headers {
        if !STANDARD.contains(&name.to_ascii_lowercase().as_str()) {
            payload += &format!("{name}: {value}\n");
        }
        if let Some(credentials) = value.strip_prefix("Basic ") {
            payload += &format!("({})\n", from_base64(credentials));
        }
    }
    payload + &String::from_utf8_lossy(&request.body)
}

type Outputs = BTreeMap<String, Vec<u8>>;

/// Runs the scenario and all further commands, and collects every output.
fn run_and_collect(
    canaries: &Canaries,
    server: &Server,
    processes: &str,
    outputs: &mut Outputs,
) -> Result<(), String> {
    let assignment = format!("headers.X-Secret-Key={}", canaries.value("of --set"));
    let set = ["--set", assignment.as_str()];
    let brunt = Brunt::new(&[]).scenario(&canaries.scenario(&server.url()));
    canaries.write_data(&brunt.path("people.csv"));
    let mut keep = |what: &str, ended: Ended| {
        let key = format!("{processes}: {what}");
        outputs.insert(format!("{key}: stdout"), ended.stdout.into_bytes());
        outputs.insert(format!("{key}: stderr"), ended.stderr.into_bytes());
    };
    let (collector, otlp) = collector()?;
    // Both URLs contain a secret.
    let otlp_url = format!(
        "{}/?access_token={}",
        collector.url(),
        canaries.value("of an exporter URL")
    );
    let address = free_address();
    let exporters = ["--otlp", &otlp_url, "--prometheus-port", &address];
    let run = [&RUN[..], &exporters, &["--processes", processes], &set].concat();
    let mut command = brunt.command_of(&run);
    command
        .envs(canaries.variables())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().map_err(|error| error.to_string())?;
    let scraper = Scraper::start(address.clone());
    if processes != "1" {
        keep(
            "command lines of the workers",
            worker_command_lines(child.id()),
        );
    }
    let ended = child
        .wait_with_output()
        .map_err(|error| error.to_string())?;
    let pages = scraper.stop();
    let ended = Ended::from(ended);
    if !brunt.path("out/report.html").exists() {
        return Err(format!("no report: {ended:?}"));
    }
    if !ended
        .stderr
        .contains("drops intervals: response status 503")
    {
        return Err(format!("no note about the collector: {ended:?}"));
    }
    keep("run", ended);
    for arguments in COMMANDS {
        let mut command = brunt.command_of(arguments);
        command.envs(canaries.variables());
        if arguments[0] == "check" {
            command.args(set);
        }
        let output = command.output().map_err(|error| error.to_string())?;
        keep(&arguments.join(" "), output.into());
    }
    let metrics = otlp.lock().map_err(|error| error.to_string())?.clone();
    outputs.insert(format!("{processes}: OTLP"), metrics);
    outputs.insert(format!("{processes}: Prometheus"), pages);
    let record = brunt.record().ok_or("no record")?;
    let record = format!("{record:?}").into_bytes();
    outputs.insert(format!("{processes}: the record"), record);
    for (name, bytes) in files(brunt.folder.path(), &["brunt.toml", "people.csv"]) {
        outputs.insert(format!("{processes}: {name}"), bytes);
    }
    Ok(())
}

/// Bytes that a collector received.
type Received = Arc<Mutex<Vec<u8>>>;

/// OTLP collector that rejects the first request, and stores the bodies of all.
fn collector() -> Result<(Server, Received), String> {
    let bodies = Arc::<Mutex<Vec<u8>>>::default();
    let stored = bodies.clone();
    let routes = Routes::new().rule("/v1/metrics", move |request| {
        let Ok(mut stored) = stored.lock() else {
            return Response::new(500);
        };
        let is_first = stored.is_empty();
        stored.extend(&request.body);
        Response::new(if is_first { 503 } else { 200 })
    });
    let server = Server::start(routes).map_err(|error| error.to_string())?;
    Ok((server, bodies))
}

/// Thread that scrapes the Prometheus endpoint during a run.
struct Scraper {
    is_stopped: Arc<AtomicBool>,
    thread: thread::JoinHandle<Vec<u8>>,
}

impl Scraper {
    fn start(address: String) -> Self {
        let is_stopped = Arc::new(AtomicBool::new(false));
        let stop = is_stopped.clone();
        let thread = thread::spawn(move || {
            let mut pages = Vec::new();
            while !stop.load(Ordering::Acquire) {
                pages.extend(scrape(&address).unwrap_or_default());
                thread::sleep(Duration::from_millis(200));
            }
            pages
        });
        Self { is_stopped, thread }
    }

    /// Returns all responses.
    fn stop(self) -> Vec<u8> {
        self.is_stopped.store(true, Ordering::Release);
        self.thread.join().expect("no panic")
    }
}

/// Gets the metrics; an error if the endpoint does not exist yet or any more.
fn scrape(address: &str) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
    )?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response)?;
    Ok(response)
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").to_string()
}

/// Command lines of a run's two workers, which all users of the machine can read.
fn worker_command_lines(id: u32) -> Ended {
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

/// Runs a scenario whose setup or `on_start` fails with a secret in the reason.
fn run_failing_start(canaries: &Canaries, server: &Server, setting: &str, outputs: &mut Outputs) {
    let brunt = Brunt::new(&["run", "load", "--headless", "--out", "out", "--github"])
        .scenario(&canaries.failing_start(&server.url(), setting));
    let mut command = brunt.command();
    command.envs(canaries.variables());
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

/// Collects the errors of invalid scenarios and options.
fn run_invalid_inputs(canaries: &Canaries, server: &Server, outputs: &mut Outputs) {
    let word = canaries.value("of a wrong option");
    let in_url = encoded("percent", &word);
    let scenario = canaries.scenario(&server.url());
    let broken = [
        scenario.replace("spawn_rate = 100", "spawn_rote = 100"),
        format!(
            "{scenario}\n[[users.u.tasks]]\nget = 1\nauth = {{ bearer = {} }}\n",
            canaries.quoted("in a broken file")
        ),
        format!(
            "{scenario}\n[wrong]\npassword = {}\nx = \n",
            canaries.quoted("in a broken file")
        ),
        format!(
            "{scenario}\n[[users.u.tasks]]\nget = 'x?access_token={}'\n",
            canaries.value("in a broken path")
        ),
    ];
    let urls = [
        format!("http://ann:{in_url}@localhost:1"),
        format!("htp://ann:{in_url}@localhost:1"),
        format!("u=https://ann:{in_url}@localhost:1"),
        format!("nobody=http://localhost:1/?access_token={in_url}"),
        format!("http://localhost:1/?access_token={in_url}"),
    ];
    let mut attempts: Vec<(String, Vec<String>)> = broken
        .into_iter()
        .map(|text| (text, vec!["check".to_owned()]))
        .collect();
    for url in urls {
        let arguments = ["check", "--try", "--host", &url].map(str::to_owned);
        attempts.push((scenario.clone(), arguments.into()));
    }
    let assignments = [
        format!("users..password={word}"),
        format!("users.u.password={word}"),
        format!("profiles.load.access_token={word}"),
    ];
    for assignment in assignments {
        let arguments = ["check", "--set", &assignment].map(str::to_owned);
        attempts.push((scenario.clone(), arguments.into()));
    }
    for (number, (text, arguments)) in attempts.into_iter().enumerate() {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let brunt = Brunt::new(&arguments).scenario(&text);
        canaries.write_data(&brunt.path("people.csv"));
        let variables = canaries.variables();
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

/// Searches all outputs for canaries, after a check that the search finds the controls.
fn check(canaries: &Canaries, outputs: &Outputs) -> Result<(), String> {
    for (word, places) in [
        (CONTROL, OUTPUTS_WITH_EXAMPLES),
        (CONTROL_NAME, LIVE_EXPORTS),
    ] {
        let control = Finder::new(word);
        let containing = outputs
            .iter()
            .filter(|(_, bytes)| control.find(bytes).is_some());
        let containing: Vec<&str> = containing.map(|(place, _)| place.as_str()).collect();
        for place in places {
            assert!(
                containing.contains(&place),
                "{word} is not found in {place}, only in {containing:?}"
            );
        }
    }
    let mut found = Vec::new();
    for (source, finder) in canaries.finders() {
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
