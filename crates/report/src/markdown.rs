//! Markdown for a comment on a pull request: the result, and tables with the reasons.

use brunt_verdict::comparison::ComparisonRow;
use brunt_verdict::{AbSummary, Grade};

use crate::comparison::{self, ComparisonView, NAMES_NOTE};
use crate::judged::further_findings;
use crate::request_stats;
use crate::wording;
use crate::{Judged, number};

/// The number of kinds of failures that are listed.
const FAILURES_MAX: usize = 5;

/// Markdown summary of a run; `page` is the link to its HTML report.
pub fn markdown(run: &Judged, page: Option<&str>) -> String {
    let verdict = run.verdict;
    let profile = text(&run.record.header.profile);
    let mut comment = format!(
        "### brunt {profile}: {} ({})\n\n",
        verdict.result.in_words(),
        run.outcome()
    );
    comment += &format!("**{}**\n\n", text(&verdict.headline));
    comment += &format!("{}\n\n", with_code(&verdict.next_step));
    comment += &format!("{}\n\n", conditions(run, page));
    let mut notes: Vec<&str> = verdict.invalid_reasons.iter().map(String::as_str).collect();
    notes.extend(further_findings(run).map(|finding| finding.headline.as_str()));
    comment += &list(notes);
    comment += &targets(run);
    comment += &failures(run);
    if let Some(with_baseline) = &verdict.baseline {
        let sentence = crate::judged::baseline_sentence(run);
        comment += &compared(&with_baseline.into(), sentence.as_deref());
    }
    comment
}

/// Host, load, counts, and the link to the page.
fn conditions(run: &Judged, page: Option<&str>) -> String {
    let record = run.record;
    let total = request_stats::total(record);
    let failed = total
        .error_rate
        .map_or_else(|| "–".to_owned(), number::percent);
    let parts = [
        format!("Host {}", code(&record.header.hosts_text())),
        text(&wording::plan(&record.header.load)),
        format!(
            "{} requests, {failed} failed",
            number::count(total.requests)
        ),
    ];
    let link = page.map(|page| format!("[HTML report](<{}>)", page.replace(['<', '>'], "")));
    parts
        .into_iter()
        .chain(link)
        .collect::<Vec<_>>()
        .join(" · ")
}

/// The most common ways to fail.
fn failures(run: &Judged) -> String {
    let mut failures: Vec<_> = run.record.timeline.failures().iter().collect();
    if failures.is_empty() {
        return String::new();
    }
    failures.sort_by_key(|failure| std::cmp::Reverse(failure.count));
    let mut page = "| failures | kind | request |\n| ---: | --- | --- |\n".to_owned();
    for failure in failures.iter().take(FAILURES_MAX) {
        let name = &run.record.header.names[failure.name.index()];
        page += &format!(
            "| {} | {} | {} |\n",
            number::count(failure.count),
            text(&failure.in_words()),
            text(&format!("{} {}", name.method, name.title())),
        );
    }
    let more = failures.len().saturating_sub(FAILURES_MAX);
    if more > 0 {
        page += &format!("\n{more} more kinds of failures are in the report\n");
    }
    page + "\n"
}

/// Markdown summary of an A/B comparison.
pub fn markdown_of_ab_summary(ab_summary: &AbSummary) -> String {
    let compared_ = ComparisonView::from(ab_summary);
    let outcome = compared_.outcome.in_words();
    let [a, b] = ab_summary.hosts.each_ref().map(|host| code(host));
    format!("### brunt: A vs. B: {outcome}\n\nA: {a}, B: {b}\n\n")
        + &compared(&compared_, Some(&compared_.headline))
}

fn targets(run: &Judged) -> String {
    if run.verdict.judgments.is_empty() {
        return String::new();
    }
    let mut page =
        "| metric | value | 95 % interval | target | acceptable | critical | grade |\n| --- | ---: | ---: | ---: | ---: | ---: | --- |\n"
            .to_owned();
    for row in &run.verdict.judgments {
        let unit = row.unit;
        let bound = |bound: Option<f64>| {
            bound.map_or_else(String::new, |bound| number::threshold(bound, unit))
        };
        page += &format!(
            "| {} | {} | {} | {} | {} | {} | {} |\n",
            text(&wording::title(run, row)),
            wording::value(row),
            wording::interval(row),
            bound(row.target.target),
            bound(row.target.acceptable),
            bound(row.target.critical),
            word(
                wording::grade(run, row),
                matches!(row.grade, Grade::Poor | Grade::Critical)
            ),
        );
    }
    page + "\n"
}

fn compared(compared: &ComparisonView, sentence: Option<&str>) -> String {
    let mut page = sentence.map_or_else(String::new, |sentence| {
        format!("**{}**\n\n", text(sentence))
    });
    page += &rows(compared, &compared.all_requests());
    page += &list(compared.notes().iter().map(String::as_str).collect());
    let named = compared.notable();
    if !named.is_empty() {
        page += &format!(
            "<details><summary>Changes by name ({})</summary>\n\n{}{}</details>\n\n",
            named.len(),
            rows(compared, &named),
            list(vec![NAMES_NOTE])
        );
    }
    page
}

fn rows(compared: &ComparisonView, rows: &[&ComparisonRow]) -> String {
    let ([one, other], interval) = (compared.sides, compared.interval);
    let mut page = format!(
        "| | {one} | {other} | change | {interval} | tolerance | outcome |\n\
         | --- | ---: | ---: | ---: | ---: | ---: | --- |\n"
    );
    for row in rows {
        let (change, interval) = comparison::change(row);
        let is_worse = row.is_tested && row.outcome() == brunt_verdict::comparison::Outcome::Worse;
        page += &format!(
            "| {} | {} | {} | {change} | {interval} | {} | {} |\n",
            text(&comparison::title(row)),
            comparison::value(row.baseline, row),
            comparison::value(row.run, row),
            row.tolerance.in_words(),
            word(&comparison::outcome(row), is_worse),
        );
    }
    page + "\n"
}

fn word(word: &str, is_bad: bool) -> String {
    if is_bad {
        format!("**{word}**")
    } else {
        word.to_owned()
    }
}

fn list(items: Vec<&str>) -> String {
    if items.is_empty() {
        return String::new();
    }
    let items = items.into_iter().map(|item| format!("- {}\n", text(item)));
    items.collect::<String>() + "\n"
}

fn code(of: &str) -> String {
    format!("`{}`", number::one_line(of).replace('`', "'"))
}

/// Text of brunt, in which only backticks are Markdown.
fn with_code(of: &str) -> String {
    let parts = of.split('`').enumerate();
    let parts = parts.map(|(at, part)| match at % 2 {
        0 => text(part),
        _ => code(part),
    });
    parts.collect()
}

/// Escaped text without Markdown.
fn text(of: &str) -> String {
    let mut safe = String::new();
    for letter in number::one_line(of).chars() {
        if "\\`*_[]<>|#~".contains(letter) {
            safe.push('\\');
        }
        safe.push(letter);
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_service_is_called_makes_no_table_of_its_own() {
        assert_eq!(text("GET /a|b_*\n<x>"), "GET /a\\|b\\_\\* \\<x\\>");
        assert_eq!(code("a`b"), "`a'b`");
    }
}
