//! A certificate authority for tests.

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate authority with a key of its own.
pub struct TestCa {
    certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, as PEM.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// The private key.
    pub key: String,
}

impl Identity {
    /// The certificate and the key, as rustls takes them.
    ///
    /// # Panics
    /// Where it holds no certificate or no key.
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
    /// A new authority with a key of its own.
    ///
    /// # Panics
    /// Where no key can be made.
    #[expect(clippy::new_without_default, reason = "each one is another")]
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

    /// A certificate for these names and addresses, for servers and clients.
    ///
    /// # Panics
    /// Where a name is none.
    pub fn issue(&self, names: &[&str]) -> Identity {
        self.signed(names, |_| ())
    }

    /// The same, valid from the start of one year to the start of another.
    ///
    /// # Panics
    /// Where a name is none.
    pub fn issue_for(&self, names: &[&str], (from, to): (i32, i32)) -> Identity {
        self.signed(names, |params| {
            params.not_before = date_time_ymd(from, 1, 1);
            params.not_after = date_time_ymd(to, 1, 1);
        })
    }

    fn signed(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names of hosts");
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
