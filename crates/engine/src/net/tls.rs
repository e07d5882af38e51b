//! TLS settings of the scenario, as rustls takes them.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use brunt_scenario::{HttpVersion, Tls, TlsVersions};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme, version};

/// Number of hosts whose sessions are remembered.
const SESSIONS_REMEMBERED: usize = 4;

/// Performs handshakes with the settings of the scenario.
#[derive(Debug)]
pub(crate) struct TlsClient {
    config: ClientConfig,
    server_name: Option<ServerName<'static>>,
    resumes: bool,
}

/// The sessions of one user, or of a shared pool, to be resumed.
#[derive(Debug, Clone)]
pub(crate) struct TlsSessions(Resumption);

impl Default for TlsSessions {
    fn default() -> Self {
        Self(Resumption::in_memory_sessions(SESSIONS_REMEMBERED))
    }
}

/// TLS cannot be set up as the scenario wants it.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be used.
    #[error("the {what} {path} cannot be used: {error}; give a PEM file", path = .path.display())]
    File {
        /// What it is to hold.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        error: String,
    },
    /// No authority is trusted.
    #[error(
        "the system has no certificate authorities to trust{detail}; install ca-certificates, or name a file: [tls] ca = \"ca.pem\""
    )]
    NoAuthorities {
        /// The error of loading them.
        detail: String,
    },
    /// The certificate and the key do not go together, or another setting is of no use.
    #[error("TLS cannot be set up: {0}")]
    Setting(String),
    /// A name that no certificate can hold.
    #[error("`{0}` is no server name; write a host's name like api.example.com")]
    ServerName(String),
}

impl TlsClient {
    pub(crate) fn new(tls: &Tls, http: HttpVersion) -> Result<Self, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let versions: &[_] = match tls.versions {
            TlsVersions::Both => &[&version::TLS13, &version::TLS12],
            TlsVersions::Only12 => &[&version::TLS12],
            TlsVersions::Only13 => &[&version::TLS13],
        };
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(versions)
            .map_err(setting)?;
        let verifier: Arc<dyn ServerCertVerifier> = if tls.insecure {
            Arc::new(AnyCertificate(provider))
        } else {
            let roots = Arc::new(authorities(tls.ca.as_deref())?);
            WebPkiServerVerifier::builder_with_provider(roots, provider)
                .build()
                .map_err(setting)?
        };
        let builder = builder
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match &tls.client {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = certificates("client certificate", certificate)?;
                let key = PrivateKeyDer::from_pem_file(key)
                    .map_err(|error| unusable("client key", key, &error))?;
                builder.with_client_auth_cert(chain, key).map_err(setting)?
            }
        };
        let offered: &[&[u8]] = match http {
            HttpVersion::Http1 => &[b"http/1.1"],
            HttpVersion::Http2 => &[b"h2"],
            HttpVersion::Auto => &[b"h2", b"http/1.1"],
        };
        config.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
        config.resumption = Resumption::disabled();
        let server_name = tls.server_name.as_deref().map(server_name).transpose()?;
        Ok(Self {
            config,
            server_name,
            resumes: tls.resumption,
        })
    }

    /// What a handshake of a user needs: its settings, with the user's sessions in them.
    pub(crate) fn config(&self, sessions: &mut Option<TlsSessions>) -> Arc<ClientConfig> {
        let mut config = self.config.clone();
        if self.resumes {
            let sessions = sessions.get_or_insert_with(TlsSessions::default);
            config.resumption = sessions.0.clone();
        }
        Arc::new(config)
    }

    /// The name that a host's certificate has to hold.
    pub(crate) fn name_of(&self, host: &str) -> Result<ServerName<'static>, TlsError> {
        self.server_name
            .clone()
            .map_or_else(|| server_name(host), Ok)
    }
}

fn server_name(name: &str) -> Result<ServerName<'static>, TlsError> {
    ServerName::try_from(name.to_owned()).map_err(|_| TlsError::ServerName(name.to_owned()))
}

#[expect(clippy::needless_pass_by_value, reason = "as `map_err` wants it")]
fn setting(error: impl ToString) -> TlsError {
    TlsError::Setting(error.to_string())
}

fn unusable(what: &'static str, path: &Path, error: &impl ToString) -> TlsError {
    TlsError::File {
        what,
        path: path.to_owned(),
        error: error.to_string(),
    }
}

fn certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path)
        .map_err(|error| unusable(what, path, &error))?
        .collect();
    let found = found.map_err(|error| unusable(what, path, &error))?;
    if found.is_empty() {
        return Err(unusable(what, path, &"it holds no certificate"));
    }
    Ok(found)
}

/// The authorities of a file, or the system's.
fn authorities(file: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = file {
        for certificate in certificates("authority file", path)? {
            roots
                .add(certificate)
                .map_err(|error| unusable("authority file", path, &error))?;
        }
        return Ok(roots);
    }
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let first = found.errors.first();
        let detail = first.map_or(String::new(), |error| format!(" ({error})"));
        return Err(TlsError::NoAuthorities { detail });
    }
    Ok(roots)
}

/// The error of TLS itself, if it failed in the handshake or after it.
pub(crate) fn reason(error: &io::Error) -> Option<String> {
    let inner = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(inner.to_string())
}

/// Accepts any certificate; its signatures are verified anyway.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
