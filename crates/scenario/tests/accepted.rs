//! Scenarios that the reader and the JSON Schema accept: shipped, documented and unusual ones. The schema rejects mistakes
//! of single values.

#[path = "mistakes/table.rs"]
mod table;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use boon::{Compiler, SchemaIndex, Schemas};
use brunt_scenario::{Environment, FileContent, Scenario};
use serde_json::Value;

/// An environment in which every variable is set, and every data file has the same rows.
struct Anywhere;

impl Environment for Anywhere {
    fn variable(&self, _: &str) -> Option<String> {
        Some("secret".to_owned())
    }

    fn file(&self, _: &Path) -> io::Result<Arc<dyn FileContent>> {
        Ok(Arc::new(b"name\nann\nbob\n".to_vec()))
    }
}

/// Pages whose examples add up to one scenario each.
const PAGES: [&str; 6] = [
    "README.md",
    "docs/scenario.md",
    "docs/tutorial.md",
    "docs/coming-from-k6.md",
    "docs/coming-from-locust.md",
    "docs/coming-from-wrk-oha-hey.md",
];

/// The compiled schema.
struct Validator {
    schemas: Schemas,
    schema: SchemaIndex,
}

impl Validator {
    fn new() -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler
            .add_resource("schema.json", brunt_scenario::schema())
            .expect("a resource");
        let schema = compiler
            .compile("schema.json", &mut schemas)
            .expect("a valid schema");
        Self { schemas, schema }
    }

    fn validate(&self, scenario: &Value) -> Result<(), String> {
        let validated = self.schemas.validate(scenario, self.schema);
        validated.map_err(|error| format!("{error:#}"))
    }
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The TOML examples of a page, one after the other.
fn examples(page: &str) -> String {
    let blocks = page.split("```toml\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap_or_default());
    blocks.collect::<Vec<_>>().join("\n")
}

#[test]
fn reader_accepts_examples_of_the_docs() {
    for page in PAGES {
        let text = examples(&read(&root(page)));
        assert!(!text.is_empty(), "{page} has examples");
        let scenario = Scenario::read_in(page, &text, &Anywhere);
        assert!(
            scenario.is_ok(),
            "{:?}",
            miette::Report::new(scenario.unwrap_err())
        );
    }
}

#[test]
fn schema_accepts_shipped_and_documented_scenarios() {
    let mut scenarios = vec![("brunt.toml".to_owned(), read(&root("brunt.toml")))];
    for entry in std::fs::read_dir(root("scenarios")).expect("scenarios") {
        let path = entry.expect("an entry").path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            scenarios.push((path.display().to_string(), read(&path)));
        }
    }
    assert!(scenarios.len() > 8);
    for page in PAGES {
        scenarios.push((page.to_owned(), examples(&read(&root(page)))));
    }
    let validator = Validator::new();
    for (name, text) in scenarios {
        let scenario: Value = toml::from_str(&text).expect("TOML");
        assert_eq!(validator.validate(&scenario), Ok(()), "{name}");
    }
}

#[test]
fn schema_rejects_mistakes_of_single_values() {
    let validator = Validator::new();
    assert_eq!(
        validator.validate(&toml::from_str(&table::file(table::GET, "")).expect("TOML")),
        Ok(())
    );
    let mut accepted = String::new();
    for (name, text) in table::mistakes() {
        let scenario = toml::from_str(&text);
        if scenario.is_ok_and(|scenario| validator.validate(&scenario).is_ok()) {
            accepted += &format!("{name}\n");
        }
    }
    // Only mistakes that concern several values, the content of expressions, or files belong here.
    insta::assert_snapshot!("mistakes_that_the_schema_accepts", accepted);
}

/// Lines of a scenario with unusual values.
const UNUSUAL: &[&str] = &[
    "host = \"HTTP://localhost\"",
    "http = 2",
    "http = 1.1",
    "connections = \"shared\"",
    "connections = { shared = 1 }",
    "timeouts = { connect = \"1h 30m\", tls = \"2 days\", first_byte = \"1.5s\", total = \"100us\" }",
    "limits = { body = \"0.5 GB\", decoded = \"+64KiB\" }",
    "tls = { versions = [\"1.3\", \"1.2\"], resumption = false }",
    "data.x = { rows = [1, { a = [true] }], order = \"shuffled\", on_exhausted = \"stop_test\" }",
    "verdict = { min_duration = \"2s\" }",
    "targets = { \"p99.9\" = { target = \"0ms\" }, p5 = { critical = \"1m\" }, cpu = { target = \"70 %\" } }",
    "targets = { throughput = { target = \"600/min\", acceptable = 5, critical = 1.5 } }",
    "targets = { memory = { acceptable = \"1e3MB\" }, error_rate = { target = \"0.1%\", stop_at = \"target\" } }",
    "request_targets.\"/\" = { mean = { target = \"1s\" }, throughput = { target = 1 } }",
    "profiles.p = { rate = \"3k/min\", arrivals = \"constant\", duration = \"1m\", users = 5 }",
    "profiles.p = { rate = 0.5, duration = \"1m\" }",
    "profiles.p = { rate = \"36 /h\", duration = \"1m\" }",
    "profiles.p = { search = {}, duration = \"10m\" }",
    "profiles.p = { search = { from = 1, to = \"5k/s\", precision = \"0.5 %\" }, duration = \"10m\" }",
    "profiles.p = { stages = [{ rate = 1, ramp = \"1s\", ramp_steps = 3, duration = \"1m\" }] }",
    "profiles.p = { users = 1, spawn_rate = 0.1, iterations = 1, duration = \"1m\" }",
    "users.b = { extends = \"a\", wait = \"none\", fixed_count = 0, order = \"sequence\" }",
    "users.b = { extends = \"a\", wait = \" normal ( 2s, 500ms ) \" }",
    "users.b = { extends = \"a\", wait = \"throughput(12/min)\", weight = 0 }",
    "users.b = { extends = \"a\", wait = \"1s .. 1m 30s\" }",
    "users.b = { extends = \"a\", wait = \"0..2s\", host = \"https://b\" }",
    "users.b = { tasks = [{ weight = 0.5, get = \"{{ '/' }}\", query = { a = 1, b = true } }] }",
    "users.b = { tasks = [{ get = \"/\", query = { a = [1, \"b\"] }, headers = { A = [\"b\", \"c\"], D = 5 } }] }",
    "users.b = { tasks = [{ steps = [{ set = { t = { a = 1 } } }, { get = \"/\", query = \"{{ t }}\", headers = \"{{ t }}\" }] }] }",
    "users.b = { tasks = [{ post = \"/\", multipart = { a = [\"x\", { text = \"y\", name = \"y.txt\" }] } }] }",
    "users.b = { tasks = [{ choose = [{ weight = 3, get = \"/\" }, { wait = \"1s\" }] }] }",
    "users.b = { tasks = [{ get = \"/\", extract = { a = { url = true, regex = \"a\" }, b = { cookie = \"b\" } } }] }",
    "data.x = { rows = [1], order = \"per_user\", on_exhausted = \"stop_user\" }",
    "headers = { A = [\"b\"], C = 1 }",
    "users.b = { tasks = [{ method = \"M-SEARCH\", path = \"/\", headers = { x_y = \"\" } }] }",
    "users.b = { tasks = [{ post = \"/\", form = { a = 1.5 }, auth = { user = \"x\" } }] }",
    "users.b = { tasks = [{ post = \"/\", multipart = { a = \"x\", b = \"{{ 1 }}\" }, redirects = 0 }] }",
    "users.b = { tasks = [{ get = \"/\", check = { status = [\"2xx\", 404, \"500 .. 503\", \"302\"] } }] }",
    "users.b = { tasks = [{ get = \"/\", check = { size = \"..10MB\", matches = [\"a\"], equals = \"\" } }] }",
    "users.b = { tasks = [{ get = \"/\", check = { json = { \"$.a\" = { count = \"1..\", above = 1 }, \"$.b\" = [1] } } }] }",
    "users.b = { tasks = [{ get = \"/\", extract = { a = { regex = \"(?<x>a)\", group = \"x\", take = \"all\" }, b = \"$.b\" } }] }",
    "users.b = { tasks = [{ steps = [{ repeat = \"{{ 3 }}\", steps = [{ wait = \"exponential(1s)\" }] }] }] }",
    "users.b = { tasks = [{ for_each = \"i\", in = [1, 2], steps = [{ set = { a = \"{{ i }}\" } }] }] }",
    "users.b = { tasks = [{ while = \"false\", at_most = 0, steps = [{ clear_cookies = true }] }] }",
];

#[test]
fn schema_accepts_unusual_values_that_the_reader_accepts() {
    let validator = Validator::new();
    for line in UNUSUAL {
        let text = format!(
            "{line}\n[[users.a.tasks]]\nget = \"/\"\n[profiles.load]\nusers = 1\nduration = \"1s\"\n"
        );
        let read = Scenario::read("brunt.toml", &text);
        assert!(
            read.is_ok(),
            "{line}: {:?}",
            miette::Report::new(read.unwrap_err())
        );
        let scenario: Value = toml::from_str(&text).expect("TOML");
        assert_eq!(validator.validate(&scenario), Ok(()), "{line}");
    }
}
