//! PEM files with certificates and private keys.

use std::path::{Path, PathBuf};

use pkcs8::EncryptedPrivateKeyInfoRef;
use rustls::pki_types::pem::{PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::error::TlsError;

const CERTIFICATE: &str = "CERTIFICATE";
/// Label of OpenSSL for a certificate, from before RFC 7468.
const OLD_CERTIFICATE: &str = "X509 CERTIFICATE";
const ENCRYPTED_KEY: &str = "ENCRYPTED PRIVATE KEY";
const KEY: &str = "PRIVATE KEY";
/// Header of a key that is encrypted in the format of RFC 1421.
const TRADITIONAL_ENCRYPTION: &str = "Proc-Type: 4,ENCRYPTED";
/// First byte of a DER file: a sequence.
const DER: u8 = 0x30;

/// A PEM file and its role in messages.
pub(super) struct PemFile<'a> {
    role: &'static str,
    path: &'a Path,
    text: String,
}

/// Contents of a file that is expected.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Certificates,
    Key,
}

impl<'a> PemFile<'a> {
    /// Reads a file of certificates.
    pub(super) fn with_certificates(role: &'static str, path: &'a Path) -> Result<Self, TlsError> {
        Self::read(role, path, Content::Certificates)
    }

    /// Reads a file with a private key.
    pub(super) fn with_key(role: &'static str, path: &'a Path) -> Result<Self, TlsError> {
        Self::read(role, path, Content::Key)
    }

    fn read(role: &'static str, path: &'a Path, content: Content) -> Result<Self, TlsError> {
        let unusable = |error: String| unusable(role, path, error);
        let bytes = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
        if bytes.first() == Some(&DER) {
            return Err(unusable(of_der(&bytes, content, path)));
        }
        // The labels and the content are ASCII; other text around them is ignored.
        let text = String::from_utf8_lossy(&bytes);
        Ok(Self {
            role,
            path,
            text: text.trim_start_matches('\u{feff}').to_owned(),
        })
    }

    /// All certificates, in order.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let text = self.text.replace(OLD_CERTIFICATE, CERTIFICATE);
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
        let found = found.map_err(|error| self.broken(&error))?;
        if found.is_empty() {
            return Err(self.error(self.lacks("certificate (-----BEGIN CERTIFICATE-----)")));
        }
        Ok(found)
    }

    /// The first private key, decrypted with the password if it is encrypted.
    pub(super) fn key(&self, password: Option<&str>) -> Result<PrivateKeyDer<'static>, TlsError> {
        let path = self.path.display();
        if self.text.contains(TRADITIONAL_ENCRYPTION) {
            return Err(self.error(format!(
                "it is encrypted in the traditional format of OpenSSL; convert it with \
                 `openssl pkcs8 -topk8 -in {path} -out key.pem`"
            )));
        }
        let keys = |label: &&str| label.ends_with(KEY);
        let first = self.labels().into_iter().find(keys);
        if first == Some(ENCRYPTED_KEY) {
            return self.encrypted_key(password);
        }
        match PrivateKeyDer::from_pem_slice(self.text.as_bytes()) {
            Ok(key) => Ok(key),
            Err(rustls::pki_types::pem::Error::NoItemsFound) => {
                let what = "private key (-----BEGIN PRIVATE KEY-----)";
                Err(self.error(self.lacks(what)))
            }
            Err(error) => Err(self.broken(&error)),
        }
    }

    fn encrypted_key(&self, password: Option<&str>) -> Result<PrivateKeyDer<'static>, TlsError> {
        let Some(password) = password else {
            return Err(self.error(
                "it is encrypted; set its password in [tls], such as key_password = \"{{ env.KEY_PASSWORD }}\"",
            ));
        };
        // The encoding of an encrypted key differs in its label alone.
        let text = self.text.replace(ENCRYPTED_KEY, KEY);
        let sections = <(SectionKind, Vec<u8>)>::pem_slice_iter(text.as_bytes());
        let mut keys = sections.filter(
            |section| !matches!(section, Ok((kind, _)) if *kind != SectionKind::PrivateKey),
        );
        let der = match keys.next() {
            Some(Ok((_, der))) => der,
            Some(Err(error)) => return Err(self.broken(&error)),
            None => return Err(self.error(self.lacks("private key"))),
        };
        let encrypted = EncryptedPrivateKeyInfoRef::try_from(der.as_slice());
        let decrypted = encrypted
            .map_err(|_| self.error(self.unknown_encryption()))?
            .decrypt(password);
        match decrypted {
            Ok(key) => Ok(PrivatePkcs8KeyDer::from(key.as_bytes().to_vec()).into()),
            // A wrong password may also decrypt to something that is not a key.
            Err(
                pkcs8::Error::EncryptedPrivateKey(pkcs8::pkcs5::Error::DecryptFailed)
                | pkcs8::Error::Asn1(_)
                | pkcs8::Error::KeyMalformed(_),
            ) => Err(self.error("the password in `key_password` is wrong")),
            Err(_) => Err(self.error(self.unknown_encryption())),
        }
    }

    fn unknown_encryption(&self) -> String {
        let path = self.path.display();
        format!(
            "it is encrypted with an algorithm that is not supported; convert it with \
             `openssl pkcs8 -topk8 -v2 aes-256-cbc -in {path} -out key.pem`"
        )
    }

    /// The labels of its sections.
    fn labels(&self) -> Vec<&str> {
        let lines = self.text.lines();
        let labels = lines.filter_map(|line| {
            let label = line.trim_end().strip_prefix("-----BEGIN ")?;
            label.strip_suffix("-----")
        });
        labels.collect()
    }

    /// Text of an error for a file without the expected content.
    fn lacks(&self, what: &str) -> String {
        match self.labels().as_slice() {
            [] => format!("it contains no {what}; give a PEM file"),
            labels if labels.contains(&"TRUSTED CERTIFICATE") => {
                let path = self.path.display();
                format!(
                    "it contains a certificate with trust settings of OpenSSL; convert it with \
                     `openssl x509 -in {path} -out certificate.pem`"
                )
            }
            labels => format!("it contains no {what}, only {}", labels.join(", ")),
        }
    }

    fn broken(&self, error: &rustls::pki_types::pem::Error) -> TlsError {
        use rustls::pki_types::pem::Error;
        self.error(match error {
            Error::MissingSectionEnd { end_marker } => {
                let label = String::from_utf8_lossy(end_marker);
                format!("the line -----END {label}----- is missing")
            }
            Error::IllegalSectionStart { line } => {
                let line = String::from_utf8_lossy(line);
                format!("invalid line `{}`", line.trim_end())
            }
            Error::Base64Decode(_) => "a section is not valid base64".to_owned(),
            Error::SectionTooLarge => "a section is too large".to_owned(),
            _ => "it is not a PEM file".to_owned(),
        })
    }

    /// Error of the file.
    pub(super) fn error(&self, error: impl Into<String>) -> TlsError {
        unusable(self.role, self.path, error.into())
    }
}

fn unusable(role: &'static str, path: &Path, error: String) -> TlsError {
    TlsError::File {
        role,
        path: PathBuf::from(path),
        error,
    }
}

/// Text of an error for a file in DER format.
fn of_der(bytes: &[u8], content: Content, path: &Path) -> String {
    let path = path.display();
    let command = if is_pkcs12(bytes) {
        return format!(
            "it is a PKCS #12 file; convert it with `openssl pkcs12 -in {path} -out all.pem`, and give all.pem as \
             `certificate` and as `key`"
        );
    } else if content == Content::Key {
        format!("openssl pkey -inform der -in {path} -out key.pem")
    } else {
        format!("openssl x509 -inform der -in {path} -out certificate.pem")
    };
    format!("it is in DER format; convert it to PEM with `{command}`")
}

/// Whether a DER file begins with the version of PKCS #12, 3 (RFC 7292, section 4).
fn is_pkcs12(bytes: &[u8]) -> bool {
    // The length takes one byte, or the number of bytes that the first one contains.
    let length_bytes = match bytes.get(1) {
        Some(first) if first & 0x80 != 0 => 1 + usize::from(first & 0x7f),
        _ => 1,
    };
    let content = bytes.get(1 + length_bytes..);
    content.is_some_and(|content| content.starts_with(&[2, 1, 3]))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const PASSWORD: &str = "open-sesame";
    const CERTIFICATE_FILE: &[u8] = include_bytes!("keys/certificate.pem");
    const PLAIN: &[u8] = include_bytes!("keys/plain.pem");
    /// `openssl pkcs8 -topk8`, and with the options of older versions.
    const AES: &[u8] = include_bytes!("keys/aes-256.pem");
    const DES3: &[u8] = include_bytes!("keys/des3-sha1.pem");
    const SCRYPT: &[u8] = include_bytes!("keys/scrypt.pem");
    /// `openssl pkcs8 -v1`, and `openssl pkey -traditional`.
    const PBES1: &[u8] = include_bytes!("keys/pbes1.pem");
    const TRADITIONAL: &[u8] = include_bytes!("keys/traditional.pem");
    /// `openssl ecparam -genkey`.
    const SEC1: &[u8] = include_bytes!("keys/sec1.pem");

    fn der_of(pem: &[u8]) -> Vec<u8> {
        let mut sections = <(SectionKind, Vec<u8>)>::pem_slice_iter(pem);
        sections.next().unwrap().unwrap().1
    }

    fn key(bytes: &[u8], password: Option<&str>) -> Result<PrivateKeyDer<'static>, String> {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("k.pem");
        std::fs::write(&path, bytes).unwrap();
        let file = PemFile::with_key("client key", &path);
        let key = file.and_then(|file| file.key(password));
        key.map_err(|error| error.to_string())
    }

    fn certificates(bytes: &[u8]) -> Result<usize, String> {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("c.pem");
        std::fs::write(&path, bytes).unwrap();
        let file = PemFile::with_certificates("trusted certificates", &path);
        let certificates = file.and_then(|file| file.certificates());
        certificates
            .map(|certificates| certificates.len())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn encrypted_key_is_decrypted_with_its_password() {
        let plain = key(PLAIN, None).unwrap();
        for (name, bytes) in [("aes", AES), ("des3", DES3), ("scrypt", SCRYPT)] {
            assert_eq!(key(bytes, Some(PASSWORD)).as_ref(), Ok(&plain), "{name}");
        }
        assert_eq!(key(PLAIN, Some("not needed")), Ok(plain));
        assert!(matches!(key(SEC1, None), Ok(PrivateKeyDer::Sec1(_))));
    }

    #[test]
    fn unusable_key_is_explained_with_a_remedy() {
        for (bytes, password, part) in [
            (AES, None, "set its password in [tls], such as key_password"),
            (AES, Some("wrong"), "the password in `key_password` is wrong"),
            (SCRYPT, Some(""), "the password in `key_password` is wrong"),
            (PBES1, Some(PASSWORD), "openssl pkcs8 -topk8 -v2 aes-256-cbc -in"),
            (TRADITIONAL, Some(PASSWORD), "openssl pkcs8 -topk8 -in"),
            (TRADITIONAL, None, "traditional format of OpenSSL"),
            (CERTIFICATE_FILE, None, "no private key (-----BEGIN PRIVATE KEY-----), only CERTIFICATE"),
            (b"", None, "give a PEM file"),
            (&der_of(PLAIN), None, "openssl pkey -inform der"),
            (&PLAIN[..100], None, "-----END PRIVATE KEY----- is missing"),
            (b"-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----\n", None, "not valid base64"),
            (b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n", Some("x"), "not supported"),
        ] {
            let error = key(bytes, password).unwrap_err();
            assert!(error.contains(part), "{part}: {error}");
            assert!(!error.contains(PASSWORD), "{error}");
        }
    }

    #[test]
    fn certificates_are_read_from_files_of_any_editor() {
        let text = String::from_utf8(CERTIFICATE_FILE.to_vec()).unwrap();
        let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
        let explained = format!("Issuer: é\n{text}\n# the second\n{text}");
        let old = text.replace("CERTIFICATE", "X509 CERTIFICATE");
        let with_key = [PLAIN, CERTIFICATE_FILE].concat();
        for (bytes, number) in [
            (text.as_bytes(), 1),
            (windows.as_bytes(), 1),
            (explained.as_bytes(), 2),
            (old.as_bytes(), 1),
            (&with_key, 1),
        ] {
            assert_eq!(certificates(bytes), Ok(number));
        }
    }

    #[test]
    fn unusable_certificates_are_explained_with_a_remedy() {
        let text = String::from_utf8(CERTIFICATE_FILE.to_vec()).unwrap();
        let trusted = text.replace("CERTIFICATE", "TRUSTED CERTIFICATE");
        for (bytes, part) in [
            (
                &der_of(CERTIFICATE_FILE)[..],
                "openssl x509 -inform der -in",
            ),
            (b"\x30\x82\x01\x00\x02\x01\x03\x30", "openssl pkcs12 -in"),
            (b"\x30\x06\x02\x01\x03\x30", "openssl pkcs12 -in"),
            (
                PLAIN,
                "no certificate (-----BEGIN CERTIFICATE-----), only PRIVATE KEY",
            ),
            (trusted.as_bytes(), "openssl x509 -in"),
            (b"not PEM", "give a PEM file"),
        ] {
            let error = certificates(bytes).unwrap_err();
            assert!(error.contains(part), "{part}: {error}");
        }
        let missing = PemFile::with_certificates("trusted certificates", Path::new("none.pem"));
        let error = missing.err().unwrap().to_string();
        let expected = "cannot use the trusted certificates none.pem: No such file";
        assert!(error.starts_with(expected), "{error}");
    }
}
