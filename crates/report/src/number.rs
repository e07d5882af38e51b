//! Numbers and texts as people read them.

/// Milliseconds with about three significant digits; from 1 s on, seconds.
pub(crate) fn ms(value: f64) -> String {
    match value {
        value if value >= 10_000.0 => format!("{:.1} s", value / 1e3),
        value if value >= 1_000.0 => format!("{:.2} s", value / 1e3),
        value if value >= 100.0 => format!("{value:.0} ms"),
        value if value >= 10.0 => format!("{value:.1} ms"),
        value => format!("{value:.2} ms"),
    }
}

/// A count with thousands separators.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A rate or a percentage: one decimal below 1,000.
pub(crate) fn rate(value: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float cast saturates, and rates are not negative"
    )]
    let whole = value.round() as u64;
    if value >= 1_000.0 {
        count(whole)
    } else {
        format!("{value:.1}")
    }
}

/// A percentage: enough digits to distinguish a small one from 0.
pub(crate) fn percent(value: f64) -> String {
    match value {
        0.0 => "0 %".to_owned(),
        value if value > 0.0 && value < 0.001 => format!("{value:.*} %", leading_zeros(value)),
        value if value < 0.1 => format!("{value:.3} %"),
        value if value < 10.0 => format!("{value:.2} %"),
        value => format!("{value:.1} %"),
    }
}

/// Number of decimals up to the first digit that is not 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, and the value is under 1"
)]
fn leading_zeros(value: f64) -> usize {
    (-value.log10()).ceil() as usize
}

/// A value of a metric, with its unit.
pub(crate) fn with_unit(value: f64, unit: &str) -> String {
    match unit {
        "ms" => ms(value),
        "%" => percent(value),
        "MB" if value >= 1_000.0 => format!("{:.2} GB", value / 1e3),
        "MB" => format!("{value:.0} MB"),
        "" => plain(value),
        unit => format!("{} {unit}", rate(value)),
    }
}

/// A value without a unit, with about four significant digits.
pub(crate) fn plain(value: f64) -> String {
    match value {
        value if value >= 1_000.0 => rate(value),
        value if value >= 100.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

/// A threshold in the form in which it was most likely written.
pub(crate) fn threshold(value: f64, unit: &str) -> String {
    let short = |value: f64| {
        let text = format!("{value:.3}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    match unit {
        "" => short(value),
        "ms" if value >= 1_000.0 => format!("{} s", short(value / 1e3)),
        "MB" if value >= 1_000.0 => format!("{} GB", short(value / 1e3)),
        unit => format!("{} {unit}", short(value)),
    }
}

/// An interval, with the unit once.
pub(crate) fn interval(interval: &brunt_verdict::Interval, unit: &str) -> String {
    let low = with_unit(interval.low, unit);
    match interval.high {
        None => format!("≥ {low}"),
        Some(high) => {
            let high = with_unit(high, unit);
            let low = no_finer(interval.low, &low, &high);
            let unit_of = |text: &str| text.rsplit_once(' ').map(|(_, unit)| unit.to_owned());
            match low.rsplit_once(' ') {
                Some((number, _)) if unit_of(&low) == unit_of(&high) => format!("{number}–{high}"),
                _ => format!("{low}–{high}"),
            }
        }
    }
}

/// Lower end of an interval, with at most the precision of the upper one if they have the same unit.
fn no_finer(low: f64, text: &str, high: &str) -> String {
    let (Some((_, unit)), Some((number, unit_of_high))) =
        (text.rsplit_once(' '), high.rsplit_once(' '))
    else {
        return text.to_owned();
    };
    let decimals = number.split_once('.').map_or(0, |(_, part)| part.len());
    let finest = 10f64.powi(-i32::try_from(decimals).unwrap_or(0));
    if unit != unit_of_high || low >= finest {
        return text.to_owned();
    }
    let rounded = format!("{low:.decimals$}");
    let is_nothing = !rounded.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
    let rounded = if is_nothing { "0" } else { &rounded };
    format!("{rounded} {unit}")
}

/// Time in a run that ends at `end_s`: seconds, or hours, minutes and seconds in a long run.
pub(crate) fn moment(at_s: f64, end_s: f64) -> String {
    if end_s < 120.0 {
        return threshold(at_s, "s");
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float cast saturates, and moments of a run are not negative"
    )]
    let whole = at_s.round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// External text on one line, without control sequences of terminals and workflow commands of CI runners.
pub(crate) fn one_line(text: &str) -> String {
    let shown = |letter| if is_shown(letter) { letter } else { ' ' };
    let line: String = text.chars().map(shown).collect();
    without_commands(&line)
}

/// Whether a character is printable: no control character, no line separator, and no change of direction (UAX #9).
pub(crate) fn is_shown(letter: char) -> bool {
    !letter.is_control()
        && !matches!(letter,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Neutralizes workflow commands. GitHub's runner executes `::command::` at the start of a line, which wrapping can create,
/// and `##[command]` anywhere; those of Azure and `TeamCity` are `##vso[` and `##teamcity[`.
fn without_commands(line: &str) -> String {
    let mut safe = String::with_capacity(line.len());
    let mut before = ' ';
    for (at, letter) in line.char_indices() {
        let rest = &line[at..];
        let is_command = before == ' ' && rest.starts_with("::")
            || rest.starts_with("##")
                && rest[2..].find('[').is_some_and(|end| {
                    rest[2..2 + end]
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric())
                });
        safe.push(letter);
        if is_command {
            safe.push(' ');
        }
        before = letter;
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(
            [0.123, 12.34, 123.4, 1234.0, 61_000.0].map(ms),
            ["0.12 ms", "12.3 ms", "123 ms", "1.23 s", "61.0 s"]
        );
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(count),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            [0.0, 0.034, 1.5, 12.34].map(percent),
            ["0 %", "0.034 %", "1.50 %", "12.3 %"]
        );
        let range = |low, high| {
            let high = Some(high);
            interval(&brunt_verdict::Interval { low, high }, "%")
        };
        assert_eq!(range(0.000_000_002, 2.19), "0–2.19 %");
        assert_eq!(range(0.000_2, 0.02), "0–0.020 %");
        assert_eq!(range(1.5, 2.19), "1.50–2.19 %");
        assert_eq!(threshold(0.1, "%"), "0.1 %");
        assert_eq!(threshold(1000.0, "ms"), "1 s");
        assert_eq!(threshold(1500.0, "MB"), "1.5 GB");
        assert_eq!(moment(7.5, 60.0), "7.5 s");
        assert_eq!(moment(70.0, 150.0), "1:10");
        assert_eq!(moment(3_725.0, 4_000.0), "1:02:05");
        assert_eq!(one_line("a\nb\u{1b}[31m"), "a b [31m");
        assert_eq!(one_line("a\u{202e}b\u{2066}c\u{2028}d"), "a b c d");
        for (text, safe) in [
            ("::error::x", ": :error::x"),
            (
                "this ::error file=a,line=1::x",
                "this : :error file=a,line=1::x",
            ),
            ("std::io::Error", "std::io::Error"),
            ("see ##[group]x", "see # #[group]x"),
            ("##vso[task.x]", "# #vso[task.x]"),
            ("## heading [1]", "## heading [1]"),
        ] {
            assert_eq!(one_line(text), safe);
        }
    }
}
