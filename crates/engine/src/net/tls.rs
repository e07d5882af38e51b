//! TLS settings of the scenario, for rustls.

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

/// Number of hosts whose sessions are kept.
const SESSIONS_REMEMBERED: usize = 4;

/// Performs handshakes with the settings of the scenario.
#[derive(Debug)]
pub(crate) struct TlsClient {
    config: ClientConfig,
    server_name: Option<ServerName<'static>>,
    resumes: bool,
}

/// The sessions that one user, or a shared pool, can resume.
#[derive(Debug, Clone)]
pub(crate) struct TlsSessions(Resumption);

impl Default for TlsSessions {
    fn default() -> Self {
        Self(Resumption::in_memory_sessions(SESSIONS_REMEMBERED))
    }
}

/// The reason why TLS cannot be set up with the settings of the scenario.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be used.
    #[error("cannot use the {what} {path}: {error}; give a PEM file", path = .path.display())]
    File {
        /// Role of the file.
        what: &'static str,
        /// Path of the file.
        path: PathBuf,
        /// The reason.
        error: String,
    },
    /// The system has no trusted certificate authorities.
    #[error(
        "the system has no trusted certificate authorities{detail}; install ca-certificates, or set a file: [tls] ca = \"ca.pem\""
    )]
    NoAuthorities {
        /// The error of loading them.
        detail: String,
    },
    /// The certificate and the key do not match, or another setting is invalid.
    #[error("cannot set up TLS: {0}")]
    Setting(String),
    /// A name that cannot be in a certificate.
    #[error("invalid server name '{0}': must be a host name like api.example.com")]
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

    /// The configuration of a user's handshake, with the user's sessions.
    pub(crate) fn config(&self, sessions: &mut Option<TlsSessions>) -> Arc<ClientConfig> {
        let mut config = self.config.clone();
        if self.resumes {
            let sessions = sessions.get_or_insert_with(TlsSessions::default);
            config.resumption = sessions.0.clone();
        }
        Arc::new(config)
    }

    /// The name that a host's certificate must contain.
    pub(crate) fn name_of(&self, host: &str) -> Result<ServerName<'static>, TlsError> {
        self.server_name
            .clone()
            .map_or_else(|| server_name(host), Ok)
    }
}

fn server_name(name: &str) -> Result<ServerName<'static>, TlsError> {
    ServerName::try_from(name.to_owned()).map_err(|_| TlsError::ServerName(name.to_owned()))
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "the signature that `map_err` needs"
)]
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
        return Err(unusable(what, path, &"it contains no certificate"));
    }
    Ok(found)
}

/// The authorities of a file, or those of the system.
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

/// The error of TLS itself, if the handshake failed or the connection failed later.
pub(crate) fn reason(error: &io::Error) -> Option<String> {
    let inner = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    Some(inner.to_string())
}

/// Accepts any certificate. Signatures are still verified.
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
