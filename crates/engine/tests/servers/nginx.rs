//! nginx.

use std::fs;
use std::process::Command;

use crate::running::Running;
use crate::site::{Mode, Site};

pub(crate) fn start(site: &Site, mode: Mode) -> Option<Running> {
    if !crate::script::is_there("nginx", "/usr/sbin/nginx") {
        return None;
    }
    let folder = site.folder().display().to_string();
    let serve = |port: u16| {
        let file = format!("{folder}/nginx.conf");
        fs::write(&file, config(&folder, port, mode)).unwrap();
        let mut command = Command::new("/usr/sbin/nginx");
        command.args([
            "-p",
            &folder,
            "-e",
            &format!("{folder}/error.log"),
            "-c",
            &file,
        ]);
        command
    };
    Some(Running::on_free_port("nginx", site, mode, serve))
}

fn config(folder: &str, port: u16, mode: Mode) -> String {
    let keep_alive = if mode.keep_alive { "65" } else { "0" };
    let (ssl, tls) = if mode.tls {
        let tls = format!(
            "ssl_certificate {folder}/certificate.pem; ssl_certificate_key {folder}/key.pem;"
        );
        ("ssl", tls)
    } else {
        ("", String::new())
    };
    let http2 = if mode.http2 { "http2" } else { "" };
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("{what}_temp_path {folder}/{what};\n"))
        .concat();
    format!(
        "daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
  {temporary}
  log_format line '$request';
  access_log {folder}/access.log line;
  types {{ text/plain txt; }}
  gzip on;
  gzip_types text/plain;
  keepalive_timeout {keep_alive};
  client_max_body_size 50m;
  server {{
    listen 127.0.0.1:{port} {ssl} {http2};
    {tls}
    root {folder}/site;
    # A POST of a file that is served: as if it had been taken.
    error_page 405 =200 $uri;
  }}
}}
"
    )
}
