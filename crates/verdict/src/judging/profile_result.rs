//! The question that a profile asks beyond its targets: whether the service recovers from a spike, whether
//! it leaks over a long run.

use brunt_record::RunRecord;

use crate::findings::leak::{self, ENDURANCE};
use crate::findings::recovery::{self, Recovery};
use crate::model::finding::{Finding, FindingKind};
use crate::number;
use crate::sentence::uncapitalized;

/// The answer to a profile's own question.
pub(crate) struct ProfileResult {
    /// A clause of the headline.
    pub(crate) clause: String,
    /// Whether it is bad news.
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

    /// The answer to the question of the run's profile; `None` if it asks none beyond its targets.
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
            "recovery is not known, the service was not steady before the spike",
        ),
        None => ProfileResult::good(format!(
            "recovery is not known, {}",
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
        ProfileResult::good("leaks are not known, since no process was watched")
    } else if of_kind(FindingKind::GrowthUnclear).is_some() {
        ProfileResult::good("a leak is not ruled out")
    } else {
        ProfileResult::good("no leak found")
    })
}

/// A finding's sentence as a clause: the first letter small, without what is in parentheses and after.
fn without_details(sentence: &str) -> String {
    let clause = sentence.split(" (").next().unwrap_or(sentence);
    uncapitalized(clause.trim_end_matches('.'))
}
