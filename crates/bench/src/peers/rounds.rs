//! Rounds of a comparison. In each, all clients run once, each against a new server, so that runs within the same minutes
//! are compared.

use super::client::Client;
use super::environment::Environment;
use super::page::Section;
use super::summary_stats::SummaryStats;
use super::tools::{ExcludedPeer, PeerSpec, install_all};

/// Measurements of one run of a client.
struct Trial {
    requests: u64,
    client_cpu_s: f64,
    server_cpu_s: f64,
    wall_s: f64,
}

impl Trial {
    /// Requests per CPU-second of the client.
    fn requests_per_cpu_s(&self) -> f64 {
        self.requests as f64 / self.client_cpu_s
    }
}

/// A client and its trials, one per round.
struct ClientTrials {
    client: Client,
    trials: Vec<Trial>,
}

/// Runs the rounds of a section and returns its text: `intro`, a table with a row per client, and their commands.
///
/// # Errors
///
/// If a run of brunt fails. Other load generators that cannot be installed, or fail, get a row with the reason.
pub(super) fn run(
    environment: &Environment,
    server: &[&str],
    brunt: Client,
    peers: Vec<PeerSpec>,
    intro: &str,
) -> anyhow::Result<Section> {
    let (peers, mut excluded) = install_all(environment, peers);
    let clients = std::iter::once(brunt).chain(peers);
    // brunt is the first.
    let mut all: Vec<ClientTrials> = clients
        .map(|client| ClientTrials {
            client,
            trials: Vec::new(),
        })
        .collect();
    for round in 0..environment.rounds as usize {
        excluded.extend(run_round(environment, server, &mut all, round)?);
        println!("  round {}: {}", round + 1, describe_last_round(&all));
    }
    let mut missed_goals = Vec::new();
    let mut rows = Vec::new();
    for ClientTrials { client, trials } in &all {
        let ratios = all[0].trials.iter().zip(trials);
        let ratios = SummaryStats::of(
            ratios.map(|(brunt, peer)| brunt.requests_per_cpu_s() / peer.requests_per_cpu_s()),
        );
        if let Some(goal) = client.goal.filter(|goal| ratios.median < *goal) {
            let median = ratios.median;
            missed_goals.push(format!("{median:.3} × {}, goal: {goal}", client.name));
        }
        rows.push(row(client, trials, &ratios));
    }
    let excluded = excluded.iter();
    rows.extend(
        excluded.map(|peer| format!("| {} | {} | | | | | | | | | |", peer.name, peer.reason)),
    );
    let commands = all
        .iter()
        .map(|ClientTrials { client, .. }| format!("- {}: `{}`", client.name, client.command()));
    let commands: Vec<String> = commands.collect();
    let text = format!(
        "{intro}\n\n{TABLE_HEADER}\n{}\n\n{}\n",
        rows.join("\n"),
        commands.join("\n")
    );
    Ok(Section { text, missed_goals })
}

/// Runs each client once, in an order that changes with the round, so that a drift of the machine has no bias. Removes
/// the peers that fail from `all` and returns them; an error of brunt is returned.
fn run_round(
    environment: &Environment,
    server: &[&str],
    all: &mut Vec<ClientTrials>,
    round: usize,
) -> anyhow::Result<Vec<ExcludedPeer>> {
    let count = all.len();
    let mut failed: Vec<ExcludedPeer> = Vec::new();
    for index in (0..count).map(|position| (position + round) % count) {
        let ClientTrials { client, trials } = &mut all[index];
        match run_trial(environment, server, client) {
            Ok(trial) => trials.push(trial),
            Err(error) if index == 0 => return Err(error),
            Err(error) => {
                println!("  {error:#}");
                let text = error.to_string();
                let reason = text.lines().next().unwrap_or_default().replace('|', " ");
                failed.push(ExcludedPeer {
                    name: client.name,
                    reason,
                });
            }
        }
    }
    all.retain(|one| failed.iter().all(|peer| peer.name != one.client.name));
    Ok(failed)
}

const TABLE_HEADER: &str = "\
| client | version | requests per CPU-second: min | median | max | brunt ÷ client: min | median | max | goal | client busy | server busy |\n\
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | ---: | ---: |";

/// Runs a client against a new server.
fn run_trial(environment: &Environment, server: &[&str], client: &Client) -> anyhow::Result<Trial> {
    let server = environment.serve(server)?;
    let run = environment.run(client, &server)?;
    let stats = server.stop()?;
    anyhow::ensure!(
        stats.requests > 0,
        "the server received no request: {}",
        run.output
    );
    Ok(Trial {
        requests: stats.requests,
        client_cpu_s: run.cpu_s,
        server_cpu_s: stats.cpu_s,
        wall_s: run.wall_s,
    })
}

/// Each client's requests per CPU-second in the last round, and the ratio of brunt's to them.
fn describe_last_round(all: &[ClientTrials]) -> String {
    let last = all.iter().filter_map(|ClientTrials { client, trials }| {
        let own = trials.last()?.requests_per_cpu_s();
        let ratio = all[0].trials.last()?.requests_per_cpu_s() / own;
        Some(format!("{} {own:.0} ({ratio:.3})", client.name))
    });
    last.collect::<Vec<_>>().join(", ")
}

fn row(client: &Client, trials: &[Trial], ratios: &SummaryStats) -> String {
    let requests_per_cpu_s = SummaryStats::of(trials.iter().map(Trial::requests_per_cpu_s));
    let busy = |cpu_s: fn(&Trial) -> f64| {
        let shares = trials
            .iter()
            .map(|trial| cpu_s(trial) / trial.wall_s * 100.0);
        format!("{:.0} %", SummaryStats::of(shares).median)
    };
    let ratios_shown = match client.name {
        "brunt" => "| |".to_owned(),
        _ => ratios.cells(3),
    };
    let goal = client.goal.map_or_else(String::new, |goal| {
        let outcome = if ratios.median >= goal {
            "reached"
        } else {
            "**missed**"
        };
        format!("≥ {goal}: {outcome}")
    });
    format!(
        "| {} | {} | {} | {ratios_shown} | {goal} | {} | {} |",
        client.name,
        client.version,
        requests_per_cpu_s.cells(0),
        busy(|trial| trial.client_cpu_s),
        busy(|trial| trial.server_cpu_s),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_shows_whether_the_goal_is_reached() {
        let trial = |requests| Trial {
            requests,
            client_cpu_s: 1.0,
            server_cpu_s: 0.5,
            wall_s: 1.0,
        };
        let client = |goal| Client {
            name: "wrk",
            version: "4.1".to_owned(),
            program: "wrk".into(),
            arguments: Vec::new(),
            goal: Some(goal),
        };
        let ratios = SummaryStats::of([1.1]);
        let found = row(&client(1.05), &[trial(100)], &ratios);
        let expected = "| wrk | 4.1 | 100 | 100 | 100 | 1.100 | 1.100 | 1.100 | ≥ 1.05: reached | 100 % | 50 % |";
        assert_eq!(found, expected);
        assert!(row(&client(1.2), &[trial(100)], &ratios).contains("**missed**"));
    }
}
