//! A core: one thread with its users, connections, buffers and histograms. Nothing of it is shared.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use rand_xoshiro::Xoshiro256PlusPlus;
use record::{Command, FailureKind, Level, Sample};
use scenario::{Connections, Plan, Rendering, Request};
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::{JoinSet, LocalSet};

use crate::clock::Clock;
use crate::cpu_account::CpuAccount;
use crate::desk::{Arrival, Desk};
use crate::dialer::Dialer;
use crate::exchange::nanoseconds;
use crate::fault::Fault;
use crate::outbox::Upload;
use crate::pacer::{Pacer, Phase};
use crate::pool::Pool;
use crate::recorder::{Gauges, Recorder};
use crate::schedule::Schedule;
use crate::settings::Settings;
use crate::target::Target;
use crate::tls::Sessions;
use crate::user::User;

/// The most that is read at once.
const SCRATCH_BYTES: usize = 64 << 10;

/// What a core's users share.
pub(crate) struct Core {
    pub(crate) plan: Arc<Plan>,
    pub(crate) target: Arc<Target>,
    pub(crate) clock: Clock,
    pub(crate) pacer: Pacer,
    pub(crate) schedule: Schedule,
    /// There may be more users to begin, or it is time to look whether all have ended.
    look_again: Notify,
    /// Where arrivals wait for an idle user.
    pub(crate) desk: Desk,
    pub(crate) dialer: Dialer,
    /// The connections that users share, where they do.
    pub(crate) pool: Option<Pool>,
    /// The TLS sessions of the pool.
    pub(crate) sessions: Option<Sessions>,
    uploads: HashMap<PathBuf, Rc<Upload>>,
    /// Space to read into; held only while bytes are taken.
    pub(crate) scratch: RefCell<Box<[u8]>>,
    recorder: RefCell<Recorder>,
    cpu: CpuAccount,
    /// Buffers for requests under way.
    buffers: RefCell<Vec<Vec<u8>>>,
    body: RefCell<Vec<u8>>,
    users: Cell<u32>,
    /// The most users at once since the last hand-over.
    users_max: Cell<u32>,
}

impl Core {
    /// Core number `number` of `cores`, on the current runtime.
    pub(crate) fn new(
        plan: Arc<Plan>,
        target: Arc<Target>,
        (clock, recorder): (Clock, Recorder),
        schedule: Schedule,
        (number, cores): (usize, usize),
    ) -> io::Result<Self> {
        let pool = match plan.network.connections {
            Connections::Shared(most) => {
                let share = (most as usize + cores - 1 - number) / cores;
                Some(Pool::new(target.origins().len(), share.max(1)))
            }
            _ => None,
        };
        let uploads = plan.files().map(|path| {
            let upload = Upload::open(path)
                .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?;
            Ok((path.to_owned(), Rc::new(upload)))
        });
        Ok(Self {
            dialer: Dialer::new(&target, number),
            sessions: pool.is_some().then(Sessions::default),
            pool,
            uploads: uploads.collect::<io::Result<_>>()?,
            plan,
            target,
            clock,
            pacer: Pacer::new(clock)?,
            schedule,
            look_again: Notify::new(),
            desk: Desk::default(),
            scratch: RefCell::new(vec![0; SCRATCH_BYTES].into()),
            recorder: RefCell::new(recorder),
            cpu: CpuAccount::of_this_thread(),
            buffers: RefCell::default(),
            body: RefCell::default(),
            users: Cell::new(0),
            users_max: Cell::new(0),
        })
    }

    pub(crate) fn take_buffer(&self) -> Vec<u8> {
        self.buffers.borrow_mut().pop().unwrap_or_default()
    }

    pub(crate) fn give_buffer(&self, buffer: Vec<u8>) {
        self.buffers.borrow_mut().push(buffer);
    }

    /// The file that is a request's body.
    #[inline]
    pub(crate) fn upload_of(&self, request: &Request) -> Option<Rc<Upload>> {
        self.uploads.get(request.file()?).cloned()
    }

    /// Renders a request; returns the length of its head.
    #[inline]
    pub(crate) fn render(
        &self,
        request: &Request,
        upload: Option<&Upload>,
        random: &mut Xoshiro256PlusPlus,
        into: &mut Vec<u8>,
    ) -> usize {
        let rendering = Rendering {
            base_path: self.target.base_path(),
            host: &self.target.origins()[0].host_header,
            closes: self.plan.network.connections == Connections::PerRequest,
            file_bytes: upload.map_or(0, |upload| upload.bytes),
        };
        request.render(random, rendering, into, &mut self.body.borrow_mut())
    }

    /// Counts a request that is done, in its second.
    #[inline]
    pub(crate) fn record(&self, sample: &Sample, fault: Option<&Fault>, request: &[u8]) {
        let mut recorder = self.recorder.borrow_mut();
        recorder.advance(sample.done_ns, || self.gauges());
        recorder.record(sample);
        if let Some(fault) = fault {
            let line = request
                .split(|byte| *byte == b'\r')
                .next()
                .unwrap_or_default();
            recorder.record_failure(sample.name, fault.kind, fault.code, || {
                let line = String::from_utf8_lossy(line);
                format!("{}: {}", line.trim_end_matches(" HTTP/1.1"), fault.text)
            });
        }
    }

    pub(crate) fn count_connection(&self) {
        self.recorder.borrow_mut().counts().connections += 1;
    }

    pub(crate) fn count_reopened(&self) {
        self.recorder.borrow_mut().counts().reopened += 1;
    }

    pub(crate) fn user_begins(&self) {
        self.users.set(self.users.get() + 1);
        self.users_max
            .set(self.users_max.get().max(self.users.get()));
    }

    pub(crate) fn user_ends(&self) {
        self.users.set(self.users.get() - 1);
    }

    pub(crate) fn finish(&self) {
        self.recorder.borrow_mut().finish(&self.gauges());
    }

    fn gauges(&self) -> Gauges {
        let (under_way, oldest_ns) = self.pacer.in_flight();
        let (waiting, oldest_waiting_ns) = self.desk.waiting();
        let oldest_ns = oldest_ns.into_iter().chain(oldest_waiting_ns).min();
        let now_ns = self.clock.now_ns();
        Gauges {
            users: self.users_max.replace(self.users.get()),
            in_flight: under_way.saturating_add(u32::try_from(waiting).unwrap_or(u32::MAX)),
            oldest_ms: oldest_ns.map(|oldest_ns| now_ns.saturating_sub(oldest_ns) / 1_000_000),
            cpu: self.cpu.take(),
            kept_waiting_us: self.pacer.take_kept_waiting_ns() / 1_000,
            stood_still_ms: self.pacer.take_stood_still_ns() / 1_000_000,
        }
    }

    /// Counts an arrival that no user came to play before the run was cut off.
    fn record_left_over(&self, seed: u64, arrival: Arrival) {
        let (class, mut random) = self.plan.arrival(seed, arrival.number);
        let tasks = &self.plan.classes[class].tasks;
        let Some(request) = tasks.requests(tasks.draw(&mut random)).first() else {
            return;
        };
        let fault = Fault::new(FailureKind::CutOff, "the run ended before a user was idle");
        let sample = Sample {
            name: request.name,
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
        self.record(&sample, Some(&fault), request.method.as_bytes());
    }

    /// Hands every second over when it ends; stops the core when the schedule is over, and cuts off
    /// what is left when the stop timeout is over as well.
    async fn keep_time(&self, stop_timeout_ns: u64) {
        let seat = self.pacer.seat();
        let load_end_ns = self.schedule.end_ns();
        let mut abort_ns = load_end_ns.saturating_add(stop_timeout_ns);
        let mut stopping = false;
        loop {
            let now_ns = self.clock.now_ns();
            self.recorder.borrow_mut().advance(now_ns, || self.gauges());
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

    fn enter(&self, phase: Phase) {
        self.pacer.enter(phase);
        self.look_again.notify_one();
    }

    fn steer(&self, level: &Level) {
        self.schedule.steer(level, self.clock.now_ns());
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
) -> io::Result<()> {
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
    for arrival in core.desk.left_over() {
        core.record_left_over(settings.seed, arrival);
    }
    core.finish();
    ended
}

/// Plays the arrivals and the users, who are begun when the schedule first wants them.
async fn play_users(core: &Rc<Core>, seed: u64) -> io::Result<()> {
    let mut users = JoinSet::new();
    let is_open = core.plan.load.open.is_some();
    if is_open {
        let desk = core.clone();
        users.spawn_local(async move { desk.desk.take_up(&desk).await });
    }
    let mut begun = 0;
    loop {
        let wanted = core.schedule.users_wanted();
        let fresh = core.schedule.users(wanted).skip(begun);
        for number in fresh.collect::<Vec<_>>() {
            let user = User::new(core, seed, number);
            if is_open {
                users.spawn_local(user.serve(core.clone(), seed));
            } else {
                users.spawn_local(user.play(core.clone()));
            }
            begun += 1;
        }
        let more_may_come = core.schedule.is_searched() && core.pacer.phase() == Phase::Running;
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
