//! Network of a run: hosts and connection options.

use std::net::IpAddr;
use std::time::Duration;

use brunt_engine::{NetworkOptions, Origins, OriginsError, ResolveOverride};
use brunt_record::OtherHost;
use brunt_scenario::{Assignment, Host, HostUrl, HttpVersion, Plan, Scenario, Secrets};

use super::scenario_source::ScenarioSource;
use crate::cli::load::{HostArg, NetworkArgs};
use crate::exit::Failure;

/// Default of `--wait-ready`.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(1500);

/// Hosts and connection options.
#[derive(Debug, Clone)]
pub(crate) struct NetworkConfig {
    /// Value of `--host` for the service under test.
    service: Option<String>,
    /// The hosts of user classes.
    class_hosts: Vec<(String, HostUrl)>,
    pub(crate) local_addresses: Vec<IpAddr>,
    resolve_overrides: Vec<ResolveOverride>,
    is_insecure: bool,
    http: Option<HttpVersion>,
    pub(crate) wait_ready: Option<Duration>,
}

impl NetworkConfig {
    /// Resolves the options.
    pub(crate) fn new(args: &NetworkArgs) -> Result<Self, Failure> {
        let (mut services, mut class_hosts) = (Vec::new(), Vec::new());
        for host in &args.host {
            match host {
                HostArg::Service(service) => services.push(service.clone()),
                HostArg::Class { class, url } => class_hosts.push((class.clone(), url.clone())),
            }
        }
        if services.len() > 1 {
            let message = "--host is given more than once; set the host of a user class with --host CLASS=URL";
            return Err(Failure::Input(message.into()));
        }
        Ok(Self {
            service: services.pop(),
            class_hosts,
            local_addresses: args.local_address.clone(),
            resolve_overrides: args.resolve.clone(),
            is_insecure: args.insecure,
            http: args.http,
            wait_ready: args.wait_ready,
        })
    }

    /// Value of `--host` for the service under test.
    pub(crate) fn service(&self) -> Option<&str> {
        self.service.as_deref()
    }

    /// Whether an option names a host.
    pub(crate) fn names_hosts(&self) -> bool {
        self.service.is_some() || !self.class_hosts.is_empty()
    }

    /// Applies the hosts of classes and the network options to a scenario.
    pub(crate) fn apply(
        &self,
        source: &ScenarioSource,
        scenario: Scenario,
    ) -> Result<Scenario, Failure> {
        let mut assignments = Vec::new();
        for (class, url) in &self.class_hosts {
            let mut known = scenario.classes.iter().map(|known| known.name.as_str());
            if !known.any(|known| known == class) {
                let known = scenario.classes.iter().map(|known| known.name.as_str());
                let url = masked(&url.to_string());
                return Err(Failure::Input(format!(
                    "unknown class `{class}` in --host {class}={url}; available: {}",
                    known.collect::<Vec<_>>().join(", ")
                )));
            }
            assignments.push(Assignment::of_class_host(class, &url.to_string()));
        }
        let mut scenario = if assignments.is_empty() {
            scenario
        } else {
            source.read_again(&assignments)?
        };
        let network = &mut scenario.network;
        network.tls.insecure |= self.is_insecure;
        network.http = self.http.unwrap_or(network.http);
        Ok(scenario)
    }

    /// Checks that `host`, if the command line sets it, applies to all classes of a plan: classes with a host of their own
    /// would otherwise keep sending there unnoticed.
    ///
    /// # Errors
    ///
    /// A class has a host of another origin, and the command line does not set its host.
    pub(crate) fn check_class_hosts(
        &self,
        scenario: &Scenario,
        plan: &Plan,
        host: Option<&str>,
    ) -> Result<(), Failure> {
        let Some(host) = host else { return Ok(()) };
        let classes = plan.classes.iter().map(|class| class.name.as_str());
        let run_host = parsed(host);
        let is_of_run = |other: &OtherHost| {
            let (other, host) = (parsed(&other.url), run_host.as_ref());
            other
                .zip(host)
                .is_some_and(|(other, host)| other.has_origin_of(host))
        };
        let mut others = other_hosts(scenario, classes, None);
        others.retain(|other| !is_of_run(other));
        let is_set = |class: &String| self.class_hosts.iter().any(|(name, _)| name == class);
        let unset = others.iter().flat_map(|other| {
            let classes = other.classes.iter().filter(|class| !is_set(class));
            classes.map(|class| (class.as_str(), other.url.as_str()))
        });
        let unset: Vec<(&str, &str)> = unset.collect();
        let Some((first, url)) = unset.first() else {
            return Ok(());
        };
        let host = masked(host);
        let list = unset
            .iter()
            .map(|(class, url)| format!("class `{class}` to {url}"));
        Err(Failure::Input(format!(
            "--host {host} does not apply to user classes that have a host in the scenario: {} would send requests; \
             set the host of each, such as --host {first}={url} to keep it",
            list.collect::<Vec<_>>().join(", ")
        )))
    }

    /// The service under test.
    pub(crate) fn host(&self, scenario: &Scenario) -> Result<Host, Failure> {
        match (self.service(), &scenario.host) {
            (Some(text), _) => Host::parse(text).map_err(Failure::Input),
            (None, Some(host)) => Ok(host.clone()),
            (None, None) => {
                let message = "no host; set `host` in the scenario, or use --host";
                Err(Failure::Input(message.into()))
            }
        }
    }

    /// Whether an option changes the network.
    pub(crate) fn is_given(&self) -> bool {
        let lists = !self.local_addresses.is_empty() || !self.resolve_overrides.is_empty();
        let flags = self.is_insecure || self.http.is_some();
        self.names_hosts() || lists || flags || self.wait_ready.is_some()
    }

    /// Maximum wait for a connection.
    pub(crate) fn connect_timeout(&self) -> Duration {
        self.wait_ready.unwrap_or(CONNECT_TIMEOUT)
    }

    /// Resolves the addresses of a service.
    pub(crate) fn resolve(&self, url: &HostUrl, plan: &Plan) -> Result<Origins, Failure> {
        let options = NetworkOptions {
            overrides: self.resolve_overrides.clone(),
            sources: self.local_addresses.clone(),
            lookup_timeout: self.connect_timeout(),
        };
        Origins::resolve(url, &plan.network, &options).map_err(failure_of)
    }

    /// Waits until the service accepts a connection.
    ///
    /// # Errors
    ///
    /// It accepts none within the timeout.
    pub(crate) fn wait_until_reachable(&self, target: &Origins) -> Result<(), Failure> {
        target.reach(self.connect_timeout()).map_err(failure_of)
    }
}

/// A host that is a URL.
fn parsed(host: &str) -> Option<HostUrl> {
    match Host::parse(host) {
        Ok(Host::Url(url)) => Some(url),
        _ => None,
    }
}

/// URL with credentials and secrets in its query masked.
pub(crate) fn masked(url: &str) -> String {
    Secrets::default().mask(url)
}

/// Hosts that receive load in addition to the run's host: hosts of classes, and permitted hosts of redirects.
pub(crate) fn other_hosts<'a>(
    scenario: &Scenario,
    classes: impl Iterator<Item = &'a str>,
    host: Option<&HostUrl>,
) -> Vec<OtherHost> {
    let mut others: Vec<OtherHost> = Vec::new();
    for name in classes {
        let class = scenario.classes.iter().find(|class| class.name == name);
        let Some(url) = class.and_then(|class| class.host.as_ref()) else {
            continue;
        };
        let url = masked(&url.to_string());
        match others.iter_mut().find(|other| other.url == url) {
            Some(other) => other.classes.push(name.to_owned()),
            None => others.push(OtherHost {
                url,
                classes: vec![name.to_owned()],
            }),
        }
    }
    for url in &scenario.network.redirect_hosts {
        let address = masked(&url.to_string());
        let is_known = others.iter().any(|other| other.url == address);
        if !is_known && host.is_none_or(|host| !host.has_origin_of(url)) {
            others.push(OtherHost {
                url: address,
                classes: Vec::new(),
            });
        }
    }
    others
}

/// Invalid options are input errors; a host that cannot be reached means that nothing was measured.
#[expect(clippy::needless_pass_by_value, reason = "signature for `map_err`")]
fn failure_of(error: OriginsError) -> Failure {
    match error {
        OriginsError::Dns { .. } | OriginsError::Unreachable { .. } => {
            Failure::NothingMeasured(error.to_string())
        }
        _ => Failure::Input(error.to_string()),
    }
}
