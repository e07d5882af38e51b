//! The question of a profile beyond its targets: whether the service recovers from a spike, and whether it leaks
//! during a long run.

use brunt_record::RunRecord;

use crate::findings::leak::{self, ENDURANCE};
use crate::findings::recovery::{self, Recovery};
use crate::model::finding::{Finding, FindingKind};
use crate::number;
use crate::sentence::uncapitalized;

/// The result of a profile's question.
pub(crate) struct ProfileResult {
    /// A clause of the headline.
    pub(crate) clause: String,
    /// Whether the result is bad.
    pub(crate) is_bad: bool,
}

impl ProfileResult {
    fn good(clause: impl Into<String>) -> Self {
        Self {
            clause: clause.into(),
            is_bad: false,
        }
    }

    fn bad(clause: impl Into<String>) -> Self {
        Self {
            clause: clause.into(),
            is_bad: true,
        }
    }

    /// The result of the run's profile; `None` if the profile has no question beyond its targets.
    pub(crate) fn of(record: &RunRecord, findings: &[Finding]) -> Option<Self> {
        if record.header.load.search.is_some() {
            return None;
        }
        after_spike(record).or_else(|| over_time(record, findings))
    }
}

fn after_spike(record: &RunRecord) -> Option<ProfileResult> {
    let spike = recovery::spike(record)?;
    Some(match recovery::recovery(record, &spike) {
        Some(Recovery::NotDisturbed) => {
            ProfileResult::good("the spike did not disturb the service")
        }
        Some(Recovery::Recovered { seconds, .. }) => ProfileResult::good(format!(
            "the service recovered {} after the spike",
            number::seconds(seconds)
        )),
        Some(Recovery::NotWithin { seconds }) => ProfileResult::bad(format!(
            "the service did not recover within {} after the spike",
            number::seconds(seconds)
        )),
        Some(Recovery::Unclear) => ProfileResult::good(
            "recovery is unknown, because the service was not steady before the spike",
        ),
        None => ProfileResult::good(format!(
            "recovery is unknown, {}",
            recovery::why_unknown(record, &spike)
        )),
    })
}

fn over_time(record: &RunRecord, findings: &[Finding]) -> Option<ProfileResult> {
    let of_kind = |kind| findings.iter().find(move |finding| finding.kind == kind);
    if let Some(leak) = of_kind(FindingKind::Leak) {
        return Some(ProfileResult::bad(without_details(&leak.headline)));
    }
    if record.header.profile != ENDURANCE {
        return None;
    }
    Some(if leak::longest_level(record).is_none() {
        ProfileResult::good("too short to show whether the service leaks")
    } else if !leak::is_watched(record) {
        ProfileResult::good("leaks are unknown, because no process was monitored")
    } else if of_kind(FindingKind::GrowthUnclear).is_some() {
        ProfileResult::good("a leak is not ruled out")
    } else {
        ProfileResult::good("no leak found")
    })
}

/// The headline of a finding as a clause: with a lower-case first letter, up to the first parenthesis.
fn without_details(sentence: &str) -> String {
    let clause = sentence.split(" (").next().unwrap_or(sentence);
    uncapitalized(clause.trim_end_matches('.'))
}
