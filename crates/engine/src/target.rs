//! The target: where requests go.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use url::Url;

/// Where requests go: a host, resolved.
#[derive(Debug, Clone)]
pub struct Target {
    /// The base URL, without credentials, query and fragment.
    pub url: Url,
    /// The value of the `Host` header.
    pub host_header: String,
    /// Addresses to connect to, at least one.
    pub addresses: Vec<SocketAddr>,
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
    /// Nothing answers there.
    #[error("nothing can be reached at {url}: {error}")]
    Unreachable {
        /// The base URL.
        url: String,
        /// What connecting said.
        error: io::Error,
    },
}

impl Target {
    /// Resolves a base URL, within so long.
    pub fn resolve(url: &Url, at_most: Duration) -> Result<Self, TargetError> {
        let mut url = url.clone();
        // Neither fails for a URL with a host.
        if url.set_username("").and(url.set_password(None)).is_err() {
            return Err(TargetError::NoHost {
                url: url.to_string(),
            });
        }
        url.set_query(None);
        url.set_fragment(None);
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(TargetError::NoHost {
                url: url.to_string(),
            });
        };
        let host_header = url
            .port()
            .map_or(host.to_owned(), |port| format!("{host}:{port}"));
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let addresses = addresses(bare, port, at_most).map_err(|error| TargetError::Dns {
            host: host.to_owned(),
            error,
        })?;
        Ok(Self {
            url,
            host_header,
            addresses,
        })
    }

    /// The path that every request's path is put after: empty, or begins with a slash and ends
    /// without one.
    pub fn base_path(&self) -> &str {
        self.url.path().trim_end_matches('/')
    }

    /// Whether it is on this machine, as far as its address tells.
    pub fn is_local(&self) -> bool {
        self.addresses[0].ip().is_loopback()
    }

    /// Waits until something accepts a connection, at most so long. Puts the address that does first.
    pub fn reach(&mut self, at_most: Duration) -> Result<(), TargetError> {
        let until = Instant::now() + at_most;
        loop {
            let mut last = None;
            for at in 0..self.addresses.len() {
                let left = until.saturating_duration_since(Instant::now());
                let patience = left.clamp(Duration::from_millis(50), Duration::from_secs(1));
                match TcpStream::connect_timeout(&self.addresses[at], patience) {
                    Ok(_) => {
                        self.addresses.swap(0, at);
                        return Ok(());
                    }
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

/// Asks the system's resolver, which knows no timeout: it is asked on a thread of its own.
fn addresses(host: &str, port: u16, at_most: Duration) -> io::Result<Vec<SocketAddr>> {
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
    let found: Vec<SocketAddr> = answer.recv_timeout(at_most).map_err(|_| {
        io::Error::new(
            io::ErrorKind::TimedOut,
            format!("no answer within {at_most:?}"),
        )
    })??;
    if found.is_empty() {
        return Err(io::Error::other("it has no address"));
    }
    Ok(found)
}
