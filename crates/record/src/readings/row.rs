//! Readings as packed rows, and the merge of two readings.

use crate::columns::Column;
use crate::packed_rows::{Numbers, PackedRow};
use crate::{Interference, MachineReading, Pressure, ProcessReading, Reading};

/// Number of integers of a process.
const PROCESS_NUMBERS: usize = 17;
/// Number of integers of a reading without additional targets: its time, two processes, interference, and the machine.
const READING_NUMBERS: usize = 1 + 2 * PROCESS_NUMBERS + 9 + 11;
/// Percentages, cores and times are rounded to thousandths.
const THOUSANDTHS: f64 = 1e3;

impl PackedRow for Reading {
    fn at(&self) -> u64 {
        self.at_ms
    }

    fn width(&self) -> usize {
        READING_NUMBERS + PROCESS_NUMBERS * self.additional_targets.len()
    }

    fn write(&self, numbers: &mut Column) {
        numbers.push(whole(Some(self.at_ms)));
        write_process(self.target.as_ref(), numbers);
        write_process(self.generator.as_ref(), numbers);
        write_interference(self.interference.as_ref(), numbers);
        write_machine(&self.machine, numbers);
        for process in &self.additional_targets {
            write_process(Some(process), numbers);
        }
    }

    fn read(numbers: &mut Numbers) -> Self {
        let mut reading = Self {
            at_ms: numbers.next().map_or(0, i64::cast_unsigned),
            target: read_process(numbers),
            generator: read_process(numbers),
            interference: read_interference(numbers),
            machine: read_machine(numbers),
            additional_targets: Vec::new(),
        };
        while numbers.left() > 0 {
            reading
                .additional_targets
                .push(read_process(numbers).unwrap_or_default());
        }
        reading
    }

    fn merge_next(&mut self, later: &Self, own: u32, others: u32) {
        let weights = Weights { own, others };
        self.at_ms = later.at_ms;
        together(&mut self.target, later.target.as_ref(), |known, later| {
            weights.process(known, later);
        });
        together(
            &mut self.generator,
            later.generator.as_ref(),
            |known, later| {
                weights.process(known, later);
            },
        );
        for (known, later) in self
            .additional_targets
            .iter_mut()
            .zip(&later.additional_targets)
        {
            weights.process(known, later);
        }
        together(
            &mut self.interference,
            later.interference.as_ref(),
            |known, later| weights.interference(known, later),
        );
        weights.machine(&mut self.machine, &later.machine);
    }
}

fn together<T: Clone>(known: &mut Option<T>, later: Option<&T>, merge: impl Fn(&mut T, &T)) {
    match (known, later) {
        (Some(known), Some(later)) => merge(known, later),
        (known @ None, Some(later)) => *known = Some(later.clone()),
        (_, None) => {}
    }
}

/// Numbers of original readings of two readings that are merged.
struct Weights {
    own: u32,
    others: u32,
}

impl Weights {
    fn process(&self, known: &mut ProcessReading, later: &ProcessReading) {
        self.mean(&mut known.cpu_percent, later.cpu_percent);
        self.mean(
            &mut known.busiest_thread_percent,
            later.busiest_thread_percent,
        );
        self.mean(&mut known.cores, later.cores);
        self.mean(&mut known.cpu_cores, later.cpu_cores);
        self.pressure(&mut known.pressure, later.pressure);
        // Maxima, since limits apply to them; the minimum of anonymous memory, which is what a garbage collector leaves.
        most(&mut known.rss_bytes, later.rss_bytes);
        most(&mut known.threads, later.threads);
        most(&mut known.descriptors, later.descriptors);
        known.anonymous_bytes = match (known.anonymous_bytes, later.anonymous_bytes) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        known.processes = known.processes.max(later.processes);
        sum(&mut known.disk_read_bytes, later.disk_read_bytes);
        sum(&mut known.disk_written_bytes, later.disk_written_bytes);
        sum(&mut known.network_sent_bytes, later.network_sent_bytes);
        sum(
            &mut known.network_received_bytes,
            later.network_received_bytes,
        );
        known.run_delay_ms = match (known.run_delay_ms, later.run_delay_ms) {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b),
        };
    }

    fn machine(&self, known: &mut MachineReading, later: &MachineReading) {
        self.mean(&mut known.cpu_percent, later.cpu_percent);
        self.mean(&mut known.steal_percent, later.steal_percent);
        known.memory_percent = match (known.memory_percent, later.memory_percent) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        };
        most(&mut known.memory_bytes, later.memory_bytes);
        sum(&mut known.disk_read_bytes, later.disk_read_bytes);
        sum(&mut known.disk_written_bytes, later.disk_written_bytes);
        sum(&mut known.network_sent_bytes, later.network_sent_bytes);
        sum(
            &mut known.network_received_bytes,
            later.network_received_bytes,
        );
        self.pressure(&mut known.pressure, later.pressure);
    }

    fn interference(&self, known: &mut Interference, later: &Interference) {
        sum(&mut known.stolen_ms, later.stolen_ms);
        sum(&mut known.used_ms, later.used_ms);
        sum(&mut known.throttled_periods, later.throttled_periods);
        sum(&mut known.throttled_ms, later.throttled_ms);
        sum(&mut known.suspended_ms, later.suspended_ms);
        self.mean(&mut known.pressure_percent, later.pressure_percent);
        self.mean(
            &mut known.group_pressure_percent,
            later.group_pressure_percent,
        );
        known.clock_step_ms = match (known.clock_step_ms, later.clock_step_ms) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            (a, b) => a.or(b),
        };
    }

    fn pressure(&self, known: &mut Pressure, later: Pressure) {
        self.mean(&mut known.cpu_percent, later.cpu_percent);
        self.mean(&mut known.memory_percent, later.memory_percent);
        self.mean(&mut known.io_percent, later.io_percent);
    }

    fn mean(&self, known: &mut Option<f64>, later: Option<f64>) {
        *known = match (*known, later) {
            (Some(a), Some(b)) => {
                let (own, others) = (f64::from(self.own), f64::from(self.others));
                let mean = (a * own + b * others) / (own + others).max(1.0);
                Some((mean * THOUSANDTHS).round() / THOUSANDTHS)
            }
            (a, b) => a.or(b),
        };
    }
}

fn most(known: &mut Option<u64>, later: Option<u64>) {
    *known = (*known).max(later);
}

fn sum(known: &mut Option<u64>, later: Option<u64>) {
    *known = match (*known, later) {
        (Some(a), Some(b)) => Some(a.saturating_add(b)),
        (a, b) => a.or(b),
    };
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a float cast saturates: no percentage, core or time comes near it"
)]
fn thousandths(value: Option<f64>) -> Option<i64> {
    let value = value.filter(|value| value.is_finite())?;
    Some((value * THOUSANDTHS).round() as i64)
}

fn of_thousandths(number: Option<i64>) -> Option<f64> {
    number.map(|number| number as f64 / THOUSANDTHS)
}

fn whole(value: Option<u64>) -> Option<i64> {
    value.map(u64::cast_signed)
}

fn of_whole(number: Option<i64>) -> Option<u64> {
    number.map(i64::cast_unsigned)
}

fn write_process(process: Option<&ProcessReading>, numbers: &mut Column) {
    // The number of processes is present exactly if there is a reading.
    numbers.push(process.and_then(|process| whole(Some(process.processes))));
    let unknown = ProcessReading::default();
    let process = process.unwrap_or(&unknown);
    numbers.extend([
        thousandths(process.cpu_percent),
        thousandths(process.busiest_thread_percent),
        thousandths(process.cores),
        whole(process.rss_bytes),
        whole(process.anonymous_bytes),
        whole(process.threads),
        whole(process.descriptors),
        whole(process.disk_read_bytes),
        whole(process.disk_written_bytes),
        thousandths(process.cpu_cores),
        thousandths(process.run_delay_ms),
        whole(process.network_sent_bytes),
        whole(process.network_received_bytes),
    ]);
    write_pressure(process.pressure, numbers);
}

fn read_process(numbers: &mut Numbers) -> Option<ProcessReading> {
    let processes = of_whole(numbers.next());
    let process = ProcessReading {
        processes: processes.unwrap_or(0),
        cpu_percent: of_thousandths(numbers.next()),
        busiest_thread_percent: of_thousandths(numbers.next()),
        cores: of_thousandths(numbers.next()),
        rss_bytes: of_whole(numbers.next()),
        anonymous_bytes: of_whole(numbers.next()),
        threads: of_whole(numbers.next()),
        descriptors: of_whole(numbers.next()),
        disk_read_bytes: of_whole(numbers.next()),
        disk_written_bytes: of_whole(numbers.next()),
        cpu_cores: of_thousandths(numbers.next()),
        run_delay_ms: of_thousandths(numbers.next()),
        network_sent_bytes: of_whole(numbers.next()),
        network_received_bytes: of_whole(numbers.next()),
        pressure: read_pressure(numbers),
    };
    processes.map(|_| process)
}

fn write_interference(interference: Option<&Interference>, numbers: &mut Column) {
    numbers.push(interference.map(|_| 1));
    let interference = interference.copied().unwrap_or_default();
    numbers.extend([
        whole(interference.stolen_ms),
        whole(interference.used_ms),
        whole(interference.throttled_periods),
        whole(interference.throttled_ms),
        thousandths(interference.pressure_percent),
        thousandths(interference.group_pressure_percent),
        interference.clock_step_ms,
        whole(interference.suspended_ms),
    ]);
}

fn read_interference(numbers: &mut Numbers) -> Option<Interference> {
    let is_known = numbers.next().is_some();
    let interference = Interference {
        stolen_ms: of_whole(numbers.next()),
        used_ms: of_whole(numbers.next()),
        throttled_periods: of_whole(numbers.next()),
        throttled_ms: of_whole(numbers.next()),
        pressure_percent: of_thousandths(numbers.next()),
        group_pressure_percent: of_thousandths(numbers.next()),
        clock_step_ms: numbers.next(),
        suspended_ms: of_whole(numbers.next()),
    };
    is_known.then_some(interference)
}

fn write_machine(machine: &MachineReading, numbers: &mut Column) {
    numbers.extend([
        thousandths(machine.cpu_percent),
        thousandths(machine.steal_percent),
        thousandths(machine.memory_percent),
        whole(machine.memory_bytes),
        whole(machine.disk_read_bytes),
        whole(machine.disk_written_bytes),
        whole(machine.network_sent_bytes),
        whole(machine.network_received_bytes),
    ]);
    write_pressure(machine.pressure, numbers);
}

fn read_machine(numbers: &mut Numbers) -> MachineReading {
    MachineReading {
        cpu_percent: of_thousandths(numbers.next()),
        steal_percent: of_thousandths(numbers.next()),
        memory_percent: of_thousandths(numbers.next()),
        memory_bytes: of_whole(numbers.next()),
        disk_read_bytes: of_whole(numbers.next()),
        disk_written_bytes: of_whole(numbers.next()),
        network_sent_bytes: of_whole(numbers.next()),
        network_received_bytes: of_whole(numbers.next()),
        pressure: read_pressure(numbers),
    }
}

fn write_pressure(pressure: Pressure, numbers: &mut Column) {
    numbers.extend([
        thousandths(pressure.cpu_percent),
        thousandths(pressure.memory_percent),
        thousandths(pressure.io_percent),
    ]);
}

fn read_pressure(numbers: &mut Numbers) -> Pressure {
    Pressure {
        cpu_percent: of_thousandths(numbers.next()),
        memory_percent: of_thousandths(numbers.next()),
        io_percent: of_thousandths(numbers.next()),
    }
}
