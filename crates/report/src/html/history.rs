//! HTML page of the history: every run is a point that links to its report, with lasting changes of metrics. It is
//! self-contained and has no JavaScript.

mod chart;

use brunt_record::Metric;
use brunt_verdict::RunResult;
use maud::{Markup, html as markup};

use super::document::{STYLE, around, without_comments};
use super::elements::{class_of, pill_of};
use super::glossary::{self, explained};
use crate::history::{HistoryRun, LevelShifts, ProfileHistory, RunHistory, value_text};

const PAST_STYLE: &str = include_str!("page/history.css");
/// The page of the runs of the history, with all their metrics.
pub fn html_of_history(history: &RunHistory) -> String {
    let body = markup! {
        (top(history))
        @for profile in history.profiles() { (section(history, &profile)) }
        (table(history))
        (glossary::glossary())
    };
    let style = format!("{}{PAST_STYLE}", without_comments(STYLE));
    around("brunt: history", &style, &[], &body)
}

/// Latest change of the requested metric.
fn top(history: &RunHistory) -> Markup {
    let count = history.runs.len();
    let began = |run: Option<&HistoryRun>| run.map_or("–", |run| &run.started).to_owned();
    markup! {
        header class="verdict history" {
            p.eyebrow {
                "brunt · history · " (count) @if count == 1 { " run" } @else { " runs" }
                " from " (began(history.runs.first())) " to " (began(history.runs.last())) " (UTC)"
            }
            @if let Some(metric) = history.metrics.first() { h1 { (headline(history, *metric)) } }
        }
    }
}

fn headline(history: &RunHistory, metric: Metric) -> String {
    let title = history.title(metric);
    let profiles = history.profiles();
    let found: Vec<(String, LevelShifts)> = profiles
        .iter()
        .map(|profile| (profile.title(), profile.level_shifts(0)))
        .collect();
    let newest = found
        .iter()
        .filter_map(|(name, changes)| match changes {
            LevelShifts::Found(_, changes) => changes.last().map(|change| (name, change)),
            LevelShifts::TooFew(_) => None,
        })
        .max_by_key(|(_, change)| &change.since.started);
    if let Some((name, change)) = newest {
        return format!("{title}, {name}: {}", change.in_words(metric.unit()));
    }
    let all_few = found
        .iter()
        .all(|(_, changes)| matches!(changes, LevelShifts::TooFew(_)));
    if all_few {
        format!("There are too few runs to separate a change of {title} from noise")
    } else {
        format!("No change of {title} was found")
    }
}

fn section(history: &RunHistory, profile: &ProfileHistory) -> Markup {
    markup! {
        section {
            h2 { (profile.name) }
            p.note { (profile.conditions()) }
            (key(profile))
            @for (at, metric) in history.metrics.iter().enumerate() {
                @let changes = profile.level_shifts(at);
                figure {
                    figcaption { @if history.request.is_none() { (explained(&history.title(*metric))) } @else { (history.title(*metric)) } }
                    div.scroll { (chart::chart(profile, at, *metric, &changes)) }
                    p.note {
                        @for sentence in changes.in_words(metric.unit()) { (sentence) br; }
                    }
                }
            }
        }
    }
}

/// The markers of the results that these runs have.
fn key(profile: &ProfileHistory) -> Markup {
    let has = |result: &RunResult| profile.runs.iter().any(|run| run.result == *result);
    markup! {
        p.key {
            @for result in RunResult::ALL.into_iter().filter(has) {
                span class=(class_of(result)) {
                    svg viewBox="0 0 14 14" aria-hidden="true" { (chart::marker(result, 7.0, 7.0, 5.0)) }
                    (result.in_words())
                }
            }
            span { "each marker is a run and links to its report; a dashed line marks a lasting change" }
        }
    }
}

/// All values, newest first.
fn table(history: &RunHistory) -> Markup {
    markup! {
        h2 { "Runs" }
        div.scroll { table {
            caption {
                "Newest first"
                @if let Some(request) = &history.request { "; the figures are of " (request) }
            }
            thead { tr {
                th scope="col" { "Run" } th scope="col" { "Date (UTC)" } th scope="col" { "Label" } th scope="col" { "Commit" }
                th scope="col" { "ProfileHistory" } th scope="col" { "Scenario" } th scope="col" { "Service" } th scope="col" { "Verdict" }
                @for metric in &history.metrics { th scope="col" { (explained(&metric.name())) } }
            } }
            tbody { @for run in history.runs.iter().rev() {
                tr {
                    th scope="row" {
                        @if let Some(report) = &run.report { a href=(report) { (run.run_id) } } @else { (run.run_id) }
                    }
                    td { (run.started) }
                    td { (run.label.as_deref().unwrap_or("–")) }
                    td { code { (run.short_commit().unwrap_or_else(|| "–".to_owned())) } }
                    td { (run.profile) }
                    td { (run.scenario_file) }
                    td { (run.service) }
                    td { (pill_of(run.result)) }
                    @for (metric, of) in history.metrics.iter().zip(&run.values) { td { (value_text(*of, metric.unit())) } }
                }
            } }
        } }
    }
}

#[cfg(test)]
mod tests {
    use brunt_verdict::Value;

    use super::*;
    use crate::history::tests::{run, stepped};

    #[test]
    fn every_run_is_a_dot_that_leads_to_its_report() {
        let mut history = stepped(30, 20);
        history.runs[4].report = None;
        history.runs[5].values = vec![Value::Unanswered];
        history.runs[6].values = vec![Value::Unknown];
        history.runs[7].result = RunResult::Invalid;
        let page = html_of_history(&history);
        let chart = page.split("<figure>").nth(1).unwrap();
        let chart = chart.split("</figure>").next().unwrap();
        assert_eq!(chart.matches("class=\"dot").count(), 29, "one is not known");
        assert_eq!(
            chart.matches("<a href=\"run-").count(),
            28,
            "one has no report"
        );
        assert!(chart.contains("no response"), "{chart}");
        assert_eq!(chart.matches("class=\"change\"").count(), 1);
        let table = page.split("<h2>Runs</h2>").nth(1).unwrap();
        assert_eq!(table.matches("<a href=\"run-").count(), 29);
        assert!(
            page.contains("<h1>p95, load: since 2026-11-21 11:00"),
            "{page}"
        );
    }

    #[test]
    fn each_result_has_a_marker_and_each_service_a_chart_of_its_own() {
        let markers = RunResult::ALL.map(|of| chart::marker(of, 7.0, 7.0, 5.0).into_string());
        let mut shapes = markers.to_vec();
        shapes.sort_unstable();
        shapes.dedup();
        assert_eq!(shapes.len(), markers.len(), "{markers:?}");
        let mut history = stepped(6, 6);
        history.runs[5].service = "http://other/".into();
        let page = html_of_history(&history);
        assert_eq!(page.matches("<figure>").count(), 2);
        assert!(page.contains("brunt.toml against http://other/"), "{page}");
        assert!(page.contains(">run-5</a>"), "the run has its name");
    }

    #[test]
    fn where_nothing_changed_or_too_little_is_known_the_page_says_so() {
        assert!(html_of_history(&stepped(30, 30)).contains("<h1>No change of p95 was found</h1>"));
        assert!(html_of_history(&stepped(3, 3)).contains("<h1>There are too few runs"));
    }

    #[test]
    fn nothing_is_fetched_and_nothing_hostile_runs() {
        let mut history = stepped(2, 2);
        let hostile = "\"><script>alert(1)</script>";
        history.request = Some(hostile.into());
        let mut other = run(3, hostile, Value::Known(1.0));
        other.label = Some(hostile.into());
        other.commit = Some(hostile.into());
        other.scenario_file = hostile.into();
        other.service = hostile.into();
        history.runs.push(other);
        let page = html_of_history(&history);
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("&lt;script&gt;") && page.contains("default-src 'none'"));
        for fetch in ["src=", "@import", "url(", "<link", "<img", "<iframe"] {
            assert!(!page.contains(fetch), "{fetch}");
        }
    }
}
