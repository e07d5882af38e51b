//! Origins: the targets of requests and the local addresses to connect from. Names are resolved before the load and
//! refreshed during it, so that no request waits for the resolver.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use brunt_scenario::{HostUrl, Network};
use nix::libc::linger;
use nix::sys::socket::{setsockopt, sockopt};
use tokio::sync::watch;
use url::Url;

use super::resolver::{self, ResolveOverride};
use super::tls::{TlsClient, TlsError};

/// The targets of requests: the service under test, and the other hosts that the scenario lists.
#[derive(Debug)]
pub struct Origins {
    /// The base URL of the service, without credentials, query and fragment.
    pub url: HostUrl,
    all: Vec<Origin>,
    /// By host number: the index of its origin, and the URL that paths are appended to.
    hosts: Vec<(usize, HostUrl)>,
    /// Local addresses to connect from, alternately; empty: the system chooses.
    pub(crate) sources: Vec<IpAddr>,
    pub(crate) tls: Option<TlsClient>,
}

/// A scheme, a host and a port.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) url: HostUrl,
    /// Value of the `Host` header.
    pub(crate) host_header: String,
    /// The name to refresh; `None` for a fixed address.
    is_name: bool,
    addresses: watch::Sender<Arc<[SocketAddr]>>,
}

/// Interval at which names are resolved again. The system's resolver does not report the time to live; this is
/// below that of most services.
const ADDRESSES_MAX_AGE: Duration = Duration::from_secs(30);

/// Closes a connection by a reset, which leaves no `TIME_WAIT` behind.
const RESET: linger = linger {
    l_onoff: 1,
    l_linger: 0,
};

/// Options for reaching origins, in addition to those of the scenario.
#[derive(Debug, Clone, Default)]
pub struct NetworkOptions {
    /// Addresses that replace those of the resolver.
    pub overrides: Vec<ResolveOverride>,
    /// Local addresses to connect from, alternately; empty: the system chooses.
    pub sources: Vec<IpAddr>,
    /// Timeout of each name lookup.
    pub lookup_timeout: Duration,
}

/// The reason why the origins cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OriginsError {
    /// The URL has no host.
    #[error("the URL {url} has no host; write one like http://localhost:8000")]
    NoHost {
        /// The URL.
        url: String,
    },
    /// The host name cannot be resolved.
    #[error("cannot resolve {host}: {error}")]
    Dns {
        /// The host name.
        host: String,
        /// The resolver's error.
        error: io::Error,
    },
    /// A link-local address has no zone.
    #[error(
        "cannot reach the link-local address {host} without its network interface; write it like http://[fe80::1%25eth0]:8000"
    )]
    NoZone {
        /// The host.
        host: String,
    },
    /// TLS cannot be set up with the settings of the scenario.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No local address has the address family of the host.
    #[error("cannot reach {host} from {}: it has no address of that family; give a --local-address of the same family", list(.sources))]
    Source {
        /// The host name.
        host: String,
        /// The local addresses.
        sources: Vec<IpAddr>,
    },
    /// A local address does not belong to this machine.
    #[error("{address} is not an address of this machine; `ip address` lists those that are")]
    NotLocal {
        /// The address.
        address: IpAddr,
    },
    /// No server accepts a connection.
    #[error("cannot connect to {url}: {error}")]
    Unreachable {
        /// The base URL.
        url: String,
        /// The error of connecting.
        error: io::Error,
    },
}

fn list(addresses: &[IpAddr]) -> String {
    let texts: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    texts.join(", ")
}

impl Origins {
    /// Resolves the base URL of the service and the other hosts of the scenario.
    #[expect(clippy::single_match_else, reason = "both branches matter equally")]
    pub fn resolve(
        host: &HostUrl,
        network: &Network,
        options: &NetworkOptions,
    ) -> Result<Self, OriginsError> {
        let mut url = Url::clone(host);
        // Neither fails for a URL with a host.
        if url.set_username("").and(url.set_password(None)).is_err() {
            return Err(OriginsError::NoHost {
                url: url.to_string(),
            });
        }
        url.set_query(None);
        url.set_fragment(None);
        let url = host.with_url(url);
        for &address in &options.sources {
            UdpSocket::bind((address, 0)).map_err(|_| OriginsError::NotLocal { address })?;
        }
        let mut origins: Vec<Origin> = Vec::new();
        let mut hosts = Vec::new();
        let of_classes = network.hosts.iter();
        let requested = 1 + network.hosts.len();
        let all = std::iter::once(&url)
            .chain(of_classes)
            .chain(&network.redirect_hosts);
        for (number, host) in all.enumerate() {
            let known = origins
                .iter()
                .position(|known| known.url.has_origin_of(host));
            let place = match known {
                Some(place) => place,
                None => {
                    origins.push(Origin::resolve(host, options)?);
                    origins.len() - 1
                }
            };
            if number < requested {
                hosts.push((place, host.clone()));
            }
        }
        let is_tls = |origin: &Origin| origin.url.scheme() == "https";
        let tls = if origins.iter().any(is_tls) {
            Some(TlsClient::new(&network.tls, network.http)?)
        } else {
            None
        };
        Ok(Self {
            url,
            all: origins,
            hosts,
            sources: options.sources.clone(),
            tls,
        })
    }

    /// The path that all request paths are appended to: empty, or with a leading and without a trailing slash.
    pub fn base_path(&self) -> &str {
        self.url.path().trim_end_matches('/')
    }

    /// The index of a host's origin, by host number, and the URL that paths are appended to.
    pub(crate) fn host(&self, number: usize) -> (usize, &Url) {
        let (origin, url) = &self.hosts[number];
        (*origin, url)
    }

    /// Whether the service is on this machine, according to its addresses.
    pub fn is_local(&self) -> bool {
        self.addresses()
            .iter()
            .all(|address| address.ip().is_loopback())
    }

    /// The current addresses of the service.
    pub fn addresses(&self) -> Arc<[SocketAddr]> {
        self.all[0].addresses.borrow().clone()
    }

    /// All origins, the service's first.
    pub(crate) fn all(&self) -> &[Origin] {
        &self.all
    }

    /// The ports of all hosts.
    pub(crate) fn ports(&self) -> impl Iterator<Item = u16> {
        let origins = self.all.iter();
        origins.flat_map(|origin| {
            let addresses = origin.addresses.borrow();
            let ports: Vec<u16> = addresses.iter().map(SocketAddr::port).collect();
            ports
        })
    }

    /// The index of a URL's origin, if the scenario lists it.
    pub(crate) fn origin_of(&self, url: &Url) -> Option<usize> {
        let named = self.all.iter();
        named
            .map(|known| known.url.origin())
            .position(|known| known == url.origin())
    }

    /// Resolves all names again. If that fails for a name, it keeps its addresses.
    pub(crate) fn refresh(&self, at_most: Duration) {
        for origin in self.all.iter().filter(|origin| origin.is_name) {
            if let Ok(found) = origin.look_up(at_most) {
                origin.addresses.send_if_modified(|known| {
                    let is_new = **known != *found;
                    *known = found.into();
                    is_new
                });
            }
        }
    }

    /// Waits until a server accepts a connection, but no longer than `at_most`.
    pub fn reach(&self, at_most: Duration) -> Result<(), OriginsError> {
        let until = Instant::now() + at_most;
        loop {
            let mut last = None;
            for address in self.addresses().iter() {
                let left = until.saturating_duration_since(Instant::now());
                let patience = left.clamp(Duration::from_millis(50), Duration::from_secs(1));
                match TcpStream::connect_timeout(address, patience) {
                    // No server listens: the socket is connected to itself.
                    Ok(stream) if stream.local_addr().is_ok_and(|local| local == *address) => {
                        setsockopt(&stream, sockopt::Linger, &RESET).ok();
                        last = Some(io::ErrorKind::ConnectionRefused.into());
                    }
                    Ok(_) => return Ok(()),
                    Err(error) => last = Some(error),
                }
            }
            let pause = Duration::from_millis(100);
            if Instant::now() + pause >= until {
                let error = last.unwrap_or_else(|| io::Error::other("no address"));
                return Err(OriginsError::Unreachable {
                    url: self.url.to_string(),
                    error,
                });
            }
            std::thread::sleep(pause);
        }
    }
}

impl Origin {
    fn resolve(url: &HostUrl, options: &NetworkOptions) -> Result<Self, OriginsError> {
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(OriginsError::NoHost {
                url: url.to_string(),
            });
        };
        let pinned: Vec<SocketAddr> = options
            .overrides
            .iter()
            .flat_map(|known| known.addresses_of(host, port))
            .copied()
            .collect();
        let host_header = url
            .port()
            .map_or(host.to_owned(), |port| format!("{host}:{port}"));
        let is_address = resolver::bare(host).parse::<IpAddr>().is_ok();
        let origin = Self {
            url: url.clone(),
            host_header,
            is_name: pinned.is_empty() && !is_address,
            addresses: watch::Sender::new(Arc::new([])),
        };
        let mut addresses = if pinned.is_empty() {
            let found = origin.look_up(options.lookup_timeout);
            found.map_err(|error| OriginsError::Dns {
                host: match url.zone() {
                    Some(zone) => format!("{host} in the zone {zone}"),
                    None => host.to_owned(),
                },
                error,
            })?
        } else {
            pinned
        };
        if addresses.iter().any(lacks_zone) {
            return Err(OriginsError::NoZone {
                host: host.to_owned(),
            });
        }
        let sources = &options.sources;
        let reachable = |address: &SocketAddr| {
            let mut families = sources.iter().map(IpAddr::is_ipv4);
            sources.is_empty() || families.any(|is_ipv4| is_ipv4 == address.is_ipv4())
        };
        addresses.retain(reachable);
        if addresses.is_empty() {
            return Err(OriginsError::Source {
                host: host.to_owned(),
                sources: sources.clone(),
            });
        }
        origin.addresses.send_replace(addresses.into());
        Ok(origin)
    }

    fn look_up(&self, at_most: Duration) -> io::Result<Vec<SocketAddr>> {
        let port = self.url.port_or_known_default().unwrap_or(0);
        match self.url.zone() {
            Some(zone) => resolver::look_up(&format!("{}%{zone}", self.host()), port, at_most),
            None => resolver::look_up(self.host(), port, at_most),
        }
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Host name, without brackets.
    pub(crate) fn host(&self) -> &str {
        resolver::bare(self.url.host_str().unwrap_or_default())
    }

    /// Receives the addresses of its name as they change.
    pub(crate) fn follow(&self) -> watch::Receiver<Arc<[SocketAddr]>> {
        self.addresses.subscribe()
    }
}

/// Whether an address is not reachable without the zone that it lacks (RFC 4007, section 6).
fn lacks_zone(address: &SocketAddr) -> bool {
    let SocketAddr::V6(address) = address else {
        return false;
    };
    address.ip().is_unicast_link_local() && address.scope_id() == 0
}

/// Resolves names again periodically, until it is dropped.
pub(crate) struct Refresher {
    _until_dropped: mpsc::Sender<()>,
}

impl Refresher {
    pub(crate) fn start(origins: &Arc<Origins>) -> io::Result<Self> {
        let (until_dropped, dropped) = mpsc::channel::<()>();
        let origins = Arc::downgrade(origins);
        std::thread::Builder::new()
            .name("resolver".into())
            .spawn(move || {
                while dropped.recv_timeout(ADDRESSES_MAX_AGE) == Err(RecvTimeoutError::Timeout) {
                    let Some(origins) = Weak::upgrade(&origins) else {
                        return;
                    };
                    origins.refresh(ADDRESSES_MAX_AGE);
                }
            })?;
        Ok(Self {
            _until_dropped: until_dropped,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddrV6;

    use brunt_scenario::Host;

    use super::*;

    fn resolved(url: &str) -> Origins {
        let options = NetworkOptions {
            lookup_timeout: Duration::from_secs(10),
            ..NetworkOptions::default()
        };
        let Ok(Host::Url(url)) = Host::parse(url) else {
            panic!("{url} is a URL");
        };
        Origins::resolve(&url, &Network::default(), &options).unwrap()
    }

    #[test]
    fn name_is_resolved_again_but_address_is_not() {
        let elsewhere = || -> Arc<[SocketAddr]> { vec!["127.0.0.9:80".parse().unwrap()].into() };
        for (url, comes_back) in [("http://localhost", true), ("http://127.0.0.1", false)] {
            let origins = resolved(url);
            let found = origins.addresses();
            origins.all()[0].addresses.send_replace(elsewhere());
            let mut followed = origins.all()[0].follow();
            origins.refresh(Duration::from_secs(10));
            assert_eq!(origins.addresses() == found, comes_back, "{url}");
            assert_eq!(followed.has_changed().unwrap(), comes_back, "{url}");
            assert_eq!(followed.borrow_and_update().clone() == found, comes_back);
        }
    }

    #[test]
    fn path_and_port_come_from_the_url() {
        let origins = resolved("http://localhost:8080/api/");
        assert_eq!(origins.base_path(), "/api");
        assert_eq!(origins.all()[0].host_header, "localhost:8080");
        assert!(origins.is_local());
        assert_eq!(origins.url.as_str(), "http://localhost:8080/api/");
    }

    /// curl sends the address without the zone as `Host`.
    #[test]
    fn zone_selects_the_interface_and_is_not_sent() {
        let origins = resolved("http://[fe80::1%251]:8080/a");
        let address = SocketAddrV6::new("fe80::1".parse().unwrap(), 8080, 0, 1);
        assert_eq!(*origins.addresses(), [address.into()]);
        assert_eq!(origins.all()[0].host_header, "[fe80::1]:8080");
        assert_eq!(origins.url.to_string(), "http://[fe80::1%251]:8080/a");
        let Ok(Host::Url(url)) = Host::parse("http://[fe80::1]") else {
            panic!("a URL");
        };
        let options = NetworkOptions {
            lookup_timeout: Duration::from_secs(10),
            ..NetworkOptions::default()
        };
        let error = Origins::resolve(&url, &Network::default(), &options).unwrap_err();
        assert!(error.to_string().contains("[fe80::1%25eth0]"), "{error}");
    }
}
