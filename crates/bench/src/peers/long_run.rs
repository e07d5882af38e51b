//! Runs of days in virtual time: what they take of memory and of the disk as they grow.

use std::process::Command;

use anyhow::{Context, ensure};

use super::environment::Environment;
use super::section::Section;
use crate::release;

const FILE_MB_MAX: f64 = 100.0;
/// Memory is at most this, in MiB: what is packed is bounded by half of it.
const MEMORY_MIB_MAX: f64 = 96.0;
/// Requests a second, of so many names, for so many days: the load of the endurance profile that ships with brunt,
/// a heavier one, and one of many names.
const RUNS: [(u32, u32, u32); 3] = [(36, 12, 2), (100, 12, 1), (36, 1_000, 1)];

/// What a run took at a moment.
struct Look {
    at_s: u64,
    rss_mib: f64,
    file_mb: f64,
    width_s: u64,
}

pub(super) fn of_one_run(environment: &Environment) -> anyhow::Result<Section> {
    let program = release::build_bench(&environment.root, "brunt-record", "day")?;
    let file = environment.folder.path().join("day.brunt");
    let (mut rows, mut short) = (Vec::new(), Vec::new());
    for (rate, names, days) in RUNS {
        let output = Command::new(&program)
            .args([rate, names, days].map(|number| number.to_string()))
            .arg(&file)
            .output();
        let output = output.context("cannot run the day")?;
        let said = String::from_utf8(output.stdout)?;
        ensure!(output.status.success(), "the day failed: {said}");
        let looks: Vec<Look> = said.lines().filter_map(look).collect();
        let most = said
            .lines()
            .find_map(|line| line.strip_prefix("file_bytes_max "));
        let most_mb = most.context("no largest file")?.parse::<f64>()? / 1e6;
        rows.extend(looks.iter().map(|look| row((rate, names), look)));
        let what = format!("at {rate}/s of {names} names");
        let memory_mib = looks.iter().map(|look| look.rss_mib).reduce(f64::max);
        let memory_mib = memory_mib.context("the day did not say what it took")?;
        if memory_mib > MEMORY_MIB_MAX {
            short.push(format!("{what} memory is up to {memory_mib:.0} MiB"));
        }
        if most_mb >= FILE_MB_MAX {
            short.push(format!("{what} the file has up to {most_mb:.0} MB"));
        }
    }
    let reached = if short.is_empty() {
        "reached".to_owned()
    } else {
        format!("**short**: {}", short.join("; "))
    };
    println!("  {reached}");
    let text = format!(
        "Days of a run in virtual time (`crates/record/benches/day`): each second's requests go through what collects a run \
         (`Delta`, `Increment`, `Timeline`, the record file), and a reading of the monitor beside them, most of whose numbers \
         are noise. Load is that of the endurance profile that ships with brunt, a heavier one, and one of many names. Memory is \
         that of the process, which does nothing else; intervals are those of the histograms, which become wider when they are \
         full. The file is written anew each time it has grown by 16 MiB.\n\n\
         | requests a second | names | after, h | memory, MiB | record file, MB | intervals, s |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: |\n{}\n\n\
         Goal: memory of at most {MEMORY_MIB_MAX} MiB however long a run is, and the file under {FILE_MB_MAX} MB all along: {reached}.\n",
        rows.join("\n")
    );
    Ok(Section { text, short })
}

fn look(line: &str) -> Option<Look> {
    let words: Vec<&str> = line.split(' ').collect();
    let [
        "at",
        at_s,
        "rss_kib",
        rss_kib,
        "file_bytes",
        file_bytes,
        "width_s",
        width_s,
    ] = words[..]
    else {
        return None;
    };
    Some(Look {
        at_s: at_s.parse().ok()?,
        rss_mib: rss_kib.parse::<f64>().ok()? / 1024.0,
        file_mb: file_bytes.parse::<f64>().ok()? / 1e6,
        width_s: width_s.parse().ok()?,
    })
}

fn row((rate, names): (u32, u32), look: &Look) -> String {
    format!(
        "| {rate} | {names} | {:.2} | {:.1} | {:.1} | {} |",
        look.at_s as f64 / 3_600.0,
        look.rss_mib,
        look.file_mb,
        look.width_s
    )
}
