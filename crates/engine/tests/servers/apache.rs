//! Apache.

use std::fs;
use std::process::Command;

use crate::running::Running;
use crate::site::{Mode, Site};

const MODULES: [&str; 8] = [
    "mpm_event",
    "authz_core",
    "mime",
    "filter",
    "deflate",
    "socache_shmcb",
    "ssl",
    "http2",
];

pub(crate) fn start(site: &Site, mode: Mode) -> Option<Running> {
    if !crate::script::is_there("apache2", "/usr/sbin/apache2") {
        return None;
    }
    let folder = site.folder().display().to_string();
    let serve = |port: u16| {
        let file = format!("{folder}/apache.conf");
        fs::write(&file, config(&folder, port, mode)).unwrap();
        let mut command = Command::new("/usr/sbin/apache2");
        command.args(["-DFOREGROUND", "-f", &file]);
        command
    };
    Some(Running::on_free_port("Apache", site, mode, serve))
}

fn config(folder: &str, port: u16, mode: Mode) -> String {
    let modules: String = MODULES
        .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"))
        .concat();
    let keep_alive = if mode.keep_alive { "On" } else { "Off" };
    let tls = if mode.tls {
        format!(
            "SSLEngine on\nSSLCertificateFile {folder}/certificate.pem\nSSLCertificateKeyFile {folder}/key.pem\n"
        )
    } else {
        String::new()
    };
    let protocols = match (mode.http2, mode.tls) {
        (false, _) => "http/1.1",
        (true, true) => "h2",
        // Without `Protocols`, it does not offer HTTP/2 on plain TCP.
        (true, false) => "h2c http/1.1",
    };
    // As root, it requires an unprivileged user.
    let user = if rustix::process::geteuid().is_root() {
        "User www-data\nGroup www-data\n"
    } else {
        ""
    };
    format!(
        "{modules}{user}ServerRoot {folder}
ServerName localhost
DefaultRuntimeDir {folder}
PidFile {folder}/apache.pid
Listen 127.0.0.1:{port}
ErrorLog {folder}/error.log
LogFormat \"%r\" line
CustomLog {folder}/access.log line
TypesConfig /dev/null
AddType text/plain .txt
AddOutputFilterByType DEFLATE text/plain
Protocols {protocols}
KeepAlive {keep_alive}
MaxKeepAliveRequests 0
DocumentRoot {folder}/site
<Directory {folder}/site>
  Require all granted
</Directory>
{tls}"
    )
}
