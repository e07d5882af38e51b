//! Faults of the generator: they make a run invalid, and are not attributed to the service.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use brunt_testbed::{NullServer, Response, Routes, Server, wait_until};
use rustix::process::Signal;

use crate::brunt::{BOUND, Brunt};

fn scenario(url: &str, users: u32, more: &str) -> String {
    format!(
        "host = \"{url}\"\n{more}\n[users.u]\nwait = \"20ms\"\n[[users.u.tasks]]\nget = \"/\"\n\
         [profiles.p]\nusers = {users}\nduration = \"8s\"\n\
         [targets]\np99 = {{ target = \"500ms\", critical = \"1s\" }}\n"
    )
}

#[test]
fn stopped_generator_makes_the_run_invalid() {
    let delayed = Response::ok("x").delayed(Duration::from_millis(100));
    let server = Server::start(Routes::new().otherwise(delayed)).unwrap();
    // Half of the requests are in flight when brunt is stopped: more than one percent of all.
    let scenario = scenario(&server.url(), 60, "").replace("20ms", "3s");
    let brunt = Brunt::new(&["run", "p", "--out", "out"]).scenario(&scenario);
    let running = brunt.start();
    wait_until(BOUND, "some requests", || {
        (server.counts().requests >= 60).then_some(())
    });
    running.signal(Signal::STOP);
    std::thread::sleep(Duration::from_secs(3));
    running.signal(Signal::CONT);
    let ended = running.end();
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let summary = brunt.summary();
    let because = summary["invalid_reasons"][0].as_str().unwrap();
    assert!(because.contains("brunt itself stalled for"), "{because}");
    assert!(
        ended.stdout.contains("brunt itself stalled for"),
        "{}",
        ended.stdout
    );
    assert_eq!(summary["total"]["failures"], 0, "{summary}");
    let requests = summary["total"]["wire_requests"].as_u64();
    assert_eq!(requests, Some(server.stop().requests));
}

#[test]
fn low_descriptor_limit_is_reported_before_the_run() {
    let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
    let brunt =
        Brunt::new(&["run", "p", "--out", "out"]).scenario(&scenario(&server.url(), 500, ""));
    let ended = Command::new("sh")
        .args(["-c", "ulimit -n 100; exec \"$0\" run p --out out"])
        .arg(env!("CARGO_BIN_EXE_brunt"))
        .current_dir(brunt.folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(2));
    let message = String::from_utf8(ended.stderr).unwrap();
    assert!(
        message.contains("500 connections need 564 file descriptors"),
        "{message}"
    );
    assert!(message.contains("ulimit -n 564"), "{message}");
    assert_eq!(server.stop().connections, 0);
}

#[test]
fn soft_descriptor_limit_is_raised() {
    let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
    let scenario = scenario(&server.url(), 150, "").replace("8s", "1s");
    let brunt = Brunt::new(&["run", "p", "--out", "out"]).scenario(&scenario);
    let ended = Command::new("sh")
        .args([
            "-c",
            "ulimit -S -n 100; exec \"$0\" run p --out out --fail-on never",
        ])
        .arg(env!("CARGO_BIN_EXE_brunt"))
        .current_dir(brunt.folder.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_eq!(brunt.summary()["total"]["failures"], 0);
    // One more connection checked that the service is reachable.
    assert_eq!(server.stop().connections, 151);
}

/// Runs brunt in a network namespace with 20 local ports; without namespaces the test is skipped.
fn with_twenty_ports(test: &str, brunt: &Brunt) -> Option<Output> {
    let script = "ip link set lo up && echo '40000 40019' > /proc/sys/net/ipv4/ip_local_port_range \
                  && exec \"$0\" run p --out out";
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "--net", "sh", "-c", script])
        .arg(env!("CARGO_BIN_EXE_brunt"))
        .current_dir(brunt.folder.path())
        .stdin(Stdio::null())
        .output()
        .expect("unshare starts");
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    if !Path::new(&brunt.path("out/summary.json")).exists() && message.contains("unshare") {
        brunt_testbed::skip(
            test,
            &format!("cannot create a network namespace: {message}"),
        );
        return None;
    }
    Some(output)
}

fn run_with_agent(users: u32, lines: &str) -> Brunt {
    let scenario = scenario("embedded", users, "")
        .replace("8s", "2s")
        .replace("get = \"/\"", "get = \"/health/\"");
    Brunt::new(&[]).scenario(&format!("{lines}\n{scenario}"))
}

#[test]
fn load_that_needs_more_ports_than_available_is_refused() {
    let brunt = run_with_agent(30, "");
    let Some(output) = with_twenty_ports(
        "load_that_needs_more_ports_than_available_is_refused",
        &brunt,
    ) else {
        return;
    };
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(
        message.contains("30 connections need a local port each, but there are 20"),
        "{message}"
    );
}

#[test]
fn exhausted_ports_make_the_run_invalid() {
    // Each request occupies a port for a while, and the agent uses one of the twenty.
    let brunt = run_with_agent(20, "connections = \"per-request\"");
    let Some(output) = with_twenty_ports("exhausted_ports_make_the_run_invalid", &brunt) else {
        return;
    };
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{message}");
    let summary = brunt.summary();
    assert_eq!(summary["verdict"], "invalid");
    let kinds = summary["total"]["failures_by_kind"].as_object().unwrap();
    assert_eq!(kinds.len(), 1, "{kinds:?}");
    // The number of failures depends on the speed of the machine, the verdict does not.
    assert!(kinds["no_ports"].as_u64() > Some(0), "{kinds:?}");
    let because = summary["invalid_reasons"][0].as_str().unwrap();
    assert!(
        because.contains("no free port on brunt's machine"),
        "{because}"
    );
}

/// The rate exceeds the capacity of any thread: the waits are caused by brunt, not by the service.
#[test]
fn load_beyond_the_generator_capacity_makes_the_run_invalid() {
    let server = NullServer::start().unwrap();
    for targets in [
        "",
        "[targets]\np95 = { target = \"1s\", critical = \"2s\" }\n",
    ] {
        let scenario = format!(
            "host = \"{}\"\n[users.u]\n[[users.u.tasks]]\nget = \"/\"\n[profiles.p]\nrate = \"500000/s\"\n\
             arrivals = \"constant\"\nusers = 50\nduration = \"5s\"\n{targets}",
            server.url()
        );
        let arguments = ["run", "p", "--out", "out", "--stop-timeout", "1s"];
        let brunt = Brunt::new(&arguments).scenario(&scenario);
        let ended = brunt.run();
        assert_eq!(ended.code, Some(3), "{ended:?}");
        let summary = brunt.summary();
        assert_eq!(summary["verdict"], "invalid", "{summary}");
        let because = summary["invalid_reasons"].to_string();
        assert!(because.contains("brunt itself "), "{because}");
    }
}

/// A data file that is too large for memory is read during the run, and is truncated by the test.
#[test]
fn truncated_data_file_makes_the_run_invalid() {
    let server = Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap();
    let scenario = format!(
        "host = \"{}\"\n[data.people]\nfile = \"people.csv\"\norder = \"random\"\n[users.u]\nwait = \"10ms\"\n\
         [[users.u.tasks]]\nget = \"/{{{{ next(people).name }}}}\"\nname = \"person\"\n\
         [profiles.p]\nusers = 5\nduration = \"5s\"\n\
         [targets]\nerror_rate = {{ target = \"0.1%\", critical = \"1%\" }}\n",
        server.url()
    );
    let brunt = Brunt::new(&["run", "p", "--out", "out"]).scenario(&scenario);
    let rows = (0..100_000).fold("id,name\n".to_owned(), |rows, row| {
        rows + &format!("{row},a_person_with_a_long_name_and_the_number_{row}\n")
    });
    std::fs::write(brunt.path("people.csv"), rows).unwrap();
    let running = brunt.start();
    wait_until(BOUND, "some requests", || {
        (server.counts().requests >= 20).then_some(())
    });
    let file = std::fs::File::options()
        .write(true)
        .open(brunt.path("people.csv"));
    file.unwrap().set_len(1_000).unwrap();
    let ended = running.end();
    assert_eq!(ended.code, Some(3), "{ended:?}");
    let summary = brunt.summary();
    let because = summary["invalid_reasons"][0].as_str().unwrap();
    assert!(
        because.contains("a file changed during the run") && because.contains("of people: "),
        "{because}"
    );
    let kinds = summary["total"]["failures_by_kind"].as_object().unwrap();
    assert!(kinds.keys().eq(["unreadable_file"]), "{kinds:?}");
}
