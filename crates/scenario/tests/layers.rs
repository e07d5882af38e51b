//! Layers: included files, the file, the environment, the command line.

use std::io;
use std::path::Path;
use std::time::Duration;

use brunt_scenario::{Assignment, Host, Layers, NoEnvironment, Scenario, ScenarioError, Wait};
use miette::{GraphicalReportHandler, GraphicalTheme};
use proptest::prelude::*;

const FILE: &str = "\
include = [\"common/base.toml\"]

[users.high-load]
wait = \"1s..3s\"

[[users.high-load.tasks]]
get = \"/{{ pick(fruits) }}\"

[profiles.load]
users = 10
";

const BASE: &str = "\
include = [\"hosts.toml\"]
[data]
fruits = [\"apple\"]
[profiles.load]
users = 5
duration = \"5m\"
[profiles.short]
users = 1
duration = \"1s\"
";

fn file(path: &Path) -> io::Result<String> {
    match path.to_str() {
        Some("folder/common/base.toml") => Ok(BASE.to_owned()),
        Some("folder/common/hosts.toml") => Ok("host = \"http://below\"\n".to_owned()),
        Some("folder/round.toml") => Ok("include = [\"round.toml\"]\n".to_owned()),
        Some("folder/wrong.toml") => Ok("\n[users.high-load]\nwait = \"soon\"\n".to_owned()),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

fn read(text: &str, assignments: &[Assignment]) -> Result<Scenario, ScenarioError> {
    let layers = Layers {
        assignments,
        file: &file,
    };
    Scenario::read_layered("folder/brunt.toml", text, layers, &NoEnvironment)
}

fn set(texts: &[&str]) -> Vec<Assignment> {
    texts
        .iter()
        .map(|text| Assignment::parse(text).expect(text))
        .collect()
}

fn shown(result: Result<Scenario, ScenarioError>) -> String {
    let mut shown = String::new();
    if let Err(error) = result {
        GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
            .with_width(80)
            .render_report(&mut shown, &error)
            .expect("text");
    }
    shown
}

#[test]
fn included_files_are_below_the_file() {
    let scenario = read(FILE, &[]).expect("a scenario");
    assert_eq!(scenario.host, Host::parse("http://below").ok());
    assert_eq!(scenario.profiles["load"].level_max().to_string(), "10");
    assert_eq!(scenario.profiles["load"].duration(), Duration::from_mins(5));
    assert!(scenario.profiles.contains_key("short"));
}

#[test]
fn each_layer_takes_the_place_of_those_below() {
    let mut assignments = Vec::new();
    for (name, value) in [
        ("BRUNT__HOST", "http://environment"),
        ("BRUNT__USERS__HIGH_LOAD__WAIT", "7s"),
        ("BRUNT__PROFILES__LOAD__USERS", "70"),
    ] {
        assignments.extend(Assignment::of_environment(name, value));
    }
    assignments.extend(set(&[
        "users.high-load.wait=9s",
        "users.high-load.tasks.0.get=/a",
        "targets.p95.target=1s",
        "request_targets.\"/a\".p99={ critical = \"2s\" }",
        "data.fruits=[\"pear\", \"plum\"]",
    ]));
    let scenario = read(FILE, &assignments).expect("a scenario");
    assert_eq!(scenario.host, Host::parse("http://environment").ok());
    assert_eq!(
        scenario.classes[0].wait,
        Wait::Constant(Duration::from_secs(9))
    );
    assert_eq!(scenario.profiles["load"].level_max().to_string(), "70");
    assert_eq!(scenario.names[0].name, "/a");
    assert_eq!(scenario.targets.len(), 2);
}

#[test]
fn assignment_adds_what_is_not_there_yet() {
    let assignments = set(&[
        "users.high-load.tasks.0.check.status=201",
        "users.high-load.tasks.0.check.json.\"$.a\".count=3",
        "users.high-load.tasks.0.query.tag.0=new",
        "users.high-load.tasks.0.query.tag.1=sale",
        "users.high-load.tasks.1.get=/second",
        "users.new.tasks.0.get=/new",
        "data.fruits.1=pear",
        "redirect_hosts.0=http://b",
        "headers.X-Date=2026-01-31",
        "tls.versions=[\"1.3\"]",
    ]);
    let scenario =
        read(FILE, &assignments).unwrap_or_else(|error| panic!("{:?}", miette::Report::new(error)));
    let names: Vec<&str> = scenario
        .names
        .iter()
        .map(|name| name.name.as_str())
        .collect();
    assert_eq!(names, ["/{{ pick(fruits) }}", "/second", "/new"]);
    for part in [
        "status = 201",
        "\"new\"",
        "\"sale\"",
        "count = 3",
        "2026-01-31",
    ] {
        assert!(
            scenario.resolved.contains(part),
            "{part}: {}",
            scenario.resolved
        );
    }
}

#[test]
fn variables_of_others_set_nothing() {
    for name in ["PATH", "BRUNT", "BRUNT_HOST", "BRUNT__"] {
        assert_eq!(Assignment::of_environment(name, "x"), None, "{name}");
    }
    for text in ["", "x", "=1", "a b=1", "a\n=1"] {
        let error = Assignment::parse(text).expect_err(text);
        assert!(error.contains("users.normal.wait=1s"), "{error}");
    }
}

#[test]
fn a_mistake_is_shown_in_the_layer_that_it_is_in() {
    let environment = Assignment::of_environment("BRUNT__PROFILES__LOAD__USERS", "many");
    let cases = [
        ("set", read(FILE, &set(&["users.high-load.wait=soon"]))),
        (
            "set_unknown",
            read(FILE, &set(&["users.high-load.weigth=2"])),
        ),
        (
            "set_item",
            read(FILE, &set(&["users.high-load.tasks.7.get=/"])),
        ),
        (
            "set_item_of_an_empty_list",
            read(FILE, &set(&["data.fruits=[]", "data.fruits.1=x"])),
        ),
        (
            "set_item_of_an_item",
            read(FILE, &set(&["data.fruits.0.a=x"])),
        ),
        (
            "set_list",
            read(FILE, &set(&["users.high-load.tasks.get=/"])),
        ),
        (
            "set_below_a_value",
            read(FILE, &set(&["include.0.a=1", "profiles.load.users.most=1"])),
        ),
        ("environment", read(FILE, &Vec::from_iter(environment))),
        (
            "included",
            read(
                &FILE
                    .replace("common/base", "wrong")
                    .replace("wait", "weight = 1 # wait"),
                &[],
            ),
        ),
        ("not_there", read(&FILE.replace("base", "bass"), &[])),
        ("round", read(&FILE.replace("common/base", "round"), &[])),
        (
            "set_unknown_of_a_new_class",
            read(
                FILE,
                &set(&["users.new.wieght=2", "users.new.extends=high-load"]),
            ),
        ),
    ];
    let mut page = String::new();
    for (name, result) in cases {
        let shown = shown(result);
        assert!(!shown.is_empty(), "{name} goes through");
        page += &format!("=== {name}\n{shown}\n");
    }
    insta::assert_snapshot!(page);
}

proptest! {
    #[test]
    fn no_assignment_breaks_the_reader(
        key in "[a-z.\"0-9-]{0,4}(users|profiles|data|include|host|targets)?[.](high-load|load|fruits|0)?[.]?[a-z0-9.]{0,6}",
        value in "\\PC{0,12}",
    ) {
        let layer = Assignment::parse(&format!("{key}={value}"));
        let variable = Assignment::of_environment(&format!("BRUNT__{}", key.to_uppercase().replace('.', "__")), &value);
        let assignments: Vec<Assignment> = layer.into_iter().chain(variable).collect();
        prop_assert!(shown(read(FILE, &assignments)).len() < 100_000);
    }
}
