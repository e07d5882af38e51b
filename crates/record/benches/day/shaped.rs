//! Realistic requests and readings: log-normal response times, a few failures, and complete readings of the monitor.

use brunt_record::{
    ArrivalProcess, FailureKind, Generator, Header, Interference, Load, LoadStage, Machine,
    MachineReading, NameId, NameKind, OpenModel, Pressure, ProcessReading, Reading, RequestName,
    Sample,
};

/// Median of the response time.
const MEDIAN_NS: f64 = 20e6;
/// Standard deviation of the logarithm of the response time.
const SPREAD: f64 = 0.6;
/// One of this many requests fails.
const FAILS_ONE_IN: u64 = 1_000;
/// Longest response time.
const LONGEST_NS: f64 = 2.5e9;

/// Generator of requests and readings.
pub(crate) struct Shape {
    /// The state of a `SplitMix64`.
    state: u64,
    rate: u32,
    names: u32,
}

impl Shape {
    /// A run of `rate` requests per second with this number of names.
    pub(crate) fn new(rate: u32, names: u32) -> Self {
        Self {
            state: 1,
            rate,
            names: names.max(1),
        }
    }

    /// The header of its record: one level for this duration.
    pub(crate) fn header(&self, length_s: u32) -> Header {
        let name = |number: u32| RequestName {
            name: format!("/path/{number}"),
            method: "POST".to_owned(),
            setup: false,
            kind: NameKind::Request,
        };
        Header {
            run_id: "20261123T110000Z-endurance".to_owned(),
            brunt_version: "0.1.0".to_owned(),
            scenario_file: "brunt.toml".to_owned(),
            scenario_hash: "0123456789abcdef".to_owned(),
            scenario: None,
            profile: "endurance".to_owned(),
            host: "http://127.0.0.1:8000/".to_owned(),
            embedded: false,
            started_at: jiff::Timestamp::UNIX_EPOCH,
            seed: 1,
            names: (0..self.names).map(name).collect(),
            classes: vec![("normal".to_owned(), 1.0)],
            load: Load {
                stages: vec![LoadStage {
                    seconds: f64::from(length_s),
                    from: f64::from(self.rate),
                    to: f64::from(self.rate),
                }],
                open: Some(OpenModel {
                    arrival_process: ArrivalProcess::Constant,
                    users: 100,
                }),
                ..Load::default()
            },
            targets: Vec::new(),
            generator: Generator::default(),
            machine: Machine::default(),
            label: None,
            commit: None,
            min_duration_s: None,
            not_requested: Vec::new(),
            planned_shares: Vec::new(),
        }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A uniform number from 0 to 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A standard normal number, by the Box–Muller transform.
    fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// A request whose intended start is in a second.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "times are within 0 and a few seconds"
    )]
    pub(crate) fn sample(&mut self, second: u32) -> Sample {
        let within_ns = (self.unit() * 1e9) as u64;
        let intended_ns = u64::from(second) * 1_000_000_000 + within_ns;
        let took_ns = (MEDIAN_NS * (SPREAD * self.normal()).exp()).min(LONGEST_NS);
        let took_ns = took_ns as u64;
        let lag_ns = 20_000 + (self.unit() * 80_000.0) as u64;
        let drawn = self.next();
        let sent_ns = intended_ns + lag_ns + 3_000;
        let name = NameId((drawn % u64::from(self.names)) as u32);
        let is_failed = (drawn / 16).is_multiple_of(FAILS_ONE_IN);
        Sample {
            dispatched_ns: intended_ns + lag_ns,
            sent_ns: Some(sent_ns),
            first_byte_ns: Some(sent_ns + took_ns),
            failure: is_failed.then_some(FailureKind::Status),
            wire_requests: 1,
            bytes_sent: 280,
            bytes_received: 1_400,
            ..Sample::unsent(name, intended_ns, sent_ns + took_ns + 5_000)
        }
    }

    /// The reading of the monitor at the end of a second.
    pub(crate) fn reading(&mut self, second: u32) -> Reading {
        Reading {
            at_ms: u64::from(second) * 1_000 + 1_000,
            target: Some(self.process()),
            additional_targets: Vec::new(),
            generator: Some(self.process()),
            interference: Some(Interference {
                stolen_ms: Some(0),
                used_ms: Some(self.next() % 1_000),
                throttled_periods: None,
                throttled_ms: None,
                pressure_percent: Some(self.unit()),
                group_pressure_percent: Some(self.unit()),
                clock_step_ms: Some(0),
                suspended_ms: Some(0),
            }),
            machine: MachineReading {
                cpu_percent: Some(self.unit() * 100.0),
                steal_percent: Some(self.unit()),
                memory_percent: Some(self.unit() * 100.0),
                memory_bytes: Some(self.next() >> 30),
                disk_read_bytes: Some(self.next() >> 44),
                disk_written_bytes: Some(self.next() >> 44),
                network_sent_bytes: Some(u64::from(self.rate) * 1_680),
                network_received_bytes: Some(u64::from(self.rate) * 1_680),
                pressure: self.pressure(),
            },
        }
    }

    fn process(&mut self) -> ProcessReading {
        ProcessReading {
            cpu_percent: Some(self.unit() * 100.0),
            busiest_thread_percent: Some(self.unit() * 100.0),
            cores: Some(2.0),
            rss_bytes: Some(self.next() >> 36),
            anonymous_bytes: Some(self.next() >> 36),
            threads: Some(4),
            descriptors: Some(40),
            disk_read_bytes: Some(0),
            disk_written_bytes: Some(self.next() >> 44),
            processes: 1,
            cpu_cores: Some(self.unit()),
            run_delay_ms: Some(self.unit() * 10.0),
            network_sent_bytes: None,
            network_received_bytes: None,
            pressure: Pressure::default(),
        }
    }

    fn pressure(&mut self) -> Pressure {
        Pressure {
            cpu_percent: Some(self.unit()),
            memory_percent: Some(0.0),
            io_percent: Some(self.unit()),
        }
    }
}
