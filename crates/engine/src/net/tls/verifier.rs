//! Verification of server certificates.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::der::Decode;

/// Accepts certificates that trusted authorities signed, and trusted certificates themselves, also if they are those of
/// an authority, as OpenSSL does with a partial chain: `openssl req -x509` creates such a certificate. The host name
/// and the validity are verified in any case.
#[derive(Debug)]
pub(super) struct TrustedCertificates {
    pub(super) chains: Arc<WebPkiServerVerifier>,
    /// Certificates of the file with trusted authorities.
    pub(super) certificates: Vec<CertificateDer<'static>>,
}

impl ServerCertVerifier for TrustedCertificates {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chains = &self.chains;
        let verified =
            chains.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        verified.or_else(|error| {
            let may_be_trusted = is_about_issuer(&error) || lacks_names(&error);
            if !may_be_trusted || !self.certificates.contains(end_entity) {
                return Err(error);
            }
            match verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name) {
                Err(error) if !lacks_names(&error) => Err(error),
                Err(error) if !has_common_name(end_entity, server_name) => Err(error),
                _ => Ok(ServerCertVerified::assertion()),
            }
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let chains = &self.chains;
        chains.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let chains = &self.chains;
        chains.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chains.supported_verify_schemes()
    }
}

/// Whether only the issuer of a certificate is not accepted, or its role. The validity is verified before these.
#[expect(deprecated, reason = "rustls still returns this error")]
fn is_about_issuer(error: &Error) -> bool {
    let Error::InvalidCertificate(reason) = error else {
        return false;
    };
    match reason {
        CertificateError::UnknownIssuer
        | CertificateError::BadSignature
        | CertificateError::UnsupportedSignatureAlgorithm
        | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => true,
        CertificateError::Other(other) => matches!(
            other.0.downcast_ref(),
            Some(webpki::Error::CaUsedAsEndEntity)
        ),
        _ => false,
    }
}

/// Whether a certificate is valid for no host according to its `subjectAltName`.
fn lacks_names(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(CertificateError::NotValidForNameContext { presented, .. })
            if presented.is_empty()
    )
}

/// Whether the common name of a certificate is that of the host. `openssl req -x509` writes no other name.
fn has_common_name(certificate: &CertificateDer<'_>, server_name: &ServerName<'_>) -> bool {
    let Ok(certificate) = Certificate::from_der(certificate) else {
        return false;
    };
    let subject = certificate.tbs_certificate().subject();
    let Ok(Some(common_name)) = subject.common_name() else {
        return false;
    };
    let (name, host) = (common_name.value(), server_name.to_str());
    let is_dns = matches!(server_name, ServerName::DnsName(_));
    let of_domain = host.split_once('.').filter(|_| is_dns);
    let is_within =
        |domain: &str| of_domain.is_some_and(|(_, own)| own.eq_ignore_ascii_case(domain));
    name.eq_ignore_ascii_case(&host) || name.strip_prefix("*.").is_some_and(is_within)
}

/// Accepts any certificate, and any key. Whoever can intercept the connection could send a certificate of their own, so
/// the signature of the handshake proves nothing.
#[derive(Debug)]
pub(super) struct AnyCertificate(pub(super) Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    fn certificate(common_name: &str) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params
            .distinguished_name
            .push(DnType::CommonName, common_name);
        let certificate = params.self_signed(&KeyPair::generate().unwrap());
        certificate.unwrap().der().clone()
    }

    #[test]
    fn common_name_is_compared_as_curl_does() {
        for (common_name, host, expected) in [
            ("localhost", "localhost", true),
            ("LocalHost", "localhost", true),
            ("127.0.0.1", "127.0.0.1", true),
            ("*.example.com", "a.example.com", true),
            ("*.example.com", "example.com", false),
            ("*.example.com", "a.b.example.com", false),
            ("*.0.0.1", "127.0.0.1", false),
            ("localhost", "localhost.example.com", false),
            ("a", "b", false),
        ] {
            let server_name = ServerName::try_from(host).unwrap();
            let found = has_common_name(&certificate(common_name), &server_name);
            assert_eq!(found, expected, "{common_name} {host}");
        }
        let broken = CertificateDer::from(vec![0x30, 0]);
        assert!(!has_common_name(
            &broken,
            &ServerName::try_from("a").unwrap()
        ));
    }
}
