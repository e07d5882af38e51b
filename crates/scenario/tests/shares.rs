//! The planned share of the requests of each name.

use brunt_scenario::{Overrides, Plan, Scenario};

#[test]
fn planned_shares_follow_weights_waits_and_steps() {
    let text = "
        [[setup]]
        post = \"/seed\"
        [users.u]
        wait = \"1s\"
        [[users.u.tasks]]
        weight = 3
        get = \"/list\"
        [[users.u.tasks]]
        weight = 1
        steps = [{ get = \"/item\" }, { post = \"/buy\" }]
        [profiles.p]
        users = 10
        duration = \"10s\"
    ";
    let scenario = Scenario::read("test.toml", text)
        .unwrap_or_else(|error| panic!("{:?}\n{text}", miette::Report::new(error)));
    let plan = Plan::new(&scenario, "p", &Overrides::default(), &[]).expect("the profile is there");
    let names = plan.names.iter().map(|name| name.name.as_str());
    let mut shares: Vec<(&str, Option<f64>)> = names.zip(plan.planned_shares()).collect();
    shares.sort_by_key(|(name, _)| *name);
    // Of four tasks three make one request and one makes two.
    let wanted = [
        ("/buy", Some(0.2)),
        ("/item", Some(0.2)),
        ("/list", Some(0.6)),
        ("/seed", None),
    ];
    for ((name, share), (wanted_name, wanted)) in shares.iter().zip(wanted) {
        assert_eq!(*name, wanted_name);
        let apart = share.unwrap_or(-1.0) - wanted.unwrap_or(-1.0);
        assert!(apart.abs() < 1e-9, "{name}: {share:?}");
    }
    assert_eq!(shares.len(), 4);
}
