//! Targets: limits on one metric, with three thresholds.

use serde::{Deserialize, Serialize};

use crate::{NameId, RequestName, Scope};

/// A metric that a target limits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Response time that this share (0 to 1) of the requests does not exceed, in milliseconds.
    Percentile(f64),
    /// Mean response time of successful requests, in milliseconds.
    Mean,
    /// Longest response time, in milliseconds.
    Max,
    /// Successful requests per second.
    Throughput,
    /// Share of the requests that failed or got no response, in percent.
    ErrorRate,
    /// Mean CPU use of the process under test, in percent of the cores it may use.
    Cpu,
    /// Largest resident memory of the process under test with its children, in megabytes (10⁶ bytes).
    Memory,
}

impl Metric {
    /// Name in scenario files and reports.
    pub fn name(self) -> String {
        match self {
            Self::Percentile(q) => {
                let percent = format!("{:.6}", q * 100.0);
                let percent = percent.trim_end_matches('0').trim_end_matches('.');
                format!("p{percent}")
            }
            Self::Mean => "mean".into(),
            Self::Max => "max".into(),
            Self::Throughput => "throughput".into(),
            Self::ErrorRate => "error_rate".into(),
            Self::Cpu => "cpu".into(),
            Self::Memory => "memory".into(),
        }
    }

    /// Unit of its values and thresholds.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Percentile(_) | Self::Mean | Self::Max => "ms",
            Self::Throughput => "req/s",
            Self::ErrorRate | Self::Cpu => "%",
            Self::Memory => "MB",
        }
    }

    /// Whether higher values are better.
    pub const fn is_better_when_higher(self) -> bool {
        matches!(self, Self::Throughput)
    }
}

/// One of a target's thresholds. If a target does not have it, the next milder threshold replaces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdKind {
    /// `target`.
    Target,
    /// `acceptable`.
    Acceptable,
    /// `critical`.
    Critical,
}

impl ThresholdKind {
    /// All thresholds, the strictest first.
    pub const ALL: [Self; 3] = [Self::Target, Self::Acceptable, Self::Critical];

    /// Name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Acceptable => "acceptable",
            Self::Critical => "critical",
        }
    }
}

/// Limits of one metric. Thresholds are in the metric's unit; each is optional.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// The limited metric.
    pub metric: Metric,
    /// Names of the judged requests; `None`: all requests except the set-up.
    pub scope: Option<NameSet>,
    /// Met: good.
    pub target: Option<f64>,
    /// Met: acceptable. Missed: poor.
    pub acceptable: Option<f64>,
    /// Reached: critical.
    pub critical: Option<f64>,
    /// Threshold at which the run is stopped once it is certainly missed; `None`: the run continues.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_at: Option<ThresholdKind>,
}

impl Target {
    /// Value of a threshold, in the metric's unit.
    pub const fn threshold(&self, limit: ThresholdKind) -> Option<f64> {
        match limit {
            ThresholdKind::Target => self.target,
            ThresholdKind::Acceptable => self.acceptable,
            ThresholdKind::Critical => self.critical,
        }
    }

    /// The requests that it judges, together.
    pub fn requests(&self) -> Scope<'_> {
        match self.scope.as_ref().map(NameSet::ids) {
            None => Scope::All,
            Some([one]) => Scope::Name(*one),
            Some(several) => Scope::Names(several),
        }
    }

    /// Title of the judged requests, as reports show it: the name, with the method if requests of other methods have the same
    /// name, or with all methods if several are judged together. `None`: all requests.
    pub fn scope_title(&self, names: &[RequestName]) -> Option<String> {
        let ids = self.scope.as_ref()?.ids();
        let rows = ids.iter().filter_map(|id| names.get(id.index()));
        let rows: Vec<&RequestName> = rows.collect();
        Some(match &rows[..] {
            [] => {
                let numbers: Vec<String> = ids.iter().map(|id| id.0.to_string()).collect();
                format!("request name {}", numbers.join(", "))
            }
            [one] => one.title_among(names),
            [first, ..] => {
                let methods: Vec<&str> = rows.iter().map(|row| row.method.as_str()).collect();
                format!("{} ({})", first.title(), methods.join(", "))
            }
        })
    }
}

/// The names whose requests a target judges together: at least one, each once, in ascending order. In files it is the number
/// of the name, or a list of numbers if there are several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredNames", into = "StoredNames")]
pub struct NameSet(Vec<NameId>);

impl NameSet {
    /// Returns `None` if there are no names.
    pub fn new(names: impl IntoIterator<Item = NameId>) -> Option<Self> {
        let mut names: Vec<NameId> = names.into_iter().collect();
        names.sort_unstable();
        names.dedup();
        (!names.is_empty()).then_some(Self(names))
    }

    /// The names' numbers.
    pub fn ids(&self) -> &[NameId] {
        &self.0
    }
}

impl From<NameId> for NameSet {
    fn from(name: NameId) -> Self {
        Self(vec![name])
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum StoredNames {
    One(NameId),
    Several(Vec<NameId>),
}

impl TryFrom<StoredNames> for NameSet {
    type Error = &'static str;

    fn try_from(stored: StoredNames) -> Result<Self, Self::Error> {
        match stored {
            StoredNames::One(name) => Ok(name.into()),
            StoredNames::Several(names) => Self::new(names).ok_or("a target of no names"),
        }
    }
}

impl From<NameSet> for StoredNames {
    fn from(names: NameSet) -> Self {
        match names.ids() {
            [one] => Self::One(*one),
            _ => Self::Several(names.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentile_name_has_no_trailing_zeros() {
        for (q, name) in [
            (0.5, "p50"),
            (0.95, "p95"),
            (0.999, "p99.9"),
            (0.9999, "p99.99"),
        ] {
            assert_eq!(Metric::Percentile(q).name(), name);
        }
    }

    #[test]
    fn name_set_is_stored_as_a_number_or_as_a_list() {
        let stored = |scope: Option<NameSet>| {
            let bytes = rmp_serde::to_vec_named(&scope).unwrap();
            let read: Option<NameSet> = rmp_serde::from_slice(&bytes).unwrap();
            assert_eq!(read, scope);
            bytes
        };
        assert_eq!(stored(None), [0xc0], "nil");
        assert_eq!(stored(Some(NameId(7).into())), [7], "a number");
        let several = NameSet::new([NameId(3), NameId(1), NameId(3)]);
        assert_eq!(stored(several), [0x92, 1, 3], "a list, each once");
        assert_eq!(NameSet::new([]), None);
        rmp_serde::from_slice::<Option<NameSet>>(&[0x90]).unwrap_err();
    }
}
