//! What other classes are offered beside a profile: users beside arrivals, for as long.

use std::time::Duration;

use toml::Spanned;

use super::Profile;
use crate::problem::Problem;
use crate::spec::ProfileSpec;

/// What is offered beside a profile of a length; what is wrong with it goes to the problems.
pub(super) fn resolve(
    typed: &ProfileSpec,
    length: Duration,
    problems: &mut Vec<Problem>,
) -> Vec<Profile> {
    let beside = typed.beside.as_deref().unwrap_or_default();
    let mut taken = classes_of(typed);
    let first = beside.first().map(Spanned::span);
    if let Some(place) = first.filter(|_| taken.is_empty()) {
        problems.push(
            Problem::new("it is not said which classes the profile itself is of")
                .at(place, "since this is beside it")
                .help("write users_of = [\"…\"] in the profile and in what is beside it"),
        );
    }
    let mut profiles = Vec::new();
    for one in beside {
        let known = problems.len();
        refuse_strange_keys(one, problems);
        let own = classes_of(one.get_ref());
        if own.is_empty() {
            problems.push(
                Problem::new("it is not said which classes this is of")
                    .at(one.span(), "here")
                    .help("write users_of = [\"…\"]"),
            );
        }
        for class in own {
            if taken.contains(&class) {
                problems.push(
                    Problem::new(format!("the class `{}` has two loads", class.get_ref()))
                        .at(class.span(), "and another beside this one")
                        .help("name each class once, in the profile or in what is beside it"),
                );
            }
            taken.push(class);
        }
        if problems.len() == known {
            profiles.extend(of_length(one, length, problems));
        }
    }
    profiles
}

fn classes_of(typed: &ProfileSpec) -> Vec<&Spanned<String>> {
    typed.users_of.iter().flatten().collect()
}

/// It is a load and no more.
fn refuse_strange_keys(one: &Spanned<ProfileSpec>, problems: &mut Vec<Problem>) {
    let typed = one.get_ref();
    let strange = [
        ("search", typed.search.is_some()),
        ("targets", typed.targets.is_some()),
        ("warm_up", typed.warm_up.is_some()),
        ("iterations", typed.iterations.is_some()),
        ("beside", typed.beside.is_some()),
    ];
    for (key, _) in strange.into_iter().filter(|(_, is_given)| *is_given) {
        problems.push(
            Problem::new(format!("what is beside a profile has no {key}"))
                .at(one.span(), "here")
                .help("write it in the profile itself"),
        );
    }
}

/// A load that lasts as long as the profile it is beside.
fn of_length(
    one: &Spanned<ProfileSpec>,
    length: Duration,
    problems: &mut Vec<Problem>,
) -> Option<Profile> {
    let mut typed = one.get_ref().clone();
    if typed.duration.is_none() && typed.stages.is_none() {
        typed.duration = Some(Spanned::new(
            one.span(),
            format!("{}ms", length.as_millis()),
        ));
    }
    let profile = super::resolve(&Spanned::new(one.span(), typed), problems)?;
    if profile.duration() != length {
        problems.push(
            Problem::new("what is beside a profile lasts as long as the profile")
                .at(
                    one.span(),
                    format!(
                        "this lasts {}",
                        crate::duration_in_words(profile.duration())
                    ),
                )
                .help(format!(
                    "the profile lasts {}",
                    crate::duration_in_words(length)
                )),
        );
        return None;
    }
    Some(profile)
}
