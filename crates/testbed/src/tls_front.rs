//! A TLS proxy in front of a server that uses plain TCP.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::WebPkiClientVerifier;
use rustls::{HandshakeKind, RootCertStore, ServerConfig, SupportedProtocolVersion, version};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

use crate::Identity;

/// TLS settings of a front.
#[derive(Clone, Debug)]
pub struct TlsRules {
    /// Its certificate and key.
    pub identity: Identity,
    /// The authority (PEM) that must have signed client certificates; `None`: no client certificate is needed.
    pub clients_of: Option<String>,
    /// Whether TLS 1.3 is offered in addition to 1.2.
    pub tls13: bool,
    /// The ALPN protocols, in order of preference; empty: no ALPN.
    pub alpn: Vec<String>,
    /// Whether the handshake never completes.
    pub silent: bool,
}

/// Counts of a front.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TlsCounts {
    /// Full handshakes.
    pub full: u64,
    /// Handshakes that resumed a session.
    pub resumed: u64,
    /// Handshakes that failed.
    pub failed: u64,
}

/// A front that runs until it is dropped.
pub struct TlsFront {
    address: SocketAddr,
    counts: Arc<[AtomicU64; 3]>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl From<Identity> for TlsRules {
    fn from(identity: Identity) -> Self {
        Self {
            identity,
            clients_of: None,
            tls13: true,
            alpn: Vec::new(),
            silent: false,
        }
    }
}

impl TlsFront {
    /// Listens on a free port of 127.0.0.1, in front of the server at this address.
    ///
    /// # Errors
    /// If no port or thread is available.
    ///
    /// # Panics
    /// If the rules contain no valid certificate or key.
    pub fn start(behind: SocketAddr, rules: impl Into<TlsRules>) -> io::Result<Self> {
        let rules = rules.into();
        let acceptor = TlsAcceptor::from(Arc::new(config(&rules)));
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let counts: Arc<[AtomicU64; 3]> = Arc::default();
        let (stop, stopped) = oneshot::channel();
        let seen = counts.clone();
        let thread = std::thread::Builder::new()
            .name("testbed-tls".to_owned())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .expect("a runtime");
                runtime.block_on(async move {
                    let listener = TcpListener::from_std(listener).expect("a listener");
                    tokio::select! {
                        () = accept(&listener, behind, &acceptor, rules.silent, &seen) => {}
                        _ = stopped => {}
                    }
                });
            })?;
        Ok(Self {
            address,
            counts,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its base URL, without a path, with this host name for 127.0.0.1.
    pub fn url(&self, name: &str) -> String {
        format!("https://{name}:{}", self.address.port())
    }

    /// Current counts.
    pub fn counts(&self) -> TlsCounts {
        let [full, resumed, failed] = [0, 1, 2].map(|at| self.counts[at].load(Ordering::Acquire));
        TlsCounts {
            full,
            resumed,
            failed,
        }
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let joined = thread.join();
            assert!(joined.is_ok() || std::thread::panicking());
        }
    }
}

fn config(rules: &TlsRules) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions: &[&SupportedProtocolVersion] = if rules.tls13 {
        &[&version::TLS13, &version::TLS12]
    } else {
        &[&version::TLS12]
    };
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(versions)
        .expect("versions that the provider knows");
    let (chain, key) = rules.identity.chain_and_key();
    let builder = match &rules.clients_of {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            let authority = CertificateDer::from_pem_slice(authority.as_bytes());
            roots
                .add(authority.expect("a certificate"))
                .expect("an authority");
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            builder.with_client_cert_verifier(verifier.build().expect("a verifier"))
        }
    };
    let config = builder.with_single_cert(chain, key);
    let mut config = config.expect("a certificate and its key");
    let names = rules.alpn.iter();
    config.alpn_protocols = names.map(|name| name.clone().into_bytes()).collect();
    config
}

async fn accept(
    listener: &TcpListener,
    behind: SocketAddr,
    acceptor: &TlsAcceptor,
    silent: bool,
    counts: &Arc<[AtomicU64; 3]>,
) {
    let mut held = Vec::new();
    loop {
        let Ok((client, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(1)).await;
            continue;
        };
        if silent {
            held.push(client);
            continue;
        }
        let (acceptor, counts) = (acceptor.clone(), counts.clone());
        tokio::spawn(async move {
            // Either side may end the connection at any time.
            serve(client, behind, &acceptor, &counts).await.ok();
        });
    }
}

async fn serve(
    client: TcpStream,
    behind: SocketAddr,
    acceptor: &TlsAcceptor,
    counts: &[AtomicU64; 3],
) -> io::Result<()> {
    client.set_nodelay(true)?;
    let accepted = acceptor.accept(client).await;
    let kind = accepted
        .as_ref()
        .map(|stream| stream.get_ref().1.handshake_kind());
    let at = match kind {
        Ok(Some(HandshakeKind::Resumed)) => 1,
        Ok(_) => 0,
        Err(_) => 2,
    };
    counts[at].fetch_add(1, Ordering::AcqRel);
    let mut client = accepted?;
    let mut server = TcpStream::connect(behind).await?;
    server.set_nodelay(true)?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
