//! The resolver: addresses of host names, and addresses that override them.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;
use std::sync::mpsc;
use std::time::Duration;

/// An address that overrides those of the resolver for a host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolveOverride {
    host: String,
    port: u16,
    address: IpAddr,
}

impl ResolveOverride {
    pub(crate) fn address_of(&self, host: &str, port: u16) -> Option<SocketAddr> {
        (self.port == port && self.host.eq_ignore_ascii_case(host))
            .then(|| SocketAddr::new(self.address, port))
    }
}

impl FromStr for ResolveOverride {
    type Err = String;

    /// `HOST:PORT:ADDRESS`, as in `curl --resolve`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "invalid address override '{text}': must be HOST:PORT:ADDRESS, like api.example.com:443:127.0.0.1"
            )
        };
        let (host, rest) = text.split_once(':').ok_or_else(wrong)?;
        let (port, address) = rest.split_once(':').ok_or_else(wrong)?;
        let address = bare(address);
        Ok(Self {
            host: host.to_owned(),
            port: port.parse().map_err(|_| wrong())?,
            address: address.parse().map_err(|_| wrong())?,
        })
    }
}

/// A host without the brackets of an IPv6 address.
pub(crate) fn bare(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Queries the system's resolver on a separate thread, since it has no timeout.
pub(crate) fn look_up(host: &str, port: u16, at_most: Duration) -> io::Result<Vec<SocketAddr>> {
    let (sender, receiver) = mpsc::channel();
    let host = host.to_owned();
    std::thread::Builder::new()
        .name("resolver".into())
        .spawn(move || {
            let found = (host.as_str(), port)
                .to_socket_addrs()
                .map(Iterator::collect);
            // The receiver is dropped after the timeout.
            sender.send(found).ok();
        })?;
    let mut found: Vec<SocketAddr> = receiver.recv_timeout(at_most).map_err(|_| {
        io::Error::new(
            io::ErrorKind::TimedOut,
            format!("no response from the resolver within {at_most:?}"),
        )
    })??;
    let mut known = Vec::new();
    found.retain(|address| {
        let is_new = !known.contains(address);
        known.push(*address);
        is_new
    });
    if found.is_empty() {
        return Err(io::Error::other("the name has no addresses"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolve_override_applies_to_its_host_and_port_alone() {
        let known: ResolveOverride = "api.example.com:443:127.0.0.1".parse().unwrap();
        let address = Some("127.0.0.1:443".parse().unwrap());
        assert_eq!(known.address_of("API.example.com", 443), address);
        assert_eq!(known.address_of("api.example.com", 80), None);
        assert_eq!(known.address_of("example.com", 443), None);
        let six: ResolveOverride = "a:80:[::1]".parse().unwrap();
        assert_eq!(six.address_of("a", 80), Some("[::1]:80".parse().unwrap()));
        for wrong in [
            "",
            "a",
            "a:80",
            "a:b:127.0.0.1",
            "a:80:b",
            "a:80:127.0.0.1:80",
        ] {
            let error = wrong.parse::<ResolveOverride>().unwrap_err();
            assert!(error.contains("HOST:PORT:ADDRESS"), "{error}");
        }
    }

    #[test]
    fn lookup_returns_each_address_once() {
        let found = look_up("127.0.0.1", 80, Duration::from_secs(5)).unwrap();
        assert_eq!(found, ["127.0.0.1:80".parse().unwrap()]);
    }
}
