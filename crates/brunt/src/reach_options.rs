//! Options that say how the host is reached.

use std::net::IpAddr;
use std::time::Duration;

use engine::{Pin, Reach, Target, TargetError};
use scenario::{Host, HttpVersion, Network, Plan, Scenario};
use url::Url;

use crate::exit::Failure;

/// How long the host may take to accept a connection, unless `--wait-ready` says otherwise.
const REACH_WITHIN: Duration = Duration::from_millis(1500);

/// How the host is reached.
#[derive(Debug, clap::Args)]
pub(crate) struct ReachOptions {
    /// The service under test: a URL, or "embedded" [default: as the scenario says]
    #[arg(long, value_name = "URL")]
    pub(crate) host: Option<String>,
    /// Connect from these local addresses, in turn; separated by commas
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    pub(crate) source: Vec<IpAddr>,
    /// Take this address for a host and port, instead of what DNS says; may be given again
    #[arg(long, value_name = "HOST:PORT:ADDRESS")]
    resolve: Vec<Pin>,
    /// Take any TLS certificate; the report says so
    #[arg(long)]
    pub(crate) insecure: bool,
    /// The version of HTTP: 1.1, 2, or auto (what the server picks) [default: as the scenario says]
    #[arg(long, value_name = "VERSION")]
    pub(crate) http: Option<HttpVersion>,
    /// Wait this long for the host to accept a connection before the load
    #[arg(long, value_name = "DURATION", value_parser = scenario::duration)]
    pub(crate) wait_ready: Option<Duration>,
}

impl ReachOptions {
    /// Changes what the scenario says of the network.
    pub(crate) fn change(&self, network: &mut Network) {
        network.tls.insecure |= self.insecure;
        network.http = self.http.unwrap_or(network.http);
    }

    /// The service under test.
    pub(crate) fn host(&self, scenario: &Scenario) -> Result<Host, Failure> {
        match (&self.host, &scenario.host) {
            (Some(text), _) => Host::parse(text).map_err(Failure::Input),
            (None, Some(host)) => Ok(host.clone()),
            (None, None) => {
                let message = "no host: give --host, or write `host = …` in the scenario";
                Err(Failure::Input(message.into()))
            }
        }
    }

    pub(crate) fn is_given(&self) -> bool {
        let lists = !self.source.is_empty() || !self.resolve.is_empty();
        let flags = self.insecure || self.http.is_some();
        self.host.is_some() || lists || flags || self.wait_ready.is_some()
    }

    /// How long the host may take to accept a connection.
    pub(crate) fn patience(&self) -> Duration {
        self.wait_ready.unwrap_or(REACH_WITHIN)
    }

    /// Where a service is.
    pub(crate) fn resolve(&self, url: &Url, plan: &Plan) -> Result<Target, Failure> {
        let reach = Reach {
            pins: self.resolve.clone(),
            sources: self.source.clone(),
            at_most: self.patience(),
        };
        Target::resolve(url, &plan.network, &reach).map_err(unmeasured)
    }

    /// Fails where the service accepts no connection in time.
    pub(crate) fn reach(&self, target: &Target) -> Result<(), Failure> {
        target.reach(self.patience()).map_err(unmeasured)
    }
}

/// What is wrong with the settings is the user's to mend; the rest is the host's.
#[expect(clippy::needless_pass_by_value, reason = "as `map_err` wants it")]
fn unmeasured(error: TargetError) -> Failure {
    match error {
        TargetError::Dns { .. } | TargetError::Unreachable { .. } => {
            Failure::NothingMeasured(error.to_string())
        }
        _ => Failure::Input(error.to_string()),
    }
}
