//! Few descriptors: the pages that brunt serves go on, and no thread panics.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rand::RngExt;
use testbed::{Answer, Ended, Routes, Server, until};

use crate::brunt::Brunt;
use crate::trials::Promise;

const SCENARIO: &str = r#"
connections = "per-user"
[users.u]
wait = "20ms"
[[users.u.tasks]]
get = "/"
[profiles.load]
users = 10
duration = "6s"
"#;

#[test]
fn metrics_page_is_served_while_strangers_hold_connections() {
    let promise = Promise {
        says: "the page for Prometheus is served, and the load finds its descriptors",
        how: "60 to 400 connections that say nothing, to a brunt with 80 to 160 descriptors",
        short: 1,
        long: 40,
        bound: Duration::from_mins(6),
    };
    promise.hold(|_, random| {
        let descriptors = random.random_range(80..160);
        let strangers = random.random_range(60..400);
        served_to_strangers(descriptors, strangers)
    });
}

fn served_to_strangers(descriptors: u32, strangers: u32) -> Result<(), String> {
    let server = Server::start(Routes::new().at("/", Answer::ok("hello")));
    let server = server.map_err(|error| error.to_string())?;
    let brunt = Brunt::new(&["run", "load", "--headless", "--out", "out"])
        .and(&["--host", &server.url(), "--prometheus-port", "0"])
        .scenario(SCENARIO);
    let own = brunt.command();
    let output = std::fs::File::create(brunt.path("output")).map_err(|error| error.to_string())?;
    let mut limited = Command::new("prlimit");
    limited
        .arg(format!("--nofile={descriptors}"))
        .arg(own.get_program())
        .args(own.get_args())
        .current_dir(brunt.folder.path())
        .env("XDG_CACHE_HOME", brunt.path("cache"))
        .stdin(Stdio::null())
        .stdout(output.try_clone().map_err(|error| error.to_string())?)
        .stderr(output);
    let mut child = Ended::new(limited.spawn().map_err(|error| error.to_string())?);
    let at = until(Duration::from_secs(20), "the page's address", || {
        address_in(&std::fs::read_to_string(brunt.path("output")).unwrap_or_default())
    });
    let mut held: Vec<TcpStream> = Vec::new();
    held.extend((0..strangers).map_while(|_| TcpStream::connect(&at).ok()));
    let start = Instant::now();
    let mut page = String::new();
    while !page.contains("brunt_") && start.elapsed() < Duration::from_secs(4) {
        page = scraped(&at).unwrap_or_default();
    }
    drop(held);
    let status = until(Duration::from_secs(40), "brunt", || {
        child.try_wait().expect("a child")
    });
    let output = std::fs::read_to_string(brunt.path("output")).unwrap_or_default();
    if output.contains("panicked") {
        return Err(output);
    }
    if status.code() != Some(0) {
        return Err(format!("{descriptors} descriptors: {status}\n{output}"));
    }
    if !page.contains("brunt_") {
        return Err(format!(
            "no page with {descriptors} descriptors: {page}\n{output}"
        ));
    }
    Ok(())
}

/// The host and port of the page that brunt announces.
fn address_in(output: &str) -> Option<String> {
    let (before, _) = output.split_once("/metrics")?;
    let (_, port) = before.rsplit_once("127.0.0.1:")?;
    port.parse::<u16>().ok()?;
    Some(format!("127.0.0.1:{port}"))
}

fn scraped(at: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(at)?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")?;
    let mut page = String::new();
    stream.read_to_string(&mut page)?;
    Ok(page)
}
