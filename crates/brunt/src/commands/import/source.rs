//! Source of an import: a file, standard input, or a URL.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::exit::Failure;

/// Maximum size of a file: recordings of a day have some hundred megabytes.
const BYTES_MAX: u64 = 1 << 30;
/// Maximum size of a download.
const DOWNLOAD_BYTES_MAX: u64 = 64 << 20;
/// Timeout of a download.
const DOWNLOAD_TIMEOUT: Duration = Duration::from_mins(1);

/// Source of a text.
#[derive(Debug, Clone)]
pub(super) enum Source {
    File(PathBuf),
    Input,
    Url(String),
}

impl Source {
    /// Parses a command line argument; `-` is standard input.
    pub(super) fn from_argument(text: &str) -> Self {
        if text == "-" {
            Self::Input
        } else if text.starts_with("http://") || text.starts_with("https://") {
            Self::Url(text.to_owned())
        } else {
            Self::File(text.into())
        }
    }

    /// URL of the source, if it is one.
    pub(super) fn url(&self) -> Option<&str> {
        match self {
            Self::Url(url) => Some(url),
            Self::File(_) | Self::Input => None,
        }
    }

    /// Reads the content.
    pub(super) fn bytes(&self) -> Result<Vec<u8>, Failure> {
        match self {
            Self::File(path) => {
                let name = path.display();
                let unreadable = |error| Failure::Input(format!("cannot read {name}: {error}"));
                let file = std::fs::File::open(path).map_err(unreadable)?;
                bounded(file, BYTES_MAX).map_err(unreadable)
            }
            Self::Input => bounded(std::io::stdin(), BYTES_MAX)
                .map_err(|error| Failure::Input(format!("cannot read standard input: {error}"))),
            Self::Url(url) => download(url),
        }
    }

    /// Reads the content as text. Invalid UTF-8 is replaced, with a note.
    pub(super) fn text(&self, notes: &mut Vec<String>) -> Result<String, Failure> {
        Ok(String::from_utf8(self.bytes()?).unwrap_or_else(|error| {
            notes.push("invalid UTF-8 was replaced".to_owned());
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        }))
    }
}

fn bounded(source: impl Read, bytes_max: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Err(std::io::Error::other(format!(
            "it is larger than {} MiB",
            bytes_max >> 20
        )));
    }
    Ok(bytes)
}

fn download(url: &str) -> Result<Vec<u8>, Failure> {
    let failed = |error: ureq::Error| {
        let remedy = "download the description, and import the file";
        Failure::Input(format!("cannot download {url}: {error}; {remedy}"))
    };
    // The certificate authorities of the system, as for the load.
    let authorities = rustls_native_certs::load_native_certs().certs;
    let authorities: Vec<Certificate<'static>> = authorities
        .iter()
        .map(|certificate| Certificate::from_der(certificate).to_owned())
        .collect();
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::Specific(Arc::new(authorities)))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .build();
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(DOWNLOAD_TIMEOUT))
        .user_agent(concat!("brunt/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls)
        .build()
        .into();
    let mut response = agent.get(url).call().map_err(failed)?;
    response
        .body_mut()
        .with_config()
        .limit(DOWNLOAD_BYTES_MAX)
        .read_to_vec()
        .map_err(failed)
}
