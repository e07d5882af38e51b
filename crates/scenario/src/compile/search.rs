//! Compiles searches for the level at which a service breaks.

use brunt_record::{Search, ThresholdKind};

use crate::compile::keys::{arrival_process, classes, limit_named, rate_of, targets};
use crate::model::profile::{OpenProfile, Profile, ProfileStage, Ramp, SEARCH_FROM};
use crate::source::diagnostic::Diagnostic;
use crate::source::units;
use crate::source::units::positive_duration;
use crate::spec::{ProfileSpec, SearchSpec, Spanned};

/// Default precision.
const PRECISION: f64 = 0.05;

/// Compiles a profile with a search.
pub(crate) fn resolve(
    spec: &Spanned<ProfileSpec>,
    search: &Spanned<SearchSpec>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Profile> {
    let (profile, known) = (spec.get_ref(), diagnostics.len());
    let is_open = is_open(search.get_ref(), diagnostics);
    reject_fixed_levels(profile, is_open, diagnostics);
    let duration = match &profile.duration {
        Some(typed) => positive_duration(typed),
        None => Err(Diagnostic::new("a search needs a duration")
            .at(search.span(), "here")
            .help("add duration = \"10m\" to the profile")),
    };
    let duration = duration.map_err(|diagnostic| diagnostics.push(diagnostic));
    let read = read(search, diagnostics);
    let arrival_process = arrival_process(profile.arrivals.as_ref(), diagnostics);
    if diagnostics.len() > known {
        return None;
    }
    let read = read?;
    Some(Profile {
        stages: vec![ProfileStage {
            level: read.from,
            ramp: Ramp::AtOnce,
            duration: duration.ok()?,
        }],
        open: is_open.then(|| OpenProfile {
            arrival_process,
            users: profile.users.as_ref().map(|users| *users.get_ref()),
        }),
        search: Some(read),
        classes: classes(profile),
        targets: targets(profile),
        warm_up: None,
        iterations: None,
        concurrent: Vec::new(),
    })
}

/// Whether the search is over arrivals.
fn is_open(typed: &SearchSpec, diagnostics: &mut Vec<Diagnostic>) -> bool {
    match typed.by.as_ref().map(|by| (by, by.get_ref().as_str())) {
        None | Some((_, "arrivals")) => true,
        Some((_, "users")) => false,
        Some((by, other)) => {
            diagnostics.push(
                Diagnostic::new(format!("unknown search quantity `{other}`"))
                    .at(by.span(), "here")
                    .help("write \"arrivals\" or \"users\""),
            );
            true
        }
    }
}

/// Rejects levels outside the search.
fn reject_fixed_levels(profile: &ProfileSpec, is_open: bool, diagnostics: &mut Vec<Diagnostic>) {
    let users = profile.users.as_ref().filter(|_| !is_open);
    let arrivals = profile.arrivals.as_ref().filter(|_| !is_open);
    let places = [
        profile
            .stages
            .as_ref()
            .and_then(|all| Some(all.first()?.span())),
        profile.rate.as_ref().map(Spanned::span),
        profile.spawn_rate.as_ref().map(Spanned::span),
        users.map(Spanned::span),
        arrivals.map(Spanned::span),
        profile
            .users
            .as_ref()
            .filter(|users| *users.get_ref() == 0)
            .map(Spanned::span),
    ];
    if let Some(place) = places.into_iter().flatten().next() {
        diagnostics.push(
            Diagnostic::new("a profile with a search cannot set levels")
                .at(place, "here")
                .help("remove it; `from` and `to` of the search are its bounds, and `users` is the pool of a search over arrivals"),
        );
    }
}

fn read(search: &Spanned<SearchSpec>, diagnostics: &mut Vec<Diagnostic>) -> Option<Search> {
    let typed = search.get_ref();
    let mut level = |typed: &Option<_>| {
        let read = typed.as_ref().map(rate_of).transpose();
        read.map_err(|diagnostic| diagnostics.push(diagnostic)).ok()
    };
    let (from, to) = (level(&typed.from)?, level(&typed.to)?);
    let from = from.unwrap_or_else(|| to.map_or(SEARCH_FROM, |to: f64| SEARCH_FROM.min(to)));
    if from <= 0.0 || to.is_some_and(|to| to < from) {
        diagnostics.push(
            Diagnostic::new("invalid bounds of a search: `from` must be above 0 and at most `to`")
                .at(search.span(), "here")
                .help("write them like search = { from = 10, to = 5000 }"),
        );
    }
    let limit = typed.breaks_at.as_ref();
    let limit = limit.map_or(Some(ThresholdKind::Critical), |typed| {
        limit_named(typed, diagnostics)
    });
    let precision = typed.precision.as_ref().map(|typed| {
        let read = units::percent(typed.get_ref());
        let read = read.filter(|percent| (0.1..=100.0).contains(percent));
        if read.is_none() {
            diagnostics.push(
                Diagnostic::new(format!(
                    "invalid precision `{}`: must be from 0.1% to 100%",
                    typed.get_ref()
                ))
                .at(typed.span(), "here"),
            );
        }
        read.unwrap_or(PRECISION * 100.0) / 100.0
    });
    Some(Search {
        from,
        to,
        breaks_at: limit.unwrap_or(ThresholdKind::Critical),
        precision: precision.unwrap_or(PRECISION),
    })
}
