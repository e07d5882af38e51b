//! Charts of resources: the process under test, the machine, and brunt itself.

use brunt_record::{AdditionalTarget, Pressure, ProcessReading, Reading};

use super::chart::Stroke::{DashDot, Dashed, Dotted, Filled, Plain};
use super::chart::{Chart, Line, Stroke, Unit};
use crate::time_buckets::TimeBucket;

/// Value of a reading.
type Of = fn(&Reading) -> Option<f64>;

/// Label, color, stroke, and value of a reading.
type Read = (&'static str, &'static str, Stroke, Of);

/// Inks and strokes of additional processes, in turn.
const INKS: [&str; 3] = ["a", "b", "c"];
const STROKES: [Stroke; 4] = [Plain, Dashed, Dotted, DashDot];

pub(in crate::html) fn resources<'a>(additional: &[AdditionalTarget]) -> Vec<Chart<'a>> {
    let cpu: [Read; 3] = [
        ("under test", "a", Plain, |it| target(it)?.cpu_percent),
        ("machine", "c", Dashed, |it| it.machine.cpu_percent),
        ("brunt", "b", Dotted, |it| brunt(it)?.cpu_percent),
    ];
    let memory: [Read; 3] = [
        ("under test", "a", Plain, |it| mb(target(it)?.rss_bytes)),
        ("under test, anonymous", "c", Dashed, |it| {
            mb(target(it)?.anonymous_bytes)
        }),
        ("brunt", "b", Dotted, |it| mb(brunt(it)?.rss_bytes)),
    ];
    let held: [Read; 3] = [
        ("descriptors", "a", Plain, |it| {
            count(target(it)?.descriptors)
        }),
        ("threads", "b", Dotted, |it| count(target(it)?.threads)),
        ("processes", "c", Dashed, |it| {
            count(Some(target(it)?.processes))
        }),
    ];
    let machine: [Read; 2] = [
        ("memory in use", "a", Plain, |it| it.machine.memory_percent),
        ("CPU steal", "b", Dashed, |it| it.machine.steal_percent),
    ];
    let of = |id, title, unit| Chart::new(id, title, unit);
    let titles = [
        "Descriptors, threads and processes under test",
        "Memory of the machine, and CPU steal (taken by its hypervisor)",
    ];
    let cpu_chart = of("cpu", "CPU", Unit::Percent).note("of the cores that each may use");
    let mut charts = vec![
        mean_chart(cpu_chart, cpu),
        max_chart(of("memory", "Memory", Unit::Megabytes), memory),
        max_chart(of("held", titles[0], Unit::Count), held),
    ];
    charts.extend(others(additional));
    charts.extend(flows());
    charts.extend(waits());
    charts.push(mean_chart(of("machine", titles[1], Unit::Percent), machine));
    charts
}

/// Charts of additional processes.
fn others<'a>(additional: &[AdditionalTarget]) -> Vec<Chart<'a>> {
    if additional.is_empty() {
        return Vec::new();
    }
    let cpu = Chart::new("additional-cpu", "CPU of additional processes", Unit::Count);
    let memory = Chart::new(
        "additional-memory",
        "Memory of additional processes",
        Unit::Megabytes,
    );
    let named = additional.iter().enumerate();
    let (cpu, memory) = named.fold(
        (cpu.note("in cores"), memory),
        |(cpu, memory), (at, one)| {
            let (ink, stroke) = (
                INKS[at / STROKES.len() % INKS.len()],
                STROKES[at % STROKES.len()],
            );
            let cores = move |bucket: &TimeBucket| {
                bucket.mean_reading(|it| it.additional_targets.get(at)?.cpu_cores)
            };
            let bytes = move |bucket: &TimeBucket| {
                bucket.max_reading(|it| mb(it.additional_targets.get(at)?.rss_bytes))
            };
            (
                cpu.line(Line::new(one.name.as_str(), ink, stroke, cores)),
                memory.line(Line::new(one.name.as_str(), ink, stroke, bytes)),
            )
        },
    );
    vec![cpu, memory]
}

/// CPU time that was withheld from the process under test and from the machine.
fn waits<'a>() -> [Chart<'a>; 2] {
    let cpu: [Read; 3] = [
        ("threads under test", "a", Plain, |it| {
            // Milliseconds in a second, as a share of one core.
            target(it)?.run_delay_ms.map(|ms| ms / 10.0)
        }),
        ("pressure under test", "b", Dotted, |it| {
            pressure(it)?.cpu_percent
        }),
        ("pressure on the machine", "c", Dashed, |it| {
            it.machine.pressure.cpu_percent
        }),
    ];
    let other: [Read; 4] = [
        ("memory, under test", "a", Plain, |it| {
            pressure(it)?.memory_percent
        }),
        ("disk, under test", "b", Dotted, |it| {
            pressure(it)?.io_percent
        }),
        ("memory, machine", "a", Dashed, |it| {
            it.machine.pressure.memory_percent
        }),
        ("disk, machine", "b", DashDot, |it| {
            it.machine.pressure.io_percent
        }),
    ];
    let of_cpu = Chart::new(
        "kept-waiting",
        "Run delay: runnable, and waiting for a CPU",
        Unit::Percent,
    )
    .note("threads as a share of one core, pressure as a share of the time");
    let title = "Waiting for memory or a disk";
    let of_other =
        Chart::new("pressure", title, Unit::Percent).note("pressure: a share of the time");
    [mean_chart(of_cpu, cpu), mean_chart(of_other, other)]
}

/// Disk and network.
fn flows<'a>() -> [Chart<'a>; 2] {
    let disk: [Read; 4] = [
        ("under test reads", "a", Plain, |it| {
            count(target(it)?.disk_read_bytes)
        }),
        ("under test writes", "b", Dotted, |it| {
            count(target(it)?.disk_written_bytes)
        }),
        ("machine reads", "a", Dashed, |it| {
            count(it.machine.disk_read_bytes)
        }),
        ("machine writes", "b", DashDot, |it| {
            count(it.machine.disk_written_bytes)
        }),
    ];
    let network: [Read; 4] = [
        ("under test sends", "a", Plain, |it| {
            count(target(it)?.network_sent_bytes)
        }),
        ("under test receives", "b", DashDot, |it| {
            count(target(it)?.network_received_bytes)
        }),
        ("machine sends", "a", Dashed, |it| {
            count(it.machine.network_sent_bytes)
        }),
        ("machine receives", "b", Dotted, |it| {
            count(it.machine.network_received_bytes)
        }),
    ];
    let of_disk = Chart::new("disk", "Disk, per second", Unit::Megabytes);
    let of_network = Chart::new("network", "Network, per second", Unit::Megabytes)
        .note("of the machine with its loopback");
    [flow(of_disk, disk), flow(of_network, network)]
}

pub(in crate::html) fn generator<'a>() -> Vec<Chart<'a>> {
    let waited =
        |bucket: &TimeBucket| bucket.max(|second| Some(second.max_wakeup_delay_us as f64 / 1e3));
    let label = "longest wait for a thread of brunt";
    let lag = Chart::new("lag", "Lag: how late brunt dispatched requests", Unit::Ms)
        .line(Line::of_waiting(
            "p50",
            "a",
            Plain,
            |bucket: &TimeBucket| bucket.lag.p50,
        ))
        .line(Line::of_waiting(
            "p99",
            "c",
            Dashed,
            |bucket: &TimeBucket| bucket.lag.p99,
        ))
        .line(Line::new(label, "b", Dotted, waited));
    vec![lag, own_cpu(), sockets()]
}

fn own_cpu<'a>() -> Chart<'a> {
    let busiest =
        |bucket: &TimeBucket| bucket.max(|second| Some(second.busiest_thread_cpu_ms as f64 / 10.0));
    let waits = |bucket: &TimeBucket| bucket.rate(|second| second.cpu_wait_ms).map(|ms| ms / 10.0);
    let pressure: [Read; 1] = [("pressure on the machine", "b", Dotted, |it| {
        it.interference?.pressure_percent
    })];
    // Milliseconds in a second, as a share of one core.
    let share = |ms: Option<u64>| count(ms).map(|ms| ms / 10.0);
    let stolen =
        move |bucket: &TimeBucket| bucket.mean_reading(|it| share(it.interference?.stolen_ms));
    let throttled =
        move |bucket: &TimeBucket| bucket.mean_reading(|it| share(it.interference?.throttled_ms));
    let title = "CPU of brunt, and CPU time it did not get";
    let chart = Chart::new("own-cpu", title, Unit::Percent)
        .note("of one core")
        .line(Line::new("busiest thread", "a", Plain, busiest))
        .line(Line::new(
            "runnable, waiting for a CPU",
            "critical",
            DashDot,
            waits,
        ));
    mean_chart(chart, pressure)
        .line(Line::new("steal (taken by the hypervisor)", "c", Dashed, stolen).unless_zero())
        .line(Line::new("throttled by its quota", "quiet", Filled, throttled).unless_zero())
}

fn sockets<'a>() -> Chart<'a> {
    let opened = |bucket: &TimeBucket| bucket.rate(|second| second.connections);
    let again = |bucket: &TimeBucket| bucket.rate(|second| second.reconnects);
    let descriptors: [Read; 1] = [("descriptors", "b", Dotted, |it| {
        count(brunt(it)?.descriptors)
    })];
    let label = "reconnects after the server closed an idle connection";
    let title = "Connections that brunt opened per second, and its descriptors";
    let chart = Chart::new("sockets", title, Unit::Count)
        .note("each new connection takes a port")
        .line(Line::new("opened", "a", Plain, opened))
        .line(Line::new(label, "c", Dashed, again).unless_zero());
    max_chart(chart, descriptors)
}

fn target(reading: &Reading) -> Option<&ProcessReading> {
    reading.target.as_ref()
}

fn pressure(reading: &Reading) -> Option<Pressure> {
    Some(target(reading)?.pressure)
}

fn brunt(reading: &Reading) -> Option<&ProcessReading> {
    reading.generator.as_ref()
}

fn mb(bytes: Option<u64>) -> Option<f64> {
    count(bytes).map(|bytes| bytes / 1e6)
}

fn count(count: Option<u64>) -> Option<f64> {
    count.map(|count| count as f64)
}

/// Adds lines of means of readings.
fn mean_chart(chart: Chart<'_>, lines: impl IntoIterator<Item = Read>) -> Chart<'_> {
    with(chart, lines, |bucket, of| bucket.mean_reading(of))
}

/// Adds lines of maximums of readings.
fn max_chart(chart: Chart<'_>, lines: impl IntoIterator<Item = Read>) -> Chart<'_> {
    with(chart, lines, |bucket, of| bucket.max_reading(of))
}

/// Adds lines of bytes since the previous reading, in megabytes per second.
fn flow(chart: Chart<'_>, lines: impl IntoIterator<Item = Read>) -> Chart<'_> {
    with(chart, lines, |bucket, of| {
        bucket.reading_rate(of).map(|bytes| bytes / 1e6)
    })
}

fn with(
    chart: Chart<'_>,
    lines: impl IntoIterator<Item = Read>,
    over: fn(&TimeBucket, Of) -> Option<f64>,
) -> Chart<'_> {
    let lines = lines.into_iter();
    lines.fold(chart, |chart, (label, ink, stroke, of)| {
        chart.line(Line::new(label, ink, stroke, move |bucket| {
            over(bucket, of)
        }))
    })
}
