//! Hosts: every host that receives load is printed before the run.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use brunt_testbed::{NullHttp2Server, Response, Routes, Server};

use crate::brunt::Brunt;

fn server() -> Server {
    Server::start(Routes::new().otherwise(Response::ok("x"))).unwrap()
}

/// Users of class `a`, and the same number of class `b`, which has a host of its own.
fn scenario(host: &str, of_b: &str) -> String {
    format!(
        "host = \"{host}\"\nredirect_hosts = [\"http://127.0.0.1:9\"]\n\
         [users.a]\nwait = \"20ms\"\n[[users.a.tasks]]\nget = \"/\"\n\
         [users.b]\nwait = \"20ms\"\nhost = \"{of_b}\"\n[[users.b.tasks]]\nget = \"/\"\n\
         [profiles.p]\nusers = 6\nduration = \"1s\"\n"
    )
}

#[test]
fn host_option_is_refused_if_a_class_would_use_another_host() {
    let (staging, production) = (server(), server());
    let text = scenario(&production.url(), &production.url());
    for arguments in [&["run", "p"][..], &["check", "--try"]] {
        let ended = Brunt::new(arguments)
            .and(&["--host", &staging.url()])
            .scenario(&text)
            .run();
        assert_eq!(ended.code, Some(2), "{ended:?}");
        let remedy = format!("--host b={}/", production.url());
        assert!(ended.stderr.contains(&remedy), "{ended:?}");
    }
    let two = Brunt::new(&["run", "p", "--host", "http://a", "--host", "http://b"]);
    let ended = two.scenario(&text).run();
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("given more than once"), "{ended:?}");
    let unknown = Brunt::new(&["run", "p", "--host", "c=http://a"]).scenario(&text);
    let ended = unknown.run();
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("available: a, b"), "{ended:?}");
    let requests = [staging, production].map(|server| server.stop().requests);
    assert_eq!(requests, [0, 0]);
}

#[test]
fn every_host_that_receives_load_is_printed() {
    let (staging, other, production) = (server(), server(), server());
    let brunt = Brunt::new(&[
        "run",
        "p",
        "--out",
        "out",
        "--headless",
        "--markdown",
        "c.md",
    ])
    .and(&["--host", &staging.url()])
    .and(&["--host", &format!("b={}", other.url())])
    .scenario(&scenario(&production.url(), &production.url()));
    let ended = brunt.run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let of_b = format!("{}/ (class b)", other.url());
    for part in [
        format!("target: {}/", staging.url()),
        format!("also: {of_b}"),
        "also: http://127.0.0.1:9/ (redirects)".to_owned(),
    ] {
        assert!(ended.stderr.contains(&part), "{part}: {ended:?}");
    }
    let summary = brunt.summary();
    let others = serde_json::json!([
        { "url": format!("{}/", other.url()), "classes": ["b"] },
        { "url": "http://127.0.0.1:9/", "classes": [] },
    ]);
    assert_eq!(summary["other_hosts"], others);
    for file in ["out/report.html", "c.md"] {
        let text = std::fs::read_to_string(brunt.path(file)).unwrap();
        assert!(text.contains(&other.url()), "{file}");
    }
    assert_eq!(production.stop().requests, 0);
    let requests = staging.stop().requests + other.stop().requests;
    assert_eq!(summary["total"]["wire_requests"], requests);

    let check = brunt.also(&["check"]);
    let of_b = format!("{}/ (class b)", "http://127");
    assert!(!check.stdout.contains(&of_b));
    assert!(check.stdout.contains("/ (class b)\n"), "{check:?}");
    assert!(check.stdout.contains("(redirects)\n"), "{check:?}");
}

/// `--http` applies before settings that need HTTP/2 are checked, in this process and in load processes.
#[test]
fn http_option_allows_the_streams_of_the_scenario() {
    let server = NullHttp2Server::start().unwrap();
    let text = format!(
        "host = \"{}\"\nconnections = {{ shared = 2, streams = 4 }}\n[[users.a.tasks]]\nget = \"/\"\n\
         [profiles.p]\nusers = 4\nduration = \"1s\"\niterations = 40\n",
        server.url()
    );
    for arguments in [
        &["run", "p", "--http", "2"][..],
        &["run", "p", "--http", "2", "--processes", "2"],
        &["check", "--try", "--http", "2"],
    ] {
        let ended = Brunt::new(arguments).scenario(&text).run();
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    for arguments in [
        &["run", "p"][..],
        &["run", "p", "--http", "1.1"],
        &["check"],
    ] {
        let ended = Brunt::new(arguments).scenario(&text).run();
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains("run with --http 2"), "{ended:?}");
    }
    let typed = text.replace("connections", "http = \"2\"\nconnections");
    let ended = Brunt::new(&["check", "--try", "--http", "1.1"])
        .scenario(&typed)
        .run();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stdout.contains("> GET / HTTP/1.1"), "{ended:?}");
    assert!(server.counts().requests >= 81);
}
