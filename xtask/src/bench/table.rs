//! The page of benchmarks: figures with the machine, the commit and the command.

use std::path::Path;

use super::Options;
use super::memory::Memory;
use super::throughput::{Pair, Run};
use crate::machine::{commit, machine, output};

pub(super) fn page(
    root: &Path,
    options: &Options,
    pairs: &[Pair],
    memory: &Memory,
) -> anyhow::Result<String> {
    let rows = [
        row(
            "brunt",
            pairs.iter().map(|pair| pair.brunt.per_cpu_second()),
            0,
        ),
        row("wrk", pairs.iter().map(|pair| pair.wrk.per_cpu_second()), 0),
        row("brunt / wrk", pairs.iter().map(Pair::ratio), 3),
    ];
    let runs: Vec<String> = pairs.iter().enumerate().map(raw).collect();
    Ok(format!(
        "# Benchmarks\n\n\
         Written by `cargo xtask bench --pairs {} --seconds {} --waiting-users {}`, which anybody can run.\n\n\
         - Machine: {}\n- Commit: {}\n- Peer: {}\n\n\
         ## Plain GET\n\n\
         Keep-alive, 64 connections, no waits, 128-byte answers of the testbed's null server. Server and client \
         are pinned to a core each and run in turn, in pairs. Requests by the server's count, over the client's \
         user and system time (the whole process: start, load, reports).\n\n\
         | requests a CPU-second | minimum | median | maximum |\n| --- | ---: | ---: | ---: |\n{}\n\n\
         Each pair:\n\n\
         | pair | brunt requests | CPU s | server CPU s | wrk requests | CPU s | server CPU s | ratio |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n{}\n\n\
         ## Memory of a waiting user\n\n\
         Users that wait 1–3 s, each with a connection of its own over plain TCP: peak resident memory.\n\n\
         | users | peak RSS, KiB |\n| ---: | ---: |\n| 1 | {} |\n| {} | {} |\n\n\
         **{:.1} KiB for each user.**\n",
        options.pairs,
        options.seconds,
        options.waiting_users,
        machine(root)?,
        commit(root)?,
        // wrk prints its version and its usage, and fails.
        output(root, "wrk", &["-v"])?
            .lines()
            .next()
            .unwrap_or_default(),
        rows.join("\n"),
        runs.join("\n"),
        memory.with_one_kib,
        memory.users,
        memory.with_all_kib,
        memory.per_user_kib(),
    ))
}

fn row(name: &str, figures: impl Iterator<Item = f64>, digits: usize) -> String {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    let figure = |at: usize| {
        figures
            .get(at)
            .map_or(String::new(), |figure| format!("{figure:.digits$}"))
    };
    let last = figures.len().saturating_sub(1);
    format!(
        "| {name} | {} | {} | {} |",
        figure(0),
        figure(figures.len() / 2),
        figure(last)
    )
}

fn raw((number, pair): (usize, &Pair)) -> String {
    let cells = |run: &Run| {
        format!(
            "{} | {:.2} | {:.2}",
            run.requests, run.client_cpu_s, run.server_cpu_s
        )
    };
    let (brunt, wrk) = (cells(&pair.brunt), cells(&pair.wrk));
    format!("| {} | {brunt} | {wrk} | {:.3} |", number + 1, pair.ratio())
}
