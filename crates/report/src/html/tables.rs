//! Tables of the report: targets, requests, failures, settings.

use maud::{Markup, html as markup};
use record::{NameKind, RunRecord, StoppedBy};

use super::pill;
use crate::Judged;
use crate::figures::{self, Figures};
use crate::number;
use crate::terminal::{interval, value, waited};

pub(super) fn targets(run: &Judged) -> Markup {
    let rows = &run.verdict.judgements;
    markup! {
        @if !rows.is_empty() {
            h2 { "Targets" }
            div.scroll { table {
                caption { "What was asked, and what was measured" }
                thead { tr {
                    th scope="col" { "Metric" } th scope="col" { "Measured" } th scope="col" { "95 % interval" } th scope="col" { "Target" }
                    th scope="col" { "Acceptable" } th scope="col" { "Critical" } th scope="col" { "Grade" }
                } }
                tbody { @for row in rows {
                    @let unit = row.unit;
                    @let higher = row.target.metric.is_better_when_higher();
                    @let (met, missed) = if higher { ("> ", "< ") } else { ("< ", "> ") };
                    tr {
                        th scope="row" {
                            (row.target.metric.name())
                            @if let Some(id) = row.target.scope {
                                " of " code { (run.record.header.names[id.index()].name) }
                            }
                        }
                        td.measured { (value(row)) }
                        td { (interval(row)) }
                        (threshold(met, row.target.target, unit))
                        (threshold(met, row.target.acceptable, unit))
                        (threshold(missed, row.target.critical, unit))
                        td { (pill(row.grade.name())) }
                    }
                    @if let Some(reason) = &row.reason {
                        tr.reason { td colspan="7" { (reason) } }
                    }
                } }
            } }
        }
    }
}

fn threshold(sign: &str, value: Option<f64>, unit: &str) -> Markup {
    markup! { td { @if let Some(value) = value { (sign) (number::threshold(value, unit)) } } }
}

pub(super) fn requests(run: &Judged) -> Markup {
    let rows = figures::by_name(run.record);
    let (setup, judged): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.setup);
    let (judged, others): (Vec<_>, Vec<_>) = judged
        .into_iter()
        .partition(|row| row.kind == NameKind::Request);
    markup! {
        h2 { "Requests" }
        p.note {
            "Response time is what a user waits, from when the request was meant to start; service time is what the \
             service took from the first byte sent. Percentiles are of the requests answered well, with those never \
             answered above them all."
        }
        (request_table("By name", &judged, Some(&figures::total(run.record))))
        @if !others.is_empty() {
            h3 { "Groups and metrics" }
            p.note {
                "A group is several steps timed as one, without what they rest; a metric has values of the scenario's own."
            }
            (request_table("What is no request of its own", &others, None))
        }
        @if !setup.is_empty() {
            h3 { "Set-up" }
            (request_table("Made once before the load, and not judged", &setup, None))
        }
    }
}

fn request_table(caption: &str, rows: &[Figures], total: Option<&Figures>) -> Markup {
    markup! {
        div.scroll { table {
            caption { (caption) }
            thead {
                tr {
                    th rowspan="2" scope="col" { "Request" } th rowspan="2" scope="col" { "Requests" }
                    th rowspan="2" scope="col" { "On the wire" } th rowspan="2" scope="col" { "Failed" }
                    th rowspan="2" scope="col" { "req/s" }
                    th.group colspan="5" scope="colgroup" { "Response time" }
                    th.group colspan="2" scope="colgroup" { "Service time" }
                }
                tr {
                    @for name in ["p50", "p95", "p99", "p99.9", "max", "p50", "p99"] { th scope="col" { (name) } }
                }
            }
            tbody { @for figures in rows { (request_row(figures)) } }
            @if let Some(total) = total { tfoot { (request_row(total)) } }
        } }
    }
}

fn request_row(figures: &Figures) -> Markup {
    let ranked = figures.unanswered > 0;
    let response = &figures.response_ms;
    let service = &figures.service_ms;
    markup! {
        tr {
            th scope="row" {
                @if figures.method.is_empty() { "All requests" } @else {
                    span.method { (figures.method) } " " code { (figures.name) }
                }
            }
            td { (number::count(figures.requests)) }
            td { (number::count(figures.wire_requests)) }
            td class=[(figures.failures > 0).then_some("bad")] {
                @if figures.failures > 0 { (number::count(figures.failures)) " · " }
                (figures.error_rate.map_or_else(|| "–".to_owned(), number::percent))
            }
            td { (figures.throughput_rps.map_or_else(|| "–".to_owned(), number::rate)) }
            @for value in [response.p50, response.p95, response.p99, response.p99_9, response.max] {
                td {
                    @if let (NameKind::Metric, Some(value)) = (figures.kind, value) { (number::plain(value)) }
                    @else { (waited(value, ranked)) }
                }
            }
            @for value in [service.p50, service.p99] { td { (waited(value, false)) } }
        }
    }
}

pub(super) fn failures(run: &Judged) -> Markup {
    let mut failures: Vec<_> = run.record.timeline.failures().iter().collect();
    failures.sort_by_key(|failure| std::cmp::Reverse(failure.count));
    let seconds = |ms: u64| format!("{:.1} s", ms as f64 / 1e3);
    markup! {
        @if !failures.is_empty() {
            h2 { "Failures" }
            div.scroll { table {
                caption { "Each way to fail, with one example" }
                thead { tr {
                    th scope="col" { "Request" } th scope="col" { "Failure" } th scope="col" { "Count" }
                    th scope="col" { "First" } th scope="col" { "Last" } th.words scope="col" { "Example" }
                } }
                tbody { @for failure in failures {
                    @let name = &run.record.header.names[failure.name.index()];
                    tr {
                        th scope="row" { span.method { (name.method) } " " code { (name.title()) } }
                        td { (failure.kind.name()) @if failure.code > 0 { " " (failure.code) } }
                        td { (number::count(failure.count)) }
                        td { (seconds(failure.first_ms)) }
                        td { (seconds(failure.last_ms)) }
                        td.words { (number::one_line(failure.example.as_deref().unwrap_or("–"))) }
                    }
                } }
            } }
        }
    }
}

pub(super) fn settings(run: &Judged) -> Markup {
    markup! {
        h2 { "Settings" }
        dl { @for (name, value) in rows_of_settings(run.record) { div { dt { (name) } dd { (value) } } } }
    }
}

fn rows_of_settings(record: &RunRecord) -> Vec<(&'static str, String)> {
    let header = &record.header;
    let classes = header
        .classes
        .iter()
        .map(|(name, share)| format!("{name} {:.0} %", share * 100.0));
    let length = format!(
        "{:.1} s of {:.1} s planned",
        record.duration_s(),
        header.load.seconds()
    );
    let scenario = format!("{} (hash {})", header.scenario_file, header.scenario_hash);
    let mut rows = vec![
        ("Host", header.host.clone()),
        ("Profile", header.profile.clone()),
        ("Scenario", scenario),
        ("Users", classes.collect::<Vec<_>>().join(" · ")),
        ("Seed", header.seed.to_string()),
        ("Began", format!("{:.0} (UTC)", header.started_at)),
        ("Load made", length),
        ("Ended by", ended_by(record)),
    ];
    let names = [("Label", &header.label), ("Commit", &header.commit)];
    let names = names.into_iter();
    rows.extend(names.filter_map(|(name, value)| Some((name, value.clone()?))));
    rows.extend(rows_of_network(record));
    rows.extend(rows_of_machine(record));
    rows
}

/// How the service was reached.
fn rows_of_network(record: &RunRecord) -> Vec<(&'static str, String)> {
    let generator = &record.header.generator;
    let mut connections = generator.connections.clone();
    if !generator.sources.is_empty() {
        connections += &format!(", from {}", generator.sources.join(", "));
    }
    let first_byte = generator
        .first_byte_timeout_s
        .map_or(String::new(), |seconds| format!("first byte {seconds} s, "));
    let timeouts = format!(
        "connect {} s, TLS {} s, {first_byte}whole {} s, stop {} s",
        generator.connect_timeout_s,
        generator.tls_timeout_s,
        generator.timeout_s,
        generator.stop_timeout_s
    );
    let mut rows = vec![
        ("Addresses", generator.addresses.join(", ")),
        ("Connections", connections),
        ("Timeouts", timeouts),
    ];
    if generator.insecure {
        rows.push(("TLS", "certificates were not verified".to_owned()));
    }
    rows
}

fn rows_of_machine(record: &RunRecord) -> [(&'static str, String); 6] {
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
    let cores = machine
        .cores
        .map_or_else(unknown, |cores| cores.to_string());
    let memory = machine
        .memory_bytes
        .map(|bytes| format!("{:.1} GB", bytes as f64 / 1e9));
    [
        (
            "Watched",
            generator
                .watched
                .clone()
                .unwrap_or_else(|| "nothing".to_owned()),
        ),
        ("Threads", format!("{}{placement}", generator.threads)),
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

fn ended_by(record: &RunRecord) -> String {
    let Some(ending) = &record.ending else {
        return "nobody: the record breaks off".to_owned();
    };
    let words = match ending.stopped_by {
        StoppedBy::Finished => "the end of the profile",
        StoppedBy::Interrupted => "Ctrl-C",
        StoppedBy::Terminated => "SIGTERM",
        StoppedBy::SetupFailed => "a set-up that failed",
        StoppedBy::Unreachable => "a host that could not be reached",
        StoppedBy::EverythingFailed => "nothing but failures",
        StoppedBy::TargetEnded => "the end of the process under test",
        StoppedBy::Scenario => "the scenario",
        StoppedBy::InternalError => "an error of brunt's own",
    };
    match &ending.reason {
        Some(reason) => format!("{words}: {reason}"),
        None => words.to_owned(),
    }
}
