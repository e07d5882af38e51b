//! Ports that accept no connections.

use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use brunt_testbed::Port;

#[test]
fn refusing_port_refuses_and_stays_reserved() {
    let port = Port::refusing().unwrap();
    for _ in 0..3 {
        let error = TcpStream::connect(port.address()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    }
    assert_eq!(port.url(), format!("http://{}", port.address()));
    let address = port.address();
    drop(port);
    TcpListener::bind(address).unwrap();
}

#[test]
fn full_port_accepts_no_connection() {
    let port = Port::full().unwrap();
    let error =
        TcpStream::connect_timeout(&port.address(), Duration::from_millis(300)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}
