//! What is drawn over time: the load and what came of it, the resources below, and brunt itself, all on one
//! time axis.

use std::collections::BTreeMap;

use maud::{Markup, html as markup};
use record::{FailureKind, ProcessReading, Reading, Second};
use verdict::Mark;

use super::chart::{Chart, Line, Span, Stroke, Unit, Views};
use super::heat;
use crate::bins::{Bin, Bins, Percentiles};
use crate::{Judged, number};

/// So long without an answer while one is waited for is a stall, in milliseconds.
const STALL_MS: u64 = 1000;
/// More stalls than this are not drawn: the longest are.
const STALLS_MAX: usize = 40;
/// Failures are drawn by so many kinds at most, the most frequent ones.
const KINDS_MAX: usize = 4;
const INKS: [&str; KINDS_MAX] = ["critical", "a", "b", "c"];
const STROKES: [Stroke; KINDS_MAX] = [Stroke::Plain, Stroke::Dashed, Stroke::Dotted, Stroke::Plain];

/// The charts of a run, in the parts of the page.
pub(super) struct Charts<'a> {
    pub(super) service: Vec<Chart<'a>>,
    pub(super) resources: Vec<Chart<'a>>,
    pub(super) generator: Vec<Chart<'a>>,
    pub(super) failures: Vec<Chart<'a>>,
    /// What could not be seen.
    pub(super) unseen: Vec<&'static str>,
    pub(super) spans: Vec<Span>,
}

impl<'a> Charts<'a> {
    pub(super) fn of(run: &Judged<'a>, fine: &Bins) -> Self {
        let mut unseen = Vec::new();
        let mut known = |charts: Vec<Chart<'a>>| -> Vec<Chart<'a>> {
            let known = charts.into_iter().filter_map(|chart| {
                let title = chart.title;
                let chart = chart.known(fine);
                if chart.is_none() {
                    unseen.push(title);
                }
                chart
            });
            known.map(|chart| marked(run, chart)).collect()
        };
        let service = known(vec![
            throughput(run),
            percentiles("response", "Response time", |bin| bin.response)
                .line(oldest())
                .note("what users wait, by the second in which requests were meant to start"),
            percentiles("service", "Service time", |bin| bin.service)
                .note("first byte sent to last byte received, by the second of the answer"),
            users(run),
        ]);
        let resources = known(resources());
        let generator = known(generator());
        let failures = known(vec![failures(run)]);
        unseen.retain(|title| *title != FAILURES);
        Self {
            service,
            resources,
            generator,
            failures,
            unseen,
            spans: spans(run),
        }
    }

    /// All of them.
    pub(super) fn all(&self) -> impl Iterator<Item = &Chart<'a>> {
        let parts = [
            &self.service,
            &self.resources,
            &self.generator,
            &self.failures,
        ];
        parts.into_iter().flatten()
    }

    /// The load and what came of it.
    pub(super) fn over_time(&self, views: &Views) -> Markup {
        let (first, rest) = self.service.split_at(self.service.len().min(3));
        markup! {
            (self.marks())
            (self.figures(first, views))
            (heat::figures(views))
            (self.figures(rest, views))
        }
    }

    pub(super) fn figures(&self, charts: &[Chart], views: &Views) -> Markup {
        markup! { @for chart in charts { (chart.figure(views, &self.spans)) } }
    }

    /// The stretches of time that are marked, in words.
    fn marks(&self) -> Markup {
        markup! {
            @if !self.spans.is_empty() {
                ul.legend.marks {
                    li { "Marked:" }
                    @for span in &self.spans {
                        li { i.swatch.(span.ink()) {} (span.label) " " (number::moment(span.from_s)) "–" (number::moment(span.to_s)) }
                    }
                }
            }
        }
    }
}

fn throughput<'a>(run: &Judged) -> Chart<'a> {
    let mut chart = Chart::new("throughput", "Requests a second", Unit::Count);
    if run.record.header.load.open.is_some() {
        let planned = |bin: &Bin| Some(bin.planned);
        chart = chart.line(Line::new("planned", "quiet", Stroke::Dotted, planned));
    }
    let meant = |bin: &Bin| bin.each(bin.meant.all);
    let late = |bin: &Bin| bin.each(bin.meant.late);
    let failed = |second: &Second| second.failed + second.unanswered;
    chart
        .line(Line::new("offered", "quiet", Stroke::Dashed, meant))
        .line(Line::new("answered well", "a", Stroke::Filled, |bin| {
            bin.a_second(|second| second.ok)
        }))
        .line(Line::new(
            "failed",
            "critical",
            Stroke::Filled,
            move |bin| bin.a_second(failed),
        ))
        .line(Line::new("taken up late by brunt", "b", Stroke::Dotted, late).unless_zero())
}

fn percentiles<'a>(
    timed: &'static str,
    title: &'static str,
    of: fn(&Bin) -> Percentiles,
) -> Chart<'a> {
    let mut chart = Chart::new(timed, title, Unit::Ms)
        .line(Line::new("p50", "a", Stroke::Plain, move |bin| of(bin).p50))
        .line(Line::new("p95", "b", Stroke::Plain, move |bin| of(bin).p95))
        .line(Line::new("p99", "c", Stroke::Plain, move |bin| of(bin).p99));
    chart.timed = Some(timed);
    chart
}

/// While nothing is answered no percentile is known, but how long the oldest request waits is.
fn oldest<'a>() -> Line<'a> {
    let waits = |second: &Second| {
        let waits = second.oldest_ms.filter(|ms| *ms >= STALL_MS);
        waits.map(|ms| ms as f64)
    };
    let label = "oldest under way, from 1 s";
    Line::new(label, "critical", Stroke::Dotted, move |bin| {
        bin.most(waits)
    })
    .unless_zero()
}

fn users<'a>(run: &Judged) -> Chart<'a> {
    let chart = Chart::new("users", "Users, and requests under way", Unit::Count);
    let is_open = run.record.header.load.open.is_some();
    let users = |bin: &Bin| bin.most(|second| second.users.map(f64::from));
    let under_way = |bin: &Bin| bin.most(|second| second.in_flight.map(f64::from));
    let chart = if is_open {
        chart.line(Line::new("users of the pool", "a", Stroke::Plain, users))
    } else {
        let planned = |bin: &Bin| Some(bin.planned);
        chart
            .line(Line::new("planned", "quiet", Stroke::Dashed, planned))
            .line(Line::new("users", "a", Stroke::Plain, users))
    };
    chart.line(Line::new("under way", "c", Stroke::Plain, under_way))
}

fn under_test(of: impl Fn(&ProcessReading) -> Option<f64>) -> impl Fn(&Reading) -> Option<f64> {
    move |reading| of(reading.target.as_ref()?)
}

fn of_brunt(of: impl Fn(&ProcessReading) -> Option<f64>) -> impl Fn(&Reading) -> Option<f64> {
    move |reading| of(reading.generator.as_ref()?)
}

fn megabytes(bytes: Option<u64>) -> Option<f64> {
    bytes.map(|bytes| bytes as f64 / 1e6)
}

fn counted(count: Option<u64>) -> Option<f64> {
    count.map(|count| count as f64)
}

/// The mean of what was read, as a line.
fn mean<'a>(
    label: &str,
    ink: &'static str,
    stroke: Stroke,
    of: impl Fn(&Reading) -> Option<f64> + 'a,
) -> Line<'a> {
    Line::new(label, ink, stroke, move |bin| bin.mean_read(&of))
}

/// The most that was read, as a line.
fn most<'a>(
    label: &str,
    ink: &'static str,
    stroke: Stroke,
    of: impl Fn(&Reading) -> Option<f64> + 'a,
) -> Line<'a> {
    Line::new(label, ink, stroke, move |bin| bin.most_read(&of))
}

/// Megabytes a second, as a line.
fn flow<'a>(
    label: &str,
    ink: &'static str,
    stroke: Stroke,
    of: impl Fn(&Reading) -> Option<u64> + 'a,
) -> Line<'a> {
    Line::new(label, ink, stroke, move |bin| {
        bin.read_a_second(&of).map(|bytes| bytes / 1e6)
    })
}

fn resources<'a>() -> Vec<Chart<'a>> {
    use Stroke::{Dashed, Dotted, Plain};
    let cpu = Chart::new("cpu", "CPU", Unit::Percent)
        .note("of the cores that each may use")
        .line(mean(
            "under test",
            "a",
            Plain,
            under_test(|it| it.cpu_percent),
        ))
        .line(mean("machine", "c", Dashed, |reading| {
            reading.machine.cpu_percent
        }))
        .line(mean("brunt", "b", Dotted, of_brunt(|it| it.cpu_percent)));
    let memory = Chart::new("memory", "Memory", Unit::Megabytes)
        .line(most(
            "under test",
            "a",
            Plain,
            under_test(|it| megabytes(it.rss_bytes)),
        ))
        .line(most(
            "of it anonymous",
            "c",
            Dashed,
            under_test(|it| megabytes(it.anonymous_bytes)),
        ))
        .line(most(
            "brunt",
            "b",
            Dotted,
            of_brunt(|it| megabytes(it.rss_bytes)),
        ));
    let held = Chart::new(
        "held",
        "Descriptors, threads and processes under test",
        Unit::Count,
    )
    .line(most(
        "descriptors",
        "a",
        Plain,
        under_test(|it| counted(it.descriptors)),
    ))
    .line(most(
        "threads",
        "b",
        Plain,
        under_test(|it| counted(it.threads)),
    ))
    .line(most(
        "processes",
        "c",
        Dashed,
        under_test(|it| Some(it.processes as f64)),
    ));
    let disk = Chart::new("disk", "Disk, a second", Unit::Megabytes)
        .line(flow("under test reads", "a", Plain, |it| {
            it.target.as_ref()?.disk_read_bytes
        }))
        .line(flow("under test writes", "b", Plain, |it| {
            it.target.as_ref()?.disk_written_bytes
        }))
        .line(flow("machine reads", "a", Dashed, |it| {
            it.machine.disk_read_bytes
        }))
        .line(flow("machine writes", "b", Dashed, |it| {
            it.machine.disk_written_bytes
        }));
    let network = Chart::new(
        "network",
        "Network of the machine, a second",
        Unit::Megabytes,
    )
    .note("loopback included")
    .line(flow("sent", "a", Plain, |it| it.machine.network_sent_bytes))
    .line(flow("received", "b", Dashed, |it| {
        it.machine.network_received_bytes
    }));
    let machine = Chart::new(
        "machine",
        "Memory of the machine, and CPU taken by its hypervisor",
        Unit::Percent,
    )
    .line(mean("memory in use", "a", Plain, |it| {
        it.machine.memory_percent
    }))
    .line(mean("CPU taken", "b", Plain, |it| it.machine.steal_percent));
    vec![cpu, memory, held, disk, network, machine]
}

fn generator<'a>() -> Vec<Chart<'a>> {
    use Stroke::{Dashed, Dotted, Plain};
    let second_percent = |ms: u64| ms as f64 / 10.0;
    let busiest = move |bin: &Bin| bin.most(|second| Some(second_percent(second.cpu_busiest_ms)));
    let waited = |bin: &Bin| bin.most(|second| Some(second.kept_waiting_us as f64 / 1e3));
    let lag = Chart::new("lag", "Lag: how late brunt took requests up", Unit::Ms)
        .line(Line::new("p50", "a", Plain, |bin| bin.lag.p50))
        .line(Line::new("p99", "c", Plain, |bin| bin.lag.p99))
        .line(Line::new(
            "longest wait for a thread of brunt",
            "b",
            Dotted,
            waited,
        ));
    let own = Chart::new(
        "own-cpu",
        "CPU of brunt, and what was kept from it",
        Unit::Percent,
    )
    .note("of one core")
    .line(Line::new("busiest thread", "a", Plain, busiest))
    .line(Line::new(
        "ready, and no CPU",
        "critical",
        Dashed,
        move |bin| {
            bin.a_second(|second| second.cpu_wait_ms)
                .map(|ms| ms / 10.0)
        },
    ))
    .line(mean("pressure on the machine", "b", Dotted, |it| {
        it.interference?.pressure_percent
    }))
    .line(
        mean("taken by the hypervisor", "c", Dashed, move |it| {
            it.interference?.stolen_ms.map(second_percent)
        })
        .unless_zero(),
    )
    .line(
        mean("throttled by its quota", "quiet", Dashed, move |it| {
            it.interference?.throttled_ms.map(second_percent)
        })
        .unless_zero(),
    );
    let sockets = Chart::new(
        "sockets",
        "Connections that brunt opened a second, and its descriptors",
        Unit::Count,
    )
    .note("each new connection takes a port")
    .line(Line::new("opened", "a", Plain, |bin| {
        bin.a_second(|second| second.connections)
    }))
    .line(
        Line::new(
            "of them again, since the server had closed an idle one",
            "c",
            Dashed,
            |bin| bin.a_second(|second| second.reopened),
        )
        .unless_zero(),
    )
    .line(most(
        "descriptors",
        "b",
        Dotted,
        of_brunt(|it| counted(it.descriptors)),
    ));
    vec![lag, own, sockets]
}

const FAILURES: &str = "Failures a second, by kind";

fn failures<'a>(run: &Judged) -> Chart<'a> {
    let mut counts: BTreeMap<FailureKind, u64> = BTreeMap::new();
    let seconds = run.record.timeline.seconds().iter();
    for (kind, count) in seconds.flat_map(|second| &second.failures) {
        *counts.entry(*kind).or_default() += count;
    }
    let mut kinds: Vec<(FailureKind, u64)> = counts.into_iter().collect();
    kinds.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let of = |second: &Second, kind: FailureKind| {
        let known = second.failures.iter().find(|(known, _)| *known == kind);
        known.map_or(0, |(_, count)| *count)
    };
    let lines = kinds.into_iter().zip(INKS).zip(STROKES);
    lines.fold(
        Chart::new("failures", FAILURES, Unit::Count),
        |chart, (((kind, _), ink), stroke)| {
            chart.line(Line::new(
                kind.name().replace('_', " "),
                ink,
                stroke,
                move |bin| bin.a_second(|second| of(second, kind)),
            ))
        },
    )
}

fn marks<'a>(run: &Judged<'a>) -> impl Iterator<Item = &'a Mark> {
    let findings = run.verdict.findings.iter();
    findings.flat_map(|finding| &finding.marks)
}

/// With what findings say of it.
fn marked<'a>(run: &Judged<'a>, mut chart: Chart<'a>) -> Chart<'a> {
    for mark in marks(run) {
        match mark {
            Mark::Bracket { holds, breaks } if chart.id == "throughput" => {
                let ends = [("holds", *holds), ("breaks", *breaks)];
                let known = ends
                    .into_iter()
                    .filter_map(|(label, rate)| Some((label, rate?)));
                chart.levels.extend(known);
            }
            Mark::Line { metric, from, to } if chart_of(metric) == chart.id => {
                chart.slopes.push([*from, *to]);
            }
            _ => {}
        }
    }
    chart
}

/// The chart on which what grows is drawn.
fn chart_of(metric: &str) -> &'static str {
    match metric {
        "memory" => "memory",
        "descriptors" | "threads" => "held",
        _ => "",
    }
}

/// What a scaling finding has measured, and the law.
pub(super) fn scaling<'a>(run: &Judged<'a>) -> Option<(&'a [(f64, f64)], &'a [(f64, f64)])> {
    marks(run).find_map(|mark| match mark {
        Mark::Scaling { points, law } => Some((points.as_slice(), law.as_slice())),
        _ => None,
    })
}

/// The stretches of time that findings speak of, and those in which nothing was answered.
fn spans(run: &Judged) -> Vec<Span> {
    let of_findings = marks(run).filter_map(|mark| match mark {
        Mark::Span {
            label,
            from_s,
            to_s,
        } => Some(Span {
            label,
            from_s: *from_s,
            to_s: *to_s,
        }),
        _ => None,
    });
    of_findings.chain(stalls(run)).collect()
}

/// Where requests waited and nothing was answered.
fn stalls(run: &Judged) -> Vec<Span> {
    let stands = |second: &Second| {
        second.requests() == 0 && second.oldest_ms.is_some_and(|ms| ms >= STALL_MS)
    };
    let mut stalls: Vec<Span> = Vec::new();
    let seconds = (0u32..).map(f64::from).zip(run.record.timeline.seconds());
    for (at_s, _) in seconds.filter(|(_, second)| stands(second)) {
        match stalls.last_mut() {
            Some(last) if (last.to_s - at_s).abs() < 0.5 => last.to_s = at_s + 1.0,
            _ => stalls.push(Span {
                label: "no answers",
                from_s: at_s,
                to_s: at_s + 1.0,
            }),
        }
    }
    let length = |span: &Span| span.to_s - span.from_s;
    stalls.sort_by(|a, b| length(b).total_cmp(&length(a)));
    stalls.truncate(STALLS_MAX);
    stalls.sort_by(|a, b| a.from_s.total_cmp(&b.from_s));
    stalls
}
