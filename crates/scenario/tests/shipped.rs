//! The scenario that ships with brunt matches the Application Agent's page.

use brunt_scenario::{Host, Overrides, Plan, Scenario};

fn shipped() -> Scenario {
    let text = include_str!("../../../brunt.toml");
    Scenario::read("brunt.toml", text).expect("the shipped scenario")
}

#[test]
fn ten_tasks_have_their_weights() {
    let scenario = shipped();
    assert_eq!(scenario.host, Some(Host::Embedded));
    let weights = [10.0, 5.0, 3.0, 3.0, 3.0, 2.0, 2.0, 2.0, 1.0, 1.0];
    for class in &scenario.classes {
        let found: Vec<f64> = class.tasks.iter().map(|task| task.weight).collect();
        assert_eq!(found, weights, "{}", class.name);
    }
    assert_eq!(scenario.setup.len(), 6);
    assert_eq!(scenario.targets.len(), 7);
}

#[test]
fn ten_users_offer_about_eighteen_requests_a_second() {
    let plan = Plan::new(&shipped(), "load", &Overrides::default(), &[]).unwrap();
    let offered = plan.load.offered_rps(300.0).unwrap();
    assert!((18.0..18.4).contains(&offered), "{offered}");
    let classes: Vec<usize> = (0..9)
        .map(|user| plan.class_mixes[0].class_of(user))
        .collect();
    for class in 0..3 {
        assert_eq!(classes.iter().filter(|found| **found == class).count(), 3);
    }
}

#[test]
fn each_profile_has_its_length_and_users() {
    let scenario = shipped();
    let expected = [
        ("load", 300, 10.0),
        ("stress", 600, 10.0),
        ("spike", 300, 100.0),
        ("endurance", 1800, 20.0),
    ];
    assert_eq!(scenario.profiles.len(), expected.len());
    for (name, seconds, users) in expected {
        let profile = &scenario.profiles[name];
        assert_eq!(
            (profile.duration().as_secs(), profile.level_max()),
            (seconds, users),
            "{name}"
        );
        assert_eq!(profile.search.is_some(), name == "stress", "{name}");
    }
}

#[test]
fn resolved_text_has_the_same_hash() {
    let scenario = shipped();
    let again = Scenario::read("resolved.toml", &scenario.resolved).expect("a scenario");
    assert_eq!(again.hash, scenario.hash);
    assert_eq!(again.resolved, scenario.resolved);
}
