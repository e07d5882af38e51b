//! Listening sockets.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with, sockopt};

/// Length of the accept queue: larger than the number of connections that any test opens at once, so that none is
/// delayed by a lost SYN.
pub(crate) const BACKLOG: i32 = 4096;

/// Any free port of the loopback interface.
pub(crate) const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A socket with an address that does not listen: connections to it are refused.
pub(crate) fn bound(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let socket = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    bind(&socket, &address).map_err(|error| {
        io::Error::new(
            io::Error::from(error).kind(),
            format!("cannot bind {address}: {error}"),
        )
    })?;
    Ok(socket)
}

/// A listening socket.
pub(crate) fn listening(address: SocketAddr, backlog: i32) -> io::Result<TcpListener> {
    let socket = bound(address)?;
    listen(&socket, backlog)?;
    Ok(TcpListener::from(socket))
}
