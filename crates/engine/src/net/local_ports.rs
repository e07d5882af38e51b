//! Local ports: the kernel chooses a free one for each connection, but never the port of a service under test.
//!
//! A connection to a local port on which nothing listens may get that very port as its own. TCP then connects the
//! socket to itself, and the service cannot start as long as the port is taken.
//!
//! By default, the kernel first searches one half of the ports, the even or the odd ones, and the other half only if
//! that half is full. From about 14,000 connections to one address on, each search takes almost a millisecond, during
//! which the thread does nothing else. If it is allowed any port of an explicit range, it searches both halves at
//! once, from Linux 6.14 on.

use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::libc;

/// `IP_LOCAL_PORT_RANGE` of `linux/in.h`.
const IP_LOCAL_PORT_RANGE: libc::c_int = 51;
const RANGE_BYTES: libc::socklen_t = 4;
/// The first and the last port; the system's own range still applies.
const ALL: (u16, u16) = (1, u16::MAX);
/// The system's range of local ports.
const SYSTEM_RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";

/// The port ranges that connections use.
#[derive(Debug)]
pub(crate) struct LocalPorts {
    /// At least one.
    ranges: Vec<(u16, u16)>,
    next: Cell<usize>,
}

impl LocalPorts {
    /// The system's range without the ports of the services. Before Linux 6.3, the kernel ignores the range; then a
    /// connection to itself is only detected afterwards.
    pub(crate) fn without(services: impl IntoIterator<Item = u16>) -> Self {
        let system = std::fs::read_to_string(SYSTEM_RANGE);
        let system = system.ok().and_then(|text| range_of(&text));
        let ranges = system.map_or_else(Vec::new, |system| split(system, services));
        Self {
            ranges: if ranges.is_empty() { vec![ALL] } else { ranges },
            next: Cell::new(0),
        }
    }

    /// The ranges, starting with the next one. The following ones are for the case that it is full.
    pub(crate) fn rotated(&self) -> impl Iterator<Item = (u16, u16)> {
        let first = self.next.get();
        self.next.set((first + 1) % self.ranges.len());
        let ranges = self.ranges.iter().cycle().skip(first);
        ranges.take(self.ranges.len()).copied()
    }
}

/// Parses two numbers, the first no larger than the last.
fn range_of(text: &str) -> Option<(u16, u16)> {
    let mut ends = text.split_whitespace().map(str::parse::<u16>);
    let (first, last) = (ends.next()?.ok()?, ends.next()?.ok()?);
    (first <= last).then_some((first, last))
}

/// Splits a range at the given ports, which are left out. Returns the complete range if it contains none of them.
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

/// Allows a socket any free port of a range.
pub(crate) fn set_port_range(socket: &impl AsFd, (first, last): (u16, u16)) -> io::Result<()> {
    let range = u32::from(last) << 16 | u32::from(first);
    #[expect(unsafe_code, reason = "no dependency has this option")]
    // SAFETY: the descriptor is open, and the option's value is a u32 that outlives the call.
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
        // Before Linux 6.3 the kernel searches as it always has.
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
    async fn connections_use_even_and_odd_ports_equally() {
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
            set_port_range(&socket, ALL).unwrap();
            let stream = socket.connect(address).await.unwrap();
            odd += u32::from(stream.local_addr().unwrap().port() % 2);
            streams.push(stream);
        }
        assert!((8..=56).contains(&odd), "{odd} of 64 are odd");
    }

    #[test]
    fn ranges_exclude_the_ports_of_services() {
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
    fn ranges_rotate() {
        let ports = LocalPorts {
            ranges: vec![(1, 2), (4, 5)],
            next: Cell::new(0),
        };
        let turn = || ports.rotated().collect::<Vec<_>>();
        assert_eq!([turn(), turn()], [[(1, 2), (4, 5)], [(4, 5), (1, 2)]]);
    }

    #[test]
    fn range_is_parsed_from_the_format_of_the_kernel() {
        assert_eq!(range_of("32768\t60999\n"), Some((32_768, 60_999)));
        assert_eq!(range_of("9 8"), None);
        assert_eq!(range_of("none"), None);
    }

    #[tokio::test]
    async fn ipv6_socket_uses_any_port_of_the_range() {
        let socket = TcpSocket::new_v6();
        // The machine may not have IPv6.
        if let Ok(socket) = socket {
            set_port_range(&socket, ALL).unwrap();
        }
    }
}
