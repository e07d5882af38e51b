//! Options that say how the host is reached.

use std::net::IpAddr;
use std::time::Duration;

use brunt_engine::{NetworkOptions, Origins, OriginsError, ResolveOverride};
use brunt_record::OtherHost;
use brunt_scenario::{Assignment, Host, HttpVersion, Network, Plan, Scenario, Secrets};
use url::Url;

use crate::config::scenario_source::ScenarioOptions;
use crate::exit::Failure;

/// How long the host may take to accept a connection, unless `--wait-ready` says otherwise.
const REACH_WITHIN: Duration = Duration::from_millis(1500);

/// How the host is reached.
#[derive(Debug, clap::Args)]
pub(crate) struct ReachOptions {
    /// Test the service at this base URL, or "embedded"; CLASS=URL sets the host of one user class; repeatable
    /// [default: from the scenario]
    #[arg(long, value_name = "[CLASS=]URL", value_parser = HostOption::parse)]
    host: Vec<HostOption>,
    /// Connect from these local IP addresses in rotation, separated by commas [default: the system's choice]
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    pub(crate) local_address: Vec<IpAddr>,
    /// Use this address for a host and port instead of DNS; repeatable
    #[arg(long, value_name = "HOST:PORT:ADDRESS")]
    resolve: Vec<ResolveOverride>,
    /// Skip verification of TLS certificates; the report states it
    #[arg(long)]
    pub(crate) insecure: bool,
    /// Use this HTTP version: 1.1, 2, or auto (the server's choice) [default: from the scenario]
    #[arg(long, value_name = "VERSION")]
    pub(crate) http: Option<HttpVersion>,
    /// Wait up to this long for the host to accept a connection before the load starts [default: 1.5s]
    #[arg(long, value_name = "DURATION", value_parser = brunt_scenario::duration)]
    pub(crate) wait_ready: Option<Duration>,
}

/// A value of `--host`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum HostOption {
    /// The service under test.
    Service(String),
    /// The host of a user class.
    OfClass { class: String, url: Url },
}

impl HostOption {
    fn parse(text: &str) -> Result<Self, String> {
        let of_class = text.split_once('=');
        let of_class = of_class.filter(|(class, _)| !class.contains([':', '/']));
        let Some((class, url)) = of_class else {
            return Ok(Self::Service(text.to_owned()));
        };
        match Host::parse(url)? {
            Host::Url(url) => Ok(Self::OfClass {
                class: class.to_owned(),
                url,
            }),
            Host::Embedded => Err(format!(
                "the class `{class}` cannot have the embedded agent for itself; give a URL"
            )),
        }
    }
}

impl ReachOptions {
    /// The service under test as it was given.
    pub(crate) fn service(&self) -> Option<&String> {
        self.host.iter().find_map(|host| match host {
            HostOption::Service(service) => Some(service),
            HostOption::OfClass { .. } => None,
        })
    }

    fn class_hosts(&self) -> impl Iterator<Item = (&str, &Url)> {
        self.host.iter().filter_map(|host| match host {
            HostOption::Service(_) => None,
            HostOption::OfClass { class, url } => Some((class.as_str(), url)),
        })
    }

    pub(crate) fn names_hosts(&self) -> bool {
        !self.host.is_empty()
    }

    /// A scenario with the hosts that are given for its classes.
    pub(crate) fn scenario(
        &self,
        from: &ScenarioOptions,
        scenario: Scenario,
    ) -> Result<Scenario, Failure> {
        let mut assignments = Vec::new();
        for (class, url) in self.class_hosts() {
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
        if assignments.is_empty() {
            return Ok(scenario);
        }
        from.read_again(&assignments)
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
        let is_told = |class: &String| self.class_hosts().any(|(told, _)| told == class);
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

    /// Changes what the scenario says of the network.
    pub(crate) fn change(&self, network: &mut Network) {
        network.tls.insecure |= self.insecure;
        network.http = self.http.unwrap_or(network.http);
    }

    /// The service under test.
    pub(crate) fn host(&self, scenario: &Scenario) -> Result<Host, Failure> {
        let services = self.host.iter();
        let services = services.filter(|host| matches!(host, HostOption::Service(_)));
        if services.count() > 1 {
            let message =
                "the host is given twice; the host of a class is given as --host CLASS=URL";
            return Err(Failure::Input(message.into()));
        }
        match (self.service(), &scenario.host) {
            (Some(text), _) => Host::parse(text).map_err(Failure::Input),
            (None, Some(host)) => Ok(host.clone()),
            (None, None) => {
                let message = "no host: give --host, or write `host = …` in the scenario";
                Err(Failure::Input(message.into()))
            }
        }
    }

    pub(crate) fn is_given(&self) -> bool {
        let lists = !self.local_address.is_empty() || !self.resolve.is_empty();
        let flags = self.insecure || self.http.is_some();
        self.names_hosts() || lists || flags || self.wait_ready.is_some()
    }

    /// How long the host may take to accept a connection.
    pub(crate) fn patience(&self) -> Duration {
        self.wait_ready.unwrap_or(REACH_WITHIN)
    }

    /// Where a service is.
    pub(crate) fn resolve(&self, url: &Url, plan: &Plan) -> Result<Origins, Failure> {
        let reach = NetworkOptions {
            overrides: self.resolve.clone(),
            sources: self.local_address.clone(),
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
