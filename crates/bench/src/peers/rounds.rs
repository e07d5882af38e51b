//! Rounds: in each, all clients have their turn against a server of their own, so that they are compared within
//! the same minute. brunt comes first.

use super::client::Client;
use super::environment::Environment;
use super::section::Section;
use super::summary_stats::SummaryStats;
use super::tools::{Missing, Wanted, provide};

/// One turn of a client.
struct Turn {
    requests: u64,
    client_cpu_s: f64,
    server_cpu_s: f64,
    wall_s: f64,
}

impl Turn {
    /// Requests a CPU-second of the client.
    fn per_cpu_second(&self) -> f64 {
        self.requests as f64 / self.client_cpu_s
    }
}

/// A client with the turns it had.
struct Player {
    client: Client,
    turns: Vec<Turn>,
}

/// Plays the rounds of a section and makes its table.
pub(super) fn play(
    environment: &Environment,
    server: &[&str],
    brunt: Client,
    peers: Vec<Wanted>,
    intro: &str,
) -> anyhow::Result<Section> {
    let (peers, mut missing) = provide(environment, peers);
    let clients = std::iter::once(brunt).chain(peers);
    let mut players: Vec<Player> = clients
        .map(|client| Player {
            client,
            turns: Vec::new(),
        })
        .collect();
    for round in 0..environment.pairs as usize {
        missing.extend(play_round(environment, server, &mut players, round)?);
        println!("  round {}: {}", round + 1, in_words(&players));
    }
    let mut short = Vec::new();
    let mut rows = Vec::new();
    for Player { client, turns } in &players {
        let ratios = players[0].turns.iter().zip(turns);
        let ratios = SummaryStats::of(ratios.map(|(a, b)| a.per_cpu_second() / b.per_cpu_second()));
        if let Some(goal) = client.goal.filter(|goal| ratios.median < *goal) {
            let median = ratios.median;
            short.push(format!("{median:.3} × {}, to be {goal}", client.name));
        }
        rows.push(row(client, turns, &ratios));
    }
    let missing = missing.iter();
    rows.extend(
        missing.map(|missing| format!("| {} | {} | | | | | | | | | |", missing.name, missing.why)),
    );
    let commands = players
        .iter()
        .map(|Player { client, .. }| format!("- {}: `{}`", client.name, client.command()));
    let commands: Vec<String> = commands.collect();
    let text = format!(
        "{intro}\n\n{HEAD}\n{}\n\n{}\n",
        rows.join("\n"),
        commands.join("\n")
    );
    Ok(Section { text, short })
}

/// Gives each its turn, in an order that changes with the round, so that a drift of the machine favours nobody. A peer
/// that fails is out, and is told; where brunt fails, all does.
fn play_round(
    environment: &Environment,
    server: &[&str],
    players: &mut Vec<Player>,
    round: usize,
) -> anyhow::Result<Vec<Missing>> {
    let count = players.len();
    let mut out = Vec::new();
    for at in (0..count).map(|turn| (turn + round) % count) {
        let player = &mut players[at];
        match take_turn(environment, server, &player.client) {
            Ok(turn) => player.turns.push(turn),
            Err(error) if at == 0 => return Err(error),
            Err(error) => {
                println!("  {error:#}");
                let text = error.to_string();
                let name = player.client.name;
                let why = text.lines().next().unwrap_or_default().replace('|', " ");
                out.push(Missing { name, why });
            }
        }
    }
    players.retain(|player| out.iter().all(|missing| missing.name != player.client.name));
    Ok(out)
}

const HEAD: &str = "\
| client | version | requests a CPU-second: min | median | max | brunt makes × as many: min | median | max | goal | client busy | server busy |\n\
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- | ---: | ---: |";

fn take_turn(environment: &Environment, server: &[&str], client: &Client) -> anyhow::Result<Turn> {
    let served = environment.serve(server)?;
    let finished = environment.run(client, &served)?;
    let seen = served.stop()?;
    anyhow::ensure!(seen.requests > 0, "no request came: {}", finished.output);
    Ok(Turn {
        requests: seen.requests,
        client_cpu_s: finished.cpu_s,
        server_cpu_s: seen.cpu_s,
        wall_s: finished.wall_s,
    })
}

fn in_words(players: &[Player]) -> String {
    let last = players.iter().filter_map(|Player { client, turns }| {
        let own = turns.last()?.per_cpu_second();
        let ratio = players[0].turns.last()?.per_cpu_second() / own;
        Some(format!("{} {own:.0} ({ratio:.3})", client.name))
    });
    last.collect::<Vec<_>>().join(", ")
}

fn row(client: &Client, turns: &[Turn], ratios: &SummaryStats) -> String {
    let made = SummaryStats::of(turns.iter().map(Turn::per_cpu_second));
    let busy = |cpu_s: fn(&Turn) -> f64| {
        let shares = turns.iter().map(|turn| cpu_s(turn) / turn.wall_s * 100.0);
        format!("{:.0} %", SummaryStats::of(shares).median)
    };
    let ratios_shown = match client.name {
        "brunt" => "| |".to_owned(),
        _ => ratios.cells(3),
    };
    let goal = client.goal.map_or_else(String::new, |goal| {
        let reached = if ratios.median >= goal {
            "reached"
        } else {
            "**short**"
        };
        format!("≥ {goal}: {reached}")
    });
    format!(
        "| {} | {} | {} | {ratios_shown} | {goal} | {} | {} |",
        client.name,
        client.version,
        made.cells(0),
        busy(|turn| turn.client_cpu_s),
        busy(|turn| turn.server_cpu_s),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_whether_the_goal_was_reached() {
        let turn = |requests| Turn {
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
        let found = row(&client(1.05), &[turn(100)], &ratios);
        let expected = "| wrk | 4.1 | 100 | 100 | 100 | 1.100 | 1.100 | 1.100 | ≥ 1.05: reached | 100 % | 50 % |";
        assert_eq!(found, expected);
        assert!(row(&client(1.2), &[turn(100)], &ratios).contains("**short**"));
    }
}
