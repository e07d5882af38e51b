//! `brunt import`: what it writes is checked by `brunt check`, and played.

use brunt_testbed::{Answer, Routes, Server};

use crate::brunt::{Brunt, Ended};

const PETS: &str = include_str!("../../../import/tests/files/pets.yaml");
const SHOP: &str = include_str!("../../../import/tests/files/shop.har");

/// Imports, and has the result checked.
fn imported(brunt: &Brunt) -> (Ended, String) {
    let ended = brunt.run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let checked = brunt.also(&["check"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    let text = std::fs::read_to_string(brunt.path("brunt.toml")).expect("a scenario");
    (ended, text)
}

#[test]
fn a_command_is_taken_as_one_word_and_as_many() {
    let one = Brunt::new(&[
        "import",
        "curl",
        "curl -X PUT 'http://127.0.0.1:1/a' -d '{\"b\":1}' -o out -h",
    ]);
    let many = Brunt::new(&[
        "import",
        "curl",
        "-X",
        "PUT",
        "http://127.0.0.1:1/a",
        "-d",
        "{\"b\":1}",
        "-o",
        "out",
        "-h",
    ]);
    let (one, many) = (imported(&one).1, imported(&many).1);
    assert_eq!(one, many);
    assert!(one.contains("json  = { b = 1 }"), "{one}");
}

#[test]
fn a_recording_is_written_with_its_bodies() {
    let brunt = Brunt::new(&["import", "har", "shop.har"]);
    std::fs::write(brunt.path("shop.har"), SHOP).expect("a file");
    let (ended, _) = imported(&brunt);
    assert!(
        ended
            .stderr
            .contains("warning: the header `Authorization` is a secret"),
        "{ended:?}"
    );
    let body = std::fs::read_to_string(brunt.path("bodies/post-login-1")).expect("a body");
    assert_eq!(body, "user=ann&password=REPLACE-ME");
    let again = brunt.run();
    assert_eq!(again.code, Some(2), "{again:?}");
    assert!(
        again.stderr.contains("brunt.toml is there already"),
        "{again:?}"
    );
    let beside = brunt.also(&["import", "-o", "other.toml", "har", "shop.har"]);
    assert_eq!(beside.code, Some(2), "{beside:?}");
    assert!(
        beside
            .stderr
            .contains("bodies/post-login-1 is there already"),
        "{beside:?}"
    );
    assert!(!brunt.path("other.toml").exists());
}

#[test]
fn a_description_is_read_from_a_url_and_its_server_is_there() {
    let description = PETS.replace("https://{region}.example.com", "");
    let routes = Routes::new().at("/docs/pets.yaml", Answer::ok(description));
    let server = Server::start(routes).expect("a server");
    let url = format!("{}/docs/pets.yaml", server.url());
    let (_, text) = imported(&Brunt::new(&["import", "openapi", &url]));
    let host = format!("host = \"{}/v1\"", server.url());
    assert!(text.contains(&host), "{text}");
}

#[test]
fn what_was_imported_is_played() {
    let wanted = b"{\"item\":\"it's {{ mine }}\"}";
    let routes = Routes::new().rule("/orders", move |request| {
        let fits = request.method == "POST" && request.body == wanted;
        Answer::new(if fits { 201 } else { 400 })
    });
    let server = Server::start(routes.otherwise(Answer::new(404))).expect("a server");
    let url = format!("{}/orders?draft=1", server.url());
    let command = format!("curl {url} --json $'{{\"item\":\"it\\'s {{{{ mine }}}}\"}}'");
    let brunt = Brunt::new(&["import", "curl", &command]);
    imported(&brunt);
    let ended = brunt.also(&[
        "run",
        "load",
        "-u",
        "2",
        "-t",
        "2s",
        "--out",
        "out",
        "--headless",
    ]);
    let orders = &brunt.summary()["requests"][0];
    assert_eq!(orders["name"], "/orders", "{ended:?}");
    assert_eq!(
        (&orders["failures"], &brunt.summary()["total"]["failures"]),
        (&0.into(), &0.into())
    );
    assert!(orders["requests"].as_u64() > Some(0), "{ended:?}");
}

#[test]
fn what_cannot_be_imported_is_wrong_input() {
    let cases: [(&[&str], &str); 6] = [
        (&["import", "curl", "wget x"], "no curl command"),
        (&["import", "curl"], "required arguments"),
        (&["import", "har", "none.har"], "cannot read none.har"),
        (
            &["import", "openapi", "brunt.lock"],
            "cannot read brunt.lock",
        ),
        (
            &["import", "openapi", "http://127.0.0.1:1/x"],
            "save the description to a file",
        ),
        (&["import", "har", "-"], "recording (HAR)"),
    ];
    for (arguments, part) in cases {
        let ended = Brunt::new(arguments).run();
        assert_eq!(ended.code, Some(2), "{arguments:?} {ended:?}");
        assert!(ended.stderr.contains(part), "{arguments:?} {ended:?}");
    }
}

#[test]
fn standard_output_takes_the_scenario_alone() {
    let brunt = Brunt::new(&[
        "import",
        "-o",
        "-",
        "curl",
        "http://127.0.0.1:1/a",
        "-d",
        "a=b",
    ]);
    let ended = brunt.run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.starts_with("# A scenario"), "{ended:?}");
    assert!(
        ended
            .stderr
            .contains("bodies are not written to standard output"),
        "{ended:?}"
    );
    assert!(!brunt.path("bodies").exists() && !brunt.path("brunt.toml").exists());
}
