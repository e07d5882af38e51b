//! Smoke test (`brunt check --try`): its output matches the requests that the service received.

use brunt_testbed::{NullHttp2Server, Response, Routes, Server, Shop};

use crate::brunt::{Brunt, Ended};

const EVERYTHING: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../scenarios/everything.toml"
);

fn smoke_test(scenario: &str, server: &Server) -> Ended {
    let brunt = Brunt::new(&["check", "--try", "--host", &server.url()]);
    brunt.scenario(scenario).run()
}

#[test]
fn smoke_test_runs_each_task_once() {
    let shop = Shop::new();
    let server = Server::start(shop.routes()).unwrap();
    let watched = format!("users.watcher.host={}/status", server.url());
    let ended = Brunt::new(&["check", "--try", "-f", EVERYTHING, "--host", &server.url()])
        .and(&["--set", &watched, "--seed", "7"])
        .run();
    let counts = server.stop();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let assert_shown =
        |part: &str| assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    for section in [
        "set-up",
        "buyer, on_start",
        "buyer, task 1",
        "hasty, on_stop",
        "watcher, task 1",
    ] {
        assert_shown(&format!("\n{section}\n"));
    }
    assert_shown("    ✓ check json $.order is above 0\n");
    assert_shown("      total = ");
    assert_shown("> HEAD /status/200 HTTP/1.1");
    assert_shown("✓ POST put into the basket  200");
    // Two classes place orders.
    assert_eq!(shop.orders(), 2);
    assert_eq!(shop.logouts(), 3);
    let exchanges = ended.stdout.matches("  ✓ ").count();
    let checks = ended.stdout.matches("✓ check").count();
    assert_shown(&format!(
        "\nall {} requests succeeded\n",
        exchanges - checks
    ));
    // A followed redirect is another request to the service.
    let followed = ended.stdout.matches("✓ POST put into the basket").count() as u64;
    assert_eq!(counts.requests, (exchanges - checks) as u64 + followed);
}

#[test]
fn smoke_test_masks_secrets() {
    let shop = Shop::new();
    let server = Server::start(shop.routes()).unwrap();
    let scenario = "host = 'http://localhost:1'
[headers]
X-Key = '{{ env.KEY }}'
[[users.u.tasks]]
steps = [
  { post = '/login', json = { user = 'ann', password = 'nna' }, extract = { token = '$.access_token' } },
  { get = '/me', auth = { bearer = '{{ token }}' } },
  { get = '/shop' },
  { get = '/private', auth = { user = 'ann', password = 'nna' } },
]
[profiles.load]
users = 1
duration = '1s'
";
    let ended = Brunt::new(&["check", "--try", "--host", &server.url()])
        .scenario(scenario)
        .run_with(&[("KEY", "of-the-environment")]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for secret in ["token-ann", "YW5uOm5uYQ==", "of-the-environment"] {
        assert!(!ended.stdout.contains(secret), "{secret}: {}", ended.stdout);
    }
    for shown in [
        "Authorization: Bearer ***",
        "Authorization: Basic ***",
        "X-Key: ***",
        "token = \"***\"",
        "sid=***",
    ] {
        assert!(ended.stdout.contains(shown), "{shown}: {}", ended.stdout);
    }
}

#[test]
fn smoke_test_shows_failed_requests_with_their_responses() {
    let hostile = Response::new(500).body("\u{1b}[31mred");
    let routes = Routes::new()
        .at("/good", Response::ok("fine"))
        .at("/bad", hostile);
    let server = Server::start(routes).unwrap();
    let scenario = "host = 'http://localhost:1'
[users.u]
wait = '1h'
[[users.u.tasks]]
steps = [{ get = '/good', check = { contains = 'fine' } }, { wait = '1h' }, { get = '/bad' }, { get = '/good' }]
[[users.u.tasks]]
get = '/good'
[profiles.load]
users = 1
duration = '1s'
";
    let ended = smoke_test(scenario, &server);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let assert_shown =
        |part: &str| assert!(ended.stdout.contains(part), "{part}: {}", ended.stdout);
    assert_shown("✓ check contains \"fine\"");
    assert_shown("  ✗ GET /bad  500");
    assert_shown("      status: status 500, accepted 2xx");
    assert_shown("\u{fffd}[31mred");
    assert_shown("\n1 of 4 requests failed\n");
    assert!(!ended.stdout.contains("\u{1b}[31mred"), "{}", ended.stdout);
}

#[test]
fn smoke_test_shows_every_hop_of_a_redirect() {
    let moved = |status, to: &str| Response::new(status).header("Location", to);
    let routes = Routes::new()
        .at(
            "/old",
            moved(307, "/newer").header("Set-Cookie", "sid=s3cret"),
        )
        .at("/newer", moved(302, "/new"))
        .at("/new", Response::ok("fine"))
        .at("/away", moved(302, "http://elsewhere.example/"));
    let server = Server::start(routes).unwrap();
    let scenario = "host = 'http://localhost:1'
[[users.u.tasks]]
steps = [{ post = '/old', text = 'body' }, { get = '/away' }]
[profiles.load]
users = 1
duration = '1s'
";
    let ended = smoke_test(scenario, &server);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let lines: Vec<&str> = ended.stdout.lines().map(str::trim).collect();
    let shown = [
        "✓ POST /old  200",
        "> POST /old HTTP/1.1",
        "> body",
        "< HTTP/1.1 307",
        "< Location: /newer",
        "< Set-Cookie: sid=***",
        "> POST /newer HTTP/1.1",
        "> Cookie: sid=***",
        "> body",
        "< HTTP/1.1 302",
        "> GET /new HTTP/1.1",
        "< HTTP/1.1 200",
        "< fine",
        "✗ GET /away",
        "> GET /away HTTP/1.1",
        "< HTTP/1.1 302",
        "< Location: http://elsewhere.example/",
    ];
    let mut rest = lines.iter();
    for part in shown {
        let found = rest.any(|line| line.starts_with(part));
        assert!(found, "{part} in this order: {}", ended.stdout);
    }
    assert!(!ended.stdout.contains("s3cret"), "{}", ended.stdout);
}

#[test]
fn smoke_test_shows_the_version_on_the_wire() {
    let server = NullHttp2Server::start().unwrap();
    // More than a mebibyte, so that HTTP/1.1 would send Expect.
    let scenario = format!(
        "host = 'http://localhost:1'
[[users.u.tasks]]
post = '/a'
text = '{}'
[profiles.load]
users = 1
duration = '1s'
",
        "x".repeat(1 << 20)
    );
    let ended = Brunt::new(&["check", "--try", "--http", "2", "--host", &server.url()])
        .scenario(&scenario)
        .run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for shown in [
        "> POST /a HTTP/2\n",
        "< HTTP/2 200\n",
        "> Content-Length: 1048576\n",
    ] {
        assert!(ended.stdout.contains(shown), "{shown}: {}", ended.stdout);
    }
    assert!(!ended.stdout.contains("HTTP/1.1"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("Expect"), "{}", ended.stdout);
}

#[test]
fn smoke_test_skips_tasks_without_weight_and_names_the_step_that_failed() {
    let server = Server::start(Routes::new().otherwise(Response::ok("fine"))).unwrap();
    let scenario = "host = 'http://localhost:1'
[[users.u.tasks]]
weight = 0
get = '/never'
[[users.u.tasks]]
steps = [{ get = '/before' }, { set = { text = 'a', sum = '{{ text + 1 }}' } }, { get = '/after' }]
[[users.u.tasks]]
steps = [{ set = { count = 'many' } }, { repeat = '{{ count }}', steps = [{ get = '/after' }] }]
[profiles.load]
users = 1
duration = '1s'
";
    let ended = smoke_test(scenario, &server);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    for shown in [
        "u, task 2\n",
        "✓ GET /before",
        "  aborted: set sum: ",
        "  aborted: repeat: invalid number of repetitions `many`",
    ] {
        assert!(ended.stdout.contains(shown), "{shown}: {}", ended.stdout);
    }
    for hidden in ["/never", "task 1", "/after"] {
        assert!(!ended.stdout.contains(hidden), "{hidden}: {}", ended.stdout);
    }
    assert_eq!(server.stop().requests, 1);
}

#[test]
fn failed_setup_ends_the_smoke_test() {
    let server = Server::start(Routes::new()).unwrap();
    let scenario = "host = 'http://localhost:1'
[[setup]]
get = '/status/503'
[[setup]]
get = '/never'
[[users.u.tasks]]
get = '/never'
[profiles.load]
users = 1
duration = '1s'
";
    let ended = smoke_test(scenario, &server);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended
            .stdout
            .contains("  aborted: [setup] /status/503: status 503"),
        "{ended:?}"
    );
    assert_eq!(server.stop().requests, 1);
}

#[test]
fn smoke_test_options_require_try() {
    let ended = Brunt::new(&["check", "--host", "http://localhost:1"])
        .shipped()
        .run();
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--try"), "{ended:?}");
}
