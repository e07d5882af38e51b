//! Warnings about content that was left out or generated. Equal warnings are merged.

use indexmap::IndexMap;

/// Largest number of warnings that are shown; the others are counted.
const SHOWN_MAX: usize = 30;
/// Largest number of places that a warning names.
const EXAMPLES_MAX: usize = 3;

/// Warnings in the order in which they were first added.
#[derive(Debug, Default)]
pub(crate) struct Warnings {
    /// Texts with the places that they apply to.
    places: IndexMap<String, Vec<String>>,
}

impl Warnings {
    /// Adds a warning about the complete source.
    pub(crate) fn add(&mut self, text: impl Into<String>) {
        self.places.entry(text.into()).or_default();
    }

    /// Adds a warning about one request or field. Warnings with the same text become one.
    pub(crate) fn at(&mut self, text: impl Into<String>, place: impl Into<String>) {
        let (places, place) = (self.places.entry(text.into()).or_default(), place.into());
        if !places.contains(&place) {
            places.push(place);
        }
    }

    /// The warnings as text, one per line.
    pub(crate) fn into_lines(self) -> Vec<String> {
        let more = self.places.len().saturating_sub(SHOWN_MAX);
        let mut lines: Vec<String> = self.places.into_iter().take(SHOWN_MAX).map(line).collect();
        if more > 0 {
            lines.push(format!("and {more} more kinds of warnings"));
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

/// Limits a text to one line without control characters, since the content of a file must not control the terminal.
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
    fn equal_warnings_are_merged_with_examples() {
        let mut warnings = Warnings::default();
        for at in ["a", "b", "a", "c", "d\u{1b}[2J", "e"] {
            warnings.at("left out", at);
        }
        warnings.add("no host");
        warnings.add("no host");
        assert_eq!(
            warnings.into_lines(),
            ["left out: a, b, c and 2 more", "no host"]
        );
    }

    #[test]
    fn warnings_beyond_the_limit_are_counted() {
        let mut warnings = Warnings::default();
        (0..50).for_each(|number| warnings.add(format!("number {number}")));
        let lines = warnings.into_lines();
        assert_eq!(lines.len(), 31);
        assert_eq!(lines[30], "and 20 more kinds of warnings");
    }
}
