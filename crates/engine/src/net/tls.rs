//! TLS settings of the scenario, for rustls.

mod error;
mod pem;
mod verifier;
mod words;

use std::io;
use std::path::Path;
use std::sync::Arc;

use brunt_scenario::{ClientCertificate, HttpVersion, KeyPassword, Tls, TlsVersions};
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, InconsistentKeys, RootCertStore, version};

pub use error::TlsError;
use pem::PemFile;
use verifier::{AnyCertificate, TrustedCertificates};

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
            Arc::new(AnyCertificate(provider.clone()))
        } else {
            let (roots, certificates) = trusted(tls.ca.as_deref())?;
            let chains =
                WebPkiServerVerifier::builder_with_provider(roots.into(), provider.clone());
            Arc::new(TrustedCertificates {
                chains: chains.build().map_err(setting)?,
                certificates,
            })
        };
        let builder = builder
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match &tls.client {
            None => builder.with_no_client_auth(),
            Some(client) => {
                let identity = client_identity(client, &provider)?;
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity)))
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

/// The certificates of a file, or those of the system's authorities.
fn trusted(file: Option<&Path>) -> Result<(RootCertStore, Vec<CertificateDer<'static>>), TlsError> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = file {
        let file = PemFile::with_certificates("trusted certificates", path)?;
        let certificates = file.certificates()?;
        for (number, certificate) in (1..).zip(&certificates) {
            roots.add(certificate.clone()).map_err(|_| {
                file.error(format!("certificate {number} of the file cannot be parsed"))
            })?;
        }
        return Ok((roots, certificates));
    }
    let found = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let first = found.errors.first();
        let detail = first.map_or(String::new(), |error| format!(" ({error})"));
        return Err(TlsError::NoAuthorities { detail });
    }
    Ok((roots, Vec::new()))
}

/// The client's certificate chain and its private key.
fn client_identity(
    client: &ClientCertificate,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsError> {
    let chain_file = PemFile::with_certificates("client certificate", &client.certificate)?;
    let key_file = PemFile::with_key("client key", &client.key)?;
    let chain = chain_file.certificates()?;
    let password = client.key_password.as_ref().map(KeyPassword::reveal);
    let key = key_file.key(password)?;
    let key = provider.key_provider.load_private_key(key);
    let key = key.map_err(|_| {
        key_file.error(
            "it is not a valid RSA (2,048 to 8,192 bits), ECDSA (P-256, P-384) or Ed25519 key",
        )
    })?;
    let mut identity = CertifiedKey::new(chain, key);
    match identity.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(identity),
        Err(rustls::Error::InconsistentKeys(_)) => {
            let certificates = identity.cert.len();
            for number in 2..=certificates {
                identity.cert.rotate_left(1);
                if identity.keys_match().is_ok() {
                    return Err(chain_file.error(format!(
                        "its first certificate must be that of the key, followed by the certificates of the authorities; \
                         certificate {number} is that of the key"
                    )));
                }
            }
            let (certificate, key) = (client.certificate.display(), client.key.display());
            Err(key_file.error(format!(
                "it is not the key of the certificate in {certificate}; compare \
                 `openssl x509 -noout -pubkey -in {certificate}` with `openssl pkey -pubout -in {key}`"
            )))
        }
        Err(_) => Err(chain_file.error("its first certificate cannot be parsed")),
    }
}

/// The error of TLS itself, if the handshake failed or the connection failed later.
pub(crate) fn reason(error: &io::Error) -> Option<String> {
    of_tls(error).map(words::in_words)
}

/// Whether a handshake failed because the server supports none of the HTTP versions offered.
pub(crate) fn is_about_http(error: &io::Error) -> bool {
    of_tls(error).is_some_and(words::is_about_alpn)
}

fn of_tls(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}
