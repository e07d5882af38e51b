//! `brunt check`: checks a scenario file, shows what would run, and runs a smoke test with `--try`.

mod smoke_test;

use brunt_scenario::{Host, Overrides, Plan, Profile, Scenario, Step, names_of};

use crate::cli::run::CheckArgs;
use crate::config::load_config::{Selection, active_classes};
use crate::config::network_config::{NetworkConfig, masked, other_hosts};
use crate::config::scenario_source::ScenarioSource;
use crate::exit::{Exit, Failure};
use crate::run::decidability;
use crate::terminal;

pub(crate) fn run(args: &CheckArgs) -> Result<Exit, Failure> {
    let http = args.smoke_test.network.http;
    let source = ScenarioSource::from(&args.scenario).with_http(http);
    let scenario = source.read()?;
    let network = NetworkConfig::new(&args.smoke_test.network)?;
    let selection = Selection::from(&args.smoke_test.selection);
    let seed = args.smoke_test.seed;
    if args.is_smoke_test {
        let scenario = network.apply(&source, scenario)?;
        return smoke_test::run(&scenario, &network, &selection, seed);
    }
    if network.is_given() || selection.is_given() || seed.is_some() {
        let message = "smoke test options require --try";
        return Err(Failure::Input(message.to_owned()));
    }
    let text = explain(&source.file.display().to_string(), &scenario);
    terminal::print(&text);
    Ok(Exit::Passed)
}

fn explain(file: &str, scenario: &Scenario) -> String {
    let host = match &scenario.host {
        None => "not set: use --host".to_owned(),
        Some(Host::Embedded) => "embedded (the Application Agent that ships with brunt)".to_owned(),
        Some(Host::Url(url)) => masked(&url.to_string()),
    };
    let mut text = format!("{file} is valid\n\nhost      {host}\n");
    let classes = active_classes(scenario);
    let url = match &scenario.host {
        Some(Host::Url(url)) => Some(url),
        _ => None,
    };
    for other in other_hosts(scenario, classes.iter().map(String::as_str), url) {
        text += &format!("and       {other}\n");
    }
    if !scenario.setup.is_empty() {
        text += &format!(
            "setup     {}, once before the load\n",
            terminal::number_of(requests_of(&scenario.setup), "request")
        );
    }
    text += &format!("targets   {}\n", scenario.targets.len());
    text += "\nprofiles\n";
    for (name, profile) in &scenario.profiles {
        text += &explain_profile(name, profile, scenario);
    }
    let Some(plan) = scenario.profiles.keys().next().and_then(|first| {
        Plan::new(
            scenario,
            first,
            &Overrides::default(),
            &active_classes(scenario),
        )
        .ok()
    }) else {
        return text;
    };
    for class in &plan.classes {
        text += &format!(
            "\nuser class {}: {:.1} % of the users, wait {}\n",
            class.name,
            class.share * 100.0,
            class.wait
        );
        for (steps, share) in class.tasks.shares() {
            let names = names_of(steps).into_iter().map(|name| {
                let name = &scenario.names[name.index()];
                format!("{} {}", name.method, name.name)
            });
            text += &format!(
                "{:>8.1} %  {}\n",
                share * 100.0,
                names.collect::<Vec<_>>().join(", ")
            );
        }
    }
    text
}

fn requests_of(steps: &[Step]) -> usize {
    let requests = steps.iter().filter(|step| matches!(step, Step::Request(_)));
    requests.count()
}

fn explain_profile(name: &str, profile: &Profile, scenario: &Scenario) -> String {
    let plan = Plan::new(scenario, name, &Overrides::default(), &[]).ok();
    let offered = plan
        .as_ref()
        .map(|plan| match plan.load.offered_rps(plan.load.duration_s()) {
            Some(rate) => format!("at most {rate:.1} req/s on average"),
            None => "limited only by response times".to_owned(),
        });
    let classes = match profile.classes.as_slice() {
        [] => String::new(),
        names => format!(" of {}", names.join(", ")),
    };
    // Whether a process is monitored depends on the command line; assume that one is.
    let warnings = plan
        .as_ref()
        .map_or_else(Vec::new, |plan| decidability::warnings(plan, true));
    let logins = plan.as_ref().and_then(brunt_scenario::logins_in_words);
    let level = plan.map_or_else(String::new, |plan| {
        brunt_scenario::level_in_words(&plan.load)
    });
    let width = scenario.profiles.keys().map(String::len).max().unwrap_or(0);
    let length = brunt_scenario::duration_in_words(profile.duration());
    // The load of a search is not known beforehand.
    let offered = offered.filter(|_| profile.search.is_none());
    let offered = offered.map_or_else(String::new, |offered| format!(", {offered}"));
    let mut text = format!("  {name:width$}  {length:>8}  {level}{classes}{offered}\n");
    if let Some(logins) = logins {
        text += &format!("    {logins}\n");
    }
    for warning in warnings {
        text += &format!("    warning: {warning}\n");
    }
    text
}
