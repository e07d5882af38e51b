//! A site to serve: its files, and the modes of its server.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use brunt_testbed::TestCa;
use tempfile::TempDir;

pub(crate) const SMALL_BYTES: usize = 1 << 10;
pub(crate) const LARGE_BYTES: usize = 10 << 20;

/// Mode of a server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mode {
    pub(crate) tls: bool,
    pub(crate) keep_alive: bool,
    pub(crate) http2: bool,
}

impl Mode {
    pub(crate) const fn new(tls: bool, keep_alive: bool) -> Self {
        Self {
            tls,
            keep_alive,
            http2: false,
        }
    }

    /// HTTP/2, negotiated by ALPN or with prior knowledge.
    pub(crate) const fn http2(tls: bool) -> Self {
        Self {
            tls,
            keep_alive: true,
            http2: true,
        }
    }
}

/// A folder with `site/`, a certificate for localhost, and an empty `access.log`, to which the
/// server appends a line for each request.
pub(crate) struct Site(TempDir);

impl Site {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path();
        // Some servers read the files as another user.
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
        fs::create_dir(path.join("site")).unwrap();
        fs::write(path.join("site/empty"), "").unwrap();
        fs::write(path.join("site/small"), "s".repeat(SMALL_BYTES)).unwrap();
        fs::write(path.join("site/large"), "l".repeat(LARGE_BYTES)).unwrap();
        let text = "A line like any other.\n".repeat(2_000) + "The last line of all.\n";
        fs::write(path.join("site/text.txt"), text).unwrap();
        let authority = TestCa::new();
        let identity = authority.issue(&["localhost"]);
        fs::write(path.join("ca.pem"), authority.pem()).unwrap();
        fs::write(path.join("certificate.pem"), identity.certificate).unwrap();
        fs::write(path.join("key.pem"), identity.key).unwrap();
        fs::write(path.join("access.log"), "").unwrap();
        Self(folder)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }
}
