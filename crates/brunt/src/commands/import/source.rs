//! Where the text of an import comes from: a file, standard input, or a URL.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::exit::Failure;

/// No file is read beyond this: recordings of a day have some hundred megabytes.
const BYTES_MAX: u64 = 1 << 30;
/// No description is larger.
const DOWNLOAD_BYTES_MAX: u64 = 64 << 20;
/// The longest that a download may take.
const DOWNLOAD_TIMEOUT: Duration = Duration::from_mins(1);

/// Where a text comes from.
#[derive(Debug, Clone)]
pub(super) enum Source {
    File(PathBuf),
    Input,
    Url(String),
}

impl Source {
    pub(super) fn of(text: &str) -> Self {
        if text == "-" {
            Self::Input
        } else if text.starts_with("http://") || text.starts_with("https://") {
            Self::Url(text.to_owned())
        } else {
            Self::File(text.into())
        }
    }

    /// The URL, where it is one.
    pub(super) fn url(&self) -> Option<&str> {
        match self {
            Self::Url(url) => Some(url),
            Self::File(_) | Self::Input => None,
        }
    }

    /// The text; bytes that are no UTF-8 are replaced, with a note.
    pub(super) fn text(&self, notes: &mut Vec<String>) -> Result<String, Failure> {
        let bytes = match self {
            Self::File(path) => {
                let name = path.display();
                let wrong = |error| Failure::Input(format!("cannot read {name}: {error}"));
                let file = std::fs::File::open(path).map_err(wrong)?;
                bounded(file, BYTES_MAX).map_err(wrong)?
            }
            Self::Input => bounded(std::io::stdin(), BYTES_MAX)
                .map_err(|error| Failure::Input(format!("cannot read standard input: {error}")))?,
            Self::Url(url) => download(url)?,
        };
        Ok(String::from_utf8(bytes).unwrap_or_else(|error| {
            notes.push("bytes that are no UTF-8 were replaced".to_owned());
            String::from_utf8_lossy(error.as_bytes()).into_owned()
        }))
    }
}

fn bounded(source: impl Read, bytes_max: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(bytes_max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > bytes_max {
        return Err(std::io::Error::other(format!(
            "it has more than {bytes_max} bytes"
        )));
    }
    Ok(bytes)
}

fn download(url: &str) -> Result<Vec<u8>, Failure> {
    let wrong = |error: ureq::Error| {
        let remedy = "save the description to a file, and name that";
        Failure::Input(format!("cannot get {url}: {error}; {remedy}"))
    };
    // The authorities that the system trusts, as for the load itself.
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
    let mut answer = agent.get(url).call().map_err(wrong)?;
    answer
        .body_mut()
        .with_config()
        .limit(DOWNLOAD_BYTES_MAX)
        .read_to_vec()
        .map_err(wrong)
}
