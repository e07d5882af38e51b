//! Baselines for a terminal: a list, or the content of one.

use brunt_verdict::baseline::{Baseline, KeptRun};
use brunt_verdict::comparison::ComparedMetric;

use super::page::Page;
use super::table::{Cell, Table};
use crate::number::{self, one_line};

/// Minimum width for p99 and CPU of a run.
const ALL_FROM: usize = 120;

/// Baselines, a line each.
pub fn terminal_of_baselines(baselines: &[Baseline], width: usize, color: bool) -> String {
    let page = Page::new(width, color);
    let mut table = Table::new(&["Baseline", "profile", "runs", "newest (UTC)", "brunt"]);
    for baseline in baselines {
        let newest = baseline.runs.last().map_or("", |run| &run.started_at);
        table.row(vec![
            Cell::plain(one_line(&baseline.name)),
            Cell::plain(one_line(&baseline.conditions.profile)),
            Cell::plain(baseline.runs.len().to_string()),
            Cell::plain(minute(newest)),
            Cell::plain(one_line(&baseline.conditions.brunt_version)),
        ]);
    }
    page.lines(&table) + "\n"
}

/// Content of a baseline.
pub fn terminal_of_baseline(baseline: &Baseline, width: usize, color: bool) -> String {
    let page = Page::new(width, color);
    let mut text = page.heading(&format!("Baseline {}", one_line(&baseline.name)));
    for (name, value) in settings(baseline) {
        text += &page.wrapped(2, &format!("{name}: {value}"));
    }
    text += &page.runs(baseline);
    if let Some(newest) = baseline.runs.last() {
        text += &page.names(newest);
    }
    text + "\n"
}

fn settings(baseline: &Baseline) -> [(&'static str, String); 7] {
    let conditions = &baseline.conditions;
    let machine = &conditions.machine;
    let unknown = || "not known".to_owned();
    let known = |text: &Option<String>| text.clone().unwrap_or_else(unknown);
    let cores = machine
        .cores
        .map_or_else(unknown, |cores| cores.to_string());
    let whose = if conditions.embedded {
        "the embedded Application Agent"
    } else {
        &conditions.host
    };
    [
        ("profile", conditions.profile.clone()),
        ("scenario", format!("hash {}", conditions.scenario_hash)),
        ("host", whose.to_owned()),
        (
            "length",
            format!("{} s", number::rate(conditions.load.duration_s())),
        ),
        (
            "machine",
            format!("{}, {cores} cores", known(&machine.cpu_model)),
        ),
        ("system", known(&machine.system)),
        ("brunt", conditions.brunt_version.clone()),
    ]
}

impl Page {
    /// A line for each run.
    fn runs(&self, baseline: &Baseline) -> String {
        let all = self.width >= ALL_FROM;
        let measures = ComparedMetric::ALL.into_iter().filter(|measured| {
            all || !matches!(
                measured,
                ComparedMetric::P90 | ComparedMetric::P99 | ComparedMetric::CpuPerRequest
            )
        });
        let measures: Vec<ComparedMetric> = measures.collect();
        let mut columns = vec!["Run", "verdict"];
        columns.extend(measures.iter().map(|measured| measured.in_words()));
        let mut table = Table::new(&columns);
        for run in &baseline.runs {
            let mut cells = vec![
                Cell::plain(one_line(&run.run_id)),
                Cell::plain(one_line(&run.verdict)),
            ];
            let values = measures.iter().map(|measured| usual(run, None, *measured));
            cells.extend(values.map(Cell::plain));
            table.row(cells);
        }
        self.lines(&table)
    }

    /// A line for each name of a run.
    fn names(&self, run: &KeptRun) -> String {
        let measures = [
            ComparedMetric::Throughput,
            ComparedMetric::ErrorRate,
            ComparedMetric::P50,
            ComparedMetric::P95,
            ComparedMetric::P99,
        ];
        let mut columns = vec!["Request, of the newest run"];
        columns.extend(measures.iter().map(|measured| measured.in_words()));
        let mut table = Table::new(&columns);
        let names = run
            .figures
            .rows
            .iter()
            .filter_map(|row| row.name.as_deref());
        for name in names {
            let mut cells = vec![Cell::plain(one_line(name))];
            let values = measures.iter().map(|it| usual(run, Some(name), *it));
            cells.extend(values.map(Cell::plain));
            table.row(cells);
        }
        self.lines(&table)
    }
}

/// Median over the blocks.
fn usual(run: &KeptRun, name: Option<&str>, measured: ComparedMetric) -> String {
    let series = run.figures.row(name).and_then(|row| row.series(measured));
    let mut blocks: Vec<f64> = series
        .into_iter()
        .flat_map(|series| series.blocks.iter().flatten().copied())
        .collect();
    blocks.sort_by(f64::total_cmp);
    let usual = blocks.get(blocks.len() / 2).copied();
    usual.map_or_else(
        || "–".to_owned(),
        |value| number::with_unit(value, measured.unit()),
    )
}

/// Time to the minute.
fn minute(rfc3339: &str) -> String {
    let text: String = rfc3339.chars().take(16).collect();
    one_line(&text).replace('T', " ")
}
