//! Dates of cookies (RFC 6265, section 5.1.1): the forms that servers send are many, and browsers accept them.

/// Names of the months, as RFC 9110 writes them.
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A date in the form of RFC 9110, without the day of the week; `None` if it is not a date.
pub(super) fn cookie_date(text: &str) -> Option<String> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in text.split(is_delimiter).filter(|token| !token.is_empty()) {
        if time.is_none()
            && let Some(found) = time_of(token)
        {
            time = Some(found);
        } else if day.is_none()
            && let Some(found) = number(token, 1..=2)
        {
            day = Some(found);
        } else if month.is_none()
            && let Some(found) = month_of(token)
        {
            month = Some(found);
        } else if year.is_none()
            && let Some(found) = number(token, 2..=4)
        {
            year = Some(found);
        }
    }
    let ([hour, minute, second], day, month) = (time?, day?, month?);
    let year = match year? {
        recent @ 0..=69 => 2000 + recent,
        past @ 70..=99 => 1900 + past,
        other => other,
    };
    let is_valid =
        (1..=31).contains(&day) && year >= 1601 && (hour <= 23 && minute <= 59 && second <= 59);
    is_valid.then(|| format!("{day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT"))
}

fn is_delimiter(letter: char) -> bool {
    matches!(letter, '\t' | ' '..='/' | ';'..='@' | '['..='`' | '{'..='~')
}

/// The number that a token begins with, if it has this number of digits.
fn number(token: &str, digits: std::ops::RangeInclusive<usize>) -> Option<u32> {
    let end = token.find(|letter: char| !letter.is_ascii_digit());
    let own = &token[..end.unwrap_or(token.len())];
    digits.contains(&own.len()).then(|| own.parse().ok())?
}

/// Hour, minute and second.
fn time_of(token: &str) -> Option<[u32; 3]> {
    let mut fields = token.splitn(3, ':');
    let mut whole = || {
        let field = fields.next()?;
        let is_number = field.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| number(field, 1..=2))?
    };
    let (hour, minute) = (whole()?, whole()?);
    Some([hour, minute, number(fields.next()?, 1..=2)?])
}

fn month_of(token: &str) -> Option<&'static str> {
    let start = token.get(..3)?;
    MONTHS
        .into_iter()
        .find(|month| month.eq_ignore_ascii_case(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first three forms are those of RFC 9110, section 5.6.7; the others are sent by servers.
    #[test]
    fn date_is_read_as_browsers_read_it() {
        let expected = Some("06 Nov 1994 08:49:37 GMT".to_owned());
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun, 6 Nov 1994 8:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06-Nov-1994 08:49:37 -0000",
            "06 november 1994 08:49:37",
            "1994 Nov 6th 08:49:37.5",
            "Sun,06/Nov/1994 08:49:37",
        ] {
            assert_eq!(cookie_date(text), expected, "{text}");
        }
        let epoch = Some("01 Jan 1970 00:00:00 GMT".to_owned());
        assert_eq!(cookie_date("Thu, 1-Jan-70 0:00:00 GMT"), epoch);
        let later = Some("09 Jun 2021 10:18:14 GMT".to_owned());
        assert_eq!(cookie_date("Wed, 09-Jun-21 10:18:14 GMT"), later);
        assert_eq!(
            cookie_date("Fri, 31 Dec 9999 23:59:59 GMT"),
            Some("31 Dec 9999 23:59:59 GMT".to_owned())
        );
    }

    #[test]
    fn text_that_is_not_a_date_is_none() {
        for text in [
            "",
            "0",
            "-1",
            "session",
            "Sun, 06 Nov 1994",
            "08:49:37 GMT",
            "Sun, 32 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1600 08:49:37 GMT",
            "Sun, 06 Nov 199 08:49:37 GMT",
            "Sun, 06 Xyz 1994 08:49:37 GMT",
            "é, 06 Nov 1994 08:49 GMT",
        ] {
            assert_eq!(cookie_date(text), None, "{text}");
        }
    }
}
