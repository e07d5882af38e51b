//! Numbers in sentences: significant digits, thousands separators, durations.

/// Formats a measured number with three significant digits, two below 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a logarithm of a number between 1e-12 and 1 is between -12 and 0"
)]
pub(crate) fn measured(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.995 => 2,
        size if size < 1e-12 => 0,
        size => (1.0 - size.log10().floor()) as usize,
    };
    fixed(value, decimals)
}

/// Formats a number that the user chose, without rounding.
pub(crate) fn chosen(value: f64) -> String {
    fixed(value, 6)
}

/// Formats a range. An end that is far below the other one gets the precision of the other one.
pub(crate) fn range(low: f64, high: f64) -> String {
    format!("{} to {}", end_of_range(low, high), end_of_range(high, low))
}

/// Formats a measured number with at most the precision of a larger one.
fn end_of_range(value: f64, other: f64) -> String {
    let text = measured(other);
    let decimals = text.split_once('.').map_or(0, |(_, part)| part.len());
    let finest = 10f64.powi(-i32::try_from(decimals).unwrap_or(0));
    if value.abs() < other.abs() && value.abs() < finest {
        fixed(value, decimals)
    } else {
        measured(value)
    }
}

/// Formats a measured value with its unit; from 1 s on, response times are in seconds, as in the tables of the reports.
pub(crate) fn measured_in(value: f64, unit: &str) -> String {
    match unit {
        "" => measured(value),
        "ms" if value >= 999.5 => format!("{} s", measured(value / 1e3)),
        unit => format!("{} {unit}", measured(value)),
    }
}

/// Formats a threshold with its unit; from 1 s on, response times are in seconds.
pub(crate) fn chosen_in(value: f64, unit: &str) -> String {
    match unit {
        "" => chosen(value),
        "ms" if value >= 1_000.0 => format!("{} s", chosen(value / 1e3)),
        unit => format!("{} {unit}", chosen(value)),
    }
}

/// Formats a change with its sign: one decimal, two below 1, without trailing zeros.
pub(crate) fn signed(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 99.95 => 0,
        size if size >= 0.995 => 1,
        _ => 2,
    };
    let text = fixed(value.abs(), decimals);
    match text.as_str() {
        "0" => text,
        _ if value > 0.0 => format!("+{text}"),
        _ => format!("−{text}"),
    }
}

/// Formats a count with thousands separators.
pub(crate) fn count(count: u64) -> String {
    with_thousands(&count.to_string())
}

/// Formats a number of requests: "1 request", "2 requests".
pub(crate) fn requests(number: u64) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} request{s}", count(number))
}

/// Formats a measured or planned duration.
pub(crate) fn seconds(seconds: f64) -> String {
    format!("{} s", fixed(seconds, 1))
}

/// Formats an estimated duration, rounded up.
pub(crate) fn roughly(seconds: f64) -> String {
    let (length, unit) = match seconds {
        s if s <= 300.0 => (s, "s"),
        s if s <= 7_200.0 => (s / 60.0, "min"),
        s => (s / 3_600.0, "h"),
    };
    format!("about {} {unit}", fixed(length.ceil(), 0))
}

/// Formats a duration as on the command line, to the second.
pub(crate) fn duration(seconds: f64) -> String {
    let seconds = whole(seconds.round());
    let part = |count: u64, unit: &str| match count {
        0 => String::new(),
        count => format!("{count}{unit}"),
    };
    match seconds {
        0 => "0s".into(),
        s => part(s / 3_600, "h") + &part(s / 60 % 60, "m") + &part(s % 60, "s"),
    }
}

/// Rounds a duration up to one that a user would type: a multiple of 5 s, from two minutes on of a minute.
pub(crate) fn whole_duration(seconds: f64) -> f64 {
    let step = if seconds > 120.0 { 60.0 } else { 5.0 };
    (seconds / step).ceil() * step
}

/// Formats an estimated count with two significant digits.
pub(crate) fn about(value: f64) -> String {
    let step = step_of_two_digits(value);
    count(whole((value / step).round() * step))
}

/// Rounds up to a whole number with two significant digits.
pub(crate) fn round_up(value: f64) -> f64 {
    let step = step_of_two_digits(value);
    // A value that is on a step except for rounding errors stays there.
    (value / step - 1e-5).ceil() * step
}

/// The value of the second significant digit, at least 1.
fn step_of_two_digits(value: f64) -> f64 {
    10f64.powf((value.max(1.0).log10().floor() - 1.0).max(0.0))
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates, and counts are not negative"
)]
fn whole(value: f64) -> u64 {
    value as u64
}

fn fixed(value: f64, decimals: usize) -> String {
    let digits = format!("{value:.decimals$}");
    match digits.split_once('.') {
        Some((whole, part)) => {
            let part = part.trim_end_matches('0');
            let point = if part.is_empty() { "" } else { "." };
            format!("{}{point}{part}", with_thousands(whole))
        }
        None => with_thousands(&digits),
    }
}

fn with_thousands(digits: &str) -> String {
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        let left = digits.len() - at;
        let is_after_digit = text.ends_with(|before: char| before.is_ascii_digit());
        if left.is_multiple_of(3) && is_after_digit {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measured_number_has_three_significant_digits() {
        for (value, text) in [
            (0.0, "0"),
            (0.000_3, "0.0003"),
            (0.0334, "0.033"),
            (0.1, "0.1"),
            (0.999, "1"),
            (1.234, "1.23"),
            (12.04, "12"),
            (18.34, "18.3"),
            (99.96, "100"),
            (734.4, "734"),
            (1_234.5, "1,234"),
            (1_234_567.0, "1,234,567"),
        ] {
            assert_eq!(measured(value), text, "{value}");
        }
    }

    #[test]
    fn response_times_from_one_second_on_are_in_seconds() {
        for (ms, text) in [
            (0.25, "0.25 ms"),
            (999.4, "999 ms"),
            (999.6, "1 s"),
            (1_913.0, "1.91 s"),
            (19_134.0, "19.1 s"),
        ] {
            assert_eq!(measured_in(ms, "ms"), text);
        }
        assert_eq!(measured_in(1_913.0, "req/s"), "1,913 req/s");
        assert_eq!(chosen_in(1_500.0, "ms"), "1.5 s");
        assert_eq!(chosen_in(999.0, "ms"), "999 ms");
    }

    #[test]
    fn chosen_number_is_not_rounded() {
        assert_eq!(chosen(1.1 * 100.0), "110");
        assert_eq!(chosen(99.95), "99.95");
        assert_eq!(chosen(1_000.5), "1,000.5");
        assert_eq!(chosen(-1_000.0), "-1,000");
    }

    #[test]
    fn range_end_far_below_the_other_has_its_precision() {
        for (low, high, text) in [
            (0.000_000_002, 2.19, "0 to 2.19"),
            (0.65, 644.0, "1 to 644"),
            (0.65, 6.44, "0.65 to 6.44"),
            (0.004, 0.021, "0.004 to 0.021"),
            (80.2, 1_234.0, "80.2 to 1,234"),
            (0.0, 0.02, "0 to 0.02"),
        ] {
            assert_eq!(range(low, high), text);
        }
    }

    #[test]
    fn durations_and_rough_counts_are_rounded() {
        for (seconds, text) in [(10.0, "10s"), (60.0, "1m"), (3_900.0, "1h5m"), (0.0, "0s")] {
            assert_eq!(duration(seconds), text);
        }
        let rounded = [(97.0, 100.0), (120.0, 120.0), (121.0, 180.0)];
        for (seconds, expected) in rounded {
            assert_eq!(whole_duration(seconds).to_bits(), f64::to_bits(expected));
        }
        for (value, text) in [(2_995.0, "3,000"), (299.0, "300"), (31.0, "31"), (5.4, "5")] {
            assert_eq!(about(value), text);
        }
        for (value, expected) in [
            (19.2, 20.0),
            (218.7, 220.0),
            (110.0, 110.0),
            (1_001.0, 1_100.0),
        ] {
            assert_eq!(round_up(value).to_bits(), f64::to_bits(expected));
        }
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(seconds(5.04), "5 s");
        assert_eq!(roughly(27.2), "about 28 s");
        assert_eq!(roughly(301.0), "about 6 min");
        assert_eq!(roughly(9_000.0), "about 3 h");
        assert_eq!(requests(1), "1 request");
        assert_eq!(requests(2_995), "2,995 requests");
    }
}
