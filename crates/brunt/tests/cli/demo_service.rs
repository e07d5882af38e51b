//! Runs of the shipped scenario with the embedded agent: verdict and files.

use serde_json::Value;

use crate::brunt::Brunt;

fn row<'a>(summary: &'a Value, metric: &str) -> &'a Value {
    let rows = summary["targets"].as_array().expect("targets");
    rows.iter()
        .find(|row| row["metric"] == metric)
        .unwrap_or_else(|| panic!("{metric}"))
}

#[test]
fn shipped_scenario_judges_every_target_and_writes_all_files() {
    let brunt = Brunt::new(&[
        "run", "load", "-u", "60", "-t", "5s", "--out", "out", "--seed", "1",
    ])
    .shipped();
    let ended = brunt.run();
    // Other tests may load the machine, so the grades are not asserted.
    assert!(matches!(ended.code, Some(0 | 1 | 3 | 5)), "{ended:?}");
    let summary = brunt.summary();
    assert_eq!(summary["schema"], 1);
    assert_eq!(summary["stopped_by"], "finished");
    assert_eq!(summary["total"]["failures"], 0, "{:?}", summary["requests"]);
    assert!(summary["total"]["requests"].as_u64() > Some(200));
    let metrics = ["p50", "p95", "p99", "error_rate", "cpu", "memory"];
    for metric in metrics {
        assert!(
            row(&summary, metric)["value"].is_number(),
            "{metric}: {}",
            row(&summary, metric)
        );
        assert!(ended.stdout.contains(metric), "{metric} is shown");
    }
    let names = summary["requests"].as_array().expect("requests");
    assert_eq!(names.iter().filter(|name| name["setup"] == true).count(), 2);
    assert_eq!(
        names.iter().filter(|name| name["setup"] == false).count(),
        10
    );
    for file in [
        "record.brunt",
        "requests.csv",
        "timeline.csv",
        "failures.csv",
        "resources.csv",
        "report.html",
    ] {
        let size = std::fs::metadata(brunt.path("out").join(file)).map(|file| file.len());
        assert!(size.is_ok_and(|size| size > 50), "{file}");
    }
    for resource in ["target", "generator"] {
        assert!(
            summary["resources"][resource]["memory_mb"]["max"].as_f64() > Some(1.0),
            "{resource}"
        );
    }
}

#[test]
fn throughput_target_above_the_offered_load_is_inconclusive() {
    let small = "[profiles.small]\nusers = 10\nduration = \"5m\"\n\n[targets]";
    let scenario = include_str!("../../../../brunt.toml").replacen("[targets]", small, 1);
    let brunt = Brunt::new(&["run", "small", "-t", "3s", "--out", "out"]).scenario(&scenario);
    let ended = brunt.run();
    let warning =
        "warning: throughput cannot be decided: over 100 req/s needs an offered load of 110 req/s";
    assert!(ended.stderr.contains(warning), "{ended:?}");
    let summary = brunt.summary();
    let throughput = row(&summary, "throughput");
    assert_eq!(throughput["grade"], "inconclusive");
    // 18.3 req/s from the think times, plus the first task of each user.
    let reason = throughput["reason"].as_str().expect("a reason");
    assert!(reason.contains("the load offered 21."), "{reason}");
}

#[test]
fn run_without_out_is_written_under_performance() {
    let brunt = Brunt::new(&["run", "load", "-t", "1s", "-u", "5", "--classes", "burst"]).shipped();
    brunt.run();
    let run = std::fs::read_dir(brunt.path("performance/results"))
        .expect("results")
        .next();
    let run = run
        .expect("a run")
        .expect("a directory")
        .file_name()
        .into_string()
        .expect("a name");
    assert!(run.ends_with("-load"), "{run}");
    assert!(
        brunt
            .path(&format!("performance/reports/{run}.html"))
            .exists()
    );
}

#[test]
fn run_of_all_profiles_writes_one_common_report() {
    let brunt = Brunt::new(&["run", "all", "-t", "1s", "--out", "out"]).shipped();
    let ended = brunt.run();
    for profile in ["load", "stress", "spike", "endurance"] {
        assert!(
            brunt
                .path("out")
                .join(profile)
                .join("summary.json")
                .exists(),
            "{ended:?}"
        );
    }
    let page = std::fs::read_to_string(brunt.path("out/report.html")).expect("a page");
    assert!(
        ["load", "stress", "spike", "endurance"]
            .iter()
            .all(|profile| page.contains(profile))
    );
}
