//! Local ports: the kernel chooses a free one for each connection, never the port of a service under test.
//!
//! A connection to a port of this machine on which nothing listens may get that very port as its local one. TCP then
//! connects it to itself, and the service cannot be started again as long as the port is taken.
//!
//! By itself the kernel seeks among one half of the ports first, the even or the odd ones, and only once it has found
//! all of that half taken among the other: from some 14,000 connections to one address on, each takes it most
//! of a millisecond, in which the thread does nothing else. Asked to take any port of a range, it seeks among all
//! of them from Linux 6.14 on.

use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::libc;

/// `IP_LOCAL_PORT_RANGE` of `linux/in.h`.
const IP_LOCAL_PORT_RANGE: libc::c_int = 51;
const RANGE_BYTES: libc::socklen_t = 4;
/// The first and the last port; the system's own range stays as it is.
const ALL: (u16, u16) = (1, u16::MAX);
/// The ports that the system gives to connections.
const SYSTEM_RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";

/// The ranges of ports that connections are made from.
#[derive(Debug)]
pub(crate) struct LocalPorts {
    /// One at least.
    ranges: Vec<(u16, u16)>,
    next: Cell<usize>,
}

impl LocalPorts {
    /// The system's ports without those of the services. Before Linux 6.3 the kernel takes no range, and what
    /// connects to itself is seen only then.
    pub(crate) fn without(services: impl IntoIterator<Item = u16>) -> Self {
        let system = std::fs::read_to_string(SYSTEM_RANGE);
        let system = system.ok().and_then(|text| range_of(&text));
        let ranges = system.map_or_else(Vec::new, |system| split(system, services));
        Self {
            ranges: if ranges.is_empty() { vec![ALL] } else { ranges },
            next: Cell::new(0),
        }
    }

    /// The ranges, beginning with the next one: the next is left if it is full.
    pub(crate) fn in_turn(&self) -> impl Iterator<Item = (u16, u16)> {
        let first = self.next.get();
        self.next.set((first + 1) % self.ranges.len());
        let ranges = self.ranges.iter().cycle().skip(first);
        ranges.take(self.ranges.len()).copied()
    }
}

/// Two numbers, the first no larger than the last.
fn range_of(text: &str) -> Option<(u16, u16)> {
    let mut ends = text.split_whitespace().map(str::parse::<u16>);
    let (first, last) = (ends.next()?.ok()?, ends.next()?.ok()?);
    (first <= last).then_some((first, last))
}

/// The parts of a range without some of its ports; the complete range if none of them is in it.
fn split((first, last): (u16, u16), without: impl IntoIterator<Item = u16>) -> Vec<(u16, u16)> {
    let mut without: Vec<u16> = without.into_iter().collect();
    without.retain(|port| (first..=last).contains(port));
    if without.is_empty() {
        return vec![ALL];
    }
    without.sort_unstable();
    without.dedup();
    let mut ranges = Vec::new();
    let mut from = u32::from(first);
    for port in without
        .into_iter()
        .map(u32::from)
        .chain([u32::from(last) + 1])
    {
        let ends = [from, port.saturating_sub(1)].map(u16::try_from);
        if let [Ok(first), Ok(last)] = ends
            && first <= last
        {
            ranges.push((first, last));
        }
        from = port + 1;
    }
    ranges
}

/// Has a socket that connects take any free port of a range.
pub(crate) fn take_any(socket: &impl AsFd, (first, last): (u16, u16)) -> io::Result<()> {
    let range = u32::from(last) << 16 | u32::from(first);
    #[expect(unsafe_code, reason = "no crate of ours knows this option")]
    // SAFETY: the descriptor is open, and the option's value is a u32 that lives longer than the call.
    let set = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::IPPROTO_IP,
            IP_LOCAL_PORT_RANGE,
            (&raw const range).cast(),
            RANGE_BYTES,
        )
    };
    match Errno::result(set) {
        // Before Linux 6.3 the kernel seeks as it always has.
        Ok(_) | Err(Errno::ENOPROTOOPT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use tokio::net::TcpSocket;

    use super::*;

    fn kernel() -> (u32, u32) {
        let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
        let mut numbers = release
            .split(['.', '-'])
            .map(|part| part.trim().parse().unwrap_or(0));
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
    }

    #[tokio::test]
    async fn connections_take_even_and_odd_ports_alike() {
        if kernel() < (6, 14) {
            brunt_testbed::skip(
                "connections_take_even_and_odd_ports_alike",
                "the kernel is older than Linux 6.14",
            );
            return;
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let mut streams = Vec::new();
        let mut odd = 0;
        for _ in 0..64 {
            let socket = TcpSocket::new_v4().unwrap();
            take_any(&socket, ALL).unwrap();
            let stream = socket.connect(address).await.unwrap();
            odd += u32::from(stream.local_addr().unwrap().port() % 2);
            streams.push(stream);
        }
        assert!((8..=56).contains(&odd), "{odd} of 64 are odd");
    }

    #[test]
    fn ports_of_services_are_left_out_of_the_range() {
        let split = |ports: &[u16]| split((32_768, 60_999), ports.iter().copied());
        assert_eq!(split(&[]), [ALL]);
        assert_eq!(split(&[8_000, 61_000]), [ALL]);
        assert_eq!(split(&[40_000]), [(32_768, 39_999), (40_001, 60_999)]);
        assert_eq!(split(&[32_768]), [(32_769, 60_999)]);
        assert_eq!(split(&[60_999, 60_998]), [(32_768, 60_997)]);
        assert_eq!(
            split(&[50_000, 40_000, 40_000]),
            [(32_768, 39_999), (40_001, 49_999), (50_001, 60_999)]
        );
        assert_eq!(super::split((5, 6), [5, 6]), []);
        assert_eq!(super::split((1, u16::MAX), [u16::MAX]), [(1, 65_534)]);
    }

    #[test]
    fn ranges_are_used_in_turn() {
        let ports = LocalPorts {
            ranges: vec![(1, 2), (4, 5)],
            next: Cell::new(0),
        };
        let turn = || ports.in_turn().collect::<Vec<_>>();
        assert_eq!([turn(), turn()], [[(1, 2), (4, 5)], [(4, 5), (1, 2)]]);
    }

    #[test]
    fn the_systems_range_is_read() {
        assert_eq!(range_of("32768\t60999\n"), Some((32_768, 60_999)));
        assert_eq!(range_of("9 8"), None);
        assert_eq!(range_of("none"), None);
    }

    #[tokio::test]
    async fn a_socket_of_ipv6_takes_any_port_too() {
        let socket = TcpSocket::new_v6();
        // A machine may have no IPv6.
        if let Ok(socket) = socket {
            take_any(&socket, ALL).unwrap();
        }
    }
}
