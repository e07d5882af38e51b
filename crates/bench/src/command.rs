//! Commands run with their output shown.

use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// Prints what runs, as a person would type it, and runs it without input.
pub fn run_shown(command: &mut Command, shown: &str) -> anyhow::Result<()> {
    println!("    {shown}");
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot run `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` ended with {status}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_command_is_named_with_its_exit_status() {
        let error = run_shown(&mut Command::new("false"), "cargo fmt")
            .unwrap_err()
            .to_string();
        assert_eq!(error, "`cargo fmt` ended with exit status: 1");
    }

    #[test]
    fn a_command_that_is_not_there_is_named() {
        let mut command = Command::new("no-such-program-as-this");
        let error = run_shown(&mut command, "cargo fmt")
            .unwrap_err()
            .to_string();
        assert_eq!(error, "cannot run `cargo fmt`");
    }
}
