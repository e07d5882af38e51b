//! `brunt check --try`: what it shows is what the service saw.

use brunt_testbed::{Answer, Routes, Server, Shop};

use crate::brunt::{Brunt, Ended};

const EVERYTHING: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../scenarios/everything.toml"
);

fn tried(scenario: &str, server: &Server) -> Ended {
    let brunt = Brunt::new(&["check", "--try", "--host", &server.url()]);
    brunt.scenario(scenario).run()
}

#[test]
fn each_task_is_played_once() {
    let shop = Shop::new();
    let server = Server::start(shop.routes()).unwrap();
    let watched = format!("users.watcher.host={}/status", server.url());
    let ended = Brunt::new(&["check", "--try", "-f", EVERYTHING, "--host", &server.url()])
        .and(&["--set", &watched, "--seed", "7"])
        .run();
    let counts = server.stop();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let told = |what: &str| assert!(ended.stdout.contains(what), "{what}: {}", ended.stdout);
    for scene in [
        "set-up",
        "buyer, on_start",
        "buyer, task 1",
        "hasty, on_stop",
        "watcher, task 1",
    ] {
        told(&format!("\n{scene}\n"));
    }
    told("    ✓ check json $.order is above 0\n");
    told("      total = ");
    told("> HEAD /status/200 HTTP/1.1");
    told("✓ POST put into the basket  200");
    // Two classes of buyers, each with tasks of their own.
    assert_eq!(shop.orders(), 2);
    assert_eq!(shop.logouts(), 3);
    let exchanges = ended.stdout.matches("  ✓ ").count();
    let checks = ended.stdout.matches("✓ check").count();
    told(&format!(
        "\nall {} requests went well\n",
        exchanges - checks
    ));
    // A redirect that is followed is a request of its own to the service.
    let followed = ended.stdout.matches("✓ POST put into the basket").count() as u64;
    assert_eq!(counts.requests, (exchanges - checks) as u64 + followed);
}

#[test]
fn secrets_are_not_shown() {
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
fn what_fails_is_shown_with_what_came() {
    let hostile = Answer::new(500).body("\u{1b}[31mred");
    let routes = Routes::new()
        .at("/good", Answer::ok("fine"))
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
    let ended = tried(scenario, &server);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let told = |what: &str| assert!(ended.stdout.contains(what), "{what}: {}", ended.stdout);
    told("✓ check contains \"fine\"");
    told("  ✗ GET /bad  500");
    told("      status: status 500, accepted 2xx");
    told("\u{fffd}[31mred");
    told("\n1 of 4 requests failed\n");
    assert!(!ended.stdout.contains("\u{1b}[31mred"), "{}", ended.stdout);
}

#[test]
fn a_set_up_that_fails_ends_it() {
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
    let ended = tried(scenario, &server);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(
        ended
            .stdout
            .contains("  broken off: [setup] /status/503: status 503"),
        "{ended:?}"
    );
    assert_eq!(server.stop().requests, 1);
}

#[test]
fn what_is_tried_is_said_with_try_alone() {
    let ended = Brunt::new(&["check", "--host", "http://localhost:1"])
        .shipped()
        .run();
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--try"), "{ended:?}");
}
