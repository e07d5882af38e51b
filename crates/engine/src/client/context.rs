//! A core: one thread with its users, connections, buffers and histograms. Nothing of it is shared.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use brunt_record::{Command, FailureKind, Level, NameId, Sample, Second};
use brunt_scenario::{
    Cast, Connections, Halt, Plan, Rendered, Rendering, Request, Stock, Value, names_of,
};
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::{JoinSet, LocalSet};

use crate::client::exchange::nanoseconds;
use crate::client::failure_example;
use crate::client::parser_thread::ParserThread;
use crate::client::recorder::{Gauges, Recorder};
use crate::client::session::Belongings;
use crate::connections::connector::Dialer;
use crate::connections::pool::Pool;
use crate::http::outgoing_request::Upload;
use crate::http2::RequestHeads;
use crate::net::error::Fault;
use crate::net::origins::Target;
use crate::net::tls::Sessions;
use crate::settings::{Settings, Share};
use crate::time::clock::Clock;
use crate::time::thread_cpu::CpuAccount;
use crate::time::timers::{Pacer, Phase};
use crate::time::yielding::in_slices;
use crate::user::User;
use crate::user::step_runner::Leaves;
use crate::worker::smoke_run::Script;
use crate::workload::Part;
use crate::workload::arrival_queue::Arrival;
use crate::workload::start_stats::{Started, Starts};

/// So many steps may be taken, of all users, before the core's other work has its turn.
const STEPS_AT_ONCE: u32 = 64;
/// A buffer that has grown beyond this is not kept for other requests: each one could come to be as large.
const BUFFER_BYTES_MAX: usize = 1 << 20;
/// The most that is read at once.
const SCRATCH_BYTES: usize = 64 << 10;

/// What a core's users share.
pub(crate) struct Core {
    pub(crate) plan: Arc<Plan>,
    pub(crate) target: Arc<Target>,
    pub(crate) clock: Clock,
    pub(crate) pacer: Rc<Pacer>,
    /// The parts of the load. All end at once.
    pub(crate) parts: Box<[Part]>,
    /// There may be more users to begin, or it is time to look whether all have ended.
    look_again: Notify,
    pub(crate) dialer: Dialer,
    /// The connections that users share, where they do.
    pub(crate) pool: Option<Rc<Pool>>,
    /// The TLS sessions of the pool.
    pub(crate) sessions: Option<Sessions>,
    uploads: HashMap<PathBuf, Rc<Upload>>,
    /// What its users draw from in common.
    pub(crate) stock: Rc<Stock>,
    pub(crate) parser: ParserThread,
    /// The values of a user's variables when it begins.
    values: Arc<[Value]>,
    pub(crate) starts: Starts,
    /// Where all is kept that is said and heard, in a rehearsal.
    pub(crate) script: Option<Script>,
    /// Space to read into; held only while bytes are taken.
    pub(crate) scratch: Rc<RefCell<Box<[u8]>>>,
    recorder: RefCell<Recorder>,
    cpu: CpuAccount,
    /// What HTTP/2 was sent last.
    pub(crate) heads: RefCell<RequestHeads>,
    /// Buffers for requests under way.
    buffers: RefCell<Vec<Vec<u8>>>,
    body: RefCell<Vec<u8>>,
    /// Steps since the core's other work had its turn.
    steps: Cell<u32>,
    users: Cell<u32>,
    /// The most users at once since the last hand-over.
    users_max: Cell<u32>,
}

impl Core {
    /// A core with its share of the load, on the current runtime.
    pub(crate) fn new(
        plan: Arc<Plan>,
        target: Arc<Target>,
        (clock, recorder): (Clock, Recorder),
        share: Share,
        settings: &Settings,
    ) -> io::Result<Self> {
        let pool = match plan.network.connections {
            Connections::Shared(most) => {
                let part = share.part_of(most) as usize;
                let streams = plan.network.streams();
                Some(Rc::new(Pool::new(target.origins().len(), part, streams)))
            }
            _ => None,
        };
        let uploads = plan.files().map(|path| {
            let upload = Upload::open(path)
                .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?;
            Ok((path.to_owned(), Rc::new(upload)))
        });
        Ok(Self {
            dialer: Dialer::new(&target, share.first()),
            stock: Rc::new(Stock::new(
                plan.sources.clone(),
                share.of_rows(),
                settings.seed,
                Timestamp::now,
            )),
            parser: ParserThread::new(&settings.cores),
            values: settings.values.clone(),
            starts: Starts::default(),
            script: None,
            sessions: pool.is_some().then(Sessions::default),
            pool,
            uploads: uploads.collect::<io::Result<_>>()?,
            parts: Part::all(&plan, settings.seed, share),
            plan,
            target,
            clock,
            pacer: Rc::new(Pacer::new(clock, settings.is_precise)?),
            look_again: Notify::new(),
            scratch: Rc::new(RefCell::new(vec![0; SCRATCH_BYTES].into())),
            recorder: RefCell::new(recorder),
            cpu: CpuAccount::of_this_thread(),
            heads: RefCell::default(),
            buffers: RefCell::default(),
            body: RefCell::default(),
            steps: Cell::new(0),
            users: Cell::new(0),
            users_max: Cell::new(0),
        })
    }

    /// The core keeps all that is said and heard, and does not rest.
    pub(crate) fn rehearses(mut self) -> Self {
        self.script = Some(Script::default());
        self
    }

    pub(crate) fn take_buffer(&self) -> Vec<u8> {
        self.buffers.borrow_mut().pop().unwrap_or_default()
    }

    pub(crate) fn give_buffer(&self, buffer: Vec<u8>) {
        if buffer.capacity() <= BUFFER_BYTES_MAX {
            self.buffers.borrow_mut().push(buffer);
        }
    }

    /// The files of a request's body.
    #[inline]
    pub(crate) fn uploads_of(&self, request: &Request) -> Vec<Rc<Upload>> {
        let files = request.files();
        files
            .filter_map(|path| self.uploads.get(path).cloned())
            .collect()
    }

    /// The values of a user's variables when it begins: those that the set-up left for all.
    pub(crate) fn first_values(&self) -> Vec<Value> {
        let mut values = self.values.to_vec();
        values.resize_with(self.plan.variables.len(), Value::default);
        values
    }

    /// Renders a request.
    #[inline]
    pub(crate) fn render(
        &self,
        request: &Request,
        uploads: &[Rc<Upload>],
        belongings: &mut Belongings,
        into: &mut Rendered,
    ) -> Result<(), Halt> {
        let (origin, url) = self.target.host(request.host);
        let rendering = Rendering {
            base_path: url.path().trim_end_matches('/'),
            host: &self.target.origins()[origin].host_header,
            closes: self.plan.network.connections == Connections::PerRequest,
            file_bytes: uploads.iter().map(|upload| upload.bytes).sum(),
        };
        let mut scope = belongings.scope(self);
        request.render(&mut scope, rendering, into, &mut self.body.borrow_mut())
    }

    /// Counts a request that is done, in its second.
    #[inline]
    pub(crate) fn record(
        &self,
        sample: &Sample,
        fault: Option<&Fault>,
        example: impl FnOnce(&Fault) -> String,
    ) {
        let mut recorder = self.recorder.borrow_mut();
        recorder.advance(sample.done_ns, || self.gauges());
        recorder.record(sample);
        if let Some(fault) = fault {
            let example = || example(fault);
            recorder.record_failure(sample.name, fault.kind, fault.code, example);
        }
    }

    /// Counts a step. True if it is time that the core's other work has its turn: a user whose steps wait for nothing
    /// would keep the core to itself.
    #[inline]
    pub(crate) fn takes_too_long(&self) -> bool {
        let steps = self.steps.get() + 1;
        let is_over = steps == STEPS_AT_ONCE;
        self.steps.set(if is_over { 0 } else { steps });
        is_over
    }

    /// Counts what is no request, such as a group, at this moment.
    pub(crate) fn record_counted(
        &self,
        sample: &Sample,
        fault: Option<&Fault>,
        belongings: &Belongings,
    ) {
        let mut recorder = self.recorder.borrow_mut();
        recorder.advance(self.clock.now_ns(), || self.gauges());
        recorder.record(sample);
        if let Some(fault) = fault {
            recorder.record_failure(sample.name, fault.kind, fault.code, || {
                failure_example::text_of(fault, &failure_example::secrets_of(self, belongings))
            });
        }
    }

    pub(crate) fn count_connection(&self) {
        self.recorder.borrow_mut().counts().connections += 1;
    }

    #[inline]
    pub(crate) fn count_task(&self) {
        self.recorder.borrow_mut().counts().tasks += 1;
    }

    pub(crate) fn count_reopened(&self) {
        self.recorder.borrow_mut().counts().reopened += 1;
    }

    /// Counts a request that is sent again.
    pub(crate) fn count_retry(&self, name: NameId) {
        self.recorder.borrow_mut().count_retry(name);
    }

    /// Counts cookies that a user's jar had no room for.
    pub(crate) fn count_cookies_dropped(&self, cookies: u64) {
        self.recorder.borrow_mut().counts().cookies_dropped += cookies;
    }

    pub(crate) fn user_begins(&self) {
        self.users.set(self.users.get() + 1);
        self.users_max
            .set(self.users_max.get().max(self.users.get()));
    }

    pub(crate) fn user_ends(&self) {
        self.users.set(self.users.get() - 1);
    }

    /// A user is active for the first time.
    pub(crate) fn count_user(&self) {
        self.count_now(|counts| counts.users_begun += 1);
    }

    /// A user stops for good.
    pub(crate) fn count_leaving(&self, why: Leaves) {
        self.count_now(|counts| match why {
            Leaves::NotStarted => counts.users_not_started += 1,
            Leaves::OutOfData => counts.users_out_of_data += 1,
            Leaves::Told => counts.users_stopped += 1,
            Leaves::RunEnds => {}
        });
    }

    /// Counts something in the present second.
    fn count_now(&self, count: impl FnOnce(&mut Second)) {
        let mut recorder = self.recorder.borrow_mut();
        recorder.advance(self.clock.now_ns(), || self.gauges());
        count(recorder.counts());
    }

    /// A user of a part's pool has ended. Where nobody is left to play its arrivals, there are no more of them.
    pub(crate) fn pool_user_ended(&self, part: &Part) {
        if !part.pool.user_ends() || self.pacer.phase() != Phase::Running {
            return;
        }
        if self.parts.len() == 1 {
            self.enter(Phase::Stopping);
        } else {
            part.desk.close();
        }
    }

    pub(crate) fn finish(&self) {
        self.recorder.borrow_mut().finish(&self.gauges());
    }

    fn gauges(&self) -> Gauges {
        let (under_way, oldest_ns) = self.pacer.in_flight();
        let mut in_flight = under_way;
        let mut oldest_ns = oldest_ns;
        for part in &self.parts {
            let (waiting, oldest_waiting_ns) = part.desk.waiting();
            in_flight = in_flight.saturating_add(u32::try_from(waiting).unwrap_or(u32::MAX));
            oldest_ns = oldest_ns.into_iter().chain(oldest_waiting_ns).min();
        }
        let now_ns = self.clock.now_ns();
        let mut cpu = self.cpu.take();
        // Looking at the clock is no work: who came in the meantime was served at once.
        cpu.ran_ns = cpu.ran_ns.saturating_sub(self.pacer.take_spun_ns());
        Gauges {
            users: self.users_max.replace(self.users.get()),
            in_flight,
            oldest_ms: oldest_ns.map(|oldest_ns| now_ns.saturating_sub(oldest_ns) / 1_000_000),
            cpu,
            kept_waiting_us: self.pacer.take_kept_waiting_ns() / 1_000,
            stood_still_ms: self.pacer.take_stood_still_ns() / 1_000_000,
        }
    }

    /// Counts an arrival that no user came to play before the run was cut off.
    fn record_left_over(&self, seed: u64, cast: &Cast, arrival: Arrival) {
        let (class, mut random) = cast.arrival(seed, arrival.number);
        let tasks = &self.plan.classes[class].tasks;
        let task = tasks.next(arrival.number, &mut random);
        // What it would have done first; where it makes no request, there is none that is missing.
        let Some(name) = names_of(tasks.steps(task)).first().copied() else {
            return;
        };
        let fault = Fault::new(FailureKind::CutOff, "the run ended before a user was idle");
        let sample = Sample {
            name,
            intended_ns: arrival.intended_ns,
            dispatched_ns: arrival.dispatched_ns,
            sent_ns: None,
            first_byte_ns: None,
            done_ns: self.clock.now_ns(),
            connect_ns: None,
            tls_ns: None,
            stood_still_ns: 0,
            failure: Some(fault.kind),
            wire_requests: 0,
            bytes_sent: 0,
            bytes_received: 0,
        };
        let method = &self.plan.names[name.index()].method;
        self.record(&sample, Some(&fault), |fault| {
            failure_example::of(fault, method.as_bytes(), &self.plan.secrets.known)
        });
    }

    /// Hands every second over when it ends; stops the core when the schedule is over, and cuts off
    /// what is left when the stop timeout is over as well.
    async fn keep_time(&self, stop_timeout_ns: u64) {
        let seat = self.pacer.seat();
        let load_end_ns = self.parts[0].schedule.end_ns();
        let mut abort_ns = load_end_ns.saturating_add(stop_timeout_ns);
        let mut stopping = false;
        loop {
            let now_ns = self.clock.now_ns();
            self.recorder.borrow_mut().advance(now_ns, || self.gauges());
            self.look_ahead();
            if self.pacer.phase() == Phase::Running && now_ns >= load_end_ns {
                self.enter(Phase::Stopping);
            }
            if self.pacer.phase() == Phase::Stopping && !stopping {
                stopping = true;
                abort_ns = abort_ns.min(now_ns.saturating_add(stop_timeout_ns));
            }
            if self.pacer.phase() == Phase::Stopping && now_ns >= abort_ns {
                self.enter(Phase::Aborting);
            }
            let next_second_ns = (now_ns / 1_000_000_000 + 1) * 1_000_000_000;
            let next_ns = if stopping { abort_ns } else { load_end_ns };
            let wake_ns = if next_ns > now_ns {
                next_second_ns.min(next_ns)
            } else {
                next_second_ns
            };
            self.pacer.sleep_until(seat, wake_ns).await;
        }
    }

    /// The test is to stop: this core does, and whoever collects hears of it.
    pub(crate) fn stop_test(&self) {
        if self.pacer.phase() == Phase::Running {
            self.recorder.borrow().ask_to_stop();
            self.enter(Phase::Stopping);
        }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.pacer.enter(phase);
        self.look_again.notify_one();
    }

    /// Users are to begin.
    pub(crate) fn look_for_users(&self) {
        self.look_again.notify_one();
    }

    /// Sees to it that users are ready for the arrivals that come soon.
    fn look_ahead(&self) {
        let now_ns = self.clock.now_ns();
        let grows = self.parts.iter().map(|part| part.look_ahead(now_ns));
        if grows.fold(false, |any, one| any | one) {
            self.look_for_users();
        }
    }

    fn steer(&self, level: &Level) {
        self.parts[0].schedule.steer(level, self.clock.now_ns());
        self.look_ahead();
        self.pacer.break_off_sleeps();
        self.look_again.notify_one();
    }

    async fn obey(&self, mut commands: UnboundedReceiver<Command>) {
        while let Some(command) = commands.recv().await {
            match command {
                Command::Level(level) => self.steer(&level),
                Command::Stop if self.pacer.phase() == Phase::Running => {
                    self.enter(Phase::Stopping);
                }
                Command::Stop => {}
                Command::Abort => self.enter(Phase::Aborting),
            }
        }
        // Whoever commanded is gone: nobody waits for the rest.
        self.enter(Phase::Aborting);
    }
}

/// Plays a core's users to their end. Fails where one of them panicked, or where the timer failed.
pub(crate) async fn play(
    core: Core,
    settings: &Settings,
    commands: UnboundedReceiver<Command>,
) -> io::Result<Started> {
    let core = Rc::new(core);
    let local = LocalSet::new();
    let driver = local.spawn_local({
        let core = core.clone();
        async move { core.pacer.drive().await }
    });
    let stop_timeout_ns = nanoseconds(settings.stop_timeout);
    let time = local.spawn_local({
        let core = core.clone();
        async move { core.keep_time(stop_timeout_ns).await }
    });
    let obedience = local.spawn_local({
        let core = core.clone();
        async move { core.obey(commands).await }
    });
    let ended = local.run_until(async {
        tokio::select! {
            ended = play_users(&core, settings.seed) => ended,
            driven = driver => driven.unwrap_or_else(|error| Err(io::Error::other(error))),
        }
    });
    let ended = ended.await;
    time.abort();
    obedience.abort();
    for part in &core.parts {
        for arrival in part.desk.left_over() {
            core.record_left_over(settings.seed, &part.cast, arrival);
        }
    }
    core.finish();
    ended.map(|()| core.starts.told())
}

/// Plays the arrivals and the users, who are begun when the schedule first wants them.
async fn play_users(core: &Rc<Core>, seed: u64) -> io::Result<()> {
    let mut users = JoinSet::new();
    for number in 0..core.parts.len() {
        if core.parts[number].is_open {
            let core = core.clone();
            users.spawn_local(async move {
                let part = &core.parts[number];
                part.desk.take_up(&core, part).await;
            });
        }
    }
    core.look_ahead();
    let mut begun = vec![0; core.parts.len()];
    let is_searched = core.parts[0].schedule.is_searched();
    loop {
        for (number, begun) in begun.iter_mut().enumerate() {
            *begun += begin_users(core, seed, number, *begun, &mut users).await;
        }
        let more_may_come = is_searched && core.pacer.phase() == Phase::Running;
        tokio::select! {
            ended = users.join_next() => match ended {
                Some(ended) => ended.map_err(io::Error::other)?,
                None if more_may_come => core.look_again.notified().await,
                None => return Ok(()),
            },
            () = core.look_again.notified() => {}
        }
    }
}

/// Begins the users that a part wants and that have not begun, a few at a time, since others may run already;
/// returns how many these are.
async fn begin_users(
    core: &Rc<Core>,
    seed: u64,
    part_number: usize,
    begun: usize,
    users: &mut JoinSet<()>,
) -> usize {
    let part = &core.parts[part_number];
    let fresh: Vec<u32> = if core.pacer.phase() != Phase::Running {
        Vec::new()
    } else if part.is_open {
        let count = part.pool.take_wanted() as usize;
        let all = part.schedule.users(u32::MAX);
        all.skip(begun).take(count).collect()
    } else {
        let wanted = part.schedule.users_wanted();
        part.schedule.users(wanted).skip(begun).collect()
    };
    let count = fresh.len();
    in_slices(fresh, |number| {
        let user = User::new(core, seed, part_number, number);
        if part.is_open {
            users.spawn_local(user.serve(core.clone(), seed));
        } else {
            users.spawn_local(user.play(core.clone()));
        }
    })
    .await;
    count
}
