//! Runs of several days in virtual time: memory of the process and size of the record file.

use std::process::Command;

use anyhow::{Context, ensure};

use super::environment::Environment;
use super::page::Section;
use crate::release;

/// Largest record file that reaches the goal, in MB.
const FILE_MB_MAX: f64 = 100.0;
/// Largest memory that reaches the goal, in MiB: twice the limit of the packed histograms.
const MEMORY_MIB_MAX: f64 = 96.0;
/// Requests per second, request names and days of each run: the load of the shipped endurance profile, a heavier one,
/// and one with many names.
const RUNS: [(u32, u32, u32); 3] = [(36, 12, 2), (100, 12, 1), (36, 1_000, 1)];

/// Memory and disk use of a run at one time.
struct Usage {
    at_s: u64,
    rss_mib: f64,
    file_mb: f64,
    /// Length of the intervals of the histograms.
    width_s: u64,
}

/// Measures memory and the size of the record file over [`RUNS`].
pub(super) fn memory_and_disk(environment: &Environment) -> anyhow::Result<Section> {
    let program = release::build_bench(&environment.root, "brunt-record", "day")?;
    let file = environment.folder.path().join("day.brunt");
    let (mut rows, mut missed_goals) = (Vec::new(), Vec::new());
    for (rate, names, days) in RUNS {
        let output = Command::new(&program)
            .args([rate, names, days].map(|number| number.to_string()))
            .arg(&file)
            .output();
        let output = output.context("cannot run the benchmark `day`")?;
        let printed = String::from_utf8(output.stdout)?;
        ensure!(
            output.status.success(),
            "the benchmark `day` failed: {printed}"
        );
        let usages: Vec<Usage> = printed.lines().filter_map(parse_usage).collect();
        let file_bytes_max = printed
            .lines()
            .find_map(|line| line.strip_prefix("file_bytes_max "));
        let file_bytes_max =
            file_bytes_max.context("the benchmark `day` did not print the largest file size")?;
        let file_mb_max = file_bytes_max.parse::<f64>()? / 1e6;
        rows.extend(usages.iter().map(|usage| row((rate, names), usage)));
        let load = format!("{rate} requests/s with {names} names");
        let memory_mib = usages.iter().map(|usage| usage.rss_mib).reduce(f64::max);
        let memory_mib = memory_mib.context("the benchmark `day` did not print its memory")?;
        if memory_mib > MEMORY_MIB_MAX {
            missed_goals.push(format!(
                "{load}: memory up to {memory_mib:.0} MiB, goal: at most {MEMORY_MIB_MAX}"
            ));
        }
        if file_mb_max >= FILE_MB_MAX {
            missed_goals.push(format!(
                "{load}: record file up to {file_mb_max:.0} MB, goal: under {FILE_MB_MAX}"
            ));
        }
    }
    let outcome = if missed_goals.is_empty() {
        "reached".to_owned()
    } else {
        format!("**missed**: {}", missed_goals.join("; "))
    };
    println!("  {outcome}");
    let text = format!(
        "Runs of one or two days in virtual time (`crates/record/benches/day`). The requests of each second pass through the types that \
         record a run (`SecondRecorder`, `MetricsSnapshot`, `Timeline`, the record file), together with a sample of the monitor, most of whose \
         values are noise. The loads are that of the endurance profile that ships with brunt, a heavier one, and one with many \
         names. Memory is that of a process that does nothing else. Intervals are those of the histograms, which become longer when \
         their space is used up. The file is rewritten each time it has grown by 16 MiB.\n\n\
         | requests/s | names | after, h | memory, MiB | record file, MB | interval, s |\n\
         | ---: | ---: | ---: | ---: | ---: | ---: |\n{}\n\n\
         Goal: memory of at most {MEMORY_MIB_MAX} MiB and a record file under {FILE_MB_MAX} MB at any time, however long the run is: {outcome}.\n",
        rows.join("\n")
    );
    Ok(Section { text, missed_goals })
}

/// Parses a line such as `at 60 rss_kib 3700 file_bytes 200000 width_s 1`.
fn parse_usage(line: &str) -> Option<Usage> {
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
    Some(Usage {
        at_s: at_s.parse().ok()?,
        rss_mib: rss_kib.parse::<f64>().ok()? / 1024.0,
        file_mb: file_bytes.parse::<f64>().ok()? / 1e6,
        width_s: width_s.parse().ok()?,
    })
}

fn row((rate, names): (u32, u32), usage: &Usage) -> String {
    format!(
        "| {rate} | {names} | {:.2} | {:.1} | {:.1} | {} |",
        usage.at_s as f64 / 3_600.0,
        usage.rss_mib,
        usage.file_mb,
        usage.width_s
    )
}
