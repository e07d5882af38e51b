//! Servers that are scripts. They print their port on standard output.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::running::{Held, Process, Running, Seen};
use crate::site::{Mode, Site};

/// Whether a program is installed. If not, reports the test as skipped.
pub(crate) fn is_there(name: &str, program: &str) -> bool {
    let found = Command::new(program)
        .arg("-v")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .stdin(Stdio::null())
        .status();
    if found.is_err() {
        brunt_testbed::skip(name, &format!("{program} is not installed"));
    }
    found.is_ok()
}

/// The Python environment into which `cargo xtask check` installs uvicorn.
fn python() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    target.join("python/bin/python")
}

pub(crate) fn http_server(site: &Site, mode: Mode) -> Option<Running> {
    let script = include_str!("scripts/http_server.py");
    serve("Python's http.server", &python(), "py", script, site, mode)
}

pub(crate) fn uvicorn(site: &Site, mode: Mode) -> Option<Running> {
    let script = include_str!("scripts/uvicorn_app.py");
    serve("uvicorn", &python(), "py", script, site, mode)
}

pub(crate) fn node(site: &Site, mode: Mode) -> Option<Running> {
    let script = include_str!("scripts/node_server.cjs");
    serve("Node", Path::new("node"), "cjs", script, site, mode)
}

fn serve(
    name: &'static str,
    program: &Path,
    ending: &str,
    script: &str,
    site: &Site,
    mode: Mode,
) -> Option<Running> {
    if !is_there(name, program.to_str().unwrap()) {
        return None;
    }
    let file = site.folder().join("server").with_extension(ending);
    std::fs::write(&file, script).unwrap();
    let flag = |is_on: bool| if is_on { "1" } else { "0" };
    let child = Command::new(program)
        .arg(file)
        .args([flag(mode.tls), flag(mode.keep_alive)])
        .current_dir(site.folder())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut process = Process(child);
    let mut line = String::new();
    let mut output = BufReader::new(process.0.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let port = line.trim().parse();
    let port = port.unwrap_or_else(|_| panic!("{name} printed `{line}` instead of a port"));
    let seen = Seen::Log(site.folder().join("access.log"));
    Some(Running::new(name, port, mode, seen, Held::Process(process)))
}
