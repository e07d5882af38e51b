//! Local ports: the kernel seeks a free one for each connection.
//!
//! By itself it seeks among one half of the ports first, the even or the odd ones, and only once it has found
//! that whole half taken among the other: from some 14,000 connections to one address on, each takes it most
//! of a millisecond, in which the core does nothing else. Asked to take any port of a range, it seeks among all
//! of them from Linux 6.14 on.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use nix::errno::Errno;
use nix::libc;

/// `IP_LOCAL_PORT_RANGE` of `linux/in.h`.
const IP_LOCAL_PORT_RANGE: libc::c_int = 51;
/// The first port in the lower half, the last one in the upper; the system's own range stays as it is.
const ALL: u32 = 65_535 << 16 | 1;
const ALL_BYTES: libc::socklen_t = 4;

/// Has a socket that connects take any free port.
pub(crate) fn take_any(socket: &impl AsFd) -> io::Result<()> {
    let all = ALL;
    #[expect(unsafe_code, reason = "no crate of ours knows this option")]
    // SAFETY: the descriptor is open, and the option's value is a u32 that lives longer than the call.
    let set = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::IPPROTO_IP,
            IP_LOCAL_PORT_RANGE,
            (&raw const all).cast(),
            ALL_BYTES,
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
            testbed::skip(
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
            take_any(&socket).unwrap();
            let stream = socket.connect(address).await.unwrap();
            odd += u32::from(stream.local_addr().unwrap().port() % 2);
            streams.push(stream);
        }
        assert!((8..=56).contains(&odd), "{odd} of 64 are odd");
    }

    #[tokio::test]
    async fn a_socket_of_ipv6_takes_any_port_too() {
        let socket = TcpSocket::new_v6();
        // A machine may have no IPv6.
        if let Ok(socket) = socket {
            take_any(&socket).unwrap();
        }
    }
}
