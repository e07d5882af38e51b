//! Network of a run: where the hosts are, and how they are reached.

use std::net::IpAddr;
use std::time::Duration;

use brunt_engine::{NetworkOptions, Origins, OriginsError, ResolveOverride};
use brunt_record::OtherHost;
use brunt_scenario::{Assignment, Host, HttpVersion, Plan, Scenario, Secrets};
use url::Url;

use super::scenario_source::ScenarioSource;
use crate::cli::load::{HostArg, NetworkArgs};
use crate::exit::Failure;

/// How long the host may take to accept a connection, unless `--wait-ready` says otherwise.
const REACH_WITHIN: Duration = Duration::from_millis(1500);

/// How the hosts are reached.
#[derive(Debug, Clone)]
pub(crate) struct NetworkConfig {
    /// The service under test as it was typed.
    service: Option<String>,
    /// The hosts of user classes.
    class_hosts: Vec<(String, Url)>,
    pub(crate) local_addresses: Vec<IpAddr>,
    pins: Vec<ResolveOverride>,
    is_insecure: bool,
    http: Option<HttpVersion>,
    pub(crate) wait_ready: Option<Duration>,
}

impl NetworkConfig {
    /// The network that the options describe.
    pub(crate) fn new(args: &NetworkArgs) -> Result<Self, Failure> {
        let (mut services, mut class_hosts) = (Vec::new(), Vec::new());
        for host in &args.host {
            match host {
                HostArg::Service(service) => services.push(service.clone()),
                HostArg::Class { class, url } => class_hosts.push((class.clone(), url.clone())),
            }
        }
        if services.len() > 1 {
            let message = "--host is given twice; set the host of a class with --host CLASS=URL";
            return Err(Failure::Input(message.into()));
        }
        Ok(Self {
            service: services.pop(),
            class_hosts,
            local_addresses: args.local_address.clone(),
            pins: args.resolve.clone(),
            is_insecure: args.insecure,
            http: args.http,
            wait_ready: args.wait_ready,
        })
    }

    /// The service under test as it was typed.
    pub(crate) fn service(&self) -> Option<&str> {
        self.service.as_deref()
    }

    /// Whether an option names a host.
    pub(crate) fn names_hosts(&self) -> bool {
        self.service.is_some() || !self.class_hosts.is_empty()
    }

    /// The scenario with the hosts of its classes and the network options.
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
                let url = shown(url.as_str());
                return Err(Failure::Input(format!(
                    "unknown class `{class}` in --host {class}={url}; available: {}",
                    known.collect::<Vec<_>>().join(", ")
                )));
            }
            assignments.push(Assignment::of_class_host(class, url.as_str()));
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

    /// Refuses a host for the run if it leaves classes of a plan at hosts of their own without a word; `given`: where
    /// the load is told to go.
    pub(crate) fn refuse_hosts_of_classes(
        &self,
        scenario: &Scenario,
        plan: &Plan,
        given: Option<&str>,
    ) -> Result<(), Failure> {
        let Some(given) = given else { return Ok(()) };
        let played = plan.classes.iter().map(|class| class.name.as_str());
        let origin_of = |url: &str| Url::parse(url).ok().map(|url| url.origin());
        let mut others = other_hosts(scenario, played, None);
        others.retain(|host| origin_of(&host.url) != origin_of(given));
        let is_told = |class: &String| self.class_hosts.iter().any(|(told, _)| told == class);
        let untold = others.iter().flat_map(|host| {
            let classes = host.classes.iter().filter(|class| !is_told(class));
            classes.map(|class| (class.as_str(), host.url.as_str()))
        });
        let untold: Vec<(&str, &str)> = untold.collect();
        let Some((first, url)) = untold.first() else {
            return Ok(());
        };
        let given = shown(given);
        let list = untold
            .iter()
            .map(|(class, url)| format!("class `{class}` at {url}"));
        Err(Failure::Input(format!(
            "{given} is not where all load would go: {} would go to hosts of their own; say where for each, such as \
             --host {first}={url} to leave it there",
            list.collect::<Vec<_>>().join(", ")
        )))
    }

    /// The service under test.
    pub(crate) fn host(&self, scenario: &Scenario) -> Result<Host, Failure> {
        match (self.service(), &scenario.host) {
            (Some(text), _) => Host::parse(text).map_err(Failure::Input),
            (None, Some(host)) => Ok(host.clone()),
            (None, None) => {
                let message = "no host: give --host, or write `host = …` in the scenario";
                Err(Failure::Input(message.into()))
            }
        }
    }

    /// Whether an option changes the network.
    pub(crate) fn is_given(&self) -> bool {
        let lists = !self.local_addresses.is_empty() || !self.pins.is_empty();
        let flags = self.is_insecure || self.http.is_some();
        self.names_hosts() || lists || flags || self.wait_ready.is_some()
    }

    /// How long the host may take to accept a connection.
    pub(crate) fn patience(&self) -> Duration {
        self.wait_ready.unwrap_or(REACH_WITHIN)
    }

    /// Where a service is.
    pub(crate) fn resolve(&self, url: &Url, plan: &Plan) -> Result<Origins, Failure> {
        let reach = NetworkOptions {
            overrides: self.pins.clone(),
            sources: self.local_addresses.clone(),
            lookup_timeout: self.patience(),
        };
        Origins::resolve(url, &plan.network, &reach).map_err(unmeasured)
    }

    /// Fails where the service accepts no connection in time.
    pub(crate) fn reach(&self, target: &Origins) -> Result<(), Failure> {
        target.reach(self.patience()).map_err(unmeasured)
    }
}

/// A URL as it may be shown: without credentials, and without secrets in its query.
pub(crate) fn shown(url: &str) -> String {
    Secrets::default().mask(url)
}

/// The hosts that get load in addition to that of the run: those of classes, and those that redirects may lead to.
pub(crate) fn other_hosts<'a>(
    scenario: &Scenario,
    classes: impl Iterator<Item = &'a str>,
    host: Option<&Url>,
) -> Vec<OtherHost> {
    let mut others: Vec<OtherHost> = Vec::new();
    for name in classes {
        let class = scenario.classes.iter().find(|class| class.name == name);
        let Some(url) = class.and_then(|class| class.host.as_ref()) else {
            continue;
        };
        let url = shown(url.as_str());
        match others.iter_mut().find(|other| other.url == url) {
            Some(other) => other.classes.push(name.to_owned()),
            None => others.push(OtherHost {
                url,
                classes: vec![name.to_owned()],
            }),
        }
    }
    for url in &scenario.network.redirect_hosts {
        let address = shown(url.as_str());
        let is_known = others.iter().any(|other| other.url == address);
        if !is_known && host.is_none_or(|host| host.origin() != url.origin()) {
            others.push(OtherHost {
                url: address,
                classes: Vec::new(),
            });
        }
    }
    others
}

/// What is wrong with the settings is the user's to mend; the rest is the host's.
#[expect(clippy::needless_pass_by_value, reason = "as `map_err` wants it")]
fn unmeasured(error: OriginsError) -> Failure {
    match error {
        OriginsError::Dns { .. } | OriginsError::Unreachable { .. } => {
            Failure::NothingMeasured(error.to_string())
        }
        _ => Failure::Input(error.to_string()),
    }
}
