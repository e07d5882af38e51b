//! Brings brunt into each of its states, and sends it the signals of a case of [`brunt_testbed::interruptions`].

use std::os::unix::fs::FileTypeExt;
use std::time::{Duration, Instant};

use brunt_testbed::interruptions::{Case, Kind, State};
use brunt_testbed::{Fault, Port, Response, Routes, Server, wait_until};
use rustix::process::{Pid, Signal, kill_process};

use crate::brunt::{BOUND, Brunt, Running, children, runs};

/// Scheduling delay of a process on a busy machine.
pub(crate) const SLACK: Duration = Duration::from_millis(700);
const HOUR: &str = "[users.u]\nwait = \"20ms\"\n[[users.u.tasks]]\nget = \"/\"\n\
                    [profiles.p]\nusers = 4\nduration = \"1h\"\n";

/// brunt in a state, with the servers that keep it there.
struct Scene {
    running: Running,
    brunt: Brunt,
    _server: Option<Server>,
    _free: Option<Port>,
}

fn signal(id: u32, signal: Signal) {
    let id = i32::try_from(id)
        .ok()
        .and_then(Pid::from_raw)
        .expect("an id");
    kill_process(id, signal).expect("brunt runs");
}

/// Whether a process has a handler of SIGINT.
fn handles_signals(id: u32) -> bool {
    is_in_mask("SigCgt:", &id.to_string(), Signal::INT)
}

/// Whether the kernel's mask of this name contains a signal, for a process ID or `self`.
fn is_in_mask(name: &str, process: &str, signal: Signal) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix(name));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal.as_raw() - 1) & 1 == 1)
}

fn seconds(brunt: &Brunt) -> Option<usize> {
    let bytes = std::fs::read(brunt.path("out/record.brunt")).ok()?;
    let record = brunt_record::file::read(bytes.as_slice()).ok()?;
    Some(record.timeline.seconds().len())
}

/// Server that never responds on one path.
fn silent_at(path: &str) -> Server {
    let never = Response::ok("x").delayed(Duration::from_hours(1));
    Server::start(Routes::new().at(path, never).otherwise(Response::ok("x"))).expect("a server")
}

fn run(scenario: &str, server: Server, more: &[&str]) -> (Brunt, Server) {
    let url = server.url();
    let arguments = [
        "run",
        "p",
        "--out",
        "out",
        "--host",
        &url,
        "--stop-timeout",
        "1h",
    ];
    let brunt = Brunt::new(&arguments).and(more).scenario(scenario);
    (brunt, server)
}

/// Run that waits for a response on the silent path.
fn waiting(scenario: &str) -> Scene {
    let (brunt, server) = run(scenario, silent_at("/silent"), &[]);
    let running = brunt.start();
    wait_until(BOUND, "the silent request", || {
        server
            .counts()
            .by_path
            .contains_key("/silent")
            .then_some(())
    });
    Scene {
        running,
        brunt,
        _server: Some(server),
        _free: None,
    }
}

fn build() -> Scene {
    let commands = ["--command", "sleep 3600", "--command-b", "sleep 3600"];
    let brunt = Brunt::new(&["compare", "p", "--ab", "--out", "out"])
        .and(&commands)
        .scenario(HOUR);
    let running = brunt.start();
    wait_until(BOUND, "the build", || {
        (!children(running.id()).is_empty()).then_some(())
    });
    Scene {
        running,
        brunt,
        _server: None,
        _free: None,
    }
}

fn wait_ready() -> Scene {
    let free = Port::refusing().expect("a port");
    let url = free.url();
    let brunt = Brunt::new(&[
        "run",
        "p",
        "--out",
        "out",
        "--wait-ready",
        "1h",
        "--host",
        &url,
    ])
    .scenario(HOUR);
    let running = brunt.start();
    wait_until(BOUND, "brunt to watch for signals", || {
        handles_signals(running.id()).then_some(())
    });
    Scene {
        running,
        brunt,
        _server: None,
        _free: Some(free),
    }
}

fn loading(scenario: &str, server: Server, more: &[&str]) -> Scene {
    let (brunt, server) = run(scenario, server, more);
    let running = brunt.start();
    wait_until(BOUND, "two seconds to be recorded", || {
        (seconds(&brunt) >= Some(2)).then_some(())
    });
    Scene {
        running,
        brunt,
        _server: Some(server),
        _free: None,
    }
}

fn reporting() -> Scene {
    let short = HOUR.replace("1h", "1s");
    let server = Server::start(Routes::new().otherwise(Response::ok("x"))).expect("a server");
    let (brunt, server) = run(&short, server, &["--junit", "fifo"]);
    let fifo = brunt.path("fifo");
    rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, 0o600.into()).expect("a FIFO");
    assert!(fifo.metadata().expect("a FIFO").file_type().is_fifo());
    let running = brunt.start();
    wait_until(BOUND, "the report", || {
        brunt.path("out/report.html").exists().then_some(())
    });
    Scene {
        running,
        brunt,
        _server: Some(server),
        _free: None,
    }
}

fn scene(state: State) -> Scene {
    let ok = || Server::start(Routes::new().otherwise(Response::ok("x"))).expect("a server");
    match state {
        State::Build => build(),
        State::WaitReady => wait_ready(),
        State::SetUp => waiting(&format!("[[setup]]\nget = \"/silent\"\n{HOUR}")),
        State::OnStart => waiting(&HOUR.replace(
            "[[users.u.tasks]]",
            "on_start = [{ get = \"/silent\" }]\n[[users.u.tasks]]",
        )),
        State::Load => loading(HOUR, ok(), &[]),
        State::Drain => {
            let short = HOUR.replace("1h", "1s");
            loading(&short, Server::start(Fault::Silent).expect("a server"), &[])
        }
        State::Search => {
            let search = HOUR.replace("users = 4", "search = {}");
            let targets = "[targets]\np95 = { critical = \"1s\" }\n";
            loading(&format!("{search}{targets}"), ok(), &[])
        }
        State::TearDown => {
            let short = HOUR.replace("1h", "1s");
            waiting(&format!("[[teardown]]\nget = \"/silent\"\n{short}"))
        }
        State::Report => reporting(),
        State::WorkerStopped => {
            let scene = loading(HOUR, ok(), &["--processes", "2"]);
            signal(children(scene.running.id())[1], Signal::STOP);
            scene
        }
    }
}

fn of(kind: Kind) -> Signal {
    match kind {
        Kind::Interrupt => Signal::INT,
        Kind::Terminate => Signal::TERM,
        Kind::HangUp => Signal::HUP,
        Kind::FileSize => Signal::XFSZ,
    }
}

/// Runs a case. Returns the time from the state to the exit of brunt.
pub(crate) fn play(case: &Case) -> Duration {
    let by = case.ends_by().expect("a case that has to end");
    assert!(
        !is_in_mask("SigIgn:", "self", Signal::HUP),
        "SIGHUP is ignored here, and brunt inherits that: run the tests without nohup"
    );
    let Scene {
        mut running,
        brunt,
        _server,
        _free,
    } = scene(case.state);
    let started = children(running.id());
    let signaled = Instant::now();
    for (kind, after) in &case.signals {
        std::thread::sleep(*after);
        if running.has_ended() {
            break;
        }
        signal(running.id(), of(*kind));
    }
    let took = wait_until(
        by + SLACK + BOUND,
        &format!("brunt to end, {case:?}"),
        || running.has_ended().then(|| signaled.elapsed()),
    );
    wait_until(
        BOUND,
        &format!("its child processes to end, {case:?}"),
        || started.iter().all(|id| !runs(*id)).then_some(()),
    );
    let ended = running.end();
    // In these states brunt may end between the first signal and the second.
    let ends_itself = matches!(case.state, State::Load | State::Search);
    let is_second = ended.code == Some(130);
    assert!(is_second || ends_itself, "{case:?}: {ended:?}");
    if !case.state.is_before_the_load() {
        let bytes = std::fs::read(brunt.path("out/record.brunt")).expect("a record");
        brunt_record::file::read(bytes.as_slice()).expect("a record of complete frames");
    }
    took
}
