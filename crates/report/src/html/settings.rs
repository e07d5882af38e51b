//! Settings: scenario, network, brunt, machine, and the end of the run.

use brunt_record::RunRecord;
use maud::{Markup, html as markup};

use crate::Judged;
use crate::wording::{began, end_of, plan};

pub(super) fn settings(run: &Judged) -> Markup {
    let record = run.record;
    let parts = [
        ("The run", rows_of_run(record)),
        ("Network", rows_of_network(record)),
        ("brunt and its machine", rows_of_machine(record)),
    ];
    markup! {
        div.settings { @for (title, rows) in parts {
            div {
                h3 { (title) }
                dl { @for (name, value) in rows { div { dt { (name) } dd { (value) } } } }
            }
        } }
        @if let Some(scenario) = &record.header.scenario {
            details.behind {
                summary { "The scenario, without secrets" }
                div.scroll { pre { code { (scenario) } } }
            }
        }
    }
}

fn rows_of_run(record: &RunRecord) -> Vec<(&'static str, String)> {
    let header = &record.header;
    let classes = header
        .classes
        .iter()
        .map(|(name, share)| format!("{name} {:.0} %", share * 100.0));
    let length = format!(
        "{:.1} s of {:.1} s planned",
        record.duration_s(),
        header.load.duration_s()
    );
    let scenario = format!("{} (hash {})", header.scenario_file, header.scenario_hash);
    let mut rows = vec![
        ("Run", header.run_id.clone()),
        ("Profile", header.profile.clone()),
        ("Scenario", scenario),
        ("Load", plan(&header.load)),
        ("Users", classes.collect::<Vec<_>>().join(" · ")),
        ("Seed", header.seed.to_string()),
        ("Started", began(record)),
        ("Duration", length),
        ("End", end_of(record)),
    ];
    let names = [("Label", &header.label), ("Commit", &header.commit)];
    let names = names.into_iter();
    rows.extend(names.filter_map(|(name, value)| Some((name, value.clone()?))));
    rows
}

/// Network settings.
fn rows_of_network(record: &RunRecord) -> Vec<(&'static str, String)> {
    let generator = &record.header.generator;
    let mut connections = generator.connections.clone();
    if !generator.local_addresses.is_empty() {
        connections += &format!(", from {}", generator.local_addresses.join(", "));
    }
    let first_byte = generator
        .first_byte_timeout_s
        .map_or(String::new(), |seconds| format!("first byte {seconds} s, "));
    let timeouts = format!(
        "connect {} s, TLS {} s, {first_byte}total {} s, stop {} s",
        generator.connect_timeout_s,
        generator.tls_timeout_s,
        generator.timeout_s,
        generator.stop_timeout_s
    );
    let mut rows = vec![
        ("Host", record.header.hosts_text()),
        ("Addresses", generator.addresses.join(", ")),
        ("Connections", connections),
        ("Timeouts", timeouts),
    ];
    if generator.insecure {
        rows.push(("TLS", "certificates were not verified".to_owned()));
    }
    rows
}

fn rows_of_machine(record: &RunRecord) -> Vec<(&'static str, String)> {
    let (generator, machine) = (&record.header.generator, &record.header.machine);
    let unknown = || "unknown".to_owned();
    let list = |cores: &[u32]| {
        cores
            .iter()
            .map(u32::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let placement = if generator.cores.is_empty() {
        String::new()
    } else {
        let (own, agent) = (list(&generator.cores), list(&generator.target_cores));
        format!(", on core {own}; the agent on core {agent}")
    };
    let processes = match generator.processes {
        0 | 1 => String::new(),
        many => format!(" in {many} processes"),
    };
    let precise = if generator.busy_wait {
        ", busy-waiting for the last 100 µs of a wait"
    } else {
        ""
    };
    let cores = machine
        .cores
        .map_or_else(unknown, |cores| cores.to_string());
    let memory = machine
        .memory_bytes
        .map(|bytes| format!("{:.1} GB", bytes as f64 / 1e9));
    let additional = generator.additional_targets.iter();
    let additional: Vec<String> = additional
        .map(|one| format!("{}: {}", one.name, one.description))
        .collect();
    vec![
        (
            "Watched",
            generator
                .watched
                .clone()
                .unwrap_or_else(|| "nothing".to_owned()),
        ),
        (
            "In parallel",
            if additional.is_empty() {
                "nothing".to_owned()
            } else {
                additional.join("; ")
            },
        ),
        (
            "Threads",
            format!("{}{processes}{placement}{precise}", generator.threads),
        ),
        (
            "Processor",
            machine.cpu_model.clone().unwrap_or_else(unknown),
        ),
        (
            "Cores, memory",
            format!("{cores}, {}", memory.unwrap_or_else(unknown)),
        ),
        ("System", machine.system.clone().unwrap_or_else(unknown)),
        ("brunt", record.header.brunt_version.clone()),
    ]
}
