//! The page of the past: every run a dot that leads to its report, and since when a metric is another.
//! It needs nothing else, and no JavaScript.

mod chart;

use brunt_record::Metric;
use brunt_verdict::RunResult;
use maud::{Markup, html as markup};

use super::document::{STYLE, around, without_comments};
use super::elements::{class_of, pill_of};
use super::glossary::{self, explained};
use crate::history::{Changes, Past, PastRun, Profile, value};

const PAST_STYLE: &str = include_str!("page/history.css");
/// The page of the runs of the past, with all their metrics.
pub fn html_of_past(past: &Past) -> String {
    let body = markup! {
        (top(past))
        @for profile in past.profiles() { (section(past, &profile)) }
        (table(past))
        (glossary::glossary())
    };
    let style = format!("{}{PAST_STYLE}", without_comments(STYLE));
    around("brunt: history", &style, &[], &body)
}

/// What changed last of the metric that was asked for.
fn top(past: &Past) -> Markup {
    let count = past.runs.len();
    let began = |run: Option<&PastRun>| run.map_or("–", |run| &run.began).to_owned();
    markup! {
        header class="verdict past" {
            p.eyebrow {
                "brunt · history · " (count) @if count == 1 { " run" } @else { " runs" }
                " from " (began(past.runs.first())) " to " (began(past.runs.last())) " (UTC)"
            }
            @if let Some(metric) = past.metrics.first() { h1 { (headline(past, *metric)) } }
        }
    }
}

fn headline(past: &Past, metric: Metric) -> String {
    let title = past.title(metric);
    let profiles = past.profiles();
    let found: Vec<(String, Changes)> = profiles
        .iter()
        .map(|profile| (profile.title(), profile.changes(0)))
        .collect();
    let newest = found
        .iter()
        .filter_map(|(name, changes)| match changes {
            Changes::Found(_, changes) => changes.last().map(|change| (name, change)),
            Changes::TooFew(_) => None,
        })
        .max_by_key(|(_, change)| &change.since.began);
    if let Some((name, change)) = newest {
        return format!("{title}, {name}: {}", change.in_words(metric.unit()));
    }
    let all_few = found
        .iter()
        .all(|(_, changes)| matches!(changes, Changes::TooFew(_)));
    if all_few {
        format!("There are too few runs to separate a change of {title} from noise")
    } else {
        format!("No change of {title} was found")
    }
}

fn section(past: &Past, profile: &Profile) -> Markup {
    markup! {
        section {
            h2 { (profile.name) }
            p.note { (profile.conditions()) }
            (key(profile))
            @for (at, metric) in past.metrics.iter().enumerate() {
                @let changes = profile.changes(at);
                figure {
                    figcaption { @if past.of.is_none() { (explained(&past.title(*metric))) } @else { (past.title(*metric)) } }
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
fn key(profile: &Profile) -> Markup {
    let has = |result: &RunResult| profile.runs.iter().any(|run| run.result == *result);
    markup! {
        p.key {
            @for result in RunResult::ALL.into_iter().filter(has) {
                span class=(class_of(result)) {
                    svg viewBox="0 0 14 14" aria-hidden="true" { (chart::marker(result, 7.0, 7.0, 5.0)) }
                    (result.in_words())
                }
            }
            span { "each marker is a run and leads to its report; a dashed line: another level from there on" }
        }
    }
}

/// Every figure, newest first.
fn table(past: &Past) -> Markup {
    markup! {
        h2 { "Runs" }
        div.scroll { table {
            caption {
                "Newest first"
                @if let Some(request) = &past.of { "; the figures are of " (request) }
            }
            thead { tr {
                th scope="col" { "Run" } th scope="col" { "Date (UTC)" } th scope="col" { "Label" } th scope="col" { "Commit" }
                th scope="col" { "Profile" } th scope="col" { "Scenario" } th scope="col" { "Service" } th scope="col" { "Verdict" }
                @for metric in &past.metrics { th scope="col" { (explained(&metric.name())) } }
            } }
            tbody { @for run in past.runs.iter().rev() {
                tr {
                    th scope="row" {
                        @if let Some(report) = &run.report { a href=(report) { (run.run_id) } } @else { (run.run_id) }
                    }
                    td { (run.began) }
                    td { (run.label.as_deref().unwrap_or("–")) }
                    td { code { (run.short_commit().unwrap_or_else(|| "–".to_owned())) } }
                    td { (run.profile) }
                    td { (run.scenario_file) }
                    td { (run.service) }
                    td { (pill_of(run.result)) }
                    @for (metric, of) in past.metrics.iter().zip(&run.values) { td { (value(*of, metric.unit())) } }
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
        let mut past = stepped(30, 20);
        past.runs[4].report = None;
        past.runs[5].values = vec![Value::NotAnswered];
        past.runs[6].values = vec![Value::Unknown];
        past.runs[7].result = RunResult::Invalid;
        let page = html_of_past(&past);
        let chart = page.split("<figure>").nth(1).unwrap();
        let chart = chart.split("</figure>").next().unwrap();
        assert_eq!(chart.matches("class=\"dot").count(), 29, "one is not known");
        assert_eq!(
            chart.matches("<a href=\"run-").count(),
            28,
            "one has no report"
        );
        assert!(chart.contains("not answered"), "{chart}");
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
        let mut past = stepped(6, 6);
        past.runs[5].service = "http://other/".into();
        let page = html_of_past(&past);
        assert_eq!(page.matches("<figure>").count(), 2);
        assert!(page.contains("brunt.toml against http://other/"), "{page}");
        assert!(page.contains(">run-5</a>"), "the run has its name");
    }

    #[test]
    fn where_nothing_changed_or_too_little_is_known_the_page_says_so() {
        assert!(html_of_past(&stepped(30, 30)).contains("<h1>No change of p95 was found</h1>"));
        assert!(html_of_past(&stepped(3, 3)).contains("<h1>There are too few runs"));
    }

    #[test]
    fn nothing_is_fetched_and_nothing_hostile_runs() {
        let mut past = stepped(2, 2);
        let hostile = "\"><script>alert(1)</script>";
        past.of = Some(hostile.into());
        let mut other = run(3, hostile, Value::Known(1.0));
        other.label = Some(hostile.into());
        other.commit = Some(hostile.into());
        other.scenario_file = hostile.into();
        other.service = hostile.into();
        past.runs.push(other);
        let page = html_of_past(&past);
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("&lt;script&gt;") && page.contains("default-src 'none'"));
        for fetch in ["src=", "@import", "url(", "<link", "<img", "<iframe"] {
            assert!(!page.contains(fetch), "{fetch}");
        }
    }
}
