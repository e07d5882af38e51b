//! Compiles profiles.

use std::time::Duration;

use indexmap::IndexMap;

use crate::compile::keys::{arrival_process, classes, rate_of, targets};
use crate::compile::search;
use crate::model::profile::{OpenProfile, Profile, ProfileStage, Ramp};
use crate::source::diagnostic::{Diagnostic, suggestion};
use crate::source::units;
use crate::source::units::positive_duration;
use crate::spec::{ProfileSpec, Spanned, Spec, StageSpec};

/// Resolves all profiles.
pub(crate) fn resolve_all(
    spec: &Spec,
    diagnostics: &mut Vec<Diagnostic>,
) -> IndexMap<String, Profile> {
    let mut profiles = IndexMap::new();
    for (name, typed) in &spec.profiles {
        if name.get_ref() == "all" {
            diagnostics.push(
                Diagnostic::new("invalid profile name `all`")
                    .at(name.span(), "here")
                    .help("`brunt run all` runs every profile; choose another name"),
            );
        }
        let known = |class: &str| spec.users.keys().any(|known| known.get_ref() == class);
        let concurrent = typed.get_ref().concurrent.iter().flatten();
        let of_concurrent = concurrent.flat_map(|one| one.get_ref().classes.iter().flatten());
        for class in typed
            .get_ref()
            .classes
            .iter()
            .flatten()
            .chain(of_concurrent)
        {
            if !known(class.get_ref()) {
                let names = spec.users.keys().map(|name| name.get_ref().as_str());
                diagnostics.push(
                    Diagnostic::new(format!("unknown user class `{}`", class.get_ref()))
                        .at(class.span(), "here")
                        .help(suggestion(class.get_ref(), names)),
                );
            }
        }
        for metric in typed.get_ref().targets.iter().flatten() {
            let has = |name: &str| name == metric.get_ref().as_str();
            let all = [
                &spec.request_targets,
                &spec.group_targets,
                &spec.metric_targets,
            ];
            let named = all.into_iter().flat_map(|named| named.values().flatten());
            let mut known = spec
                .targets
                .iter()
                .chain(named)
                .map(|(name, _)| name.get_ref().as_str());
            if !known.any(has) {
                diagnostics.push(
                    Diagnostic::new(format!("no target for metric `{}`", metric.get_ref()))
                        .at(metric.span(), "here")
                        .help(suggestion(
                            metric.get_ref(),
                            spec.targets.keys().map(|name| name.get_ref().as_str()),
                        )),
                );
            }
        }
        if let Some(profile) = resolve(typed, diagnostics) {
            profiles.insert(name.get_ref().clone(), profile);
        }
    }
    profiles
}

/// Compiles a profile. Errors go to the diagnostics.
pub(crate) fn resolve(
    spec: &Spanned<ProfileSpec>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Profile> {
    let typed = spec.get_ref();
    if let Some(search) = &typed.search {
        return search::resolve(spec, search, diagnostics);
    }
    let classes = classes(typed);
    let is_open = typed.rate.is_some()
        || typed
            .stages
            .iter()
            .flatten()
            .any(|stage| stage.get_ref().rate.is_some());
    let single = |duration: &Spanned<String>| StageSpec {
        users: typed.users.clone().filter(|_| !is_open),
        spawn_rate: None,
        rate: typed.rate.clone(),
        ramp: None,
        ramp_steps: None,
        duration: duration.clone(),
    };
    let has_level = typed.users.is_some() || typed.rate.is_some();
    let stages = match (&typed.duration, &typed.stages) {
        (Some(duration), None) if has_level => vec![single(duration)],
        (None, Some(stages)) if !stages.is_empty() && typed.rate.is_none() => {
            stages.iter().map(|stage| stage.get_ref().clone()).collect()
        }
        _ => {
            diagnostics.push(
                Diagnostic::new("a profile needs users or a rate with a duration, stages, or a search")
                    .at(spec.span(), "in this profile")
                    .help("write users = 10 or rate = \"50/s\" with duration = \"5m\", stages = [{ users = 10, duration = \"5m\" }, …], or search = {} with duration = \"10m\""),
            );
            return None;
        }
    };
    let known = diagnostics.len();
    let open = is_open.then(|| OpenProfile {
        arrival_process: arrival_process(typed.arrivals.as_ref(), diagnostics),
        users: typed.users.as_ref().map(|users| *users.get_ref()),
    });
    reject_arrivals_without_rate(typed, is_open, diagnostics);
    let common = typed.spawn_rate.as_ref();
    let stages: Vec<ProfileStage> = stages
        .iter()
        .filter_map(|stage| resolve_stage(stage, is_open, common, &spec.span(), diagnostics))
        .collect();
    let least = if is_open { f64::MIN_POSITIVE } else { 1.0 };
    let empty_pool = open.is_some_and(|open| open.users == Some(0));
    if diagnostics.len() == known && (empty_pool || stages.iter().all(|stage| stage.level < least))
    {
        diagnostics.push(
            Diagnostic::new("a profile never has any users")
                .at(spec.span(), "in this profile")
                .help("give a stage at least one user, or a rate above 0"),
        );
    }
    let length: Duration = stages.iter().map(|stage| stage.duration).sum();
    let warm_up = warm_up(typed, length, diagnostics);
    let iterations = iterations(typed, is_open, diagnostics);
    let concurrent = concurrent_loads(typed, length, diagnostics);
    (diagnostics.len() == known).then_some(Profile {
        stages,
        warm_up,
        iterations,
        concurrent,
        open,
        search: None,
        classes,
        targets: targets(typed),
    })
}

fn reject_arrivals_without_rate(
    typed: &ProfileSpec,
    is_open: bool,
    diagnostics: &mut Vec<Diagnostic>,
) {
    if let Some(arrivals) = typed.arrivals.as_ref().filter(|_| !is_open) {
        let help = "add a rate, like rate = \"50/s\", or remove `arrivals`";
        diagnostics.push(
            Diagnostic::new("`arrivals` without a rate")
                .at(arrivals.span(), "here")
                .help(help),
        );
    }
}

/// Time at the beginning that is not judged.
pub(crate) fn warm_up(
    typed: &ProfileSpec,
    length: Duration,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Duration> {
    let text = typed.warm_up.as_ref()?;
    match positive_duration(text) {
        Ok(warm_up) if warm_up < length => Some(warm_up),
        Ok(_) => {
            diagnostics.push(
                Diagnostic::new("invalid warm-up: must be shorter than the profile")
                    .at(text.span(), "here")
                    .help("the warm-up is part of the profile's duration, and is not judged"),
            );
            None
        }
        Err(diagnostic) => {
            diagnostics.push(diagnostic);
            None
        }
    }
}

fn iterations(
    typed: &ProfileSpec,
    is_open: bool,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<u64> {
    let iterations = typed.iterations.as_ref()?;
    if is_open || *iterations.get_ref() == 0 {
        diagnostics.push(
            Diagnostic::new("invalid `iterations`: must be above 0, in a profile of users")
                .at(iterations.span(), "here")
                .help("remove it, or write the total number of tasks for all users of a closed profile"),
        );
        return None;
    }
    Some(*iterations.get_ref())
}

fn resolve_stage(
    stage: &StageSpec,
    is_open: bool,
    common_rate: Option<&Spanned<f64>>,
    profile: &std::ops::Range<usize>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<ProfileStage> {
    let duration =
        positive_duration(&stage.duration).map_err(|diagnostic| diagnostics.push(diagnostic));
    let level = level(stage, is_open, profile).map_err(|diagnostic| diagnostics.push(diagnostic));
    let spawn_rate = stage.spawn_rate.as_ref().or(common_rate);
    reject_steps_without_ramp(stage, spawn_rate.is_some(), diagnostics);
    if let Some(rate) =
        spawn_rate.filter(|rate| !(rate.get_ref().is_finite() && *rate.get_ref() > 0.0))
    {
        let diagnostic = Diagnostic::new(format!(
            "invalid spawn rate {}: must be above 0",
            rate.get_ref()
        ))
        .at(rate.span(), "here")
        .help("write users per second, or remove it to start all users at once");
        if !diagnostics.contains(&diagnostic) {
            diagnostics.push(diagnostic);
        }
        return None;
    }
    let ramp = match (spawn_rate, &stage.ramp) {
        (None, None) => Ramp::AtOnce,
        (Some(rate), None) if !is_open => Ramp::Rate(*rate.get_ref()),
        (None, Some(ramp)) => match positive_duration(ramp) {
            Ok(ramp) => match &stage.ramp_steps {
                None => Ramp::Linear(ramp),
                Some(steps) if *steps.get_ref() > 0 => Ramp::Steps(ramp, *steps.get_ref()),
                Some(steps) => {
                    diagnostics.push(
                        Diagnostic::new("invalid `ramp_steps`: must be above 0")
                            .at(steps.span(), "here")
                            .help("remove it for a linear ramp"),
                    );
                    return None;
                }
            },
            Err(diagnostic) => {
                diagnostics.push(diagnostic);
                return None;
            }
        },
        (Some(rate), _) => {
            let help =
                "use ramp = \"30s\" for rates; stages of users have either a ramp or a spawn rate";
            let diagnostic =
                Diagnostic::new("a spawn rate cannot be combined with a rate or a ramp")
                    .at(rate.span(), "here");
            diagnostics.push(diagnostic.help(help));
            return None;
        }
    };
    Some(ProfileStage {
        level: level.ok()?,
        ramp,
        duration: duration.ok()?,
    })
}

fn reject_steps_without_ramp(
    stage: &StageSpec,
    has_spawn_rate: bool,
    diagnostics: &mut Vec<Diagnostic>,
) {
    if let Some(steps) = stage.ramp_steps.as_ref().filter(|_| stage.ramp.is_none()) {
        let help = if has_spawn_rate {
            "write ramp = \"30s\" instead of the spawn rate, or remove `ramp_steps`"
        } else {
            "add a ramp, like ramp = \"30s\", or remove `ramp_steps`"
        };
        diagnostics.push(
            Diagnostic::new("`ramp_steps` without a ramp")
                .at(steps.span(), "here")
                .help(help),
        );
    }
}

/// The level of a stage, in the model of its profile.
fn level(
    stage: &StageSpec,
    is_open: bool,
    profile: &std::ops::Range<usize>,
) -> Result<f64, Diagnostic> {
    match (&stage.users, &stage.rate) {
        (Some(users), None) if !is_open => Ok(f64::from(*users.get_ref())),
        (None, Some(rate)) if is_open => rate_of(rate),
        _ => Err(Diagnostic::new("a profile mixes stages of users and stages of rates")
            .at(profile.clone(), "in this profile")
            .help("write `users` in each stage, or `rate` in each; `users` of an open profile is its pool")),
    }
}

/// Resolves the concurrent loads of a profile of this length.
fn concurrent_loads(
    typed: &ProfileSpec,
    length: Duration,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Profile> {
    let concurrent = typed.concurrent.as_deref().unwrap_or_default();
    let mut taken = classes_of(typed);
    let first = concurrent.first().map(Spanned::span);
    if let Some(place) = first.filter(|_| taken.is_empty()) {
        diagnostics.push(
            Diagnostic::new("a profile with concurrent loads must name its own classes")
                .at(place, "this load is concurrent with it")
                .help("write classes = [\"…\"] in the profile and in each concurrent load"),
        );
    }
    let mut profiles = Vec::new();
    for one in concurrent {
        let known = diagnostics.len();
        reject_unsupported_keys(one, diagnostics);
        let own = classes_of(one.get_ref());
        if own.is_empty() {
            diagnostics.push(
                Diagnostic::new("a concurrent load must name its classes")
                    .at(one.span(), "here")
                    .help("write classes = [\"…\"]"),
            );
        }
        for class in own {
            if taken.contains(&class) {
                diagnostics.push(
                    Diagnostic::new(format!("the class `{}` has two loads", class.get_ref()))
                        .at(class.span(), "this is the second")
                        .help("name each class once, in the profile or in one concurrent load"),
                );
            }
            taken.push(class);
        }
        if diagnostics.len() == known {
            profiles.extend(of_length(one, length, diagnostics));
        }
    }
    profiles
}

fn classes_of(typed: &ProfileSpec) -> Vec<&Spanned<String>> {
    typed.classes.iter().flatten().collect()
}

/// Rejects keys that only the profile itself may have.
fn reject_unsupported_keys(one: &Spanned<ProfileSpec>, diagnostics: &mut Vec<Diagnostic>) {
    let typed = one.get_ref();
    let unsupported = [
        ("search", typed.search.is_some()),
        ("targets", typed.targets.is_some()),
        ("warm_up", typed.warm_up.is_some()),
        ("iterations", typed.iterations.is_some()),
        ("concurrent", typed.concurrent.is_some()),
    ];
    for (key, _) in unsupported.into_iter().filter(|(_, is_given)| *is_given) {
        diagnostics.push(
            Diagnostic::new(format!("a concurrent load cannot have `{key}`"))
                .at(one.span(), "here")
                .help("write it in the profile itself"),
        );
    }
}

/// Compiles a load that lasts as long as its profile.
fn of_length(
    one: &Spanned<ProfileSpec>,
    length: Duration,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Profile> {
    let mut typed = one.get_ref().clone();
    if typed.duration.is_none() && typed.stages.is_none() {
        typed.duration = Some(Spanned::new(
            one.span(),
            format!("{}ms", length.as_millis()),
        ));
    }
    let profile = resolve(&Spanned::new(one.span(), typed), diagnostics)?;
    if profile.duration() != length {
        diagnostics.push(
            Diagnostic::new("a concurrent load must last as long as its profile")
                .at(
                    one.span(),
                    format!(
                        "this lasts {}",
                        units::duration_in_words(profile.duration())
                    ),
                )
                .help(format!(
                    "the profile lasts {}",
                    units::duration_in_words(length)
                )),
        );
        return None;
    }
    Some(profile)
}

#[cfg(test)]
mod tests {
    use brunt_record::LoadStage;

    use super::*;
    use crate::model::profile::Overrides;

    /// Planned load of a profile: the integral of its level, in user-seconds or arrivals.
    fn planned(text: &str) -> (f64, Vec<LoadStage>) {
        let typed: Spanned<ProfileSpec> = toml::from_str::<
            indexmap::IndexMap<String, Spanned<ProfileSpec>>,
        >(&format!("[p]\n{text}"))
        .expect("TOML")
        .swap_remove("p")
        .expect("a profile");
        let mut diagnostics = Vec::new();
        let profile = resolve(&typed, &mut diagnostics);
        assert_eq!(diagnostics, [], "{text}");
        let load = profile.expect("a profile").load(&Overrides::default());
        (load.integral(load.duration_s()), load.stages)
    }

    #[test]
    fn each_kind_of_profile_plans_its_integral() {
        let cases = [
            ("users = 10\nduration = \"60s\"", 600.0),
            (
                "users = 10\nspawn_rate = 2\nduration = \"60s\"",
                25.0 + 550.0,
            ),
            ("rate = \"5/s\"\nduration = \"60s\"", 300.0),
            (
                "rate = \"60/min\"\narrivals = \"constant\"\nduration = \"60s\"",
                60.0,
            ),
            (
                "stages = [{ users = 10, duration = \"60s\" }, { users = 0, ramp = \"20s\", duration = \"20s\" }]",
                600.0 + 100.0,
            ),
            (
                "stages = [{ rate = 10, ramp = \"30s\", duration = \"60s\" }, { rate = 40, duration = \"10s\" }]",
                150.0 + 300.0 + 400.0,
            ),
            // Steps of 2, 4, 6, 8, 10 users for 4 s each.
            (
                "stages = [{ users = 10, ramp = \"20s\", ramp_steps = 5, duration = \"60s\" }]",
                120.0 + 400.0,
            ),
            (
                "stages = [{ users = 10, duration = \"10s\" }, { users = 2, ramp = \"8s\", ramp_steps = 2, duration = \"10s\" }]",
                100.0 + 6.0 * 4.0 + 2.0 * 4.0 + 2.0 * 2.0,
            ),
            ("users = 4\niterations = 100\nduration = \"60s\"", 240.0),
            ("users = 4\nwarm_up = \"10s\"\nduration = \"60s\"", 240.0),
        ];
        for (text, expected) in cases {
            let (integral, stages) = planned(text);
            assert!(
                (integral - expected).abs() < 1e-6,
                "{text}: {integral}, {stages:?}"
            );
        }
    }
}
