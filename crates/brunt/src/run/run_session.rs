//! Runs of one command: setup, load, verdict and files.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use brunt_record::{Header, Metric, RunRecord, StoppedBy, Target};
use brunt_report::Judged;
use brunt_scenario::{Plan, Scenario};
use brunt_verdict::Verdict;
use brunt_verdict::baseline::ConditionDifference;
use jiff::Timestamp;

use crate::compare::baseline_comparison::BaselineComparison;
use crate::config::RunConfig;
use crate::exit::{Exit, Failure, print_error, print_note};
use crate::live_export::LiveExporters;
use crate::results::{RunFolder, WriteError, csv_files, write_locust};
use crate::run::decidability;
use crate::run::environment::TestEnvironment;
use crate::run::run_loop::RunOutcome;
use crate::store;
use crate::system::interrupts::Interrupts;
use crate::terminal::{self, ProgressLine};

/// Run with its verdict.
pub(crate) struct JudgedRun {
    pub(crate) record: RunRecord,
    verdict: Verdict,
    /// Path of the HTML report; `None` if it could not be written.
    pub(crate) report: Option<PathBuf>,
    pub(crate) exit: Exit,
}

/// Paths for the files of a run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RunPaths<'a> {
    /// Directory that the user chose; `None`: a new one under `performance/`.
    pub(crate) out: Option<&'a Path>,
    /// Prefix of Locust's CSV files.
    pub(crate) locust_prefix: Option<&'a Path>,
}

/// Context shared by the runs of one command.
pub(crate) struct RunSession<'a> {
    pub(crate) config: &'a RunConfig,
    /// The git commit of the working directory.
    pub(crate) commit: Option<&'a str>,
    pub(crate) scenario: &'a Scenario,
    pub(crate) interrupts: &'a Interrupts,
    /// The baseline that runs are compared with.
    pub(crate) baseline: Option<&'a BaselineComparison>,
}

impl RunSession<'_> {
    /// Runs a profile, judges the run, prints the result and writes the files.
    pub(crate) fn run(
        &self,
        profile: &str,
        plan: Arc<Plan>,
        paths: RunPaths<'_>,
        exporters: Option<&mut LiveExporters>,
    ) -> Result<JudgedRun, Failure> {
        self.interrupts.disarm();
        let network = &self.config.load.network;
        let host = network.host(self.scenario)?;
        network.check_class_hosts(self.scenario, &plan, network.service())?;
        let mut environment = TestEnvironment::new(self.config, &host, &plan)?;
        let mut header = environment.header(self.config, self.scenario, profile, &plan, "");
        let differences = match self.baseline {
            Some(baseline) => baseline.check_before_run(&header)?,
            None => Vec::new(),
        };
        let folder = RunFolder::create(paths.out, profile, Timestamp::now())
            .map_err(|error| Failure::Input(error.to_string()))?;
        header.run_id.clone_from(&folder.run_id);
        let secrets = &self.scenario.secrets.known;
        header.label = self.config.label.as_ref().map(|label| secrets.mask(label));
        header.commit = self.commit.map(str::to_owned);
        announce(&header, &plan);
        let live = ProgressLine::new(self.config.is_headless);
        let outcome = environment.run(
            plan,
            header,
            Some(&folder),
            self.interrupts,
            live,
            exporters,
        )?;
        // Stop the agent before the reports are written.
        drop(environment);
        Ok(self.judge(outcome, &folder, paths.locust_prefix, differences))
    }

    /// Judges a run, prints the result and writes the files.
    fn judge(
        &self,
        outcome: RunOutcome,
        folder: &RunFolder,
        locust_prefix: Option<&Path>,
        differences: Vec<ConditionDifference>,
    ) -> JudgedRun {
        let RunOutcome {
            record,
            write_error,
            aborted,
        } = outcome;
        let verdict = match self.baseline {
            None => brunt_verdict::judge(&record),
            Some(baseline) => baseline.judge(&record, differences),
        };
        let exit = self.exit(&record, &verdict);
        let exit = if aborted { Exit::Interrupted } else { exit };
        let mut run = JudgedRun {
            record,
            verdict,
            report: None,
            exit,
        };
        let has_record = write_error.is_none();
        let report = folder.write_report(&brunt_report::html(&[run.judged()]));
        if report.is_ok() {
            run.report = Some(folder.report.clone());
        }
        let errors: Vec<WriteError> = write_error
            .into_iter()
            .chain(report.err())
            .chain(write_data_files(&run.judged(), folder))
            .chain(locust_prefix.and_then(|prefix| write_locust(&run.record, prefix).err()))
            .collect();
        if !errors.is_empty() {
            run.exit = run.exit.worse(Exit::Internal);
        }
        terminal::print(&brunt_report::terminal(
            &run.judged(),
            terminal::width(),
            true,
        ));
        if let Some(report) = &run.report {
            terminal::print(&format!("Report:  {}\n", report.display()));
        }
        terminal::print(&format!("Results: {}\n", folder.path().display()));
        for error in &errors {
            print_error(&error.to_string());
        }
        // The files are complete without the history, and the result of the run is unaffected.
        if let Err(error) = store::add(&run.judged(), folder) {
            let remedy = if has_record {
                "; after fixing this, add the run with: brunt history --rebuild"
            } else {
                ""
            };
            print_note(&format!(
                "warning: this run is not in the history: {error}{remedy}"
            ));
        }
        run
    }

    fn exit(&self, record: &RunRecord, verdict: &Verdict) -> Exit {
        let stopped_by = record.ending.as_ref().map(|ending| ending.stopped_by);
        if stopped_by == Some(StoppedBy::InternalError) {
            return Exit::Internal;
        }
        verdict.conclusion(self.config.fail_on).into()
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

/// Writes the summary and the CSV files of a run, even if some cannot be written.
fn write_data_files(run: &Judged, folder: &RunFolder) -> Vec<WriteError> {
    let summary = folder.write("summary.json", &brunt_report::summary_json(run));
    let tables = csv_files(run.record).map(|(name, text)| folder.write(name, &text));
    let written = std::iter::once(summary).chain(tables);
    written.filter_map(Result::err).collect()
}

/// Prints the load and its targets before the run.
fn announce(header: &Header, plan: &Plan) {
    let duration =
        brunt_scenario::duration_in_words(Duration::from_secs_f64(plan.load.duration_s()));
    let level = brunt_scenario::level_in_words(&plan.load);
    let agent = if header.embedded {
        " (the embedded Application Agent)"
    } else {
        ""
    };
    print_note(&format!(
        "brunt {}: {level} for {duration}, seed {}",
        header.profile, header.seed
    ));
    print_note(&format!("target: {}{agent}", header.host));
    for other in &header.generator.other_hosts {
        print_note(&format!("also: {other}"));
    }
    if header.generator.insecure {
        print_note("note: TLS certificates are not verified");
    }
    let warnings = decidability::warnings(plan, header.generator.watched.is_some());
    let needs_process = |target: &Target| matches!(target.metric, Metric::Cpu | Metric::Memory);
    if header.generator.watched.is_none() && !header.targets.iter().any(needs_process) {
        print_note(
            "note: the service is not monitored; select its process with --pid, --port or --cgroup, or its metrics with --metrics-url",
        );
    }
    if brunt_scenario::falls_short(&plan.load) {
        print_note("note: the load ends before all users have started; increase -r or -t");
    }
    if let Some(logins) = brunt_scenario::logins_in_words(plan) {
        print_note(&format!("note: {logins}"));
    }
    for warning in warnings {
        print_note(&format!("warning: {warning}"));
    }
}
