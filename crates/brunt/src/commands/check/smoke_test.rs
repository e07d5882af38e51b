//! Smoke test, `brunt check --try`: runs every task once, and shows its requests and responses.

use std::sync::Arc;

use anstyle::{AnsiColor, Style};
use anyhow::Context;
use brunt_engine::{ExchangeTrace, TraceSection};
use brunt_record::RequestName;
use brunt_scenario::{Host, Overrides, Plan, Scenario};

use crate::config::load_config::{Selection, active_classes};
use crate::config::network_config::{NetworkConfig, other_hosts};
use crate::exit::{Exit, Failure, print_note};
use crate::run::environment::{check_body_files, new_seed};
use crate::system::demo_service::DemoService;
use crate::terminal;

/// Maximum length of an excerpt, in lines and in characters.
const LINES_MAX: usize = 20;
const CHARACTERS_MAX: usize = 2_000;

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
    check_body_files(&plan)?;
    network.check_class_hosts(scenario, &plan, network.service())?;
    let agent = match network.host(scenario)? {
        Host::Embedded => Err(DemoService::start(&[])?),
        Host::Url(url) => Ok(url),
    };
    let url = agent.as_ref().unwrap_or_else(DemoService::url);
    let target = Arc::new(network.resolve(url, &plan)?);
    let seed = seed.unwrap_or_else(new_seed);
    print_note(&format!(
        "smoke test: one user, each task once, seed {seed}"
    ));
    print_note(&format!("target: {}", target.url));
    let classes = plan.classes.iter().map(|class| class.name.as_str());
    for other in other_hosts(scenario, classes, Some(&target.url)) {
        print_note(&format!("also: {other}"));
    }
    network.wait_until_reachable(&target)?;
    let sections =
        brunt_engine::smoke_run(&plan, &target, seed).context("cannot run the smoke test")?;
    terminal::print(&render(&sections, &plan.names));
    Ok(if sections.iter().all(TraceSection::succeeded) {
        Exit::Passed
    } else {
        Exit::TargetsMissed
    })
}

/// Plan of the first profile that compiles: the smoke test does not depend on the profile.
fn plan(scenario: &Scenario, selection: &Selection) -> Result<Plan, Failure> {
    let overrides = Overrides {
        tags: selection.tags.clone(),
        ..Overrides::default()
    };
    let classes = match selection.classes.as_slice() {
        [] => active_classes(scenario),
        chosen => chosen.to_vec(),
    };
    let mut error = Failure::Input("the scenario has no profile; add [profiles.load]".to_owned());
    for profile in scenario.profiles.keys() {
        match Plan::new(scenario, profile, &overrides, &classes) {
            Ok(plan) => return Ok(plan),
            Err(reason) => error = Failure::Input(reason.to_string()),
        }
    }
    Err(error)
}

fn render(sections: &[TraceSection], names: &[RequestName]) -> String {
    let mut text = String::new();
    for section in sections {
        text += &format!("\n{STRONG}{}{STRONG:#}\n", section.title);
        for exchange in &section.exchanges {
            text += &render_exchange(exchange, &names[exchange.name.index()]);
        }
        if section.omitted > 0 {
            text += &format!("  … and {} more requests\n", section.omitted);
        }
        if let Some(reason) = &section.interrupted {
            text += &format!("  {BAD}aborted{BAD:#}: {}\n", printable(reason));
        }
    }
    let exchanges = || sections.iter().flat_map(|section| &section.exchanges);
    let failed = exchanges()
        .filter(|exchange| exchange.failed.is_some())
        .count();
    let omitted: usize = sections.iter().map(|section| section.omitted).sum();
    let all = exchanges().count() + omitted;
    let (style, verdict) = match (failed, sections.iter().all(TraceSection::succeeded)) {
        (0, true) => (GOOD, format!("all {all} requests succeeded")),
        (0, false) => (BAD, "a task was aborted".to_owned()),
        (failed, _) => (BAD, format!("{failed} of {all} requests failed")),
    };
    text + &format!("\n{style}{verdict}{style:#}\n")
}

fn render_exchange(exchange: &ExchangeTrace, name: &RequestName) -> String {
    let (style, mark) = match exchange.failed {
        None => (GOOD, "✓"),
        Some(_) => (BAD, "✗"),
    };
    let mut text = format!("  {style}{mark}{style:#} {} {}", name.method, name.name);
    if let Some(response) = &exchange.response {
        text += &format!("  {}, {}", response.status, milliseconds(response.took_ns));
    }
    text += "\n";
    if let Some((kind, reason)) = &exchange.failed {
        text += &format!("      {BAD}{}{BAD:#}: {}\n", kind.name(), printable(reason));
    }
    for (words, holds) in exchange
        .response
        .iter()
        .flat_map(|response| &response.checks)
    {
        let (style, mark) = if *holds { (GOOD, "✓") } else { (BAD, "✗") };
        text += &format!("      {style}{mark}{style:#} check {}\n", printable(words));
    }
    for (name, value) in &exchange.extracted {
        text += &format!("      {name} = {}\n", excerpt(value, ""));
    }
    let mut hops = exchange.hops.iter().peekable();
    while let Some(hop) = hops.next() {
        let request = format!("{}{}", hop.request_head, hop.request_body);
        text += &excerpt(request.trim_end(), "      > ");
        text += "\n";
        let is_last = hops.peek().is_none();
        let body = exchange.response.as_ref().filter(|_| is_last);
        let body = body.map_or("", |response| response.body.as_str());
        if let Some(head) = &hop.response_head {
            let response = format!("{head}\r\n{body}");
            text += &excerpt(response.trim_end(), "      < ");
            text += "\n";
        }
    }
    text
}

/// Returns the beginning of a text, with a prefix for each line.
fn excerpt(text: &str, prefix: &str) -> String {
    let text = text.replace("\r\n", "\n");
    let mut left = CHARACTERS_MAX;
    let mut lines = Vec::new();
    let mut shown = 0;
    for line in text.lines().take(LINES_MAX) {
        let part: String = line.chars().take(left).collect();
        left -= part.chars().count();
        shown += part.len() + 1;
        lines.push(format!("{FAINT}{prefix}{FAINT:#}{}", printable(&part)));
        if left == 0 {
            break;
        }
    }
    let rest = text.len().saturating_sub(shown);
    if rest > 0 {
        lines.push(format!("{FAINT}{prefix}… {rest} more bytes{FAINT:#}"));
    }
    lines.join("\n")
}

/// Replaces control characters, which could move the cursor.
fn printable(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() && character != '\t' {
                '\u{fffd}'
            } else {
                character
            }
        })
        .collect()
}

fn milliseconds(ns: u64) -> String {
    format!("{:.1} ms", ns as f64 / 1e6)
}
