//! A certificate authority for tests.

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate authority with its own key.
pub struct TestCa {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its private key, as PEM.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// The private key.
    pub key: String,
}

impl Identity {
    /// Creates a certificate for these names that signed itself and is that of an authority, as
    /// `openssl req -x509` does. It is valid from the start of one year to the start of another.
    ///
    /// # Panics
    /// If a name is invalid.
    pub fn self_signed(names: &[&str], (from, to): (i32, i32)) -> Self {
        let key = KeyPair::generate().expect("a key");
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("host names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.not_before = date_time_ymd(from, 1, 1);
        params.not_after = date_time_ymd(to, 1, 1);
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    /// The certificate and the key, parsed for rustls.
    ///
    /// # Panics
    /// If it contains no certificate or no key.
    pub(crate) fn chain_and_key(&self) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let certificate = CertificateDer::from_pem_slice(self.certificate.as_bytes());
        let key = PrivateKeyDer::from_pem_slice(self.key.as_bytes());
        (
            vec![certificate.expect("a certificate")],
            key.expect("a key"),
        )
    }
}

impl TestCa {
    /// Creates an authority with a new key.
    ///
    /// # Panics
    /// If no key can be generated.
    #[expect(clippy::new_without_default, reason = "each authority is different")]
    pub fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            certificate,
            issuer: Issuer::new(params, key),
        }
    }

    /// Its certificate, as PEM.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// Issues a certificate for these names and addresses, for servers and clients.
    ///
    /// # Panics
    /// If a name is invalid.
    pub fn issue(&self, names: &[&str]) -> Identity {
        self.signed(names, |_| ())
    }

    /// Same as [`Self::issue`], valid from the start of one year to the start of another.
    ///
    /// # Panics
    /// If a name is invalid.
    pub fn issue_for(&self, names: &[&str], (from, to): (i32, i32)) -> Identity {
        self.signed(names, |params| {
            params.not_before = date_time_ymd(from, 1, 1);
            params.not_after = date_time_ymd(to, 1, 1);
        })
    }

    fn signed(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("host names");
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).expect("a signature");
        Identity {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}
