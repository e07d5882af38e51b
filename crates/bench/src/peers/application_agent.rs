//! The Application Agent's scenario without think time: ten weighted tasks, random JSON bodies and checks of the
//! status; and the same with checks of every response body.

use anyhow::Context;
use toml::{Table, Value};

use super::environment::Environment;
use super::page::Section;
use super::plain_get::{USERS, goose_load, k6, wrk};
use super::rounds;
use super::tools::{PeerSpec, Tool};

/// User class of the shipped scenario that runs.
const CLASS: &str = "normal";

/// Compares load generators that run the shipped scenario without think time.
pub(super) fn as_shipped(environment: &Environment) -> anyhow::Result<Section> {
    let seconds = environment.seconds;
    let sources = environment.root.join("peers");
    let script = sources.join("agent.lua");
    let locust = sources.join("locustfile.py");
    let in_locust = |class: &str| {
        format!(
            "-f {} --headless --only-summary -u {USERS} -r {USERS} -t {seconds}s --host URL {class}",
            locust.display()
        )
    };
    let peers = vec![
        wrk(seconds).with_goal(0.9),
        PeerSpec::new(
            Tool::Wrk,
            "wrk with a Lua script",
            format!("-c{USERS} -t1 -d{seconds}s -s {} URL", script.display()),
        )
        .with_goal(1.25),
        PeerSpec::new(
            Tool::Goose,
            "goose",
            format!("--host URL --scenarios agent {}", goose_load(seconds)),
        )
        .with_goal(5.0),
        k6(environment, "agent").with_goal(15.0),
        PeerSpec::new(Tool::Locust, "Locust FastHttpUser", in_locust("FastAgent")).with_goal(24.0),
        PeerSpec::new(Tool::Locust, "Locust HttpUser", in_locust("PlainAgent")).with_goal(100.0),
    ];
    let brunt = environment.brunt_with(&scenario(environment, false)?)?;
    let intro = format!(
        "The ten weighted tasks of the scenario that ships with brunt (`brunt.toml`): random JSON bodies, a name for \
         each task, checks of the status and of some JSON; {USERS} users without think time. For comparison, wrk sends plain \
         GET requests without any of this. The other load generators run the same scenario (`peers/`), except that wrk's Lua \
         script draws tasks and bodies but has no users and no statistics per task."
    );
    rounds::run(environment, &[], brunt, peers, &intro)
}

/// Compares wrk with the scenario if each task checks and extracts a JSON field.
pub(super) fn with_checks(environment: &Environment) -> anyhow::Result<Section> {
    let brunt = environment.brunt_with(&scenario(environment, true)?)?;
    let intro = "The same scenario; in addition, each task checks a field of the JSON response (`check.json`) and extracts a \
        variable from it (`extract`). wrk sends plain GET requests.";
    let peers = vec![wrk(environment.seconds).with_goal(0.75)];
    rounds::run(environment, &[], brunt, peers, intro)
}

/// The shipped scenario with one user class, without think time, and one profile; if `checks_json`, each task checks
/// and extracts a JSON field of the response.
fn scenario(environment: &Environment, checks_json: bool) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(environment.root.join("brunt.toml"))?;
    let mut scenario: Table = text.parse().context("brunt.toml is not valid TOML")?;
    for key in ["targets", "host"] {
        scenario.remove(key);
    }
    let users = table(&mut scenario, "users")?;
    users.retain(|name, _| name == CLASS);
    let class = table(users, CLASS)?;
    class.insert("wait".into(), "none".into());
    if checks_json {
        let tasks = class.get_mut("tasks").and_then(Value::as_array_mut);
        for task in tasks.with_context(|| format!("users.{CLASS} in brunt.toml has no tasks"))? {
            let task = task
                .as_table_mut()
                .context("a task in brunt.toml is not a table")?;
            let check = task.entry("check").or_insert_with(|| Table::new().into());
            let check = check
                .as_table_mut()
                .context("a check in brunt.toml is not a table")?;
            let json = check.entry("json").or_insert_with(|| Table::new().into());
            let json = json
                .as_table_mut()
                .context("check.json in brunt.toml is not a table")?;
            json.insert("$.status".into(), "ok".into());
            let extract: Table = "id = \"$.request_id\"".parse()?;
            task.insert("extract".into(), extract.into());
        }
    }
    let profiles = format!(
        "[p]\nusers = {USERS}\nduration = \"{}s\"",
        environment.seconds
    );
    let profiles: Table = profiles.parse()?;
    scenario.insert("profiles".into(), profiles.into());
    Ok(scenario.to_string())
}

/// The table under a key.
fn table<'a>(parent: &'a mut Table, key: &str) -> anyhow::Result<&'a mut Table> {
    let found = parent.get_mut(key).and_then(Value::as_table_mut);
    found.with_context(|| format!("brunt.toml has no table {key}"))
}
