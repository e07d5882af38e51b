//! The connector opens a worker's connections. It alternates between the addresses of a host and between the local
//! addresses.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

use brunt_record::{FailureKind, duration_ns};
use brunt_scenario::HttpVersion;
use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsConnector;

use super::connection::Connection;
use crate::http::request_context::RequestContext;
use crate::http1::connection::Http1Connection;
use crate::http2::{HeaderEncoder, Http2Connection};
use crate::net::context::{CapacityListener, NetContext};
use crate::net::error::RequestError;
use crate::net::local_ports::{self, LocalPorts};
use crate::net::origins::{Origin, Origins};
use crate::net::stream::Stream;
use crate::net::tls::{self, TlsSessions};
use crate::time::timers::{TimerSlot, WaitError};

/// Duration, in nanoseconds, for which an address is avoided after connecting failed, as long as there is another.
const AVOIDED_NS: u64 = 10_000_000_000;

/// Remedy in the error for a server that does not support HTTP/2.
const REMEDY: &str = "set http = \"auto\" or http = \"1.1\"";

pub(crate) struct Connector {
    /// Addresses by origin.
    rotations: Vec<RefCell<AddressRotation>>,
    next_source: Cell<usize>,
    ports: LocalPorts,
    /// Header fields that HTTP/2 connections sent last, by request name.
    headers: Rc<RefCell<HeaderEncoder>>,
    /// The shared pool, if there is one.
    capacity: Option<Rc<dyn CapacityListener>>,
}

/// Rotation of the addresses of an origin.
struct AddressRotation {
    current: watch::Receiver<Arc<[SocketAddr]>>,
    next: usize,
    /// Addresses at which connecting failed, each with the time until which it is avoided.
    avoided: Vec<(SocketAddr, u64)>,
}

/// Durations of the connection setup, in nanoseconds.
#[derive(Debug, Default)]
pub(crate) struct ConnectTimings {
    pub(crate) connect_ns: Option<u64>,
    pub(crate) tls_ns: Option<u64>,
}

impl Connector {
    /// Creates the connector of a worker. Workers start with different addresses.
    pub(crate) fn new(
        origins: &Origins,
        worker: usize,
        capacity: Option<Rc<dyn CapacityListener>>,
    ) -> Self {
        let rotations = origins.all().iter().map(|origin| {
            RefCell::new(AddressRotation {
                current: origin.follow(),
                next: worker,
                avoided: Vec::new(),
            })
        });
        Self {
            rotations: rotations.collect(),
            next_source: Cell::new(worker),
            ports: LocalPorts::without(origins.ports()),
            headers: Rc::default(),
            capacity,
        }
    }

    /// Opens a connection to an origin within the deadline of a request.
    pub(crate) async fn open(
        &self,
        request: RequestContext<'_>,
        origin: usize,
        sessions: &mut Option<TlsSessions>,
        timings: &mut ConnectTimings,
    ) -> Result<Connection, RequestError> {
        let RequestContext {
            net,
            slot,
            deadlines,
        } = request;
        let by_ns = deadlines.total_ns;
        let started_ns = net.clock.now_ns();
        let connected = self.connect(net, slot, origin, by_ns).await;
        *timings.connect_ns.get_or_insert(0) += net.clock.now_ns() - started_ns;
        let stream = connected?;
        net.counters.count_opened();
        let host = &net.origins.all()[origin];
        if !host.is_tls() {
            let is_http2 = net.version == HttpVersion::Http2;
            return Ok(self.connection(net, Stream::Plain(stream), origin, is_http2));
        }
        let started_ns = net.clock.now_ns();
        let timeout_ns = duration_ns(net.timeouts.tls);
        let by_ns = by_ns.min(started_ns.saturating_add(timeout_ns));
        net.timers.set_deadline(slot, by_ns);
        let secured = shake_hands(net, slot, host, stream, sessions).await;
        *timings.tls_ns.get_or_insert(0) += net.clock.now_ns() - started_ns;
        let (stream, is_http2) = secured?;
        Ok(self.connection(net, stream, origin, is_http2))
    }

    /// Tries the addresses one by one. Each gets an equal share of the time that is left.
    async fn connect(
        &self,
        net: &NetContext,
        slot: TimerSlot,
        origin: usize,
        by_ns: u64,
    ) -> Result<TcpStream, RequestError> {
        let now_ns = net.clock.now_ns();
        let timeout_ns = duration_ns(net.timeouts.connect);
        let by_ns = by_ns.min(now_ns.saturating_add(timeout_ns));
        let addresses = self.rotations[origin].borrow_mut().order(now_ns);
        let mut left = addresses.len() as u64;
        let mut last = RequestError::new(FailureKind::Dns, "the host name has no addresses");
        for address in addresses {
            let now_ns = net.clock.now_ns();
            let share_ns = by_ns.saturating_sub(now_ns) / left;
            left -= 1;
            net.timers.set_deadline(slot, now_ns + share_ns);
            match self.connect_to(net, slot, address).await {
                Ok(stream) => return Ok(stream),
                // Another address does not help if the error is of this machine, or if the run ends.
                Err(error) if error.kind.is_generator_fault() => return Err(error),
                Err(error) if error.kind == FailureKind::Aborted => return Err(error),
                Err(error) => {
                    let until_ns = net.clock.now_ns().saturating_add(AVOIDED_NS);
                    self.rotations[origin].borrow_mut().avoid(address, until_ns);
                    last = error;
                }
            }
        }
        Err(last)
    }

    async fn connect_to(
        &self,
        net: &NetContext,
        slot: TimerSlot,
        address: SocketAddr,
    ) -> Result<TcpStream, RequestError> {
        let source = self.next_source(&net.origins.sources, address);
        let mut last = None;
        for ports in self.ports.rotated() {
            let socket =
                socket(address, source, ports).map_err(|error| RequestError::from_io(&error))?;
            let connecting = pin!(socket.connect(address));
            let connected = net.timers.until_deadline(slot, connecting).await;
            let connected = connected.map_err(|error| match error {
                WaitError::DeadlineExceeded => RequestError::new(
                    FailureKind::ConnectTimeout,
                    format!("cannot connect to {address}: timed out"),
                ),
                WaitError::Aborted => RequestError::cut_off(),
            })?;
            match connected {
                Ok(stream) => return ready(stream, address),
                Err(error) => {
                    let is_full = error.kind() == io::ErrorKind::AddrNotAvailable;
                    last = Some(RequestError::from_connect(&error, address));
                    if !is_full {
                        break;
                    }
                }
            }
        }
        Err(last
            .unwrap_or_else(|| RequestError::new(FailureKind::NoPorts, "no local port is free")))
    }

    /// Wraps an open stream in a connection of the negotiated HTTP version.
    fn connection(
        &self,
        net: &NetContext,
        stream: Stream,
        origin: usize,
        is_http2: bool,
    ) -> Connection {
        if !is_http2 {
            return Connection::Http1(Http1Connection::new(stream, origin));
        }
        let (headers, capacity) = (self.headers.clone(), self.capacity.clone());
        Connection::Http2(Http2Connection::open(
            net, stream, origin, headers, capacity,
        ))
    }

    fn next_source(&self, sources: &[IpAddr], address: SocketAddr) -> Option<IpAddr> {
        let fits = |source: &&IpAddr| source.is_ipv4() == address.is_ipv4();
        let fitting = sources.iter().filter(fits).count();
        let next = self.next_source.get();
        self.next_source.set(next.wrapping_add(1));
        sources
            .iter()
            .filter(fits)
            .nth(next.checked_rem(fitting)?)
            .copied()
    }
}

/// Creates a socket that connects from the given address and port range.
fn socket(address: SocketAddr, source: Option<IpAddr>, ports: (u16, u16)) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    local_ports::set_port_range(&socket, ports)?;
    if let Some(source) = source {
        // The kernel chooses the port once it knows the remote address, so that each remote address has all ports.
        setsockopt(&socket, sockopt::IpBindAddressNoPort, &true)?;
        socket.bind(SocketAddr::new(source, 0))?;
    }
    Ok(socket)
}

/// Returns a connected stream, unless it is connected to itself.
fn ready(stream: TcpStream, address: SocketAddr) -> Result<TcpStream, RequestError> {
    let failed = |error: io::Error| RequestError::from_io(&error);
    if stream.local_addr().map_err(failed)? == address {
        // A reset leaves no TIME_WAIT behind, which would block the port for the service.
        stream.set_zero_linger().map_err(failed)?;
        return Err(RequestError::from_connect(
            &Errno::ECONNREFUSED.into(),
            address,
        ));
    }
    stream.set_nodelay(true).map_err(failed)?;
    Ok(stream)
}

impl AddressRotation {
    /// All addresses, starting with the next one; avoided addresses come last.
    fn order(&mut self, now_ns: u64) -> Vec<SocketAddr> {
        let addresses = self.current.borrow_and_update().clone();
        if let [only] = *addresses {
            return vec![only];
        }
        self.avoided.retain(|(_, until_ns)| now_ns < *until_ns);
        let avoided = |address: &SocketAddr| {
            let mut known = self.avoided.iter();
            known.any(|(known, _)| known == address)
        };
        let (mut last, mut order): (Vec<_>, Vec<_>) =
            addresses.iter().partition(|address| avoided(address));
        let first = self.next.checked_rem(order.len()).unwrap_or(0);
        self.next = self.next.wrapping_add(1);
        order.rotate_left(first);
        order.append(&mut last);
        order
    }

    fn avoid(&mut self, address: SocketAddr, until_ns: u64) {
        self.avoided.retain(|(known, _)| *known != address);
        self.avoided.push((address, until_ns));
    }
}

/// Performs the TLS handshake. Also returns whether ALPN selected HTTP/2.
async fn shake_hands(
    net: &NetContext,
    slot: TimerSlot,
    origin: &Origin,
    stream: TcpStream,
    sessions: &mut Option<TlsSessions>,
) -> Result<(Stream, bool), RequestError> {
    let tls = |text: String| RequestError::new(FailureKind::Tls, text);
    let Some(client) = &net.origins.tls else {
        return Err(RequestError::new(FailureKind::Client, "TLS is not set up"));
    };
    let name = client
        .name_of(origin.host())
        .map_err(|error| tls(error.to_string()))?;
    let http = net.version;
    let connector = TlsConnector::from(client.config(sessions));
    let handshake = pin!(connector.connect(name, stream));
    match net.timers.until_deadline(slot, handshake).await {
        Ok(Ok(stream)) => {
            let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            if !is_http2 && http == HttpVersion::Http2 {
                return Err(tls(format!(
                    "the server does not support HTTP/2 (ALPN); {REMEDY}"
                )));
            }
            Ok((Stream::Tls(Box::new(stream)), is_http2))
        }
        Ok(Err(error)) => {
            let text = handshake_failure(&error);
            let remedy = if http == HttpVersion::Http2 && tls::is_about_http(&error) {
                format!("; {REMEDY}")
            } else {
                String::new()
            };
            Err(tls(format!("TLS handshake failed: {text}{remedy}")))
        }
        Err(error) => Err(handshake_error(error)),
    }
}

/// The reason why a handshake failed.
fn handshake_failure(error: &io::Error) -> String {
    tls::reason(error).unwrap_or_else(|| match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            "the server closed the connection; check that the port speaks TLS".to_owned()
        }
        _ => error.to_string(),
    })
}

fn handshake_error(error: WaitError) -> RequestError {
    match error {
        WaitError::DeadlineExceeded => {
            RequestError::new(FailureKind::TlsTimeout, "TLS handshake failed: timed out")
        }
        WaitError::Aborted => RequestError::cut_off(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rotation(addresses: &[SocketAddr]) -> (watch::Sender<Arc<[SocketAddr]>>, AddressRotation) {
        let sender = watch::Sender::new(addresses.into());
        let rotation = AddressRotation {
            current: sender.subscribe(),
            next: 0,
            avoided: Vec::new(),
        };
        (sender, rotation)
    }

    fn addresses(ends: &[u8]) -> Vec<SocketAddr> {
        ends.iter()
            .map(|end| SocketAddr::from(([127, 0, 0, *end], 80)))
            .collect()
    }

    #[test]
    fn addresses_rotate() {
        let (_sender, mut rotation) = rotation(&addresses(&[1, 2, 3]));
        let firsts: Vec<_> = (0..5).map(|_| rotation.order(0)[0]).collect();
        assert_eq!(firsts, addresses(&[1, 2, 3, 1, 2]));
        assert_eq!(rotation.order(0), addresses(&[3, 1, 2]));
    }

    #[test]
    fn failed_address_comes_last_for_a_while() {
        let (_sender, mut rotation) = rotation(&addresses(&[1, 2]));
        rotation.avoid(addresses(&[1])[0], 100);
        assert_eq!(rotation.order(50), addresses(&[2, 1]));
        assert_eq!(rotation.order(99), addresses(&[2, 1]));
        assert_eq!(rotation.order(100), addresses(&[1, 2]));
    }

    #[tokio::test]
    async fn connection_to_itself_is_refused_and_frees_its_port() {
        // A loopback address of its own, so that no other test takes the port.
        let address = SocketAddr::from(([127, 0, 0, 78], 0));
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(address).unwrap();
        let address = socket.local_addr().unwrap();
        let stream = socket.connect(address).await.unwrap();
        let error = ready(stream, address).unwrap_err();
        assert_eq!(error.kind, FailureKind::ConnectRefused);
        assert!(error.text.contains(&address.to_string()), "{}", error.text);
        std::net::TcpListener::bind(address).unwrap();
    }

    #[test]
    fn new_addresses_are_used() {
        let (sender, mut rotation) = rotation(&addresses(&[1]));
        assert_eq!(rotation.order(0), addresses(&[1]));
        sender.send_replace(addresses(&[7]).into());
        assert_eq!(rotation.order(0), addresses(&[7]));
    }
}
