//! Warnings about valid but doubtful scenarios.

use brunt_scenario::Scenario;

fn warnings(tasks: &str) -> Vec<String> {
    let text = format!("[users.u]\n{tasks}\n[profiles.load]\nusers = 1\nduration = \"1s\"\n");
    Scenario::read("brunt.toml", &text)
        .expect("a scenario")
        .warnings()
}

fn tasks(count: usize) -> String {
    let task = |number| format!("[[users.u.tasks]]\nget = \"/{number}\"\n");
    (0..count).map(task).collect()
}

#[test]
fn more_than_200_names_cause_a_warning() {
    assert!(warnings(&tasks(200)).is_empty());
    let warnings = warnings(&tasks(201));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("201 names"), "{warnings:?}");
}

#[test]
fn task_without_weight_causes_a_warning() {
    let list = "tasks = [{ weight = 0, get = \"/never\" }, { get = \"/b\" }]";
    let warnings = warnings(&format!(
        "[[users.u.tasks]]\n{list}\n[[users.u.tasks]]\norder = \"sequence\"\n{}",
        list.replace("never", "in-a-sequence")
    ));
    assert_eq!(
        warnings,
        ["a task of `u`, /never, has weight 0 and never runs"]
    );
}
