//! Plain GET, keep-alive, 64 connections, no waits: requests a CPU-second of the client.

use std::path::Path;

use super::child::{NullServer, run_on};
use crate::release::CLIENT_CORE;

const CONNECTIONS: u32 = 64;

/// One run of a client.
pub(super) struct Run {
    pub(super) requests: u64,
    pub(super) client_cpu_s: f64,
    pub(super) server_cpu_s: f64,
}

impl Run {
    /// Requests a CPU-second of the client.
    pub(super) fn per_cpu_second(&self) -> f64 {
        self.requests as f64 / self.client_cpu_s
    }
}

/// brunt and wrk in the same minute.
pub(super) struct Pair {
    pub(super) brunt: Run,
    pub(super) wrk: Run,
}

impl Pair {
    /// brunt's requests a CPU-second over wrk's.
    pub(super) fn ratio(&self) -> f64 {
        self.brunt.per_cpu_second() / self.wrk.per_cpu_second()
    }
}

pub(super) fn pairs(
    brunt: &Path,
    folder: &Path,
    count: usize,
    seconds: u64,
) -> anyhow::Result<Vec<Pair>> {
    let scenario = folder.join("plain.toml");
    std::fs::write(
        &scenario,
        format!(
            "[users.plain]\nwait = \"0s\"\n[[users.plain.tasks]]\nget = \"/\"\n\
             [profiles.plain]\nusers = {CONNECTIONS}\nduration = \"{seconds}s\"\n"
        ),
    )?;
    let mut pairs = Vec::new();
    for number in 0..count {
        let with_brunt = |url: &str| brunt_arguments(&scenario, folder, "plain", url);
        let with_wrk = |url: &str| {
            vec![
                format!("-c{CONNECTIONS}"),
                "-t1".into(),
                format!("-d{seconds}s"),
                url.to_owned(),
            ]
        };
        // The order turns with each pair, so that a drift of the machine favours nobody.
        let brunt_run = || run(brunt, &with_brunt);
        let wrk_run = || run(Path::new("wrk"), &with_wrk);
        let pair = if number % 2 == 0 {
            let brunt = brunt_run()?;
            Pair {
                brunt,
                wrk: wrk_run()?,
            }
        } else {
            let wrk = wrk_run()?;
            Pair {
                brunt: brunt_run()?,
                wrk,
            }
        };
        println!(
            "pair {}: brunt {:.0}, wrk {:.0} requests a CPU-second: {:.3}",
            number + 1,
            pair.brunt.per_cpu_second(),
            pair.wrk.per_cpu_second(),
            pair.ratio()
        );
        pairs.push(pair);
    }
    Ok(pairs)
}

/// The arguments of a run of brunt that shows and keeps nothing of use.
pub(super) fn brunt_arguments(
    scenario: &Path,
    folder: &Path,
    profile: &str,
    url: &str,
) -> Vec<String> {
    let path = |path: &Path| path.display().to_string();
    let out = path(&folder.join("out"));
    [
        "run",
        profile,
        "--headless",
        "--seed",
        "1",
        "--file",
        &path(scenario),
        "--out",
        &out,
    ]
    .into_iter()
    .chain(["--host", url])
    .map(str::to_owned)
    .collect()
}

fn run(program: &Path, arguments: &dyn Fn(&str) -> Vec<String>) -> anyhow::Result<Run> {
    let server = NullServer::start()?;
    let ended = run_on(CLIENT_CORE, program, &arguments(&server.url))?;
    let (requests, server_cpu_s) = server.stop()?;
    anyhow::ensure!(requests > 0, "no request came: {}", ended.output);
    Ok(Run {
        requests,
        client_cpu_s: ended.cpu_s,
        server_cpu_s,
    })
}
