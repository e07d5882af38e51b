//! Warnings about targets that a plan cannot decide, before its load starts.

use brunt_record::Target;
use brunt_scenario::Plan;
use brunt_verdict::grading::decidability::{PlannedLoad, Portion};

/// Returns a warning for each target that cannot be shown to be met under the load of a plan.
pub(crate) fn warnings(plan: &Plan, is_watched: bool) -> Vec<String> {
    let planned = PlannedLoad {
        load: &plan.load,
        min_duration_s: plan.min_duration.map(|duration| duration.as_secs_f64()),
        is_watched,
    };
    let not_requested = plan.not_requested();
    let portion_of = |target: &Target| {
        let Some(names) = &target.scope else {
            return Portion::Share(1.0);
        };
        if names.ids().iter().all(|name| not_requested.contains(name)) {
            return Portion::Nothing;
        }
        let shares = names.ids().iter().map(|name| plan.share_of(*name));
        let share: Option<f64> = shares.sum();
        share.map_or(Portion::Unknown, Portion::Share)
    };
    planned.warnings(&plan.targets, &plan.names, portion_of)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use brunt_scenario::{Overrides, Scenario};

    use super::*;
    use crate::system::environment::SystemEnvironment;

    #[test]
    fn shipped_profiles_have_no_undecidable_target() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = std::fs::read_dir(root.join("../../scenarios")).unwrap();
        let examples = folder.map(|file| file.unwrap().path());
        let examples =
            examples.filter(|path| path.extension().is_some_and(|ending| ending == "toml"));
        let mut files: Vec<PathBuf> = examples.collect();
        assert!(files.len() >= 8, "{files:?}");
        files.push(root.join("../../brunt.toml"));
        files.push(root.join("src/commands/starter.toml"));
        let mut found = Vec::new();
        for file in files {
            let name = file.display().to_string();
            let text = std::fs::read_to_string(&file).unwrap();
            let scenario = Scenario::read_in(&name, &text, &SystemEnvironment).unwrap();
            for profile in scenario.profiles.keys() {
                let plan = Plan::new(&scenario, profile, &Overrides::default(), &[]).unwrap();
                // Whether a process is monitored depends on the command line; assume that one is.
                let warnings = warnings(&plan, true).into_iter();
                found.extend(warnings.map(|warning| format!("{name} {profile}: {warning}")));
            }
        }
        assert_eq!(found, Vec::<String>::new());
    }
}
