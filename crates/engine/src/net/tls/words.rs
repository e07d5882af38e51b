//! Errors of TLS in words, with remedies.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error, OtherError};

/// Remedy for a certificate that is not accepted.
const INSECURE: &str = "accept any certificate with --insecure";

/// An error of a handshake, or of a connection after it.
pub(super) fn in_words(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(reason) => {
            format!("the server's certificate {}", certificate_in_words(reason))
        }
        Error::AlertReceived(alert) => alert_in_words(*alert),
        Error::InvalidMessage(_) => {
            "the server does not respond in TLS; check the port, and whether the host is an http:// URL".into()
        }
        Error::PeerIncompatible(reason) => format!(
            "no TLS settings in common with the server ({}); brunt supports TLS 1.2 and 1.3, and `versions` in [tls] \
             restricts them",
            spaced(&format!("{reason:?}"))
        ),
        Error::PeerMisbehaved(reason) => {
            format!("the server violated TLS: {}", spaced(&format!("{reason:?}")))
        }
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            "the server sent a TLS message out of order".into()
        }
        Error::DecryptError => "a TLS record from the server cannot be decrypted".into(),
        Error::PeerSentOversizedRecord => "the server sent a TLS record that is too large".into(),
        Error::NoCertificatesPresented => "the server sent no certificate".into(),
        other => spaced(&format!("{other:?}")),
    }
}

/// Whether the server supports none of the protocols that were offered by ALPN.
pub(super) fn is_about_alpn(error: &Error) -> bool {
    *error == Error::AlertReceived(AlertDescription::NoApplicationProtocol)
        || *error == Error::NoApplicationProtocol
}

/// The reason why a certificate is not accepted, after "the certificate".
#[expect(deprecated, reason = "rustls still returns these errors")]
fn certificate_in_words(reason: &CertificateError) -> String {
    match reason {
        CertificateError::UnknownIssuer => format!(
            "is signed by an authority that is not trusted, or the server does not send the intermediate certificates; \
             add the authority or the certificate itself to `ca` in [tls], or {INSECURE}"
        ),
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("expired on {}; renew it, or {INSECURE}", date(*not_after))
        }
        CertificateError::Expired => format!("has expired; renew it, or {INSECURE}"),
        CertificateError::NotValidYetContext { not_before, .. } => format!(
            "is not valid before {}; check the clock of this machine, or {INSECURE}",
            date(*not_before)
        ),
        CertificateError::NotValidYet => {
            format!("is not valid yet; check the clock of this machine, or {INSECURE}")
        }
        CertificateError::NotValidForNameContext {
            expected,
            presented,
        } => {
            let names = match presented.as_slice() {
                [] => "names no host (subjectAltName)".to_owned(),
                names => {
                    let names: Vec<&str> = names.iter().map(|name| bare_name(name)).collect();
                    format!("is for {}", names.join(", "))
                }
            };
            format!(
                "{names}, and is not valid for {}; set `server_name` in [tls] to a name of the certificate, or {INSECURE}",
                expected.to_str()
            )
        }
        CertificateError::NotValidForName => format!(
            "is not valid for the host name; set `server_name` in [tls] to a name of the certificate, or {INSECURE}"
        ),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            format!("is not meant for servers (extendedKeyUsage); use another, or {INSECURE}")
        }
        CertificateError::BadSignature => format!(
            "is not signed by the trusted authority that it names; add its authority or the certificate itself to `ca` \
             in [tls], or {INSECURE}"
        ),
        CertificateError::UnsupportedSignatureAlgorithm
        | CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => format!(
            "has a signature of an algorithm that is not supported, such as SHA-1; add the certificate itself to `ca` in \
             [tls], or {INSECURE}"
        ),
        CertificateError::BadEncoding => format!("cannot be parsed; create another, or {INSECURE}"),
        CertificateError::Other(other) => other_in_words(other),
        other => format!(
            "is not valid: {}; {INSECURE}",
            spaced(&format!("{other:?}"))
        ),
    }
}

fn other_in_words(other: &OtherError) -> String {
    match other.0.downcast_ref::<webpki::Error>() {
        Some(webpki::Error::CaUsedAsEndEntity) => format!(
            "is that of an authority; add exactly this certificate to `ca` in [tls] to trust it, or {INSECURE}"
        ),
        Some(webpki::Error::UnsupportedCertVersion) => format!(
            "is of X.509 version 1; create one of version 3, such as with `openssl req -x509`, or {INSECURE}"
        ),
        Some(reason) => {
            let reason = spaced(&format!("{reason:?}"));
            format!("cannot be verified ({reason}); use another, or {INSECURE}")
        }
        None => format!("cannot be verified; {INSECURE}"),
    }
}

/// A fatal alert of the server (RFC 8446, section 6.2).
fn alert_in_words(alert: AlertDescription) -> String {
    use AlertDescription as Alert;
    let name = spaced(&format!("{alert:?}"));
    match alert {
        Alert::CertificateRequired => {
            "the server requires a client certificate; set `certificate` and `key` in [tls]".into()
        }
        Alert::NoCertificate
        | Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::UnknownCA
        | Alert::AccessDenied => format!(
            "the server rejected the client certificate, or its absence ({name}); check `certificate` and `key` in [tls]"
        ),
        Alert::ProtocolVersion => {
            "the server supports none of the TLS versions offered; brunt supports 1.2 and 1.3, and `versions` in [tls] \
             restricts them"
                .into()
        }
        Alert::UnrecognisedName => {
            "the server does not know the host name (SNI); check the host, or set `server_name` in [tls]".into()
        }
        Alert::HandshakeFailure | Alert::InsufficientSecurity => format!(
            "the server ended the handshake ({name}): no cipher suite in common, or it requires a client certificate, \
             `certificate` and `key` in [tls]"
        ),
        Alert::NoApplicationProtocol => {
            "the server supports none of the HTTP versions offered (ALPN)".into()
        }
        _ if name.starts_with("alert") => {
            format!("the server ended the connection with the TLS alert {}", u8::from(alert))
        }
        _ => format!("the server ended the connection with the TLS alert `{name}`"),
    }
}

/// A name of an error as words: `HandshakeFailure` as "handshake failure". Details after the name are omitted.
fn spaced(name: &str) -> String {
    let name = name.split(['(', '{', ' ']).next().unwrap_or_default();
    let mut words = String::new();
    let mut is_in_word = false;
    for letter in name.chars() {
        if letter.is_uppercase() && is_in_word {
            words.push(' ');
        }
        is_in_word = letter.is_lowercase() || letter.is_ascii_digit();
        words.extend(letter.to_lowercase());
    }
    words
}

/// A name of a certificate without its kind: `DnsName("a.example")` as "a.example".
fn bare_name(name: &str) -> &str {
    let inner = name
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.unwrap_or(name).trim_matches('"')
}

fn date(time: UnixTime) -> String {
    let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
    match Timestamp::from_second(seconds) {
        Ok(time) => {
            let time = time.to_zoned(TimeZone::UTC);
            time.strftime("%Y-%m-%d %H:%M UTC").to_string()
        }
        Err(_) => format!("second {seconds} of the Unix time"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rustls::pki_types::ServerName;
    use rustls::{InvalidMessage, PeerIncompatible, PeerMisbehaved};

    use super::*;

    #[test]
    fn errors_are_in_words() {
        let of_certificate = |reason| Error::InvalidCertificate(reason);
        let time = UnixTime::since_unix_epoch(std::time::Duration::from_hours(271_752));
        let other = |error| CertificateError::Other(OtherError(Arc::new(error)));
        for (error, part) in [
            (of_certificate(CertificateError::UnknownIssuer), "to `ca`"),
            (
                of_certificate(CertificateError::ExpiredContext {
                    time,
                    not_after: time,
                }),
                "expired on 2001-01-01 00:00 UTC",
            ),
            (
                of_certificate(CertificateError::NotValidForNameContext {
                    expected: ServerName::try_from("a.example").unwrap(),
                    presented: vec!["DnsName(\"b.example\")".into(), "IpAddress(::1)".into()],
                }),
                "is for b.example, ::1, and is not valid for a.example; set `server_name`",
            ),
            (
                of_certificate(CertificateError::NotValidForNameContext {
                    expected: ServerName::try_from("127.0.0.1").unwrap(),
                    presented: Vec::new(),
                }),
                "names no host (subjectAltName), and is not valid for 127.0.0.1",
            ),
            (
                of_certificate(other(webpki::Error::CaUsedAsEndEntity)),
                "is that of an authority; add exactly this certificate to `ca`",
            ),
            (
                of_certificate(other(webpki::Error::NameConstraintViolation)),
                "(name constraint violation)",
            ),
            (
                Error::AlertReceived(AlertDescription::CertificateRequired),
                "requires a client certificate",
            ),
            (
                Error::AlertReceived(AlertDescription::UnknownCA),
                "(unknown ca)",
            ),
            (
                Error::AlertReceived(AlertDescription::Unknown(99)),
                "TLS alert 99",
            ),
            (
                Error::InvalidMessage(InvalidMessage::InvalidContentType),
                "http:// URL",
            ),
            (
                Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13),
                "(server does not support tls12 or13)",
            ),
            (
                Error::PeerMisbehaved(PeerMisbehaved::TooManyEmptyFragments),
                "too many empty fragments",
            ),
            (Error::HandshakeNotComplete, "handshake not complete"),
        ] {
            let words = in_words(&error);
            assert!(words.contains(part), "{error:?}: {words}");
            let is_plain = !words.contains(['{', '"']) && !words.contains("Error");
            assert!(is_plain, "{error:?}: {words}");
        }
    }
}
