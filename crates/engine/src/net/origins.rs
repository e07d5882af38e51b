//! The target: where requests go, and from where.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use brunt_scenario::Network;
use nix::libc::linger;
use nix::sys::socket::{setsockopt, sockopt};
use tokio::sync::watch;
use url::Url;

use crate::net::resolver::{self, Pin};
use crate::net::tls::{TlsClient, TlsError};

/// Where requests go: the service under test, and the hosts that its redirects may lead to.
#[derive(Debug)]
pub struct Target {
    /// The base URL of the service, without credentials, query and fragment.
    pub url: Url,
    origins: Vec<Origin>,
    /// Where requests go by the number of their host: the origin, and the URL that paths are put after.
    hosts: Vec<(usize, Url)>,
    /// Local addresses to connect from, in turn; empty: the system's choice.
    pub(crate) sources: Vec<IpAddr>,
    pub(crate) tls: Option<TlsClient>,
}

/// A scheme, a host and a port.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) url: Url,
    /// The value of the `Host` header.
    pub(crate) host_header: String,
    /// A name to look up again, or an address that stays.
    is_name: bool,
    addresses: watch::Sender<Arc<[SocketAddr]>>,
}

/// What is closed with it is reset, and leaves no `TIME_WAIT` behind.
const RESET: linger = linger {
    l_onoff: 1,
    l_linger: 0,
};

/// How the target is reached, beside what the scenario says.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    /// Addresses that stand for hosts.
    pub pins: Vec<Pin>,
    /// Local addresses to connect from, in turn; empty: the system's choice.
    pub sources: Vec<IpAddr>,
    /// How long each name may take to look up.
    pub at_most: Duration,
}

/// The host could not be reached.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    /// The URL is of no use.
    #[error("{url} names no host; give a URL like http://localhost:8000")]
    NoHost {
        /// The URL.
        url: String,
    },
    /// The name could not be resolved.
    #[error("{host} could not be resolved: {error}")]
    Dns {
        /// The host's name.
        host: String,
        /// What the resolver said.
        error: io::Error,
    },
    /// TLS cannot be spoken as the scenario wants it.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No local address is of the host's family.
    #[error("{host} has no address that can be reached from {}; give a --local-address of the same family", list(.sources))]
    Source {
        /// The host's name.
        host: String,
        /// The local addresses.
        sources: Vec<IpAddr>,
    },
    /// A local address is none.
    #[error("{address} is no address of this machine; give one that `ip address` lists")]
    NotLocal {
        /// The address.
        address: IpAddr,
    },
    /// Nothing answers there.
    #[error("nothing can be reached at {url}: {error}")]
    Unreachable {
        /// The base URL.
        url: String,
        /// What connecting said.
        error: io::Error,
    },
}

fn list(addresses: &[IpAddr]) -> String {
    let texts: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
    texts.join(", ")
}

impl Target {
    /// Resolves the service's base URL and the hosts that its redirects may lead to.
    #[expect(clippy::single_match_else, reason = "both ways are of one weight")]
    pub fn resolve(url: &Url, network: &Network, reach: &Reach) -> Result<Self, TargetError> {
        let mut url = url.clone();
        // Neither fails for a URL with a host.
        if url.set_username("").and(url.set_password(None)).is_err() {
            return Err(TargetError::NoHost {
                url: url.to_string(),
            });
        }
        url.set_query(None);
        url.set_fragment(None);
        for &address in &reach.sources {
            UdpSocket::bind((address, 0)).map_err(|_| TargetError::NotLocal { address })?;
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
                .position(|known| known.url.origin() == host.origin());
            let place = match known {
                Some(place) => place,
                None => {
                    origins.push(Origin::resolve(host, reach)?);
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
            origins,
            hosts,
            sources: reach.sources.clone(),
            tls,
        })
    }

    /// The path that every request's path is put after: empty, or begins with a slash and ends
    /// without one.
    pub fn base_path(&self) -> &str {
        self.url.path().trim_end_matches('/')
    }

    /// Where requests to a host go, by its number: the origin, and the URL that their paths are put after.
    pub(crate) fn host(&self, number: usize) -> (usize, &Url) {
        let (origin, url) = &self.hosts[number];
        (*origin, url)
    }

    /// Whether it is on this machine, as far as its address tells.
    pub fn is_local(&self) -> bool {
        self.addresses()
            .iter()
            .all(|address| address.ip().is_loopback())
    }

    /// Where the service's name leads at the moment.
    pub fn addresses(&self) -> Arc<[SocketAddr]> {
        self.origins[0].addresses.borrow().clone()
    }

    /// The origins: the service's first.
    pub(crate) fn origins(&self) -> &[Origin] {
        &self.origins
    }

    /// The ports of all hosts.
    pub(crate) fn ports(&self) -> impl Iterator<Item = u16> {
        let origins = self.origins.iter();
        origins.flat_map(|origin| {
            let addresses = origin.addresses.borrow();
            let ports: Vec<u16> = addresses.iter().map(SocketAddr::port).collect();
            ports
        })
    }

    /// The place of an origin, where the user named it.
    pub(crate) fn origin_of(&self, url: &Url) -> Option<usize> {
        let named = self.origins.iter();
        named
            .map(|known| known.url.origin())
            .position(|known| known == url.origin())
    }

    /// Looks all names up again; one that cannot be resolved keeps its addresses.
    pub(crate) fn look_up_again(&self, at_most: Duration) {
        for origin in self.origins.iter().filter(|origin| origin.is_name) {
            if let Ok(found) = origin.look_up(at_most) {
                origin.addresses.send_if_modified(|known| {
                    let is_new = **known != *found;
                    *known = found.into();
                    is_new
                });
            }
        }
    }

    /// Waits until something accepts a connection, at most so long.
    pub fn reach(&self, at_most: Duration) -> Result<(), TargetError> {
        let until = Instant::now() + at_most;
        loop {
            let mut last = None;
            for address in self.addresses().iter() {
                let left = until.saturating_duration_since(Instant::now());
                let patience = left.clamp(Duration::from_millis(50), Duration::from_secs(1));
                match TcpStream::connect_timeout(address, patience) {
                    // Nobody listens there: it has connected to itself.
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
                return Err(TargetError::Unreachable {
                    url: self.url.to_string(),
                    error,
                });
            }
            std::thread::sleep(pause);
        }
    }
}

impl Origin {
    fn resolve(url: &Url, reach: &Reach) -> Result<Self, TargetError> {
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(TargetError::NoHost {
                url: url.to_string(),
            });
        };
        let pinned: Vec<SocketAddr> = reach
            .pins
            .iter()
            .filter_map(|pin| pin.stands_for(host, port))
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
            let found = origin.look_up(reach.at_most);
            found.map_err(|error| TargetError::Dns {
                host: host.to_owned(),
                error,
            })?
        } else {
            pinned
        };
        let sources = &reach.sources;
        let reachable = |address: &SocketAddr| {
            let mut families = sources.iter().map(IpAddr::is_ipv4);
            sources.is_empty() || families.any(|is_ipv4| is_ipv4 == address.is_ipv4())
        };
        addresses.retain(reachable);
        if addresses.is_empty() {
            return Err(TargetError::Source {
                host: host.to_owned(),
                sources: sources.clone(),
            });
        }
        origin.addresses.send_replace(addresses.into());
        Ok(origin)
    }

    fn look_up(&self, at_most: Duration) -> io::Result<Vec<SocketAddr>> {
        let host = resolver::bare(self.url.host_str().unwrap_or_default());
        resolver::look_up(host, self.url.port_or_known_default().unwrap_or(0), at_most)
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Its host's name, without brackets.
    pub(crate) fn host(&self) -> &str {
        resolver::bare(self.url.host_str().unwrap_or_default())
    }

    /// Follows where its name leads.
    pub(crate) fn follow(&self) -> watch::Receiver<Arc<[SocketAddr]>> {
        self.addresses.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Target {
        let reach = Reach {
            at_most: Duration::from_secs(10),
            ..Reach::default()
        };
        Target::resolve(&Url::parse(url).unwrap(), &Network::default(), &reach).unwrap()
    }

    #[test]
    fn a_name_is_looked_up_again_and_an_address_is_not() {
        let elsewhere = || -> Arc<[SocketAddr]> { vec!["127.0.0.9:80".parse().unwrap()].into() };
        for (url, comes_back) in [("http://localhost", true), ("http://127.0.0.1", false)] {
            let target = target(url);
            let found = target.addresses();
            target.origins[0].addresses.send_replace(elsewhere());
            let mut followed = target.origins[0].follow();
            target.look_up_again(Duration::from_secs(10));
            assert_eq!(target.addresses() == found, comes_back, "{url}");
            assert_eq!(followed.has_changed().unwrap(), comes_back, "{url}");
            assert_eq!(followed.borrow_and_update().clone() == found, comes_back);
        }
    }

    #[test]
    fn the_path_and_the_port_are_taken_from_the_url() {
        let target = target("http://localhost:8080/api/?q#f");
        assert_eq!(target.base_path(), "/api");
        assert_eq!(target.origins[0].host_header, "localhost:8080");
        assert!(target.is_local());
        assert_eq!(target.url.as_str(), "http://localhost:8080/api/");
    }
}
