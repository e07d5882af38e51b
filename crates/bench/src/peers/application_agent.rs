//! The Application Agent's scenario without its waits: ten weighted tasks, random JSON bodies, checks of the
//! status; and the same with a look into every answer.

use anyhow::Context;
use toml::{Table, Value};

use super::environment::Environment;
use super::plain_get::{USERS, goose_load, k6, wrk};
use super::rounds;
use super::section::Section;
use super::tools::{Tool, Wanted};

/// The class of the shipped scenario that is played.
const CLASS: &str = "normal";

/// As it ships, but for the waits.
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
        wrk(seconds).goal(0.9),
        Wanted::new(
            Tool::Wrk,
            "wrk with a Lua script",
            format!("-c{USERS} -t1 -d{seconds}s -s {} URL", script.display()),
        )
        .goal(1.25),
        Wanted::new(
            Tool::Goose,
            "goose",
            format!("--host URL --scenarios agent {}", goose_load(seconds)),
        )
        .goal(5.0),
        k6(environment, "agent").goal(15.0),
        Wanted::new(Tool::Locust, "Locust FastHttpUser", in_locust("FastAgent")).goal(24.0),
        Wanted::new(Tool::Locust, "Locust HttpUser", in_locust("PlainAgent")).goal(100.0),
    ];
    let brunt = environment.brunt_with(&scenario(environment, false)?)?;
    let intro = format!(
        "The ten weighted tasks of the scenario that ships with brunt (`brunt.toml`): random JSON bodies, a name for \
         each task, checks of the status and of some JSON; {USERS} users that do not wait. Beside it wrk's plain GET, which \
         does none of that, and the same scenario in the others (`peers/`): wrk's Lua script draws tasks and bodies, but knows \
         no users and no figures for each task."
    );
    rounds::play(environment, &[], brunt, peers, &intro)
}

/// With a check of a JSON field and an extraction in every task.
pub(super) fn with_checks(environment: &Environment) -> anyhow::Result<Section> {
    let brunt = environment.brunt_with(&scenario(environment, true)?)?;
    let intro = "The same scenario, where each task checks a field of the JSON it is answered (`check.json`) and takes a \
        variable of it (`extract`), against wrk's plain GET.";
    let peers = vec![wrk(environment.seconds).goal(0.75)];
    rounds::play(environment, &[], brunt, peers, intro)
}

/// The shipped scenario with one class that does not wait, and one profile.
fn scenario(environment: &Environment, looks: bool) -> anyhow::Result<String> {
    let text = std::fs::read_to_string(environment.root.join("brunt.toml"))?;
    let mut scenario: Table = text.parse().context("brunt.toml is no TOML")?;
    for key in ["targets", "host"] {
        scenario.remove(key);
    }
    let users = table(&mut scenario, "users")?;
    users.retain(|name, _| name == CLASS);
    let class = table(users, CLASS)?;
    class.insert("wait".into(), "none".into());
    if looks {
        let tasks = class.get_mut("tasks").and_then(Value::as_array_mut);
        for task in tasks.context("no tasks")? {
            let task = task.as_table_mut().context("a task is a table")?;
            let check = task.entry("check").or_insert_with(|| Table::new().into());
            let check = check.as_table_mut().context("a check is a table")?;
            let json = check.entry("json").or_insert_with(|| Table::new().into());
            let json = json.as_table_mut().context("a check of JSON is a table")?;
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

fn table<'a>(of: &'a mut Table, key: &str) -> anyhow::Result<&'a mut Table> {
    let found = of.get_mut(key).and_then(Value::as_table_mut);
    found.with_context(|| format!("brunt.toml has no table {key}"))
}
