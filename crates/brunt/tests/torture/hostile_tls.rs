//! Service that violates TLS, or whose certificate is invalid.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use brunt_testbed::{Framing, Identity, Response, Routes, Server, TestCa, TlsFront, TlsRules};
use rand::RngExt;

use crate::hostile::{Act, Case, HostilePort, Kinds, act, run_cases_in, scenario};
use crate::loads;
use crate::trials::{Promise, Random};

const OK: Kinds = &[];
const TLS: Kinds = &["tls"];
const CLOSED: Kinds = &["connection_closed"];
/// Length of the `close_notify` alert in TLS 1.3: a record of 2 bytes, its type, and a tag.
const CLOSE_NOTIFY_BYTES: usize = 24;
const HEAD: &str = "timeouts = { tls = \"500ms\" }\ntls = { ca = \"ca.pem\" }";

/// Manipulation of a server's bytes.
#[derive(Debug, Clone, Copy)]
enum Tampering {
    /// Stops at a byte in this range, and closes or resets the connection.
    Ends {
        within: (usize, usize),
        resets: bool,
    },
    /// Changes a byte in this range.
    Changes { within: (usize, usize) },
    /// Drops the `close_notify` alert.
    Truncates,
}

/// Relays a connection to a server, and manipulates the server's bytes.
fn relay(
    client: &TcpStream,
    server: SocketAddr,
    tampering: Tampering,
    random: &mut Random,
) -> io::Result<()> {
    let server = TcpStream::connect(server)?;
    let (mut from, mut to) = (client.try_clone()?, server.try_clone()?);
    let sending = std::thread::spawn(move || {
        io::copy(&mut from, &mut to).ok();
        to.shutdown(Shutdown::Write).ok();
    });
    let at = match tampering {
        Tampering::Ends { within, .. } | Tampering::Changes { within } => {
            random.random_range(within.0..within.1)
        }
        Tampering::Truncates => 0,
    };
    // Either side may close the connection.
    relay_response(client, &server, tampering, at).ok();
    server.shutdown(Shutdown::Both).ok();
    if let Tampering::Ends { resets: true, .. } = tampering {
        // The socket is reset once no other thread holds it.
        client.shutdown(Shutdown::Read)?;
        sending.join().ok();
        act(client, &[Act::Reset], random)?;
    }
    Ok(())
}

fn relay_response(
    mut client: &TcpStream,
    mut server: &TcpStream,
    tampering: Tampering,
    at: usize,
) -> io::Result<()> {
    let (mut passed, mut kept) = (0, Vec::new());
    let mut buffer = [0; 16_384];
    loop {
        let length = server.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        let bytes = &mut buffer[..length];
        match tampering {
            Tampering::Ends { .. } => {
                let left = (at - passed).min(length);
                client.write_all(&bytes[..left])?;
                if left < length || passed + left == at {
                    return Ok(());
                }
            }
            Tampering::Changes { .. } => {
                if let Some(byte) = at.checked_sub(passed).and_then(|at| bytes.get_mut(at)) {
                    *byte ^= 0x55;
                }
                client.write_all(bytes)?;
            }
            Tampering::Truncates => {
                kept.extend_from_slice(bytes);
                while let Some(record) = first_record(&kept) {
                    if record != CLOSE_NOTIFY_BYTES {
                        client.write_all(&kept[..record])?;
                    }
                    kept.drain(..record);
                }
            }
        }
        passed += length;
    }
}

/// Length of the first TLS record, if it is complete.
fn first_record(bytes: &[u8]) -> Option<usize> {
    let (head, _) = bytes.split_first_chunk::<5>()?;
    let length = 5 + usize::from(u16::from_be_bytes([head[3], head[4]]));
    (length <= bytes.len()).then_some(length)
}

/// Listening port.
enum Listener {
    Front(TlsFront),
    Port(HostilePort),
}

impl Listener {
    fn url(&self) -> String {
        match self {
            Self::Front(front) => front.url("127.0.0.1"),
            Self::Port(port) => port.url.replace("http:", "https:"),
        }
    }
}

struct TlsServers {
    authority: TestCa,
    /// Sends `Content-Length`.
    server: Server,
    /// Ends bodies by closing the connection.
    closing: Server,
}

impl TlsServers {
    fn new() -> io::Result<Self> {
        let body = vec![b'x'; 20_000];
        let closing = Response::ok(body.clone()).framing(Framing::UntilClose);
        Ok(Self {
            authority: TestCa::new(),
            server: Server::start(Routes::new().otherwise(Response::ok(body)))?,
            closing: Server::start(Routes::new().otherwise(closing))?,
        })
    }

    fn identity(&self) -> Identity {
        self.authority.issue(&["127.0.0.1"])
    }

    fn front(&self, rules: impl Into<TlsRules>) -> io::Result<Listener> {
        TlsFront::start(self.server.address(), rules).map(Listener::Front)
    }

    /// Fronts that a client must refuse, and a valid one.
    fn refused(&self) -> io::Result<Vec<(&'static str, Listener, Kinds)>> {
        let name = &["127.0.0.1"];
        let wants_clients = TlsRules {
            clients_of: Some(self.authority.pem()),
            ..self.identity().into()
        };
        let silent = TlsRules {
            silent: true,
            ..self.identity().into()
        };
        Ok(vec![
            ("fine", self.front(self.identity())?, OK),
            (
                "wrong-host",
                self.front(self.authority.issue(&["other.example"]))?,
                TLS,
            ),
            (
                "wrong-address",
                self.front(self.authority.issue(&["127.0.0.2"]))?,
                TLS,
            ),
            (
                "unknown-authority",
                self.front(TestCa::new().issue(name))?,
                TLS,
            ),
            (
                "expired",
                self.front(self.authority.issue_for(name, (2_001, 2_002)))?,
                TLS,
            ),
            (
                "not-yet-valid",
                self.front(self.authority.issue_for(name, (3_001, 3_002)))?,
                TLS,
            ),
            ("wants-a-certificate", self.front(wants_clients)?, TLS),
            ("silent", self.front(silent)?, &["tls_timeout"]),
        ])
    }

    /// Ports that do not speak TLS.
    fn other_protocols(random: &mut Random) -> io::Result<Vec<(&'static str, Listener, Kinds)>> {
        let noise: Vec<u8> = (0..200).map(|_| random.random()).collect();
        let http = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n".to_vec();
        // A handshake record of 65,535 bytes, and an empty one.
        let huge = [&b"\x16\x03\x03\xff\xff"[..], &[0; 300]].concat();
        let empty = b"\x16\x03\x03\0\0".repeat(100);
        let alert = b"\x15\x03\x03\0\x02\x02\x28".to_vec();
        let mut all = Vec::new();
        for (name, acts, kinds) in [
            ("speaks-http", vec![Act::Send(http)], TLS),
            (
                "speaks-noise",
                vec![Act::Send(noise)],
                &["tls", "tls_timeout"],
            ),
            ("record-too-large", vec![Act::Send(huge)], TLS),
            ("records-empty", vec![Act::Send(empty)], TLS),
            ("alert", vec![Act::Send(alert)], TLS),
            ("closed-at-once", vec![], TLS),
            (
                "reset-at-once",
                vec![Act::Reset],
                &["tls", "connection_reset"],
            ),
            ("stops-at-once", vec![Act::Hold], &["tls_timeout"]),
        ] {
            let port = HostilePort::start(random.random(), move |mut stream, random| {
                // The client's first record.
                let length = stream.read(&mut [0; 4_096])?;
                if length > 0 {
                    act(stream, &acts, random)?;
                }
                Ok(())
            });
            all.push((name, Listener::Port(port?), kinds));
        }
        Ok(all)
    }
}

/// Manipulated handshakes and bodies.
const MANIPULATED: [(&str, Tampering, Kinds); 5] = [
    (
        "handshake-breaks-off",
        Tampering::Ends {
            within: (0, 400),
            resets: false,
        },
        TLS,
    ),
    (
        "handshake-is-reset",
        Tampering::Ends {
            within: (0, 400),
            resets: true,
        },
        &["tls", "connection_reset"],
    ),
    (
        "handshake-is-changed",
        Tampering::Changes { within: (9, 80) },
        &["tls", "tls_timeout"],
    ),
    (
        "body-is-changed",
        Tampering::Changes {
            within: (5_000, 15_000),
        },
        &["tls", "timeout", "connection_closed"],
    ),
    ("body-without-an-end", Tampering::Truncates, CLOSED),
];

fn run_trial(random: &mut Random) -> Result<(), String> {
    let shown = |error: io::Error| error.to_string();
    let servers = TlsServers::new().map_err(shown)?;
    let healthy = servers.front(servers.identity()).map_err(shown)?;
    let behind = TlsFront::start(servers.closing.address(), servers.identity()).map_err(shown)?;
    let mut all = servers.refused().map_err(shown)?;
    all.extend(TlsServers::other_protocols(random).map_err(shown)?);
    let address = behind.address();
    for (name, tampering, kinds) in MANIPULATED {
        let port = HostilePort::start(random.random(), move |client, random| {
            relay(client, address, tampering, random)
        });
        all.push((name, Listener::Port(port.map_err(shown)?), kinds));
    }
    let cases = all.iter().map(|(name, listener, kinds)| Case {
        name,
        url: listener.url(),
        kinds,
        task: "",
    });
    let cases: Vec<Case> = cases.collect();
    let brunt = loads::run_without_host().and(&["--out", "out"]);
    let brunt = brunt.scenario(&scenario(HEAD, &healthy.url(), &cases));
    std::fs::write(brunt.path("ca.pem"), servers.authority.pem()).map_err(shown)?;
    run_cases_in(&brunt, &cases)
}

#[test]
fn hostile_tls_fails_as_documented_and_does_not_affect_other_requests() {
    let promise = Promise {
        says: "a service with an invalid certificate, or with invalid, manipulated or truncated TLS fails with the right kind, \
               in bounded time and memory, and requests to a healthy service in the same run succeed",
        how: "21 violations of TLS at once for 4 s, at random bytes",
        short: 1,
        long: 60,
        bound: Duration::from_mins(8),
    };
    promise.hold(|_, random| run_trial(random));
}
