//! Compiles targets.

use std::time::Duration;

use brunt_record::{Metric, NameKind, NameSet, Target, ThresholdKind};

use crate::compile::keys::limit_named;
use crate::compile::names::{Names, NotFound};
use crate::redact::Secrets;
use crate::source::diagnostic::{Diagnostic, near, suggestion};
use crate::source::units;
use crate::spec::{Json, Spanned, Spec, TargetSpec};

pub(crate) fn targets(
    spec: &Spec,
    names: &Names,
    secrets: &Secrets,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Target> {
    let mut targets = Vec::new();
    for (metric, thresholds) in &spec.targets {
        targets.extend(target(metric, thresholds, None, diagnostics));
    }
    let kinds = [
        (NameKind::Request, "request", &spec.request_targets),
        (NameKind::Group, "group", &spec.group_targets),
        (NameKind::Metric, "metric", &spec.metric_targets),
    ];
    for (kind, word, typed) in kinds {
        for (name, rows) in typed {
            let scope = match names.find(kind, &secrets.mask(name.get_ref())) {
                Ok(scope) => scope,
                Err(reason) => {
                    diagnostics.push(not_found(&reason, name, (kind, word), names));
                    continue;
                }
            };
            for (metric, thresholds) in rows {
                let scope = Some((scope.clone(), kind));
                targets.extend(target(metric, thresholds, scope, diagnostics));
            }
        }
    }
    targets
}

/// Error of a target whose name matches nothing, or several requests.
fn not_found(
    reason: &NotFound,
    name: &Spanned<String>,
    (kind, word): (NameKind, &str),
    names: &Names,
) -> Diagnostic {
    let wanted = name.get_ref();
    let (message, help) = match reason {
        NotFound::Unknown => {
            let (known, with_method) = names.targetable(kind);
            let all = known.iter().copied().chain(with_method.iter().map(String::as_str));
            let help = match near(wanted, all) {
                Some(candidate) => format!("did you mean `{candidate}`?"),
                None => suggestion(wanted, known),
            };
            (format!("unknown {word} `{wanted}`"), help)
        }
        NotFound::OfSetup => (
            format!("`{wanted}` is part of the setup and cannot have a target"),
            "requests of setup, teardown, on_start and on_stop are not judged; name a request of a task".into(),
        ),
        NotFound::Ambiguous(candidates) => (
            format!("`{wanted}` is ambiguous: {} requests have this name", candidates.len()),
            format!(
                "write one of `{}`; or `* {wanted}` to judge all of them together",
                candidates.join("`, `")
            ),
        ),
    };
    Diagnostic::new(message).at(name.span(), "here").help(help)
}

fn target(
    name: &Spanned<String>,
    thresholds: &Spanned<TargetSpec>,
    scope: Option<(NameSet, NameKind)>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Target> {
    let kind = scope.as_ref().map(|(_, kind)| *kind);
    let metric = metric(name, kind)
        .map_err(|diagnostic| diagnostics.push(diagnostic))
        .ok()?;
    let known = diagnostics.len();
    let mut value = |typed: &Option<Spanned<Json>>| {
        let typed = typed.as_ref()?;
        let read = match kind {
            Some(NameKind::Metric) => units::plain_threshold(metric, typed.get_ref()),
            _ => units::threshold(metric, typed.get_ref()),
        };
        read.map_err(|help| {
            let message = format!("invalid threshold of {}", metric.name());
            diagnostics.push(Diagnostic::new(message).at(typed.span(), "here").help(help));
        })
        .ok()
    };
    let typed = thresholds.get_ref();
    let (good, acceptable, critical) = (
        value(&typed.target),
        value(&typed.acceptable),
        value(&typed.critical),
    );
    if diagnostics.len() > known {
        return None;
    }
    let ladder: Vec<f64> = [good, acceptable, critical].into_iter().flatten().collect();
    let in_order = ladder.windows(2).all(|pair| {
        if metric.is_better_when_higher() {
            pair[0] >= pair[1]
        } else {
            pair[0] <= pair[1]
        }
    });
    if ladder.is_empty() || !in_order {
        let (message, help) = if ladder.is_empty() {
            (
                "a target has no threshold",
                "set at least one of target, acceptable and critical",
            )
        } else {
            (
                "the thresholds are out of order",
                "target, acceptable and critical must each be worse than the one before",
            )
        };
        diagnostics.push(
            Diagnostic::new(message)
                .at(thresholds.span(), "here")
                .help(help),
        );
        return None;
    }
    let mut target = Target {
        metric,
        scope: scope.map(|(name, _)| name),
        target: good,
        acceptable,
        critical,
        stop_at: None,
    };
    if let Some(typed) = &typed.stop_at {
        target.stop_at = stop_at(typed, &target, diagnostics);
    }
    Some(target)
}

/// Threshold at which a target stops the run. The target must have it.
fn stop_at(
    typed: &Spanned<String>,
    target: &Target,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<ThresholdKind> {
    let limit = limit_named(typed, diagnostics)?;
    if target.threshold(limit).is_none() {
        let has = ThresholdKind::ALL
            .into_iter()
            .filter(|limit| target.threshold(*limit).is_some());
        let has = has.map(|limit| format!("\"{}\"", limit.name()));
        diagnostics.push(
            Diagnostic::new(format!("the target has no threshold `{}`", limit.name()))
                .at(typed.span(), "here")
                .help(format!(
                    "set it, or write {}",
                    has.collect::<Vec<_>>().join(" or ")
                )),
        );
        return None;
    }
    Some(limit)
}

fn metric(typed: &Spanned<String>, kind: Option<NameKind>) -> Result<Metric, Diagnostic> {
    let name = typed.get_ref();
    match metric_named(name) {
        Some(Metric::Cpu | Metric::Memory) if kind.is_some() => {
            Err(Diagnostic::new(format!("metric `{name}` belongs to the process, not to one request"))
                .at(typed.span(), "here")
                .help("write it in [targets]"))
        }
        Some(metric) => Ok(metric),
        None => Err(Diagnostic::new(format!("unknown metric `{name}`")).at(typed.span(), "here").help(
            "available: p50 … p99.99 (any percentile), mean, max, throughput, error_rate, cpu, memory",
        )),
    }
}

fn metric_named(name: &str) -> Option<Metric> {
    match name {
        "mean" => Some(Metric::Mean),
        "max" => Some(Metric::Max),
        "throughput" => Some(Metric::Throughput),
        "error_rate" => Some(Metric::ErrorRate),
        "cpu" => Some(Metric::Cpu),
        "memory" => Some(Metric::Memory),
        _ => {
            let percent: f64 = name.strip_prefix('p')?.parse().ok()?;
            (percent > 0.0 && percent < 100.0).then_some(Metric::Percentile(percent / 100.0))
        }
    }
}

/// The variance between seconds takes two of them.
const MIN_DURATION_LEAST: Duration = Duration::from_secs(2);

pub(crate) fn min_duration(spec: &Spec, diagnostics: &mut Vec<Diagnostic>) -> Option<Duration> {
    let typed = spec.verdict.min_duration.as_ref()?;
    let read = units::duration(typed.get_ref()).and_then(|duration| {
        if duration >= MIN_DURATION_LEAST {
            Ok(duration)
        } else {
            Err(format!(
                "invalid min_duration `{}`: must be 2s or more, to measure how much seconds differ",
                typed.get_ref()
            ))
        }
    });
    read.map_err(|message| {
        let help = "write it like \"5s\"; the default is 20s";
        diagnostics.push(Diagnostic::new(message).at(typed.span(), "here").help(help));
    })
    .ok()
}
