//! GitHub workflow commands: an annotation for each reason why a run did not pass, or one that it passed.

use super::{CheckStatus, Checks};

/// Checks as annotations, one a line, to be printed by a step of a GitHub workflow: an error for each check that
/// failed, a warning for a verdict that is not decided, a notice for a run that passed.
pub fn github(all: &[Checks]) -> String {
    let mut text = String::new();
    for checks in all {
        let mut passed = true;
        for check in &checks.all {
            let level = match check.status {
                CheckStatus::Passed | CheckStatus::Undecided => continue,
                CheckStatus::Failed | CheckStatus::Broken => "error",
                CheckStatus::Inconclusive => "warning",
            };
            passed = false;
            let title = format!("{}: {}", checks.title, check.name);
            text += &annotation(level, &title, &check.message);
        }
        if passed {
            text += &annotation("notice", &checks.title, &checks.headline);
        }
    }
    text
}

fn annotation(level: &str, title: &str, message: &str) -> String {
    let title = data(title).replace(':', "%3A").replace(',', "%2C");
    format!("::{level} title={title}::{}\n", data(message))
}

/// Escapes the message of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_an_annotation_but_its_end() {
        assert_eq!(
            annotation("error", "a: b, 5 %", "one\n::error::two"),
            "::error title=a%3A b%2C 5 %25::one%0A::error::two\n"
        );
    }
}
