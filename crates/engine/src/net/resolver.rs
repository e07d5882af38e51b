//! The resolver: addresses of host names, and addresses that override them.

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6, ToSocketAddrs};
use std::str::FromStr;
use std::sync::mpsc;
use std::time::Duration;

use nix::net::if_::if_nametoindex;

/// Addresses that override those of the resolver for a host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolveOverride {
    /// Without brackets.
    host: String,
    addresses: Vec<SocketAddr>,
}

impl ResolveOverride {
    pub(crate) fn addresses_of(&self, host: &str, port: u16) -> &[SocketAddr] {
        let is_same = |address: &SocketAddr| address.port() == port;
        let is_for = self.host.eq_ignore_ascii_case(bare(host));
        match self.addresses.first() {
            Some(first) if is_for && is_same(first) => &self.addresses,
            _ => &[],
        }
    }
}

impl FromStr for ResolveOverride {
    type Err = String;

    /// `HOST:PORT:ADDRESS[,ADDRESS]…`, as in `curl --resolve`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "invalid address override '{text}': must be HOST:PORT:ADDRESS, like api.example.com:443:127.0.0.1"
            )
        };
        let host_end = if text.starts_with('[') {
            text.find("]:").ok_or_else(wrong)? + 1
        } else {
            text.find(':').ok_or_else(wrong)?
        };
        let (host, rest) = (&text[..host_end], &text[host_end + 1..]);
        let (port, addresses) = rest.split_once(':').ok_or_else(wrong)?;
        let port = port.parse().map_err(|_| wrong())?;
        if host.is_empty() {
            return Err(wrong());
        }
        let addresses: Result<Vec<_>, _> = addresses
            .split(',')
            .map(|address| parse_address(address.trim(), port, wrong))
            .collect();
        Ok(Self {
            host: bare(host).to_owned(),
            addresses: addresses?,
        })
    }
}

/// Parses an IP address, in brackets or not; that of IPv6 may have a zone.
fn parse_address(text: &str, port: u16, wrong: impl Fn() -> String) -> Result<SocketAddr, String> {
    let text = bare(text);
    let Some((address, zone)) = text.split_once('%') else {
        let address: IpAddr = text.parse().map_err(|_| wrong())?;
        return Ok(SocketAddr::new(address, port));
    };
    let zone = zone
        .strip_prefix("25")
        .filter(|zone| !zone.is_empty())
        .unwrap_or(zone);
    let address = address.parse().map_err(|_| wrong())?;
    let scope = match zone.parse() {
        Ok(number) => number,
        Err(_) => if_nametoindex(zone).map_err(|_| {
            format!("unknown network interface '{zone}' in the address override '{text}'; `ip link` lists them")
        })?,
    };
    Ok(SocketAddrV6::new(address, port, 0, scope).into())
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
        let address = ["127.0.0.1:443".parse().unwrap()];
        assert_eq!(known.addresses_of("API.example.com", 443), address);
        assert_eq!(known.addresses_of("api.example.com", 80), []);
        assert_eq!(known.addresses_of("example.com", 443), []);
        for wrong in [
            "",
            "a",
            "a:80",
            "a:b:127.0.0.1",
            "a:80:b",
            "a:80:127.0.0.1:80",
            "a:80:127.0.0.1,",
            ":80:127.0.0.1",
            "[::1:80:127.0.0.1",
            "a:80:127.0.0.1%1",
        ] {
            let error = wrong.parse::<ResolveOverride>().unwrap_err();
            assert!(error.contains("HOST:PORT:ADDRESS"), "{wrong}: {error}");
        }
    }

    /// Brackets and lists as in `curl --resolve`.
    #[test]
    fn resolve_override_has_several_addresses_and_zones() {
        for (text, host, expected) in [
            ("a:80:[::1]", "a", &["[::1]:80"][..]),
            ("a:80:::1", "a", &["[::1]:80"]),
            ("a:80:127.0.0.1,[::1]", "a", &["127.0.0.1:80", "[::1]:80"]),
            ("[::2]:80:127.0.0.1", "[::2]", &["127.0.0.1:80"]),
            ("a:80:fe80::1%7", "a", &["[fe80::1%7]:80"]),
            ("a:80:[fe80::1%257]", "a", &["[fe80::1%7]:80"]),
            ("a:80:fe80::1%lo", "a", &["[fe80::1%1]:80"]),
        ] {
            let known: ResolveOverride = text.parse().unwrap();
            let expected: Vec<SocketAddr> = expected
                .iter()
                .map(|address| address.parse().unwrap())
                .collect();
            assert_eq!(known.addresses_of(host, 80), expected, "{text}");
        }
        let error = "a:80:fe80::1%none".parse::<ResolveOverride>().unwrap_err();
        assert!(error.contains("ip link"), "{error}");
    }

    #[test]
    fn lookup_returns_each_address_once() {
        let found = look_up("127.0.0.1", 80, Duration::from_secs(5)).unwrap();
        assert_eq!(found, ["127.0.0.1:80".parse().unwrap()]);
    }
}
