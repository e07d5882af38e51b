//! Patterns of several URLs in one: lists in braces and ranges in brackets.

/// Largest number of URLs of a pattern, as of values of a list.
const URLS_MAX: usize = 100;

/// The URLs of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UrlPattern {
    pub(super) urls: Vec<Vec<u8>>,
    /// Whether curl would refuse it. It is taken literally then.
    pub(super) is_invalid: bool,
    /// Whether it has more URLs.
    pub(super) is_cut: bool,
}

/// Expands a pattern. A backslash escapes braces and brackets, as browsers write them.
pub(super) fn expand(pattern: &[u8]) -> UrlPattern {
    let mut urls = vec![Vec::new()];
    let (mut rest, mut is_cut) = (pattern, false);
    while let Some((&byte, after)) = rest.split_first() {
        let is_escape = byte == b'\\' && after.first().is_some_and(|next| b"{}[]".contains(next));
        if is_escape {
            urls.iter_mut().for_each(|url| url.push(after[0]));
            rest = &after[1..];
            continue;
        }
        let choices = match byte {
            b'{' => choices(after),
            b'[' if is_literal(after) => Some((vec![b"[".to_vec()], after)),
            b'[' => ranges(after),
            _ => Some((vec![vec![byte]], after)),
        };
        let Some((choices, after)) = choices else {
            return UrlPattern {
                urls: vec![pattern.to_vec()],
                is_invalid: true,
                is_cut: false,
            };
        };
        is_cut |= urls.len() * choices.len() > URLS_MAX;
        urls = urls
            .iter()
            .flat_map(|url| {
                choices
                    .iter()
                    .map(move |choice| [&url[..], &choice[..]].concat())
            })
            .take(URLS_MAX)
            .collect();
        rest = after;
    }
    UrlPattern {
        urls,
        is_invalid: false,
        is_cut,
    }
}

/// Whether a bracket is not a range: `[]`, or the address of IPv6.
fn is_literal(after: &[u8]) -> bool {
    let end = after.iter().position(|byte| *byte == b']');
    end.is_some_and(|end| {
        let inner = &after[..end];
        let is_address = |byte: &u8| byte.is_ascii_hexdigit() || b":.%".contains(byte);
        // An address has at least two colons.
        let groups = inner.split(|byte| *byte == b':').count();
        inner.is_empty() || groups > 2 && inner.iter().all(is_address)
    })
}

/// A list in braces, and what follows it.
fn choices(after: &[u8]) -> Option<(Vec<Vec<u8>>, &[u8])> {
    let mut choices = vec![Vec::new()];
    let mut bytes = after.iter().enumerate();
    while let Some((at, byte)) = bytes.next() {
        let last = choices.len() - 1;
        match byte {
            b'}' => return Some((choices, &after[at + 1..])),
            b',' => choices.push(Vec::new()),
            b'{' | b'[' | b']' => return None,
            b'\\' => choices[last].push(*bytes.next()?.1),
            _ => choices[last].push(*byte),
        }
    }
    None
}

/// A range in brackets such as `1-10`, `001-100:10` or `a-z`, and what follows it.
fn ranges(after: &[u8]) -> Option<(Vec<Vec<u8>>, &[u8])> {
    let end = after.iter().position(|byte| *byte == b']')?;
    let text = std::str::from_utf8(&after[..end]).ok()?;
    let (range, step) = match text.split_once(':') {
        Some((range, step)) => (range, step.parse::<u64>().ok().filter(|step| *step > 0)?),
        None => (text, 1),
    };
    let (from, to) = range.split_once('-')?;
    let step_by = usize::try_from(step).ok()?;
    let choices: Vec<Vec<u8>> = match (from.as_bytes(), to.as_bytes()) {
        ([from], [to]) if from.is_ascii_alphabetic() && to.is_ascii_alphabetic() && from <= to => {
            let letters = (*from..=*to).step_by(step_by);
            letters.map(|letter| vec![letter]).collect()
        }
        _ => {
            let width = if from.starts_with('0') { from.len() } else { 0 };
            let is_number =
                |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            if !is_number(from) || !is_number(to) {
                return None;
            }
            let (from, to): (u64, u64) = (from.parse().ok()?, to.parse().ok()?);
            if from > to {
                return None;
            }
            let numbers = (from..=to).step_by(step_by).take(URLS_MAX + 1);
            numbers
                .map(|number| format!("{number:0width$}").into_bytes())
                .collect()
        }
    };
    Some((choices, &after[end + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(pattern: &str) -> Vec<String> {
        let urls = expand(pattern.as_bytes()).urls.into_iter();
        urls.map(|url| String::from_utf8(url).unwrap()).collect()
    }

    #[test]
    fn pattern_is_expanded_like_in_curl() {
        let cases: [(&str, &[&str]); 9] = [
            ("http://h/a", &["http://h/a"]),
            ("h/{a,b}/[1-2]", &["h/a/1", "h/a/2", "h/b/1", "h/b/2"]),
            ("h/[08-10]", &["h/08", "h/09", "h/10"]),
            ("h/[1-9:4]", &["h/1", "h/5", "h/9"]),
            ("h/[a-c:2]", &["h/a", "h/c"]),
            ("h/?f\\[n\\]=\\{x\\}", &["h/?f[n]={x}"]),
            ("h/?f[]=1", &["h/?f[]=1"]),
            ("http://[::1]:8000/", &["http://[::1]:8000/"]),
            ("h/{a\\,b}", &["h/a,b"]),
        ];
        for (pattern, expected) in cases {
            assert!(!expand(pattern.as_bytes()).is_invalid, "{pattern}");
            assert_eq!(urls(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn pattern_that_curl_refuses_is_literal() {
        for pattern in ["h/?f[name]=x", "h/a{b", "h/[2-1]", "h/[1-", "h/{a,[b]}"] {
            assert!(expand(pattern.as_bytes()).is_invalid, "{pattern}");
            assert_eq!(urls(pattern), [pattern]);
        }
    }

    #[test]
    fn large_range_is_cut() {
        let expanded = expand(b"h/[1-1000000000]/{a,b}");
        assert!(expanded.is_cut && expanded.urls.len() == URLS_MAX);
        assert!(!expand(b"h/[1-100]").is_cut);
    }
}
