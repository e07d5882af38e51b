//! `brunt history prune`: deletes old runs with their files, and lists them.

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
    let before_ms = args.older_than.map(time_before_now_ms).transpose()?;
    let of_baselines = runs_of_baselines()?;
    let mut runs = store::with(|store| store.locations())?;
    let all = runs.len();
    runs.retain(|run| !run.has_label && !of_baselines.contains(&run.run_id));
    let protected = all - runs.len();
    let old = old(runs, args.keep.unwrap_or(0), before_ms);
    let (deleted, text) = if args.dry_run {
        (old.iter().collect(), old.iter().map(line).collect())
    } else {
        delete(&old)?
    };
    terminal::print(&(text + &summary(deleted.len(), args.dry_run, protected)));
    Ok(if deleted.len() == old.len() {
        Exit::Passed
    } else {
        Exit::Internal
    })
}

/// Runs to delete from a list that is sorted by age, oldest first: all but the newest `keep`, if they started before this
/// time.
fn old(mut runs: Vec<RunLocation>, keep: usize, before_ms: Option<i64>) -> Vec<RunLocation> {
    runs.truncate(runs.len().saturating_sub(keep));
    runs.retain(|run| before_ms.is_none_or(|before_ms| run.started_at_ms < before_ms));
    runs
}

/// Deletes runs. A run whose files cannot be deleted stays in the history. Returns the deleted runs, and a line for each.
fn delete(old: &[RunLocation]) -> Result<(Vec<&RunLocation>, String), Failure> {
    let (mut deleted, mut text) = (Vec::new(), String::new());
    for run in old {
        let folder = run.folder();
        if results::is_own(folder)
            && let Err(error) = results::remove(folder)
        {
            let folder = folder.display();
            print_error(&format!(
                "cannot delete {folder}: {error}; the run stays in the history"
            ));
            continue;
        }
        text += &line(run);
        deleted.push(run);
    }
    let ids: Vec<i64> = deleted.iter().map(|run| run.id).collect();
    store::with(|store| store.replace(&ids, &[]))?;
    Ok((deleted, text))
}

fn line(run: &RunLocation) -> String {
    let folder = run.folder();
    if results::is_own(folder) {
        return format!("{}\n", run.run_id);
    }
    // The user chose this directory with --out, and it may hold other files.
    format!(
        "{} (its files in {} are not deleted)\n",
        run.run_id,
        folder.display()
    )
}

fn summary(deleted: usize, dry_run: bool, protected: usize) -> String {
    let done = if dry_run {
        "would be deleted"
    } else {
        "deleted"
    };
    let kept = match protected {
        0 => String::new(),
        1 => "; kept 1 that is labeled or in a baseline".to_owned(),
        kept => format!("; kept {kept} that are labeled or in a baseline"),
    };
    format!("{} {done}{kept}\n", terminal::number_of(deleted, "run"))
}

/// Names of the runs in baselines. An unreadable baseline is an error, since it may name any run.
fn runs_of_baselines() -> Result<BTreeSet<String>, Failure> {
    let mut names = BTreeSet::new();
    let files = results::baseline_files().context("cannot list the baselines")?;
    for file in files {
        let unreadable = |error: &dyn std::fmt::Display| {
            let file = file.display();
            Failure::Input(format!(
                "cannot read baseline {file}, so its runs cannot be kept: {error}; repair it or move it elsewhere"
            ))
        };
        let text = std::fs::read_to_string(&file).map_err(|error| unreadable(&error))?;
        let baseline = Baseline::read(&text).map_err(|error| unreadable(&error))?;
        names.extend(baseline.runs.into_iter().map(|run| run.run_id));
    }
    Ok(names)
}

/// Unix time of this age, in milliseconds.
fn time_before_now_ms(age: Duration) -> Result<i64, Failure> {
    let time = SignedDuration::try_from(age)
        .ok()
        .and_then(|age| Timestamp::now().checked_sub(age).ok());
    time.map(Timestamp::as_millisecond).ok_or_else(|| {
        Failure::Input(
            "invalid --older-than: the age is too large; use a duration such as 90d".into(),
        )
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
    fn old_runs_exclude_the_newest_and_those_after_the_limit() {
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
