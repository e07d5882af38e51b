//! Warnings: what was left out or made up. Each is said once, however often it comes about.

use indexmap::IndexMap;

/// More than these are counted, and not shown.
const SHOWN_MAX: usize = 30;
/// Of what comes about often, so many examples are named.
const EXAMPLES_MAX: usize = 3;

/// Warnings, in the order in which they first came about.
#[derive(Debug, Default)]
pub(crate) struct Warnings {
    /// What is said, with what it was seen at.
    seen: IndexMap<String, Vec<String>>,
}

impl Warnings {
    /// Warns of something that is so as a whole.
    pub(crate) fn say(&mut self, text: impl Into<String>) {
        self.seen.entry(text.into()).or_default();
    }

    /// Warns of something that is so of one request or field; those of the same text are said together.
    pub(crate) fn at(&mut self, text: impl Into<String>, place: impl Into<String>) {
        let (places, place) = (self.seen.entry(text.into()).or_default(), place.into());
        if !places.contains(&place) {
            places.push(place);
        }
    }

    /// As they are shown, one a line.
    pub(crate) fn into_lines(self) -> Vec<String> {
        let more = self.seen.len().saturating_sub(SHOWN_MAX);
        let mut lines: Vec<String> = self.seen.into_iter().take(SHOWN_MAX).map(line).collect();
        if more > 0 {
            lines.push(format!("and {more} more of other kinds"));
        }
        lines
    }
}

fn line((text, places): (String, Vec<String>)) -> String {
    if places.is_empty() {
        return one_line(&text);
    }
    let named = places[..places.len().min(EXAMPLES_MAX)].join(", ");
    let more = match places.len().saturating_sub(EXAMPLES_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    one_line(&format!("{text}: {named}{more}"))
}

/// What a file holds must not steer the terminal, nor fill it.
pub(crate) fn one_line(text: &str) -> String {
    const CHARACTERS_MAX: usize = 400;
    let mut line: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .take(CHARACTERS_MAX)
        .collect();
    if text.chars().nth(CHARACTERS_MAX).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_said_once_with_examples() {
        let mut warnings = Warnings::default();
        for at in ["a", "b", "a", "c", "d\u{1b}[2J", "e"] {
            warnings.at("left out", at);
        }
        warnings.say("no host");
        warnings.say("no host");
        assert_eq!(
            warnings.into_lines(),
            ["left out: a, b, c and 2 more", "no host"]
        );
    }

    #[test]
    fn what_would_fill_the_screen_is_counted() {
        let mut warnings = Warnings::default();
        (0..50).for_each(|number| warnings.say(format!("number {number}")));
        let lines = warnings.into_lines();
        assert_eq!(lines.len(), 31);
        assert_eq!(lines[30], "and 20 more of other kinds");
    }
}
