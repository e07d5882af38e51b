//! The context of a worker: state that the users of one load thread share. It is never shared between threads.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use brunt_record::{NameId, Sample, Second};
use brunt_scenario::{
    Connections, EvalError, Plan, RenderContext, RenderedRequest, Request, SharedData, Value,
};
use jiff::Timestamp;
use tokio::sync::Notify;

use super::failure_example;
use super::parser_thread::ParserThread;
use super::recorder::{Gauges, Recorder};
use super::session::{SessionState, UserSession};
use super::trace::TraceRecorder;
use crate::connections::connector::Connector;
use crate::connections::pool::ConnectionPool;
use crate::http::outgoing_request::Upload;
use crate::net::context::{CapacityListener, ConnectionCounters, NetContext};
use crate::net::error::RequestError;
use crate::net::origins::Origins;
use crate::net::tls::TlsSessions;
use crate::settings::{Settings, Shard};
use crate::time::clock::Clock;
use crate::time::thread_cpu::ThreadCpu;
use crate::time::timers::{ShutdownPhase, Timers};
use crate::workload::Workload;
use crate::workload::start_stats::StartStats;

/// Number of steps, summed over all users, after which the worker yields to its other tasks.
const STEPS_AT_ONCE: u32 = 64;
/// Buffers with a larger capacity are not reused for other requests; otherwise all of them could grow that large.
const BUFFER_BYTES_MAX: usize = 1 << 20;
/// Maximum number of bytes per read.
const SCRATCH_BYTES: usize = 64 << 10;

/// State that the users of a worker share.
pub(crate) struct WorkerContext {
    pub(crate) plan: Arc<Plan>,
    pub(crate) net: NetContext,
    /// The workloads, which all end at the same time.
    pub(crate) workloads: Box<[Workload]>,
    /// Notified when users may have to start, or when all may have ended.
    pub(crate) users_changed: Notify,
    pub(crate) connector: Connector,
    /// The shared connection pool, if the scenario has one.
    pub(crate) pool: Option<Rc<ConnectionPool>>,
    /// The TLS sessions of the shared pool.
    pub(crate) tls_sessions: Option<TlsSessions>,
    uploads: HashMap<PathBuf, Rc<Upload>>,
    /// The data sources.
    pub(crate) shared_data: Rc<SharedData>,
    pub(crate) parser: ParserThread,
    /// Initial values of a user's variables.
    values: Arc<[Value]>,
    pub(crate) start_stats: RefCell<StartStats>,
    /// Keeps all requests and responses of a smoke run.
    pub(crate) trace: Option<TraceRecorder>,
    recorder: RefCell<Recorder>,
    cpu: ThreadCpu,
    /// Requests that have ended, reused as buffers for rendering.
    #[expect(
        clippy::vec_box,
        reason = "a request in flight keeps a pointer in its user instead of the complete request"
    )]
    requests: RefCell<Vec<Box<RenderedRequest>>>,
    /// Buffers for response bodies.
    buffers: RefCell<Vec<Vec<u8>>>,
    body: RefCell<Vec<u8>>,
    /// Number of steps since the last yield to the worker's other tasks.
    steps: Cell<u32>,
    users: Cell<u32>,
    /// Maximum number of concurrent users since the last second was handed over.
    users_max: Cell<u32>,
}

impl WorkerContext {
    /// Creates the context of a worker, with its shard of the load, on the current runtime.
    pub(crate) fn new(
        plan: Arc<Plan>,
        origins: Arc<Origins>,
        (clock, recorder): (Clock, Recorder),
        shard: Shard,
        settings: &Settings,
    ) -> io::Result<Self> {
        let timers = Rc::new(Timers::new(clock, settings.is_precise)?);
        let pool = match plan.network.connections {
            Connections::Shared(connections) => {
                let own = shard.share_of(connections) as usize;
                let (origins, streams) = (origins.all().len(), plan.network.streams());
                Some(Rc::new(ConnectionPool::new(
                    origins,
                    own,
                    streams,
                    timers.clone(),
                )))
            }
            _ => None,
        };
        let uploads = plan.files().map(|path| {
            let upload = Upload::open(path)
                .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?;
            Ok((path.to_owned(), Rc::new(upload)))
        });
        let capacity = pool.clone().map(|pool| pool as Rc<dyn CapacityListener>);
        Ok(Self {
            connector: Connector::new(&origins, shard.index as usize, capacity),
            shared_data: Rc::new(SharedData::new(
                plan.sources.clone(),
                shard.of_rows(),
                settings.seed,
                Timestamp::now,
            )),
            parser: ParserThread::new(&settings.cores),
            values: settings.values.clone(),
            start_stats: RefCell::default(),
            trace: None,
            tls_sessions: pool.is_some().then(TlsSessions::default),
            pool,
            uploads: uploads.collect::<io::Result<_>>()?,
            workloads: Workload::all(&plan, settings.seed, shard),
            net: NetContext {
                clock,
                timers,
                timeouts: plan.network.timeouts,
                version: plan.network.http,
                origins,
                scratch: Rc::new(RefCell::new(vec![0; SCRATCH_BYTES].into())),
                counters: ConnectionCounters::default(),
            },
            plan,
            users_changed: Notify::new(),
            recorder: RefCell::new(recorder),
            cpu: ThreadCpu::for_current_thread(),
            requests: RefCell::default(),
            buffers: RefCell::default(),
            body: RefCell::default(),
            steps: Cell::new(0),
            users: Cell::new(0),
            users_max: Cell::new(0),
        })
    }

    /// Keeps all requests and responses, and skips waits.
    pub(crate) fn with_trace(mut self) -> Self {
        self.trace = Some(TraceRecorder::default());
        self
    }

    /// Takes a request buffer to render into.
    pub(crate) fn take_request(&self) -> Box<RenderedRequest> {
        self.requests.borrow_mut().pop().unwrap_or_default()
    }

    pub(crate) fn give_request(&self, request: Box<RenderedRequest>) {
        if request.capacity() <= BUFFER_BYTES_MAX {
            self.requests.borrow_mut().push(request);
        }
    }

    pub(crate) fn take_buffer(&self) -> Vec<u8> {
        self.buffers.borrow_mut().pop().unwrap_or_default()
    }

    pub(crate) fn give_buffer(&self, buffer: Vec<u8>) {
        if buffer.capacity() <= BUFFER_BYTES_MAX {
            self.buffers.borrow_mut().push(buffer);
        }
    }

    /// Opens the files of a request's body.
    #[inline]
    pub(crate) fn uploads_of(&self, request: &Request) -> Vec<Rc<Upload>> {
        let files = request.files();
        files
            .filter_map(|path| self.uploads.get(path).cloned())
            .collect()
    }

    /// Initial values of a user's variables, as the set-up left them.
    fn first_values(&self) -> Vec<Value> {
        let mut values = self.values.to_vec();
        values.resize_with(self.plan.variables.len(), Value::default);
        values
    }

    /// State of a user that starts.
    pub(crate) fn new_state(&self) -> SessionState {
        SessionState::new(self.first_values())
    }

    /// Session of the user with this number over the whole run that starts; 0: the set-up.
    pub(crate) fn new_session(
        &self,
        number: u64,
        random: rand_xoshiro::Xoshiro256PlusPlus,
    ) -> UserSession {
        UserSession::new(number, random, self.first_values())
    }

    /// Renders a request.
    #[inline]
    pub(crate) fn render(
        &self,
        request: &Request,
        uploads: &[Rc<Upload>],
        session: &mut UserSession,
        into: &mut RenderedRequest,
    ) -> Result<(), EvalError> {
        let (origin, url) = self.net.origins.host(request.host);
        let rendering = RenderContext {
            url,
            base_path: url.path().trim_end_matches('/'),
            host: &self.net.origins.all()[origin].host_header,
            closes: self.plan.network.connections == Connections::PerRequest,
            file_bytes: uploads.iter().map(|upload| upload.bytes).sum(),
        };
        let mut scope = session.scope(&self.shared_data);
        request.render(&mut scope, rendering, into, &mut self.body.borrow_mut())
    }

    /// Records a request that has ended, in the second of its end.
    #[inline]
    pub(crate) fn record(
        &self,
        sample: &Sample,
        error: Option<&RequestError>,
        example: impl FnOnce(&RequestError) -> String,
    ) {
        let mut recorder = self.recorder.borrow_mut();
        recorder.advance(sample.done_ns, || self.gauges());
        recorder.record(sample);
        if let Some(error) = error {
            let example = || example(error);
            recorder.record_failure(sample.name, error.kind, error.code, example);
        }
    }

    /// Records something other than a request, such as a group, at the current time.
    pub(crate) fn record_other(
        &self,
        sample: &Sample,
        error: Option<&RequestError>,
        session: &UserSession,
    ) {
        let mut recorder = self.recorder.borrow_mut();
        recorder.advance(self.net.clock.now_ns(), || self.gauges());
        recorder.record(sample);
        if let Some(error) = error {
            recorder.record_failure(sample.name, error.kind, error.code, || {
                let secrets = failure_example::secrets_of(&self.plan, session);
                failure_example::text_of(error, &secrets)
            });
        }
    }

    /// Counts a step. Returns true if the worker has to yield to its other tasks: a user whose steps never wait would
    /// otherwise keep the thread to itself.
    #[inline]
    pub(crate) fn has_to_yield(&self) -> bool {
        let steps = self.steps.get() + 1;
        let is_over = steps == STEPS_AT_ONCE;
        self.steps.set(if is_over { 0 } else { steps });
        is_over
    }

    #[inline]
    pub(crate) fn count_task(&self) {
        self.recorder.borrow_mut().counts().tasks += 1;
    }

    /// Counts a request that is sent again.
    pub(crate) fn count_retry(&self, name: NameId) {
        self.recorder.borrow_mut().count_retry(name);
    }

    /// Counts cookies that were dropped because a user's jar was full.
    pub(crate) fn count_cookies_dropped(&self, cookies: u64) {
        self.recorder.borrow_mut().counts().cookies_dropped += cookies;
    }

    /// Counts something in the current second.
    pub(crate) fn count_now(&self, count: impl FnOnce(&mut Second)) {
        let mut recorder = self.recorder.borrow_mut();
        recorder.advance(self.net.clock.now_ns(), || self.gauges());
        count(recorder.counts());
    }

    /// Counts a user as active.
    pub(crate) fn user_started(&self) {
        self.users.set(self.users.get() + 1);
        self.users_max
            .set(self.users_max.get().max(self.users.get()));
    }

    /// Counts a user as no longer active.
    pub(crate) fn user_ended(&self) {
        self.users.set(self.users.get() - 1);
    }

    /// Hands over the current second if a later one has started.
    pub(crate) fn advance(&self, now_ns: u64) {
        self.recorder.borrow_mut().advance(now_ns, || self.gauges());
    }

    /// Hands over everything that is left.
    pub(crate) fn finish(&self) {
        self.recorder.borrow_mut().finish(&self.gauges());
    }

    fn gauges(&self) -> Gauges {
        let timers = &self.net.timers;
        let (mut in_flight, mut oldest_ns) = timers.in_flight();
        for workload in &self.workloads {
            let (waiting, oldest_waiting_ns) = workload.queue.waiting();
            in_flight = in_flight.saturating_add(u32::try_from(waiting).unwrap_or(u32::MAX));
            oldest_ns = oldest_ns.into_iter().chain(oldest_waiting_ns).min();
        }
        let now_ns = self.net.clock.now_ns();
        let mut cpu = self.cpu.take();
        // Busy-waiting is not work: events that arrive during it are handled immediately.
        cpu.ran_ns = cpu.ran_ns.saturating_sub(timers.take_busy_waited_ns());
        let (connections, reconnects) = self.net.counters.take();
        Gauges {
            users: self.users_max.replace(self.users.get()),
            in_flight,
            oldest_in_flight_ms: oldest_ns
                .map(|oldest_ns| now_ns.saturating_sub(oldest_ns) / 1_000_000),
            cpu,
            max_wakeup_delay_us: timers.stall().take_max_wakeup_delay_ns() / 1_000,
            stalled_ms: timers.stall().take_stalled_ns() / 1_000_000,
            connections,
            reconnects,
        }
    }

    /// Stops the test: drains this worker, and asks the collector to stop the others.
    pub(crate) fn stop_test(&self) {
        if self.net.timers.phase() == ShutdownPhase::Running {
            self.recorder.borrow().request_stop();
            self.set_phase(ShutdownPhase::Draining);
        }
    }

    pub(crate) fn set_phase(&self, phase: ShutdownPhase) {
        self.net.timers.set_phase(phase);
        self.users_changed.notify_one();
    }
}
