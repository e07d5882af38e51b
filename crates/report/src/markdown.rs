//! Markdown for a comment on a pull request: what came of it, and the tables that say why.

use verdict::comparison::Row;
use verdict::{Contested, Grade};

use crate::comparison::{self, Compared, NAMES_NOTE};
use crate::terminal;
use crate::{Judged, findings_beside, number};

/// A run, for a comment.
pub fn markdown(run: &Judged) -> String {
    let verdict = run.verdict;
    let profile = text(&run.record.header.profile);
    let mut page = format!("### brunt {profile}: {}\n\n", verdict.result.in_words());
    page += &format!("**{}**\n\n", text(&verdict.sentence));
    let mut notes: Vec<&str> = verdict.invalid_because.iter().map(String::as_str).collect();
    notes.extend(findings_beside(run).map(|finding| finding.sentence.as_str()));
    page += &list(notes);
    page += &targets(run);
    if let Some(beside) = &verdict.beside {
        page += &compared(&beside.into());
    }
    page
}

/// Two builds in one sitting, for a comment.
pub fn markdown_of_contest(contested: &Contested) -> String {
    let compared_ = Compared::from(contested);
    let outcome = compared_.outcome.in_words();
    let [a, b] = contested.hosts.each_ref().map(|host| code(host));
    format!("### brunt: A against B: {outcome}\n\nA: {a}, B: {b}\n\n") + &compared(&compared_)
}

fn targets(run: &Judged) -> String {
    if run.verdict.judgements.is_empty() {
        return String::new();
    }
    let mut page =
        "| target | value | 95 % interval | target | critical | grade |\n| --- | ---: | ---: | ---: | ---: | --- |\n"
            .to_owned();
    for row in &run.verdict.judgements {
        let unit = row.unit;
        let bound = |bound: Option<f64>| {
            bound.map_or_else(String::new, |bound| number::threshold(bound, unit))
        };
        page += &format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            text(&terminal::title(run, row)),
            terminal::value(row),
            terminal::interval(row),
            bound(row.target.target),
            bound(row.target.critical),
            word(
                row.grade.in_words(),
                matches!(row.grade, Grade::Poor | Grade::Critical)
            ),
        );
    }
    page + "\n"
}

fn compared(compared: &Compared) -> String {
    let mut page = format!("**{}**\n\n", text(&compared.sentence));
    page += &rows(compared.sides, &compared.of_all());
    page += &list(compared.notes().iter().map(String::as_str).collect());
    let named = compared.standing_out();
    if !named.is_empty() {
        page += &format!(
            "<details><summary>Single names ({})</summary>\n\n{}{}</details>\n\n",
            named.len(),
            rows(compared.sides, &named),
            list(vec![NAMES_NOTE])
        );
    }
    page
}

fn rows([one, other]: [&str; 2], rows: &[&Row]) -> String {
    let mut page = format!(
        "| | {one} | {other} | change | 95 % interval | outcome |\n| --- | ---: | ---: | ---: | ---: | --- |\n"
    );
    for row in rows {
        let (change, interval) = comparison::change(row);
        let is_worse = row.is_tested && row.outcome == verdict::comparison::Outcome::Worse;
        page += &format!(
            "| {} | {} | {} | {change} | {interval} | {} |\n",
            text(&comparison::title(row)),
            comparison::value(row.baseline, row),
            comparison::value(row.run, row),
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

/// A text in which nothing is Markdown.
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
