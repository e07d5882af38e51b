//! The resolver: where a host's name leads, looked up before the load and again as it ages, so that no
//! request waits for it.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::net::origins::Target;

/// After so long a name is looked up again. The system's resolver does not tell how long its answers
/// hold; this is below the lifetime that most services give theirs.
const AGES_AFTER: Duration = Duration::from_secs(30);

/// An address that stands for a host and a port, instead of what the resolver says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pin {
    host: String,
    port: u16,
    address: IpAddr,
}

impl Pin {
    pub(crate) fn stands_for(&self, host: &str, port: u16) -> Option<SocketAddr> {
        (self.port == port && self.host.eq_ignore_ascii_case(host))
            .then(|| SocketAddr::new(self.address, port))
    }
}

impl FromStr for Pin {
    type Err = String;

    /// `HOST:PORT:ADDRESS`, as curl has it.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("`{text}` is no HOST:PORT:ADDRESS; write it like api.example.com:443:127.0.0.1")
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

/// Asks the system's resolver, which knows no timeout: it is asked on a thread of its own.
pub(crate) fn look_up(host: &str, port: u16, at_most: Duration) -> io::Result<Vec<SocketAddr>> {
    let (to, answer) = mpsc::channel();
    let host = host.to_owned();
    std::thread::Builder::new()
        .name("resolver".into())
        .spawn(move || {
            let found = (host.as_str(), port)
                .to_socket_addrs()
                .map(Iterator::collect);
            // Nobody listens any more where the answer came too late.
            to.send(found).ok();
        })?;
    let mut found: Vec<SocketAddr> = answer.recv_timeout(at_most).map_err(|_| {
        io::Error::new(
            io::ErrorKind::TimedOut,
            format!("no answer within {at_most:?}"),
        )
    })??;
    let mut known = Vec::new();
    found.retain(|address| {
        let is_new = !known.contains(address);
        known.push(*address);
        is_new
    });
    if found.is_empty() {
        return Err(io::Error::other("it has no address"));
    }
    Ok(found)
}

/// Looks a target's names up again and again, until it is dropped.
pub(crate) struct Refresher {
    _until_dropped: mpsc::Sender<()>,
}

impl Refresher {
    pub(crate) fn start(target: &Arc<Target>) -> io::Result<Self> {
        let (until_dropped, dropped) = mpsc::channel::<()>();
        let target = Arc::downgrade(target);
        std::thread::Builder::new()
            .name("resolver".into())
            .spawn(move || {
                while dropped.recv_timeout(AGES_AFTER) == Err(RecvTimeoutError::Timeout) {
                    let Some(target) = Weak::upgrade(&target) else {
                        return;
                    };
                    target.look_up_again(AGES_AFTER);
                }
            })?;
        Ok(Self {
            _until_dropped: until_dropped,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_are_read_and_stand_for_their_host_and_port_alone() {
        let pin: Pin = "api.example.com:443:127.0.0.1".parse().unwrap();
        let address = Some("127.0.0.1:443".parse().unwrap());
        assert_eq!(pin.stands_for("API.example.com", 443), address);
        assert_eq!(pin.stands_for("api.example.com", 80), None);
        assert_eq!(pin.stands_for("example.com", 443), None);
        let six: Pin = "a:80:[::1]".parse().unwrap();
        assert_eq!(six.stands_for("a", 80), Some("[::1]:80".parse().unwrap()));
        for wrong in [
            "",
            "a",
            "a:80",
            "a:b:127.0.0.1",
            "a:80:b",
            "a:80:127.0.0.1:80",
        ] {
            let error = wrong.parse::<Pin>().unwrap_err();
            assert!(error.contains("HOST:PORT:ADDRESS"), "{error}");
        }
    }

    #[test]
    fn addresses_are_found_once_each() {
        let found = look_up("127.0.0.1", 80, Duration::from_secs(5)).unwrap();
        assert_eq!(found, ["127.0.0.1:80".parse().unwrap()]);
    }
}
