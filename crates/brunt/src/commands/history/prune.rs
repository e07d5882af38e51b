//! `brunt history prune`: removes old runs, files and all, and says which.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use brunt_verdict::baseline::Baseline;
use jiff::{SignedDuration, Timestamp};

use crate::cli::results::HistoryPruneArgs;
use crate::exit::{Exit, Failure, print_error};
use crate::store::{self, RunLocation};
use crate::{results, terminal};

pub(super) fn run(args: &HistoryPruneArgs) -> Result<Exit, Failure> {
    if !store::exists() {
        terminal::print(super::NO_RUNS);
        return Ok(Exit::Passed);
    }
    let before_ms = args.older_than.map(moment_before).transpose()?;
    let of_baselines = runs_of_baselines()?;
    let mut runs = store::with(|store| store.locations())?;
    let all = runs.len();
    runs.retain(|run| !run.has_label && !of_baselines.contains(&run.run_id));
    let kept_for_good = all - runs.len();
    let old = old(runs, args.keep.unwrap_or(0), before_ms);
    let (gone, text) = if args.dry_run {
        (old.iter().collect(), old.iter().map(line).collect())
    } else {
        remove(&old)?
    };
    terminal::print(&(text + &summary(gone.len(), args.dry_run, kept_for_good)));
    Ok(if gone.len() == old.len() {
        Exit::Passed
    } else {
        Exit::Internal
    })
}

/// Of runs, oldest first: those that are not among the newest so many, and began before a moment.
fn old(mut runs: Vec<RunLocation>, keep: usize, before_ms: Option<i64>) -> Vec<RunLocation> {
    runs.truncate(runs.len().saturating_sub(keep));
    runs.retain(|run| before_ms.is_none_or(|before_ms| run.started_at_ms < before_ms));
    runs
}

/// Removes runs; those whose files cannot be removed stay known. Returns those that are gone, and a
/// line for each.
fn remove(old: &[RunLocation]) -> Result<(Vec<&RunLocation>, String), Failure> {
    let (mut gone, mut text) = (Vec::new(), String::new());
    for run in old {
        let folder = run.folder();
        if results::is_own(folder)
            && let Err(error) = results::remove(folder)
        {
            let folder = folder.display();
            print_error(&format!("cannot remove {folder}: {error}; the run stays"));
            continue;
        }
        text += &line(run);
        gone.push(run);
    }
    let ids: Vec<i64> = gone.iter().map(|run| run.id).collect();
    store::with(|store| store.replace(&ids, &[]))?;
    Ok((gone, text))
}

fn line(run: &RunLocation) -> String {
    let folder = run.folder();
    if results::is_own(folder) {
        return format!("{}\n", run.run_id);
    }
    // The user chose that folder, and it may hold anything.
    format!("{} (its files in {} stay)\n", run.run_id, folder.display())
}

fn summary(gone: usize, dry_run: bool, kept_for_good: usize) -> String {
    let runs = if gone == 1 { "run" } else { "runs" };
    let done = if dry_run {
        "would be removed"
    } else {
        "removed"
    };
    let kept = match kept_for_good {
        0 => String::new(),
        kept => format!("; {kept} with a label or of a baseline stay"),
    };
    format!("{gone} {runs} {done}{kept}\n")
}

/// The names of the runs that baselines were made of. A baseline that cannot be read may name any.
fn runs_of_baselines() -> Result<BTreeSet<String>, Failure> {
    let mut names = BTreeSet::new();
    let files = results::baseline_files().context("cannot look for baselines")?;
    for file in files {
        let wrong = |error: &dyn std::fmt::Display| {
            let file = file.display();
            Failure::Input(format!(
                "cannot tell which runs the baseline {file} needs: {error}; mend it or move it away"
            ))
        };
        let text = std::fs::read_to_string(&file).map_err(|error| wrong(&error))?;
        let baseline = Baseline::read(&text).map_err(|error| wrong(&error))?;
        names.extend(baseline.runs.into_iter().map(|run| run.run_id));
    }
    Ok(names)
}

fn moment_before(age: Duration) -> Result<i64, Failure> {
    let moment = SignedDuration::try_from(age)
        .ok()
        .and_then(|age| Timestamp::now().checked_sub(age).ok());
    moment.map(Timestamp::as_millisecond).ok_or_else(|| {
        Failure::Input("--older-than reaches back too far; give an age such as 90d".into())
    })
}

impl RunLocation {
    fn folder(&self) -> &Path {
        self.record.parent().unwrap_or(Path::new(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_old_is_neither_among_the_newest_nor_young() {
        let run = |number: i64| RunLocation {
            id: number,
            run_id: number.to_string(),
            record: "record.brunt".into(),
            started_at_ms: number * 10,
            has_label: false,
        };
        let ids = |keep, before_ms| -> Vec<i64> {
            let old = old((1..=5).map(run).collect(), keep, before_ms);
            old.iter().map(|run| run.id).collect()
        };
        assert_eq!(ids(2, None), [1, 2, 3]);
        assert_eq!(ids(2, Some(30)), [1, 2]);
        assert_eq!(ids(0, Some(40)), [1, 2, 3]);
        assert_eq!(ids(9, None), [0; 0]);
    }
}
