//! Smoke test, `brunt check --try`: every task once, with its requests and responses.

use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use anyhow::Context;
use brunt_engine::{ExchangeTrace, ResponseTrace, TraceSection};
use brunt_record::RequestName;
use brunt_scenario::{Host, Overrides, Plan, Scenario};

use crate::config::load_config::{Selection, active_classes};
use crate::config::network_config::{NetworkConfig, other_hosts};
use crate::exit::{Exit, Failure, print_note};
use crate::run::environment::{new_seed, uploads_are_there};
use crate::system::demo_service::DemoService;
use crate::terminal;

/// Of a body or a head no more is shown than this.
const LINES_MAX: usize = 20;
const LETTERS_MAX: usize = 2_000;

const GOOD: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Green)));
const BAD: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red)));
const FAINT: Style = Style::new().dimmed();
const STRONG: Style = Style::new().bold();

pub(super) fn run(
    scenario: &Scenario,
    network: &NetworkConfig,
    selection: &Selection,
    seed: Option<u64>,
) -> Result<Exit, Failure> {
    let plan = Arc::new(plan(scenario, selection)?);
    uploads_are_there(&plan)?;
    let given = network.service();
    network.refuse_hosts_of_classes(scenario, &plan, given)?;
    let agent = match network.host(scenario)? {
        Host::Embedded => Err(DemoService::start(&[])?),
        Host::Url(url) => Ok(url),
    };
    let url = agent.as_ref().unwrap_or_else(DemoService::url);
    let target = Arc::new(network.resolve(url, &plan)?);
    let seed = seed.unwrap_or_else(new_seed);
    print_note(&format!("one user, each task once, seed {seed}"));
    print_note(&format!("against {}", target.url));
    let classes = plan.classes.iter().map(|class| class.name.as_str());
    for other in other_hosts(scenario, classes, Some(&target.url)) {
        print_note(&format!("and against {other}"));
    }
    network.reach(&target)?;
    let scenes =
        brunt_engine::smoke_run(&plan, &target, seed).context("cannot play the scenario")?;
    terminal::print(&told(&scenes, &plan.names));
    Ok(if scenes.iter().all(TraceSection::succeeded) {
        Exit::Passed
    } else {
        Exit::TargetsMissed
    })
}

/// The plan of any profile: what is tried does not depend on it.
fn plan(scenario: &Scenario, selection: &Selection) -> Result<Plan, Failure> {
    let overrides = Overrides {
        tags: selection.tags.clone(),
        ..Overrides::default()
    };
    let users_of = match selection.classes.as_slice() {
        [] => active_classes(scenario),
        chosen => chosen.to_vec(),
    };
    let mut error = Failure::Input("the scenario has no profile; add [profiles.load]".to_owned());
    for profile in scenario.profiles.keys() {
        match Plan::new(scenario, profile, &overrides, &users_of) {
            Ok(plan) => return Ok(plan),
            Err(reason) => error = Failure::Input(reason.to_string()),
        }
    }
    Err(error)
}

fn told(scenes: &[TraceSection], names: &[RequestName]) -> String {
    let mut text = String::new();
    for scene in scenes {
        text += &format!("\n{STRONG}{}{STRONG:#}\n", scene.title);
        for exchange in &scene.exchanges {
            text += &exchange_told(exchange, &names[exchange.name.index()]);
        }
        if scene.omitted > 0 {
            text += &format!("  … and {} requests more\n", scene.omitted);
        }
        if let Some(reason) = &scene.interrupted {
            text += &format!("  {BAD}broken off{BAD:#}: {}\n", printable(reason));
        }
    }
    let exchanges = || scenes.iter().flat_map(|scene| &scene.exchanges);
    let failed = exchanges()
        .filter(|exchange| exchange.failed.is_some())
        .count();
    let left_out: usize = scenes.iter().map(|scene| scene.omitted).sum();
    let all = exchanges().count() + left_out;
    let (style, verdict) = match (failed, scenes.iter().all(TraceSection::succeeded)) {
        (0, true) => (GOOD, format!("all {all} requests went well")),
        (0, false) => (BAD, "steps were broken off".to_owned()),
        (failed, _) => (BAD, format!("{failed} of {all} requests failed")),
    };
    text + &format!("\n{style}{verdict}{style:#}\n")
}

fn exchange_told(exchange: &ExchangeTrace, name: &RequestName) -> String {
    let (style, mark) = match exchange.failed {
        None => (GOOD, "✓"),
        Some(_) => (BAD, "✗"),
    };
    let mut text = format!("  {style}{mark}{style:#} {} {}", name.method, name.name);
    if let Some(heard) = &exchange.response {
        text += &format!("  {}, {}", heard.status, milliseconds(heard.took_ns));
    }
    text += "\n";
    if let Some((kind, reason)) = &exchange.failed {
        text += &format!("      {BAD}{}{BAD:#}: {}\n", kind.name(), printable(reason));
    }
    for (words, holds) in exchange.response.iter().flat_map(|heard| &heard.checks) {
        let (style, mark) = if *holds { (GOOD, "✓") } else { (BAD, "✗") };
        text += &format!("      {style}{mark}{style:#} check {}\n", printable(words));
    }
    for (name, value) in &exchange.extracted {
        text += &format!("      {name} = {}\n", excerpt(value, ""));
    }
    let request = format!("{}{}", exchange.request_head, exchange.request_body);
    text += &excerpt(request.trim_end(), "      > ");
    text += "\n";
    if let Some(heard) = &exchange.response {
        text += &excerpt(&answer(heard), "      < ");
        text += "\n";
    }
    text
}

fn answer(heard: &ResponseTrace) -> String {
    let text = format!("{}\r\n{}\r\n{}", heard.status, heard.fields, heard.body);
    text.trim_end().to_owned()
}

/// The beginning of a text, each line behind a mark.
fn excerpt(text: &str, mark: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let mut left = LETTERS_MAX;
    let mut lines = Vec::new();
    let mut shown = 0;
    for line in text.lines().take(LINES_MAX) {
        let part: String = line.chars().take(left).collect();
        left -= part.chars().count();
        shown += part.len() + 1;
        lines.push(format!("{FAINT}{mark}{FAINT:#}{}", printable(&part)));
        if left == 0 {
            break;
        }
    }
    let rest = text.len().saturating_sub(shown);
    if rest > 0 {
        lines.push(format!("{FAINT}{mark}… {rest} bytes more{FAINT:#}"));
    }
    lines.join("\n")
}

/// Without what would move the cursor, or more.
fn printable(text: &str) -> String {
    text.chars()
        .map(|letter| {
            if letter.is_control() && letter != '\t' {
                '\u{fffd}'
            } else {
                letter
            }
        })
        .collect()
}

fn milliseconds(ns: u64) -> String {
    format!("{:.1} ms", ns as f64 / 1e6)
}
