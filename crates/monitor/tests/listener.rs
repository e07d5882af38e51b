//! Listeners on ports, from the real tables of the kernel.

use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};

use brunt_monitor::{MonitorError, listener_of};
use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};
use rustix::process::getpid;

#[test]
fn listener_is_found_on_both_families() {
    for address in ["127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0"] {
        let listener = TcpListener::bind(address).expect(address);
        let port = listener.local_addr().expect("address").port();
        assert_eq!(listener_of(port).expect(address), getpid(), "{address}");
    }
}

#[test]
fn port_without_a_listener_is_an_error() {
    // The socket is bound, so that the port is reserved, but does not listen.
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).expect("socket");
    bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).expect("bind");
    let address = SocketAddrV4::try_from(getsockname(&socket).expect("name")).expect("IPv4");
    let error = listener_of(address.port()).expect_err("no listener");
    assert!(matches!(error, MonitorError::NoListener(port) if port == address.port()));
    assert_eq!(
        error.to_string(),
        format!(
            "no process listens on TCP port {} of this machine: start the service first, or use its \
             process ID",
            address.port()
        )
    );
}

#[test]
fn client_is_not_a_listener() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bind");
    let client = TcpStream::connect(listener.local_addr().expect("address")).expect("connect");
    let port = client.local_addr().expect("address").port();
    let error = listener_of(port).expect_err("only connected");
    assert!(matches!(error, MonitorError::NoListener(_)), "{error}");
}
