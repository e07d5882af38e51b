//! The stage: a service that is reached, and what is set up around it, for one run or for many blocks.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use brunt_engine::{Origins, Settings};
use brunt_record::{Generator, Header, Machine, OtherHost};
use brunt_scenario::{Host, Plan, Scenario};
use jiff::Timestamp;

use crate::config::load_config::LoadOptions;
use crate::config::network_config::other_hosts;
use crate::config::watch_config::WatchOptions;
use crate::exit::Failure;
use crate::live_export::Outlets;
use crate::ports;
use crate::results::RunFolder;
use crate::run::generator_capacity;
use crate::run::placement::{Placement, place};
use crate::run::run_loop::{Played, Run};
use crate::run::watch_targets::Watched;
use crate::system::demo_service::EmbeddedAgent;
use crate::system::interrupts::Interrupts;
use crate::system::preflight;
use crate::terminal::LiveLine;

/// How long a worker process may be silent, unless `--worker-timeout` says otherwise.
pub(crate) const WORKER_TIMEOUT: Duration = Duration::from_secs(10);

/// A service that is reached, with who watches it and where brunt runs meanwhile.
pub(crate) struct Stage {
    target: Arc<Origins>,
    agent: Option<EmbeddedAgent>,
    placement: Placement,
    /// The cores that brunt may use when it plays nothing.
    allowed: Vec<usize>,
    watched: Watched,
    capacity_rps: Option<f64>,
    machine: Machine,
    /// How long a worker process may be silent.
    pub(crate) worker_timeout: Duration,
}

impl Stage {
    /// Reaches a service: it is started where it is the embedded agent.
    pub(crate) fn set(
        options: &LoadOptions,
        processes: u32,
        watch: &WatchOptions,
        host: &Host,
        plan: &Plan,
    ) -> Result<Self, Failure> {
        let allowed = brunt_monitor::allowed_cpus();
        let embedded = *host == Host::Embedded;
        if embedded && watch.names_target() {
            let message = "the embedded agent is watched by itself: give what is watched beside it a name, such as \
                           --pid db=4711";
            return Err(Failure::Input(message.into()));
        }
        preflight::enough_for(plan, processes)?;
        uploads_are_there(plan)?;
        let resolved = match host {
            Host::Url(url) => Some(options.reach.resolve(url, plan)?),
            Host::Embedded => None,
        };
        let is_local = resolved.as_ref().is_none_or(Origins::is_local);
        let placement = place(&allowed, plan, is_local, embedded).of_processes(processes, plan)?;
        let mut agent = None;
        let target = if let Some(target) = resolved {
            target
        } else {
            let agent = agent.insert(EmbeddedAgent::start(&placement.agent)?);
            options.reach.resolve(agent.url(), plan)?
        };
        ports::enough_for(plan, &target, options.reach.local_address.len())?;
        options.reach.reach(&target)?;
        let machine = crate::machine::machine();
        let watched = Watched::find(watch, agent.as_ref(), &target)?;
        let mut stage = Self {
            target: Arc::new(target),
            agent,
            placement,
            allowed,
            watched,
            capacity_rps: None,
            machine,
            worker_timeout: WORKER_TIMEOUT,
        };
        stage.capacity_rps = stage.in_place(|stage| {
            Ok(generator_capacity::of(
                plan,
                &stage.placement,
                &stage.machine,
            ))
        })?;
        Ok(stage)
    }

    /// Where the service is.
    pub(crate) fn host(&self) -> String {
        self.target.url.to_string()
    }

    /// The machine that brunt runs on.
    pub(crate) fn machine_in_words(&self) -> String {
        let Machine {
            cpu_model,
            cores,
            system,
            ..
        } = &self.machine;
        let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
        let cores = cores.map_or_else(|| "unknown".to_owned(), |cores| cores.to_string());
        format!("{}, {cores} cores, {}", known(cpu_model), known(system))
    }

    /// Does something on the cores that are brunt's own.
    fn in_place<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        if self.placement.own.is_empty() {
            return work(self);
        }
        brunt_monitor::pin_current_thread(&self.placement.own).context("cannot pin brunt")?;
        let done = work(self);
        brunt_monitor::pin_current_thread(&self.allowed).context("cannot unpin brunt")?;
        done
    }

    /// The head of a run's record.
    pub(crate) fn header(
        &self,
        options: &LoadOptions,
        scenario: &Scenario,
        profile: &str,
        plan: &Plan,
        run_id: &str,
    ) -> Header {
        let classes = plan.classes.iter();
        Header {
            run_id: run_id.into(),
            brunt_version: env!("CARGO_PKG_VERSION").into(),
            scenario_file: options.from.file.display().to_string(),
            scenario_hash: scenario.hash.clone(),
            scenario: Some(scenario.resolved.clone()),
            profile: profile.into(),
            host: self.target.url.to_string(),
            embedded: self.watched.is_agent,
            started_at: Timestamp::now(),
            seed: options.seed.unwrap_or_else(new_seed),
            names: plan.names.clone(),
            classes: classes
                .map(|class| (class.name.clone(), class.share))
                .collect(),
            load: plan.load.clone(),
            targets: plan.targets.clone(),
            min_duration_s: plan.min_duration.map(|length| length.as_secs_f64()),
            not_requested: plan.not_requested(),
            planned_shares: plan.planned_shares(),
            generator: self.generator(options, scenario, plan),
            machine: self.machine.clone(),
            label: None,
            commit: None,
        }
    }

    /// The hosts that get load in addition to it.
    pub(crate) fn other_hosts(&self, scenario: &Scenario, plan: &Plan) -> Vec<OtherHost> {
        let classes = plan.classes.iter().map(|class| class.name.as_str());
        other_hosts(scenario, classes, Some(&self.target.url))
    }

    fn generator(&self, options: &LoadOptions, scenario: &Scenario, plan: &Plan) -> Generator {
        let timeouts = &plan.network.timeouts;
        let cores = |cores: &[usize]| {
            let cores = cores.iter().filter_map(|core| u32::try_from(*core).ok());
            cores.collect()
        };
        let addresses = self.target.addresses();
        Generator {
            threads: u32::try_from(self.placement.threads).unwrap_or(u32::MAX),
            processes: self.placement.processes,
            busy_wait: options.busy_wait,
            cores: cores(&self.placement.own),
            target_cores: cores(&self.placement.agent),
            connections: plan.network.in_words(),
            addresses: addresses.iter().map(SocketAddr::to_string).collect(),
            other_hosts: self.other_hosts(scenario, plan),
            local_addresses: options
                .reach
                .local_address
                .iter()
                .map(IpAddr::to_string)
                .collect(),
            insecure: self.target.url.scheme() == "https" && plan.network.tls.insecure,
            connect_timeout_s: timeouts.connect.as_secs_f64(),
            tls_timeout_s: timeouts.tls.as_secs_f64(),
            first_byte_timeout_s: timeouts.first_byte.map(|timeout| timeout.as_secs_f64()),
            timeout_s: timeouts.total.as_secs_f64(),
            stop_timeout_s: options.stop_timeout.as_secs_f64(),
            watched: self.watched.words(),
            additional_targets: self.watched.beside(),
            capacity_rps: self.capacity_rps,
        }
    }

    /// Plays a plan; what is recorded is kept in a folder as it comes, where there is one, and told to those who
    /// want to hear it.
    pub(crate) fn play(
        &mut self,
        plan: Arc<Plan>,
        header: Header,
        folder: Option<&RunFolder>,
        interrupts: &Interrupts,
        live: LiveLine,
        outlets: Option<&mut Outlets>,
    ) -> Result<Played, Failure> {
        let monitor = self.watched.monitor()?;
        let settings = Settings {
            seed: header.seed,
            threads: self.placement.threads,
            cores: self.placement.own.clone(),
            is_precise: header.generator.busy_wait,
            stop_timeout: Duration::from_secs_f64(header.generator.stop_timeout_s),
            ..Settings::default()
        };
        let played = self.in_place(|stage| {
            let run = Run {
                settings,
                processes: stage.placement.processes,
                worker_timeout: stage.worker_timeout,
                plan,
                target: stage.target.clone(),
                header,
                folder,
                monitor,
                readings: 0,
                unseen: brunt_record::Unavailable::default(),
                agent: stage.agent.as_mut(),
                interrupts,
                live,
                outlets,
            };
            run.play()
        })?;
        Ok(played)
    }
}

/// Files that are bodies are found before the load, not by its first request.
pub(crate) fn uploads_are_there(plan: &Plan) -> Result<(), Failure> {
    for path in plan.files() {
        crate::system::input_file::open(path).map_err(|error| {
            let path = path.display();
            Failure::Input(format!("cannot read the body's file {path}: {error}"))
        })?;
    }
    Ok(())
}

/// A seed that only has to differ from run to run, and to be easy to type again.
pub(crate) fn new_seed() -> u64 {
    Timestamp::now().as_millisecond().unsigned_abs() % 1_000_000_000
}
