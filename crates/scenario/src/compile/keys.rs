//! Keys that several tables share.

use brunt_record::{ArrivalProcess, ThresholdKind};

use crate::source::diagnostic::Diagnostic;
use crate::source::units;
use crate::spec::{Json, ProfileSpec, Spanned};

pub(crate) fn arrival_process(
    typed: Option<&Spanned<String>>,
    diagnostics: &mut Vec<Diagnostic>,
) -> ArrivalProcess {
    match typed.map(|typed| (typed, typed.get_ref().as_str())) {
        None | Some((_, "poisson")) => ArrivalProcess::Poisson,
        Some((_, "constant")) => ArrivalProcess::Constant,
        Some((typed, other)) => {
            diagnostics.push(
                Diagnostic::new(format!("unknown arrival process `{other}`"))
                    .at(typed.span(), "here")
                    .help("write \"poisson\" or \"constant\""),
            );
            ArrivalProcess::Poisson
        }
    }
}

/// A rate per second: a text with its unit, or a number.
pub(crate) fn rate_of(typed: &Spanned<Json>) -> Result<f64, Diagnostic> {
    match typed.get_ref() {
        Json::Text(text) => {
            units::rate(text).map_err(|error| Diagnostic::new(error).at(typed.span(), "here"))
        }
        Json::Integer(number) if *number >= 0 => Ok(*number as f64),
        Json::Float(number) if number.is_finite() && *number >= 0.0 => Ok(*number),
        _ => Err(
            Diagnostic::new("invalid rate: must be like \"500/s\", \"3k/min\" or 500")
                .at(typed.span(), "here"),
        ),
    }
}

pub(crate) fn classes(typed: &ProfileSpec) -> Vec<String> {
    let names = typed.classes.iter().flatten();
    names.map(|name| name.get_ref().clone()).collect()
}

/// Metrics whose targets are judged.
pub(crate) fn targets(typed: &ProfileSpec) -> Option<Vec<String>> {
    let names = typed.targets.as_ref()?.iter();
    Some(names.map(|name| name.get_ref().clone()).collect())
}

/// Threshold with this name.
pub(crate) fn limit_named(
    typed: &Spanned<String>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<ThresholdKind> {
    let name = typed.get_ref();
    let known = ThresholdKind::ALL
        .into_iter()
        .find(|limit| limit.name() == name);
    if known.is_none() {
        diagnostics.push(
            Diagnostic::new(format!("unknown threshold `{name}`"))
                .at(typed.span(), "here")
                .help("write \"critical\", \"acceptable\" or \"target\""),
        );
    }
    known
}

/// A weight of 0 or more; 1 unless it is set.
pub(crate) fn weight(typed: Option<&Spanned<f64>>, diagnostics: &mut Vec<Diagnostic>) -> f64 {
    let Some(weight) = typed else { return 1.0 };
    if !(weight.get_ref().is_finite() && *weight.get_ref() >= 0.0) {
        let diagnostic = Diagnostic::new(format!(
            "invalid weight {}: must be 0 or more",
            weight.get_ref()
        ))
        .at(weight.span(), "here");
        if !diagnostics.contains(&diagnostic) {
            diagnostics.push(diagnostic);
        }
    }
    *weight.get_ref()
}
