//! Sets of status codes.

use std::collections::BTreeSet;

use crate::source::diagnostic::Diagnostic;
use crate::spec::{Json, Spanned};

/// A set of status codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusSet(BTreeSet<u16>);

/// All status codes.
const ALL: std::ops::RangeInclusive<u16> = 100..=599;

impl StatusSet {
    /// Whether a status code is in the set.
    #[inline]
    pub fn contains(&self, status: u16) -> bool {
        self.0.contains(&status)
    }

    /// Short form: `200`, `2xx`, `200 or 404`.
    pub fn in_words(&self) -> String {
        let mut words: Vec<String> = Vec::new();
        for hundred in 1..=9u16 {
            let class: Vec<u16> = self
                .0
                .range(hundred * 100..hundred * 100 + 100)
                .copied()
                .collect();
            match &class[..] {
                [] => {}
                whole if whole.len() == 100 => words.push(format!("{hundred}xx")),
                [first, .., last]
                    if class.len() > 2 && usize::from(last - first) + 1 == class.len() =>
                {
                    words.push(format!("{first}..{last}"));
                }
                _ => words.extend(class.iter().map(u16::to_string)),
            }
        }
        words.join(" or ")
    }

    /// Status codes of a class: `2` for 200 to 299.
    pub(crate) fn class(hundred: u16) -> Self {
        Self((hundred * 100..hundred * 100 + 100).collect())
    }

    /// The set without the status codes of another one.
    pub(crate) fn without(self, others: &Self) -> Self {
        Self(self.0.difference(&others.0).copied().collect())
    }

    pub(crate) fn all() -> Self {
        Self(ALL.collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn parse(value: &Spanned<Json>) -> Result<Self, Diagnostic> {
        let wrong = || {
            Err(Diagnostic::new("invalid status code")
                .at(value.span(), "here")
                .help("write a code like 200, a class like \"2xx\", a range like \"200..204\", or a list of them"))
        };
        match value.get_ref() {
            Json::Integer(status) => match u16::try_from(*status) {
                Ok(status) if ALL.contains(&status) => Ok(Self(BTreeSet::from([status]))),
                _ => wrong(),
            },
            Json::Text(text) => match text.as_bytes() {
                [hundred @ b'1'..=b'5', b'x', b'x'] => Ok(Self::class(u16::from(hundred - b'0'))),
                _ => match range(text) {
                    Some(statuses) => Ok(Self(statuses.collect())),
                    None => wrong(),
                },
            },
            Json::List(list) if !list.is_empty() => {
                let mut all = BTreeSet::new();
                for item in list {
                    all.extend(Self::parse(item)?.0);
                }
                Ok(Self(all))
            }
            _ => wrong(),
        }
    }
}

fn range(text: &str) -> Option<std::ops::RangeInclusive<u16>> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let (first, last) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
    (first <= last && ALL.contains(&first) && ALL.contains(&last)).then_some(first..=last)
}
