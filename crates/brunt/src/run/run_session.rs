//! A session: the runs of one command, each from its host to its files.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use brunt_record::{Header, Metric, RunRecord, StoppedBy, Target};
use brunt_report::Judged;
use brunt_scenario::{Plan, Scenario};
use brunt_verdict::baseline::Difference;
use brunt_verdict::{FailOn, Verdict};
use jiff::Timestamp;

use crate::config::load_config::LoadOptions;
use crate::config::watch_config::WatchOptions;
use crate::exit::{Exit, Failure, complain, note};
use crate::live_export::Outlets;
use crate::results::baseline_files::Yardstick;
use crate::results::export_files::{csv_files, write_locust};
use crate::results::{RunFolder, WriteError};
use crate::run::decidability;
use crate::run::environment::Stage;
use crate::run::run_loop::Played;
use crate::store;
use crate::system::interrupts::Interrupts;
use crate::terminal::{self, LiveLine};

/// A run that was judged.
pub(crate) struct JudgedRun {
    pub(crate) record: RunRecord,
    verdict: Verdict,
    /// Its HTML report.
    pub(crate) report: PathBuf,
    pub(crate) exit: Exit,
}

/// What the runs of one command have in common.
pub(crate) struct Session<'a> {
    pub(crate) options: &'a LoadOptions,
    /// Processes that make the load.
    pub(crate) processes: u32,
    /// How long one of them may be silent.
    pub(crate) worker_timeout: Duration,
    pub(crate) watch: &'a WatchOptions,
    /// What the user calls them.
    pub(crate) label: Option<&'a str>,
    /// The git commit of the working directory.
    pub(crate) commit: Option<&'a str>,
    pub(crate) scenario: &'a Scenario,
    pub(crate) interrupts: &'a Interrupts,
    /// With what the names of the files begin that Locust would have written; `None`: there are none.
    pub(crate) locust: Option<&'a Path>,
    /// The grade from which a run fails.
    pub(crate) fail_on: FailOn,
    /// What runs are compared with.
    pub(crate) yardstick: Option<&'a Yardstick>,
}

impl Session<'_> {
    /// Plays a profile, judges the run, shows the result and writes what it leaves.
    pub(crate) fn play(
        &self,
        profile: &str,
        plan: Arc<Plan>,
        out: Option<&Path>,
        outlets: Option<&mut Outlets>,
    ) -> Result<JudgedRun, Failure> {
        self.interrupts.nothing_to_lose();
        let reach = &self.options.reach;
        let host = reach.host(self.scenario)?;
        let given = reach.service().map(String::as_str);
        reach.refuse_hosts_of_classes(self.scenario, &plan, given)?;
        let mut stage = Stage::set(self.options, self.processes, self.watch, &host, &plan)?;
        stage.worker_timeout = self.worker_timeout;
        let mut header = stage.header(self.options, self.scenario, profile, &plan, "");
        let differences = match self.yardstick {
            Some(yardstick) => yardstick.before_load(&header)?,
            None => Vec::new(),
        };
        let folder = RunFolder::create(out, profile, Timestamp::now())
            .map_err(|error| Failure::Input(error.to_string()))?;
        header.run_id.clone_from(&folder.run_id);
        let secrets = &self.scenario.secrets.known;
        header.label = self.label.map(|label| secrets.mask(label));
        header.commit = self.commit.map(str::to_owned);
        announce(&header, &plan);
        let live = LiveLine::new(self.options.headless);
        let played = stage.play(plan, header, Some(&folder), self.interrupts, live, outlets)?;
        // The agent need not run while the report is made.
        drop(stage);
        Ok(self.judge(played, &folder, differences))
    }

    /// Judges a run, shows the result and writes what it leaves.
    fn judge(&self, played: Played, folder: &RunFolder, differences: Vec<Difference>) -> JudgedRun {
        let Played {
            record,
            write_error,
            aborted,
        } = played;
        let verdict = match self.yardstick {
            None => brunt_verdict::judge(&record),
            Some(yardstick) => yardstick.judge(&record, differences),
        };
        let exit = self.exit(&record, &verdict);
        let exit = if aborted { Exit::Interrupted } else { exit };
        let mut run = JudgedRun {
            record,
            verdict,
            report: folder.report.clone(),
            exit,
        };
        let has_record = write_error.is_none();
        let errors: Vec<WriteError> = write_error
            .into_iter()
            .chain(leave(&run.judged(), folder))
            .chain(self.leave_locust(&run.record))
            .collect();
        if !errors.is_empty() {
            run.exit = run.exit.worse(Exit::Internal);
        }
        terminal::say(&brunt_report::terminal(
            &run.judged(),
            terminal::width(),
            true,
        ));
        terminal::say(&format!("Report:  {}\n", folder.report.display()));
        terminal::say(&format!("Results: {}\n", folder.path().display()));
        for error in &errors {
            complain(&error.to_string());
        }
        // The files are whole without it, and the run's own result stands.
        if let Err(error) = store::keep(&run.judged(), folder) {
            let remedy = if has_record {
                "; once that is mended, `brunt history --rebuild` adds it from its record"
            } else {
                ""
            };
            note(&format!(
                "warning: the history does not know this run: {error}{remedy}"
            ));
        }
        run
    }

    fn leave_locust(&self, record: &RunRecord) -> Option<WriteError> {
        write_locust(record, self.locust?).err()
    }

    fn exit(&self, record: &RunRecord, verdict: &Verdict) -> Exit {
        let stopped_by = record.ending.as_ref().map(|ending| ending.stopped_by);
        if stopped_by == Some(StoppedBy::InternalError) {
            return Exit::Internal;
        }
        verdict.conclusion(self.fail_on).into()
    }
}

impl JudgedRun {
    pub(crate) fn judged(&self) -> Judged<'_> {
        Judged {
            record: &self.record,
            verdict: &self.verdict,
            exit_code: self.exit.code(),
        }
    }
}

/// Writes all files of a run; those that cannot be written do not keep back the others.
fn leave(run: &Judged, folder: &RunFolder) -> Vec<WriteError> {
    let written = [
        folder.write("summary.json", &brunt_report::summary_json(run)),
        folder.write_report(&brunt_report::html(&[*run])),
    ];
    let tables = csv_files(run.record).map(|(name, text)| folder.write(name, &text));
    let written = written.into_iter().chain(tables);
    written.filter_map(Result::err).collect()
}

/// Says what is about to be hit, before it is.
fn announce(header: &Header, plan: &Plan) {
    let length = brunt_scenario::duration_in_words(Duration::from_secs_f64(plan.load.duration_s()));
    let level = brunt_scenario::level_in_words(&plan.load);
    let whose = if header.embedded {
        " (the embedded Application Agent)"
    } else {
        ""
    };
    note(&format!(
        "brunt {}: {level} for {length}, seed {}",
        header.profile, header.seed
    ));
    note(&format!("against {}{whose}", header.host));
    for other in &header.generator.other_hosts {
        note(&format!("and against {other}"));
    }
    if header.generator.insecure {
        note("note: TLS certificates are not verified");
    }
    let warnings = decidability::warnings(plan, header.generator.watched.is_some());
    let asks_for_process = |target: &Target| matches!(target.metric, Metric::Cpu | Metric::Memory);
    if header.generator.watched.is_none() && !header.targets.iter().any(asks_for_process) {
        note(
            "note: the service is not monitored; name its process with --pid, --port or --cgroup, or its metrics with --metrics-url",
        );
    }
    if brunt_scenario::falls_short(&plan.load) {
        note("note: the load ends before all its users are started; raise -r, or -t");
    }
    if let Some(logins) = brunt_scenario::logins_in_words(plan) {
        note(&format!("note: {logins}"));
    }
    for warning in warnings {
        note(&format!("warning: {warning}"));
    }
}
