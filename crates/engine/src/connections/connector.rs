//! The dialer: opens a core's connections, to all addresses of a host in turn, from all local addresses
//! in turn.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;

use brunt_record::FailureKind;
use brunt_scenario::HttpVersion;
use nix::errno::Errno;
use nix::sys::socket::{setsockopt, sockopt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsConnector;

use crate::client::context::Core;
use crate::client::exchange::nanoseconds;
use crate::connections::connection::Link;
use crate::http1::connection::Connection;
use crate::http2;
use crate::net::error::Fault;
use crate::net::local_ports::{self, LocalPorts};
use crate::net::origins::{Origin, Target};
use crate::net::stream::Stream;
use crate::net::tls::{self, Sessions};
use crate::time::timers::{GivenUp, Seat};

/// An address at which connecting failed is passed over for so long, while another is left.
const PASSED_OVER_NS: u64 = 10_000_000_000;

/// What to do where a server does not speak HTTP/2.
const REMEDY: &str = "write http = \"auto\" or http = \"1.1\"";

pub(crate) struct Dialer {
    /// One for each origin.
    lines: Vec<RefCell<Line>>,
    next_source: Cell<usize>,
    ports: LocalPorts,
}

/// The addresses of an origin.
struct Line {
    leads_to: watch::Receiver<Arc<[SocketAddr]>>,
    next: usize,
    /// Addresses at which connecting failed, and until when they are passed over.
    passed_over: Vec<(SocketAddr, u64)>,
}

/// How long opening a connection took, in nanoseconds.
#[derive(Debug, Default)]
pub(crate) struct Opened {
    pub(crate) connect_ns: Option<u64>,
    pub(crate) tls_ns: Option<u64>,
}

impl Dialer {
    /// The dialer of a core; cores begin with different addresses.
    pub(crate) fn new(target: &Target, core: usize) -> Self {
        let lines = target.origins().iter().map(|origin| {
            RefCell::new(Line {
                leads_to: origin.follow(),
                next: core,
                passed_over: Vec::new(),
            })
        });
        Self {
            lines: lines.collect(),
            next_source: Cell::new(core),
            ports: LocalPorts::without(target.ports()),
        }
    }

    /// Opens a connection to an origin before a moment of the run's clock.
    pub(crate) async fn open(
        &self,
        core: &Core,
        seat: Seat,
        origin: usize,
        by_ns: u64,
        sessions: &mut Option<Sessions>,
        took: &mut Opened,
    ) -> Result<Link, Fault> {
        let begun_ns = core.clock.now_ns();
        let connected = self.connect(core, seat, origin, by_ns).await;
        *took.connect_ns.get_or_insert(0) += core.clock.now_ns() - begun_ns;
        let stream = connected?;
        core.count_connection();
        let host = &core.target.origins()[origin];
        if !host.is_tls() {
            let is_http2 = core.plan.network.http == HttpVersion::Http2;
            return Ok(link(core, Stream::Plain(stream), origin, is_http2));
        }
        let begun_ns = core.clock.now_ns();
        let timeout_ns = nanoseconds(core.plan.network.timeouts.tls);
        let by_ns = by_ns.min(begun_ns.saturating_add(timeout_ns));
        core.pacer.set_deadline(seat, by_ns);
        let shaken = shake_hands(core, seat, host, stream, sessions).await;
        *took.tls_ns.get_or_insert(0) += core.clock.now_ns() - begun_ns;
        let (stream, is_http2) = shaken?;
        Ok(link(core, stream, origin, is_http2))
    }

    /// Tries the addresses in turn, each for its share of the time that is left.
    async fn connect(
        &self,
        core: &Core,
        seat: Seat,
        origin: usize,
        by_ns: u64,
    ) -> Result<TcpStream, Fault> {
        let now_ns = core.clock.now_ns();
        let timeout_ns = nanoseconds(core.plan.network.timeouts.connect);
        let by_ns = by_ns.min(now_ns.saturating_add(timeout_ns));
        let turn = self.lines[origin].borrow_mut().turn(now_ns);
        let mut left = turn.len() as u64;
        let mut last = Fault::new(FailureKind::Dns, "the host has no address");
        for address in turn {
            let now_ns = core.clock.now_ns();
            let share_ns = by_ns.saturating_sub(now_ns) / left;
            left -= 1;
            core.pacer.set_deadline(seat, now_ns + share_ns);
            match self.connect_to(core, seat, address).await {
                Ok(stream) => return Ok(stream),
                // Another address does not help brunt's own machine, nor a run that ends.
                Err(fault) if fault.kind.is_client_fault() => return Err(fault),
                Err(fault) if fault.kind == FailureKind::CutOff => return Err(fault),
                Err(fault) => {
                    let until_ns = core.clock.now_ns().saturating_add(PASSED_OVER_NS);
                    self.lines[origin].borrow_mut().pass_over(address, until_ns);
                    last = fault;
                }
            }
        }
        Err(last)
    }

    async fn connect_to(
        &self,
        core: &Core,
        seat: Seat,
        address: SocketAddr,
    ) -> Result<TcpStream, Fault> {
        let source = self.next_source(&core.target.sources, address);
        let mut last = None;
        for ports in self.ports.in_turn() {
            let socket = socket(address, source, ports).map_err(|error| Fault::of(&error))?;
            let connecting = pin!(socket.connect(address));
            let connected = core.pacer.future_under_way(seat, connecting).await;
            let connected = connected.map_err(|given_up| match given_up {
                GivenUp::Deadline => Fault::new(
                    FailureKind::ConnectTimeout,
                    format!("no connection to {address} in time"),
                ),
                GivenUp::Aborted => Fault::cut_off(),
            })?;
            match connected {
                Ok(stream) => return ready(stream, address),
                Err(error) => {
                    let is_full = error.kind() == io::ErrorKind::AddrNotAvailable;
                    last = Some(Fault::of_connect(&error, address));
                    if !is_full {
                        break;
                    }
                }
            }
        }
        Err(last.unwrap_or_else(|| Fault::new(FailureKind::NoPorts, "there are no local ports")))
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

/// A socket that connects from an address and a range of ports.
fn socket(address: SocketAddr, source: Option<IpAddr>, ports: (u16, u16)) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    local_ports::take_any(&socket, ports)?;
    if let Some(source) = source {
        // The port is chosen when the other end is known: each end gives all ports anew.
        setsockopt(&socket, sockopt::IpBindAddressNoPort, &true)?;
        socket.bind(SocketAddr::new(source, 0))?;
    }
    Ok(socket)
}

/// A stream that is connected, unless that is to itself.
fn ready(stream: TcpStream, address: SocketAddr) -> Result<TcpStream, Fault> {
    let failed = |error: io::Error| Fault::of(&error);
    if stream.local_addr().map_err(failed)? == address {
        // Reset, it leaves no TIME_WAIT behind, which would keep the port from the service.
        stream.set_zero_linger().map_err(failed)?;
        return Err(Fault::of_connect(&Errno::ECONNREFUSED.into(), address));
    }
    stream.set_nodelay(true).map_err(failed)?;
    Ok(stream)
}

impl Line {
    /// All addresses, beginning with the next one; those that are passed over come last.
    fn turn(&mut self, now_ns: u64) -> Vec<SocketAddr> {
        let addresses = self.leads_to.borrow_and_update().clone();
        if let [only] = *addresses {
            return vec![only];
        }
        self.passed_over.retain(|(_, until_ns)| now_ns < *until_ns);
        let passed_over = |address: &SocketAddr| {
            let mut known = self.passed_over.iter();
            known.any(|(known, _)| known == address)
        };
        let (mut last, mut turn): (Vec<_>, Vec<_>) =
            addresses.iter().partition(|address| passed_over(address));
        let first = self.next.checked_rem(turn.len()).unwrap_or(0);
        self.next = self.next.wrapping_add(1);
        turn.rotate_left(first);
        turn.append(&mut last);
        turn
    }

    fn pass_over(&mut self, address: SocketAddr, until_ns: u64) {
        self.passed_over.retain(|(known, _)| *known != address);
        self.passed_over.push((address, until_ns));
    }
}

/// A link on a stream that is open.
fn link(core: &Core, stream: Stream, origin: usize, is_http2: bool) -> Link {
    if is_http2 {
        return Link::Http2(http2::Connection::open(core, stream, origin));
    }
    Link::Http1(Connection::new(stream, origin))
}

/// Shakes hands; returns whether HTTP/2 was agreed on as well.
async fn shake_hands(
    core: &Core,
    seat: Seat,
    origin: &Origin,
    stream: TcpStream,
    sessions: &mut Option<Sessions>,
) -> Result<(Stream, bool), Fault> {
    let tls = |text: String| Fault::new(FailureKind::Tls, text);
    let Some(client) = &core.target.tls else {
        return Err(Fault::new(FailureKind::Client, "TLS was not set up"));
    };
    let name = client
        .name_of(origin.host())
        .map_err(|error| tls(error.to_string()))?;
    let http = core.plan.network.http;
    let connector = TlsConnector::from(client.config(sessions));
    let shaking = pin!(connector.connect(name, stream));
    match core.pacer.future_under_way(seat, shaking).await {
        Ok(Ok(stream)) => {
            let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            if !is_http2 && http == HttpVersion::Http2 {
                return Err(tls(format!(
                    "the server does not agree to HTTP/2 by ALPN; {REMEDY}"
                )));
            }
            Ok((Stream::Tls(Box::new(stream)), is_http2))
        }
        Ok(Err(error)) => {
            let text = tls::reason(&error).unwrap_or_else(|| error.to_string());
            let remedy = if http == HttpVersion::Http2 && text.contains("NoApplicationProtocol") {
                format!("; {REMEDY}")
            } else {
                String::new()
            };
            Err(tls(format!("the TLS handshake failed: {text}{remedy}")))
        }
        Err(given_up) => Err(given_up_on_tls(given_up)),
    }
}

fn given_up_on_tls(given_up: GivenUp) -> Fault {
    match given_up {
        GivenUp::Deadline => Fault::new(FailureKind::TlsTimeout, "no TLS handshake in time"),
        GivenUp::Aborted => Fault::cut_off(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(addresses: &[SocketAddr]) -> (watch::Sender<Arc<[SocketAddr]>>, Line) {
        let sender = watch::Sender::new(addresses.into());
        let line = Line {
            leads_to: sender.subscribe(),
            next: 0,
            passed_over: Vec::new(),
        };
        (sender, line)
    }

    fn addresses(ends: &[u8]) -> Vec<SocketAddr> {
        ends.iter()
            .map(|end| SocketAddr::from(([127, 0, 0, *end], 80)))
            .collect()
    }

    #[test]
    fn addresses_are_used_in_turn() {
        let (_sender, mut line) = line(&addresses(&[1, 2, 3]));
        let firsts: Vec<_> = (0..5).map(|_| line.turn(0)[0]).collect();
        assert_eq!(firsts, addresses(&[1, 2, 3, 1, 2]));
        assert_eq!(line.turn(0), addresses(&[3, 1, 2]));
    }

    #[test]
    fn an_address_that_failed_comes_last_for_a_while() {
        let (_sender, mut line) = line(&addresses(&[1, 2]));
        line.pass_over(addresses(&[1])[0], 100);
        assert_eq!(line.turn(50), addresses(&[2, 1]));
        assert_eq!(line.turn(99), addresses(&[2, 1]));
        assert_eq!(line.turn(100), addresses(&[1, 2]));
    }

    #[tokio::test]
    async fn a_connection_to_itself_is_refused_and_leaves_its_port_free() {
        // Of an address of its own: nobody else takes the port meanwhile.
        let address = SocketAddr::from(([127, 0, 0, 78], 0));
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(address).unwrap();
        let address = socket.local_addr().unwrap();
        let stream = socket.connect(address).await.unwrap();
        let fault = ready(stream, address).unwrap_err();
        assert_eq!(fault.kind, FailureKind::ConnectRefused);
        assert!(fault.text.contains(&address.to_string()), "{}", fault.text);
        std::net::TcpListener::bind(address).unwrap();
    }

    #[test]
    fn new_addresses_are_seen() {
        let (sender, mut line) = line(&addresses(&[1]));
        assert_eq!(line.turn(0), addresses(&[1]));
        sender.send_replace(addresses(&[7]).into());
        assert_eq!(line.turn(0), addresses(&[7]));
    }
}
