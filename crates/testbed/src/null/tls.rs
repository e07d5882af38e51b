//! TLS 1.3 for connections of the null server.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::crypto::ring::{cipher_suite, default_provider};
use rustls::version::TLS13;
use rustls::{ServerConfig, ServerConnection};

use super::requests::{RESPONSE, Requests};
use crate::Identity;

/// TLS configuration of the null server: TLS 1.3 only, with one cipher suite.
///
/// # Panics
/// If the identity contains no certificate or key.
pub(super) fn config(identity: &Identity) -> Arc<ServerConfig> {
    let mut provider = default_provider();
    // One cipher suite, so that all clients are measured with the same one.
    provider.cipher_suites = vec![cipher_suite::TLS13_AES_256_GCM_SHA384];
    let (chain, key) = identity.chain_and_key();
    let config = ServerConfig::builder_with_provider(provider.into())
        .with_protocol_versions(&[&TLS13])
        .expect("a version that the provider knows")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate and its key");
    config.into()
}

/// The TLS session of one connection.
pub(super) struct TlsSession(Box<ServerConnection>);

impl TlsSession {
    pub(super) fn new(config: &Arc<ServerConfig>) -> io::Result<Self> {
        let session = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
        Ok(Self(Box::new(session)))
    }

    /// Whether bytes are pending that the kernel has not accepted.
    pub(super) fn has_pending(&self) -> bool {
        self.0.wants_write()
    }

    /// Number of requests completed by the available bytes; `None` at the end of the connection.
    pub(super) fn read(
        &mut self,
        stream: &mut TcpStream,
        requests: &mut Requests,
        buffer: &mut [u8],
    ) -> Option<usize> {
        match self.0.read_tls(stream) {
            Ok(0) => return None,
            Ok(_) => {}
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => return Some(0),
                _ => return None,
            },
        }
        self.0.process_new_packets().ok()?;
        let mut complete = 0;
        loop {
            match self.0.reader().read(buffer) {
                Ok(0) => return None,
                Ok(count) => complete += requests.complete_in(&buffer[..count])?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Some(complete),
                Err(_) => return None,
            }
        }
    }

    /// Writes pending responses as far as the kernel accepts them.
    pub(super) fn write(
        &mut self,
        stream: &mut TcpStream,
        responses: &[u8],
        owed: &mut usize,
    ) -> io::Result<()> {
        loop {
            while *owed > 0 {
                let start = (RESPONSE.len() - *owed % RESPONSE.len()) % RESPONSE.len();
                let end = responses.len().min(start + *owed);
                match self.0.writer().write(&responses[start..end])? {
                    // The session's buffer is full.
                    0 => break,
                    count => *owed -= count,
                }
            }
            if !self.0.wants_write() {
                return Ok(());
            }
            self.0.write_tls(stream)?;
        }
    }
}
