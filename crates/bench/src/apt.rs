//! Installation of Debian packages without prompts.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::command::run_shown;

/// The way to install packages on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Installer {
    Apt,
    SudoApt,
    /// Packages cannot be installed without the user. Holds the reason, with a remedy.
    Manual(&'static str),
}

/// Installs packages on Debian, as root or with a `sudo` that needs no password.
///
/// # Errors
///
/// If the system is not Debian, the user may not install packages, or `apt-get` fails.
pub fn install(packages: &[&str]) -> anyhow::Result<()> {
    match installer() {
        Installer::Apt => install_with(&["apt-get"], packages),
        Installer::SudoApt => install_with(&["sudo", "-n", "apt-get"], packages),
        Installer::Manual(reason) => bail!(reason),
    }
}

fn installer() -> Installer {
    if !Path::new("/etc/debian_version").exists() || !is_on_path("apt-get") {
        return Installer::Manual("this is not a Debian system: install the package yourself");
    }
    if rustix::process::geteuid().is_root() {
        return Installer::Apt;
    }
    if is_on_path("sudo") && succeeds("sudo", &["-n", "true"]) {
        return Installer::SudoApt;
    }
    Installer::Manual(
        "this user is not root, and `sudo` is missing or asks for a password: install the package yourself",
    )
}

/// Updates the package lists, since a new machine has none, and installs the packages.
fn install_with(apt: &[&str], packages: &[&str]) -> anyhow::Result<()> {
    let update = ["-q", "-o", "Acquire::Retries=3", "update"];
    run_apt(apt, &update)?;
    let mut arguments = vec!["-qq", "-o", "Acquire::Retries=3", "--no-install-recommends"];
    arguments.extend(["-y", "install"]);
    arguments.extend(packages);
    run_apt(apt, &arguments)
}

fn run_apt(apt: &[&str], arguments: &[&str]) -> anyhow::Result<()> {
    let (program, first_arguments) = apt
        .split_first()
        .context("no program to install packages with")?;
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

/// Whether the program is in a folder of `PATH`, or in one of the folders for servers, which are not in every user's
/// `PATH`.
pub fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let server_folders = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(server_folders)
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
    fn program_on_the_path_is_found_by_its_name() {
        assert!(is_on_path("sh"));
        assert!(!is_on_path("no-such-program-as-this"));
    }

    #[test]
    fn failed_install_names_the_command() {
        let error = run_apt(&["false"], &["update"]).unwrap_err().to_string();
        assert_eq!(error, "`false update` failed: exit status: 1");
    }
}
