//! Debian's packages: installed where that needs no question.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::command::run_shown;

/// How packages get onto this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Installer {
    Apt,
    SudoApt,
    /// The user installs them; the text says why.
    Nobody(&'static str),
}

/// Installs packages on Debian, as root or with a `sudo` that asks nothing; fails elsewhere, and says why.
pub fn install(packages: &[&str]) -> anyhow::Result<()> {
    match installer() {
        Installer::Apt => install_with(&["apt-get"], packages),
        Installer::SudoApt => install_with(&["sudo", "-n", "apt-get"], packages),
        Installer::Nobody(reason) => bail!(reason),
    }
}

fn installer() -> Installer {
    if !Path::new("/etc/debian_version").exists() || !is_on_path("apt-get") {
        return Installer::Nobody("this is not a Debian system: install it by hand");
    }
    if rustix::process::geteuid().is_root() {
        return Installer::Apt;
    }
    if is_on_path("sudo") && succeeds("sudo", &["-n", "true"]) {
        return Installer::SudoApt;
    }
    Installer::Nobody(
        "this user is not root, and `sudo` is missing or asks for a password: install it by hand",
    )
}

/// Brings the package lists up to date first: a fresh machine has none.
fn install_with(apt: &[&str], packages: &[&str]) -> anyhow::Result<()> {
    let update = ["-q", "-o", "Acquire::Retries=3", "update"];
    run_apt(apt, &update)?;
    let mut arguments = vec!["-qq", "-o", "Acquire::Retries=3", "--no-install-recommends"];
    arguments.extend(["-y", "install"]);
    arguments.extend(packages);
    run_apt(apt, &arguments)
}

fn run_apt(apt: &[&str], arguments: &[&str]) -> anyhow::Result<()> {
    let (program, first_arguments) = apt.split_first().context("no program to install with")?;
    let mut command = Command::new(program);
    command
        .args(first_arguments)
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive");
    run_shown(
        &mut command,
        &format!("{} {}", apt.join(" "), arguments.join(" ")),
    )
}

/// Servers lie in a folder that is not on every user's path.
pub fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let servers = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(servers)
        .any(|folder| folder.join(program).is_file())
}

fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_by_its_name_alone() {
        assert!(is_on_path("sh"));
        assert!(!is_on_path("no-such-program-as-this"));
    }

    #[test]
    fn a_failed_install_names_the_command() {
        let error = run_apt(&["false"], &["update"]).unwrap_err().to_string();
        assert_eq!(error, "`false update` ended with exit status: 1");
    }
}
