//! A run of a day in virtual time: what it takes of memory and of the disk as it grows.

use std::process::Command;

use anyhow::{Context, ensure};

use super::Section;
use super::stand::Stand;
use crate::release;

const FILE_MB_MAX: f64 = 100.0;
/// Memory at the end is at most so many times what it was after a minute.
const GROWTH_MAX: f64 = 1.1;
/// The load of the endurance profile that ships with brunt, and a heavier one.
const RATES: [u32; 2] = [36, 100];

/// What a run took at a moment.
struct Look {
    at_s: u64,
    rss_mib: f64,
    file_mb: f64,
    width_s: u64,
}

pub(super) fn of_one_run(stand: &Stand) -> anyhow::Result<Section> {
    let program = release::build_bench(&stand.root, "record", "day")?;
    let file = stand.folder.path().join("day.brunt");
    let (mut rows, mut short) = (Vec::new(), Vec::new());
    for rate in RATES {
        let output = Command::new(&program)
            .arg(rate.to_string())
            .arg(&file)
            .output();
        let output = output.context("cannot run the day")?;
        let said = String::from_utf8(output.stdout)?;
        ensure!(output.status.success(), "the day failed: {said}");
        let looks: Vec<Look> = said.lines().filter_map(look).collect();
        let [first, .., last] = &looks[..] else {
            anyhow::bail!("the day did not say what it took: {said}");
        };
        let most = said
            .lines()
            .find_map(|line| line.strip_prefix("file_bytes_max "));
        let most_mb = most.context("no largest file")?.parse::<f64>()? / 1e6;
        let own = looks.iter().map(|look| row(rate, look));
        rows.extend(own);
        let growth = last.rss_mib / first.rss_mib;
        if growth > GROWTH_MAX {
            short.push(format!(
                "at {rate}/s memory grows from {:.0} to {:.0} MiB",
                first.rss_mib, last.rss_mib
            ));
        }
        if most_mb >= FILE_MB_MAX {
            short.push(format!("at {rate}/s the file has up to {most_mb:.0} MB"));
        }
    }
    let reached = if short.is_empty() {
        "reached".to_owned()
    } else {
        format!("**short**: {}", short.join("; "))
    };
    println!("  {reached}");
    let text = format!(
        "24 hours of a run in virtual time (`crates/record/benches/day`): each second's requests, of ten names, go through what \
         collects a run (`Delta`, `Increment`, `Timeline`, the record file), and a reading of the monitor beside them. Load is \
         that of the endurance profile that ships with brunt, and a heavier one. Memory is that of the process, which does nothing \
         else; intervals are those of the histograms, which become wider when they are full.\n\n\
         | requests a second | after, h | memory, MiB | record file, MB | intervals, s |\n| ---: | ---: | ---: | ---: | ---: |\n{}\n\n\
         Goal: memory flat from the first minute on, the file under {FILE_MB_MAX} MB: {reached}.\n",
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

fn row(rate: u32, look: &Look) -> String {
    format!(
        "| {rate} | {:.2} | {:.1} | {:.1} | {} |",
        look.at_s as f64 / 3_600.0,
        look.rss_mib,
        look.file_mb,
        look.width_s
    )
}
