//! Loads of other classes that run concurrently with a profile, and as long as it.

use std::time::Duration;

use toml::Spanned;

use super::Profile;
use crate::problem::Problem;
use crate::spec::ProfileSpec;

/// Resolves the concurrent loads of a profile of this length.
pub(super) fn resolve(
    typed: &ProfileSpec,
    length: Duration,
    problems: &mut Vec<Problem>,
) -> Vec<Profile> {
    let concurrent = typed.concurrent.as_deref().unwrap_or_default();
    let mut taken = classes_of(typed);
    let first = concurrent.first().map(Spanned::span);
    if let Some(place) = first.filter(|_| taken.is_empty()) {
        problems.push(
            Problem::new("the profile with concurrent loads names no classes of its own")
                .at(place, "this load is concurrent with it")
                .help("write users_of = [\"…\"] in the profile and in each concurrent load"),
        );
    }
    let mut profiles = Vec::new();
    for one in concurrent {
        let known = problems.len();
        refuse_strange_keys(one, problems);
        let own = classes_of(one.get_ref());
        if own.is_empty() {
            problems.push(
                Problem::new("a concurrent load names no classes")
                    .at(one.span(), "here")
                    .help("write users_of = [\"…\"]"),
            );
        }
        for class in own {
            if taken.contains(&class) {
                problems.push(
                    Problem::new(format!("the class `{}` has two loads", class.get_ref()))
                        .at(class.span(), "the other is in this profile too")
                        .help("name each class once, in the profile or in one concurrent load"),
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

/// Rejects keys that only the profile itself may have.
fn refuse_strange_keys(one: &Spanned<ProfileSpec>, problems: &mut Vec<Problem>) {
    let typed = one.get_ref();
    let strange = [
        ("search", typed.search.is_some()),
        ("targets", typed.targets.is_some()),
        ("warm_up", typed.warm_up.is_some()),
        ("iterations", typed.iterations.is_some()),
        ("concurrent", typed.concurrent.is_some()),
    ];
    for (key, _) in strange.into_iter().filter(|(_, is_given)| *is_given) {
        problems.push(
            Problem::new(format!("a concurrent load cannot have `{key}`"))
                .at(one.span(), "here")
                .help("write it in the profile itself"),
        );
    }
}

/// A load that lasts as long as its profile.
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
            Problem::new("a concurrent load must last as long as its profile")
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
