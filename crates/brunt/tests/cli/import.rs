//! `brunt import`: imported scenarios pass `brunt check` and run.

use brunt_testbed::{Response, Routes, Server};

use crate::brunt::{Brunt, Ended};

const PETS: &str = include_str!("../../../import/tests/files/pets.yaml");
const SHOP: &str = include_str!("../../../import/tests/files/shop.har");

/// Imports and checks the result.
fn import_and_check(brunt: &Brunt) -> (Ended, String) {
    let ended = brunt.run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let mut check = brunt.command_of(&["check"]);
    for variable in ["AUTHORIZATION", "PASSWORD", "COOKIE"] {
        check.env(variable, "a=b");
    }
    let checked = Ended::from(check.output().expect("brunt starts"));
    assert_eq!(checked.code, Some(0), "{checked:?}");
    let text = std::fs::read_to_string(brunt.path("brunt.toml")).expect("a scenario");
    (ended, text)
}

#[test]
fn curl_command_is_accepted_quoted_and_unquoted() {
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
    let (one, many) = (import_and_check(&one).1, import_and_check(&many).1);
    assert_eq!(one, many);
    assert!(one.contains("json    = { b = 1 }"), "{one}");
}

#[test]
fn imports_share_a_folder_of_bodies_and_overwrite_only_by_force() {
    let long = "a long text ".repeat(200);
    let command = |end: &str| format!("curl http://127.0.0.1:1/a --data-raw '{long}{end}'");
    let brunt = Brunt::new(&["import", "curl", &command("1")]);
    import_and_check(&brunt);
    let again = brunt.run();
    assert_eq!(again.code, Some(2), "{again:?}");
    let reason = "brunt.toml: it already exists; choose another file with -o, or use --force";
    assert!(again.stderr.contains(reason), "{again:?}");
    let other = brunt.also(&["import", "-o", "other.toml", "curl", &command("2")]);
    assert_eq!(other.code, Some(0), "{other:?}");
    let bodies = || {
        let files = std::fs::read_dir(brunt.path("bodies")).expect("a folder");
        let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
        files.sort();
        files
    };
    assert_eq!(bodies().len(), 2);
    // A body that an earlier import has written is used again.
    let same = brunt.also(&["import", "-o", "same.toml", "curl", &command("1")]);
    assert_eq!(same.code, Some(0), "{same:?}");
    assert_eq!(bodies().len(), 2);
    // An edited one is overwritten only by force.
    for body in bodies() {
        std::fs::write(body, "edited").expect("a file");
    }
    let edited = brunt.also(&["import", "-o", "new.toml", "curl", &command("1")]);
    assert_eq!(edited.code, Some(2), "{edited:?}");
    assert!(!brunt.path("new.toml").exists());
    let forced = brunt.also(&["import", "--force", "curl", &command("1")]);
    assert_eq!(forced.code, Some(0), "{forced:?}");
    let contents = bodies()
        .into_iter()
        .map(|body| std::fs::read_to_string(body).expect("a file"));
    assert_eq!(contents.filter(|content| content == "edited").count(), 1);
}

#[test]
fn har_import_reads_secrets_from_the_environment() {
    let brunt = Brunt::new(&["import", "har", "shop.har"]);
    std::fs::write(brunt.path("shop.har"), SHOP).expect("a file");
    let (ended, text) = import_and_check(&brunt);
    let warning = "set the environment variable AUTHORIZATION";
    assert!(ended.stderr.contains(warning), "{ended:?}");
    assert!(text.contains("{{ env.AUTHORIZATION }}"), "{text}");
}

#[test]
fn imported_journey_sends_what_the_service_gives() {
    // The service gives another token and another ID than in the recording.
    let routes = Routes::new()
        .at("/login", Response::ok(r#"{"token": "new-456"}"#))
        .rule("/orders", |request| {
            let is_known = request
                .headers
                .contains(&("Authorization".to_owned(), "Bearer new-456".to_owned()));
            Response::new(if is_known { 201 } else { 401 }).body(r#"{"id": 71}"#)
        })
        .at("/orders/71", Response::ok("{}"))
        .otherwise(Response::new(404));
    let server = Server::start(routes).expect("a server");
    let entry = |method: &str, path: &str, status: u16, text: &str| {
        serde_json::json!({
            "request": { "method": method, "url": format!("{}{path}", server.url()),
                         "headers": [{ "name": "Authorization", "value": "Bearer old-123" }] },
            "response": { "status": status, "content": { "mimeType": "application/json", "text": text } },
        })
    };
    let mut entries = [
        entry("POST", "/login", 200, r#"{"token": "old-123"}"#),
        entry("POST", "/orders", 201, r#"{"id": 17}"#),
        entry("GET", "/orders/17", 200, "{}"),
    ];
    entries[0]["request"]["headers"] = serde_json::json!([]);
    let log = serde_json::json!({ "log": { "entries": entries } });
    let brunt = Brunt::new(&["import", "har", "journey.har"]);
    std::fs::write(brunt.path("journey.har"), log.to_string()).expect("a file");
    let (_, text) = import_and_check(&brunt);
    assert!(
        !text.contains("old-123") && !text.contains("env."),
        "{text}"
    );
    let tried = brunt.also(&["check", "--try"]);
    assert_eq!(tried.code, Some(0), "{tried:?}");
    let mix = brunt.also(&[
        "import",
        "har",
        "--order",
        "weight",
        "-o",
        "-",
        "journey.har",
    ]);
    assert!(!mix.stdout.contains("sequence"), "{mix:?}");
}

#[test]
fn openapi_import_from_a_url_resolves_a_relative_server() {
    let description = PETS.replace("https://{region}.example.com", "");
    let routes = Routes::new().at("/docs/pets.yaml", Response::ok(description));
    let server = Server::start(routes).expect("a server");
    let url = format!("{}/docs/pets.yaml", server.url());
    let (_, text) = import_and_check(&Brunt::new(&["import", "openapi", &url]));
    let host = format!("host = \"{}/v1\"", server.url());
    assert!(text.contains(&host), "{text}");
}

#[test]
fn imported_curl_command_runs() {
    let expected = b"{\"item\":\"it's {{ mine }}\"}";
    let routes = Routes::new().rule("/orders", move |request| {
        let fits = request.method == "POST" && request.body == expected;
        Response::new(if fits { 201 } else { 400 })
    });
    let server = Server::start(routes.otherwise(Response::new(404))).expect("a server");
    let url = format!("{}/orders?draft=1", server.url());
    let command = format!("curl {url} --json $'{{\"item\":\"it\\'s {{{{ mine }}}}\"}}'");
    let brunt = Brunt::new(&["import", "curl", &command]);
    import_and_check(&brunt);
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
fn unusable_import_source_is_invalid_input() {
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
            "download the description",
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
fn import_to_standard_output_omits_body_files() {
    let brunt = Brunt::new(&[
        "import",
        "-o",
        "-",
        "curl",
        "http://127.0.0.1:1/a",
        "--data-raw",
        &"a long text ".repeat(200),
    ]);
    let ended = brunt.run();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stdout.starts_with("# Imported from a curl command"),
        "{ended:?}"
    );
    assert!(
        ended.stderr.contains("request body files are not written"),
        "{ended:?}"
    );
    assert!(!brunt.path("bodies").exists() && !brunt.path("brunt.toml").exists());
}
