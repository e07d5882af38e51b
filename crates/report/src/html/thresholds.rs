//! Thresholds: the limits of the targets as lines across the charts of what they limit.

use brunt_record::{Metric, NameId, Scope, Target};

use super::chart::Level;
use crate::Judged;

/// The thresholds that belong on a chart of all requests or of the process under test.
pub(super) fn of_chart(run: &Judged, chart: &str) -> Vec<Level> {
    let targets = run.record.header.targets.iter();
    let of_all = targets.filter(|target| target.scope.is_none());
    let here = of_all.filter(|target| chart_of(target.metric) == chart);
    here.flat_map(levels).collect()
}

/// The thresholds of response times of one name.
pub(super) fn of_name(run: &Judged, name: NameId) -> Vec<Level> {
    let targets = run.record.header.targets.iter();
    let of_name = targets.filter(|target| target.requests() == Scope::Name(name));
    let here = of_name.filter(|target| chart_of(target.metric) == "response");
    here.flat_map(levels).collect()
}

const fn chart_of(metric: Metric) -> &'static str {
    match metric {
        Metric::Percentile(_) | Metric::Mean | Metric::Max => "response",
        Metric::Throughput => "throughput",
        Metric::ErrorRate => "errors",
        Metric::Cpu => "cpu",
        Metric::Memory => "memory",
    }
}

/// The lines of a target, in the color of the grade that ends there.
fn levels(target: &Target) -> impl Iterator<Item = Level> {
    let whose = match target.metric {
        // The chart has one metric, and its title names it.
        Metric::Throughput | Metric::ErrorRate | Metric::Cpu | Metric::Memory => String::new(),
        metric => format!("{} ", metric.name()),
    };
    let all = [
        ("target", "good", target.target),
        ("acceptable", "poor", target.acceptable),
        ("critical", "critical", target.critical),
    ];
    all.into_iter().filter_map(move |(name, ink, value)| {
        Some(Level {
            label: format!("{whose}{name}"),
            value: value?,
            ink,
            is_always_shown: false,
        })
    })
}
