//! JUnit XML, which most CI systems read.

use super::{Check, CheckStatus, Checks};
use crate::number;

/// Checks as one JUnit file, with a suite for each run.
pub fn junit(all: &[Checks]) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n".to_owned();
    for checks in all {
        text += &format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{:.3}\">\n",
            escaped(&checks.title),
            checks.all.len(),
            checks.count(&[CheckStatus::Failed]),
            checks.count(&[CheckStatus::Broken, CheckStatus::Inconclusive]),
            checks.count(&[CheckStatus::Undecided]),
            checks.seconds,
        );
        for check in &checks.all {
            text += &case(&checks.title, check);
        }
        text += &format!(
            "    <system-out>{}</system-out>\n  </testsuite>\n",
            escaped_lines(checks)
        );
    }
    text + "</testsuites>\n"
}

fn case(title: &str, check: &Check) -> String {
    let head = format!(
        "    <testcase classname=\"{}\" name=\"{}\"",
        escaped(title),
        escaped(&check.name)
    );
    let message = escaped(&check.message);
    let inner = match check.status {
        CheckStatus::Passed => format!("<system-out>{message}</system-out>"),
        CheckStatus::Failed => format!("<failure message=\"{message}\">{message}</failure>"),
        CheckStatus::Broken | CheckStatus::Inconclusive => {
            format!("<error message=\"{message}\">{message}</error>")
        }
        CheckStatus::Undecided => format!("<skipped message=\"{message}\"/>"),
    };
    format!("{head}>{inner}</testcase>\n")
}

/// The sentence and the findings, one a line.
fn escaped_lines(checks: &Checks) -> String {
    let lines = [&checks.headline].into_iter().chain(&checks.findings);
    let lines: Vec<String> = lines.map(|line| escaped(line)).collect();
    lines.join("\n")
}

/// Removes control characters, which XML does not allow.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for letter in text.chars() {
        match letter {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            letter if !number::is_shown(letter) => safe.push(' '),
            letter => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_service_sent_stays_text() {
        assert_eq!(escaped("a\"b<c>&\u{1b}\n"), "a&quot;b&lt;c&gt;&amp;  ");
    }
}
