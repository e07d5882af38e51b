//! The recorder: the samples of one worker, handed over once per second by moving a pointer.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use brunt_record::{FailureKind, NameId, RequestName, Sample, Second, SecondRecorder, second_of};

use crate::time::clock::Clock;
use crate::time::thread_cpu::CpuUsage;
use crate::workload::start_stats::StartStats;

/// A message from a worker to the collector.
pub(crate) enum WorkerEvent {
    /// The samples of one second.
    Delta(Box<SecondRecorder>),
    /// A step of the scenario stops the test.
    StopTest,
    /// The worker has ended, with its start statistics or with the reason of its failure.
    Ended(Result<StartStats, String>),
}

pub(crate) struct Recorder {
    clock: Clock,
    names: Arc<[RequestName]>,
    delta: Box<SecondRecorder>,
    to: Sender<(usize, WorkerEvent)>,
    /// Recorders that the collector has returned for reuse.
    spare: Receiver<Box<SecondRecorder>>,
    worker: usize,
}

/// State of a worker at the end of a second.
pub(crate) struct Gauges {
    /// Maximum number of concurrent users.
    pub(crate) users: u32,
    pub(crate) in_flight: u32,
    pub(crate) oldest_in_flight_ms: Option<u64>,
    /// CPU time of the thread.
    pub(crate) cpu: CpuUsage,
    /// The longest delay of a wake-up.
    pub(crate) max_wakeup_delay_us: u64,
    /// Total duration of stalls of the thread.
    pub(crate) stalled_ms: u64,
    /// Number of connections opened.
    pub(crate) connections: u64,
    /// Number of reconnects.
    pub(crate) reconnects: u64,
}

impl Recorder {
    pub(crate) fn new(
        clock: Clock,
        names: Arc<[RequestName]>,
        to: Sender<(usize, WorkerEvent)>,
        spare: Receiver<Box<SecondRecorder>>,
        worker: usize,
    ) -> Self {
        let delta = Box::new(SecondRecorder::new(&names));
        Self {
            clock,
            names,
            delta,
            to,
            spare,
            worker,
        }
    }

    /// Asks the collector to stop the test.
    pub(crate) fn request_stop(&self) {
        // The collector is dropped only while the run is torn down.
        self.to.send((self.worker, WorkerEvent::StopTest)).ok();
    }

    /// Hands over the second if a later one has started.
    #[inline]
    pub(crate) fn advance(&mut self, now_ns: u64, gauges: impl FnOnce() -> Gauges) {
        let second = second_of(now_ns);
        if second > self.delta.second() {
            self.hand_over(&gauges());
            self.delta.start(second);
        }
    }

    /// Counts a request that has just ended.
    #[inline]
    pub(crate) fn record(&mut self, sample: &Sample) {
        self.delta.record(sample);
    }

    pub(crate) fn record_failure(
        &mut self,
        name: NameId,
        kind: FailureKind,
        code: u16,
        example: impl FnOnce() -> String,
    ) {
        let now_ns = self.clock.now_ns();
        self.delta.record_failure(name, kind, code, now_ns, example);
    }

    /// Counts a request that is sent again.
    pub(crate) fn count_retry(&mut self, name: NameId) {
        self.delta.count_retry(name);
    }

    pub(crate) fn counts(&mut self) -> &mut Second {
        self.delta.counts_mut()
    }

    /// Hands over everything that is left.
    pub(crate) fn finish(&mut self, gauges: &Gauges) {
        self.hand_over(gauges);
        self.delta.start(u32::MAX);
    }

    fn hand_over(&mut self, gauges: &Gauges) {
        let counts = self.delta.counts_mut();
        counts.users = Some(gauges.users);
        counts.in_flight = Some(gauges.in_flight);
        counts.oldest_in_flight_ms = gauges.oldest_in_flight_ms;
        counts.cpu_wait_ms = gauges.cpu.waited_ns / 1_000_000;
        counts.cpu_wait_mean_us = gauges.cpu.waited_each_ns() / 1_000;
        counts.timeslices = gauges.cpu.timeslices;
        counts.cpu_ms = gauges.cpu.ran_ns / 1_000_000;
        counts.busiest_thread_cpu_ms = counts.cpu_ms;
        counts.max_wakeup_delay_us = gauges.max_wakeup_delay_us;
        counts.generator_stall_ms = gauges.stalled_ms;
        counts.connections += gauges.connections;
        counts.reconnects += gauges.reconnects;
        let next = self
            .spare
            .try_recv()
            .unwrap_or_else(|_| Box::new(SecondRecorder::new(&self.names)));
        let full = std::mem::replace(&mut self.delta, next);
        // The collector is dropped only while the run is torn down.
        if self
            .to
            .send((self.worker, WorkerEvent::Delta(full)))
            .is_err()
        {
            self.delta.start(u32::MAX);
        }
    }
}
