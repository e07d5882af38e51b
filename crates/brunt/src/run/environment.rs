//! Test environment: the service under test, its monitor and the placement of threads, for one run or many blocks.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use brunt_engine::{Origins, Settings};
use brunt_record::{Generator, Header, Machine, OtherHost};
use brunt_scenario::{Host, Plan, Scenario};
use jiff::Timestamp;

use crate::config::RunConfig;
use crate::config::network_config::other_hosts;
use crate::exit::Failure;
use crate::live_export::LiveExporters;
use crate::results::RunFolder;
use crate::run::generator_capacity;
use crate::run::placement::{Placement, place};
use crate::run::run_loop::{RunLoop, RunOutcome};
use crate::run::watch_targets::WatchTargets;
use crate::system::demo_service::DemoService;
use crate::system::environment::machine;
use crate::system::interrupts::Interrupts;
use crate::system::preflight;
use crate::terminal::{ProgressLine, number_of};

/// Service under test, its monitor, and brunt's threads and cores.
pub(crate) struct TestEnvironment {
    target: Arc<Origins>,
    agent: Option<DemoService>,
    placement: Placement,
    /// Cores that brunt may use outside of runs.
    allowed: Vec<usize>,
    watch_targets: WatchTargets,
    capacity_rps: Option<f64>,
    machine: Machine,
    /// Maximum time without a message from a worker process.
    worker_timeout: Duration,
}

impl TestEnvironment {
    /// Connects to a service; starts it if it is the embedded agent.
    pub(crate) fn new(config: &RunConfig, host: &Host, plan: &Plan) -> Result<Self, Failure> {
        let (network, processes) = (&config.load.network, config.processes);
        let allowed = brunt_monitor::allowed_cpus();
        let embedded = *host == Host::Embedded;
        if embedded && config.watch.names_target() {
            let message = "the embedded agent is already monitored; give additional processes a name, such as --pid db=1234";
            return Err(Failure::Input(message.into()));
        }
        preflight::check_descriptors(plan, processes)?;
        check_body_files(plan)?;
        let resolved = match host {
            Host::Url(url) => Some(network.resolve(url, plan)?),
            Host::Embedded => None,
        };
        let is_local = resolved.as_ref().is_none_or(Origins::is_local);
        let placement =
            place(&allowed, plan, is_local, embedded).with_processes(processes, plan)?;
        let mut agent = None;
        let target = if let Some(target) = resolved {
            target
        } else {
            let agent = agent.insert(DemoService::start(&placement.agent)?);
            network.resolve(agent.url(), plan)?
        };
        preflight::check_ports(plan, &target, network.local_addresses.len())?;
        network.wait_until_reachable(&target)?;
        let machine = machine();
        let watch_targets = WatchTargets::find(&config.watch, agent.as_ref(), &target)?;
        let mut environment = Self {
            target: Arc::new(target),
            agent,
            placement,
            allowed,
            watch_targets,
            capacity_rps: None,
            machine,
            worker_timeout: config.worker_timeout,
        };
        environment.capacity_rps = environment.pinned(|environment| {
            Ok(generator_capacity::capacity_rps(
                plan,
                &environment.placement,
                &environment.machine,
            ))
        })?;
        Ok(environment)
    }

    /// Base URL of the service.
    pub(crate) fn host(&self) -> String {
        self.target.url.to_string()
    }

    /// Description of this machine.
    pub(crate) fn machine_in_words(&self) -> String {
        let Machine {
            cpu_model,
            cores,
            system,
            ..
        } = &self.machine;
        let known = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
        let cores = cores.map_or_else(
            || "an unknown number of cores".to_owned(),
            |cores| number_of(cores, "core"),
        );
        format!("{}, {cores}, {}", known(cpu_model), known(system))
    }

    /// Runs some work on brunt's own cores.
    fn pinned<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        if self.placement.own.is_empty() {
            return work(self);
        }
        brunt_monitor::pin_current_thread(&self.placement.own)
            .context("cannot pin brunt to its CPU cores")?;
        let done = work(self);
        brunt_monitor::pin_current_thread(&self.allowed)
            .context("cannot restore the CPU affinity of brunt")?;
        done
    }

    /// Header of a run record.
    pub(crate) fn header(
        &self,
        config: &RunConfig,
        scenario: &Scenario,
        profile: &str,
        plan: &Plan,
        run_id: &str,
    ) -> Header {
        let classes = plan.classes.iter();
        Header {
            run_id: run_id.into(),
            brunt_version: env!("CARGO_PKG_VERSION").into(),
            scenario_file: config.load.source.file.display().to_string(),
            scenario_hash: scenario.hash.clone(),
            scenario: Some(scenario.resolved.clone()),
            profile: profile.into(),
            host: self.target.url.to_string(),
            embedded: self.agent.is_some(),
            started_at: Timestamp::now(),
            seed: config.load.seed.unwrap_or_else(new_seed),
            names: plan.names.clone(),
            classes: classes
                .map(|class| (class.name.clone(), class.share))
                .collect(),
            load: plan.load.clone(),
            targets: plan.targets.clone(),
            min_duration_s: plan.min_duration.map(|duration| duration.as_secs_f64()),
            not_requested: plan.not_requested(),
            planned_shares: plan.planned_shares(),
            generator: self.generator(config, scenario, plan),
            machine: self.machine.clone(),
            label: None,
            commit: None,
        }
    }

    /// Other hosts that receive load.
    pub(crate) fn other_hosts(&self, scenario: &Scenario, plan: &Plan) -> Vec<OtherHost> {
        let classes = plan.classes.iter().map(|class| class.name.as_str());
        other_hosts(scenario, classes, Some(&self.target.url))
    }

    fn generator(&self, config: &RunConfig, scenario: &Scenario, plan: &Plan) -> Generator {
        let timeouts = &plan.network.timeouts;
        let cores = |cores: &[usize]| {
            let cores = cores.iter().filter_map(|core| u32::try_from(*core).ok());
            cores.collect()
        };
        let addresses = self.target.addresses();
        Generator {
            threads: u32::try_from(self.placement.threads).unwrap_or(u32::MAX),
            processes: self.placement.processes,
            busy_wait: config.load.is_busy_waiting,
            cores: cores(&self.placement.own),
            target_cores: cores(&self.placement.agent),
            connections: plan.network.in_words(),
            addresses: addresses.iter().map(SocketAddr::to_string).collect(),
            other_hosts: self.other_hosts(scenario, plan),
            local_addresses: config
                .load
                .network
                .local_addresses
                .iter()
                .map(IpAddr::to_string)
                .collect(),
            insecure: self.target.url.scheme() == "https" && plan.network.tls.insecure,
            connect_timeout_s: timeouts.connect.as_secs_f64(),
            tls_timeout_s: timeouts.tls.as_secs_f64(),
            first_byte_timeout_s: timeouts.first_byte.map(|timeout| timeout.as_secs_f64()),
            timeout_s: timeouts.total.as_secs_f64(),
            stop_timeout_s: config.load.stop_timeout.as_secs_f64(),
            watched: self.watch_targets.target_description(),
            additional_targets: self.watch_targets.additional(),
            capacity_rps: self.capacity_rps,
        }
    }

    /// Runs a plan, records it in the directory, if there is one, and exports its metrics.
    pub(crate) fn run(
        &mut self,
        plan: Arc<Plan>,
        header: Header,
        folder: Option<&RunFolder>,
        interrupts: &Interrupts,
        live: ProgressLine,
        exporters: Option<&mut LiveExporters>,
    ) -> Result<RunOutcome, Failure> {
        let monitor = self.watch_targets.monitor()?;
        let settings = Settings {
            seed: header.seed,
            threads: self.placement.threads,
            cores: self.placement.own.clone(),
            is_precise: header.generator.busy_wait,
            stop_timeout: Duration::from_secs_f64(header.generator.stop_timeout_s),
            ..Settings::default()
        };
        let outcome = self.pinned(|environment| {
            let run = RunLoop {
                settings,
                processes: environment.placement.processes,
                worker_timeout: environment.worker_timeout,
                plan,
                target: environment.target.clone(),
                header,
                folder,
                monitor,
                readings: 0,
                unavailable: brunt_record::Unavailable::default(),
                agent: environment.agent.as_mut(),
                interrupts,
                live,
                exporters,
            };
            run.run()
        })?;
        Ok(outcome)
    }
}

/// Checks that the files of request bodies can be read, before the load starts.
pub(crate) fn check_body_files(plan: &Plan) -> Result<(), Failure> {
    for path in plan.files() {
        crate::system::input_file::open(path).map_err(|error| {
            let path = path.display();
            Failure::Input(format!("cannot read body file {path}: {error}"))
        })?;
    }
    Ok(())
}

/// Seed that differs from run to run and is easy to type.
pub(crate) fn new_seed() -> u64 {
    Timestamp::now().as_millisecond().unsigned_abs() % 1_000_000_000
}
